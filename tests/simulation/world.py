"""One cutover on ports in memory. Every port call is a point at which a fault may strike and another actor may act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, ClassVar

import pyarrow as pa

from expectations.plain import PlainJudge
from migration.bank.memory import MemoryFiles
from migration.bank.profile import JxProfile
from migration.clock import FakeClock
from migration.domain.tables import ENTITY_OF
from migration.domain.values import Batch, ResultContext, ResultRefused, Snapshot
from migration.journal.memory import MemoryJournal
from migration.journal.memory.state import Held
from migration.journal.store import PostgresJournal
from migration.legacy.memory import MemoryLegacy
from migration.stages import gather
from migration.stages.house import House
from migration.verification import run as verification
from tests.contract.platforms import Tables
from tests.simulation.bank import SimBank
from tests.support.killed import WRITES
from tests.support.memo import Memo
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

        setattr(self, verb, at)
        return at


class StillLegacy(MemoryLegacy):
    """A source that is read once for each state it has; sources of the same rows share what was read."""

    _shared: ClassVar[dict[str, tuple[Snapshot, dict[str, pa.Table]]]] = {}

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables, complete=True)
        self._state = repr(self._tables)

    def replace(self, entity: str, rows: Any) -> None:
        super().replace(entity, rows)
        self._state = repr(self._tables)

    def take(self) -> Snapshot:
        if self._state not in self._shared:
            taken = super().take()
            self._shared[self._state] = (taken, self._snapshots[taken.digest])
        taken, stored = self._shared[self._state]
        self._snapshots[taken.digest] = stored
        return taken

    def fingerprint(self) -> Mapping[str, str]:
        return self.take().entity_digests


HELD = tuple(field.name for field in fields(Held))
FORMAT = JxProfile("0110", "000187", "MP")


def _judged(batch: Batch, request: bytes, result: bytes, context: ResultContext) -> pa.Table | ResultRefused:
    try:
        return FORMAT.check(batch, request, result, context)
    except ResultRefused as refused:
        return refused


ENCODED = Memo("encode", FORMAT.encode)
JUDGED = Memo("check", _judged, of=lambda batch, *rest: (batch.kind, batch.batch_no, batch.business_date, *rest))


class StillBank(JxProfile):
    """The bank's formats; the same rows are written, the same result is judged, only once."""

    def encode(self, *values: Any) -> bytes:
        return bytes(ENCODED(*values))

    def check(self, *values: Any) -> pa.Table:
        found = JUDGED(*values)
        if isinstance(found, ResultRefused):
            raise ResultRefused(*found.reasons, incomplete=found.incomplete)
        return found


BANK = StillBank("0110", "000187", "MP")


class StillJournal(MemoryJournal):
    """The journal in memory; what is read again is the same object while what it is made of is the same.

    Nothing changes without an event, so the head of the chain tells whether anything has.
    """

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self._read: dict[Any, tuple[Any, pa.Table, Any]] = {}
        self._head, self._fresh = "", dict[Any, Any]()
        self.stale = 0

    def _once(self, name: Any, make: Callable[[], Any]) -> Any:
        """What was read since the last event."""
        head = self.head()
        if head != self._head:
            self._head, self._fresh = head, {}
        if name not in self._fresh:
            self._fresh[name] = make()
        return self._fresh[name]

    def _write(self, kind: str, body: Any, *, fence: int | None = None, actor: str | None = None) -> None:
        """As ever; counted by itself when it was taken from a run that had been overtaken."""
        super()._write(kind, body, fence=fence, actor=actor)
        self.stale += fence is not None and fence != self._now.fence

    def _still(self, name: Any, made_of: Any, make: Callable[[], pa.Table], alive: Any = None) -> pa.Table:
        """What was made of the same; `alive` holds the objects whose ids are in `made_of`, so that none is used again."""
        known = self._read.get(name)
        if known is None or known[0] != made_of:
            known = self._read[name] = (made_of, make(), alive)
        return known[1]

    def events(self) -> Any:
        return self._once("events", super().events)

    def batches(self) -> Any:
        return self._once("batches", super().batches)

    def gates(self) -> Any:
        return self._once("gates", super().gates)

    def items(self, entity: str) -> pa.Table:
        return self._once(("items", entity), lambda: self._items_of(entity))

    def _items_of(self, entity: str) -> pa.Table:
        parts = [(key, table) for key, (of, table) in self.by_batch().items() if of == entity]
        made_of = [(key, id(table)) for key, table in parts]
        return self._still(("items", entity), made_of, lambda: super(StillJournal, self).items(entity), parts)

    def by_batch(self) -> dict[Any, tuple[str, pa.Table]]:
        """(business date, number) -> entity and items, as they are held."""
        now = self._now
        return {key: (ENTITY_OF[now.batches[key].kind], table) for key, table in now.items.items()}

    def exceptions(self) -> pa.Table:
        return self._once("exceptions", self._exceptions)

    def _exceptions(self) -> pa.Table:
        held = {known: tuple(getattr(one, name) for name in HELD) for known, one in self._now.exceptions.items()}
        return self._still("exceptions", held, super().exceptions)

    def resends(self) -> pa.Table:
        return self._still("resends", list(self._now.resends.items()), super().resends)

    def corrections(self) -> pa.Table:
        parts = list(self._now.corrections)
        return self._still("corrections", [id(table) for table in parts], super().corrections, parts)

    def dispositions(self, entity: str) -> pa.Table:
        return self._once(("dispositions", entity), lambda: self._dispositions(entity))

    def _dispositions(self, entity: str) -> pa.Table:
        held = dict(self._now.dispositions.get(entity, {}))
        return self._still(("dispositions", entity), held, lambda: super(StillJournal, self).dispositions(entity))


class RealJournal:
    """The journal of production for schedules: what is read is kept as long as the head of the chain stays."""

    READS = frozenset({"items", "exceptions", "dispositions", "batches", "gates", "stages", "events", "resends"})

    def __init__(self, url: str, clock: Any) -> None:
        self._real = PostgresJournal(url, clock)
        self._head, self._read = "", dict[Any, Any]()

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._real, verb)
        return partial(self._kept, verb, call) if verb in self.READS else call

    def _kept(self, verb: str, call: Callable[..., Any], *values: Any) -> Any:
        head = self._real.head()
        if head != self._head:
            self._head, self._read = head, {}
        if (verb, values) not in self._read:
            self._read[verb, values] = call(*values)
        return self._read[verb, values]

    def by_batch(self) -> dict[Any, tuple[str, pa.Table]]:
        """(business date, number) -> entity and items."""
        found: dict[Any, tuple[str, pa.Table]] = {}
        for entity in ("users", "listings", "debts"):
            rows = self.items(entity)
            places = list(zip(rows["business_date"].to_pylist(), rows["batch_no"].to_pylist(), strict=True))
            for place in dict.fromkeys(places):
                found[place] = (entity, rows.filter(pa.array([p == place for p in places])))
        return found


class World(Rehearsal):
    """A rehearsal without disk or database."""

    def __init__(
        self,
        source: StillLegacy,
        plan: Mapping[str, Any] | None = None,
        *,
        measured: bool = True,
        store: Callable[[Any], Any] = StillJournal,
        **changes: Any,
    ) -> None:
        self.clock = FakeClock()  # type: ignore[assignment]
        self.wire = MemoryFiles(self.clock)
        self.bank = SimBank(self.wire, plan or {})  # type: ignore[assignment]
        self.store = store(self.clock)
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
            bank=BANK,
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
