"""Samples: the plan as it was drawn, what each stratum has of it, what the bank answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import wording
from migration.domain.values import Event
from migration.reports import codes
from migration.reports.document import Block, Column, Mark, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.texts import moment
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("抽样", "Sampling"),
    "lead": (
        "n 为满足以给定置信度发现给定缺陷率的最小样本；每个分层至少取一笔，分层为单层，不取交叉。",
        "n is the least that finds the defect rate with the confidence; each stratum (single levels) gives one at least.",
    ),
    "plan": ("置信度 {0}，缺陷率 {1}，种子 {2}；文件 {3}", "Confidence {0}, defect rate {1}, seed {2}; files {3}"),
    "population": ("总体 N", "Population N"),
    "defects": ("须发现缺陷 D", "Defects D"),
    "size": ("最小样本 n", "Least n"),
    "drawn": ("实抽", "Drawn"),
    "taken": ("银行接受", "Taken"),
    "not_taken": ("未接受", "Not taken"),
    "verdict": ("结论", "Result"),
    "coverage": ("分层覆盖", "Strata"),
    "stratum": ("分层", "Stratum"),
    "members": ("总数", "Members"),
    "covered": ("覆盖", "Covered"),
    "no_sample": ("尚未抽样。", "No sample has been drawn."),
    "round_of": ("{0}，第 {1} 轮", "{0}, round {1}"),
}


def build(material: Material, language: str) -> Section:
    """Two tables a sample."""
    say = of(language, WORDS)
    blocks: list[Block] = [Paragraph(say["lead"], lead=True)]
    for event in material.samples:
        blocks += _sample(material, event, say, language)
    if not material.samples:
        blocks.append(Paragraph(say["no_sample"]))
    return Section("sampling", say["title"], blocks)


def _sample(material: Material, event: Event, say: Mapping[str, str], language: str) -> Iterator[Table]:
    plan: Mapping[str, Any] = event.payload
    states = _answers(material, plan)
    taken, wrong = states["ok"], states["refused"] + states["unknown"]
    outstanding = plan["drawn"] - taken - wrong
    mark = codes.mark("failed" if wrong else "waiting" if outstanding else "passed", language)
    names = ("population", "defects", "size", "drawn", "taken", "not_taken")
    figures = (*(plan[name] for name in names[:4]), taken, wrong, mark)
    files = ", ".join(name for name, _ in plan["files"])
    stage = say["round_of"].format(codes.say(wording.STAGES, plan["stage"], language), plan["round"])
    yield Table(
        (*(Column(say[name], "count") for name in names), Column(say["verdict"], "mark")),
        [figures],
        f"{stage} · {moment(event.at)}",
        say["plan"].format(plan["confidence"], plan["defect_rate"], plan["seed"], files),
    )
    rows: list[Row] = [
        (codes.stratum(name, language), members, drawn, Mark("✔", "good") if drawn else Mark("✖", "bad"))
        for name, (members, drawn) in plan["coverage"].items()
    ]
    columns = (Column(say["stratum"], weight=30), Column(say["members"], "count"), Column(say["drawn"], "count"),
               Column(say["covered"], "mark"))  # fmt: skip
    yield Table(columns, rows, f"{stage} · {say['coverage']}")


def _answers(material: Material, plan: Mapping[str, Any]) -> Counter[str]:
    """How many of the sample the bank took and did not."""
    items = material.items[plan["stage"]]
    names = pc.binary_join_element_wise(items["business_date"].cast(pa.string()), items["batch_no"], "/")
    mine = items.filter(pc.is_in(names, value_set=pa.array([name for name, _ in plan["files"]], pa.string())))
    return Counter(mine["state"].to_pylist())
