"""Accounts and re-open: the users' files to the bank and back."""

from __future__ import annotations

from migration.stages import exchange, exchanges, freeze, progress
from migration.stages.exchange import Exchange
from migration.stages.house import House


def plan(house: House, stage: str, round_no: int) -> None:
    """Plan and seal the users' files of a round."""
    if progress.done(house, stage, round_no):
        return
    progress.require_before(house, stage, round_no)
    progress.start(house, stage, round_no)
    freeze.require_unchanged(house)
    late_results(house)
    exchange.plan(house, exchanges.accounts(round_no, stage))


def approve(house: House, stage: str, round_no: int) -> None:
    """One person approves the files."""
    exchange.approve(house, exchanges.accounts(round_no, stage))


def deliver(house: House, stage: str, round_no: int, only: str | None = None) -> None:
    """Send what is approved."""
    exchange.deliver(house, exchanges.accounts(round_no, stage), only)


def collect(house: House, stage: str, round_no: int, only: str | None = None) -> None:
    """Wait for the answers. Company accounts may take days: once the stage is done they are only looked for."""
    patient = not progress.done(house, stage, round_no)
    _collect(house, exchanges.accounts(round_no, stage), only, patient=patient)


def gate(house: House, stage: str, round_no: int) -> None:
    """Judge the stage, unless it is done."""
    if not progress.done(house, stage, round_no):
        progress.require_begun(house, stage, round_no)
        require_delivered(house, exchanges.accounts(round_no, stage))
        progress.finish(house, stage, round_no)


def late_results(house: House) -> None:
    """Look for company results that were left behind; what has come is applied."""
    for stage, round_no in sorted(
        {(b.stage, b.round) for b in house.journal.batches() if b.kind == "company" and b.state in exchange.UNANSWERED}
    ):
        if progress.done(house, stage, round_no):
            _collect(house, exchanges.accounts(round_no, stage), None, patient=False)


def _collect(house: House, spec: Exchange, only: str | None, *, patient: bool) -> None:
    try:
        exchange.collect(house, spec, only=only, patient=patient)
    finally:
        house.keep_exceptions(house.book())


def require_delivered(house: House, spec: Exchange) -> None:
    """The journal decides, not the colour of a task: a set that is not wholly sent keeps the gate shut."""
    exchange.require_delivered(house, spec)
