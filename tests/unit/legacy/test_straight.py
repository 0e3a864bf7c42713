"""Rows that come in the order of their keys go straight on; those that do not are sorted, with the same result."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from migration.legacy import LegacyPlatform, Vault, platform, reading, source
from migration.legacy.options import Options
from migration.legacy.plausible import Plausible
from migration.legacy.reading import EntityReader, EntityReading

COLUMNS = ("listing_id", "period", "due_date", "principal", "interest", "principal_paid", "interest_paid")
SELECT = {"schedules": f"SELECT {', '.join(COLUMNS)} FROM schedules"}
OTHERS = {
    "users": "user_id, kind, name, id_type, id_no, phone, status, registered_at",
    "escrow_accounts": "escrow_id, user_id, available, frozen",
    "listings": "listing_id, borrower_id, title, amount, annual_rate, repayment_method, term_days, value_date, "
    "maturity_date, status",
    "debts": "debt_id, listing_id, lender_id, principal, interest, bonus_interest, acquired_on, origin, status",
}
EMPTY = {
    name: f"SELECT {', '.join(f'NULL AS {column}' for column in columns.split(', '))} WHERE 1 = 0"
    for name, columns in OTHERS.items()
}
Row = tuple[Any, ...]


def periods(count: int) -> list[Row]:
    """In order of their keys, every 101st with half a fen."""
    return [
        (f"L{n // 10:05d}", n % 10, "2017-12-01", "1.005" if n % 101 == 7 else "1.10", "0.10", "0.00", "0.00")
        for n in range(count)
    ]


def database(folder: Path, rows: list[Row], name: str = "legacy") -> str:
    path = folder / f"{name}.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE schedules ({', '.join(f'{c} TEXT' for c in COLUMNS)})")
        connection.executemany(f"INSERT INTO schedules VALUES ({', '.join('?' * len(COLUMNS))})", rows)
    connection.close()
    return f"sqlite:///{path}"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2017, 11, 18, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "PARSED", 1)
    monkeypatch.setattr(reading, "RUN_BYTES", 20_000)


def read(url: str, aside: Path) -> tuple[pa.Table, Any, list[int]]:
    """Rows, issues, and how many pieces each attempt gave before it ended."""
    attempts: list[int] = []

    def taken(pieces: Iterator[pa.Table]) -> list[pa.Table]:
        attempts.append(0)
        kept = []
        for piece in pieces:
            attempts[-1] += 1
            kept.append(piece)
        return kept

    with source.view(url, SELECT) as view, ThreadPoolExecutor(1) as worker:
        reader = EntityReader("schedules", "yuan", aside=aside)
        found = platform.reading(reader, view, worker)
        table = pa.concat_tables(found.given_to(taken))
        issues = found.issues
        reader.close()
    return table, issues, attempts


def expected(rows: list[Row]) -> EntityReading:
    reader = EntityReader("schedules", "yuan")
    reader.add(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)), len(rows))
    return reader.finish()


def test_rows_in_order_are_given_as_they_come(tmp_path):
    rows = periods(10_000)
    table, issues, attempts = read(database(tmp_path, rows), tmp_path)
    whole = expected(rows)
    assert attempts == [5]  # 2,048 rows each
    assert table.equals(whole.table)
    assert issues.equals(whole.issues)
    assert issues.num_rows == 99


@pytest.mark.parametrize("late", [1, 5_000, 9_999])
def test_one_row_out_of_order_and_all_begins_again(tmp_path, late):
    rows = periods(10_000)
    mixed = [*rows[1 : late + 1], rows[0], *rows[late + 1 :]]
    table, issues, attempts = read(database(tmp_path, mixed), tmp_path)
    whole = expected(rows)
    assert len(attempts) == 2
    assert attempts[0] < 5
    assert table.equals(whole.table)
    assert issues.equals(whole.issues)


def test_a_doubled_key_is_a_finding_wherever_the_partitions_meet(tmp_path):
    rows = periods(4_096)
    doubled = [*rows[:2_048], rows[2_047], *rows[2_048:]]
    table, issues, _ = read(database(tmp_path, doubled), tmp_path)
    assert table.num_rows == 4_097
    assert [r["key"] for r in issues.to_pylist() if r["code"] == "KEY_DUPLICATE"] == ["L00204/7"]


def test_the_digest_does_not_depend_on_the_order(tmp_path):
    rows = periods(6_000)
    late = [*rows[1:], rows[0]]
    mixed = random.Random(3).sample(rows, len(rows))
    found = []
    for number, some in enumerate((rows, late, mixed)):
        url = database(tmp_path, some, str(number))
        place = tmp_path / f"workspace{number}"
        legacy = LegacyPlatform(url, "yuan", EMPTY | SELECT, place, Vault.open(place, {}), FixedClock())
        snapshot = legacy.take()
        assert legacy.load(snapshot, "schedules").num_rows == 6_000
        assert legacy.fingerprint() == snapshot.entity_digests
        found.append(snapshot.digest)
    assert len(set(found)) == 1


def test_what_is_read_twice_is_weighed_once(tmp_path):
    rows = periods(6_000)
    sums = []
    for number, some in enumerate((rows, [*rows[1:], rows[0]])):
        judged = Plausible(Options("yuan"))
        listings = pa.table({"listing_id": ["L00003", "L00599"], "amount": [1_100, 1_100]})
        judged.see("listings", listings)
        with source.view(database(tmp_path, some, str(number)), SELECT) as view, ThreadPoolExecutor(1) as worker:
            reader = EntityReader("schedules", "yuan", aside=tmp_path)
            judged.watched(platform.reading(reader, view, worker), reader.seen).given_to(list)
            reader.close()
        sums.append(judged._sums)
    assert sums[0] == sums[1]
    assert sums[0]["lent"] == {"L00003": 1_100, "L00599": 1_100}
