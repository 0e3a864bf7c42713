"""`cutover drill`: what a rehearsal proves beyond the cutover itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from migration.commands.shared import OUT, desk, emit, tell, yuan
from migration.domain.errors import GateClosed
from migration.stages import drill

app = typer.Typer(help="Drills on a rehearsal's sandbox bank.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `settle` a word of its own."""


@app.command()
def settle(
    *,
    again: Annotated[bool, typer.Option("--again", help="A new drill, when the last one is settled.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable: counts, sums, findings.")] = False,
) -> None:
    """Pay every registered debt off at the sandbox bank, with the stored accounts and codes; exit 3 when something is off."""
    with desk(tell=tell) as opened:
        opened.begin()
        try:
            drill.settle(opened.house, opened.repayments, again=again)
        except GateClosed:
            _show(drill.latest(opened.journal), json=json)
            raise
        _show(drill.latest(opened.journal), json=json)


def _show(found: Mapping[str, Any] | None, *, json: bool) -> None:
    if found is None:
        return
    if json:
        emit(found)
        return
    table = Table(
        title=f"Settlement drill 清偿演练 {found['drill']}", box=None, show_header=False, title_justify="left"
    )
    table.add_column(justify="left")
    table.add_column(justify="right")
    for label, value in lines(found):
        table.add_row(label, value)
    OUT.print(table)


def lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a drill came to, a line each, for people."""
    off = found["off"]
    return [
        ("debts paid off 已清偿债权", f"{found['paid']:,} / {found['debts']:,}"),
        ("codes refused 被拒授权码", f"{found['debts'] - found['paid']:,}"),
        ("codes accepted twice 重复受理", f"{found['second_uses_accepted']:,}"),
        ("principal 本金 (yuan)", yuan(found["principal_fen"])),
        ("interest 利息 (yuan)", yuan(found["interest_fen"])),
        ("received 已收 (yuan)", yuan(found["paid_fen"])),
        ("off 差额 (yuan)", yuan(found["off_fen"])),
        ("lenders off 出借人不符", f"{off['lenders']['rows']:,} / {found['lenders']:,}"),
        ("borrowers off 借款人不符", f"{off['borrowers']['rows']:,} / {found['borrowers']:,}"),
        ("listings off 标的不符", f"{off['listings']['rows']:,} / {found['listings']:,}"),
        ("findings 问题", f"{found['findings']:,}"),
        ("bonus interest, the platform's, not in it 加息（平台支付，不在内）", yuan(found["bonus_fen"])),
    ]
