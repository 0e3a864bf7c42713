"""The hand-over files, to the byte (contract.md section 4)."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.domain.errors import ConfigurationError
from migration.reports import exports

ROWS = pa.table({
    "key": ["a", 'b,"c"', "d\nе", None],
    "flag": pa.array([True, False, None, True]),
    "fen": pa.array([0, -1, 9_223_372_036_854_775_807, None], pa.int64()),
    "day": pa.array([date(2017, 11, 18), None, date(1999, 1, 2), date(2020, 2, 29)], pa.date32()),
})  # fmt: skip
BALANCE = {"legacy_fen": 3, "listings": [], "persons": [{"key": "U1", "legacy_fen": 3, "accounted_fen": 2}]}


def content(table: pa.Table) -> bytes:
    return b"".join(exports.csv_chunks(table))


def test_csv_to_the_byte():
    assert content(ROWS).decode() == (
        "key,flag,fen,day\n"
        "a,true,0,2017-11-18\n"
        '"b,""c""",false,-1,\n'
        '"d\nе",,9223372036854775807,1999-01-02\n'
        ",true,,2020-02-29\n"
    )


def test_an_empty_table_is_its_header():
    assert content(ROWS.slice(0, 0)) == b"key,flag,fen,day\n"


def test_rows_of_many_chunks_keep_their_order():
    size = exports.CHUNK + 3
    table = pa.table({"n": pa.array(range(size), pa.int64())})
    assert content(table).decode().splitlines()[1:] == [str(n) for n in range(size)]


@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.text('ab",\r\n')))
)
def test_any_text_comes_back(rows):
    table = pa.table(
        {"a": pa.array([a for a, _ in rows], pa.string()), "b": pa.array([b for _, b in rows], pa.string())}
    )
    read = list(csv.reader(io.StringIO(content(table).decode(), newline="")))
    assert read == [["a", "b"], *([a, b] for a, b in rows)]


def test_what_lies_in_the_folder(tmp_path):
    out = tmp_path / "new" / "hand-over"
    exports.write(out, {"users": ROWS, "debts": ROWS.slice(0, 1)}, BALANCE)
    names = sorted(path.name for path in out.iterdir())
    assert names == ["balance.json", "debts.csv", "debts.parquet", "users.csv", "users.parquet"]
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    assert (out / "users.csv").read_bytes() == content(ROWS)
    assert json.loads((out / "balance.json").read_text()) == BALANCE


def test_parquet_keeps_types_and_is_zstd(tmp_path):
    exports.write(tmp_path, {"users": ROWS}, BALANCE)
    assert pq.read_table(tmp_path / "users.parquet").equals(ROWS)
    meta = pq.ParquetFile(tmp_path / "users.parquet").metadata.row_group(0)
    assert {meta.column(at).compression for at in range(meta.num_columns)} == {"ZSTD"}


def test_a_second_export_replaces_the_first(tmp_path):
    exports.write(tmp_path, {"users": ROWS}, BALANCE)
    exports.write(tmp_path, {"users": ROWS.slice(0, 1)}, {})
    assert (tmp_path / "users.csv").read_text().count("\n") == 2
    assert json.loads((tmp_path / "balance.json").read_text()) == {}


def test_half_an_export_leaves_nothing_behind(tmp_path, monkeypatch):
    exports.write(tmp_path, {"users": ROWS}, BALANCE)
    before = (tmp_path / "users.csv").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports.pq, "write_table", full)
    with pytest.raises(ConfigurationError) as refused:
        exports.write(tmp_path, {"users": ROWS.slice(0, 1)}, BALANCE)
    assert refused.value.reasons[0].code == "OUT_FOLDER"
    assert (tmp_path / "users.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["balance.json", "users.csv", "users.parquet"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigurationError, match="OUT_FOLDER"):
        exports.write(tmp_path / "out", {}, {})
