"""Writers write, readers check, and everything breaks: sender and escrow are killed, PostgreSQL is stopped `immediate`, the escrow lies.

Real processes: an embedded PostgreSQL of the test's own, the sandbox escrow, senders. Every read, whenever it is made, must see every
account's equation closed; after recovery each payment has one effect and what the escrow paid is what the books say was paid.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest

from migration.journal import programs
from migration.journal.embedded import Embedded
from migration.journal.store import PostgresJournal
from migration.withdrawals import workdays
from migration.withdrawals.books import Books, closed
from migration.withdrawals.database import Database, install
from migration.withdrawals.desk import Desk
from migration.withdrawals.values import Order, Refused, Terms
from tests.support.withdrawing import FREE, opening

ACCOUNTS, BALANCE, WRITERS = 90, 50_000, 4
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

SENDER = """
import asyncio, sys
from datetime import timedelta
from migration.withdrawals.database import Database
from migration.withdrawals.escrow_http import EscrowOverHttp
from migration.withdrawals.sender import Sender
from migration.withdrawals.service import now
import httpx
async def main():
    own = await Database(sys.argv[1], as_service=False, size=2).open()
    work = Sender(own, EscrowOverHttp(sys.argv[2], httpx.Timeout(0.5)), now, timedelta(hours=24),
                  lease=timedelta(seconds=1.5), ask_again=timedelta(seconds=0.3))
    await work.run(asyncio.Event(), poll_s=0.05)
asyncio.run(main())
"""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Seen:
    reads: int = 0
    asked: int = 0
    torn: list[str] = field(default_factory=list)


@pytest.fixture
def server(tmp_path_factory):
    place = tmp_path_factory.mktemp("fire")
    own = Embedded(Path(tempfile.gettempdir()) / f"cutover-fire-{os.getpid()}")
    own.start()
    yield own, place
    own.stop(force=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Escrow:
    """The sandbox escrow as a process that dies and comes back with its books."""

    def __init__(self, place: Path) -> None:
        faults = [
            f"--fault={kind}=10"
            for kind in ("timeout_before", "timeout_after", "late_failure", "double_answer", "error_after")
        ]
        port = free_port()
        words = ["--books", str(place / "books.sqlite"), "--port", str(port), "--hang", "2", "--settle", "0.5", *faults]
        self.command = [sys.executable, "-m", "migration.sandbox.escrow", *words]
        self.address = f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)

    def die(self) -> None:
        self.process.kill()
        self.process.wait()


def start_sender(url: str, escrow: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SENDER, url, escrow])


async def writes(url: str, number: int, stop: asyncio.Event, seen: Seen) -> None:
    """Ask again and again, with the same key until an answer comes; connect anew when the database is away."""
    draw = random.Random(number)
    terms, key = Terms(tariff=FREE), 0
    while not stop.is_set():
        try:
            database = await Database(url, as_service=True, size=2).open()
            try:
                desk = Desk(database, terms, now, workdays.is_workday)
                while not stop.is_set():
                    at = draw.randrange(ACCOUNTS)
                    order = Order(f"U{at}", f"E{at:03}", 1 + draw.randrange(20_000), f"{number}-{key}", f"{key:064}")
                    try:
                        await desk.ask(order)
                        seen.asked += 1
                    except Refused:
                        pass
                    key += 1
                    await asyncio.sleep(0.01)
            finally:
                await database.close()
        except AWAY:
            await asyncio.sleep(0.1)


async def reads(url: str, stop: asyncio.Event, seen: Seen) -> None:
    """Take the ledger from one consistent view, all the time."""
    while not stop.is_set():
        try:
            database = await Database(url, as_service=False, size=1).open()
            try:
                while not stop.is_set():
                    lines = await Books(database, now).ledger()
                    seen.reads += 1
                    seen.torn += [str(finding) for finding in closed(lines)]
                    total = sum(line.left_fen + line.in_transit_fen + line.paid_fen for line in lines)
                    if total != ACCOUNTS * BALANCE:
                        seen.torn.append(f"total {total}")
                    await asyncio.sleep(0.05)
            finally:
                await database.close()
        except AWAY:
            await asyncio.sleep(0.1)


def stop_at_once(server: Embedded) -> None:
    programs.run("pg_ctl", "-w", "-m", "immediate", "-D", str(server.data), "stop", owner=programs.os_user())
    Embedded(server.folder.parent).start()  # another user of the same server finds it down and starts it


async def settle(url: str, escrow: str) -> None:
    """Until nothing is due but what the escrow never got."""
    until_up = httpx.AsyncHTTPTransport(retries=6)
    async with httpx.AsyncClient(base_url=escrow, transport=until_up, trust_env=False) as client:
        for _ in range(200):
            known = {row["number"] for row in (await client.get("/books")).json()}
            database = await Database(url, as_service=False, size=1).open()
            async with database.transaction() as connection:
                rows = await connection.fetch(
                    "SELECT id FROM withdrawals.withdrawal WHERE state IN ('requested', 'in_transit')"
                )
                submitted = await connection.fetchval(
                    "SELECT bool_and(submitted_at IS NOT NULL) FROM withdrawals.outbox"
                )
            await database.close()
            if submitted is not False and not {str(row["id"]) for row in rows} & known:
                return
            await asyncio.sleep(0.2)
    raise AssertionError("the sender did not come to its end")


async def enough(seen: Seen, wanted: int) -> None:
    while seen.asked < wanted:  # noqa: ASYNC110 - a count that other tasks move
        await asyncio.sleep(0.05)


async def unreached(url: str) -> None:
    """Until an order has found no escrow."""
    database = await Database(url, as_service=False, size=1).open()
    try:
        books = Books(database, now)
        while "ESCROW_UNREACHED" not in {f.code for f in await books.troubles()}:  # noqa: ASYNC110 - what others write
            await asyncio.sleep(0.05)
    finally:
        await database.close()


async def fire(server: Embedded, url: str, escrow: Escrow) -> Seen:
    await install(url)
    own = await Database(url, as_service=False, size=1).open()
    await Books(own, now).open(opening(f"E{n:03}", f"U{n}", fen=BALANCE) for n in range(ACCOUNTS))
    await own.close()
    seen, stop = Seen(), asyncio.Event()
    senders = [start_sender(url, escrow.address) for _ in range(2)]
    crowd = [asyncio.create_task(writes(url, n, stop, seen)) for n in range(WRITERS)]
    crowd.append(asyncio.create_task(reads(url, stop, seen)))
    try:
        for turn in range(6):
            before = seen.asked
            await enough(seen, before + 12)
            if turn % 3 == 1:
                await asyncio.to_thread(stop_at_once, server)
            elif turn % 3 == 2:
                escrow.die()
                await unreached(url)
                escrow.start()
            else:
                senders[0].send_signal(signal.SIGKILL)
                senders[0].wait()
                senders[0] = start_sender(url, escrow.address)
        stop.set()
        await asyncio.gather(*crowd)
        await settle(url, escrow.address)
    finally:
        stop.set()
        for process in senders:
            process.kill()
            process.wait()
    return seen


@pytest.mark.timeout(240)
def test_whatever_breaks_the_books_close_and_nothing_is_paid_twice(server):
    engine, place = server
    url = engine.url("fire")
    PostgresJournal(url).close()
    escrow = Escrow(place)
    try:
        seen = asyncio.run(fire(engine, url, escrow))
        payments = httpx.get(f"{escrow.address}/books", trust_env=False).json()
        lines = asyncio.run(ledger(url))
    finally:
        escrow.die()
    assert seen.torn == []
    assert seen.reads > 5
    assert seen.asked >= 72
    assert closed(lines) == ()
    assert {row["effects"] for row in payments} <= {0, 1}
    assert any(row["told"] == 2 for row in payments)  # the escrow took one twice, and paid it once
    paid = {}
    for row in payments:
        if row["word"] == "paid":
            paid[row["escrow_id"]] = paid.get(row["escrow_id"], 0) + row["amount_fen"]
    assert paid == {line.escrow_id: line.paid_fen for line in lines if line.paid_fen}
    assert len(payments) < seen.asked  # some were lost before the escrow got them: they stay in transit, told once
    assert json.dumps(payments).count('"effects": 1') == len([row for row in payments if row["word"] == "paid"])


async def ledger(url: str):
    database = await Database(url, as_service=False, size=1).open()
    try:
        return await Books(database, now).ledger()
    finally:
        await database.close()
