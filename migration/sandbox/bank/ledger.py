"""The bank's books: SQLite in WAL mode, one transaction a request file."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from migration.sandbox.bank.movements import Movement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_NAME: Final = "ledger.sqlite"
_CUSTOMER: Final = "account_no, app_id, identity, id_no, id_type, name, phone, kind, flag, file, record"
_DUMPS: Final = {
    "accounts": f"SELECT {_CUSTOMER} FROM customers ORDER BY app_id, account_no",
    "listings": "SELECT * FROM listings ORDER BY file, record",
    "debts": "SELECT * FROM debts ORDER BY serial",
    "authorisations": "SELECT * FROM authorisations ORDER BY serial",
    "repayments": "SELECT * FROM repayments ORDER BY drill, authcode",
    "files": "SELECT name, sha256, kind, sort, records, result_name FROM files ORDER BY name",
    "incidents": "SELECT name, sha256, reason FROM incidents ORDER BY id",
    "emissions": "SELECT name, fault, sha256, done FROM emissions ORDER BY id",
    "effects": "SELECT entity, key, count(*) AS count FROM effects GROUP BY entity, key ORDER BY entity, key",
}


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer and his account. `flag` S: opened by a batch; N: opened through another channel, hence activated."""

    account_no: str
    app_id: str | None
    identity: str
    id_no: str
    id_type: str
    name: str
    phone: str
    kind: str
    flag: str
    file: str
    record: int


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A request the bank has worked through."""

    name: str
    sha256: str
    sort: str
    result_name: str
    accepted_at: float


class Ledger:
    """Opens (and creates) the books in the folder `state`; mode 0700, for customers' data lie there."""

    def __init__(self, state: Path) -> None:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(state / FILE_NAME, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(files(__package__).joinpath("schema.sql").read_text("utf-8"))

    def close(self) -> None:
        """Close the books."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; other writers wait."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
        return row

    def select(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Rows by column name, for questions of the query channel."""
        found = self._db.execute(sql, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    # -- files

    def file(self, name: str) -> SeenFile | None:
        """Return a request already worked through."""
        row = self._one("SELECT name, sha256, sort, result_name, accepted_at FROM files WHERE name = ?", name)
        return SeenFile(*row) if row else None

    def add_file(self, seen: SeenFile, kind: str, records: int, result: bytes) -> None:
        """Keep a request and its clean answer."""
        self._db.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                seen.name,
                seen.sha256,
                kind,
                seen.sort,
                records,
                seen.result_name,
                seen.accepted_at,
                zlib.compress(result, 1),
            ),
        )

    def answer(self, name: str) -> bytes:
        """Return the clean answer to a request worked through."""
        row = self._one("SELECT result FROM files WHERE name = ?", name)
        if row is None:
            raise KeyError(name)
        return zlib.decompress(row[0])

    def earlier_answer(self, name: str) -> bytes | None:
        """Return the clean answer to the latest earlier request of the same kind, if there is one."""
        row = self._one(
            "SELECT e.result FROM files e JOIN files f ON f.name = ? AND e.kind = f.kind AND e.rowid < f.rowid "
            "ORDER BY e.rowid DESC LIMIT 1",
            name,
        )
        return zlib.decompress(row[0]) if row else None

    def incident(self, name: str, sha256: str, reason: str) -> bool:
        """Record what was refused as a whole; False when it stands there already."""
        done = self._db.execute(
            "INSERT OR IGNORE INTO incidents (name, sha256, reason) VALUES (?, ?, ?)", (name, sha256, reason)
        )
        return done.rowcount > 0

    # -- customers

    def customer(self, column: str, value: str) -> Customer | None:
        """Return the customer by account_no, app_id, identity or phone."""
        row = self._one(f"SELECT {_CUSTOMER} FROM customers WHERE {column} = ?", value)
        return Customer(*row) if row else None

    def add_customer(self, new: Customer) -> None:
        """Open an account."""
        self._db.execute(
            f"INSERT INTO customers ({_CUSTOMER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                new.account_no,
                new.app_id,
                new.identity,
                new.id_no,
                new.id_type,
                new.name,
                new.phone,
                new.kind,
                new.flag,
                new.file,
                new.record,
            ),
        )

    def link_customer(self, account_no: str, app_id: str) -> None:
        """Tie a customer of another channel to the platform's user."""
        self._db.execute("UPDATE customers SET app_id = ? WHERE account_no = ?", (app_id, account_no))

    # -- listings, debts, authorisations

    def listing(self, listing_id: str) -> tuple[str, str] | None:
        """INTTYPE and INTPAYDAY of a registered listing, whatever the case of its number."""
        return self._one("SELECT int_type, pay_day FROM listings WHERE listing_id = ?", listing_id)

    def add(self, table: str, values: tuple[str | int, ...]) -> bool:
        """Insert a listing, debt or authorisation; False when its key is taken."""
        marks = ", ".join("?" * len(values))
        done = self._db.execute(f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING", values)
        return done.rowcount > 0

    def exists(self, table: str, column: str, value: str) -> bool:
        """Whether a row with this key is there."""
        return self._one(f"SELECT 1 FROM {table} WHERE {column} = ?", value) is not None

    def authorised(self, account_no: str, sig_type: str) -> bool:
        """Whether an uncancelled authorisation of this type exists."""
        sql = "SELECT 1 FROM authorisations WHERE account_no = ? AND sig_type = ?"
        return self._one(sql, account_no, sig_type) is not None

    def effect(self, entity: str, key: str, file: str, record: int) -> None:
        """Note that something was done for a key."""
        self._db.execute("INSERT INTO effects VALUES (?, ?, ?, ?)", (entity, key, file, record))

    # -- days after the cutover

    def account_numbers(self) -> list[str]:
        """Accounts of the platform's users, sorted."""
        rows = self._db.execute("SELECT account_no FROM customers WHERE app_id IS NOT NULL ORDER BY account_no")
        return [str(row[0]) for row in rows]

    def movements(self, day: str) -> list[Movement]:
        """Return a day's entries in order; none before it was cut."""
        return [
            Movement(*row) for row in self._db.execute("SELECT * FROM movements WHERE day = ? ORDER BY tranno", (day,))
        ]

    def add_movements(self, made: list[Movement]) -> None:
        """Keep a day's entries."""
        self._db.executemany("INSERT INTO movements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [astuple(one) for one in made])

    def balances(self) -> dict[str, int]:
        """Every account's balance in fen, of those that ever moved."""
        return dict(self._db.execute("SELECT account, sum(fen) FROM movements GROUP BY account"))

    def balance(self, account: str) -> int:
        """One account's balance in fen."""
        return int(
            self._db.execute("SELECT coalesce(sum(fen), 0) FROM movements WHERE account = ?", (account,)).fetchone()[0]
        )

    def unreversed(self, kind: str) -> list[Movement]:
        """Entries of a kind that nothing has taken back."""
        sql = (
            "SELECT * FROM movements m WHERE kind = ? AND reverses = '' AND NOT EXISTS (SELECT 1 FROM movements r "
            "WHERE r.order_no = m.order_no AND r.reverses <> '') ORDER BY day, tranno"
        )
        return [Movement(*row) for row in self._db.execute(sql, (kind,))]

    # -- settlement drills

    def debt_of(self, authcode: str) -> dict[str, Any] | None:
        """Return the debt that an authorisation code was given for."""
        return next(iter(self.select("SELECT * FROM debts WHERE authcode = ?", authcode)), None)

    def registered_of(self, listing_id: str) -> int:
        """Principal in fen of a listing's debts, as registered."""
        row = self._one("SELECT sum(amount_fen) FROM debts WHERE listing_id = ?", listing_id)
        return int(row[0]) if row and row[0] else 0

    def repaid(self, drill: str, authcode: str) -> bool:
        """Whether the code was used in this drill."""
        return self._one("SELECT 1 FROM repayments WHERE drill = ? AND authcode = ?", drill, authcode) is not None

    def repay(self, values: tuple[str | int, ...]) -> None:
        """Book a repayment in the drill's ledger."""
        self._db.execute(f"INSERT INTO repayments VALUES ({', '.join('?' * len(values))})", values)

    def drilled(self, drill: str, what: str, key: str, fen: int) -> int:
        """Add to a running total of a drill; returns it."""
        sql = (
            "INSERT INTO drilled VALUES (?, ?, ?, ?) ON CONFLICT (drill, what, key) "
            "DO UPDATE SET fen = fen + excluded.fen RETURNING fen"
        )
        return int(self._db.execute(sql, (drill, what, key, fen)).fetchone()[0])

    # -- faults and emissions

    def struck(self, fault: str, key: str) -> tuple[int, str]:
        """How often a planned fault struck this key, and the fingerprint of what it struck first."""
        row = self._one("SELECT times, fingerprint FROM refusals WHERE fault = ? AND key = ?", fault, key)
        return (row[0], row[1]) if row else (0, "")

    def strike(self, fault: str, key: str, fingerprint: str) -> None:
        """Count a planned fault."""
        self._db.execute(
            "INSERT INTO refusals VALUES (?, ?, 1, ?) ON CONFLICT (fault, key) DO UPDATE SET times = times + 1",
            (fault, key, fingerprint),
        )

    def last_emission(self, name: str) -> tuple[int, str, str, bool] | None:
        """Id, corruption, slow-write and whether done, of the latest writing of a result."""
        row = self._one("SELECT id, fault, slow, done FROM emissions WHERE name = ? ORDER BY id DESC LIMIT 1", name)
        return (row[0], row[1], row[2], bool(row[3])) if row else None

    def emitted(self, column: str, fault: str, name: str | None) -> int:
        """How often a fault (column `fault` or `slow`) was used, in all or for one request."""
        sql = f"SELECT count(*) FROM emissions WHERE {column} = ? AND (? IS NULL OR name = ?)"
        row = self._one(sql, fault, name, name)
        return int(row[0]) if row else 0

    def begin_emission(self, name: str, fault: str, slow: str, sha256: str) -> int:
        """Note that a result is about to be written; returns the emission's id."""
        done = self._db.execute(
            "INSERT INTO emissions (name, fault, slow, sha256, done) VALUES (?, ?, ?, ?, 0)",
            (name, fault, slow, sha256),
        )
        return int(done.lastrowid or 0)

    def end_emission(self, emission: int) -> None:
        """Note that it stands."""
        self._db.execute("UPDATE emissions SET done = 1 WHERE id = ?", (emission,))


def dump(state: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the bank's books as lists of rows (docs/sandbox-bank.md names the columns).

    FileNotFoundError when there are none.
    """
    path = state / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(f"no sandbox bank has kept books in {state}")
    db = sqlite3.connect(path, timeout=30)
    try:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")  # one view for all tables
        return {name: [dict(row) for row in db.execute(sql)] for name, sql in _DUMPS.items()}
    finally:
        db.close()
