"""Who was refused and has a position, and every refusal of the bank with its place in the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.reports import codes
from migration.reports.document import Block, Column, Drawn, Mark, Paragraph, Row, Section, Table, Tone
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("被拒", "Refused"),
    "lead": (
        "未能开户而持有债权或为标的当事方的用户（均须更正或签字），以及银行每一次拒绝在文件中的位置。",
        "Users without an account who have a position (each is mended or signed); each refusal of the bank with its place.",
    ),
    "people": ("被拒且有仓位的用户", "Users refused, with a position"),
    "answers": ("银行的拒绝", "Refusals of the bank"),
    "not_sent": ("未报送", "not sent"),
    "file": ("日期/批次", "Date/batch"),
    "record": ("记录号", "Record"),
    "now": ("现去向", "Now"),
    "last": ("最后报送", "Last sent in"),
}


def build(material: Material, language: str) -> Section:
    """Both lists."""
    say = of(language, WORDS)
    blocks: list[Block] = [Paragraph(say["lead"], lead=True), _people(material, say, language)]
    blocks.append(_answers(material, say, language))
    return Section("refused", say["title"], blocks, wide=True)


def _people(material: Material, say: Mapping[str, str], language: str) -> Table:
    users = material.claim["users"]
    left = users.filter(pc.is_in(users["disposition"], value_set=pa.array(["excepted", "blocked"])))
    about = _exceptions(material)
    sent = {row["key"]: row for row in _attempts(material, "users").to_pylist()}

    def row(user: Mapping[str, Any]) -> Row:
        known, attempt = about.get(user["user_id"], {}), sent.get(user["user_id"])
        return (
            user["user_id"],
            material.why("users", user["reason"], language),
            _disposition(user["disposition"], language),
            known.get("amount_fen"),
            f"{attempt['business_date']}/{attempt['batch_no']}" if attempt else say["not_sent"],
            attempt["record_no"] if attempt else None,
            known.get("signed_by") or "",
        )

    columns = (Column(say["key"], "code", 16), Column(say["cause"], weight=28), Column(say["disposition"], "mark", 10),
               Column(say["position"], "fen", 14), Column(say["last"], "code", 18), Column(say["record"], "count", 8),
               Column(say["signer"], weight=14))  # fmt: skip
    return Table(columns, Drawn(left, row), say["people"], "" if left.num_rows else say["none"])


def _exceptions(material: Material) -> Mapping[str, Mapping[str, Any]]:
    """Standing exceptions of users, by key."""
    known = material.exceptions
    wanted = pc.and_(pc.equal(known["entity"], "users"), pc.not_equal(known["state"], "mended"))
    return {row["key"]: row for row in known.filter(wanted).to_pylist()}


def _attempts(material: Material, entity: str) -> pa.Table:
    """What was refused of an entity, in the order of the files."""
    items = material.items[entity]
    chosen = items.filter(pc.equal(items["state"], "refused"))
    return chosen.select(["key", "code", "amount_fen", "business_date", "batch_no", "record_no", "round"])


def _answers(material: Material, say: Mapping[str, str], language: str) -> Table:
    tables = []
    for entity in material.items:
        found = _attempts(material, entity)
        names = pa.array([entity] * found.num_rows, pa.string())
        tables.append(found.append_column("entity", names).append_column("now", _now(material, entity, found)))
    rows = pa.concat_tables(tables)

    def row(item: Mapping[str, Any]) -> Row:
        return (
            f"{item['business_date']}/{item['batch_no']}",
            item["record_no"],
            codes.say(codes.ENTITIES, item["entity"], language),
            item["key"],
            material.why(item["entity"], f"BANK_{item['code']}", language),
            item["round"],
            _disposition(item["now"], language),
        )

    columns = (Column(say["file"], "code", 18), Column(say["record"], "count", 8), Column(say["entity"], weight=10),
               Column(say["key"], "code", 26), Column(say["cause"], weight=30), Column(say["round"], "count", 7),
               Column(say["now"], "mark", 12))  # fmt: skip
    return Table(columns, Drawn(rows, row), say["answers"], "" if rows.num_rows else say["none"])


_KEY: Final = {"users": "user_id", "listings": "listing_id", "debts": "debt_id", "authorisations": "serial"}


def _now(material: Material, entity: str, found: pa.Table) -> pa.ChunkedArray:
    claim = material.claim[entity]
    at = pc.index_in(found["key"], value_set=claim[_KEY[entity]].combine_chunks())
    return pc.take(claim["disposition"].combine_chunks(), at.combine_chunks())


_TONES: Final[dict[str | None, Tone]] = {"pending": "warn", "blocked": "bad"}


def _disposition(word: str | None, language: str) -> Mark:
    return Mark(codes.say(codes.DISPOSITIONS, word, language), _TONES.get(word, "good"))
