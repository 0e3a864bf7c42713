"""What the journal in memory holds of one cutover, and the way every write goes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from migration.domain.errors import ConfigurationError
from migration.journal import chain, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    import pyarrow as pa

    from migration.domain.ports import Clock
    from migration.domain.values import Batch, CheckResult, Event, Gate, ReconciledDay, Right, Snapshot, StageRecord

    BatchKey = tuple[date, str]
    Body = Callable[[datetime], Mapping[str, object] | None]


@dataclass(slots=True)
class Held:
    """An exception with its signature."""

    entity: str
    key: str
    code: str
    state: str
    amount_fen: int | None
    signed_by: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class State:
    """One cutover."""

    kind: str
    fence: int = 0
    holder: str = ""
    events: list[tuple[Event, str]] = field(default_factory=list)  # each with its payload's canonical text
    snapshots: list[Snapshot] = field(default_factory=list)
    corrections: list[pa.Table] = field(default_factory=list)
    batches: dict[BatchKey, Batch] = field(default_factory=dict)
    items: dict[BatchKey, pa.Table] = field(default_factory=dict)
    standing: dict[tuple[str, str], BatchKey] = field(default_factory=dict)  # (entity, key) open, unknown or ok
    taken: dict[str, set[str]] = field(default_factory=lambda: {"users": set(), "debts": set()})
    contents: dict[tuple[BatchKey, str], bytes] = field(default_factory=dict)
    inquiries: dict[BatchKey, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    quarantined: dict[BatchKey, str] = field(default_factory=dict)
    exceptions: dict[str, Held] = field(default_factory=dict)
    resends: dict[tuple[str, str, BatchKey], str] = field(default_factory=dict)  # -> by
    gates: dict[tuple[str, str], Gate] = field(default_factory=dict)
    rights: list[Right] = field(default_factory=list)
    lapsed: set[tuple[str, str, str]] = field(
        default_factory=set
    )  # (gate, digest, person) whose right was revoked since
    stages: dict[tuple[str, int], StageRecord] = field(default_factory=dict)
    checks: list[tuple[str, int, datetime, CheckResult]] = field(default_factory=list)
    dispositions: dict[str, dict[str, tuple[str, str | None]]] = field(default_factory=dict)
    days: dict[date, tuple[ReconciledDay, dict[str, pa.Table]]] = field(default_factory=dict)


class Memory:
    """Base of the groups of verbs. Bodies judge before they change anything: a refused write leaves nothing behind."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._states: dict[str, State] = {}
        self._current: State | None = None
        self._drawn = 0  # message numbers, of all cutovers

    @property
    def _now(self) -> State:
        """The cutover's state; ConfigurationError before `begin`."""
        if self._current is None:
            detail = "no cutover was begun on it"
            raise ConfigurationError.of("JOURNAL_NOT_BEGUN", "journal", detail, "call begin first")
        return self._current

    def _write(self, kind: str, body: Body, *, fence: int | None = None, actor: str | None = None) -> None:
        """Make one write: compare the fence, run the body, append its payload as an event; None leaves no event."""
        with self._lock:
            now = self._now
            if fence is not None:
                rules.check_fence(fence, now.fence)
            at = self._clock.now()
            payload = body(at)
            if payload is not None:
                self._append(now.holder if actor is None else actor, kind, payload, at)

    def _append(self, actor: str, kind: str, payload: Mapping[str, object], at: datetime) -> None:
        events = self._now.events
        previous = events[-1][0].digest if events else chain.GENESIS
        content = chain.canonical(payload)
        events.append((chain.link(previous, len(events) + 1, at, actor, kind, content), content))

    def _gate(self, gate: str, digest: str) -> Gate | None:
        known = self._now.gates.get((gate, digest))
        return None if known is None else self._counted(known)

    def _counted(self, gate: Gate) -> Gate:
        """Return the gate without the approvals of those whose right was revoked before everything had left."""
        gone = {person for name, digest, person in self._now.lapsed if (name, digest) == (gate.gate, gate.digest)}
        if not gone or self._used(gate):
            return gate
        answers = tuple(replace(d, stands=rules.person_key(d.name) not in gone) for d in gate.decisions)
        return rules.effective(replace(gate, decisions=answers))

    def _used(self, gate: Gate) -> bool:
        """Whether everything that hung on the gate has left."""
        stage = self._now.stages.get((gate.gate.split(".")[0], gate.round))
        mine = [b for b in self._now.batches.values() if b.gate.split("#")[0] == gate.gate]
        waiting = any(b.state in rules.UNDELIVERED for b in mine)
        left = any(b.digest == gate.digest for b in self._now.batches.values())
        return (stage is not None and stage.state == "done") or (left and not waiting)
