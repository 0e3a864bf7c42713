"""The user's side: what he has at the old escrow, what he asks for, what became of it.

Asking reserves the money and writes the order to pay it in one transaction (reliability.md "Withdrawal service"), together with
what others ask at the same moment; the call to the escrow is the sender's. A key is answered once and for ever: the same body
gets the same answer, another body is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from migration.domain import routing
from migration.withdrawals.database import Database
from migration.withdrawals.lane import Lane
from migration.withdrawals.sqlfiles import query
from migration.withdrawals.values import Account, Holder, Order, Refused, Terms, Withdrawal

LISTED: Final = 200
"""How many withdrawals a list shows, the newest first."""

MISUSED: Final = "IDEMPOTENCY_KEY_REUSED"
PASSING: Final = frozenset({MISUSED, "WITHDRAWALS_STOPPED", "SERVICE_UNAVAILABLE"})
"""No answer to what was asked: the same key may be used again."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a withdrawal would cost and how it would go, were it asked for now."""

    amount_fen: int
    fee_fen: int
    route: str
    arrives_by: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a user may see or ask for; each call acts for that user only."""

    database: Database
    terms: Terms
    now: Callable[[], datetime]
    is_workday: routing.Workday
    lane: Lane[tuple[Any, ...], Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Those who ask at the same time share one transaction."""
        object.__setattr__(self, "lane", Lane(self._together))

    async def accounts(self, user_id: str) -> tuple[Account, ...]:
        """His accounts at the old escrow, empty ones too."""
        async with self.database.transaction(user_id) as connection:
            return tuple(_account(row) for row in await connection.fetch(query("accounts"), user_id))

    async def holder(self, user_id: str) -> Holder:
        """His account in custody; an empty number when none was opened."""
        async with self.database.transaction(user_id) as connection:
            row = await connection.fetchrow(query("holder"), user_id)
        return Holder("", activated=False) if row is None else Holder(row["account_no"], activated=row["activated"])

    async def free_left(self, user_id: str) -> int:
        """How many free withdrawals he has left this month."""
        async with self.database.transaction(user_id) as connection:
            used = await connection.fetchval(query("free_used"), user_id, month_of(self.now())) or 0
        return max(0, self.terms.tariff.free_per_month - int(used))

    async def withdrawals(self, user_id: str) -> tuple[Withdrawal, ...]:
        """His withdrawals, the newest first."""
        async with self.database.transaction(user_id) as connection:
            return tuple(withdrawal(row) for row in await connection.fetch(query("withdrawals"), user_id, LISTED))

    async def withdrawal(self, user_id: str, number: UUID) -> Withdrawal:
        """One of his withdrawals; Refused(WITHDRAWAL_UNKNOWN) for any other number."""
        async with self.database.transaction(user_id) as connection:
            row = await connection.fetchrow(query("withdrawal"), number, user_id)
        if row is None:
            raise Refused("WITHDRAWAL_UNKNOWN")
        return withdrawal(row)

    async def quote(self, user_id: str, escrow_id: str, amount_fen: int) -> Quote:
        """What it would cost; Refused for sunset, hours, limit or balance (the rest shows when it is asked for)."""
        at = self.now()
        way = self._way(amount_fen, at)
        async with self.database.transaction(user_id) as connection:
            account = await self._owned(connection, user_id, escrow_id)
            free = await self._free_left(connection, user_id, at)
        fee = 0 if free else self.terms.tariff.fee(amount_fen)
        if amount_fen + fee > account.left_fen:
            raise self._too_small(account, free=free)
        return Quote(amount_fen, fee, way.route, way.arrives_by)

    async def ask(self, order: Order) -> Withdrawal:
        """Reserve and order. Refused with the same code and facts however often the same key says the same thing."""
        at = self.now()
        try:
            return await self._reserve(order, at)
        except Refused as refused:
            return await self._keep(order, refused, at)

    async def _reserve(self, order: Order, at: datetime) -> Withdrawal:
        row = await self.lane.ask(self._arguments(order, at, self._way(order.amount_fen, at)))
        code = row["refusal"]
        if not code:
            return withdrawal(row)
        if code == "withdrawal_one_open":
            raise Refused("WITHDRAWAL_OPEN", escrow_id=order.escrow_id)
        if not code.isupper():  # no code of ours: the same key, a moment earlier
            return await self._known(order)
        raise await self._ruled(order, code, at)

    async def _together(self, asked: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """Reserve for several, in one order of users and accounts wherever that is done: so nobody waits in a circle."""
        places = sorted(range(len(asked)), key=lambda n: asked[n][1:3])
        columns = [list(column) for column in zip(*(asked[n] for n in places), strict=True)]
        terms = (self.terms.tariff.free_per_month, self.terms.daily_cap_fen, routing.LARGE_VALUE_LIMIT_FEN)
        async with self.database.connection() as connection:
            rows = await connection.fetch(query("reserve"), *columns, *terms)
        back = dict(zip(places, rows, strict=True))
        return [back[n] for n in range(len(asked))]

    async def _known(self, order: Order) -> Withdrawal:
        known = await self._answered(order)
        if known is None:
            raise Refused("SERVICE_UNAVAILABLE")
        return known

    def _arguments(self, order: Order, at: datetime, way: routing.Routed) -> tuple[object, ...]:
        return (
            *(uuid4(), order.user_id, order.escrow_id, order.amount_fen, self.terms.tariff.fee(order.amount_fen)),
            *(month_of(at), day_of(at), way.route, way.settles_on, way.arrives_by, order.key, order.body_sha256, at),
        )

    def _way(self, amount_fen: int, at: datetime) -> routing.Routed:
        if self.terms.sunset is not None and day_of(at) > self.terms.sunset:
            raise Refused("SUNSET", ended_on=self.terms.sunset.isoformat())
        if amount_fen > routing.LARGE_VALUE_LIMIT_FEN:
            raise Refused("LARGE_VALUE_LIMIT", limit_fen=routing.LARGE_VALUE_LIMIT_FEN)
        way = routing.route(amount_fen, at, self.is_workday)
        if isinstance(way, routing.Shut):
            raise Refused(
                "LARGE_VALUE_SHUT",
                opens_at=way.opens_at.isoformat(),
                small_limit_fen=routing.SUPER_NETWORK_LIMIT_FEN,
            )
        return way

    async def _owned(self, connection: Any, user_id: str, escrow_id: str) -> Account:
        row = await connection.fetchrow(query("account"), escrow_id, user_id)
        if row is None:
            raise Refused("ACCOUNT_UNKNOWN")
        return _account(row)

    async def _free_left(self, connection: Any, user_id: str, at: datetime) -> bool:
        used = await connection.fetchval(query("free_used"), user_id, month_of(at)) or 0
        return bool(used < self.terms.tariff.free_per_month)

    async def _ruled(self, order: Order, code: str, at: datetime) -> Refused:
        """Turn a refusal of the schema into one with the numbers that the user needs."""
        if code == "BALANCE_TOO_SMALL":
            async with self.database.transaction(order.user_id) as connection:
                account = await self._owned(connection, order.user_id, order.escrow_id)
                if not account.card:
                    return Refused("NO_BOUND_CARD", escrow_id=order.escrow_id)
                return self._too_small(account, free=await self._free_left(connection, order.user_id, at))
        if code == "WITHDRAWAL_OPEN":
            return Refused(code, escrow_id=order.escrow_id)
        if code == "LARGE_VALUE_LIMIT":
            return Refused(code, limit_fen=routing.LARGE_VALUE_LIMIT_FEN)
        return Refused(code)

    def _too_small(self, account: Account, *, free: bool) -> Refused:
        return Refused(
            "BALANCE_TOO_SMALL",
            balance_fen=account.left_fen,
            largest_fen=self.terms.tariff.largest(account.left_fen, free=free),
        )

    async def _answered(self, order: Order) -> Withdrawal | None:
        """What the key was answered with before: a withdrawal, None, or the refusal again."""
        async with self.database.transaction(order.user_id) as connection:
            row = await connection.fetchrow(query("answer"), order.user_id, order.key)
        if row is None:
            return None
        if row["body_sha256"] != order.body_sha256:
            raise Refused(MISUSED)
        if row["refusal"] is not None:
            kept = json.loads(row["refusal"])
            raise Refused(kept["code"], **kept["facts"])
        return withdrawal(row)

    async def _keep(self, order: Order, refused: Refused, at: datetime) -> Withdrawal:
        """Keep a refusal under its key, if it is an answer at all; when another answer was quicker, that one stands."""
        if refused.code in PASSING:
            raise refused
        text = json.dumps({"code": refused.code, "facts": dict(refused.facts)}, ensure_ascii=False)
        async with self.database.transaction(order.user_id) as connection:
            await connection.execute(query("keep_refusal"), order.user_id, order.key, order.body_sha256, text, at)
        known = await self._answered(order)
        if known is None:
            raise refused
        return known


def month_of(at: datetime) -> date:
    """The first day of the month, in Beijing."""
    return day_of(at).replace(day=1)


def day_of(at: datetime) -> date:
    """The day, in Beijing."""
    return at.astimezone(routing.BEIJING).date()


def _account(row: Any) -> Account:
    return Account(
        row["escrow_id"], row["left_fen"], row["in_transit_fen"], row["frozen_fen"], card=row["card"], bank=row["bank"]
    )


def withdrawal(row: Any) -> Withdrawal:
    """A row of the table as a value."""
    return Withdrawal(
        id=row["id"],
        escrow_id=row["escrow_id"],
        amount_fen=row["amount_fen"],
        fee_fen=row["fee_fen"],
        free=row["free_month"] is not None,
        route=row["route"],
        state=row["state"],
        reason=row["reason"],
        requested_at=row["requested_at"],
        arrives_by=row["arrives_by"],
        changed_at=row["changed_at"],
    )
