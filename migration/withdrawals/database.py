"""The way to PostgreSQL for the service: asyncpg pools, as the owner or as the role that sees one user's rows only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import make_url

from migration.withdrawals.sqlfiles import query, schema

ROLE: Final = "cutover_withdrawals"
SESSION: Final = {"idle_in_transaction_session_timeout": "30s", "lock_timeout": "15s", "timezone": "UTC"}
AWAY: Final = (OSError, asyncio.TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What is raised when the server does not answer, or refuses."""

TIMEOUT_S: Final = 20.0
CLOSING_S: Final = 2.0
_LOCK: Final = 0x7769_7468  # advisory lock while the schema is made


class Database:
    """A pool of connections; `as_service` takes the role that row-level security holds to one user's rows."""

    def __init__(self, url: str, *, as_service: bool, size: int = 8) -> None:
        self._url = url
        self._role = ROLE if as_service else None
        self._size = size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> Database:
        """Connect; returns itself. OSError or asyncpg.PostgresError when the server is not there."""
        self._pool = await asyncpg.create_pool(
            **parameters(self._url),
            min_size=0,
            max_size=self._size,
            command_timeout=TIMEOUT_S,
            server_settings=SESSION | ({"role": self._role} if self._role else {}),
            reset=_as_it_was,
        )
        return self

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection for one statement, which is a transaction of its own."""
        if self._pool is None:
            raise RuntimeError("the database is not open")
        waiting = (
            None if self._pool.get_idle_size() else TIMEOUT_S
        )  # a time-out costs a task: only where there is a wait
        async with self._pool.acquire(timeout=waiting) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, user_id: str | None = None) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """One transaction, on behalf of a user when one is named: only his rows are there."""
        async with self.connection() as connection, connection.transaction():
            if user_id is not None:
                await connection.execute(query("act_as_user"), user_id)
            yield connection

    async def close(self) -> None:
        """Give the connections back; those that do not come back in time are cut."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), CLOSING_S)
            except TimeoutError:
                self._pool.terminate()


async def install(url: str) -> None:
    """Make the schema when it is missing; safe to be called by several at once."""
    connection = await asyncpg.connect(**parameters(url))
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            if not await connection.fetchval(query("installed")):
                await connection.execute(schema())
    finally:
        await connection.close()


def parameters(url: str) -> dict[str, Any]:
    """Asyncpg's arguments for any SQLAlchemy URL of a PostgreSQL, a socket's folder as `?host=` included."""
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host")
    port = parsed.port or parsed.query.get("port")
    found = {
        "host": host,
        "port": int(str(port)) if port else None,
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
    }
    return {name: value for name, value in found.items() if value is not None}


async def _as_it_was(_: Any) -> None:
    """Nothing outlives a transaction here (settings are local to it): there is nothing to reset."""
