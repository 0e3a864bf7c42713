"""Notices (通知): how many users have to be told what, for the channel that sends them."""

from __future__ import annotations

from typing import Final

import pyarrow.compute as pc

from migration.reports import codes
from migration.reports.document import Column, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.sections.dispositions import counted
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("用户通知", "Notices to users"),
    "lead": (
        "名单见导出 notices（只含用户编号）；一个用户可有多项，共 {0} 个用户。",
        "The list is the export notices (user ids only); a user may have several: {0} users in all.",
    ),
    "notice": ("须告知", "To be told"),
}


def build(material: Material, language: str) -> Section:
    """Counts by kind."""
    say, table = of(language, WORDS), material.claim["notices"]
    rows: list[Row] = [
        (codes.say(codes.NOTICES, row["kind"], language), row["kind"], row["rows"])
        for row in counted(table, ["kind"], "")
    ]
    users = len(pc.unique(table["user_id"]))
    columns = (Column(say["notice"], weight=44), Column("ID", "code", 20), Column(say["rows"], "count"))
    return Section("notices", say["title"], [
        Paragraph(say["lead"].format(f"{users:,}"), lead=True),
        Table(columns, rows) if rows else Paragraph(say["none"]),
    ])  # fmt: skip
