"""The sheet to sign: what is signed, who approved it in the journal, room for names and signatures."""

from __future__ import annotations

from typing import Final

from migration.reports import codes
from migration.reports.document import Block, Column, Paragraph, Row, Section, Table
from migration.reports.material import Material
from migration.reports.texts import moment, yuan
from migration.reports.words import Pair, of

WORDS: Final[dict[str, Pair]] = {
    "title": ("签署页", "Sign-off sheet"),
    "lead": (
        "本人确认已核对以上平衡式、例外、审批与摘要。",
        "I have looked at the balance equation, the exceptions, the approvals and the digests above.",
    ),
    "approval": ("系统内审批", "Approval in the journal"),
    "no_approval": ("最终对账尚无审批。", "Nobody has approved the final reconciliation yet."),
    "what_is_signed": (
        "{0} · {1} · 银行会计日期 {2} · 差额 {3} 元",
        "{0} · {1} · business date {2} · difference {3} yuan",
    ),
    "name": ("姓名", "Name"),
    "role": ("岗位", "Role"),
    "signature": ("签字", "Signature"),
    "date": ("日期", "Date"),
    "compliance": ("合规", "Compliance"),
    "finance": ("财务", "Finance"),
    "operations": ("运营", "Operations"),
    "bank": ("存管银行", "Custody bank"),
}
ROLES: Final = ("compliance", "finance", "operations", "bank")


def build(material: Material, language: str) -> Section:
    """The approvals of `reconcile`, then a line to sign for each role."""
    say = of(language, WORDS)
    what = say["what_is_signed"].format(
        material.cutover_id,
        say[material.kind],
        material.business_date,
        yuan(int(str(material.balance["difference_fen"]))),
    )
    blocks: list[Block] = [Paragraph(what), Paragraph(say["lead"], lead=True)]
    rows: list[Row] = [
        (
            d.name,
            codes.mark(d.decision if d.stands else "superseded", language),
            moment(d.at),
            say["as_rehearsal"] if d.rehearsal else "",
            gate.digest,
        )
        for gate in material.gates
        if gate.gate == "reconcile" and gate.state != "superseded"
        for d in gate.decisions
    ]
    columns = (Column(say["name"], weight=14), Column(say["result"], "mark", 9), Column(say["when"], weight=18),
               Column("", weight=9), Column(say["digest"], "code", 34))  # fmt: skip
    blocks.append(Table(columns, rows, say["approval"]) if rows else Paragraph(say["no_approval"], "warn"))
    sheet = (Column(say["role"], weight=12), Column(say["name"], weight=16), Column(say["result"], weight=14),
             Column(say["date"], weight=16), Column(say["signature"], weight=30))  # fmt: skip
    blocks.append(Table(sheet, [(say[role], "", "", "", "") for role in ROLES], say["signature"], tall=True))
    return Section("sign_off", say["title"], blocks, page=True)
