"""Corrections: what operations changed, who said so, why. Never the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow.compute as pc

from migration.reports import codes, redaction
from migration.reports.document import Block, Column, Drawn, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("更正", "Corrections"),
    "lead": (
        "已采纳更正 {0} 项，涉及 {1} 个用户；新旧值不在报告中列示。",
        "{0} corrections of {1} users were taken; values are not shown.",
    ),
    "field": ("字段", "Field"),
    "importer": ("录入人", "Handed in by"),
}


def build(material: Material, language: str) -> Section:
    """How many, and each."""
    say, table = of(language, WORDS), material.corrections
    users = len(pc.unique(table["user_id"]))
    blocks: list[Block] = [Paragraph(say["lead"].format(f"{table.num_rows:,}", f"{users:,}"), lead=True)]
    if table.num_rows:
        columns = (Column(say["key"], "code"), Column(say["field"], weight=12), Column(say["who"], weight=12),
                   Column(say["importer"], weight=12), Column(say["reason"], weight=40))  # fmt: skip
        blocks.append(Table(columns, Drawn(table, lambda row: _row(row, language))))
    return Section("corrections", say["title"], blocks)


def _row(row: Mapping[str, Any], language: str) -> Row:
    return (
        row["user_id"],
        codes.say(codes.FIELDS, row["field"], language),
        row["by"] or "",
        row["importer"] or "",
        redaction.free(row["reason"]),
    )
