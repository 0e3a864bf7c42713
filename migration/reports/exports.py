"""The hand-over files: one Parquet and one CSV a table, and balance.json (contract.md section 4).

Every file is written beside its place and renamed when it is whole, so a reader never meets half of one. The folder is
0700: account numbers and authorisation codes lie in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from migration.reports.hand_out import hand_out

CHUNK: Final = 65_536
"""Rows that become text at a time."""

_SPECIAL: Final = '[",\r\n]'


def write(out: Path, tables: Mapping[str, pa.Table], balance: Mapping[str, object]) -> None:
    """Write NAME.parquet and NAME.csv for every table, then balance.json; an earlier export is replaced file by file.

    ConfigurationError(OUT_FOLDER) when the folder cannot be made or written.
    """
    hand_out(out, lambda folder: _fill(folder, tables, balance), private=True)


def _fill(folder: Path, tables: Mapping[str, pa.Table], balance: Mapping[str, object]) -> None:
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        with (folder / f"{name}.csv").open("wb") as sink:
            for chunk in csv_chunks(table):
                sink.write(chunk)
    text = json.dumps(balance, ensure_ascii=False, indent=2)
    (folder / "balance.json").write_text(text + "\n", encoding="utf-8")


def csv_chunks(table: pa.Table) -> Iterator[bytes]:
    """The CSV of a table: header, LF, an empty cell for NULL, quotes only where a cell needs them, ISO dates."""
    yield (",".join(table.column_names) + "\n").encode()
    for batch in table.to_batches(max_chunksize=CHUNK):
        if batch.num_rows:
            lines = pc.binary_join_element_wise(*(_cells(column) for column in batch.columns), ",")
            yield ("\n".join(lines.to_pylist()) + "\n").encode()


def _cells(column: pa.Array) -> pa.Array:
    text = pc.fill_null(column.cast(pa.string()), "")
    if not pa.types.is_string(column.type):
        return text
    special = pc.match_substring_regex(text, _SPECIAL)
    if not pc.any(special).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(special, quoted, text)
