"""The service's routes (FastAPI): `/me/...` for users, `/ops/...` for operators, the page.

Identity comes from the token alone. Annotations stay objects here: FastAPI reads those of inner functions.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import TypeAdapter

from migration.withdrawals import forms, page
from migration.withdrawals.armour import Armour
from migration.withdrawals.books import Books
from migration.withdrawals.callers import COOKIE, Callers
from migration.withdrawals.custody import Custody
from migration.withdrawals.desk import Desk
from migration.withdrawals.express import KEY, Express, Way
from migration.withdrawals.failures import handle
from migration.withdrawals.tokens import csrf_of
from migration.withdrawals.values import Order, Refused

PROBLEM: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": {"type": "object"}}}}
    for status, text in (
        (400, "not well-formed"),
        (401, "nobody, or a token that does not verify"),
        (403, "not allowed"),
        (404, "not there"),
        (409, "refused; the code says why"),
        (410, "withdrawals have ended"),
        (413, "too large"),
        (422, "the key was used for something else"),
        (429, "too many"),
        (503, "paused or not available"),
    )
}


@dataclass(frozen=True, slots=True)
class Counter:
    """What the service's process shares."""

    desk: Desk
    books: Books
    custody: Custody
    callers: Callers


def application(counter: Counter) -> FastAPI:
    """The ASGI application."""
    app = FastAPI(title="Cutover withdrawals", version="1", docs_url=None, redoc_url=None, responses=PROBLEM)
    handle(app)
    ways = _mine(app, counter)
    _house(app, counter)
    page.mount(app, counter.callers)
    app.add_middleware(Express, callers=counter.callers, ways=ways)
    app.add_middleware(Armour)  # the last one added stands first
    return app


def _mine(app: FastAPI, counter: Counter) -> dict[tuple[str, str], Way]:
    """Add the users' routes; returns those that carry the load."""
    desk = counter.desk
    Me = Annotated[str, Depends(counter.callers.user)]  # noqa: N806 - a type

    @app.get("/me/session")
    async def session(request: Request, me: Me) -> forms.Session:
        return forms.Session(user_id=me, csrf=csrf_of(request.cookies.get(COOKIE, "")))

    @app.get("/me/assets")
    async def assets(me: Me) -> forms.Assets:
        return await _assets(counter, me)

    @app.post("/me/withdrawals/quote")
    async def quote(me: Me, asked: forms.Asked) -> forms.Priced:
        found = await desk.quote(me, asked.escrow_id, asked.amount_fen)
        return forms.Priced(
            amount_fen=found.amount_fen, fee_fen=found.fee_fen, route=found.route, arrives_by=found.arrives_by
        )

    @app.post("/me/withdrawals", status_code=201)
    async def ask(
        me: Me, asked: forms.Asked, key: Annotated[str | None, Header(alias="Idempotency-Key", pattern=KEY)] = None
    ) -> forms.WithdrawalView:
        if key is None:
            raise Refused("IDEMPOTENCY_KEY_MISSING")
        order = Order(me, asked.escrow_id, asked.amount_fen, key, body_digest(asked))
        return forms.WithdrawalView.made(await desk.ask(order))

    @app.get("/me/withdrawals")
    async def listed(me: Me) -> list[forms.WithdrawalView]:
        return [forms.WithdrawalView.of(found) for found in await desk.withdrawals(me)]

    @app.get("/me/withdrawals/{number}")
    async def one(me: Me, number: UUID) -> forms.WithdrawalView:
        return forms.WithdrawalView.of(await desk.withdrawal(me, number))

    return {
        ("POST", "/me/withdrawals"): Way(ask, TypeAdapter(forms.WithdrawalView), 201, asks=forms.Asked),
        ("GET", "/me/withdrawals"): Way(listed, TypeAdapter(list[forms.WithdrawalView])),
        ("GET", "/me/assets"): Way(assets, TypeAdapter(forms.Assets)),
    }


def _house(app: FastAPI, counter: Counter) -> None:
    Operator = Annotated[str, Depends(counter.callers.operator)]  # noqa: N806 - a type

    @app.get("/healthz")
    async def healthy() -> Response:
        await counter.books.counts()
        return JSONResponse({"status": "ok"})

    @app.get("/ops/status")
    async def status(_: Operator) -> forms.Status:
        return forms.Status(
            stopped=await counter.books.stopped(),
            states=await counter.books.counts(),
            troubles=[str(finding) for finding in await counter.books.troubles()],
            custody=counter.custody.trouble,
            longest_due_s=await counter.books.longest_due(),
        )

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics(_: Operator) -> str:
        counts = await counter.books.counts()
        lines = ["# TYPE cutover_withdrawals gauge", "# TYPE cutover_withdrawals_fen gauge"]
        for state, (number, fen) in counts.items():
            lines.append(f'cutover_withdrawals{{state="{state}"}} {number}')
            lines.append(f'cutover_withdrawals_fen{{state="{state}"}} {fen}')
        lines.append(f"cutover_withdrawals_troubles {len(await counter.books.troubles())}")
        lines.append(f"cutover_withdrawals_longest_due_seconds {await counter.books.longest_due()}")
        lines.append(f"cutover_withdrawals_stopped {int(await counter.books.stopped())}")
        return "\n".join(lines) + "\n"


async def _assets(counter: Counter, me: str) -> forms.Assets:
    holder = await counter.desk.holder(me)
    balance = await counter.custody.balance_fen(holder.account_no) if holder.account_no else 0
    custody = forms.Custody(opened=bool(holder.account_no), activated=holder.activated, balance_fen=balance)
    held = [a for a in await counter.desk.accounts(me) if a.left_fen + a.in_transit_fen + a.frozen_fen]
    if not held:
        return forms.Assets(custody=custody, legacy=None, total_fen=balance)
    free_left = await counter.desk.free_left(me)
    largest = counter.desk.terms.tariff.largest
    accounts = [forms.AccountView.of(found, largest(found.left_fen, free=free_left > 0)) for found in held]
    legacy = forms.Legacy(
        left_fen=sum(a.left_fen for a in accounts),
        in_transit_fen=sum(a.in_transit_fen for a in accounts),
        frozen_fen=sum(a.frozen_fen for a in accounts),
        free_left=free_left,
        accounts=accounts,
    )
    there = legacy.left_fen + legacy.in_transit_fen + legacy.frozen_fen
    return forms.Assets(custody=custody, legacy=legacy, total_fen=None if balance is None else balance + there)


def body_digest(asked: forms.Asked) -> str:
    """SHA-256 (hex) of what a request says, its spelling as JSON aside."""
    said = json.dumps(asked.model_dump(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()
