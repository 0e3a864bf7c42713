"""The independent verifier: what it checked, what it does not see, and the planted corruptions it had to find first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from migration.reports.document import Block, Column, Mark, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("独立核对", "Independent verification"),
    "lead": (
        "由不与迁移程序共用代码的核对器重新读取两侧并比对；先植入 {0} 种错误，未发现 {1} 种，然后才采信。",
        "A verifier that shares no code with the movers read both sides; {0} kinds of corruption were planted, {1} unseen.",
    ),
    "check": ("核对", "Check"),
    "found": ("差异", "Differences"),
    "not_seen": ("看不到", "What it does not see"),
    "differences": ("差异明细", "Differences"),
    "finding": ("说明", "What was seen"),
    "planted": ("植入的错误", "Planted corruptions"),
    "corruption": ("错误", "Corruption"),
    "seen": ("已发现", "seen"),
    "blind": ("未发现", "NOT SEEN"),
    "not_planted": ("本次数据无从植入", "no row could carry it"),
}


def build(material: Material, language: str) -> Section:
    """Checks, differences if there are any, plants."""
    say = of(language, WORDS)
    found: Mapping[str, Any] = material.verification
    checks, plants = found["checks"], found["plants"]
    blocks: list[Block] = [Paragraph(say["lead"].format(found["planted"], found["planted_unseen"]), lead=True)]
    columns = (Column(say["check"], weight=28), Column("ID", "code", 14), Column(say["rows"], "count"),
               Column(say["found"], "count"), Column("", "mark", 4), Column(say["not_seen"], weight=34))  # fmt: skip
    blocks.append(Table(columns, [_check(check, language) for check in checks]))
    wrong: list[Row] = [(f["code"], f["subject"], f["detail"]) for check in checks for f in check["findings"]]
    if wrong:
        listed = (Column(say["code"], "code", 18), Column(say["key"], "code", 24), Column(say["finding"], weight=40))
        blocks.append(Table(listed, wrong, say["differences"]))
    planted = (Column(say["corruption"], weight=40), Column("ID", "code", 22), Column(say["result"], "mark", 14))
    blocks.append(Table(planted, [_plant(plant, say, language) for plant in plants], say["planted"]))
    return Section("verification", say["title"], blocks)


def _check(check: Mapping[str, Any], language: str) -> Row:
    mark = Mark("✖", "bad") if check["failures"] else Mark("✔", "good")
    return (
        check[f"title_{language}"],
        check["name"],
        check["rows"],
        check["failures"],
        mark,
        check[f"not_seen_{language}"],
    )


def _plant(plant: Mapping[str, Any], say: Mapping[str, str], language: str) -> Row:
    if not plant["planted"]:
        mark = Mark(say["not_planted"])
    else:
        mark = Mark(say["blind"], "bad") if plant["unseen"] else Mark(say["seen"], "good")
    return (plant[f"title_{language}"], plant["name"], mark)
