"""Guarantors (担保人): account openings carry no account use, so the bank sets 00100 by this list (bank-interface.md 9)."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.reports import redaction
from migration.reports.document import Column, Drawn, Paragraph, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("担保人账户", "Accounts of guarantors"),
    "lead": (
        "开户文件没有账户用途字段：请银行将下列 {0} 个账户设为担保账户（用途 00100）。完整账号见导出 users。",
        "The files cannot say an account's use: the bank is asked to set these {0} to guarantee (00100); numbers: export users.",
    ),
    "account": ("存管账户（后四位）", "Account (last four)"),
    "listings": ("已登记标的", "Registered listings"),
    "guaranteed": ("未还本金（元）", "Outstanding principal (yuan)"),
}


def guarantors(material: Material) -> pa.Table:
    """Kept users who guarantee a registered listing: user_id, account_no, listings, outstanding_fen; by user_id."""
    listings, users = material.legacy["listings"], material.claim["users"]
    claimed = material.claim["listings"]
    registered = claimed.filter(pc.equal(claimed["disposition"], "registered")).select(
        ["listing_id", "outstanding_fen"]
    )
    given = listings.select(["listing_id", "guarantor_id"]).filter(pc.is_valid(listings["guarantor_id"]))
    kept = users.select(["user_id", "kept_user_id"])
    found = registered.join(given, "listing_id", join_type="inner").join(kept, "guarantor_id", "user_id")
    by_user = found.group_by("kept_user_id").aggregate([([], "count_all"), ("outstanding_fen", "sum")])
    told = by_user.join(users.select(["user_id", "account_no"]), "kept_user_id", "user_id")
    names = {
        "user_id": "kept_user_id",
        "account_no": "account_no",
        "listings": "count_all",
        "outstanding_fen": "outstanding_fen_sum",
    }
    return pa.table({name: told[column] for name, column in names.items()}).sort_by("user_id")


def build(material: Material, language: str) -> Section | None:
    """A row a guarantor; nothing where no registered listing has one."""
    say, found = of(language, WORDS), guarantors(material)
    if not found.num_rows:
        return None
    columns = (Column(say["key"], "code", 20), Column(say["account"], "code", 16), Column(say["listings"], "count"),
               Column(say["guaranteed"], "fen"))  # fmt: skip
    rows = Drawn(
        found,
        lambda row: (row["user_id"], redaction.account(row["account_no"]), row["listings"], row["outstanding_fen"]),
    )
    return Section("guarantors", say["title"], [
        Paragraph(say["lead"].format(found.num_rows), lead=True),
        Table(columns, rows),
    ])  # fmt: skip
