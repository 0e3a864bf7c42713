"""Arrow in and out of PostgreSQL by COPY: no row of a bulk set becomes a Python object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from migration.domain.columns import from_csv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        return pa.concat_tables([schema.empty_table(), *(_parsed(block, schema) for block in _blocks(copy))])


def _blocks(copy: psycopg.Copy) -> Iterator[bytearray]:
    gathered = bytearray()
    for row in copy:  # a message of the server is a whole row
        gathered += row
        if len(gathered) >= BLOCK_BYTES:
            yield gathered
            gathered = bytearray()
    if gathered:
        yield gathered


def _parsed(block: bytearray, schema: pa.Schema) -> pa.Table:
    return from_csv(
        block,
        pacsv.ReadOptions(column_names=schema.names, block_size=len(block) + 1, use_threads=False),
        pacsv.ParseOptions(newlines_in_values=True),
        pacsv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _raw(connection: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return driver
