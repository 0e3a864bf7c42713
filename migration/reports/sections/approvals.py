"""Approvals: each gate with its digest and who decided; and who may approve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from migration.domain import wording
from migration.domain.values import Decision
from migration.reports import codes, redaction
from migration.reports.document import Block, Column, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.texts import moment
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("审批", "Approvals"),
    "lead": (
        "每次审批绑定一个摘要：文件、配置、程序与快照有任何变化即不再适用。申请人不得审批。",
        "An approval is bound to a digest of files, configuration, program and snapshot. Who asked may not approve.",
    ),
    "needed": ("需人数", "Persons"),
    "requester": ("申请人", "Requested by"),
}


def decided(decision: Decision, say: Mapping[str, str], language: str) -> str:
    """One person's answer in a line."""
    parts = [decision.name, codes.say(codes.STATES, decision.decision, language), moment(decision.at)]
    if decision.rehearsal:
        parts.append(say["as_rehearsal"])
    if not decision.stands:
        parts.append(say["revoked"])
    if decision.reason and not (decision.rehearsal and decision.reason == "rehearsal"):
        parts.append(redaction.free(decision.reason))
    return " · ".join(parts)


def _gate(gate: str, language: str) -> str:
    """Its name, and the id that commands take; a re-send has only the id."""
    name = wording.said(wording.STAGES, gate, language)
    return gate if name == gate else f"{name}\n{gate}"


def build(material: Material, language: str) -> Section:
    """A row a gate."""
    say = of(language, WORDS)
    blocks: list[Block] = [Paragraph(say["lead"], lead=True)]
    rows: list[Row] = [
        (
            _gate(gate.gate, language),
            gate.round,
            gate.digest,
            codes.mark(gate.state, language),
            gate.needed,
            gate.requester,
            "\n".join(decided(d, say, language) for d in gate.decisions),
        )
        for gate in material.gates
    ]
    columns = (Column(say["gate"], weight=15), Column(say["round"], "count", 6), Column(say["digest"], "code", 33),
               Column(say["state"], "mark", 9), Column(say["needed"], "count", 7), Column(say["requester"], weight=11),
               Column(say["who"], weight=42))  # fmt: skip
    blocks.append(Table(columns, rows) if rows else Paragraph(say["none"]))
    return Section("approvals", say["title"], blocks, wide=True)
