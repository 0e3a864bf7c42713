"""What is mutated, and the tests that may kill it: the quick ones of these rooms."""

from __future__ import annotations

from typing import Final

TARGETS: Final[dict[str, tuple[str, ...]]] = {
    "money": (
        "migration.domain.attempts",
        "migration.domain.book",
        "migration.domain.cohorts",
        "migration.domain.columns",
        "migration.domain.debts",
        "migration.domain.exceptions",
        "migration.domain.merging",
        "migration.domain.openings",
        "migration.domain.outcome",
        "migration.domain.sampling",
        "migration.domain.schedules",
    ),
    "journal": (
        "migration.journal.approvals",
        "migration.journal.batches",
        "migration.journal.chain",
        "migration.journal.database",
        "migration.journal.exceptions",
        "migration.journal.itemrows",
        "migration.journal.payloads",
        "migration.journal.rules",
        "migration.journal.run",
        "migration.journal.stages",
        "migration.journal.memory.approvals",
        "migration.journal.memory.batches",
        "migration.journal.memory.exceptions",
        "migration.journal.memory.run",
        "migration.journal.memory.stages",
        "migration.journal.memory.state",
    ),
    "gates": (
        "migration.stages.exchange",
        "migration.stages.exchanges",
        "migration.stages.freeze",
        "migration.stages.gates",
        "migration.stages.residual",
        "migration.stages.results",
        "expectations.outcome",
        "expectations.plain",
        "expectations.runner",
    ),
}
TESTS: Final = (
    "tests/unit/domain",
    "tests/unit/journal",
    "tests/unit/expectations/test_judges.py",
    "tests/unit/stages/test_exchange.py",
    "tests/unit/stages/test_gates.py",
    "tests/unit/stages/test_residual.py",
    "tests/contract/test_events.py",
    "tests/contract/test_journal.py",
    "tests/integration/test_freeze.py",
    "tests/simulation/test_found.py",
)
SLOW: Final = (
    "test_embedded",
    "test_schema",
    "test_copying",
    "immediate_restart",
    "does_not_answer",
    "leaves_no_file",
    "both_judges_agree",
)
"""Left out: they start servers or processes, look at the database alone, or repeat at length what others say."""
