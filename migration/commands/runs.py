"""`cutover run`, `stage` and `status`: carrying the cutover out and seeing where it stands."""

from __future__ import annotations

from typing import Annotated

import typer

from migration.commands import screen
from migration.commands.shared import desk, emit, require_name, settings, tell
from migration.domain.errors import ConfigurationError
from migration.stages.order import STAGES

ApproveAs = Annotated[
    list[str] | None, typer.Option("--approve-as", help="Write approvals in this name (rehearsals only; repeat).")
]


def _names(approve_as: list[str] | None) -> tuple[str, ...]:
    if approve_as and settings().cutover.kind == "production":
        raise ConfigurationError.of(
            "APPROVE_AS_PRODUCTION",
            "--approve-as",
            "approvals beforehand are for rehearsals",
            "cutover approve GATE --digest D --as NAME",
        )
    return tuple(dict.fromkeys(require_name(name) for name in approve_as or ()))


def _stage(name: str) -> str:
    if name not in STAGES:
        raise ConfigurationError.of("STAGE_UNKNOWN", name, "no such stage", f"one of {', '.join(STAGES)}")
    return name


def run(
    until: Annotated[str | None, typer.Option("--until", help="Stop after this stage (inclusive).")] = None,
    approve_as: ApproveAs = None,
) -> None:
    """Carry the cutover out, from where the journal stands."""
    last = _stage(until) if until else None
    with desk(approve_as=_names(approve_as), tell=tell) as opened:
        opened.engine.run(last)
        screen.closing(opened)


def stage(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.")],
    approve_as: ApproveAs = None,
) -> None:
    """Run one stage of the round under way, from where the journal stands."""
    chosen = _stage(name)
    with desk(approve_as=_names(approve_as), tell=tell) as opened:
        opened.engine.stage(chosen)


def status(*, json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """Where the cutover stands: stages, counts, sums, and what waits for whom. Changes nothing."""
    with desk() as opened:
        found = screen.status_of(opened)
        if json:
            emit(found)
        else:
            screen.show_status(found)
