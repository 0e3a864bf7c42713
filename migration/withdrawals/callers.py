"""Who calls: from the Authorization header or the page's cookie to a verified bearer, with CSRF and rate limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fastapi import Request

from migration.withdrawals.limits import Buckets
from migration.withdrawals.tokens import Bearer, Tokens, csrf_fits
from migration.withdrawals.values import Refused

COOKIE: Final = "cutover_session"
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Callers:
    """Turns a request into its caller, or refuses it."""

    tokens: Tokens
    reads: Buckets = field(default_factory=lambda: Buckets(10.0, 60))
    writes: Buckets = field(default_factory=lambda: Buckets(1.0, 20))

    async def user(self, request: Request) -> str:
        """Return the id of the user who calls; Refused for nobody, an operator, a forged page or too many calls.

        It waits for nothing: it is `async` so that the framework does not hand it to a thread.
        """
        bearer = self._bearer(request)
        if bearer.role != "user":
            raise Refused("ROLE_WRONG")
        buckets = self.writes if request.method in _WRITES else self.reads
        if not buckets.take(bearer.subject):
            raise Refused("TOO_MANY_REQUESTS")
        return bearer.subject

    async def operator(self, request: Request) -> str:
        """Return the name of the operator who calls."""
        bearer = self._bearer(request)
        if bearer.role != "operator":
            raise Refused("ROLE_WRONG")
        return bearer.subject

    def _bearer(self, request: Request) -> Bearer:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return self.tokens.verify(token)
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise Refused("TOKEN_MISSING")
        bearer = self.tokens.verify(cookie)
        if request.method in _WRITES and not csrf_fits(cookie, request.headers.get("x-csrf-token", "")):
            raise Refused("CSRF_INVALID")
        return bearer
