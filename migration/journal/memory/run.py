"""The run's verbs, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from migration.domain.tables import CORRECTIONS
from migration.journal import chain, rules
from migration.journal.memory.state import Memory, State
from migration.journal.run import GIVEN, corrections_payload, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from migration.domain.findings import Finding
    from migration.domain.values import Event, Snapshot


class MemoryRun(Memory):
    """begin, acquire, snapshots, corrections, note, events, verify."""

    def begin(self, cutover_id: str, kind: str) -> None:
        """Create the cutover if it is missing."""
        with self._lock:
            if cutover_id in self._states:
                rules.check_kind(cutover_id, kind, self._states[cutover_id].kind)
                self._current = self._states[cutover_id]
                return
            rules.check_new(cutover_id, kind)
            self._current = self._states[cutover_id] = State(kind)
            self._append("", "begun", {"id": cutover_id, "kind": kind}, self._clock.now())

    def acquire(self, actor: str) -> int:
        """Take over: a new fencing token."""
        actor = rules.person(actor, "journal")
        with self._lock:
            self._now.fence += 1
            self._now.holder = actor
            fence = self._now.fence
            self._write("acquired", lambda _: {"fence": fence})
            return fence

    def record_snapshot(self, fence: int, snapshot: Snapshot) -> None:
        """Make this the current snapshot."""

        def body(_: datetime) -> Mapping[str, object] | None:
            kept = self._now.snapshots
            if kept and kept[-1].digest == snapshot.digest:
                return None
            if kept and any(s == "preflight" and r.state == "done" for (s, _), r in self._now.stages.items()):
                raise frozen()
            kept.append(snapshot)
            return {"digest": snapshot.digest, "counts": snapshot.counts, "issues": snapshot.issues}

        self._write("snapshot_recorded", body, fence=fence)

    def snapshot(self) -> Snapshot | None:
        """Return the current snapshot."""
        return self._now.snapshots[-1] if self._now.snapshots else None

    def add_corrections(self, rows: pa.Table, importer: str) -> int:
        """Append corrections, all or none."""
        importer = rules.person(importer, "corrections")
        if rows.num_rows == 0:
            return 0
        given = rows.select(GIVEN).cast(pa.schema([CORRECTIONS.field(name) for name in GIVEN]))
        rules.check_fields(given["field"].to_pylist())

        def body(_: datetime) -> Mapping[str, object]:
            first = 1 + sum(table.num_rows for table in self._now.corrections)
            numbers = pa.array(range(first, first + given.num_rows), pa.int64())
            importers = pa.repeat(pa.scalar(importer), given.num_rows)
            numbered = given.append_column("seq", numbers).append_column("importer", importers)
            self._now.corrections.append(numbered.select(CORRECTIONS.names).cast(CORRECTIONS))
            return corrections_payload(given, first, importer)

        self._write("corrections_added", body, actor=importer)
        return int(given.num_rows)

    def corrections(self) -> pa.Table:
        """All corrections, in order."""
        return pa.concat_tables([CORRECTIONS.empty_table(), *self._now.corrections])

    def note(self, actor: str, kind: str, payload: Mapping[str, object]) -> None:
        """Append an event."""
        self._write(kind, lambda _: payload, actor=actor)

    def events(self) -> tuple[Event, ...]:
        """Return the whole chain."""
        return tuple(event for event, _ in self._now.events)

    def head(self) -> str:
        """Return the digest of the chain's last event."""
        events = self._now.events
        return events[-1][0].digest if events else chain.GENESIS

    def verify(self) -> tuple[Finding, ...]:
        """Recompute the hash chain."""
        events = self._now.events
        return chain.check(events, len(events), self.head())
