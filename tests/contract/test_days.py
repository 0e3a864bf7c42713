"""What every book of days promises; each test runs on PostgreSQL and on the double in memory."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from migration.clock import FakeClock
from migration.domain.daily import BALANCES, MOVEMENTS
from migration.domain.errors import GateClosed, StaleFence
from migration.domain.values import ReconciledDay
from migration.journal.days import ERRORS, TOLD
from migration.journal.memory import MemoryJournal
from migration.journal.store import PostgresJournal

FIRST, SECOND, THIRD = (date(2017, 11, n) for n in (19, 20, 21))
A, B = "6212460000000000016", "6212460000000000024"


@pytest.fixture(params=["postgres", "memory"])
def book(request):
    if request.param == "memory":
        found = MemoryJournal(FakeClock())
    else:
        found = PostgresJournal(request.getfixturevalue("pg_url"), FakeClock())
    found.begin("c1", "rehearsal")
    yield found
    found.close()


@pytest.fixture
def fence(book) -> int:
    return book.acquire("op")


def day(on: date, digest: str = "a") -> ReconciledDay:
    stamp = f"{on:%Y%m%d}"
    return ReconciledDay(on, f"3005-EVE0110-{stamp}", digest * 64, f"3005-ALEVE0110-{stamp}", digest * 64, 1, 2, 0)


def rows(balances=(), movements=(), errors=(), told=()) -> dict[str, pa.Table]:
    def table(schema, given):
        return pa.Table.from_pylist([dict(zip(schema.names, r, strict=True)) for r in given], schema=schema)

    return {
        "balance": table(BALANCES, balances),
        "movement": table(MOVEMENTS, movements),
        "error": table(ERRORS, errors),
        "difference": table(TOLD, told),
    }


def test_a_day_goes_in_once_and_whole(book, fence):
    content = rows([(A, 5)], [(1, A, "000001", 5, None)], [("f", 3, 138, "e" * 64, "length")], [("X_Y", "s", "d")])
    book.record_day(fence, day(FIRST), content)
    book.record_day(fence, day(FIRST), rows())
    assert book.days() == (day(FIRST),)
    assert book.day_rows(FIRST, "error").to_pylist() == content["error"].to_pylist()
    assert book.day_rows(FIRST, "difference").to_pylist() == content["difference"].to_pylist()
    assert [e.kind for e in book.events()].count("day_imported") == 1
    assert book.verify() == ()


def test_other_files_of_a_known_day_are_refused(book, fence):
    book.record_day(fence, day(FIRST), rows())
    with pytest.raises(GateClosed, match="DAILY_CONTRADICTS"):
        book.record_day(fence, day(FIRST, "b"), rows())
    assert book.days() == (day(FIRST),)


def test_balances_are_the_latest_of_each_account_before_a_day(book, fence):
    book.record_day(fence, day(FIRST), rows([(A, 5), (B, 7)]))
    book.record_day(fence, day(SECOND), rows([(A, 9)]))
    found = {on: book.balances(on).to_pylist() for on in (FIRST, SECOND, THIRD)}
    assert found[FIRST] == []
    assert [tuple(r.values()) for r in found[SECOND]] == [(A, 5), (B, 7)]
    assert [tuple(r.values()) for r in found[THIRD]] == [(A, 9), (B, 7)]


def test_movements_are_found_by_what_they_are_and_by_what_they_take_back(book, fence):
    book.record_day(fence, day(FIRST), rows(movements=[(1, A, "000001", -5, None), (2, B, "000001", 3, None)]))
    book.record_day(fence, day(SECOND), rows(movements=[(1, A, "000007", 5, "000001")]))
    assert [tuple(r.values()) for r in book.named_movements(THIRD, [f"{A}|000001"]).to_pylist()] == [
        (1, A, "000001", -5, None), (1, A, "000007", 5, "000001"),
    ]  # fmt: skip
    assert book.named_movements(SECOND, [f"{A}|000007"]).num_rows == 0
    assert book.named_movements(THIRD, []).num_rows == 0


def test_a_run_that_was_overtaken_takes_no_day_in(book, fence):
    book.acquire("another")
    with pytest.raises(StaleFence):
        book.record_day(fence, day(FIRST), rows())
    assert book.days() == ()


def test_days_of_another_cutover_are_not_seen(book, fence):
    book.record_day(fence, day(FIRST), rows([(A, 5)]))
    book.begin("c2", "rehearsal")
    assert (book.days(), book.balances(THIRD).num_rows) == ((), 0)
