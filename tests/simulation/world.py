"""One cutover on ports in memory. Every port call is a point at which a fault may strike and another actor may act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from expectations.plain import PlainJudge
from migration.bank.memory import MemoryFiles
from migration.bank.profile import JxProfile
from migration.clock import FakeClock
from migration.domain.ports import Snapshot
from migration.journal.memory import MemoryJournal
from migration.legacy.memory import MemoryLegacy
from migration.stages import gather
from migration.stages.house import House
from migration.verification import run as verification
from tests.contract.platforms import Tables
from tests.simulation.bank import SimBank
from tests.support.killed import WRITES
from tests.support.rehearsal import BOTH, Rehearsal, terms

EFFECTS = frozenset(
    {("journal", verb) for verb in WRITES}
    | {("files", verb) for verb in ("deliver", "manifest", "quarantine")}
    | {("legacy", "take")}
)
"""Port calls that change something. A crash at any other call leaves the world as a crash before the next of these."""

Hook = Callable[[str, str, str], None]
"""Called with "before" or "after", the port and the verb."""


class SimulatedCrash(BaseException):
    """The process is gone: nothing may catch this."""


class NoRules:
    """A judge without rules: the schedules are about the lifecycle; a share of them runs with every rule."""

    def judge(self, _stage: str, _measures: Any, _keys: Any) -> tuple[Any, ...]:
        return ()


def _nothing(_when: str, _port: str, _verb: str) -> None:
    return None


class Port:
    """Any port, with the hook around every call."""

    def __init__(self, name: str, target: Any, hook: Hook) -> None:
        self._name, self._target, self._hook = name, target, hook

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._target, verb)
        if not callable(call):
            return call

        def at(*values: Any, **named: Any) -> Any:
            self._hook("before", self._name, verb)
            found = call(*values, **named)
            self._hook("after", self._name, verb)
            return found

        return at


class StillLegacy(MemoryLegacy):
    """A source that is read once for each state it has; worlds may share it as long as nobody changes it."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, complete=True)
        self._taken: Snapshot | None = None

    def replace(self, entity: str, rows: Any) -> None:
        super().replace(entity, rows)
        self._taken = None

    def take(self) -> Snapshot:
        if self._taken is None:
            self._taken = super().take()
        return self._taken

    def fingerprint(self) -> Mapping[str, str]:
        return self.take().entity_digests


class World(Rehearsal):
    """A rehearsal without disk or database."""

    def __init__(
        self, source: StillLegacy, plan: Mapping[str, Any] | None = None, *, measured: bool = True, **changes: Any
    ) -> None:
        self.clock = FakeClock()  # type: ignore[assignment]
        self.wire = MemoryFiles(self.clock)
        self.bank = SimBank(self.wire, plan or {})  # type: ignore[assignment]
        self.store = MemoryJournal(self.clock)
        self.journal = Port("journal", self.store, lambda *point: self.hook(*point))  # type: ignore[assignment]  # noqa: PLW0108 - set later
        self.source = source
        self.terms = terms(poll_s=10.0, **changes)
        self.measured = self.verified = measured
        self.judge = PlainJudge() if measured else NoRules()
        self.actor = "runner"
        self.hook: Hook = _nothing
        self.failpoint = lambda _name: None
        self.said = []
        self.house = self._house(())
        self.store.begin(self.terms.cutover_id, self.terms.kind)

    def _house(self, approve: Sequence[str] = BOTH, *, blocking: bool = True) -> House:
        return self.house_for(self.actor, self.hook, approve, blocking=blocking)

    def house_for(self, actor: str, hook: Hook, approve: Sequence[str] = (), *, blocking: bool = True) -> House:
        """The ports of one process; its memory is its own."""
        house = House(
            terms=self.terms,
            journal=Port("journal", self.store, hook),  # type: ignore[arg-type]
            legacy=Port("legacy", self.source, hook),  # type: ignore[arg-type]
            bank=JxProfile("0110", "000187", "MP"),
            files=Port("files", self.wire, hook),  # type: ignore[arg-type]
            judge=self.judge,
            clock=Port("clock", self.clock, hook),  # type: ignore[arg-type]
            actor=actor,
            verify=lambda: verification.counts(gather.evidence(house)) if self.verified else {},
            approve_as=tuple(approve),
            blocking=blocking,
        )
        return house

    def sent(self) -> dict[str, bytes]:
        return {name: content for (_, name), content in sorted(self.wire.sent.items())}

    def effects(self) -> dict[tuple[str, str], int]:
        """(entity, key) -> how often the bank did something for it."""
        sql = "SELECT entity, key, count(*) FROM effects GROUP BY entity, key ORDER BY entity, key"
        return {(entity, key): count for entity, key, count in self.bank.ledger.rows(sql)}  # type: ignore[attr-defined]
