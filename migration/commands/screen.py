"""What the terminal shows of a cutover."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.panel import Panel
from rich.table import Table

from migration.commands.shared import OUT, yuan
from migration.domain.outcome import balance
from migration.domain.windows import clock_time
from migration.domain.wording import STAGES as STAGE_NAMES
from migration.stages import assessment, drill, exchange, points, progress
from migration.stages.order import STAGES
from migration.wiring import Desk

STATES = {
    "done": "[green]✔ done[/]",
    "running": "[cyan]… running[/]",
    "waiting": "[yellow]⏸ waiting[/]",
    "closed": "[red]✖ closed[/]",
}


def status_of(opened: Desk) -> dict[str, Any]:
    """Everything `cutover status` tells, as plain data."""
    journal = opened.house.journal
    journal.begin(opened.house.terms.cutover_id, opened.house.terms.kind)
    records = journal.stages()
    batches = journal.batches()
    open_rows = opened.house.open_exceptions().to_pylist()
    exceptions = Counter((r["entity"], r["code"]) for r in open_rows)
    return {
        "cutover": opened.house.terms.cutover_id,
        "kind": opened.house.terms.kind,
        "business_date": opened.house.terms.business_date.isoformat(),
        "round": progress.current_round(opened.house),
        "done": progress.done(opened.house, "reconcile"),
        "stages": [
            {"stage": r.stage, "round": r.round, "state": r.state, "totals": dict(r.totals), "reasons": list(r.reasons)}
            for r in records
        ],
        "batches": dict(Counter(b.state for b in batches)),
        "approvals": [
            {"gate": g.gate, "digest": g.digest, "needed": g.needed, "given": list(g.given)}
            for g in journal.gates()
            if g.state == "pending"
        ],
        "exceptions": [
            {"entity": entity, "code": code, "open": count} for (entity, code), count in sorted(exceptions.items())
        ],
        "warnings": _warnings(opened),
        "bank": [
            {"request": b.request_name, "since": b.delivered_at, "answer_from": exchange.expected(opened.house, b)}
            for b in batches
            if b.state in exchange.UNANSWERED
        ],
        "results_awaited": [b.request_name for b in batches if b.state in {"delivered", "quarantined"}],
        "undo": [asdict(point) for point in points.of(journal)],
        "drill": drill.latest(journal),
        "roots": len(opened.journal.root_lines()),
        "roles_missing": list(opened.journal.missing_roles()),
    }


def _warnings(opened: Desk) -> dict[str, int]:
    """What the latest assessment warned of: code -> how many."""
    said = [e.payload for e in opened.house.journal.events() if e.kind == assessment.EVENT]
    found: Any = said[-1].get("warnings", {}) if said else {}
    return dict(found)


def show_status(found: dict[str, Any]) -> None:
    """The same, for people."""
    word = "[green]complete[/]" if found["done"] else f"round {found['round']}"
    OUT.print(
        Panel.fit(
            f"[bold]{found['cutover']}[/] · {found['kind']} · {found['business_date']} · {word}",
            title="Cutover 资金存管迁移",
        )
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("stage", "", "round", "state", "what came of it"):
        table.add_column(heading, overflow="fold")
    by_stage: dict[str, list[dict[str, Any]]] = {name: [] for name in STAGES}
    for record in found["stages"]:
        by_stage.setdefault(record["stage"], []).append(record)
    for name, records in by_stage.items():
        if not records:
            table.add_row(name, STAGE_NAMES.get(name, ("",))[0], "", "[dim]· to come[/]", "")
        for record in records:
            said = "; ".join(record["reasons"][:3]) or _counts(record["totals"])
            table.add_row(name, STAGE_NAMES.get(name, ("",))[0], str(record["round"]), STATES[record["state"]], said)
    OUT.print(table)
    _show_warnings(found)
    _show_points(found.get("undo", ()))
    if found.get("drill"):
        _show_drill(found["drill"])
    waits = _waits(found)
    if waits:
        OUT.print("\n[bold yellow]waits for 等待[/]")
        for line in waits:  # no frame: it would cut the digest off that has to be copied
            OUT.print(f"  {line}", markup=False)


def _show_warnings(found: dict[str, Any]) -> None:
    if found.get("warnings"):
        told = ", ".join(f"{code} {count:,}" for code, count in found["warnings"].items())
        OUT.print(f"\n[bold]warnings 数据提示[/] {told} — reports/assessment-*.html")
    if found.get("roles_missing"):
        OUT.print(
            f"[yellow]roles missing in the database: {', '.join(found['roles_missing'])} — cutover journal roles[/]"
        )


def _show_drill(done: dict[str, Any]) -> None:
    """The last settlement drill in a line."""
    colour = "red" if done["findings"] or done["off_fen"] else "green"
    OUT.print(
        f"\n[bold]settlement drill 清偿演练[/] {done['drill']}: [{colour}]{done['paid']:,} of {done['debts']:,} debts paid off, "
        f"¥{yuan(done['off_fen'])} off, {done['findings']:,} finding(s)[/] — cutover drill settle --json"
    )


STANDING = {"free": "[green]free 可撤[/]", "leaving": "[yellow]leaving 在途[/]", "past": "[red]past 不可撤[/]"}


def _show_points(rows: Sequence[dict[str, Any]]) -> None:
    """The map of points of no return: what can still be undone, how, until when."""
    table = Table(
        title="Points of no return 不可回头点", box=None, pad_edge=False, header_style="bold", title_justify="left"
    )
    for heading in ("stage", "now", "undone until 何时之前可撤", "how 如何撤"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        how = f"{row['how_zh']}\n{row['how_en']}"
        table.add_row(row["gate"], STANDING[row["standing"]], f"{row['until_zh']}\n{row['until_en']}", how)
    OUT.print(table)


ORDER = ("registered", "opened", "merged", "self_open", "closed", "excepted", "blocked", "pending", "not_migrated")


def _counts(totals: dict[str, int]) -> str:
    """One line an entity: how many, by disposition, with the sum in yuan where there is one."""
    lines = []
    for entity in ("users", "listings", "debts"):
        if entity not in totals:
            continue
        parts = []
        for word in ORDER:
            count, amount = totals.get(f"{entity}_{word}", 0), totals.get(f"{entity}_{word}_fen", 0)
            if count:
                parts.append(f"{word} {count:,}" + (f" (¥{yuan(amount)})" if amount else ""))
        lines.append(f"{totals[entity]:,} {entity}" + (f": {', '.join(parts)}" if parts else ""))
    if "residuals" in totals:
        lines.append(f"{totals['residuals']:,} balances to withdraw: ¥{yuan(totals['residuals_fen'])}")
    if "difference_fen" in totals:
        lines.append(f"difference ¥{yuan(totals['difference_fen'])}")
    return "\n".join(lines)


def _waits(found: dict[str, Any]) -> list[str]:
    lines = [
        f"approval: {a['gate']} ({len(a['given'])} of {a['needed']}) — "
        f"cutover approve {a['gate']} --digest {a['digest']} --as NAME"
        for a in found["approvals"]
    ]
    lines += [f"exceptions: {e['open']} × {e['entity']} {e['code']} — cutover exceptions" for e in found["exceptions"]]
    lines += [_bank_line(one) for one in found["bank"]]
    return lines


def _bank_line(one: dict[str, Any]) -> str:
    """What is awaited of the bank, since when, and when it can be there."""
    since = f", since {clock_time(one['since'])}" if one["since"] else ""
    due = f", at the earliest {clock_time(one['answer_from'])} 北京时间" if one["answer_from"] else ""
    return f"bank: result for {one['request']}{since}{due}"


def closing(opened: Desk) -> None:
    """The last word of a run: what is done, and the balance once the snapshot stands."""
    if not progress.done(opened.house, "debts"):
        return
    found = balance(opened.house.book())
    table = Table(title="Balance equation 平衡式 (yuan)", box=None, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    rows = [
        ("legacy 存量", found.legacy_fen),
        ("= registered 已登记", found.registered_fen),
        ("+ excepted 已签例外", found.excepted_fen),
        ("+ residual 遗留余额", found.residual_fen),
        ("+ in flight 在途", found.in_flight_fen),
        ("difference 差额", found.difference_fen),
    ]
    for name, value in rows:
        table.add_row(name, yuan(value))
    OUT.print(table)
