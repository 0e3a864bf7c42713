"""`PlainJudge`: the same rules judged by plain Python; the double of `GxJudge`, held to it by a contract test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations import rules_of
from expectations.outcome import Case, Keys, Measures, case_of, result_of

if TYPE_CHECKING:
    from migration.domain.values import CheckResult


def _holds(case: Case) -> bool:
    """Whether the rule holds. A failing key is a failure, whatever the count says."""
    observed, expected = case.observed or 0, case.expected or 0
    if case.keys:
        return False
    if case.rule.kind == "at_most":
        return observed <= expected
    if case.rule.kind == "at_least":
        return observed >= expected
    return observed == expected


class PlainJudge:
    """Port `Judge` without Great Expectations."""

    def judge(self, stage: str, measures: Measures, keys: Keys) -> tuple[CheckResult, ...]:
        """Judge every rule of the stage; a measure that is missing or None is `not_checked`."""
        return tuple(self._judge(case_of(rule, measures, keys)) for rule in rules_of(stage))

    @staticmethod
    def _judge(case: Case) -> CheckResult:
        if not case.judgeable:
            return result_of(case, "not_checked")
        return result_of(case, "passed") if _holds(case) else result_of(case, "failed", case.keys)
