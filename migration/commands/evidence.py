"""What is handed out and looked at: verification, report, exports, passports, the journal's chain, the mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from migration import wiring
from migration.clock import SystemClock
from migration.commands.shared import OUT, desk, emit, settings
from migration.domain.errors import ConfigurationError, GateClosed
from migration.domain.findings import Finding
from migration.domain.outcome import balance, outcome
from migration.reports import exports
from migration.stages import gather
from migration.verification import run as verification

Out = Annotated[Path, typer.Option("--out", help="The folder to write into.")]
KINDS = ("sit", "uat", "rehearsal", "production")


def verify(*, json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False) -> None:
    """Compare snapshot, journal and the bank's answers by code of its own."""
    with desk() as opened:
        opened.begin()
        found = verification.verify(gather.evidence(opened.house))
    if json:
        emit(found.as_json())
    else:
        for check in found.checks:
            OUT.print(f"{'✔' if not check.findings else '✖'} {check.name}: {check.seen}")
    if found.findings:
        raise GateClosed(*(Finding(f.code, f.subject, f.detail) for f in found.findings[:50]))


def report(
    out: Out,
    kind: Annotated[str | None, typer.Option("--kind", help=" | ".join(KINDS))] = None,
    language: Annotated[str | None, typer.Option("--language", help="zh | en; the configuration's by default.")] = None,
) -> None:
    """The report: one HTML file that opens offline."""
    if kind is not None and kind not in KINDS:
        raise ConfigurationError.of("REPORT_KIND", kind, "no such kind", f"one of {', '.join(KINDS)}")
    from migration.reports import pack  # noqa: PLC0415

    with desk() as opened:
        opened.begin()
        place = pack.write(
            opened, kind or opened.settings.cutover.kind, out, language or opened.settings.cutover.language
        )
        OUT.print(str(place))


def export(out: Out) -> None:
    """The hand-over to the platform's own system: Parquet, CSV and balance.json."""
    with desk() as opened:
        opened.begin()
        book = opened.house.book()
        exports.write(out, outcome(book, opened.journal.batches()), balance(book).as_json())
        OUT.print(str(out))


def passport(
    user: Annotated[str | None, typer.Option("--user")] = None,
    listing: Annotated[str | None, typer.Option("--listing")] = None,
    debt: Annotated[str | None, typer.Option("--debt")] = None,
) -> None:
    """Everything that ever happened to one record."""
    chosen = [(e, k) for e, k in (("users", user), ("listings", listing), ("debts", debt)) if k]
    if len(chosen) != 1:
        raise ConfigurationError.of(
            "PASSPORT_KEY", "passport", "exactly one of --user, --listing, --debt", "--debt KEY"
        )
    from migration.reports import passports  # noqa: PLC0415

    with desk() as opened:
        opened.begin()
        for line in passports.lines(opened, *chosen[0]):
            OUT.print(line, markup=False)


def journal_verify() -> None:
    """Recompute the journal's hash chain."""
    with desk() as opened:
        opened.begin()
        found = opened.journal.verify()
        if found:
            raise GateClosed(*found)
        OUT.print(f"the chain holds: {len(opened.journal.events())} events")


def mapping_check() -> None:
    """Show how each column is read, with a masked sample."""
    from migration.legacy import mapping  # noqa: PLC0415

    found = settings()
    rows = mapping.check(wiring.legacy(found, SystemClock()))
    table = Table(box=None, header_style="bold")
    for heading in ("entity", "column", "source type", "NULL", "sample", "verdict"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row.entity, row.column, row.source_type, str(row.nulls), row.sample, row.verdict)
    OUT.print(table)
