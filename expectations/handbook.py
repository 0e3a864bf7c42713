"""docs/rules.md, written from the rules: `python -m expectations.handbook > docs/rules.md`. A test sees that it is current."""

from __future__ import annotations

import re
import sys
from typing import Final

from expectations import GATES
from expectations.rules import KINDS, Rule
from expectations.words import clause_name, owner_name, stage_name

_HEAD: Final = """# The rules of the gates · 关口规则

Written from `expectations/`; do not edit by hand: `.venv/bin/python -m expectations.handbook > docs/rules.md`.

A rule looks at one or two measures: exact integers (rows, or fen) computed by queries of their own in
`migration/stages/sql/`. It passes, fails, or could not be checked, and what could not be checked is no pass.
A `blocking` rule shuts what it blocks: failed, the run ends with exit 3; not checked, with exit 5. `warning` and `info` are
kept and shown, and shut nothing. The first word of a reason on standard error is the rule's id.

One id is one rule wherever it is judged. What to do about a failed rule: look at the failing keys on the gate's page or
with `cutover passport`, let the owner mend the source, the corrections or the answer, and run again; the gate is judged
anew each time. A rule that could not be checked names a table or a number that was not there: see the log line before it.

A clause says where a rule comes from: document and section of the specification that the engine was built from. The list is
at the end, [Clauses](#clauses--依据), with the page here that tells more.

| how a rule judges | |
|---|---|
"""

_PAGES: Final = {
    "bank-interface.md": "sandbox-bank.md",
    "contract.md": "compliance.md",
    "domain.md": "operations.md",
    "reliability.md": "reliability.md",
    "contract.md 2": "mapping.md",
    "contract.md 3 Exceptions": "operations.md",
    "domain.md Sampling": "compliance.md",
}
"""The page here that tells more of a document of the specification, or of one of its sections."""


def _judges(rule: Rule) -> str:
    if rule.kind == "equal":
        return f"`{rule.measure}` = `{rule.other}`"
    if rule.kind in {"at_most", "at_least"}:
        return f"`{rule.measure}` {rule.relation} {rule.threshold:,} ({rule.unit})"
    return f"`{rule.measure}` = 0"


def _row(rule: Rule) -> str:
    owner = f"{rule.owner} {owner_name(rule.owner, 'zh')}"
    cells = (f"**{rule.id}**", rule.title_en, rule.title_zh, _judges(rule), rule.severity, owner, rule.clause)
    return f"| {' | '.join(cells)} |"


def _gate(stage: str, rules: tuple[Rule, ...], described: set[str]) -> list[str]:
    own = [rule for rule in rules if rule.id not in described]
    again = [rule.id for rule in rules if rule.id in described]
    described.update(rule.id for rule in own)
    blocks = next(rule.blocks for rule in rules if rule.blocks)
    lines = [
        "",
        f"## {stage} · {stage_name(stage, 'zh')}",
        "",
        f"Shuts `{blocks}` ({stage_name(blocks, 'zh')}). {len(rules)} rules.",
    ]
    if again:
        lines += ["", f"Judged here again: {', '.join(again)}."]
    return [
        *lines,
        "",
        "| rule | what must hold | 规则 | judged on | severity | owner | clause |",
        "|---|---|---|---|---|---|---|",
        *map(_row, own),
    ]


def _told_in(clause: str) -> str:
    """The page of this documentation that tells more of it."""
    document, _, section = clause.partition(" ")
    if re.match(r"(Hazards )?H\d", section):
        return "[hazards.md](hazards.md)"
    found = _PAGES.get(clause) or _PAGES[document]
    return f"[{found}]({found})"


def _clauses() -> list[str]:
    clauses = sorted({rule.clause for rules in GATES.values() for rule in rules})
    rows = [f"| {c} | {clause_name(c, 'zh')} | {clause_name(c, 'en')} | {_told_in(c)} |" for c in clauses]
    return ["", "## Clauses · 依据", "", "| clause | 依据 | it is about | more in |", "|---|---|---|---|", *rows]


def handbook() -> str:
    """Write the text of docs/rules.md."""
    lines = [f"| `{kind}` | {said} |" for kind, said in KINDS.items()]
    described: set[str] = set()
    for stage, rules in GATES.items():
        lines += _gate(stage, rules, described)
    return _HEAD + "\n".join([*lines, *_clauses()]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(handbook())
