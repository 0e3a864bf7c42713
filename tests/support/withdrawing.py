"""A withdrawal service in this process: real PostgreSQL, real tokens, the sandbox escrow behind its HTTP door."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from migration.domain.fees import Tariff
from migration.sandbox.escrow import Books as EscrowBooks
from migration.sandbox.escrow import Faults
from migration.sandbox.escrow import application as escrow_application
from migration.withdrawals import workdays
from migration.withdrawals.api import Counter, application
from migration.withdrawals.books import Books, Opening
from migration.withdrawals.callers import Callers
from migration.withdrawals.custody import Custody, NoChannel
from migration.withdrawals.database import Database, install
from migration.withdrawals.desk import Desk
from migration.withdrawals.escrow_http import EscrowOverHttp
from migration.withdrawals.limits import Buckets
from migration.withdrawals.sender import Sender
from migration.withdrawals.tokens import Tokens
from migration.withdrawals.values import Order, Refused, Terms

ISSUER, AUDIENCE = "https://platform.example", "withdrawals"
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # a Friday, noon in Beijing
CARD = "6222020200112233445"


@dataclass
class Clock:
    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def go(self, **passed: float) -> None:
        self.at += timedelta(**passed)


@dataclass
class Issuer:
    key: ed25519.Ed25519PrivateKey = field(default_factory=ed25519.Ed25519PrivateKey.generate)

    def pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def tokens(self) -> Tokens:
        return Tokens.of(ISSUER, AUDIENCE, self.pem())

    def token(self, subject: str, *, algorithm: str = "EdDSA", key: object = None, **claims: object) -> str:
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": int(time.time()) + 600, **claims}
        return jwt.encode({k: v for k, v in said.items() if v is not None}, key or self.key, algorithm=algorithm)

    def bearer(self, subject: str, **claims: object) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(subject, **claims)}"}


@dataclass
class World:
    """`own` acts as the owner of the schema, `service` as the role that serves."""

    url: str
    own: Database
    service: Database
    clock: Clock
    terms: Terms
    issuer: Issuer = field(default_factory=Issuer)
    custody: Custody = field(default_factory=NoChannel)

    @property
    def books(self) -> Books:
        return Books(self.own, self.clock)

    @property
    def desk(self) -> Desk:
        return Desk(self.service, self.terms, self.clock, workdays.is_workday)

    def app(self, **callers: object):
        limits = {"reads": Buckets(1e9, 10**9), "writes": Buckets(1e9, 10**9)} | callers
        return application(Counter(self.desk, self.books, self.custody, Callers(self.issuer.tokens(), **limits)))

    def http(self, **callers: object) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app(**callers), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="https://service")

    async def ask(self, amount: int, *, user: str = "U1", escrow: str = "E1", key: str = "k", body: str = "0" * 64):
        """The withdrawal, or the refusal's code."""
        try:
            return await self.desk.ask(Order(user, escrow, amount, key, body))
        except Refused as refused:
            return refused.code


def opening(escrow: str = "E1", user: str = "U1", fen: int = 100_000, **more: object) -> Opening:
    facts = {"legacy_user_id": user, "frozen_fen": 0, "card": CARD, "bank": "中国工商银行"} | more
    return Opening(escrow, user, available_fen=fen, **facts)


@asynccontextmanager
async def world(url: str, *openings: Opening, clock: Clock | None = None, size: int = 8, **terms: object):
    await install(url)
    own = await Database(url, as_service=False, size=size).open()
    service = await Database(url, as_service=True, size=size).open()
    made = World(url, own, service, clock or Clock(), Terms(**terms))
    try:
        await made.books.open(openings)
        yield made
    finally:
        await service.close()
        await own.close()


FREE = Tariff(free_per_month=10**6)
DEAR = Tariff(free_per_month=0)
RATED = Tariff(free_per_month=1, rate=Fraction(3, 1000))


@dataclass
class Escrow:
    """The sandbox escrow in this process, its clock moved by hand."""

    client: httpx.AsyncClient
    gateway: EscrowOverHttp

    async def advance(self, seconds: float) -> None:
        await self.client.post("/advance", json={"seconds": seconds})

    async def payments(self) -> list[dict]:
        return (await self.client.get("/books")).json()


@asynccontextmanager
async def escrow(place, faults: Faults | None = None):
    books = EscrowBooks(place / "escrow.sqlite")
    transport = httpx.ASGITransport(escrow_application(books, faults or Faults()))
    client = httpx.AsyncClient(transport=transport, base_url="http://escrow", timeout=httpx.Timeout(2.0))
    gateway = EscrowOverHttp("http://escrow")
    await gateway.close()
    gateway._client = client
    try:
        yield Escrow(client, gateway)
    finally:
        await client.aclose()
        books.close()


@asynccontextmanager
async def listening(place, port: int, faults: Faults | None = None):
    """The sandbox escrow behind a real port, in this loop."""
    books = EscrowBooks(place / "escrow.sqlite")
    application = escrow_application(books, faults or Faults())
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False))
    door = socket.create_server(("127.0.0.1", port))  # it listens from here on; who comes early waits
    serving = asyncio.create_task(server.serve([door]))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        server.should_exit = True
        await serving
        books.close()


def sender(made: World, gateway: object, **more: object) -> Sender:
    return Sender(made.own, gateway, made.clock, made.terms.finality, **more)


def run(body) -> object:
    return asyncio.run(body)


@contextmanager
def served(url: str, *openings: Opening, **terms: object):
    """The service on a port of its own, in a thread: (world, its loop, base URL)."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: dict[str, object] = {}

    async def body() -> None:
        async with world(url, *openings, **terms) as made:
            door = socket.socket()
            door.bind(("127.0.0.1", 0))
            found["base"] = f"http://127.0.0.1:{door.getsockname()[1]}"
            found["server"] = uvicorn.Server(uvicorn.Config(made.app(), log_level="warning", access_log=False))
            found["world"] = made
            ready.set()
            await found["server"].serve([door])

    thread = threading.Thread(target=loop.run_until_complete, args=(body(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield found["world"], loop, found["base"]
    finally:
        found["server"].should_exit = True
        thread.join(20)
        loop.close()
