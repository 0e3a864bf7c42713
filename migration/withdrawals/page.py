"""The lender's page: static files without any content of their own, and the sign-in that the platform's site hands over."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from migration.withdrawals.callers import COOKIE, Callers
from migration.withdrawals.values import Refused

FILES: Final = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/texts.js": ("texts.js", "text/javascript; charset=utf-8"),
}
_TEN_MINUTES: Final = 600


def mount(app: FastAPI, callers: Callers) -> None:
    """Add the page's routes."""
    for path, (name, kind) in FILES.items():
        app.get(path, include_in_schema=False)(_server(name, kind))

    @app.post("/session", include_in_schema=False)
    async def begin(request: Request, token: Annotated[str, Form(max_length=8_192)]) -> Response:
        """The platform's site posts its user's token here; from then on the browser keeps it, out of scripts' reach."""
        if callers.tokens.verify(token).role != "user":
            raise Refused("ROLE_WRONG")
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=_TEN_MINUTES,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer


def _server(name: str, kind: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a route without parameters
    async def serve() -> Response:
        return Response(_content(name), media_type=kind)

    return serve


@cache
def _content(name: str) -> bytes:
    return files("migration.withdrawals").joinpath("web", name).read_bytes()
