"""What is handed out and looked at: verification, report, exports, passports, the journal's chain, the mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from migration import wiring
from migration.bank.keeping import manifest_digests
from migration.commands.shared import OUT, desk, emit, settings
from migration.commands.withdrawn import reported
from migration.domain.errors import ConfigurationError, GateClosed
from migration.domain.findings import Finding
from migration.domain.outcome import balance, outcome
from migration.domain.repayment_terms import repayment_terms
from migration.reports import exports, figures, pack, passport_text, passports
from migration.reports.material import Scope
from migration.reports.words import Pair, of
from migration.stages import gather, lives
from migration.verification import run as verification
from migration.verification.evidence import Verification

Out = Annotated[Path, typer.Option("--out", help="The folder to write into.")]
Language = Annotated[str | None, typer.Option("--language", help="zh | en; the configuration's by default.")]
SHOWN = 50
"""Findings printed as reasons; --json has them all."""
VERIFIED: Final[dict[str, Pair]] = {
    "check": ("核对", "check"),
    "rows": ("行数", "rows"),
    "found": ("差异", "found"),
    "not_seen": ("看不到", "it does not see"),
    "planted": ("植入错误：{1} 种中发现 {0} 种", "planted corruptions: {0} of {1} seen"),
    "not_final": (
        "迁移尚未结清：待处理与受阻的不算差异",
        "the cutover is not settled yet: what is pending or blocked is no finding",
    ),
}
"""Words of `verify`: (Chinese, English) by id."""


def verify(
    *,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    language: Language = None,
) -> None:
    """Compare snapshot, files and claimed outcome by code that shares nothing with the movers; changes nothing."""
    _require_language(language)
    with desk() as opened:
        opened.begin()
        found = verification.verify(gather.evidence(opened.house))
        chosen_language = language or opened.settings.cutover.language
    if json:
        emit(found.as_json())
    else:
        _show(found, chosen_language)
    if found.findings:
        raise GateClosed(*(Finding(f.code, f.subject, f.detail) for f in found.findings[:SHOWN]))


def _show(found: Verification, language: str) -> None:
    say, chinese = of(language, VERIFIED), language == "zh"
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "check", "rows", "found", "not_seen"):
        table.add_column(say.get(name, ""), overflow="fold", justify="right" if name in {"rows", "found"} else "left")
    for check in found.checks:
        mark = "[red]✖[/]" if check.failures else "[green]✔[/]"
        title, not_seen = (check.title_zh, check.not_seen_zh) if chinese else (check.title_en, check.not_seen)
        table.add_row(mark, f"{check.name} {title}", f"{check.rows:,}", f"{check.failures:,}", f"[dim]{not_seen}[/]")
    OUT.print(table)
    planted = sum(plant.planted for plant in found.plants)
    OUT.print(say["planted"].format(planted - found.planted_unseen, planted), style="bold")
    if not found.final:
        OUT.print(say["not_final"], style="yellow")


def report(
    out: Out,
    kind: Annotated[str | None, typer.Option("--kind", help=" | ".join(pack.KIND_NAMES))] = None,
    language: Language = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", help="The .json of another report, to lay beside this one.")
    ] = None,
) -> None:
    """The report to sign: a page that opens offline, a workbook, a PDF, and its figures as JSON."""
    if kind is not None and kind not in pack.KIND_NAMES:
        raise ConfigurationError.of("REPORT_KIND", kind, "no such kind", f"one of {', '.join(pack.KIND_NAMES)}")
    _require_language(language)
    other = figures.read(compare) if compare else None
    with desk() as opened:
        opened.begin()
        found = opened.settings
        manifests = manifest_digests(found.cutover.workspace)
        withdrawn = reported(wiring.store_url(found))
        material = gather.material(opened.house, kind or found.cutover.kind, _scope(opened), manifests, withdrawn)
        written = pack.write(replace(material, other=other), out, language or found.cutover.language)
    for place in (written.html, written.xlsx, written.pdf, written.json, written.sums):
        OUT.print(str(place), soft_wrap=True, highlight=False)


def _scope(opened: wiring.Desk) -> Scope:
    found = opened.settings
    return Scope(
        transport=found.bank.transport,
        query_channel=bool(found.bank.query_url),
        carry_authorisations=found.policy.carry_authorisations,
        late_change=found.policy.late_change,
        overdue=found.policy.overdue,
        rows_per_file=found.bank.rows_per_file,
        profile=found.bank.profile,
        days=[known.day for known in opened.journal.days()],
        configured=found.cutover.kind,
        answers=opened.answers,
    )


def export(out: Out) -> None:
    """Write the hand-over to the platform's own system: Parquet, CSV and balance.json (personal data!)."""
    with desk() as opened:
        opened.begin()
        book = opened.house.book()
        tables = outcome(book, opened.journal.batches()) | {"notices_terms": repayment_terms(book)}
        exports.write(out, tables, balance(book).as_json())
        OUT.print(str(out))


def passport(
    user: Annotated[str | None, typer.Option("--user", help="A legacy user id.")] = None,
    listing: Annotated[str | None, typer.Option("--listing", help="A listing number.")] = None,
    debt: Annotated[str | None, typer.Option("--debt", help="A debt number.")] = None,
    language: Language = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Everything that ever happened to one record: source, files, answers, decisions."""
    chosen = [(e, k) for e, k in (("users", user), ("listings", listing), ("debts", debt)) if k]
    if len(chosen) != 1:
        raise ConfigurationError.of(
            "PASSPORT_KEY", "passport", "wants exactly one of --user, --listing, --debt", "cutover passport --debt KEY"
        )
    _require_language(language)
    with desk() as opened:
        opened.begin()
        withdrawn = _withdrawals(opened, user) if user else ()
        found = passports.passport(lives.life(opened.house, *chosen[0], withdrawn))
        chosen_language = language or opened.settings.cutover.language
    if json:
        emit(found)
        return
    for line in passport_text.lines(found, chosen_language, opened.answers):
        OUT.print(line, markup=False)


def _withdrawals(opened: wiring.Desk, user: str) -> Sequence[Mapping[str, object]]:
    """What was withdrawn of the user's old balances; nothing before the service was opened."""
    accounts = lives.escrow_accounts(opened.house, user)
    if not accounts:
        return ()
    return wiring.withdrawal_plant(opened.settings).look(lambda books: books.of_accounts(accounts))


def _require_language(language: str | None) -> None:
    if language is not None and language not in pack.LANGUAGES:
        raise ConfigurationError.of("REPORT_LANGUAGE", language, "no such language", "zh or en")


def mapping_check() -> None:
    """Show how each column is read, with a masked sample."""
    from migration.legacy import mapping  # noqa: PLC0415
    from migration.legacy.options import options  # noqa: PLC0415

    source = settings().legacy
    given = options(source.money_unit, source.values, source.formats)
    rows = mapping.check(source.url, source.money_unit, source.entities, options=given)
    table = Table(box=None, header_style="bold")
    for heading in ("entity", "column", "source type", "rows", "NULL", "sample", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        colour = {"error": "red", "warning": "yellow"}.get(row.verdict, "green")
        found = f"[{colour}]{', '.join(row.codes) or '✔'}[/]"
        table.add_row(
            row.entity, row.column, row.source_type, str(row.rows), str(row.nulls), row.sample, found, row.note
        )
    OUT.print(table)
    mapping.require(rows)
    OUT.print("the mapping is sound 映射可用", style="bold green")
