"""The books at one moment, for the report: accounts, movements by day, withdrawals by state, all of one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from migration.withdrawals.books import Line, line_of
from migration.withdrawals.database import SESSION, parameters
from migration.withdrawals.sqlfiles import query


@dataclass(frozen=True, slots=True)
class Ended:
    """The withdrawals of one state: how many, their amounts and fees in fen, how many of them were the month's free one."""

    state: str
    times: int
    amount_fen: int
    fee_fen: int
    free: int


@dataclass(frozen=True, slots=True)
class Statement:
    """`movements`: Beijing day, kind, fen with fees, times."""

    accounts: Sequence[Line]
    movements: Sequence[tuple[date, str, int, int]]
    states: Sequence[Ended]


async def statement(url: str) -> Statement | None:
    """Read it and change nothing; None when the books were never opened."""
    connection = await asyncpg.connect(**parameters(url), server_settings=SESSION)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if not await connection.fetchval(query("installed")):
                return None
            lines = tuple(line_of(row) for row in await connection.fetch(query("book")))
            drained = [(r["day"], r["kind"], r["fen"], r["times"]) for r in await connection.fetch(query("drain"))]
            ended = [Ended(*row) for row in await connection.fetch(query("ended"))]
    finally:
        await connection.close()
    return Statement(lines, drained, ended) if lines else None
