"""The comparison with what the bank holds proves on planted changes that it sees, before it is believed."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from migration.verification import readback
from migration.verification.at_bank import CHECKS, VIEWS
from migration.verification.readback import PLANTS, compare
from migration.verification.workbench import Workbench
from tests.unit.verification.small_world import World

HELD = {
    "accounts": "SELECT account AS account_no, id_no, name FROM ({})",
    "listings": "SELECT listing_id, account AS account_no, amount AS amount_fen, title, term AS term_days,"
    " guarantor AS guarantor_account, nominal AS nominal_account, payee AS payee_account FROM ({})",
    "debts": "SELECT debt_id, account AS account_no, listing_id, principal AS amount_fen, authcode,"
    " strptime(end_date, '%Y%m%d')::DATE AS end_date FROM ({})",
}


@pytest.fixture(scope="module")
def evidence():
    return World().evidence()


@pytest.fixture(scope="module")
def parts(evidence):
    """A bank that holds what it should, told in two parts."""
    with Workbench(evidence) as bench:
        next(bench.windows("debts"))
        whole = {n: pa.Table.from_pylist(bench.rows(sql.format(VIEWS[f"due_{n}"]))) for n, sql in HELD.items()}
    return [{n: t.slice(0, 1) for n, t in whole.items()}, {n: t.slice(1) for n, t in whole.items()}]


def test_a_bank_that_holds_what_it_should_differs_in_nothing_and_all_planted_changes_are_seen(evidence, parts):
    found = compare(evidence, parts)
    assert not any(found.failing.values())
    assert found.blind == ()
    assert found.rows == found.due
    assert min(found.rows.values()) >= 2
    assert {name for name, _, _ in PLANTS} == {spec.name for spec in CHECKS}
    assert compare(evidence, parts[::-1]).digests == found.digests, "in whatever order it was told"


@pytest.mark.parametrize("name", [spec.name for spec in CHECKS])
def test_a_check_that_cannot_see_is_blind(monkeypatch, evidence, parts, name):
    dulled = [replace(s, sql="SELECT 'x' WHERE false") if s.name == name else s for s in CHECKS]
    monkeypatch.setattr(readback, "CHECKS", tuple(dulled))
    assert compare(evidence, parts).blind == (name,)


def test_a_bank_that_says_nothing_lacks_everything(evidence):
    found = compare(evidence, [])
    missing = {name: len(keys) for name, keys in found.failing.items() if keys}
    assert missing == {f"bank.{name}_missing": rows for name, rows in found.due.items()}
