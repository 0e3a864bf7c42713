"""Writing the canonical tables into any SQLAlchemy URL, in chunks, by the quickest plain way of each database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import create_engine

TABLES = {
    "users": (
        "user_id text, kind text, name text, id_type text, id_no text, sex text?, phone text, email text?, "
        "corporate_account text?, verified_at instant?, status text, registered_at instant, last_active_at instant?"
    ),
    "escrow_accounts": "escrow_id text, user_id text, available money, frozen money, bound_card text?, bound_bank text?",
    "elections": "id_no text, user_id text, elected_at instant",
    "listings": (
        "listing_id text, borrower_id text, guarantor_id text?, payee_id text?, nominal_borrower_id text?, title text, "
        "amount money, annual_rate rate, repayment_method text, term_days integer, interest_day integer?, "
        "value_date date, maturity_date date, status text"
    ),
    "schedules": (
        "listing_id text, period integer, due_date date, principal money, interest money, principal_paid money, "
        "interest_paid money"
    ),
    "debts": (
        "debt_id text, listing_id text, lender_id text, principal money, interest money, bonus_interest money, "
        "acquired_on date, origin text, status text"
    ),
    "extensions": "listing_id text, new_maturity_date date, consented_at instant",
    "authorisations": "serial text, user_id text, kind text, granted_at instant",
    "in_flight": "id text, kind text, user_id text, amount money, created_at instant",
}
"""Table -> columns with their kind; `?` marks those that may be NULL (nothing enforces it: traps need to get in)."""
_TYPES = {
    "sqlite": {"text": "TEXT", "money": "TEXT", "rate": "TEXT", "date": "TEXT", "instant": "TEXT", "integer": "INTEGER"},
    "mysql": {
        "text": "VARCHAR(255)", "money": "DECIMAL(20,2)", "rate": "DECIMAL(10,5)", "date": "DATE", "instant": "DATETIME",
        "integer": "INT",
    },
    "postgresql": {
        "text": "TEXT", "money": "NUMERIC(20,2)", "rate": "NUMERIC(10,5)", "date": "DATE", "instant": "TIMESTAMP",
        "integer": "INTEGER",
    },
}  # fmt: skip
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_BATCH = 5_000


def columns(table: str) -> list[str]:
    """The column names of a table."""
    return [part.split()[0] for part in TABLES[table].split(", ")]


class Sink:
    """One connection, one transaction a `write`; tables are dropped and made anew on entry.

    `loose`: money with more places and dates as text where the database would refuse the traps of H24 and H27.
    """

    def __init__(self, url: str, *, loose_money: bool = False, loose_dates: bool = False) -> None:
        self._engine = create_engine(url)
        self._dialect = self._engine.dialect.name
        self._types = dict(_TYPES.get(self._dialect, _TYPES["postgresql"]))
        if loose_money and self._dialect != "sqlite":
            self._types["money"] = "DECIMAL(24,9)"
        if loose_dates and self._dialect == "postgresql":
            self._types |= {"date": "TEXT", "instant": "TEXT"}

    def __enter__(self) -> Self:
        self._connection = self._engine.raw_connection()
        self._cursor = self._connection.cursor()
        if self._dialect == "sqlite":
            for pragma in ("journal_mode = OFF", "synchronous = OFF"):
                self._cursor.execute(f"PRAGMA {pragma}")
        if self._dialect == "mysql":  # impossible dates must get in (H27)
            self._cursor.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
        for table, described in TABLES.items():
            body = re.sub(r" (\w+)\??(?=,|$)", lambda kind: f" {self._types[kind.group(1)]}", described)
            self._cursor.execute(f"DROP TABLE IF EXISTS {table}")
            suffix = " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if self._dialect == "mysql" else ""
            self._cursor.execute(f"CREATE TABLE {table} ({body}){suffix}")
        self._connection.commit()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._engine.dispose()

    def write(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows; None is NULL."""
        if not rows:
            return
        names = ", ".join(columns(table))
        if self._dialect == "postgresql":
            with self._cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for start in range(0, len(rows), _BATCH):
                    copy.write("".join(map(_copy_line, rows[start : start + _BATCH])))
        else:
            mark = "?" if self._dialect == "sqlite" else "%s"
            statement = f"INSERT INTO {table} ({names}) VALUES ({', '.join([mark] * len(columns(table)))})"
            for start in range(0, len(rows), _BATCH):
                self._cursor.executemany(statement, rows[start : start + _BATCH])
        self._connection.commit()


def _copy_line(row: Sequence[Any]) -> str:
    return "\t".join("\\N" if value is None else str(value).translate(_ESCAPES) for value in row) + "\n"
