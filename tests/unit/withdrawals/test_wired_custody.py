"""From the configuration to the bank's word: `bank.query_url` set or not, keys that are wrong, the day in the header."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime

import pytest

from migration.domain.errors import ConfigurationError
from migration.sandbox.bank.query_keys import PASSWORD
from migration.sandbox.bank.query_server import serving
from migration.settings import load
from migration.wired_custody import bank_day, custody
from migration.withdrawals.custody import NoChannel
from tests.support.asking import customer

ACCOUNT = "6212460000000000018"


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    (folder / "faults.json").write_text("{}")
    with serving(folder, folder / "faults.json") as (url, desk):
        customer(desk, ACCOUNT, 123_456)
        yield url, desk, folder


@pytest.fixture
def configured(bank, pg_url, tmp_path):
    """Settings that ask the sandbox; `more` stands in [bank], `kind` in [cutover]."""
    url, _, folder = bank

    def made(*more: str, kind: str = "rehearsal", asked: bool = True):
        keys = folder / "query"
        lines = [
            f'[cutover]\nid = "2017-11-jx"\nbusiness_date = "2017-11-18"\nkind = "{kind}"\nworkspace = "{tmp_path}"',
            f'[store]\nurl = "{pg_url}"\n[legacy]\nurl = "sqlite:///{tmp_path}/none"',
            '[bank]\nproduct = "0110"\ninstitution = "000187"\nissuer = "MP"\nfee_account = "6212460110000000019"',
            'red_packet_account = "6212460110000000027"\nmaster_account = "6212460110000000035"',
            f'directory = "{tmp_path}"',
            f'query_url = "{url if asked else ""}"\nquery_inst_code = "00000187"\nquery_bank_code = "30050000"',
            f'query_key_file = "{keys}/platform.p12"\nquery_key_password = "{PASSWORD}"\nquery_tries = 5',
            f'query_bank_certificate = "{keys}/bank.pem"\nquery_ca_file = "{keys}/tls.pem"',
        ]
        place = tmp_path / "cutover.toml"
        place.write_text("\n".join([*lines, *more]), encoding="utf-8")
        return load(place)

    return made


async def patiently(found, account=ACCOUNT):
    """Ask until there is an answer or a reason: a busy machine may take longer than a page waits."""
    fen = await found.balance_fen(account)
    await asyncio.gather(*found._asked.values())
    return fen if fen is not None else await found.balance_fen(account)


def test_the_bank_is_asked_with_the_configured_keys_and_date(bank, configured):
    _, desk, folder = bank
    (folder / "faults.json").write_text("{}")
    desk.asked.clear()
    with custody(configured()) as found:
        assert asyncio.run(patiently(found)) == 123_456
        assert found.trouble == ""
    (question,) = desk.asked
    assert (question["txCode"], question["txDate"], question["instCode"]) == ("balanceQuery", "20171118", "00000187")


def test_somebody_waits_so_a_lost_answer_is_not_asked_for_again(bank, configured):
    _, desk, folder = bank
    (folder / "faults.json").write_text(
        json.dumps({"query": [{"id": "l", "match": "balance", "how": "502", "times": 9}]})
    )
    desk.asked.clear()
    with custody(configured()) as found:
        assert asyncio.run(patiently(found)) is None
        assert found.trouble == "QUERY_UNAVAILABLE"
    assert len(desk.asked) == 1  # query_tries = 5 is for the engine


def test_without_a_channel_nothing_is_known(configured):
    with custody(configured(asked=False)) as found:
        assert isinstance(found, NoChannel)
        assert asyncio.run(found.balance_fen(ACCOUNT)) is None


def test_wrong_keys_are_told_before_anybody_is_served(configured, tmp_path):
    settings = configured()
    (tmp_path / "rubbish").write_text("x")
    settings = settings.model_copy(
        update={"bank": settings.bank.model_copy(update={"query_key_file": tmp_path / "rubbish"})}
    )
    with pytest.raises(ConfigurationError, match="QUERY_KEY"), custody(settings):
        raise AssertionError("served")


def test_the_day_at_the_bank(configured, monkeypatch):
    """Late in the evening of the 21st in UTC it is the 22nd in Beijing."""
    late = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    monkeypatch.setattr("migration.clock.SystemClock.now", lambda _: late)
    assert bank_day(configured()) == date(2017, 11, 18)
    assert bank_day(configured(kind="production")) == date(2026, 11, 22)
