"""Every error as problem+json: refusals by their code, bad requests, and the store being away."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from migration.withdrawals.database import AWAY
from migration.withdrawals.problems import problem
from migration.withdrawals.values import Refused

CODES: Final[dict[int, str]] = {HTTPStatus.NOT_FOUND: "PATH_UNKNOWN", HTTPStatus.METHOD_NOT_ALLOWED: "METHOD_WRONG"}


def handle(app: FastAPI) -> None:
    """Give the application its error handlers. Nothing of a request's content is ever repeated in an answer."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        return refusal(request, error)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        places = [".".join(map(str, e["loc"])) for e in getattr(error, "errors", list)()]
        return problem(Refused("BODY_INVALID", fields=sorted(set(places))[:20]), language(request))

    async def http(request: Request, error: Exception) -> JSONResponse:
        code = CODES.get(getattr(error, "status_code", 0), "BODY_INVALID")
        answer = problem(Refused(code), language(request))
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in AWAY:
        app.add_exception_handler(kind, refused)


def refusal(request: Request, error: Exception) -> JSONResponse:
    """Answer to a refusal with its code; any other of AWAY is SERVICE_UNAVAILABLE."""
    known = error if isinstance(error, Refused) else Refused("SERVICE_UNAVAILABLE")
    return problem(known, language(request))


def language(request: Request) -> str:
    """`en` when the browser prefers it to Chinese, else `zh`."""
    wanted = request.headers.get("accept-language", "").lower()
    first = wanted.split(",", 1)[0].strip()
    return "en" if first.startswith("en") else "zh"
