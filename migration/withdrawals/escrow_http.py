"""The legacy escrow over HTTP: every time-out, broken connection and strange answer is Unanswered, never a guess."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Any, Final, get_args
from uuid import UUID

import httpx

from migration.withdrawals.gateway import Payment, Reply, Unanswered, Unreached, Word

TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
LARGEST: Final = 4 * 1024 * 1024
NOT_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What ends a call before there is a connection to write it to."""


class EscrowOverHttp:
    """`Gateway` on `url`. The caller closes it."""

    def __init__(self, url: str, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False)

    async def pay(self, payment: Payment) -> Reply:
        """POST /payments."""
        order = {
            "number": str(payment.number),
            "escrow_id": payment.escrow_id,
            "amount_fen": payment.amount_fen,
            "route": payment.route,
            "card": payment.card,
        }
        return _reply(await self._call("POST", "/payments", json=order), HTTPStatus.ACCEPTED)

    async def ask(self, number: UUID) -> Reply:
        """GET /payments/{number}."""
        answer = await self._call("GET", f"/payments/{number}")
        return _reply(answer, HTTPStatus.OK, HTTPStatus.NOT_FOUND)

    async def reversals(self, day: date) -> bytes | None:
        """GET /reversals/{day}."""
        answer = await self._call("GET", f"/reversals/{day.isoformat()}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK or len(answer.content) > LARGEST:
            raise Unanswered
        return answer.content

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **more)
        except NOT_CONNECTED as lost:
            raise Unreached from lost
        except httpx.HTTPError as lost:
            raise Unanswered from lost


def _reply(answer: httpx.Response, *expected: HTTPStatus) -> Reply:
    """Believe an answer of exactly the form that was agreed."""
    if answer.status_code not in expected:
        raise Unanswered
    try:
        said = answer.json()
        word, amount, reason = said["word"], said.get("amount_fen", 0), said.get("reason", "")
    except (ValueError, KeyError, AttributeError, TypeError) as odd:
        raise Unanswered from odd
    if word not in get_args(Word) or type(amount) is not int or not isinstance(reason, str):
        raise Unanswered
    return Reply(word, amount, reason[:40])
