"""Rows in the chain: each write's event carries SHA-256 digests of the rows it leaves behind, by group.

A *group* is what is digested together: the items of one batch (`item/2017-11-18/000001`), a batch's own row
(`batch/2017-11-18/000001`), the dispositions of an entity (`disposition/users`), or a whole small table (`gate`). Its
digest is SHA-256 over its rows as JSON texts in a fixed order (`sql/witness.sql`), each followed by a line feed. The last
event that names a group says what must stand in it: a row that was changed past the journal is seen, though its table
has no chain of its own. An empty group has the digest of nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from migration.journal.sqlfiles import query, source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    import psycopg
    from sqlalchemy import Connection

TABLES: Final = (
    "snapshot",
    "correction",
    "approver",
    "gate",
    "decision",
    "exception",
    "signature",
    "resend",
    "stage",
    "check_result",
)
"""Tables that are one group each."""

DAYS: Final = ("day", "day_balance", "day_difference", "day_error", "day_movement")
"""Tables of which each business date is a group."""

EXPORTED: Final = ("cutover", "event", *TABLES, "batch", "item", "disposition", *DAYS)
"""Every table that an auditor gets; the bytes of files stay, their digests are in `batch`."""


def batch_group(table: str, no: int, day: date, number: str) -> tuple[str, dict[str, object]]:
    """Return the group of a batch's own row or of its items, and what its query takes."""
    return f"{table}/{day.isoformat()}/{number}", {"batch": no, "date": day.isoformat(), "number": number}


def rows(connection: Connection, table: str, values: Mapping[str, object]) -> Iterator[str]:
    """Yield the rows of a group as JSON texts, in order, streaming."""
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    with driver.cursor() as cursor, cursor.copy(f"COPY ({source(f'rows_{table}')}) TO STDOUT", dict(values)) as copy:
        try:
            for row in copy.rows():
                yield str(row[0])
        finally:  # whoever stops reading early must not leave the connection in the middle of an answer
            while copy.read():
                pass


def digests(connection: Connection, touched: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return the digests of groups as they stand now, in the caller's transaction."""
    return {group: _digest(connection, group, values) for group, values in sorted(touched.items())}


def _digest(connection: Connection, group: str, values: Mapping[str, object]) -> str:
    found = hashlib.sha256()
    for row in rows(connection, group.partition("/")[0], values):
        found.update(row.encode() + b"\n")
    return found.hexdigest()


def exported(connection: Connection, cutover: int, table: str) -> Iterator[str]:
    """Yield all rows of a table of one cutover, group by group."""
    own: dict[str, object] = {"cutover": cutover}
    if table == "disposition" or table in DAYS:
        parts = "imported" if table in DAYS else "disposed"
        for entity in connection.execute(query(parts), own).scalars().all():
            yield from rows(connection, table, {**own, "entity": entity})
    elif table in {"batch", "item"}:
        for no, day, number in connection.execute(query("drawn"), own).all():
            yield from rows(connection, table, batch_group(table, no, day, number)[1])
    else:
        yield from rows(connection, table, own)
