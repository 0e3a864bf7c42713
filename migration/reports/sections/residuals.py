"""Residual balances (遗留余额): cash that stays at the legacy escrow until its owner withdraws it."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.reports import codes
from migration.reports.document import Column, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("遗留余额", "Residual balances"),
    "lead": (
        "资金留在原托管机构，由用户本人提现至原绑定卡；合并后各托管账户余额不合并。",
        "The cash stays at the legacy escrow until its owner withdraws it to the card bound there; balances are not merged.",
    ),
    "of_whom": ("账户", "Accounts"),
    "own": ("本人账户", "of the user himself"),
    "of_merged": ("归属合并后的保留用户", "of merged users, now the kept user's"),
    "available": ("可用（元）", "Available (yuan)"),
    "frozen": ("冻结（元）", "Frozen (yuan)"),
}


def build(material: Material, language: str) -> Section:
    """By status and whether the account came from a merge; the last row is the whole."""
    say, table = of(language, WORDS), material.claim["residuals"]
    moved = pc.not_equal(table["legacy_user_id"], table["entitled_user_id"])
    rows: list[Row] = []
    for status in ("available", "empty"):
        of_status = pc.equal(table["status"], status)
        for merged, word in ((False, say["own"]), (True, say["of_merged"])):
            chosen = table.filter(pc.and_(of_status, moved if merged else pc.invert(moved)))
            rows.append((codes.say(codes.DISPOSITIONS, status, language), word, *_sums(chosen)))
    rows.append((say["total"], "", *_sums(table)))
    columns = (Column(say["state"], weight=12), Column(say["of_whom"], weight=26), Column(say["rows"], "count"),
               Column(say["available"], "fen"), Column(say["frozen"], "fen"))  # fmt: skip
    return Section("residuals", say["title"], [Paragraph(say["lead"], lead=True), Table(columns, rows, total=True)])


def _sums(table: pa.Table) -> tuple[int, int, int]:
    amounts = [int(pc.sum(table[name]).as_py() or 0) for name in ("available_fen", "frozen_fen")]
    return table.num_rows, amounts[0], amounts[1]
