"""A house over ports in memory in which one exchange is driven step by step; the book is left out: a test says what is to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from migration.bank.memory import MemoryFiles
from migration.clock import FakeClock
from migration.domain.values import Snapshot
from migration.journal.memory import MemoryJournal
from migration.stages.exchange import Exchange
from migration.stages.house import House
from tests.support.rehearsal import terms
from tests.unit.bank.samples import COMPANIES, DAY, PERSONS, profile, records, rows

ANSWERED = {"U-3": records("person")[0], "000017": records("person")[1], "U-2": records("person")[2]}


class NoLegacy:
    """Nothing here reads the source."""


class Judgements:
    """A judge that says what it is told to."""

    def __init__(self, *results) -> None:
        self.results = results
        self.asked = []

    def judge(self, stage, measures, keys):
        self.asked.append((stage, measures, keys))
        return self.results


@dataclass(slots=True)
class Workshop(House):
    """A house whose book is not looked at."""

    left_out: list[tuple[str, ...]] = field(default_factory=list)

    def book(self, *, without=()):
        self.left_out.append(tuple(b.batch_no for b in without))

    @property
    def codes(self) -> list[str]:
        return [e.kind for e in self.journal.events()]


def snapshot(digest: str = "5" * 64) -> Snapshot:
    return Snapshot(digest, {"users": digest}, {"users": 3}, 0, datetime(2017, 11, 18, tzinfo=UTC))


def house(journal=None, **changes) -> Workshop:
    """A run that has taken over; `changes` of the house, or of its terms."""
    own = {
        name: changes.pop(name) for name in ("judge", "actor", "approve_as", "blocking", "failpoint") if name in changes
    }
    clock = changes.pop("clock", None) or FakeClock()
    files = changes.pop("files", None) or MemoryFiles(clock)
    one = Workshop(
        terms=terms(**({"rows_per_file": 2, "poll_s": 10.0} | changes)),
        journal=journal or MemoryJournal(clock),
        legacy=NoLegacy(),
        bank=profile(),
        files=files,
        judge=own.pop("judge", Judgements()),
        clock=clock,
        actor=own.pop("actor", "runner"),
        verify=dict,
        **own,
    )
    one.take_over()
    if one.journal.snapshot() is None:
        one.journal.record_snapshot(one.fence, snapshot())
    return one


def persons(*keys: str) -> pa.Table:
    """Their rows, sorted by key; U-2* is U-2 with another phone."""
    wanted = {key.rstrip("*") for key in keys}
    found = [dict(p) for p in PERSONS if p["key"] in wanted]
    for row in found:
        if row["key"] + "*" in keys:
            row["phone"] = "13700000000"
    return rows("person", found)


def companies() -> pa.Table:
    return rows("company", COMPANIES)


def accounts(**kinds: pa.Table) -> Exchange:
    """The exchange of accounts with these rows by kind."""
    return Exchange("accounts", "accounts", 1, sample=False, select=lambda _: kinds, bound={})


def answer(one: Workshop, batch, *keys: str, age_s: float = 60.0, content: bytes | None = None) -> None:
    """Put the bank's result for these keys into the exchange."""
    _, name = one.bank.names(batch.kind, batch.batch_no, DAY)
    one.files.answer(name, DAY, b"".join(ANSWERED[k] for k in keys) if content is None else content, age_s)


def approve(one: Workshop, gate: str, *names: str) -> None:
    """These persons approve the gate's pending digest."""
    (pending,) = (g for g in one.journal.gates() if (g.gate, g.state) == (gate, "pending"))
    for name in names:
        one.journal.decide(gate, pending.digest, name, "approve", "ok", rehearsal=False)
