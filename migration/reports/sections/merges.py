"""Merged identities: totals before and after, and each group with the account kept and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow.compute as pc

from migration.reports import codes
from migration.reports.document import Block, Column, Drawn, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.texts import yuan
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("合并身份", "Merged identities"),
    "lead": (
        "{0} 组，{1} 个账户并入保留账户；待收合计：合并前 {2} 元，合并后 {3} 元。",
        "{0} groups, {1} accounts merged into the kept ones; receivables: {2} yuan before, {3} yuan after.",
    ),
    "kept": ("保留账户", "Kept"),
    "members": ("并入账户", "Merged into it"),
    "criterion": ("判定依据", "Decided by"),
    "receivable_before": ("合并前待收（元）", "Receivable before (yuan)"),
    "receivable_after": ("合并后待收（元）", "Receivable after (yuan)"),
}


def build(material: Material, language: str) -> Section:
    """The totals and every group."""
    say, groups = of(language, WORDS), material.groups
    users = material.claim["users"]
    merged = users.filter(pc.equal(users["disposition"], "merged"))
    members: dict[str, list[str]] = defaultdict(list)
    for row in merged.select(["user_id", "kept_user_id"]).to_pylist():
        members[row["kept_user_id"]].append(row["user_id"])
    before, after = (int(pc.sum(groups[f"receivable_{when}"]).as_py() or 0) for when in ("before", "after"))
    said = say["lead"].format(f"{groups.num_rows:,}", f"{merged.num_rows:,}", yuan(before), yuan(after))
    blocks: list[Block] = [Paragraph(said, "good" if before == after else "bad")]
    if groups.num_rows:
        columns = (Column(say["kept"], "code"), Column(say["members"], "code", 30), Column(say["criterion"], weight=14),
                   Column(say["receivable_before"], "fen"), Column(say["receivable_after"], "fen"))  # fmt: skip
        blocks.append(Table(columns, Drawn(groups, lambda row: _row(row, members, language))))
    return Section("merged", say["title"], blocks)


def _row(row: Mapping[str, Any], members: Mapping[str, Sequence[str]], language: str) -> Row:
    return (
        row["kept_user_id"],
        ", ".join(members.get(row["kept_user_id"], ())),
        codes.say(codes.CRITERIA, row["reason"], language),
        row["receivable_before"],
        row["receivable_after"],
    )
