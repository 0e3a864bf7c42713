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
        "每个例外的原因、去向和签字人；已更正者只计数，不列明细。",
        "Every exception with cause, disposition and signer; mended ones are counted only.",
    ),
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
    each = (Column("ID", "code", 13), Column(say["entity"], weight=7), Column(say["key"], "code", 16),
            Column(say["cause"], weight=26), Column(say["disposition"], "mark", 10), Column(say["sum"], "fen", 14),
            Column(say["signer"], weight=13), Column(say["reason"], weight=26))  # fmt: skip
    blocks.append(Table(each, Drawn(standing(material), lambda row: _row(row, language)), say["each"]))
    return Section("exceptions", say["title"], blocks, wide=True)


def _summary(material: Material, language: str) -> list[Row]:
    grouped = material.exceptions.group_by(["entity", "code", "state"]).aggregate(
        [("id", "count"), ("amount_fen", "sum")]
    )
    found = sorted(grouped.to_pylist(), key=lambda row: (row["entity"], row["code"], row["state"]))
    return [
        (
            codes.say(codes.ENTITIES, row["entity"], language),
            codes.reason(row["code"], language),
            codes.mark(row["state"], language),
            row["id_count"],
            row["amount_fen_sum"],
        )
        for row in found
    ]


def _row(row: Mapping[str, Any], language: str) -> Row:
    signed = row["state"] == "signed"
    word = codes.say(codes.DISPOSITIONS, "excepted" if signed else "blocked", language)
    return (
        row["id"],
        codes.say(codes.ENTITIES, row["entity"], language),
        row["key"],
        codes.reason(row["code"], language),
        Mark(word, "good" if signed else "warn"),
        row["amount_fen"],
        row["signed_by"] or "",
        redaction.free(row["reason"]),
    )
