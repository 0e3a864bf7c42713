"""Rules at the gates: what fails now, how many, which keys, what it blocks, who owns it; then every rule with its trend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from migration.domain import wording
from migration.domain.values import CheckResult
from migration.reports import codes
from migration.reports.document import Bars, Block, Column, Paragraph, Row, Section, Series, Table
from migration.reports.material import Material
from migration.reports.texts import count, moment
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("检查规则", "Rules at the gates"),
    "lead": (
        "每道关口的规则由独立查询计算的指标判定，阈值事先确定。合计以分计。“走势”为该阶段历次运行（含前几轮）发现的数量，先旧后新。",
        "Judged on measures of an independent query by thresholds fixed beforehand; sums in fen. Trend: each run, oldest first.",
    ),
    "all_pass": ("所有阻断规则的最近一次结果均为通过。", "The latest result of every blocking rule is a pass."),
    "attention": ("未通过与提示", "Not passed, and notes"),
    "rule": ("规则", "Rule"),
    "clause": ("依据", "Clause"),
    "observed": ("实测", "Observed"),
    "expected": ("阈值", "Threshold"),
    "runs": ("次数", "Runs"),
    "trend": ("走势", "Trend"),
    "found": ("发现", "Found"),
    "keys": ("编号（部分）", "Keys (first ones)"),
    "blocks": ("阻断", "Blocks"),
    "owner": ("责任", "Owner"),
    "chart": ("各关口规则数", "Rules by gate"),
    "gate_note": ("{0}；{1} 条规则，{2} 条通过", "{0}; {1} rules, {2} passed"),
    "round_of": ("{0}，第 {1} 轮", "{0}, round {1}"),
}
KEYS: Final = 5
"""Failing keys that are named."""
TREND: Final = 8
"""Turns of a trend that are shown."""


@dataclass(slots=True)
class Judged:
    """One gate of one round: the latest result of each rule, and what each run of the stage found until then."""

    stage: str
    round: int
    at: datetime
    latest: dict[str, CheckResult] = field(default_factory=dict)
    history: dict[str, list[CheckResult]] = field(default_factory=dict)


def judged(material: Material) -> list[Judged]:
    """Gates in the order they were met."""
    found: dict[tuple[str, int], Judged] = {}
    past: dict[tuple[str, str], list[CheckResult]] = {}
    for stage, round_no, at, result in material.checks:
        gate = found.setdefault((stage, round_no), Judged(stage, round_no, at))
        gate.at = at
        gate.latest[result.rule_id] = result
        past.setdefault((stage, result.rule_id), []).append(result)
        gate.history[result.rule_id] = list(past[stage, result.rule_id])
    return list(found.values())


def outcome(result: CheckResult) -> str:
    """A failure that blocks nothing is a note."""
    return "noted" if result.outcome == "failed" and result.severity != "blocking" else result.outcome


def not_passed(material: Material) -> list[CheckResult]:
    """Blocking rules whose latest result is no pass."""
    latest = [result for gate in judged(material) for result in gate.latest.values()]
    return [result for result in latest if result.severity == "blocking" and result.outcome != "passed"]


def trend(history: list[CheckResult]) -> str:
    """What each run found: `4 → 1 → 0`; a figure that came again is said once; `?` could not be checked."""
    found = ["?" if r.outcome == "not_checked" else count(r.failures) for r in history]
    turns = [figure for figure, _ in groupby(found)][-TREND:]
    return " → ".join(turns)


def build(material: Material, language: str) -> Section:
    """What fails, the picture, a table for each gate."""
    say, gates = of(language, WORDS), judged(material)
    failing = [(gate, result) for gate in gates for result in gate.latest.values() if result.outcome != "passed"]
    blocks: list[Block] = [Paragraph(say["lead"], lead=True)]
    if not not_passed(material) and gates:
        blocks.append(Paragraph(say["all_pass"], "good"))
    if failing:
        blocks.append(_attention(failing, say, language))
    if gates:
        blocks.append(_chart(gates, say, language))
    blocks += [_gate(gate, material, say, language) for gate in gates]
    return Section("rules", say["title"], blocks, wide=True)


def _name(gate: Judged, say: Mapping[str, str], language: str) -> str:
    return say["round_of"].format(codes.say(wording.STAGES, gate.stage, language), gate.round)


def _title(result: CheckResult, language: str) -> str:
    return result.title_en if language == "en" else result.title_zh


def _attention(failing: list[tuple[Judged, CheckResult]], say: Mapping[str, str], language: str) -> Table:
    rows: list[Row] = []
    for gate, result in sorted(failing, key=lambda pair: (pair[1].severity != "blocking", pair[1].rule_id)):
        more = ", …" if result.failures > KEYS else ""
        rows.append((
            result.rule_id,
            _name(gate, say, language),
            _title(result, language),
            codes.mark(outcome(result), language),
            result.failures,
            ", ".join(result.keys[:KEYS]) + (more if result.keys else ""),
            codes.say(wording.STAGES, result.blocks, language) if result.blocks else "–",
            codes.say(wording.OWNERS, result.owner, language),
        ))  # fmt: skip
    columns = (Column(say["code"], "code", 9), Column(say["gate"], weight=14), Column(say["rule"], weight=30),
               Column(say["result"], "mark", 9), Column(say["found"], "count", 7), Column(say["keys"], "code", 24),
               Column(say["blocks"], weight=12), Column(say["owner"], weight=9))  # fmt: skip
    return Table(columns, rows, say["attention"])


def _chart(gates: list[Judged], say: Mapping[str, str], language: str) -> Bars:
    shades = {"passed": "good", "noted": "warn", "not_checked": "warn", "failed": "bad"}
    counts = {word: [sum(outcome(r) == word for r in gate.latest.values()) for gate in gates] for word in shades}
    series = [
        Series(codes.say(codes.STATES, word, language), values, shades[word])
        for word, values in counts.items()
        if any(values)
    ]
    return Bars(say["chart"], [_name(gate, say, language) for gate in gates], series)


def _gate(gate: Judged, material: Material, say: Mapping[str, str], language: str) -> Table:
    rows: list[Row] = [
        (
            result.rule_id,
            _title(result, language),
            wording.said(wording.CLAUSES, result.clause, language),
            codes.say(wording.OWNERS, result.owner, language),
            codes.say(wording.STAGES, result.blocks, language) if result.blocks else "–",
            result.observed,
            material.relations.get(rule, "="),
            result.expected,
            codes.mark(outcome(result), language),
            len(gate.history[rule]),
            trend(gate.history[rule]),
        )
        for rule, result in gate.latest.items()
    ]
    passed = sum(result.outcome == "passed" for result in gate.latest.values())
    columns = (Column(say["code"], "code", 9), Column(say["rule"], weight=30), Column(say["clause"], weight=22),
               Column(say["owner"], weight=8), Column(say["blocks"], weight=10), Column(say["observed"], "count", 11),
               Column("", weight=3), Column(say["expected"], "count", 11), Column(say["result"], "mark", 8),
               Column(say["runs"], "count", 5), Column(say["trend"], weight=9))  # fmt: skip
    note = say["gate_note"].format(moment(gate.at), len(rows), passed)
    return Table(columns, rows, _name(gate, say, language), note)
