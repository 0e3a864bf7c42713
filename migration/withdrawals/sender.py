"""The sender: takes what is due from the outbox and makes it so at the escrow, once.

The intent is committed before the call (R3); after it, whatever happened, the escrow is only asked (R4). One call is not in
doubt: where no connection was made nothing has left, and the intent is taken back. Leases let several senders share the work;
every write names the fence of its lease, so that one who was overtaken changes nothing. Money goes back to its owner only when
the escrow says that it did not pay, or when persons release it (`cutover withdrawals release`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from migration.withdrawals.database import AWAY, Database
from migration.withdrawals.gateway import Gateway, Payment, Reply, Unanswered, Unreached
from migration.withdrawals.sqlfiles import query

LEASE: Final = timedelta(seconds=60)
ASK_AGAIN: Final = timedelta(seconds=30)
BATCH: Final = 20
_LOG: Final = logging.getLogger(__name__)

OVERDUE: Final = "ESCROW_KNOWS_NOTHING"
ODD_AMOUNT: Final = "ESCROW_ODD_AMOUNT"
UNREACHED: Final = "ESCROW_UNREACHED"


def _nothing(_: str) -> None:
    """Fail nowhere."""


@dataclass(frozen=True, slots=True)
class Task:
    """One leased row of the outbox."""

    number: UUID
    escrow_id: str
    amount_fen: int
    route: str
    card: str
    fence: int
    submitted_at: datetime | None
    not_found: int
    not_found_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Works on the outbox of one database. `failpoint` is called at named points, for tests that kill."""

    database: Database
    gateway: Gateway
    now: Callable[[], datetime]
    finality: timedelta
    lease: timedelta = LEASE
    ask_again: timedelta = ASK_AGAIN
    failpoint: Callable[[str], None] = _nothing

    async def run(self, stop: asyncio.Event, *, poll_s: float = 1.0) -> None:
        """Work until `stop` is set. While the store is away it waits: what was leased or told then is asked for afterwards."""
        while not stop.is_set():
            try:
                taken = await self.turn()
            except AWAY as fault:
                _LOG.warning("the store does not answer (%s); trying again", type(fault).__name__)
                taken = 0
            if not taken:
                try:
                    await asyncio.wait_for(stop.wait(), poll_s)
                except TimeoutError:
                    continue

    async def turn(self) -> int:
        """Do what is due now; returns how many it did. One that finds no escrow ends the turn: the others' leases run out."""
        done = 0
        for task in await self._claim():
            if not await self._do(task):
                break
            done += 1
        return done

    async def _claim(self) -> list[Task]:
        async with self.database.transaction() as connection:
            rows = await connection.fetch(query("claim"), self.now(), self.lease, BATCH)
        return [_task(row) for row in rows]

    async def _do(self, task: Task) -> bool:
        """Tell or ask; False when there is no connection to the escrow."""
        try:
            reply = await (self._tell(task) if task.submitted_at is None else self.gateway.ask(task.number))
        except Unreached:
            await self._later(task, task.not_found, task.not_found_at, UNREACHED)
            return False
        except Unanswered:
            await self._later(task, task.not_found, task.not_found_at, "")
            return True
        if reply is not None:
            await self._heard(task, reply)
        return True

    async def _tell(self, task: Task) -> Reply | None:
        """Order the payment, once; None when it is not ours to order."""
        if not await self._intend(task):
            return None
        self.failpoint("after_intent")
        try:
            reply = await self.gateway.pay(Payment(task.number, task.escrow_id, task.amount_fen, task.route, task.card))
        except Unreached:
            await self._untold(task)
            raise
        self.failpoint("after_pay")
        return reply

    async def _untold(self, task: Task) -> None:
        """Take the intent back; whoever was overtaken since cannot."""
        async with self.database.transaction() as connection:
            await connection.execute(query("untold"), task.number, task.fence)

    async def _intend(self, task: Task) -> bool:
        """Commit that this one is about to be paid; False when another holds the lease, or it was intended before."""
        at = self.now()
        async with self.database.transaction() as connection:
            done = await connection.execute(query("intend"), task.number, task.fence, at)
            if done != "UPDATE 1":
                return False
            await connection.execute(query("in_transit"), task.number, at)
        return True

    async def _heard(self, task: Task, reply: Reply) -> None:
        if reply.word == "paid" and reply.amount_fen != task.amount_fen:
            await self._later(task, 0, None, ODD_AMOUNT)
        elif reply.word == "paid":
            await self._finish(task, "paid", "")
        elif reply.word == "returned":
            await self._finish(task, "returned", reply.reason or "ESCROW_RETURNED")
        elif reply.word == "not_found" and task.submitted_at is not None:
            await self._missing(task)
        else:
            await self._later(task, 0, None, "")

    async def _missing(self, task: Task) -> None:
        """Count a "not found" only past the escrow's finality; after two of them persons may release the money."""
        at = self.now()
        final = task.submitted_at is not None and at - task.submitted_at > self.finality
        times = task.not_found + 1 if final else 0
        await self._later(task, times, at, OVERDUE if times > 1 else "")

    async def _later(self, task: Task, times: int, at: datetime | None, trouble: str) -> None:
        due = self.now() + self.ask_again
        async with self.database.transaction() as connection:
            await connection.execute(query("later"), task.number, task.fence, due, times, at, trouble)

    async def _finish(self, task: Task, state: str, reason: str) -> None:
        async with self.database.transaction() as connection:
            if await connection.fetchrow(query("held"), task.number, task.fence) is not None:
                await connection.execute(query("finish"), task.number, state, reason, self.now())
        self.failpoint("after_finish")


def _task(row: Any) -> Task:
    return Task(
        number=row["id"],
        escrow_id=row["escrow_id"],
        amount_fen=row["amount_fen"],
        route=row["route"],
        card=row["card"],
        fence=row["fence"],
        submitted_at=row["submitted_at"],
        not_found=row["not_found"],
        not_found_at=row["not_found_at"],
    )
