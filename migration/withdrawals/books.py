"""The house's side: opening the books from the cutover, the daily ledger, the switch, releases, reversals.

An account's equation is opening = left + in transit + paid (I1); the ledger recomputes each side from the movements, which are
append-only, and compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from migration.domain.errors import GateClosed, InputRefused, Waiting
from migration.domain.findings import Finding
from migration.withdrawals.database import Database
from migration.withdrawals.gateway import Gateway, Unanswered, reversals
from migration.withdrawals.sender import UNREACHED
from migration.withdrawals.sqlfiles import query
from migration.withdrawals.values import Terms

LOADING_S: Final = 3_600.0
"""What a load of all accounts may take, in seconds."""

_ACCOUNT: Final = (
    *("escrow_id", "user_id", "legacy_user_id", "card", "bank"),
    *("opening_fen", "frozen_fen", "left_fen"),
)
_MOVEMENT: Final = ("escrow_id", "kind", "fen", "at")


@dataclass(frozen=True, slots=True)
class Opening:
    """An old escrow account as the cutover left it (export `residuals`, and the card bound at the legacy escrow)."""

    escrow_id: str
    user_id: str  # the kept user
    legacy_user_id: str
    available_fen: int
    frozen_fen: int
    card: str = field(repr=False)
    bank: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One account in the ledger."""

    escrow_id: str
    opening_fen: int
    paid_fen: int
    in_transit_fen: int
    left_fen: int
    frozen_fen: int
    moved_at: datetime | None
    differs: bool

    @property
    def difference_fen(self) -> int:
        """Opening - paid - in transit - left: 0, or the gate is closed."""
        return self.opening_fen - self.paid_fen - self.in_transit_fen - self.left_fen


@dataclass(frozen=True, slots=True)
class Books:
    """Verbs of the house on the withdrawals' database, as its owner."""

    database: Database
    now: Callable[[], datetime]

    async def open(self, openings: Iterable[Opening]) -> int:
        """Write the accounts that are not there yet; returns how many. GateClosed when one stands with other content."""
        wanted = {o.escrow_id: o for o in openings}
        async with self.database.transaction() as connection:
            known = {row["escrow_id"]: row for row in await connection.fetch(query("all_accounts"))}
            odd = [key for key, row in known.items() if key in wanted and _other(row, wanted[key])]
            if odd:
                raise GateClosed(*(_differs(key) for key in sorted(odd)[:20]))
            new = [o for key, o in sorted(wanted.items()) if key not in known]
            at = self.now()
            await _load(connection, "account", _ACCOUNT, [_row(o) for o in new])
            await _load(connection, "movement", _MOVEMENT, [(o.escrow_id, "opening", o.available_fen, at) for o in new])
        return len(new)

    async def holders(self, rows: Iterable[tuple[str, str, bool]]) -> None:
        """Write who has which custody account and whether it is activated: (user_id, account_no, activated)."""
        async with self.database.transaction() as connection:
            await connection.executemany(query("load_holder"), list(rows), timeout=LOADING_S)

    async def ledger(self) -> tuple[Line, ...]:
        """Every account, its movements added up anew."""
        async with self.database.transaction() as connection:
            return tuple(line_of(row) for row in await connection.fetch(query("book")))

    async def of_accounts(self, escrow_ids: Sequence[str]) -> tuple[dict[str, object], ...]:
        """The withdrawals from these accounts, oldest first; none before the books were opened."""
        async with self.database.transaction() as connection:
            if not await connection.fetchval(query("installed")):
                return ()
            return tuple(dict(row) for row in await connection.fetch(query("of_accounts"), list(escrow_ids)))

    async def drain(self) -> Sequence[tuple[date, str, int, int]]:
        """What moved by Beijing day: day, kind, fen, times."""
        async with self.database.transaction() as connection:
            return [(r["day"], r["kind"], r["fen"], r["times"]) for r in await connection.fetch(query("drain"))]

    async def troubles(self) -> tuple[Finding, ...]:
        """The withdrawals that a person must look at."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(query("troubles"))
        release = "ask the escrow; then cutover withdrawals release"
        mends = {UNREACHED: "see to the line; it goes by itself"}
        return tuple(
            Finding(
                r["trouble"],
                f"withdrawals/{r['withdrawal']}",
                f"still {r['state']}",
                mends.get(r["trouble"], release),
            )
            for r in rows
        )

    async def counts(self) -> dict[str, tuple[int, int]]:
        """State -> how many withdrawals, and their sum in fen with fees."""
        async with self.database.transaction() as connection:
            return {r["state"]: (r["n"], r["fen"]) for r in await connection.fetch(query("counts"))}

    async def longest_due(self) -> int:
        """Seconds that an order has waited for a sender, the longest of all; minutes mean that none is at work."""
        async with self.database.transaction() as connection:
            return int(await connection.fetchval(query("longest_due"), self.now()))

    async def stopped(self) -> bool:
        """Whether new withdrawals are refused."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(query("stopped"))
        return bool(row and row["stopped"])

    async def switch(self, *, stopped: bool, by: str, reason: str) -> None:
        """Stop or allow new withdrawals; those under way go on."""
        async with self.database.transaction() as connection:
            await connection.execute(query("switch"), stopped, by, reason, self.now())

    async def release(self, number: UUID, by: str, reason: str, terms: Terms) -> bool:
        """One person's word that this money never left; the last one needed gives it back to its owner.

        Only for a withdrawal that the escrow twice said it never got, past its finality (R4). True when it went back, False while
        other persons' words are missing. It is never sent again: the owner asks anew.
        """
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(query("outbox"), number)
            if row is None or row["not_found"] < 2:  # noqa: PLR2004 - R4: "not found" twice
                raise InputRefused.of(
                    "RELEASE_TOO_EARLY",
                    f"withdrawals/{number}",
                    "the escrow has not said twice, past its finality, that it never got it",
                    "wait, or ask the escrow",
                )
            await connection.execute(query("release"), number, by, reason, self.now())
            names = await connection.fetchval(query("released_by"), number)
            if len(names) < terms.release_persons:
                return False
            await connection.execute(query("finish"), number, "returned", "RELEASED", self.now())
        return True

    async def reverse(self, day: date, gateway: Gateway) -> int:
        """Take the reversals of a day, once; returns how many. Waiting while the file is not there.

        GateClosed when the day was taken with other content, or a line is no paid withdrawal of that amount: then none is taken.
        """
        try:
            content = await gateway.reversals(day)
        except Unanswered:
            content = None
        if content is None:
            raise Waiting.of("REVERSALS_MISSING", f"reversals/{day}", "the escrow has no file yet", "run again later")
        digest = hashlib.sha256(content).hexdigest()
        async with self.database.transaction() as connection:
            known = await connection.fetchval(query("reversal_day"), day)
            if known == digest:
                return 0
            if known is not None:
                raise GateClosed.of(
                    "REVERSALS_CHANGED", f"reversals/{day}", "other content than was taken", "ask the escrow"
                )
            lines = reversals(day, content)
            for number, amount in lines:
                await self._reverse(connection, day, number, amount)
            await connection.execute(query("keep_reversal_day"), day, digest, len(lines), self.now())
        return len(lines)

    async def _reverse(self, connection: Any, day: date, number: UUID, amount: int) -> None:
        row = await connection.fetchrow(query("paid_amount"), number)
        if row is None or row["state"] not in {"paid", "reversed"} or row["amount_fen"] != amount:
            detail = "a line names no paid withdrawal of that amount; none of the file was taken"
            raise GateClosed.of("REVERSAL_ODD", f"reversals/{day}", f"withdrawals/{number}: {detail}", "ask the escrow")
        await connection.execute(query("finish"), number, "reversed", "REVERSED", self.now())


def closed(lines: Sequence[Line]) -> tuple[Finding, ...]:
    """The gate of the ledger: a finding an account whose equation, or whose movements, do not close."""
    return tuple(
        Finding(
            "LEDGER_OPEN",
            f"withdrawals/{line.escrow_id}",
            f"opening - paid - in transit - left = {line.difference_fen} fen, movements "
            + ("differ" if line.differs else "agree"),
            "stop withdrawals and look at its movements",
        )
        for line in lines
        if line.difference_fen or line.differs
    )


def line_of(row: Any) -> Line:
    """A row of the query `book` as a value."""
    transit = row["reserved"] - row["returned"] - row["paid"]
    paid = row["paid"] - row["reversed"]
    left = row["opened"] - transit - paid
    return Line(
        row["escrow_id"],
        row["opening_fen"],
        row["paid_fen"],
        row["in_transit_fen"],
        row["left_fen"],
        row["frozen_fen"],
        row["moved_at"],
        differs=(row["opened"], left, transit, paid)
        != (row["opening_fen"], row["left_fen"], row["in_transit_fen"], row["paid_fen"]),
    )


def _row(opening: Opening) -> tuple[object, ...]:
    o = opening
    return (o.escrow_id, o.user_id, o.legacy_user_id, o.card, o.bank, o.available_fen, o.frozen_fen, o.available_fen)


async def _load(connection: Any, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    await connection.copy_records_to_table(
        table, schema_name="withdrawals", columns=columns, records=rows, timeout=LOADING_S
    )


def _other(row: Any, opening: Opening) -> bool:
    o = opening
    there = (row["user_id"], row["legacy_user_id"], row["opening_fen"], row["frozen_fen"], row["card"])
    return there != (o.user_id, o.legacy_user_id, o.available_fen, o.frozen_fen, o.card)


def _differs(key: str) -> Finding:
    return Finding("OPENING_CHANGED", f"withdrawals/{key}", "was opened with other content", "the first opening stands")
