"""The settlement drill after a whole cutover: nothing off on sound books, planted faults found by key, killed anywhere and
run again the same, never in production."""

from __future__ import annotations

import copy
import shutil
import sqlite3
from dataclasses import replace

import pytest

from migration.bank.repayments import JxRepayments
from migration.domain.errors import CutoverError
from migration.sandbox.bank import dump
from migration.stages import drill
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

ROWS_PER_FILE = 4
"""Nine debts in three files, each sent twice."""
POINTS = (
    "drill.after_sent",
    "drill.after_deliver",
    "drill.after_answer",
    "drill.before_settled",
    "drill.after_settled",
)
BOOKS = ("accounts", "listings", "debts", "authorisations", "effects", "incidents")
FORM = JxRepayments("000187")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours catches it."""


class Drilled:
    """A finished cutover with its drill."""

    def __init__(self, world: Rehearsal) -> None:
        self.world = world
        self.start = copy.deepcopy(world.journal._states)  # type: ignore[attr-defined]
        shutil.copytree(world.root / "state", world.root / "kept")

    def reset(self) -> None:
        """As right after the cutover: the journal, the bank's books, the exchange folder."""
        world = self.world
        world.journal._states = copy.deepcopy(self.start)  # type: ignore[attr-defined]
        world.journal._current = world.journal._states["2017-11-jx"]  # type: ignore[attr-defined]
        world.house = world._house(())
        with sqlite3.connect(world.root / "kept" / "ledger.sqlite") as kept, self.books() as now:
            kept.backup(now)
        for path in (world.root / "bank").rglob("*REPAY*"):
            path.unlink()

    def books(self) -> sqlite3.Connection:
        return sqlite3.connect(self.world.root / "state" / "ledger.sqlite", timeout=30)

    def plant(self, sql: str, *values: object) -> None:
        with self.books() as books:
            assert books.execute(sql, values).rowcount == 1

    def settle(self, *, again: bool = False) -> tuple[int, list[tuple[str, str]]]:
        """Exit code, and codes with subjects."""
        try:
            drill.settle(self.world.house, FORM, again=again)
        except CutoverError as stopped:
            return stopped.exit_code, [(r.code, r.subject) for r in stopped.reasons]
        return 0, []

    def found(self) -> dict:
        return dict(drill.latest(self.world.journal) or {})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    world = Rehearsal(tmp_path_factory.mktemp("drill"), small(), rows_per_file=ROWS_PER_FILE)
    assert world.run() == 0, world.reasons
    world.bank.close()
    return Drilled(world)


@pytest.fixture
def ground(finished):
    finished.world.bank = _bank(finished.world)
    finished.world.clock.bank = finished.world.bank
    finished.reset()
    yield finished
    finished.world.bank.close()


def _bank(world):
    from migration.sandbox.bank import SandboxBank

    return SandboxBank(
        world.root / "bank", world.root / "state", world.plan, clock=lambda: world.clock.now().timestamp()
    )


def expected(ground) -> dict[str, int]:
    rows = ground.world.exports()["debts"].to_pylist()
    return {r["authcode"]: r["principal_fen"] + r["interest_fen"] for r in rows}


def test_every_debt_is_paid_off_once_and_nothing_is_off(ground):
    before = {name: rows for name, rows in dump(ground.world.root / "state").items() if name in BOOKS}
    assert ground.settle() == (0, [])
    found = ground.found()
    due = sum(expected(ground).values())
    assert (found["debts"], found["paid"], found["second_uses_refused"], found["second_uses_accepted"]) == (9, 9, 9, 0)
    assert (found["due_fen"], found["paid_fen"], found["off_fen"], found["findings"]) == (due, due, 0, 0)
    assert (found["lenders"], found["borrowers"], found["listings"]) == (3, 1, 3)
    books = dump(ground.world.root / "state")
    assert {r["authcode"]: r["principal"] + r["interest"] for r in books["repayments"]} == expected(ground)
    assert {name: books[name] for name in BOOKS} == before


def test_it_touches_nothing_that_the_cutover_hands_out(ground):
    before = ground.world.exports()
    ground.settle()
    assert ground.world.exports() == before
    assert ground.world.run() == 0
    assert ground.world.exports() == before
    assert ground.world.journal.verify() == ()


def test_what_is_settled_is_told_again_and_a_new_one_is_a_new_drill(ground):
    ground.settle()
    first, events = ground.found(), len(ground.world.journal.events())
    assert ground.settle() == (0, [])
    assert (ground.found(), len(ground.world.journal.events())) == (first, events)
    assert ground.settle(again=True) == (0, [])
    assert ground.found()["drill"] == 2
    assert len(dump(ground.world.root / "state")["repayments"]) == 18


PLANTS = {
    "code": ("UPDATE debts SET authcode = 'A0000000000000000000' WHERE debt_id = 'L2D1'", "DRILL_REFUSED", "debts/L2D1", "51"),
    "holder": (
        "UPDATE debts SET account_no = (SELECT account_no FROM debts WHERE debt_id = 'L2D2') WHERE debt_id = 'L2D1'",
        "DRILL_REFUSED", "debts/L2D1", "54",
    ),
    "less": ("UPDATE debts SET amount_fen = amount_fen - 1 WHERE debt_id = 'L2D1'", "DRILL_REFUSED", "debts/L2D1", "56"),
    "more": ("UPDATE debts SET amount_fen = amount_fen + 1 WHERE debt_id = 'L2D1'", "DRILL_LEFT", "debts/L2D1", None),
    "listing": ("UPDATE debts SET listing_id = 'L3' WHERE debt_id = 'L2D1'", "DRILL_REFUSED", "debts/L2D1", "53"),
    "serial": ("UPDATE debts SET serial = serial || 'X' WHERE debt_id = 'L2D1'", "DRILL_REFUSED", "debts/L2D1", "52"),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS)
def test_a_debt_that_the_bank_holds_otherwise_is_found_by_key(ground, plant):
    sql, code, subject, said = PLANTS[plant]
    ground.plant(sql)
    exit_code, named = ground.settle()
    assert (exit_code, named[:2]) == (3, [("DRILL_DIFFERS", "drill 1"), (code, subject)])
    others = [name for name in named[2:] if not (plant == "listing" and name == ("DRILL_LEFT", "listings/L3"))]
    assert others == []
    found = ground.found()
    off = expected(ground)[_code_of(ground)] if said else 0
    assert found["off_fen"] == off
    if said:
        assert f"refused with {said}" in found["named"][0]["detail"]
        assert [row["rows"] for row in found["off"].values()] == [1, 1, 1]


def _code_of(ground) -> str:
    return next(r["authcode"] for r in ground.world.exports()["debts"].to_pylist() if r["debt_id"] == "L2D1")


def test_another_borrower_is_found_at_each_of_his_debts(ground):
    ground.plant("UPDATE listings SET borrower_account = guarantor_account || '0' WHERE listing_id = 'L2'")
    _, named = ground.settle()
    assert named[1:] == [("DRILL_REFUSED", f"debts/L2D{n}") for n in (1, 2, 3)]


def test_a_debt_that_only_the_bank_has_is_found_by_its_listing(ground):
    ground.plant(
        "INSERT INTO debts SELECT serial || 'X', debt_id || 'X', account_no, listing_id, 5, buy_date, int_date, end_date, "
        "rate_e5, 'A9', file, record FROM debts WHERE debt_id = 'L1D1'"
    )
    assert ground.settle() == (3, [("DRILL_DIFFERS", "drill 1"), ("DRILL_LEFT", "listings/L1")])


def test_when_the_bank_has_mended_its_books_a_new_drill_is_clean(ground):
    ground.plant("UPDATE debts SET amount_fen = amount_fen - 1 WHERE debt_id = 'L2D1'")
    assert ground.settle()[0] == 3
    assert ground.settle()[0] == 3  # what is settled is told again
    ground.plant("UPDATE debts SET amount_fen = amount_fen + 1 WHERE debt_id = 'L2D1'")
    assert ground.settle(again=True) == (0, [])


@pytest.mark.parametrize("nth", [1, 2, 4, 6])
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_and_run_again_it_ends_the_same_and_pays_nothing_twice(ground, point, nth):
    left = [nth]

    def reach(name: str) -> None:
        if name == point:
            left[0] -= 1
            if not left[0]:
                raise Killed

    ground.world.house.failpoint = reach
    try:
        drill.settle(ground.world.house, FORM)
    except Killed:
        ground.world.house = ground.world._house(())
    assert (left[0] <= 0) == (nth == 1 or point in {"drill.after_deliver", "drill.after_answer"})
    assert ground.settle() == (0, [])
    found = ground.found()
    assert (found["drill"], found["paid"], found["off_fen"], found["second_uses_refused"]) == (1, 9, 0, 9)
    books = dump(ground.world.root / "state")
    assert {r["authcode"]: r["principal"] + r["interest"] for r in books["repayments"]} == expected(ground)
    kinds = [e.kind for e in ground.world.journal.events()]
    assert (kinds.count(drill.SENT), kinds.count(drill.SETTLED)) == (1, 1)


def test_never_in_production_and_not_before_the_end(ground):
    house = ground.world.house
    house.terms = replace(house.terms, kind="production")
    assert ground.settle() == (2, [("DRILL_PRODUCTION", "drill")])
    house.terms = replace(house.terms, kind="rehearsal")
    now = ground.world.journal._current
    now.stages = {key: row for key, row in now.stages.items() if "reconcile" not in key}
    assert ground.settle() == (3, [("STAGE_ORDER", "drill")])
    assert list((ground.world.root / "bank").rglob("*REPAY*")) == []


def test_a_bank_that_does_not_answer_is_waited_for_and_gone_on_with(ground):
    ground.world.clock.bank = None
    assert ground.settle() == (4, [("DRILL_WAITS", "3005-REPAYRESP-000187-010001-20171118")])
    ground.world.clock.bank = ground.world.bank
    assert ground.settle() == (0, [])


def test_an_answer_that_breaks_a_rule_is_quarantined_and_the_clean_one_counts(ground):
    ground.world.faults({"corrupt": [{"match": "REPAYRESP-000187-010002", "how": "echo", "times": 1}]})
    exit_code, named = ground.settle()
    assert (exit_code, [code for code, _ in named]) == (3, ["RESULT_QUARANTINED", "RESULT_ECHO"])
    assert ground.settle() == (0, [])
    assert ground.found()["paid"] == 9


def test_begun_with_other_files_it_is_not_gone_on_with(ground):
    ground.world.clock.bank = None
    assert ground.settle()[0] == 4
    ground.world.house.terms = replace(ground.world.house.terms, rows_per_file=5)
    assert ground.settle() == (2, [("DRILL_CHANGED", "drill 1")])


def test_the_result_says_no_account_number_and_no_code(ground):
    ground.plant("UPDATE debts SET amount_fen = amount_fen - 1 WHERE debt_id = 'L2D1'")
    ground.settle()
    told = str([e.payload for e in ground.world.journal.events() if e.kind in {drill.SENT, drill.SETTLED}])
    rows = ground.world.exports()["debts"].to_pylist()
    assert not [r for r in rows if r["authcode"] in told or r["holder_account"] in told]
