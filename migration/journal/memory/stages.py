"""Stages, checks and dispositions, in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from migration.domain.values import StageRecord
from migration.journal import payloads, rules
from migration.journal.memory.state import Memory
from migration.journal.stages import DISPOSITIONS, check_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from migration.domain.values import CheckResult


class MemoryStages(Memory):
    """record_stage, stages, record_checks, checks, record_dispositions, dispositions."""

    def record_stage(
        self,
        fence: int,
        stage: str,
        round: int,  # noqa: A002 - the port's word
        state: Any,
        totals: Mapping[str, int],
        reasons: Sequence[str],
    ) -> None:
        """Record how far a stage of a round has come."""
        rules.check_stage(stage, state)

        def body(at: datetime) -> Mapping[str, object] | None:
            known = self._now.stages.get((stage, round))
            told = StageRecord(
                stage, round, state, dict(totals), tuple(reasons), at, None if state == "running" else at
            )
            if known is not None:
                if (known.state, known.totals, known.reasons) == (told.state, told.totals, told.reasons):
                    return None
                told = replace(told, started_at=known.started_at)
            self._now.stages[stage, round] = told
            about = {"totals": told.totals, "reasons": told.reasons}
            return {"stage": stage, "round": round, "state": state, **about}

        self._write("stage", body, fence=fence)

    def stages(self) -> tuple[StageRecord, ...]:
        """All stage records in the order they began."""
        return tuple(self._now.stages.values())

    def record_checks(self, fence: int, stage: str, round: int, results: Sequence[CheckResult]) -> None:  # noqa: A002
        """Keep a gate's results beside all earlier ones."""
        if not results:
            return

        def body(at: datetime) -> Mapping[str, object]:
            self._now.checks.extend((stage, round, at, result) for result in results)
            return payloads.checked(stage, round, results)

        self._write("checked", body, fence=fence)

    def checks(self) -> tuple[tuple[str, int, datetime, CheckResult], ...]:
        """Every kept result with stage, round and time, oldest first."""
        return tuple(self._now.checks)

    def record_dispositions(self, fence: int, entity: str, rows: pa.Table) -> None:
        """Write the dispositions that changed."""
        table = rows.select(DISPOSITIONS.names).cast(DISPOSITIONS)
        columns = [table[name].to_pylist() for name in DISPOSITIONS.names]
        given = {key: (disposition, reason) for key, disposition, reason in zip(*columns, strict=True)}

        def body(_: datetime) -> Mapping[str, object] | None:
            kept = self._now.dispositions.setdefault(entity, {})
            changed = {key: value for key, value in given.items() if kept.get(key) != value}
            final = [k for k in changed if k in kept and kept[k][0] in rules.TERMINAL and kept[k][0] != changed[k][0]]
            check_terminal(entity, sorted(final))
            kept.update(changed)
            written = dict(sorted(Counter(disposition for disposition, _ in changed.values()).items()))
            return {"entity": entity, "written": written} if changed else None

        self._write("dispositions_recorded", body, fence=fence)

    def dispositions(self, entity: str) -> pa.Table:
        """key, disposition, reason; sorted by key."""
        kept = sorted(self._now.dispositions.get(entity, {}).items(), key=lambda item: item[0].encode())
        rows = [{"key": key, "disposition": disposition, "reason": reason} for key, (disposition, reason) in kept]
        return pa.Table.from_pylist(rows, schema=DISPOSITIONS)
