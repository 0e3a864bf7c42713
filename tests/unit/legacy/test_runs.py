"""More rows than memory: runs put aside, encrypted, merged; the reading is the same as in memory."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from migration.legacy import reading as module
from migration.legacy import runs as runs_module
from migration.legacy.reading import EntityReader
from migration.legacy.runs import Runs
from tests.contract.platforms import row

SCHEMA = pa.schema([("a", pa.string()), ("b", pa.int64()), ("c", pa.string())])


def period(listing: str | None, number: object, **changes: Any) -> dict[str, Any]:
    return row("schedules", listing_id=listing, period=number, **changes)


def shuffled(count: int) -> list[dict[str, Any]]:
    """Periods in no order, with doubled, missing and unreadable keys and a few bad cells."""
    rows = [period(f"L{n % 37:02d}", n // 37, principal="1.005" if n % 101 == 0 else f"{n}.10") for n in range(count)]
    rows += [period("L05", 3, principal="7.00"), period("L05", 3, principal="6.00"), period(None, 4), period(None, 2)]
    rows += [period("L06", "one"), period("L06", None, due_date="2017-02-30")]
    random.Random(4).shuffle(rows)
    return rows


def read(rows: list[dict[str, Any]], size: int, aside: Path | None) -> tuple[pa.Table, list[Any], list[int]]:
    reader = EntityReader("schedules", "yuan", aside=aside)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        reader.add({name: [r[name] for r in part] for name in part[0]}, len(part))
    found = reader.finish()
    pieces = list(found.pieces())
    return pa.concat_tables(pieces), found.issues.to_pylist(), [piece.num_rows for piece in pieces]


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_what_was_put_aside_reads_as_it_does_in_memory(tmp_path, monkeypatch, block):
    rows = shuffled(400)
    expected, issues, _ = read(rows, 50, None)
    monkeypatch.setattr(module, "RUN_BYTES", 2_000)
    monkeypatch.setattr(runs_module, "BLOCK", block)
    table, told, sizes = read(rows, 50, tmp_path)
    assert table.equals(expected)
    assert told == issues
    assert len(issues) > 8
    assert len(sizes) > 1 or block == 1000


def test_no_key_is_divided_between_two_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RUN_BYTES", 500)
    monkeypatch.setattr(runs_module, "BLOCK", 2)
    reader = EntityReader("schedules", "yuan", aside=tmp_path)
    for n in range(30):
        part = [period("L1", 1), period("L2", n), period("L1", 1)]
        reader.add({name: [r[name] for r in part] for name in part[0]}, len(part))
    keys = [
        set(zip(*p.select(["listing_id", "period"]).to_pydict().values(), strict=True))
        for p in reader.finish().pieces()
    ]
    assert len(keys) > 1
    assert sum(map(len, keys)) == len(set().union(*keys)) == 31


def test_nothing_readable_and_nothing_at_all_is_left_on_the_disk(tmp_path, monkeypatch):
    written: list[bytes] = []
    real = runs_module.tempfile.TemporaryFile

    def watched(**options: Any) -> Any:
        file = real(**options)
        write = file.write
        wrapper = type(
            "File",
            (),
            {
                "write": lambda _, b: (written.append(bytes(b)), write(b))[1],
                "seek": file.seek,
                "read": file.read,
                "close": file.close,
            },
        )
        return wrapper()

    monkeypatch.setattr(runs_module.tempfile, "TemporaryFile", watched)
    runs = Runs(tmp_path, SCHEMA, ("a", "b"))
    secret = "13800138000" * 50
    runs.put(pa.table({"a": [secret] * 9, "b": range(9), "c": [secret] * 9}, schema=SCHEMA))
    assert list(tmp_path.iterdir()) == []
    assert sum(p.num_rows for p in runs.merged()) == 9
    assert written
    assert b"13800138000" not in b"".join(written)
    runs.close()


def test_a_changed_block_is_not_believed(tmp_path):
    runs = Runs(tmp_path, SCHEMA, ("a",))
    runs.put(pa.table({"a": ["x"], "b": [1], "c": ["y"]}, schema=SCHEMA))
    runs._file.seek(5)
    byte = runs._file.read(1)
    runs._file.seek(5)
    runs._file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(Exception, match=r"^$"):  # the cipher's refusal says nothing, on purpose
        list(runs.merged())
    runs.close()
