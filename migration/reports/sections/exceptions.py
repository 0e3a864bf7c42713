"""Exceptions: counted by cause, and each one with cause, disposition, signer and reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.reports import codes, redaction
from migration.reports.document import Block, Column, Drawn, Mark, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("例外", "Exceptions"),
    "lead": (
        "每个例外的原因、去向和签字人；已更正者只计数，不列明细。用户与标的的金额为其仓位，互有重叠。",
        "Every exception with cause, disposition and signer; mended ones are only counted. Positions of users, listings overlap.",
    ),
    "resting": ("签字例外的债权：依据谁的签字", "Excepted debts, by the signature they rest on"),
    "resting_note": ("本金合计即平衡式中的签字例外", "The sum is the signed exceptions of the balance equation"),
    "signature": ("签字对象", "What was signed"),
    "own": ("债权本身", "the debt itself"),
    "listing": ("所属标的", "its listing"),
    "holder": ("出借人", "its lender"),
    "party": ("标的当事方", "a party of its listing"),
    "nobody": ("没有签字", "nothing"),
    "each": ("逐笔", "One by one"),
}


def standing(material: Material) -> pa.Table:
    """Open and signed ones."""
    table = material.exceptions
    return table.filter(pc.not_equal(table["state"], "mended"))


def build(material: Material, language: str) -> Section:
    """The summary and the list."""
    say = of(language, WORDS)
    blocks: list[Block] = [Paragraph(say["lead"], lead=True)]
    if not material.exceptions.num_rows:
        return Section("exceptions", say["title"], [*blocks, Paragraph(say["none"])])
    summary = (Column(say["entity"], weight=10), Column(say["cause"], weight=34), Column(say["state"], "mark"),
               Column(say["rows"], "count"), Column(say["sum"], "fen"))  # fmt: skip
    blocks.append(Table(summary, _summary(material, language)))
    blocks.append(_resting(material, say))
    each = (Column("ID", "code", 13), Column(say["entity"], weight=7), Column(say["key"], "code", 16),
            Column(say["cause"], weight=26), Column(say["disposition"], "mark", 10), Column(say["sum"], "fen", 14),
            Column(say["signer"], weight=13), Column(say["reason"], weight=26))  # fmt: skip
    blocks.append(Table(each, Drawn(standing(material), lambda row: _row(row, material, language)), say["each"]))
    return Section("exceptions", say["title"], blocks, wide=True)


PARTIES: Final = ("borrower_id", "guarantor_id", "payee_id", "nominal_borrower_id")


def resting(material: Material) -> dict[str, pa.Table]:
    """Debts whose disposition is `excepted`, each once, by what was signed: the debt, its listing, its lender or a party."""
    debts = material.claim["debts"]
    left = debts.filter(pc.equal(debts["disposition"], "excepted"))
    users, listings = _signed(material, "users"), material.legacy["listings"]
    concerned = pa.array([False] * listings.num_rows)
    for party in PARTIES:
        concerned = pc.or_(concerned, pc.is_in(_kept(material, listings[party]), value_set=users))
    of_party = listings.filter(concerned)["listing_id"].combine_chunks()
    found = {}
    for name, column, wanted in (
        ("own", "debt_id", _signed(material, "debts")),
        ("listing", "listing_id", _signed(material, "listings")),
        ("holder", "holder_user_id", users),
        ("party", "listing_id", of_party),
    ):
        hit = pc.is_in(left[column], value_set=wanted)
        found[name], left = left.filter(hit), left.filter(pc.invert(hit))
    return {**found, "nobody": left}


def _signed(material: Material, entity: str) -> pa.Array:
    known = material.exceptions
    return known.filter(pc.and_(pc.equal(known["entity"], entity), pc.equal(known["state"], "signed")))[
        "key"
    ].combine_chunks()


def _kept(material: Material, users: pa.ChunkedArray) -> pa.ChunkedArray:
    """The accounts that theirs were merged into."""
    claimed = material.claim["users"]
    at = pc.index_in(users.combine_chunks(), value_set=claimed["user_id"].combine_chunks())
    return pc.take(claimed["kept_user_id"].combine_chunks(), at)


def _resting(material: Material, say: Mapping[str, str]) -> Table:
    """How the excepted principal divides among signatures; none is without one."""
    groups = {name: table for name, table in resting(material).items() if table.num_rows}
    rows: list[Row] = [(say[name], t.num_rows, pc.sum(t["principal_fen"]).as_py()) for name, t in groups.items()]
    whole = (say["total"], sum(t.num_rows for t in groups.values()), sum(int(str(row[2])) for row in rows))
    columns = (Column(say["signature"], weight=30), Column(say["rows"], "count"), Column(say["sum"], "fen"))
    return Table(columns, [*rows, whole], say["resting"], say["resting_note"], total=True)


def _summary(material: Material, language: str) -> list[Row]:
    grouped = material.exceptions.group_by(["entity", "code", "state"]).aggregate(
        [("id", "count"), ("amount_fen", "sum")]
    )
    found = sorted(grouped.to_pylist(), key=lambda row: (row["entity"], row["code"], row["state"]))
    return [
        (
            codes.say(codes.ENTITIES, row["entity"], language),
            material.why(row["entity"], row["code"], language),
            codes.mark(row["state"], language),
            row["id_count"],
            row["amount_fen_sum"],
        )
        for row in found
    ]


def _row(row: Mapping[str, Any], material: Material, language: str) -> Row:
    signed = row["state"] == "signed"
    word = codes.say(codes.DISPOSITIONS, "excepted" if signed else "blocked", language)
    return (
        row["id"],
        codes.say(codes.ENTITIES, row["entity"], language),
        row["key"],
        material.why(row["entity"], row["code"], language),
        Mark(word, "good" if signed else "warn"),
        row["amount_fen"],
        row["signed_by"] or "",
        redaction.free(row["reason"]),
    )
