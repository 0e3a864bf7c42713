"""Bulk data go through COPY unharmed; a plan of many thousand items is as quick as one of few."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration.domain.values import BatchPlan
from migration.journal import copying
from tests.contract.test_journal import NEXT, answers_of, approve

SCHEMA = pa.schema([("n", pa.int64()), ("t", pa.string()), ("b", pa.bool_()), ("d", pa.date32())])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
ROW = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "t": st.none() | TEXT,
        "b": st.none() | st.booleans(),
        "d": st.none() | st.dates(date(1600, 1, 1), date(9999, 12, 31)),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=8))
def test_whatever_goes_in_comes_out(journal, rows):
    table = pa.Table.from_pylist([row | {"n": row["n"]} for row in rows], schema=SCHEMA).append_column(
        "i", pa.array(range(len(rows)), pa.int64())
    )

    def there_and_back(connection):
        copying.stage(connection, table, "incoming")
        return copying.fetch(
            connection,
            "SELECT i, n, t, b, d FROM pg_temp.incoming ORDER BY i",
            {},
            pa.schema([("i", pa.int64()), *SCHEMA]),
        )

    back = journal._db._within(there_and_back, read_only=False)
    assert back.select(SCHEMA.names).to_pylist() == rows


def test_what_arrives_in_several_blocks_is_the_same(journal, monkeypatch):
    monkeypatch.setattr(copying, "BLOCK_BYTES", 4096)
    query = "SELECT n AS i, repeat('x', n % 7) || chr(10) || n AS t FROM generate_series(1, 5000) AS n ORDER BY n"
    found = journal._db.read(lambda c: copying.fetch(c, query, {}, pa.schema([("i", pa.int64()), ("t", pa.string())])))
    assert found["i"].to_pylist() == list(range(1, 5001))
    assert found["t"].to_pylist() == [f"{'x' * (n % 7)}\n{n}" for n in range(1, 5001)]


def test_many_batches_of_many_items(journal):
    fence = journal.acquire("op")
    keys = [f"D{n:07d}" for n in range(40_000)]
    plans = [
        BatchPlan(
            "debts",
            1,
            "debt",
            False,
            part,
            pa.table(
                {
                    "key": part_keys,
                    "amount_fen": [1] * len(part_keys),
                    "row_digest": pa.nulls(len(part_keys), pa.string()),
                }
            ),
            len(part_keys),
        )
        for part, part_keys in enumerate((keys[i : i + 9_999] for i in range(0, len(keys), 9_999)), 1)
    ]
    drawn = journal.plan(fence, plans, NEXT, "debts.full")
    assert [b.rows for b in drawn] == [9_999] * 4 + [4]
    approve(journal, fence, "debts.full")
    batch = journal.mark_delivered(fence, journal.seal(fence, drawn[3], "R", b"x" * 100_000), "d" * 64)
    part = keys[3 * 9_999 : 4 * 9_999]
    outcomes = ["refused" if n % 10 == 0 else "ok" for n in range(len(part))]
    journal.apply(fence, batch, "RES", b"y" * 100_000, answers_of(part, outcome=outcomes))
    items = journal.items("debts")
    assert items["key"].to_pylist() == keys
    assert items["state"].value_counts().to_pylist() == [
        {"values": "open", "counts": 30_001},
        {"values": "refused", "counts": 1_000},
        {"values": "ok", "counts": 8_999},
    ]
    assert journal.verify() == ()
