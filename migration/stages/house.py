"""What every stage works with: the ports, the terms of this cutover, and the book as the journal has it now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar, cast

import pyarrow as pa

from migration.domain import exceptions
from migration.domain.attempts import batch_of
from migration.domain.book import Book, Facts, Rules, derive
from migration.domain.columns import equals, member
from migration.domain.errors import ConfigurationError
from migration.domain.ports import Bank, Clock, Files, Inquiries, Journal, Judge, Legacy
from migration.domain.tables import SIGNATURES, SNAPSHOT
from migration.domain.values import Batch, Snapshot
from migration.domain.windows import Windows

T = TypeVar("T")
Tell = Callable[[str], None]
ENTITIES = ("users", "listings", "debts", "authorisations")
"""What is sent to the bank, item by item."""


def _silent(_: str) -> None:
    return None


def _unkept(_name: str, _content: str) -> None:
    return None


def _never() -> None:
    return None


def _unsealed(_fence: int, _gate: str, _digest: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Terms:
    """The configuration that the stages need, as plain values."""

    cutover_id: str
    profile: str  # of the bank
    kind: str  # rehearsal | production
    business_date: date
    keep_account: tuple[str, ...]
    overdue: str
    late_change: str
    require_approvals: int
    confidence: Decimal
    defect_rate: Decimal
    seed: int
    rows_per_file: int
    result_timeout_s: float
    config_digest: str  # SHA-256 over the keys that decide data
    code_digest: str  # SHA-256 over the product's own source
    account_pattern: str = r"\d{19}"
    poll_s: float = 0.2
    in_flight: str = "count"  # count | zero
    windows: Windows | None = None  # when the bank works files through; None: at any time
    carry_authorisations: bool = False
    finality_s: float = 3_600.0  # so long after a file has left, "not found" may still become "found"
    ask_again_s: float = 60.0  # between two questions that count as two


@dataclass(slots=True)
class House:
    """The ports of one run and who runs it."""

    terms: Terms
    journal: Journal
    legacy: Legacy
    bank: Bank
    files: Files
    judge: Judge
    clock: Clock
    actor: str
    verify: Callable[[], Mapping[str, int | None]]  # the independent verifier: its findings as counts
    inquiries: Inquiries | None = None  # None: files only
    approve_as: tuple[str, ...] = ()
    blocking: bool = True  # wait inside the call (command line), or come back later (Airflow)
    tell: Tell = _silent
    failpoint: Tell = _silent  # named interruption points, for tests that kill
    report: Callable[[str, str], None] = _unkept  # name, content: keeps a report in the workspace
    rehearsed: Callable[[], Mapping[str, Any] | None] = _never  # figures of a finished rehearsal, where there are any
    seal: Callable[[int, str, str], None] = _unsealed  # fence, gate, digest: signs a root over the journal so far
    fence: int = 0
    verified: dict[str, Mapping[str, int | None]] = field(default_factory=dict)  # digest of an outcome -> findings
    read_back: set[str] = field(default_factory=set)  # digests of outcomes that the bank's books bore out in this run
    _head: str = ""
    _memory: dict[tuple[str, str], object] = field(default_factory=dict)
    _tables: dict[tuple[str, str], pa.Table] = field(default_factory=dict)

    def take_over(self) -> None:
        """Become the run that may write: any earlier one is fenced off."""
        self.journal.begin(self.terms.cutover_id, self.terms.kind)
        self.fence = self.journal.acquire(self.actor)

    # -- reading

    def snapshot(self) -> Snapshot:
        """The cutover's snapshot; preflight must have taken one."""
        snapshot = self.journal.snapshot()
        if snapshot is None:
            raise ConfigurationError.of(
                "STAGE_ORDER", "preflight", "no snapshot has been taken yet", "run preflight first"
            )
        return snapshot

    def table(self, entity: str) -> pa.Table:
        """One entity of the snapshot (cached: a snapshot never changes)."""
        snapshot = self.snapshot()
        key = (snapshot.digest, entity)
        if key not in self._tables:
            loaded = self.legacy.issues(snapshot) if entity == "issues" else self.legacy.load(snapshot, entity)
            in_one = all(column.num_chunks == 1 for column in loaded.columns)
            self._tables[key] = loaded if in_one else loaded.combine_chunks()
        return self._tables[key]

    def items(self, entity: str) -> pa.Table:
        """The journal's ITEMS of an entity, read once for a state of the journal."""
        return self._remembered(("items", entity), lambda: self.journal.items(entity))

    def facts(self, *, without: Iterable[Batch] = ()) -> Facts:
        """What is known now; `without` leaves out the items of batches that were not delivered yet."""
        terms, journal = self.terms, self.journal
        left_out = {batch.key for batch in without}
        return Facts(
            tables={entity: self.table(entity) for entity in SNAPSHOT},
            issues=self.table("issues"),
            corrections=journal.corrections(),
            items={entity: _drop(self.items(entity), left_out) for entity in ENTITIES},
            signatures=_signatures(journal.exceptions()),
            resends=journal.resends(),
            rules=Rules(
                terms.business_date, terms.keep_account, terms.overdue, self.bank.limits, terms.carry_authorisations
            ),
        )

    def book(self, *, without: Iterable[Batch] = ()) -> Book:
        """The book as the journal has it now, derived once for a state of the journal."""
        left_out = tuple(without)
        key = ("book", ",".join(sorted(f"{day}/{number}" for day, number in (b.key for b in left_out))))
        return self._remembered(key, lambda: derive(self.facts(without=left_out)))

    def _remembered(self, key: tuple[str, str], make: Callable[[], T]) -> T:
        """What was made of the journal's present state; forgotten as soon as anything is written to it."""
        head = self.journal.head()
        if head != self._head:
            self._head, self._memory = head, {}
        if key not in self._memory:
            self._memory[key] = make()
        return cast("T", self._memory[key])

    # -- keeping

    def keep_exceptions(self, book: Book) -> pa.Table:
        """Write the exceptions that stand into the journal and return all it knows."""
        self.journal.record_exceptions(self.fence, exceptions.standing(book))
        return self.journal.exceptions()

    def open_exceptions(self) -> pa.Table:
        """Exceptions neither mended nor signed."""
        known = self.journal.exceptions()
        return known.filter(pa.array(equals(known["state"], "open")))


def _drop(items: pa.Table, left_out: set[tuple[date, str]]) -> pa.Table:
    if not left_out or not items.num_rows:
        return items
    names = pa.array([f"{day.isoformat()}/{number}" for day, number in left_out], pa.string())
    kept = ~member(batch_of(items), names)
    return items if kept.all() else items.filter(pa.array(kept))


def _signatures(known: pa.Table) -> pa.Table:
    signed = known.filter(pa.array(equals(known["state"], "signed")))
    columns = {"by": signed["signed_by"]} | {n: signed[n] for n in ("entity", "key", "code", "reason")}
    return pa.table({name: columns[name] for name in SIGNATURES.names}, schema=SIGNATURES)
