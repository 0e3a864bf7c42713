"""docs/rules.md, written from the rules: `python -m expectations.handbook > docs/rules.md`. A test sees that it is current."""

from __future__ import annotations

import sys
from typing import Final

from expectations import GATES
from expectations.rules import KINDS, Rule
from expectations.words import owner_name, stage_name

_HEAD: Final = """# The rules of the gates · 关口规则

Written from `expectations/`; do not edit by hand: `.venv/bin/python -m expectations.handbook > docs/rules.md`.

A rule looks at one or two measures: exact integers (rows, or fen) computed by queries of their own in
`migration/stages/sql/`. It passes, fails, or could not be checked, and what could not be checked is no pass.
A `blocking` rule shuts what it blocks: failed, the run ends with exit 3; not checked, with exit 5. `warning` and `info` are
kept and shown, and shut nothing. The first word of a reason on standard error is the rule's id.

One id is one rule wherever it is judged. What to do about a failed rule: look at the failing keys on the gate's page or
with `cutover passport`, let the owner mend the source, the corrections or the answer, and run again; the gate is judged
anew each time. A rule that could not be checked names a table or a number that was not there: see the log line before it.

| how a rule judges | |
|---|---|
"""


def _judges(rule: Rule) -> str:
    if rule.kind == "equal":
        return f"`{rule.measure}` = `{rule.other}`"
    if rule.kind in {"at_most", "at_least"}:
        return f"`{rule.measure}` {'≤' if rule.kind == 'at_most' else '≥'} {rule.threshold:,} ({rule.unit})"
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


def handbook() -> str:
    """Write the text of docs/rules.md."""
    lines = [f"| `{kind}` | {said} |" for kind, said in KINDS.items()]
    described: set[str] = set()
    for stage, rules in GATES.items():
        lines += _gate(stage, rules, described)
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(handbook())
