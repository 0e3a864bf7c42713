"""The frame a gate is judged on: one row for the totals and one for each failing key; counts, sums and keys only.

    subject   ACC-004:a  ACC-004:b   ACC-008
    ‹total›        1480       1480         2
    U000017           0          0         1
    U000931           0          0         1

A rule over one measure has one column, a rule over two has a pair. In a key's row stands a value that breaks the rule,
so that Great Expectations itself names the failing keys. The totals row is always there: no batch is ever empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from expectations.outcome import Case

SUBJECT: Final = "subject"
TOTAL: Final = "‹total›"  # no id is written like this: ids are ASCII


def columns_of(case: Case) -> tuple[str, ...]:
    """Name the columns a rule is judged on."""
    return (f"{case.rule.id}:a", f"{case.rule.id}:b") if case.rule.kind == "equal" else (case.rule.id,)


def _breaking(case: Case) -> int:
    """Give a value outside what the rule allows."""
    return case.rule.threshold - 1 if case.rule.kind == "at_least" else case.rule.threshold + 1


def _cells(case: Case, subjects: Sequence[str]) -> dict[str, list[int]]:
    failing = frozenset(case.keys)
    if case.rule.kind == "equal":
        first, second = columns_of(case)
        return {
            first: [case.observed or 0, *(int(key in failing) for key in subjects)],
            second: [case.expected or 0, *(0 for _ in subjects)],
        }
    fine, broken = case.rule.threshold, _breaking(case)
    return {case.rule.id: [case.observed or 0, *(broken if key in failing else fine for key in subjects)]}


def frame_of(cases: Sequence[Case]) -> Any:
    """Make the pandas frame: int64 columns only, no nulls (a null passes most expectations)."""
    import pandas as pd  # noqa: PLC0415  # heavy, and only needed by the judge

    subjects = sorted({key for case in cases for key in case.keys})
    frame = pd.DataFrame({SUBJECT: [TOTAL, *subjects]})
    cells = {name: values for case in cases for name, values in _cells(case, subjects).items()}
    return pd.concat([frame, pd.DataFrame(cells, dtype="int64")], axis=1)
