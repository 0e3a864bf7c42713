"""The end of a demonstration: exports, report, and the balance equation on the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.panel import Panel

from migration.reports.pack import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from migration.demo.ground import Ground


def conclude(at: Ground, console: Console, address: str) -> int:
    """Write exports and report, show the balance equation and where things are; 3 unless 0 fen are left over."""
    places = at.places
    at.verb("export", "--out", str(places.export))
    at.verb("report", "--kind", "rehearsal", "--out", str(places.report))
    balance = json.loads((places.export / "balance.json").read_text())
    left = balance["difference_fen"]
    parts = [_yuan(balance[f"{name}_fen"]) for name in ("registered", "excepted", "residual", "in_flight")]
    packs = [place for ending in FORMS for place in sorted(places.report.glob(f"*.{ending}"))]
    lines = [
        "旧平台 = 已登记 + 例外 + 遗留 + 在途  /  legacy = registered + excepted + residual + in flight",
        f"{_yuan(balance['legacy_fen'])} = {' + '.join(parts)}",
        f"差额 difference: {left} 分 fen",
        "",
        *(f"报告 report:   {_near(place, places.root)}" for place in packs),
        f"导出 exports:  {_near(places.export, places.root)}",
        f"Airflow:       {address}",
    ]
    console.print(Panel("\n".join(lines), title="资金存管迁移 Cutover", expand=False, highlight=False))
    return 0 if left == 0 else 3


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _near(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
