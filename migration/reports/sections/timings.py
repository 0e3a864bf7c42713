"""Stages: their state, their times, and what each left behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from migration.domain import wording
from migration.domain.values import StageRecord
from migration.reports import codes
from migration.reports.document import Bars, Block, Column, Paragraph, Row, Section, Series, Table
from migration.reports.material import Material
from migration.reports.texts import count, span, yuan
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("阶段与用时", "Stages and timings"),
    "lead": (
        "用时为该阶段首次开始至结束的时间，含等待银行与审批。",
        "From the first beginning of a stage to its end; waiting for the bank and for approvals is in it.",
    ),
    "chart": ("各阶段用时", "Time by stage"),
    "took": ("用时", "Took"),
    "began": ("开始", "Began"),
    "came": ("结果", "What came of it"),
    "round_of": ("{0}，第 {1} 轮", "{0}, round {1}"),
}


def seconds(record: StageRecord) -> int:
    """How long a stage took, in whole seconds; 0 while it has not ended."""
    return max(0, round((record.ended_at - record.started_at).total_seconds())) if record.ended_at else 0


def build(material: Material, language: str) -> Section:
    """The picture and a row a stage."""
    say = of(language, WORDS)
    records = material.stages
    labels = [say["round_of"].format(codes.say(wording.STAGES, r.stage, language), r.round) for r in records]
    rows: list[Row] = [
        (
            codes.say(wording.STAGES, record.stage, language),
            record.round,
            codes.mark(record.state, language),
            record.started_at,
            span(record.started_at, record.ended_at),
            "\n".join(record.reasons or _totals(record.totals, language)),
        )
        for record in records
    ]
    columns = (Column(say["stage"], weight=12), Column(say["round"], "count", 6), Column(say["state"], "mark", 8),
               Column(say["began"], "time"), Column(say["took"], weight=9), Column(say["came"], weight=50))  # fmt: skip
    blocks: list[Block] = [Paragraph(say["lead"], lead=True)]
    if any(seconds(record) for record in records):
        series = [Series(say["took"], [seconds(record) for record in records])]
        blocks.append(Bars(say["chart"], labels, series, "seconds"))
    return Section("timings", say["title"], [*blocks, Table(columns, rows)], wide=True)


def _totals(totals: Mapping[str, int], language: str) -> list[str]:
    """One line an entity: `users: opened 1,243 · merged 31`, with sums where there are any."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in sorted(totals.items()):
        entity, _, word = name.partition("_")
        if name.endswith("_fen") or (not word and entity != "residuals"):
            continue
        amount = totals.get(f"{name}_fen")
        money = f" ({yuan(amount)})" if amount else ""
        found[entity].append(f"{codes.say(codes.DISPOSITIONS, word or 'available', language)} {count(value)}{money}")
    colon = "：" if language == "zh" else ": "
    return [f"{codes.say(codes.ENTITIES, entity, language)}{colon}{' · '.join(said)}" for entity, said in found.items()]
