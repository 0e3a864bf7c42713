"""Arrow in and out of PostgreSQL by COPY: no row of a bulk set becomes a Python object."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg
    from sqlalchemy import Connection

CHUNK_ROWS: Final = 65_536
BLOCK_BYTES: Final = 8 << 20
_SQL_TYPES: Final = {
    pa.string(): 'text COLLATE "C"',
    pa.int64(): "bigint",
    pa.int32(): "integer",
    pa.bool_(): "boolean",
    pa.date32(): "date",
}


def load(connection: Connection, table: pa.Table, target: str) -> None:
    """COPY a table's rows into a database table, in the caller's transaction, by column name.

    The columns' Arrow types must be the target's own (string = text, int64 = bigint, int32 = integer, bool, date32).
    """
    if table.num_rows == 0:
        return
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in table.column_names)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.SQL(target), columns)
    encoder = ArrowToPostgresBinaryEncoder(table.schema)
    with _raw(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoder.write_header())
        for batch in table.to_batches(max_chunksize=CHUNK_ROWS):
            copy.write(encoder.write_batch(batch))
        copy.write(encoder.finish())


def stage(connection: Connection, table: pa.Table, name: str) -> None:
    """Put a table into a temporary one of that name, gone at the end of the transaction, and have it analysed."""
    columns = ", ".join(f'"{field.name}" {_SQL_TYPES[field.type]}' for field in table.schema)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS pg_temp.{name}")
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP")
    load(connection, table, f"pg_temp.{name}")
    connection.exec_driver_sql(f"ANALYZE pg_temp.{name}")


def fetch(connection: Connection, query: str, values: Mapping[str, object], schema: pa.Schema) -> pa.Table:
    """Return the rows of a query (values as `%(name)s`) in the given schema; its columns in that order.

    Text, integers, booleans and dates only; NULL and the empty text stay apart.
    """
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv)"
    with _raw(connection).cursor() as cursor, cursor.copy(statement, dict(values)) as copy:
        stream: Any = _Stream(copy)
        if stream.is_empty():
            return schema.empty_table()
        reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(column_names=schema.names, block_size=BLOCK_BYTES, use_threads=False),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return pa.Table.from_batches(list(reader), schema=schema)


class _Stream(io.RawIOBase):
    """What COPY TO sends, as a file to be read."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy
        self._rest = bytearray()

    def is_empty(self) -> bool:
        """Whether there is no row at all."""
        self._fill(1)
        return not self._rest

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to that many bytes; empty at the end."""
        self._fill(size if size >= 0 else 1 << 62)
        taken = bytes(self._rest[:size]) if size >= 0 else bytes(self._rest)
        del self._rest[: len(taken)]
        return taken

    def _fill(self, size: int) -> None:
        while len(self._rest) < size:
            block = self._copy.read()
            if not block:
                return
            self._rest += block


def _raw(connection: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return driver
