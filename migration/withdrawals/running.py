"""From a coroutine to its end, with the store's absence said in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import asyncpg
import uvloop

from migration.domain.errors import TransientError

T = TypeVar("T")


def run(body: Awaitable[T]) -> T:
    """Run it; TransientError(WITHDRAWALS_STORE) when the database is away or refuses."""

    async def awaited() -> T:
        return await body

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(awaited())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
        state = getattr(away, "sqlstate", None) or type(away).__name__
        raise TransientError.of(
            "WITHDRAWALS_STORE", "store", f"does not answer ({state})", "is the server of store.url up?"
        ) from None
