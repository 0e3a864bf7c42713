"""`cutover withdrawals ...`: the residual balances (遗留余额) after the cutover."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Table

from migration import wiring
from migration.commands.shared import OUT, Place, desk, emit, require_name, settings, yuan
from migration.domain.errors import ConfigurationError, Waiting
from migration.domain.outcome import outcome
from migration.settings import Settings
from migration.stages import progress
from migration.withdrawals.books import Books, Line
from migration.withdrawals.opening import holders, openings

if TYPE_CHECKING:  # the web's libraries take their time: only these commands load them
    from migration.withdrawals.service import Plant
    from migration.withdrawals.tokens import Tokens

As = Annotated[str, typer.Option("--as", help="The name of who decides.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable.")]

app = typer.Typer(
    help="The residual balances: shown, withdrawn to the old card, never paid twice.", no_args_is_help=True
)


def _plant() -> Plant:
    return wiring.withdrawal_plant(settings())


@app.command("open")
def open_books() -> None:
    """Open the books from the finished cutover; accounts that are open stay as they are."""
    with desk() as opened:
        opened.begin()
        if not progress.done(opened.house, "residual"):
            raise Waiting.of("RESIDUALS_NOT_READY", "residual", "the stage is not done", "cutover run, then again")
        book = opened.house.book()
        tables = outcome(book, opened.journal.batches())
        accounts = list(openings(tables["residuals"], book.tables["escrow_accounts"]))
        people = list(holders(tables["users"]))

    async def verb(books: Books) -> int:
        made = await books.open(accounts)
        await books.holders(people)
        return made

    OUT.print(f"{_plant().house(verb):,} accounts opened, {len(accounts):,} in all")


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="On 127.0.0.1.")] = 8_320,
    *,
    no_sender: Annotated[bool, typer.Option("--no-sender", help="`cutover withdrawals send` runs elsewhere.")] = False,
) -> None:
    """Serve users until Ctrl-C: the page, /me/assets, /me/withdrawals. The sender runs beside it and is kept running."""
    from migration.wired_custody import custody  # noqa: PLC0415
    from migration.withdrawals.keeping import kept  # noqa: PLC0415

    found = settings()
    plant, tokens = _plant(), _tokens(found)
    _tell_calendar()
    beside = nullcontext() if no_sender else kept(_sender(found))
    with beside, custody(found) as bank:
        plant.serve(port, tokens, bank, OUT.print)


def _sender(found: Settings) -> list[str]:
    """The command line of the sender."""
    _require(found, "escrow_url")
    place = [] if Place.config is None else ["--config", str(Place.config)]
    return [sys.executable, "-m", "migration.cli", *place, "withdrawals", "send"]


@app.command()
def send() -> None:
    """Bring what was asked for to the old escrow, once; any number of these may run."""
    _require(settings(), "escrow_url")
    _plant().send()


@app.command()
def ledger(*, json: Json = False) -> None:
    """The daily ledger: opening = paid + in transit + left, every account, recomputed from its movements. Exit 3 when open."""
    from migration.withdrawals import days  # noqa: PLC0415

    lines = _plant().house(Books.ledger)
    drained = _plant().house(Books.drain)
    if json:
        emit(
            {
                "accounts": [_as_json(line) for line in lines],
                "total": days.totals(lines),
                "movements": [
                    {"day": day, "kind": kind, "fen": fen, "times": times} for day, kind, fen, times in drained
                ],
            }
        )
    else:
        _show(lines)
    days.require_closed(lines)


def _as_json(line: Line) -> dict[str, object]:
    from migration.withdrawals.days import SUMS  # noqa: PLC0415

    return {"escrow_id": line.escrow_id, **{name: getattr(line, name) for name in SUMS}, "moved_at": line.moved_at}


def _show(lines: tuple[Line, ...]) -> None:
    from migration.withdrawals.days import totals  # noqa: PLC0415

    headings = ("opening 期初", "paid 已付", "in transit 在途", "left 结余", "frozen 冻结", "difference 差额")
    table = Table(
        title=f"{len(lines):,} accounts, yuan", title_justify="left", box=None, show_header=False, pad_edge=False
    )
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for heading, fen in zip(headings, totals(lines).values(), strict=True):
        table.add_row(heading, yuan(fen))
    OUT.print(table)


@app.command()
def dormant(
    since: Annotated[datetime, typer.Option("--since", formats=["%Y-%m-%d"], help="Nothing moved since that day.")],
    *,
    json: Json = False,
) -> None:
    """The balances that nobody has touched."""
    lines = [line for line in _plant().house(Books.ledger) if line.left_fen and not _touched(line, since.date())]
    if json:
        emit([_as_json(line) for line in lines])
        return
    for line in lines:
        OUT.print(f"{line.escrow_id}  {yuan(line.left_fen)}")
    OUT.print(f"{len(lines):,} accounts, {yuan(sum(line.left_fen for line in lines))} yuan", style="bold")


def _touched(line: Line, since: date) -> bool:
    return line.moved_at is not None and line.moved_at.date() >= since


@app.command()
def reversals(
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day of the escrow's file.")],
) -> None:
    """Take a day's reversals (冲正), once."""
    from migration.withdrawals import days  # noqa: PLC0415

    _require(settings(), "escrow_url")
    OUT.print(f"{days.reversals(_plant(), day.date())['reversed']:,} reversed")


@app.command()
def stop(by: As, reason: Reason) -> None:
    """Refuse new withdrawals from now on; those under way go on."""
    _switch(by, reason, stopped=True)


@app.command()
def resume(by: As, reason: Reason) -> None:
    """Take withdrawals again."""
    _switch(by, reason, stopped=False)


def _switch(by: str, reason: str, *, stopped: bool) -> None:
    name, why = require_name(by), _reason(reason)
    _plant().house(lambda books: books.switch(stopped=stopped, by=name, reason=why))


@app.command()
def release(number: Annotated[UUID, typer.Argument(help="The withdrawal.")], by: As, reason: Reason) -> None:
    """Say that the old escrow never got it; the last person needed gives the money back to its owner."""
    name, why, terms = require_name(by), _reason(reason), wiring.withdrawal_terms(settings())
    done = _plant().house(lambda books: books.release(number, name, why, terms))
    OUT.print("given back to its owner" if done else f"noted; {terms.release_persons} persons are needed")


def _reason(reason: str) -> str:
    if not reason.strip():
        raise ConfigurationError.of("REASON_EMPTY", "--reason", "a decision needs its reason", "--reason TEXT")
    return reason.strip()


def _require(found: Settings, key: str) -> None:
    if not getattr(found.withdrawals, key):
        raise ConfigurationError.of("CONFIG_REQUIRED", f"withdrawals.{key}", "not set", "docs/withdrawals.md")


def _tokens(found: Settings) -> Tokens:
    from migration.withdrawals.tokens import Tokens  # noqa: PLC0415

    for key in ("issuer", "audience", "public_key_file"):
        _require(found, key)
    try:
        pem = Path(str(found.withdrawals.public_key_file)).read_bytes()
    except OSError as fault:
        why = f"cannot be read: {type(fault).__name__}"
        raise ConfigurationError.of("JWT_KEY", "withdrawals.public_key_file", why, "the issuer's public key") from None
    return Tokens.of(found.withdrawals.issuer, found.withdrawals.audience, pem)


def _tell_calendar() -> None:
    from migration.withdrawals import workdays  # noqa: PLC0415

    today = datetime.now().astimezone().date()
    if not workdays.known(today.replace(year=today.year + 1, month=1, day=1)):
        OUT.print(f"[yellow]the holidays of {today.year + 1} are not in the calendar yet: weekends only[/]")
