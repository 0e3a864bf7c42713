"""The balance equation: a waterfall that has to end at 0, and every listing and person that does not balance by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from migration.reports.document import Block, Column, Paragraph, Row, Section, Step, Table, Tone, Waterfall
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("平衡式", "Balance equation"),
    "lead": (
        "存量 ＝ 已登记债权 ＋ 签字例外 ＋ 遗留余额 ＋ 在途充值 ＋ 差额（元）",
        "Legacy = registered + signed exceptions + residual + top-ups in flight + difference (yuan)",
    ),
    "differing": ("逐标的、逐人同样核对：不平的标的 {0} 个，个人 {1} 个。",
                  "It holds for each by itself, too: {0} listings and {1} persons differ."),
    "listings": ("不平的标的", "Listings that differ"),
    "persons": ("不平的个人", "Persons who differ"),
    "part": ("项目", "Part"),
    "accounted": ("已说明（元）", "Accounted for (yuan)"),
}  # fmt: skip
PARTS: Final = (("registered", "move"), ("excepted", "warn"), ("residual", "stay"), ("in_flight", "stay"))
"""What the legacy side went into, with the colour of its bar."""


def fen(material: Material, name: str) -> int:
    """A figure of balance.json."""
    return int(str(material.balance[f"{name}_fen"]))


def differing(material: Material, name: str) -> list[Mapping[str, Any]]:
    """`listings` or `persons` of balance.json: those whose own sums differ."""
    found = material.balance[name]
    return list(found) if isinstance(found, list | tuple) else []


def build(material: Material, language: str) -> Section:
    """The chart, the equation in figures, what differs."""
    say = of(language, WORDS)
    blocks: list[Block] = [Paragraph(say["lead"], lead=True), _chart(material, say), _equation(material, say)]
    found = {name: differing(material, name) for name in ("listings", "persons")}
    tone: Tone = "bad" if any(found.values()) else "good"
    blocks.append(Paragraph(say["differing"].format(*(f"{len(rows):,}" for rows in found.values())), tone))
    blocks += [_list(say, say[name], rows) for name, rows in found.items() if rows]
    return Section("balance", say["title"], blocks)


def _chart(material: Material, say: Mapping[str, str]) -> Waterfall:
    left = fen(material, "difference")
    steps = [Step(say["legacy"], fen(material, "legacy"), "whole", total=True)]
    steps += [Step(say[name], fen(material, name), tone) for name, tone in PARTS]
    return Waterfall(say["title"], [*steps, Step(say["difference"], left, "bad" if left else "good", total=True)])


def _equation(material: Material, say: Mapping[str, str]) -> Table:
    rows: list[Row] = [("", say["legacy"], fen(material, "legacy"))]
    rows += [("＋" if number else "＝", say[name], fen(material, name)) for number, (name, _) in enumerate(PARTS)]
    rows.append(("＋", say["difference"], fen(material, "difference")))
    columns = (Column("", weight=2), Column(say["part"], weight=20), Column(say["sum"], "fen", 16))
    return Table(columns, rows, total=True, narrow=True)


def _list(say: Mapping[str, str], title: str, found: list[Mapping[str, Any]]) -> Table:
    columns = (Column(say["key"], "code"), Column(say["legacy"], "fen"), Column(say["accounted"], "fen"))
    return Table(columns, [(row["key"], row["legacy_fen"], row["accounted_fen"]) for row in found], title)
