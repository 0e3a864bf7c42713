"""Read a legacy SQLite file into plain dicts: money as int fen, dates as `date` (None and a mark when impossible)."""

import re
import sqlite3
from datetime import date

MONEY = {
    "escrow_accounts": ("available", "frozen"),
    "listings": ("amount",),
    "schedules": ("principal", "interest", "principal_paid", "interest_paid"),
    "debts": ("principal", "interest", "bonus_interest"),
    "in_flight": ("amount",),
}
DATES = {
    "listings": ("value_date", "maturity_date"),
    "schedules": ("due_date",),
    "debts": ("acquired_on",),
    "extensions": ("new_maturity_date",),
}
INSTANTS = {"users": ("verified_at", "registered_at", "last_active_at"), "elections": ("elected_at",)}
TABLES = (
    "users",
    "escrow_accounts",
    "elections",
    "listings",
    "schedules",
    "debts",
    "extensions",
    "authorisations",
    "in_flight",
)


def fen(text):
    """'12.5' yuan -> 1250."""
    found = re.fullmatch(r"([0-9]+)(?:\.([0-9]{1,2}))?", str(text))
    assert found, "a money value the oracle does not know"
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def day(text):
    """ISO text -> date, or None when there is no such day."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def read(path):
    """Table -> list of dicts; `bad` in a row names its columns that hold an impossible date."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    tables = {}
    for table in TABLES:
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        for row in rows:
            row["bad"] = set()
            for column in MONEY.get(table, ()):
                row[column] = fen(row[column])
            for column in (*DATES.get(table, ()), *INSTANTS.get(table, ())):
                if row[column] is not None and day(row[column]) is None:
                    row["bad"].add(column)
                    row[column] = None
                elif row[column] is not None and column in DATES.get(table, ()):
                    row[column] = day(row[column])
        tables[table] = rows
    connection.close()
    return tables


def by_bytes(rows, key):
    """Rows in the order of their key as UTF-8 bytes."""
    return sorted(rows, key=lambda row: row[key].encode())
