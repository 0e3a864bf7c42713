"""The table of faults in the test report: what the run said about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults.table import FAULTS, Fault


def lines(outcomes: Mapping[str, Sequence[str]]) -> list[str]:
    """One line a fault; `outcomes`: passed | failed | error | skipped -> node ids of the run."""
    words = [_word(fault, outcomes) for fault in FAULTS]
    told = [
        f"{word:8} {fault.group:5} {fault.name}: {fault.outcome}" for word, fault in zip(words, FAULTS, strict=True)
    ]
    counts = ", ".join(f"{n} {word}" for word, n in sorted(Counter(words).items()))
    return [*told, f"{len(FAULTS)} faults: {counts}"]


def _word(fault: Fault, outcomes: Mapping[str, Sequence[str]]) -> str:
    """FAILED when one of its tests did; passed when every one of them ran and passed; else not run."""
    ran = {word: {node.partition("[")[0] for node in nodes} for word, nodes in outcomes.items()}
    bad = ran.get("failed", set()) | ran.get("error", set())
    if bad.intersection(fault.tests):
        return "FAILED"
    return "passed" if ran.get("passed", set()).issuperset(fault.tests) else "not run"
