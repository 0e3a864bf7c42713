"""The sandbox escrow's door: JSON over HTTP on 127.0.0.1, and the faults it was told to have.

POST /payments · GET /payments/{number} · GET /reversals/{day} · and for the stage hands POST /advance, POST /reverse, GET /books.
A fault is drawn for each payment by its number and the seed, so the same run misbehaves in the same way.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from migration.sandbox.escrow.ledger import Books

KINDS: Final = ("timeout_before", "timeout_after", "late_failure", "double_answer", "error_after", "odd_amount")
"""What it can do: no effect and no answer; effect and no answer; returned in the end; told twice as told once; 502 after the
effect; a wrong amount in the answer."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often each kind strikes, in payments of a hundred; `hang_s` is how long a time-out keeps the caller waiting."""

    percent: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0
    hang_s: float = 30.0
    settle_s: float = 1_200.0  # of its clock: about 20 minutes until a payment ends

    @classmethod
    def told(cls, words: Sequence[str], **more: float) -> Faults:
        """From `KIND=PERCENT` words; ValueError on an unknown kind or a share that is none."""
        percent: dict[str, int] = {}
        for word in words:
            kind, _, share = word.partition("=")
            if kind not in KINDS or not share.isdecimal() or int(share) > 100:  # noqa: PLR2004
                raise ValueError(f"{word}: KIND=PERCENT with a kind of {', '.join(KINDS)}")
            percent[kind] = int(share)
        return cls(percent, **more)  # type: ignore[arg-type]

    def of(self, number: str) -> str:
        """The fault of this payment, empty for none."""
        drawn = int.from_bytes(hashlib.sha256(f"{self.seed}|{number}".encode()).digest()[:4]) % 100
        reached = 0
        for kind in KINDS:
            reached += self.percent.get(kind, 0)
            if drawn < reached:
                return kind
        return ""


class Clock:
    """The escrow's clock: the machine's, moved on by a stage hand."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead_s


def application(books: Books, faults: Faults) -> FastAPI:
    """The escrow as an ASGI application. Its clock is moved on by POST /advance."""
    app = FastAPI(title="sandbox escrow", docs_url=None, redoc_url=None)
    clock = Clock()
    _payments(app, books, faults, clock)
    _stage_hands(app, books, clock)
    return app


def _payments(app: FastAPI, books: Books, faults: Faults, clock: Clock) -> None:
    @app.post("/payments", response_model=None)
    async def pay(request: Request) -> Response:
        order = await request.json()
        fault = faults.of(order["number"])
        if fault == "timeout_before":
            await asyncio.sleep(faults.hang_s)
            return Response(status_code=504)
        ends_as = "ESCROW_CARD_REFUSED" if fault == "late_failure" else "paid"
        known = (order["number"], order["escrow_id"], order["amount_fen"], order["route"])
        for _ in range(2 if fault == "double_answer" else 1):
            books.pay(*known, ends_at=clock.now() + faults.settle_s, ends_as=ends_as)
        if fault == "timeout_after":
            await asyncio.sleep(faults.hang_s)
        if fault in {"timeout_after", "error_after"}:
            return Response(status_code=502)
        return JSONResponse({"word": "processing"}, status_code=202)

    @app.get("/payments/{number}", response_model=None)
    async def ask(number: str) -> Response:
        books.settle(clock.now())
        found = books.state(number)
        if found is None:
            return JSONResponse({"word": "not_found"}, status_code=404)
        if found["word"] == "paid" and faults.of(number) == "odd_amount":
            found["amount_fen"] = int(str(found["amount_fen"])) + 1
        return JSONResponse(found)

    @app.get("/reversals/{day}", response_model=None)
    async def reversals(day: str) -> Response:
        return JSONResponse({"reversals": books.reversals(day)})


def _stage_hands(app: FastAPI, books: Books, clock: Clock) -> None:
    @app.post("/advance")
    async def advance(request: Request) -> dict[str, float]:
        clock.ahead_s += float((await request.json())["seconds"])
        books.settle(clock.now())
        return {"ahead_s": clock.ahead_s}

    @app.post("/reverse")
    async def reverse(request: Request) -> dict[str, str]:
        asked = await request.json()
        books.reverse(asked["number"], asked["day"])
        return {"reversed": asked["number"]}

    @app.get("/books")
    async def dump() -> list[dict[str, Any]]:
        books.settle(clock.now())
        return books.dump()


def serve(place: Path, port: int, faults: Faults) -> None:
    """Serve on 127.0.0.1 until the process is told to stop."""
    books = Books(place)
    try:
        uvicorn.run(application(books, faults), host="127.0.0.1", port=port, log_level="warning", access_log=False)
    finally:
        books.close()
