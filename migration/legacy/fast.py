"""The fast path of PostgreSQL: the server's own COPY, read into Arrow columns without a Python object a cell.

It runs in the transaction of the view, so it sees the same moment as everything else (libraries that open connections
of their own do not). Taken only where COPY's text is the very text that the generic path would see; for any other
column type the generic path reads the entity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import sqlalchemy as sa

from migration.domain.columns import from_csv
from migration.legacy import arrows
from migration.legacy.cells import Cells
from migration.legacy.dialects import driver_errors

BLOCK: Final = 4 << 20
"""Bytes of COPY text converted at a time."""

_FLOATS: Final = frozenset({700, 701})  # float4, float8
_BOOLEAN: Final = 16
# int8 int2 int4 text bpchar varchar date timestamp timestamptz numeric uuid "char" name
_PLAIN: Final = frozenset({20, 21, 23, 25, 1042, 1043, 1082, 1114, 1184, 1700, 2950})


def usable(connection: sa.Connection) -> bool:
    """Whether this connection has the fast path at all."""
    if connection.dialect.name != "postgresql" or connection.dialect.driver != "psycopg":
        return False
    raw: Any = connection.connection.driver_connection
    return str(raw.info.encoding) == "utf-8"


def describe(connection: sa.Connection, statement: str) -> list[tuple[str, int, str]] | None:
    """Name, type number and type name of each column; None when a column's text may differ from the generic path's."""
    with driver_errors(connection), _raw(connection).cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({statement.rstrip().rstrip(';')}) AS probed LIMIT 0")
        found = [(c.name, c.type_code, c.type_display) for c in cursor.description]
    return found if all(kind in _PLAIN | _FLOATS | {_BOOLEAN} for _, kind, _ in found) else None


def read(
    connection: sa.Connection, statement: str, described: Sequence[tuple[str, int, str]], at: Mapping[str, int]
) -> Iterator[tuple[dict[str, Cells], int]]:
    """Stream the SELECT: canonical column -> its cells, and the number of rows.

    While the server sends, what it sent before becomes columns beside.
    """
    with ThreadPoolExecutor(1) as worker:
        before: Future[tuple[dict[str, Cells], int]] | None = None
        for block in _blocks(connection, statement.rstrip().rstrip(";")):
            done, before = before, worker.submit(_columns, block, described, at)
            if done is not None:
                yield done.result()
        if before is not None:
            yield before.result()


def _columns(
    block: bytes, described: Sequence[tuple[str, int, str]], at: Mapping[str, int]
) -> tuple[dict[str, Cells], int]:
    table = _table(block, len(described))
    return {name: _cells(table[i], described[i][1]) for name, i in at.items()}, table.num_rows


def _blocks(connection: sa.Connection, statement: str) -> Iterator[bytes]:
    gathered = bytearray()
    with driver_errors(connection), _raw(connection).cursor() as cursor:  # noqa: SIM117 - one clause a resource
        with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)") as copy:
            for data in copy:
                gathered += data  # a message of the server is a whole row
                if len(gathered) >= BLOCK:
                    yield bytes(gathered)
                    gathered.clear()
    if gathered:
        yield bytes(gathered)


def _table(block: bytes, columns: int) -> pa.Table:
    names = [str(i) for i in range(columns)]
    quoted = b'"' in block  # only then can a value hold a line feed
    return from_csv(
        block,
        pacsv.ReadOptions(column_names=names, block_size=len(block) + 1 if quoted else 1 << 20, use_threads=False),
        pacsv.ParseOptions(newlines_in_values=quoted, ignore_empty_lines=False),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )


def _cells(column: Any, kind: int) -> Cells:
    text = column.combine_chunks()
    if isinstance(text, pa.ChunkedArray):
        text = text.chunk(0) if text.num_chunks else pa.array([], pa.string())
    if kind == _BOOLEAN:
        text = arrows.compute.if_else(arrows.compute.equal(text, "t"), "true", "false")  # NULL stays NULL
    none = np.zeros(len(text), dtype=bool)
    floats = np.asarray(arrows.compute.is_valid(text).to_numpy(zero_copy_only=False)) if kind in _FLOATS else none
    return Cells(text, floats, none)


def _raw(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection
