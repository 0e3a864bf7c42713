"""Around every answer: strict security headers, and a bound on what a request may carry."""

from __future__ import annotations

from typing import Any, Final

from migration.withdrawals.problems import PROBLEMS

LARGEST_BODY: Final = 16_384
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = tuple(
    (name.encode(), value.encode())
    for name, value in (
        ("content-security-policy", CSP),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "geolocation=(), camera=(), microphone=()"),
        ("cache-control", "no-store"),
    )
)


class Armour:
    """ASGI middleware; answers 413 itself."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the call on, with headers on its answer and a count of what comes in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await _too_large(send)
            return
        got = 0

        async def bounded() -> Any:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            return message if got <= LARGEST_BODY else {"type": "http.disconnect"}

        async def dressed(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self._app(scope, bounded, dressed)


async def _too_large(send: Any) -> None:
    status, chinese, _ = PROBLEMS["BODY_TOO_LARGE"]
    body = f'{{"status": {status}, "code": "BODY_TOO_LARGE", "title": "{chinese}"}}'.encode()
    headers = [(b"content-type", b"application/problem+json"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
