"""The withdrawal service beside bare conditional UPDATEs: sustained requests a second and p99, in one run.

`python -m benchmarks.withdrawals [--seconds 10] [--clients 16]`. All commit durably on the same embedded PostgreSQL.

loop      one connection, `UPDATE ... SET left_fen = left_fen - 1 WHERE escrow_id = $1 AND left_fen >= 1`, commit, again
crowd     the same from as many connections at once as there are clients
route     the same update behind an HTTP route of the same framework, asked by as many clients
service   POST /me/withdrawals, as many clients: token, idempotency, reservation, outbox, movement, row-level security

Beside each stands the processor time of a request, in ms: of the process that serves, and of PostgreSQL.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from migration.journal.embedded import Embedded
from migration.journal.store import PostgresJournal
from migration.withdrawals.books import Books, Opening
from migration.withdrawals.custody import NoChannel
from migration.withdrawals.database import Database, install, parameters
from migration.withdrawals.service import Plant
from migration.withdrawals.tokens import Tokens
from migration.withdrawals.values import Terms

ACCOUNTS = 200_000
BARE = "UPDATE bare SET left_fen = left_fen - 1 WHERE escrow_id = $1 AND left_fen >= 1"
Call = Callable[[int], Awaitable[None]]
Figures = tuple[float, float, float]


async def load(clients: int, seconds: float, calls: list[Call]) -> Figures:
    """Requests a second, and the 50th and 99th percentile in ms. Each client works through numbers of its own."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def client(n: int) -> None:
        number = n
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await calls[n](number % ACCOUNTS)
            took.append(time.perf_counter() - begun)
            number += clients

    begun = time.perf_counter()
    await asyncio.gather(*(client(n) for n in range(clients)))
    lasted = time.perf_counter() - begun
    took.sort()
    return len(took) / lasted, took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3


async def bare(url: str, clients: int, seconds: float) -> Figures:
    """The loop that does nothing but the update."""
    connections = [await asyncpg.connect(**parameters(url)) for _ in range(clients)]

    def call(connection: asyncpg.Connection) -> Call:
        async def one(number: int) -> None:
            await connection.execute(BARE, f"E{number}")

        return one

    try:
        return await load(clients, seconds, [call(connection) for connection in connections])
    finally:
        for connection in connections:
            await connection.close()


async def service(port: int, tokens: list[str], clients: int, seconds: float) -> Figures:
    """POST /me/withdrawals over kept-alive connections, a new key and another account each time."""
    wires = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]

    def call(n: int) -> Call:
        reader, writer = wires[n]

        async def one(number: int) -> None:
            body = json.dumps({"escrow_id": f"E{number}", "amount_fen": 1}).encode()
            head = (
                f"POST /me/withdrawals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens[n]}\r\n"
                f"Idempotency-Key: {n}-{number}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if not answer.startswith(b"HTTP/1.1 201"):
                raise RuntimeError(answer.split(b"\r\n")[0].decode())

        return one

    return await load(clients, seconds, [call(n) for n in range(clients)])


def serve_bare(url: str, port: int) -> None:
    """A route that does the update and nothing else."""
    import uvicorn  # noqa: PLC0415
    from fastapi import FastAPI, Request  # noqa: PLC0415

    app = FastAPI()
    pools: list[asyncpg.Pool] = []

    @app.post("/me/withdrawals", status_code=201)
    async def update(request: Request) -> dict[str, str]:
        if not pools:
            pools.append(await asyncpg.create_pool(**parameters(url), max_size=16))
        said = await request.json()
        await pools[0].execute(BARE, said["escrow_id"])
        return {"state": "done"}

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def serve(url: str, port: int, pem: bytes) -> None:
    """The service as it is, its rate limit aside (sixteen users ask as fast as they can)."""
    from migration.withdrawals import callers  # noqa: PLC0415
    from migration.withdrawals.limits import Buckets  # noqa: PLC0415

    original = callers.Callers.__init__

    def unlimited(self: callers.Callers, tokens: Tokens, **_: object) -> None:
        original(self, tokens, Buckets(1e9, 10**9), Buckets(1e9, 10**9))

    callers.Callers.__init__ = unlimited  # type: ignore[method-assign]
    Plant(url, Terms(), "").serve(port, Tokens.of("bench", "bench", pem), NoChannel(), lambda _: None)


async def prepare(url: str, clients: int) -> None:
    """Accounts dealt out to as many users as there are clients; the bare table beside."""
    await install(url)
    database = await Database(url, as_service=False, size=1).open()
    rows = [Opening(f"E{n}", f"U{n % clients}", f"U{n}", 10**6, 0, "6222000011112222") for n in range(ACCOUNTS)]
    await Books(database, lambda: datetime.now(UTC)).open(rows)
    async with database.transaction() as connection:
        await connection.execute(
            "CREATE TABLE bare (escrow_id text PRIMARY KEY, left_fen bigint NOT NULL CHECK (left_fen >= 0))"
        )
        await connection.execute("INSERT INTO bare SELECT escrow_id, left_fen FROM withdrawals.account")
    await database.close()


def main() -> None:
    """Bare, service, bare, service: the better round of each counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    claims = {"iss": "bench", "aud": "bench", "exp": int(time.time()) + 3600}
    tokens = [jwt.encode({**claims, "sub": f"U{n}"}, private, algorithm="EdDSA") for n in range(asked.clients)]
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with tempfile.TemporaryDirectory() as place, Embedded(Path(place) / "pg") as server:
        url = server.url("bench")
        PostgresJournal(url).close()
        asyncio.run(prepare(url, asked.clients))
        ports = (_free_port(), _free_port())
        processes = [
            _started(serve, url, ports[0], pem),
            _started(serve_bare, url, ports[1]),
        ]
        ways: dict[str, Callable[[], Coroutine[object, object, Figures]]] = {
            "loop": lambda: bare(url, 1, asked.seconds),
            "crowd": lambda: bare(url, asked.clients, asked.seconds),
            "route": lambda: service(ports[1], tokens, asked.clients, asked.seconds),
            "service": lambda: service(ports[0], tokens, asked.clients, asked.seconds),
        }
        serving = {"service": processes[0].pid, "route": processes[1].pid}
        postmaster = int((server.data / "postmaster.pid").read_text().split()[0])
        best: dict[str, tuple[Figures, float, float]] = {}
        try:
            for port in ports:
                _wait(port)
            for turn in range(asked.rounds):
                asyncio.run(clear(url, turn))
                for name, way in ways.items():
                    pids = (serving.get(name), postmaster)
                    before = [_processor_s(pid) for pid in pids]
                    figures = asyncio.run(way())
                    made = figures[0] * asked.seconds
                    spent = [(_processor_s(pid) - then) / made * 1e3 for pid, then in zip(pids, before, strict=True)]
                    best[name] = max(best.get(name, ((0.0, 0.0, 0.0), 0.0, 0.0)), (figures, *spent))
        finally:
            for process in processes:
                process.terminate()
                process.join()
        server.stop(force=True)
    for name, ((rate, median, worst), serves, stores) in best.items():
        share = best["service"][0][0] / rate
        print(
            f"{name:8} {rate:8.0f} a second   p50 {median:6.2f} ms   p99 {worst:6.2f} ms   service / {name} = {share:.2f}"
            f"   processor time: serving {serves:.2f} ms, PostgreSQL {stores:.2f} ms"
        )


def _processor_s(pid: int | None) -> float:
    """Processor seconds of a process and its children, ended ones included; 0 for none."""
    if pid is None:
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, rest = stat.parent.name, stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended meanwhile
        if str(pid) in (number, rest[1]):
            ticks += sum(map(int, rest[11 : 15 if number == str(pid) else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _started(target: Callable[..., None], *arguments: object) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


async def clear(url: str, turn: int) -> None:
    """Pay what is under way and forget the keys of the round before, as the owner with the guards off."""
    if not turn:
        return
    connection = await asyncpg.connect(**parameters(url))
    await connection.execute(
        "SET session_replication_role = replica; DELETE FROM withdrawals.answer; "
        "DELETE FROM withdrawals.outbox; DELETE FROM withdrawals.withdrawal"
    )
    await connection.execute("VACUUM")
    await connection.close()


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the service does not come up")


if __name__ == "__main__":
    main()
