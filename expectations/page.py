"""What a gate found, for people: an offline HTML page and one last line for the log.

Great Expectations' own pages load from public servers and are blank offline, so these are ours. They show rule ids,
titles, counts, sums in fen and keys; never a value of a row.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jinja2

from expectations.words import WORDS, Language, clause_name, entity_name, owner_name, severity_name, stage_name
from migration.domain import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migration.domain.values import CheckResult

KEYS_IN_LINE: Final = 3
"""So many failing keys stand in the one-line reason."""
_WEIGHT: Final = {"blocking": 0, "warning": 1, "info": 2}
_FIRST: Final = {"failed": 0, "not_checked": 1, "passed": 2}


def verdict(results: Sequence[CheckResult]) -> str:
    """Return `open`, `shut` (a blocking rule failed) or `unsure` (a blocking rule, or all, could not be checked)."""
    blocking = {r.outcome for r in results if r.severity == "blocking"}
    if "failed" in blocking:
        return "shut"
    return "unsure" if "not_checked" in blocking or not results else "open"


def by_weight(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Sort the heaviest first: blocking before warning, failed before not checked, then by rule id."""
    return sorted(results, key=lambda r: (r.outcome == "passed", _WEIGHT[r.severity], _FIRST[r.outcome], r.rule_id))


def last_line(results: Sequence[CheckResult], language: Language) -> str:
    """Say in one line why the gate is shut (the stable rule id first), or that it is open."""
    words = WORDS[language]
    if verdict(results) == "open" or not results:
        passed = sum(r.outcome == "passed" for r in results)
        said = words["stands"].format(len(results), passed, len(results) - passed)
        return said if results else words["unsure"]
    worst = [r for r in by_weight(results) if r.severity == "blocking" and r.outcome != "passed"]
    more = f" (+{len(worst) - 1})" if len(worst) > 1 else ""
    return reason(worst[0], language) + more


def reason(result: CheckResult, language: Language) -> str:
    """One rule's outcome in a line: id, title, how many, the first keys, what it blocks, who mends it."""
    return f"{result.rule_id} {said(result, language)}"


def said(result: CheckResult, language: Language) -> str:
    """Say the same without the id, for a line that begins with it."""
    words = WORDS[language]
    parts = [
        f"{_title(result, language)}{_colon(language)}{_found(result, language)}{_keys(result)}",
        f"{words['owner']} {owner_name(result.owner, language)}",
    ]
    if result.blocks:
        parts.insert(1, f"{words['blocks']} {stage_name(result.blocks, language)}")
    return ("；" if language == "zh" else "; ").join(parts)


def page(stage: str, round_no: int, results: Sequence[CheckResult], language: Language) -> str:
    """Write the result page of one gate and round: one HTML file that needs no network and no script."""
    ordered = by_weight(results)
    counts = Counter(_shade(r) for r in results)
    return _template().render(
        words=WORDS[language],
        gate=wording.said(wording.STAGES, stage, language),
        stage=stage,
        round_name=WORDS[language]["round"].format(round_no),
        verdict=verdict(results),
        verdict_said=WORDS[language][verdict(results)],
        line=last_line(results, language),
        counts=[(name, counts[name]) for name in ("passed", "failed", "not_checked", "noted") if counts[name]],
        failing=[_shown(r, language) for r in ordered if r.outcome != "passed"],
        rules=[_shown(r, language) for r in sorted(results, key=lambda r: r.rule_id)],
    )


def _title(result: CheckResult, language: Language) -> str:
    return result.title_zh if language == "zh" else result.title_en


def _colon(language: Language) -> str:
    return "：" if language == "zh" else ": "


def _found(result: CheckResult, language: Language) -> str:
    """How it came out, in words: not checked, so many rows, or two numbers that differ."""
    words = WORDS[language]
    if result.outcome == "not_checked":
        return words["not_checked"]
    if result.keys or (result.expected == 0 and result.failures > 1):
        return words["items"].format(result.failures)
    return f"{words['observed']} {result.observed}, {words['expected']} {result.expected}"


def _keys(result: CheckResult) -> str:
    if not result.keys:
        return ""
    more = ", …" if result.failures > KEYS_IN_LINE else ""
    return f" ({', '.join(result.keys[:KEYS_IN_LINE])}{more})"


def _shade(result: CheckResult) -> str:
    """The outcome as it weighs: a rule that blocks nothing is `noted`, not failed."""
    return "noted" if result.outcome == "failed" and result.severity != "blocking" else result.outcome


def _shown(result: CheckResult, language: Language) -> dict[str, Any]:
    """One rule as the template shows it."""
    return {
        "id": result.rule_id,
        "title": _title(result, language),
        "shade": _shade(result),
        "outcome": WORDS[language][_shade(result)],
        "severity": severity_name(result.severity, language),
        "entity": entity_name(result.entity, language),
        "observed": _number(result.observed),
        "expected": _number(result.expected),
        "found": _found(result, language),
        "keys": result.keys,
        "more": WORDS[language]["more"].format(result.failures) if result.failures > len(result.keys) > 0 else "",
        "blocks": stage_name(result.blocks, language) if result.blocks else "",
        "owner": owner_name(result.owner, language),
        "clause": clause_name(result.clause, language),
    }


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


@cache
def _template() -> jinja2.Template:
    source = (resources.files("expectations") / "templates" / "gate.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
