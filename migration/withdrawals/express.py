"""The shortest way from a request to its endpoint, for the routes that carry the load.

Only a call that is well-formed beyond doubt goes this way, to the very endpoint that the framework would call. Anything unusual
goes on to the framework untouched, so that what is wrong with a request is found and said in one place.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from migration.withdrawals.callers import Callers
from migration.withdrawals.database import AWAY
from migration.withdrawals.failures import refusal
from migration.withdrawals.values import Refused

KEY: Final = r"^[\x21-\x7e]{1,200}$"
"""What an Idempotency-Key looks like."""

_KEY: Final = re.compile(KEY.encode())
_JSON: Final = b"application/json"


@dataclass(frozen=True, slots=True)
class Way:
    """One route: `endpoint(user)`, or with `asks` `endpoint(user, what is asked, idempotency key)`.

    `answer` writes what it returns, with this status.
    """

    endpoint: Callable[..., Awaitable[object]]
    answer: TypeAdapter[Any]
    status: int = 200
    asks: type[BaseModel] | None = None


class Express:
    """ASGI middleware. `ways`: (method, path) -> way."""

    def __init__(self, app: Any, callers: Callers, ways: Mapping[tuple[str, str], Way]) -> None:
        self._app, self._callers, self._ways = app, callers, ways

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer, or pass the call on as it came."""
        way = self._ways.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        said: tuple[object, ...] | None = ()
        if way is not None and way.asks is not None:
            said, receive = await _read(way.asks, scope, receive)
        if way is None or said is None:
            await self._app(scope, receive, send)
            return
        answer = await self._answered(way, Request(scope), said)
        await answer(scope, receive, send)

    async def _answered(self, way: Way, request: Request, said: tuple[object, ...]) -> Response:
        try:
            found = await way.endpoint(await self._callers.user(request), *said)
        except (Refused, *AWAY) as error:
            return refusal(request, error)
        return Response(way.answer.dump_json(found), way.status, media_type="application/json")


async def _read(asks: type[BaseModel], scope: Mapping[str, Any], receive: Any) -> tuple[tuple[object, ...] | None, Any]:
    """What is asked and under which key, or None; and a `receive` that gives the request from its beginning."""
    key = _key(scope["headers"])
    if key is None:
        return None, receive
    taken = await _taken(receive)
    said = _said(asks, key, taken)
    return said, _again(taken, receive) if said is None else receive


def _key(headers: list[tuple[bytes, bytes]]) -> str | None:
    """The idempotency key of a request that says JSON; None when either is missing, doubled or odd."""
    keys = [value for name, value in headers if name == b"idempotency-key"]
    kinds = [value for name, value in headers if name == b"content-type"]
    if len(keys) != 1 or kinds != [_JSON] or not _KEY.fullmatch(keys[0]):
        return None
    return keys[0].decode()


async def _taken(receive: Any) -> list[Mapping[str, Any]]:
    """The messages of a body; how much it may be is bounded by Armour."""
    taken = [await receive()]
    while taken[-1].get("more_body", False):
        taken.append(await receive())
    return taken


def _said(asks: type[BaseModel], key: str, taken: list[Mapping[str, Any]]) -> tuple[BaseModel, str] | None:
    """What the body asks, when it came as a whole and is as it must be."""
    if taken[-1]["type"] != "http.request":
        return None
    try:
        return asks.model_validate_json(b"".join(message.get("body", b"") for message in taken)), key
    except ValidationError:
        return None


def _again(taken: list[Mapping[str, Any]], receive: Any) -> Any:
    """A `receive` that gives the messages that were taken already, then the rest."""
    left = taken[::-1]

    async def replayed() -> Any:
        return left.pop() if left else await receive()

    return replayed
