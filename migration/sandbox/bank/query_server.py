"""The query counter behind HTTPS: FastAPI on 127.0.0.1, in a thread of the bank's process."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from migration.sandbox.bank.faults import PlanFile
from migration.sandbox.bank.ledger import Ledger
from migration.sandbox.bank.query_desk import QueryDesk, Spoken, open_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PATH: Final = "/query"
_PIECES: Final = 20


def application(desk: QueryDesk) -> FastAPI:
    """One route: a question in, an answer out, spoilt on the wire as planned."""
    app = FastAPI(openapi_url=None)

    @app.post(PATH)
    async def query(request: Request) -> Response:
        spoken = await asyncio.to_thread(desk.answer, await request.body())
        if spoken.wire == "timeout":
            await asyncio.sleep(spoken.seconds)
        if spoken.wire in {"502", "504"}:
            return Response(b"<html>gateway</html>", status_code=int(spoken.wire))
        if spoken.wire in {"reset", "drip"}:
            return StreamingResponse(_pieces(spoken), headers={"content-length": str(len(spoken.content))})
        return Response(spoken.content, media_type="application/json")

    return app


async def _pieces(spoken: Spoken) -> AsyncIterator[bytes]:
    """Half of it and no more, or all of it drop by drop."""
    if spoken.wire == "reset":
        yield spoken.content[: len(spoken.content) // 2]
        return
    size = len(spoken.content) // _PIECES + 1
    for at in range(0, len(spoken.content), size):
        yield spoken.content[at : at + size]
        await asyncio.sleep(spoken.seconds / _PIECES)


@contextmanager
def serving(
    state: Path, faults: Path | None, *, port: int = 0, algorithm: str = "rsa-sha256"
) -> Iterator[tuple[str, QueryDesk]]:
    """The counter at work: its address and the desk behind it. Port 0: one that is free."""
    ledger = Ledger(state)
    desk = open_desk(state, ledger, PlanFile(faults), algorithm)
    keys = state / "query"
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        application(desk),
        log_level="critical",
        lifespan="off",
        ssl_certfile=keys / "tls.pem",
        ssl_keyfile=keys / "tls.key",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}{PATH}", desk
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
        ledger.close()
