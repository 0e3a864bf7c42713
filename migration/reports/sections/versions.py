"""What ran, on what: versions and digests of program, configuration, snapshot and journal."""

from __future__ import annotations

from typing import Final

from migration.reports import codes
from migration.reports.document import Column, Row, Section, Table
from migration.reports.material import Material
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("版本与数字指纹", "Versions and digests"),
    "value": ("值", "Value"),
    "snapshot": ("快照", "snapshot"),
    "journal": ("日志（{0} 个事件，断链 {1} 处）", "journal ({0} events, {1} breaks of its chain)"),
    "profile": ("银行配置", "bank profile"),
    "code": ("程序", "program"),
    "configuration": ("配置", "configuration"),
}
TABLES: Final[dict[str, Pair]] = {
    **codes.ENTITIES,
    "schedules": ("还款计划", "schedules"),
    "elections": ("本人选择", "elections"),
    "extensions": ("展期", "extensions"),
    "issues": ("数据问题", "issues of the data"),
}
"""The tables of a snapshot."""


def build(material: Material, language: str) -> Section:
    """A row an item."""
    say, snapshot, chain = of(language, WORDS), material.snapshot, material.chain
    rows: list[Row] = [
        *((say.get(name, name), value) for name, value in material.versions.items()),
        (say["profile"], material.scope.profile),
        (say["snapshot"], snapshot.digest),
        *(
            (f"{say['snapshot']} · {codes.say(TABLES, entity, language)}", digest)
            for entity, digest in snapshot.entity_digests.items()
        ),
        (say["journal"].format(chain["events"], chain["breaks"]), str(chain["head"])),
    ]
    return Section(
        "versions", say["title"], [Table((Column(say["what"], weight=30), Column(say["value"], "code", 66)), rows)]
    )
