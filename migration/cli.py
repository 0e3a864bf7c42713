"""The command line: `cutover COMMAND`. Exit codes are those of contract.md section 3."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from migration.commands import days, decisions, drill, evidence, journal, keys, retention, runs, sandbox, withdrawals
from migration.commands.shared import ERR, Place, whole
from migration.domain.errors import CutoverError

app = typer.Typer(
    name="cutover",
    help="Carries a lending platform into bank custody (资金存管): exactly once, and with proof.",
    no_args_is_help=True,
    epilog="Exit codes: 0 done · 2 bad usage, configuration or input file · 3 stopped by findings or a rejection · "
    "4 waiting (bank, approval, signature): run again · 5 outcome unknown or not checked · 1 anything else. "
    "Reasons stand on standard error, stable code first: docs/codes.md.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
journal_app = typer.Typer(help="The journal itself.", no_args_is_help=True)
mapping_app = typer.Typer(help="How the legacy schema is read.", no_args_is_help=True)
sandbox_app = typer.Typer(help="A platform and a bank to rehearse with.", no_args_is_help=True)
app.add_typer(journal_app, name="journal")
app.add_typer(keys.app, name="keys")
app.add_typer(mapping_app, name="mapping")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(drill.app, name="drill")
app.add_typer(withdrawals.app, name="withdrawals")

for verb in (
    sandbox.demo,
    runs.run,
    runs.stage,
    runs.status,
    decisions.approvals,
    decisions.approve,
    decisions.reject,
    journal.approvers,
    decisions.corrections,
    decisions.exceptions,
    decisions.sample,
    evidence.verify,
    evidence.report,
    evidence.export,
    evidence.passport,
    days.daily,
    retention.retention,
    retention.destroy,
):
    app.command()(verb)
for act in (journal.verify, journal.export, journal.roots, journal.roles):
    journal_app.command()(act)
mapping_app.command("check")(evidence.mapping_check)
sandbox_app.command("generate")(sandbox.generate)
sandbox_app.command("bank")(sandbox.bank)
sandbox_app.command("escrow")(sandbox.escrow)
sandbox_app.command("day")(sandbox.day)


@app.callback()
def _root(
    config: Annotated[
        Path | None, typer.Option("--config", help="The configuration; else CUTOVER_CONFIG, else cutover.toml here.")
    ] = None,
) -> None:
    """Take --config (it may also stand after the command's name)."""
    if config is not None:
        Place.config = config


def _take_config(arguments: list[str]) -> list[str]:
    """Find --config wherever it stands, and take it out."""
    left: list[str] = []
    rest = iter(arguments)
    for word in rest:
        if word == "--config":
            value = next(rest, None)
            if value is None:
                left.append(word)
            else:
                Place.config = Path(value)
        elif word.startswith("--config="):
            Place.config = Path(word.partition("=")[2])
        else:
            left.append(word)
    return left


def main() -> None:
    """Run a command; say why it stopped, one reason a line, and exit by what the caller must do."""
    sys.stdout, sys.stderr = whole(sys.stdout), whole(sys.stderr)
    try:
        app(_take_config(sys.argv[1:]), standalone_mode=True)
    except CutoverError as stopped:
        for reason in stopped.reasons:
            ERR.print(str(reason), markup=False)
        sys.exit(stopped.exit_code)
    except KeyboardInterrupt:
        ERR.print("INTERRUPTED: run again; it goes on where the journal stands")
        sys.exit(130)
    except Exception as fault:
        frames = traceback.extract_tb(fault.__traceback__)
        where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
        ERR.print(
            f"UNEXPECTED {type(fault).__name__} at {where} -> this is a defect; nothing half-done stays behind",
            markup=False,
        )
        if "CUTOVER_TRACEBACK" in __import__("os").environ:
            raise
        sys.exit(1)


if __name__ == "__main__":
    main()
