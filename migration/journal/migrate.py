"""Bringing the store's schema up to date: every migration once, in order, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from migration.domain.errors import ConfigurationError
from migration.journal import rules, sqlfiles

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK: Final = 0x0063_7574_6F76_6572
"""Advisory lock of the transaction that migrates (the letters of `cutover`)."""

_LEDGER: Final = """
CREATE SCHEMA IF NOT EXISTS journal;
CREATE TABLE IF NOT EXISTS journal.schema_migration (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrate(connection: Connection) -> int:
    """Apply what is missing, within the caller's transaction; returns how many were applied.

    ConfigurationError STORE_SCHEMA_NEWER (the store was made by a newer version) or STORE_SCHEMA_CHANGED (a migration
    that was applied has other content now).
    """
    if _up_to_date(connection):
        return 0
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    connection.exec_driver_sql(_LEDGER)
    applied = _applied(connection)
    _check(applied)
    missing = [step for step in sqlfiles.migrations() if step.version not in applied]
    for step in missing:
        connection.connection.driver_connection.execute(step.content)  # type: ignore[union-attr]
        connection.execute(
            text("INSERT INTO journal.schema_migration (version, name, sha256) VALUES (:version, :name, :sha256)"),
            {"version": step.version, "name": step.name, "sha256": rules.sha256(step.content.encode())},
        )
    return len(missing)


def _up_to_date(connection: Connection) -> bool:
    if connection.execute(text("SELECT to_regclass('journal.schema_migration')")).scalar() is None:
        return False
    applied = _applied(connection)
    _check(applied)
    return len(applied) == len(sqlfiles.migrations())


def _applied(connection: Connection) -> dict[int, str]:
    rows = connection.execute(text("SELECT version, sha256 FROM journal.schema_migration"))
    return {row.version: row.sha256 for row in rows}


def _check(applied: dict[int, str]) -> None:
    known = {step.version: rules.sha256(step.content.encode()) for step in sqlfiles.migrations()}
    for version, digest in sorted(applied.items()):
        if version not in known:
            detail = f"its schema has step {version}, this program knows {len(known)}"
            raise ConfigurationError.of("STORE_SCHEMA_NEWER", "store", detail, "use the newer program")
        if known[version] != digest:
            detail = f"schema step {version} was applied with other content"
            raise ConfigurationError.of("STORE_SCHEMA_CHANGED", "store", detail, "use the program that made the store")
