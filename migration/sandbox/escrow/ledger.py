"""The escrow's own books, in SQLite: what it was told to pay, what it did. It pays a number at most once."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS account (escrow_id TEXT PRIMARY KEY, balance_fen INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payment (
    number TEXT PRIMARY KEY, escrow_id TEXT NOT NULL, amount_fen INTEGER NOT NULL, route TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 1, word TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', ends_at REAL NOT NULL,
    ends_as TEXT NOT NULL, effects INTEGER NOT NULL DEFAULT 0, reversed_on TEXT
);
"""


class Books:
    """Money of the old escrow accounts and the payments made; amounts in fen, times in seconds of its clock."""

    def __init__(self, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(place, check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def pay(
        self, number: str, escrow_id: str, amount_fen: int, route: str, *, ends_at: float, ends_as: str = "paid"
    ) -> None:
        """Take an order; a number that was told before changes nothing but the count of tellings."""
        with self._write() as db:
            seen = db.execute("UPDATE payment SET told = told + 1 WHERE number = ?", (number,)).rowcount
            if not seen:
                row = (number, escrow_id, amount_fen, route, "processing", ends_at, ends_as)
                db.execute(
                    "INSERT INTO payment (number, escrow_id, amount_fen, route, word, ends_at, ends_as)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    row,
                )

    def settle(self, now: float) -> None:
        """Bring every order to its end whose time has come: the money leaves here, once."""
        with self._write() as db:
            due = db.execute(
                "SELECT number, escrow_id, amount_fen, ends_as FROM payment WHERE word = 'processing' AND ends_at <= ?",
                (now,),
            ).fetchall()
            for number, escrow_id, amount, ends_as in due:
                if ends_as == "paid":
                    db.execute(
                        "INSERT INTO account VALUES (?, ?) ON CONFLICT (escrow_id) DO UPDATE SET"
                        " balance_fen = balance_fen + excluded.balance_fen",
                        (escrow_id, -amount),
                    )
                    db.execute("UPDATE payment SET word = 'paid', effects = effects + 1 WHERE number = ?", (number,))
                else:
                    db.execute("UPDATE payment SET word = 'returned', reason = ? WHERE number = ?", (ends_as, number))

    def state(self, number: str) -> dict[str, object] | None:
        """One payment: word, amount_fen, reason; None when it was never told."""
        with self._lock:
            row = self._db.execute(
                "SELECT word, amount_fen, reason FROM payment WHERE number = ?", (number,)
            ).fetchone()
        return None if row is None else {"word": row[0], "amount_fen": row[1], "reason": row[2]}

    def reverse(self, number: str, day: str) -> None:
        """Take a paid one back: it stands in the file of that day."""
        with self._write() as db:
            db.execute(
                "UPDATE payment SET reversed_on = ? WHERE number = ? AND word = 'paid' AND reversed_on IS NULL",
                (day, number),
            )

    def reversals(self, day: str) -> list[dict[str, object]]:
        """The reversals of a day, by number."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, amount_fen FROM payment WHERE reversed_on = ? ORDER BY number", (day,)
            ).fetchall()
        return [{"number": number, "amount_fen": amount} for number, amount in rows]

    def dump(self) -> list[dict[str, object]]:
        """Every payment with its count of tellings and effects, for those who check."""
        with self._lock:
            rows = self._db.execute(
                "SELECT number, escrow_id, amount_fen, told, word, effects, reversed_on FROM payment ORDER BY number"
            ).fetchall()
        names = ("number", "escrow_id", "amount_fen", "told", "word", "effects", "reversed_on")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._db.close()
