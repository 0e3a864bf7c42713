"""From a rule and what a judge saw to the result that is kept; the judges share it and differ in judgement only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from migration.domain.values import CheckResult

if TYPE_CHECKING:
    from expectations.rules import Rule

Outcome = Literal["passed", "failed", "not_checked"]

KEYS_KEPT: Final = 20
"""At most so many failing keys are kept with a result."""
_INT64: Final = range(-(2**63), 2**63)

Measures = Mapping[str, int | None]
Keys = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """What one rule is judged on. `observed` is None when a measure it needs is missing: then nothing can be judged."""

    rule: Rule
    observed: int | None
    expected: int | None
    keys: tuple[str, ...]

    @property
    def judgeable(self) -> bool:
        """Whether there is something to judge; a gap is never a pass (reliability.md R11)."""
        return self.observed is not None and self.expected is not None


def _exact(value: object) -> int | None:
    """Return an exact integer within 64 bits, or None: no float, no bool, no text can slip in as a number."""
    return value if type(value) is int and value in _INT64 else None


def case_of(rule: Rule, measures: Measures, keys: Keys) -> Case:
    """Gather what a rule looks at. Keys are sorted, single and at most KEYS_KEPT."""
    expected = _exact(measures.get(rule.other)) if rule.other else rule.threshold
    failing = sorted({str(key) for name in rule.measures for key in keys.get(name, ())})
    return Case(rule, _exact(measures.get(rule.measure)), expected, tuple(failing[:KEYS_KEPT]))


def result_of(case: Case, outcome: Outcome, keys: Sequence[str] = ()) -> CheckResult:
    """Write the result that is kept. `failures` counts what fails: rows for counting rules, 1 where two sums differ."""
    rule = case.rule
    counted = rule.kind in {"zero", "keys"} and rule.unit == "rows"
    failures = max(abs(case.observed or 0) if counted else 1, len(keys)) if outcome == "failed" else 0
    return CheckResult(
        rule_id=rule.id,
        entity=rule.entity,
        severity=rule.severity,
        clause=rule.clause,
        owner=rule.owner,
        blocks=rule.blocks,
        title_zh=rule.title_zh,
        title_en=rule.title_en,
        outcome=outcome,
        observed=case.observed,
        expected=case.expected,
        failures=failures,
        keys=tuple(keys) if outcome == "failed" else (),
    )
