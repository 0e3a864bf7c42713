"""What differs between databases.

How to connect without harm, how to open one consistent read-only view, and how to get dates and decimals as the text
the server wrote.

Text, because drivers are kind or brittle where we must be neither: psycopg fails on `infinity`, PyMySQL turns what it
cannot parse into something else, and building Python dates for millions of rows costs more than reading them at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import NullPool

_TIMEOUT_S: Final = 15
_MEMORY: Final = frozenset({None, "", ":memory:"})
_POSTGRES_AS_TEXT: Final = ("date", "timestamp", "timestamptz", "numeric")
_MYSQL_AS_TEXT: Final = (
    *("DECIMAL", "NEWDECIMAL", "DATE", "DATETIME", "TIMESTAMP"),
    *("TINY", "SHORT", "INT24", "LONG", "LONGLONG", "YEAR"),  # as integers, zero-filled ids would lose their zeros
)


def engine_for(url: sa.URL) -> sa.Engine:
    """Make an engine that opens connections on demand and keeps none."""
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in _MEMORY and "uri" not in url.query:
        return sa.create_engine(url, creator=lambda: _open_sqlite(Path(str(url.database))), poolclass=NullPool)
    return sa.create_engine(url, poolclass=NullPool, connect_args=_connect_args(url))


def begin(connection: sa.Connection) -> sa.Connection:
    """Open one consistent, read-only view of the whole database, where the database has such a thing."""
    backend, driver = connection.dialect.name, connection.dialect.driver
    if backend == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        if driver == "psycopg":
            _text_from_postgres(connection)
        connection.exec_driver_sql("SET LOCAL datestyle = 'ISO, YMD'")
    elif backend in {"mysql", "mariadb"}:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        connection.exec_driver_sql("SET time_zone = '+08:00'")  # TIMESTAMP is shown in the session's zone
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    elif backend == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")  # the driver opens none for SELECTs
    return connection


@dataclass(frozen=True, slots=True)
class Stream:
    """The rows of a SELECT as the driver makes them, some at a time; the types are empty where it does not tell them."""

    names: list[str]
    types: list[str]
    rows: Iterator[Sequence[Sequence[object]]]


@contextmanager
def streamed(connection: sa.Connection, statement: str, size: int) -> Iterator[Stream]:
    """Run a SELECT by a cursor on the server where the driver has one, `size` rows at a time.

    The driver's own rows are taken: wrapping each in SQLAlchemy's costs nearly as much as fetching it. Its errors get
    the form that SQLAlchemy would have given them.
    """
    with driver_errors(connection):
        cursor = _cursor(connection)
        cursor.execute(statement)
        first = cursor.fetchmany(size)  # psycopg2 describes its columns only then
        described = list(cursor.description or ())
        types = [_type_name(column, connection.dialect.driver) for column in described]
        names = [str(column[0]) for column in described]
        rest = _Rest(cursor, size)
        try:
            yield Stream(names, types if any(types) else [], chain([first] if first else [], rest))
        finally:
            if rest.over:
                cursor.close()
            else:
                connection.invalidate()  # PyMySQL would read the rows that nobody wants to their end


@dataclass(slots=True)
class _Rest:
    """The partitions after the first one; `over` once there are no more."""

    cursor: Any
    size: int
    over: bool = False

    def __iter__(self) -> Iterator[Sequence[Sequence[object]]]:
        while rows := self.cursor.fetchmany(self.size):
            yield rows
        self.over = True


def _cursor(connection: sa.Connection) -> Any:
    raw: Any = connection.connection.driver_connection
    if connection.dialect.driver == "pymysql":
        from pymysql.cursors import SSCursor  # noqa: PLC0415 - the driver is only there when it is used

        return raw.cursor(SSCursor)
    if connection.dialect.driver in {"psycopg", "psycopg2"}:
        return raw.cursor(name="cutover")
    return raw.cursor()


@contextmanager
def driver_errors(connection: sa.Connection) -> Iterator[None]:
    """Give a driver's errors the form that SQLAlchemy would have given them."""
    failed: Any = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except failed as error:
        raise exc.DBAPIError("", None, error) from None


def _type_name(column: Any, driver: str) -> str:
    if driver == "pymysql":
        from pymysql.constants import FIELD_TYPE  # noqa: PLC0415 - the driver is only there when it is used

        names = {code: name.lower() for name, code in vars(FIELD_TYPE).items() if isinstance(code, int)}
        return str(names.get(column[1], ""))
    return str(getattr(column, "type_display", ""))


def _open_sqlite(path: Path) -> sqlite3.Connection:
    """Open an existing file; the driver's default would make an empty database of a mistyped name."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_TIMEOUT_S)


def _connect_args(url: sa.URL) -> dict[str, Any]:
    driver = url.get_driver_name()
    if driver == "pymysql":
        return {"connect_timeout": _TIMEOUT_S, "conv": _mysql_conversions()}
    if driver in {"psycopg", "psycopg2"}:
        return {"connect_timeout": _TIMEOUT_S}
    return {}


def _mysql_conversions() -> dict[Any, Any]:
    from pymysql.constants import FIELD_TYPE  # noqa: PLC0415 - the driver is only there when it is used
    from pymysql.converters import conversions  # noqa: PLC0415

    as_text = {getattr(FIELD_TYPE, name) for name in _MYSQL_AS_TEXT}
    kept = {kind: convert for kind, convert in conversions.items() if kind not in as_text}
    return kept | {FIELD_TYPE.BIT: _bits}


def _bits(value: bytes) -> str:
    """BIT(n), which platforms use for flags, as a number."""
    return str(int.from_bytes(value, "big"))


def _text_from_postgres(connection: sa.Connection) -> None:
    from psycopg.types.string import TextLoader  # noqa: PLC0415 - the driver is only there when it is used

    raw: Any = connection.connection.driver_connection
    for name in _POSTGRES_AS_TEXT:
        raw.adapters.register_loader(name, TextLoader)
