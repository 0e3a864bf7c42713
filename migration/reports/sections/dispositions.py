"""What became of everything: one disposition each, counted and summed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from migration.reports import codes
from migration.reports.document import Column, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("去向", "Dispositions"),
    "by_reason": ("按原因", "By reason"),
}
MONEY: Final = {"users": "", "listings": "outstanding_fen", "debts": "principal_fen", "authorisations": ""}
"""The exports that have dispositions, with the money that is summed."""


def counted(table: pa.Table, by: list[str], money: str) -> list[dict[str, Any]]:
    """Rows `by` with `rows` and `fen` (None without money), in the order of the names."""
    wanted = [([], "count_all"), *([(money, "sum")] if money else [])]
    found = table.group_by(by).aggregate(wanted).to_pylist()
    rows = [
        {**{name: row[name] for name in by}, "rows": row["count_all"], "fen": row[f"{money}_sum"] if money else None}
        for row in found
    ]
    return sorted(rows, key=lambda row: [row[name] or "" for name in by])


def build(material: Material, language: str) -> Section:
    """Both tables: by disposition, by disposition and reason."""
    say = of(language, WORDS)
    columns = (Column(say["entity"], weight=12), Column(say["disposition"], weight=16))
    figures = (Column(say["rows"], "count"), Column(say["sum"], "fen"))
    return Section("dispositions", say["title"], [
        Table((*columns, *figures), _rows(material, language, ["disposition"])),
        Table((*columns, Column(say["cause"], weight=30), *figures), _rows(material, language, ["disposition", "reason"]),
              say["by_reason"]),
    ])  # fmt: skip


def _rows(material: Material, language: str, by: list[str]) -> list[Row]:
    rows: list[Row] = []
    for entity, money in MONEY.items():
        name = codes.say(codes.ENTITIES, entity, language)
        rows += [
            (name, *_words(material, entity, row, language), row["rows"], row["fen"])
            for row in counted(material.claim[entity], by, money)
        ]
    return rows


def _words(material: Material, entity: str, row: Mapping[str, Any], language: str) -> tuple[str, ...]:
    said = codes.say(codes.DISPOSITIONS, row["disposition"], language)
    return (said, material.why(entity, row["reason"], language)) if "reason" in row else (said,)
