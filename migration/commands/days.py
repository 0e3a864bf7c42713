"""`cutover daily`: the bank's daily files after the cutover, taken in and reconciled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from migration.commands.shared import OUT, desk, emit
from migration.domain.errors import GateClosed, InputRefused
from migration.stages import daily as reconciliation


def daily(
    date: Annotated[str, typer.Option("--date", help="The bank's day, YYYY-MM-DD.")],
    local: Annotated[
        Path | None, typer.Option("--local", help="The platform's own balances: CSV account_no,balance_fen.")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable: all that is known of the day.")] = False,
) -> None:
    """Take in the day's EVE and ALEVE and reconcile them; exit 4 until both are there, 3 when something differs."""
    on = reconciliation.day_of(date)
    with desk() as opened:
        work = opened.days
        try:
            done = reconciliation.run(opened.house, work, on, _balances(local))
            if not json:
                OUT.print(f"{on.isoformat()}: {done.aleve_rows} entries, {done.reversals} reversals, no difference")
        except GateClosed:
            if json:
                emit(reconciliation.as_json(work, on))
            raise
        if json:
            emit(reconciliation.as_json(work, on))


def _balances(local: Path | None) -> reconciliation.Balances | None:
    if local is None:
        return None
    try:
        return reconciliation.read_local(local.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as wrong:
        raise InputRefused.of("DAILY_LOCAL_FILE", "--local", "cannot be read", "a CSV file in UTF-8") from wrong
