"""The balance in custody on the page, asked of the sandbox bank over real HTTPS: shown, or unknown, and never waited for long."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, contextmanager
from datetime import date, timedelta

import pytest

from migration.bank.balances import JxBalances
from migration.bank.query import Patience
from migration.clock import SystemClock
from migration.domain.errors import ConfigurationError, TransientError
from migration.sandbox.bank.query_server import serving
from migration.withdrawals import custody as room
from migration.withdrawals.custody import BankCustody
from tests.support.asking import DAY, client, customer
from tests.support.withdrawing import opening, run, world

ACCOUNT, OTHER = "6212460000000000018", "6212460000000000026"
WAIT_S = 0.5
SLOW = {"timeout", "drip"}
"""Faults in which no answer comes; with all others time is not short, however busy the machine is."""


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    """The sandbox's counter, its address, its plan of faults and its keys."""
    folder = tmp_path_factory.mktemp("bank")
    plan = folder / "faults.json"
    plan.write_text("{}")
    with serving(folder, plan) as (url, desk):
        customer(desk, ACCOUNT, 123_456)
        customer(desk, OTHER, 5, number=2)
        yield url, desk, plan, folder / "query"


@asynccontextmanager
async def shown(pg_url, bank, how="", seconds=3.0, times=100):
    """(world, http, desk): U1 and U2 have accounts in custody; the bank does `how` to its questions. Time is short where it is slow."""
    url, desk, plan, keys = bank
    rule = {
        "id": f"{how}-{time.monotonic_ns()}",
        "match": "^balanceQuery$",
        "how": how,
        "times": times,
        "seconds": seconds,
    }
    plan.write_text(json.dumps({"query": [rule] if how else []}))
    desk.asked.clear()

    @contextmanager
    def opened(day):
        patience = Patience(timeout_s=2.0 if how in SLOW else 30.0, tries=1)
        one = client(url, keys, SystemClock(), business_date=day, patience=patience)
        try:
            yield JxBalances(one)
        finally:
            one.close()

    async with world(pg_url, opening(fen=1_000)) as made:
        made.custody = BankCustody(opened, lambda: DAY, WAIT_S if how in SLOW else 30.0)
        await made.books.holders([("U1", ACCOUNT, True), ("U2", OTHER, True)])
        try:
            async with made.http() as http:
                yield made, http, desk
        finally:
            made.custody.close()


async def assets(made, http, user="U1"):
    return (await http.get("/me/assets", headers=made.issuer.bearer(user))).json()


async def trouble(made, http):
    headers = made.issuer.bearer("night", role="operator")
    return (await http.get("/ops/status", headers=headers)).json()["custody"]


def test_the_balance_is_shown_and_added_up(pg_url, bank):
    async def body():
        async with shown(pg_url, bank) as (made, http, desk):
            found = await assets(made, http)
            assert found["custody"] == {"opened": True, "activated": True, "balance_fen": 123_456}
            assert found["total_fen"] == 124_456
            await asyncio.gather(*(assets(made, http) for _ in range(5)))
            assert len(desk.asked) == 1  # an answer is good for a while
            assert (await assets(made, http, "U2"))["custody"]["balance_fen"] == 5
            assert await trouble(made, http) == ""

    run(body())


def test_callers_at_once_share_one_question(pg_url, bank):
    async def body():
        async with shown(pg_url, bank) as (made, http, desk):
            found = await asyncio.gather(*(assets(made, http) for _ in range(10)))
            assert {f["custody"]["balance_fen"] for f in found} == {123_456}
            assert len(desk.asked) == 1

    run(body())


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("timeout", "QUERY_UNAVAILABLE"),
        ("drip", "QUERY_UNAVAILABLE"),
        ("502", "QUERY_UNAVAILABLE"),
        ("reset", "QUERY_UNAVAILABLE"),
        ("rate", "QUERY_RATE"),
        ("day_cut", "QUERY_DAY_CUT"),
        ("signature", "QUERY_SIGNATURE"),
        ("currency", "QUERY_CONTRADICTS"),
        ("not_found", ""),
    ],
)
def test_unknown_is_shown_as_unknown_and_not_waited_for(pg_url, bank, how, code):
    async def body():
        async with shown(pg_url, bank, how) as (made, http, desk):
            begun = time.monotonic()
            found, other = await asyncio.gather(assets(made, http), http.get("/healthz"))
            took = time.monotonic() - begun
            assert (found["custody"]["balance_fen"], found["total_fen"]) == (None, None)
            assert found["legacy"]["left_fen"] == 1_000  # the rest of the page stands
            assert other.status_code == 200
            assert how not in SLOW or took < WAIT_S + 1.5, took
            await asyncio.gather(*made.custody._asked.values())  # the question itself ends by its own time-out
            assert await trouble(made, http) == code
            assert (await assets(made, http))["custody"]["balance_fen"] is None
            assert len(desk.asked) == 1  # a silent bank is left alone for a while

    run(body())


def test_a_question_that_hangs_holds_up_nobody_else(pg_url, bank):
    """The page of another user is answered while the first one waits for the bank."""

    async def body():
        async with shown(pg_url, bank, "timeout", times=1) as (made, http, _):
            waiting = asyncio.create_task(assets(made, http))
            headers = made.issuer.bearer("U2")
            assert (await http.get("/me/withdrawals", headers=headers)).status_code == 200
            assert not waiting.done()
            assert (await waiting)["custody"]["balance_fen"] is None

    run(body())


class Plain:
    """A bank in memory."""

    def __init__(self, day, log):
        self.day, self.log, self.fault = day, log, None

    def balance_fen(self, account_no):
        self.log.append((self.day, account_no))
        if self.fault:
            raise self.fault
        return 7


def counted(today):
    log, opened = [], []

    @contextmanager
    def channel(day):
        opened.append(Plain(day, log))
        yield opened[-1]
        log.append(("closed", day))

    return BankCustody(channel, lambda: today[0], WAIT_S), log, opened


def test_after_a_pause_the_bank_is_asked_again(monkeypatch):
    async def body():
        asked, log, opened = counted([DAY])
        asked.begin()
        opened[0].fault = TransientError.of("QUERY_UNAVAILABLE", "balanceQuery", "x")
        assert await asked.balance_fen(ACCOUNT) is None
        assert await asked.balance_fen(OTHER) is None  # left alone
        assert len(log) == 1
        opened[0].fault = None
        at = time.monotonic()
        monkeypatch.setattr(room.time, "monotonic", lambda: at + room.PAUSE_S + 1)
        assert await asked.balance_fen(OTHER) == 7
        assert asked.trouble == ""
        asked.close()

    run(body())


def test_an_answer_is_shown_again_for_a_while_only(monkeypatch):
    async def body():
        asked, log, _ = counted([DAY])
        assert await asked.balance_fen(ACCOUNT) == 7
        assert await asked.balance_fen(ACCOUNT) == 7
        assert len(log) == 1
        at = time.monotonic()
        monkeypatch.setattr(room.time, "monotonic", lambda: at + room.FRESH_S + 1)
        assert await asked.balance_fen(ACCOUNT) == 7
        assert len(log) == 2
        asked.close()

    run(body())


def test_a_new_day_at_the_bank_is_a_new_channel():
    async def body():
        today = [DAY]
        asked, log, _ = counted(today)
        assert await asked.balance_fen(ACCOUNT) == 7
        today[0] = DAY + timedelta(days=1)
        assert await asked.balance_fen(OTHER) == 7
        asked.close()
        assert log == [
            (DAY, ACCOUNT),
            ("closed", DAY),
            (date(2017, 11, 19), OTHER),
            ("closed", date(2017, 11, 19)),
        ]

    run(body())


def test_keys_that_cannot_be_read_are_told_at_the_start():
    @contextmanager
    def channel(_):
        raise ConfigurationError.of("QUERY_KEY", "bank.query_key_file", "x")
        yield

    asked = BankCustody(channel, lambda: DAY)
    with pytest.raises(ConfigurationError):
        asked.begin()
    asked.close()
