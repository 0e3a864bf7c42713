"""The processes: the service behind uvicorn, the sender beside it, and one house verb at a time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import uvicorn

from migration.withdrawals import workdays
from migration.withdrawals.api import Counter, application
from migration.withdrawals.books import Books
from migration.withdrawals.callers import Callers
from migration.withdrawals.custody import Custody
from migration.withdrawals.database import Database, install
from migration.withdrawals.desk import Desk
from migration.withdrawals.escrow_http import EscrowOverHttp
from migration.withdrawals.running import run
from migration.withdrawals.sender import Sender
from migration.withdrawals.tokens import Tokens
from migration.withdrawals.values import Terms

T = TypeVar("T")


def now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Plant:
    """What the processes are made from. `url` is a SQLAlchemy URL of the store, `escrow_url` the escrow's."""

    url: str
    terms: Terms
    escrow_url: str

    def house(self, verb: Callable[[Books], Awaitable[T]]) -> T:
        """Run one verb of the house; TransientError when the store is away."""

        async def body() -> T:
            await install(self.url)
            async with _opened(self.url, as_service=False) as database:
                return await verb(Books(database, now))

        return run(body())

    def look(self, verb: Callable[[Books], Awaitable[T]]) -> T:
        """Run a verb that only reads; the schema may be missing. TransientError when the store is away."""

        async def body() -> T:
            async with _opened(self.url, as_service=False) as database:
                return await verb(Books(database, now))

        return run(body())

    def serve(self, port: int, tokens: Tokens, custody: Custody, announce: Callable[[str], None]) -> None:
        """Serve on 127.0.0.1 until told to stop."""
        run(self._serve(port, tokens, custody, announce))

    async def _serve(self, port: int, tokens: Tokens, custody: Custody, announce: Callable[[str], None]) -> None:
        await install(self.url)
        async with (
            _opened(self.url, as_service=True) as service,
            _opened(self.url, as_service=False, size=2) as own,
        ):
            desk = Desk(service, self.terms, now, workdays.is_workday)
            app = application(Counter(desk, Books(own, now), custody, Callers(tokens)))
            config = uvicorn.Config(app, "127.0.0.1", port, log_level="warning", access_log=False, server_header=False)
            announce(f"withdrawals: http://127.0.0.1:{port}/")
            await uvicorn.Server(config).serve()

    def send(self) -> None:
        """Work on the outbox until SIGTERM or SIGINT."""
        run(self._send())

    async def _send(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await install(self.url)
        gateway = EscrowOverHttp(self.escrow_url)
        async with _opened(self.url, as_service=False, size=2) as own:
            await Sender(own, gateway, now, self.terms.finality).run(stop)
        await gateway.close()


@asynccontextmanager
async def _opened(url: str, *, as_service: bool, size: int = 16) -> AsyncIterator[Database]:
    database = await Database(url, as_service=as_service, size=size).open()
    try:
        yield database
    finally:
        await database.close()
