"""The legacy database: every entity streamed, partition by partition, from one consistent read-only view.

Messages name entities, tables and columns, never a value, a host's answer or a credential: drivers quote both data
and passwords in theirs, so only what a short allow-list picks out of them is repeated.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from migration.domain.errors import ConfigurationError, CutoverError
from migration.domain.tables import REQUIRED_ENTITIES
from migration.legacy import dialects
from migration.legacy import fast as fast_path
from migration.legacy.entities import COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from migration.legacy.cells import Cells

PARTITION: Final = 2_048
"""Rows fetched at a time."""

_SAFE: Final = re.compile(
    r"no such (?:table|column): [\w.\"]+"
    r"|(?:relation|column) \"?[\w.]+\"? does not exist"
    r"|Unknown column '[\w.]+'|Table '[\w.]+' doesn't exist"
    r"|(?:syntax error|permission denied)",
    re.IGNORECASE,
)
_MEND_URL: Final = (
    "mend legacy.url (a SQLite path is relative to here), start the database, or let this account connect"
)
_MEND_SELECT: Final = "mend the SELECT under [legacy.entities], or the account's rights"


@dataclass(frozen=True, slots=True)
class Partition:
    """Some rows of an entity.

    `columns`: canonical column -> `rows` values as the driver gave them, or cells read by a fast path; `types`: the
    types the server declares (empty where the driver does not tell), `names`: how the source spells the columns.
    """

    columns: Mapping[str, Sequence[object] | Cells]
    rows: int
    types: Mapping[str, str]
    names: Mapping[str, str]


class View:
    """The database as it stood when the view was opened."""

    def __init__(self, connection: sa.Connection, entities: Mapping[str, str], *, fast: bool = True) -> None:
        self._connection = connection
        self._selects = entities
        self._fast = fast and fast_path.usable(connection)
        self._tables: Mapping[str, str] | None = None

    def read(self, entity: str, size: int = PARTITION) -> Iterator[Partition]:
        """Stream an entity; nothing when it is optional and absent.

        ConfigurationError: SOURCE_ENTITY_MISSING, SOURCE_COLUMN_MISSING, SOURCE_QUERY, SOURCE_UNREACHABLE.
        """
        with _told(entity):
            statement = self.statement(entity)
            if statement is None:
                return
            described = fast_path.describe(self._connection, statement) if self._fast else None
            if described is None:
                yield from self._generic(entity, statement, size)
                return
            at = locate(entity, [name for name, _, _ in described])
            types = {name: described[i][2] for name, i in at.items()}
            names = {name: described[i][0] for name, i in at.items()}
            for columns, rows in fast_path.read(self._connection, statement, described, at):
                yield Partition(columns, rows, types, names)

    def statement(self, entity: str) -> str | None:
        """The SELECT that yields an entity; None when it is optional and absent."""
        with _told(entity):
            return self._selects.get(entity) or self._default(entity)

    def quoted(self, name: str) -> str:
        """A column's name as this database quotes it."""
        return str(self._connection.dialect.identifier_preparer.quote_identifier(name))

    def ask(self, entity: str, sql: str) -> list[tuple[Any, ...]]:
        """Ask something about an entity's SELECT, which stands in `sql` as {rows}."""
        statement = self.statement(entity)
        if statement is None:
            return []
        sql = sql.replace("{rows}", f"({statement.rstrip().rstrip(';')}) AS asked")
        with _told(entity):
            result = self._connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
            return [tuple(row) for row in result]

    def _generic(self, entity: str, statement: str, size: int) -> Iterator[Partition]:
        """Any driver: its own rows, by a server-side cursor where it has one."""
        with dialects.streamed(self._connection, statement, size) as stream:
            at = locate(entity, stream.names)
            types = {name: stream.types[i] for name, i in at.items() if stream.types}
            names = {name: stream.names[i] for name, i in at.items()}
            for rows in stream.rows:
                turned = list(zip(*rows, strict=True))
                yield Partition({name: turned[i] for name, i in at.items()}, len(rows), types, names)

    def _default(self, entity: str) -> str | None:
        """SELECT the canonical columns that the table of that name has; letter case is ignored."""
        inspector = sa.inspect(self._connection)
        if self._tables is None:
            names = [*inspector.get_view_names(), *inspector.get_table_names()]
            self._tables = {name.lower(): name for name in names} | {name: name for name in names}
        table = self._tables.get(entity)
        if table is None:
            _absent(entity)
            return None
        present = [str(column["name"]) for column in inspector.get_columns(table)]
        quote = self._connection.dialect.identifier_preparer.quote_identifier
        columns = ", ".join(quote(present[i]) for i in locate(entity, present).values())
        return f"SELECT {columns} FROM {quote(table)}"


@contextmanager
def view(url: str, entities: Mapping[str, str], *, fast: bool = True) -> Iterator[View]:
    """Open a consistent view; ConfigurationError(SOURCE_UNREACHABLE) when the database cannot be reached."""
    unknown = sorted(set(entities) - set(COLUMNS))
    if unknown:
        raise ConfigurationError.of(
            "SOURCE_QUERY", f"legacy.entities.{unknown[0]}", f"no such entity; known are {', '.join(COLUMNS)}"
        )
    engine = _engine(url)
    try:
        with _told(""):
            connection = engine.connect()
        try:
            with _told(""):
                begun = dialects.begin(connection)
            yield View(begun, entities, fast=fast)
        finally:
            connection.close()
    finally:
        engine.dispose()


def locate(entity: str, present: Sequence[str]) -> dict[str, int]:
    """Canonical column -> its place among the columns that are there, by name in any letter case; others are ignored.

    ConfigurationError: SOURCE_COLUMN_MISSING, or SOURCE_QUERY when a name occurs twice.
    """
    lowered = [name.lower() for name in present]
    found: dict[str, int] = {}
    for column in COLUMNS[entity]:
        times = lowered.count(column.name)
        if times > 1:
            raise ConfigurationError.of(
                "SOURCE_QUERY", f"{entity}.{column.name}", "the column is there more than once", _MEND_SELECT
            )
        if times:
            found[column.name] = lowered.index(column.name)
        elif column.required:
            _column_missing(entity, column)
    return found


def _column_missing(entity: str, column: Column) -> None:
    raise ConfigurationError.of(
        "SOURCE_COLUMN_MISSING",
        f"{entity}.{column.name}",
        f"the source has no such column; expected {column.expected}",
        f"add it to the table, or give a SELECT that yields it under legacy.entities.{entity}",
    )


def _absent(entity: str) -> None:
    if entity in REQUIRED_ENTITIES:
        raise ConfigurationError.of(
            "SOURCE_ENTITY_MISSING",
            entity,
            f"the source has no table or view of that name; expected columns {_names(entity)}",
            f"make one, or give a SELECT under legacy.entities.{entity}",
        )


def _names(entity: str) -> str:
    return ", ".join(column.name if column.required else f"{column.name}?" for column in COLUMNS[entity])


def _engine(url: str) -> sa.Engine:
    try:
        return dialects.engine_for(sa.make_url(url))
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError, ValueError, TypeError):
        # no `from`: the cause repeats the URL
        raise ConfigurationError.of(
            "SOURCE_UNREACHABLE",
            "legacy.url",
            "this is no URL of a database with an installed driver (mysql+pymysql, postgresql+psycopg, sqlite)",
            "mend legacy.url",
        ) from None


@contextmanager
def _told(entity: str) -> Iterator[None]:
    """Translate the driver's errors; `entity` is empty while connecting."""
    try:
        yield
    except exc.DBAPIError as error:
        lost = not entity or error.connection_invalidated
        raise (_unreachable(error) if lost else _bad_query(entity, error)) from None
    except (exc.SQLAlchemyError, OSError) as error:
        raise (_bad_query(entity, error) if entity else _unreachable(error)) from None


def _unreachable(error: Exception) -> CutoverError:
    detail = f"the legacy database cannot be read ({_reason(error)})"
    return ConfigurationError.of("SOURCE_UNREACHABLE", "legacy.url", detail, _MEND_URL)


def _bad_query(entity: str, error: Exception) -> CutoverError:
    detail = f"the database refused the SELECT ({_reason(error)})"
    return ConfigurationError.of("SOURCE_QUERY", entity, detail, _MEND_SELECT)


def _reason(error: Exception) -> str:
    """Tell the driver's class of error, its code, and what the allow-list knows to be harmless."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None) or next((a for a in getattr(cause, "args", ()) if isinstance(a, int)), None)
    safe = _SAFE.search(str(cause))
    parts = [type(cause).__name__, str(code) if code else "", safe.group(0) if safe else ""]
    return ", ".join(part for part in parts if part)
