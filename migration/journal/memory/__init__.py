"""The journal in memory: the double that stages are tested on. It passes the same contract tests as the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migration.clock import SystemClock
from migration.journal.memory.approvals import MemoryApprovals
from migration.journal.memory.days import MemoryDays
from migration.journal.memory.inquiries import MemoryInquiries
from migration.journal.memory.run import MemoryRun
from migration.journal.memory.stages import MemoryStages

if TYPE_CHECKING:
    from migration.domain.ports import Clock


class MemoryJournal(MemoryRun, MemoryInquiries, MemoryApprovals, MemoryStages, MemoryDays):
    """`Journal` in plain Python and Arrow; it lives as long as the object. Safe for threads."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or SystemClock())

    def close(self) -> None:
        """Nothing to close; it goes on to hold what it holds."""


__all__ = ["MemoryJournal"]
