"""Batches and items, in memory. Items are held as one Arrow table a batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.errors import CutoverError, GateClosed
from migration.domain.tables import ANSWERS, ENTITY_OF, ITEMS
from migration.domain.values import Batch
from migration.journal import faults, payloads, rules
from migration.journal.batches import check_withdrawal, plan_fields
from migration.journal.memory.state import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from migration.domain.findings import Finding
    from migration.domain.values import BatchPlan

_ANSWERED = {
    "state": "outcome",
    "code": "code",
    "account_no": "account_no",
    "activated": "activated",
    "authcode": "authcode",
    "result_record": "result_record",
}
_WHEN_OK = ("account_no", "activated", "authcode")
_UNIQUE = {"users": ("account_no", "item_one_account"), "debts": ("authcode", "item_one_authcode")}


class MemoryBatches(Memory):
    """plan, withdraw, seal, mark_delivered, mark_quarantined, apply, batches, request, result, items."""

    def plan(self, fence: int, plans: Sequence[BatchPlan], business_date: date, gate: str) -> tuple[Batch, ...]:
        """Draw the next numbers of the date's counter and write the batches and their items."""
        if not plans:
            return ()
        drawn: list[Batch] = []

        def body(_: datetime) -> Mapping[str, object]:
            first = 1 + max((int(number) for day, number in self._now.batches if day == business_date), default=0)
            rules.check_number(first + len(plans) - 1, f"batches/{business_date.isoformat()}")
            self._check_free(plans)
            for number, planned in enumerate(plans, first):
                about: dict[str, Any] = {**plan_fields(planned), "state": "planned", "gate": gate}
                batch = Batch(business_date, f"{number:06d}", **about)
                self._now.batches[batch.key] = batch
                self._now.items[batch.key] = _items(batch, planned.items)
                for key in _texts(planned.items["key"]):
                    subject = (ENTITY_OF[planned.kind], key)
                    self._now.standing[subject] = batch.key
                drawn.append(batch)
            return payloads.planned(plans, business_date, first, gate)

        self._write("planned", body, fence=fence)
        return tuple(drawn)

    def withdraw(self, fence: int, batches: Sequence[Batch]) -> None:
        """Take back undelivered batches, the last drawn of their date."""

        def body(_: datetime) -> Mapping[str, object] | None:
            found = sorted(
                (self._now.batches[b.key] for b in batches if b.key in self._now.batches), key=_key, reverse=True
            )
            left = dict(self._now.batches)
            for batch in found:
                check_withdrawal(batch, max(number for day, number in left if day == batch.business_date))
                del left[batch.key]
            for batch in found:
                for key in _texts(self._now.items.pop(batch.key)["key"]):
                    del self._now.standing[ENTITY_OF[batch.kind], key]
                self._now.contents.pop((batch.key, "request"), None)
            self._now.batches = left
            return payloads.withdrawn(found) if found else None

        self._write("withdrawn", body, fence=fence)

    def seal(self, fence: int, batch: Batch, request_name: str, content: bytes) -> Batch:
        """Write-ahead intent."""
        digest = rules.sha256(content)

        def body(_: datetime) -> Mapping[str, object] | None:
            known = self._one(batch)
            if not rules.seals(known, request_name, digest):
                return None
            self._now.contents[known.key, "request"] = content
            about: dict[str, Any] = {
                "request_name": request_name,
                "request_sha256": digest,
                "request_bytes": len(content),
            }
            self._now.batches[known.key] = replace(known, state="sealed", **about)
            return payloads.sealed(batch, request_name, digest, len(content))

        self._write("sealed", body, fence=fence)
        return self._one(batch)

    def mark_delivered(self, fence: int, batch: Batch, digest: str) -> Batch:
        """Record that the request stands at the bank."""

        def body(at: datetime) -> Mapping[str, object] | None:
            known = self._one(batch)
            gate = self._gate(known.gate.split("#")[0], digest)
            if not rules.delivers(known, digest, gate):
                return None
            self._now.batches[known.key] = replace(known, state="delivered", delivered_at=at, digest=digest)
            return payloads.delivered(known, digest)

        self._write("delivered", body, fence=fence)
        return self._one(batch)

    def mark_quarantined(self, fence: int, batch: Batch, result_sha256: str, reasons: Sequence[Finding]) -> Batch:
        """Record that a result was refused as a whole."""

        def body(_: datetime) -> Mapping[str, object] | None:
            known = self._one(batch)
            if known.state in rules.UNDELIVERED:
                raise rules.wrong_state(known, "delivered")
            if self._now.quarantined.get(known.key) == result_sha256:
                return None
            self._now.quarantined[known.key] = result_sha256
            if known.state not in rules.ANSWERED:
                self._now.batches[known.key] = replace(known, state="quarantined")
            return payloads.quarantined(batch, result_sha256, reasons)

        self._write("quarantined", body, fence=fence)
        return self._one(batch)

    def apply(self, fence: int, batch: Batch, result_name: str, content: bytes, answers: pa.Table) -> Batch:
        """Apply a whole accepted result."""
        digest = rules.sha256(content)
        incoming = answers.select(ANSWERS.names).cast(ANSWERS).sort_by("record_no")

        def body(_: datetime) -> Mapping[str, object] | None:
            known = self._one(batch)
            if not rules.applies(known, digest):
                return None
            items = self._now.items[known.key]
            if incoming["record_no"].to_pylist() != items["record_no"].to_pylist() or incoming["key"] != items["key"]:
                raise rules.answers_incomplete(known)
            answered = _answered(items, incoming)
            self._take(known, answered)
            outcomes = payloads.count(incoming["outcome"])
            state: Any = "unknown" if outcomes.get("unknown") else "applied"
            self._now.items[known.key] = answered
            self._now.contents[known.key, "result"] = content
            told: dict[str, Any] = {"result_name": result_name, "result_sha256": digest}
            self._now.batches[known.key] = replace(known, state=state, **told)
            return payloads.applied(batch, result_name, digest, state, outcomes)

        self._write("applied", body, fence=fence)
        return self._one(batch)

    def batches(self) -> tuple[Batch, ...]:
        """All batches, by business date and number."""
        return tuple(sorted(self._now.batches.values(), key=_key))

    def request(self, batch: Batch) -> bytes:
        """Return the sealed bytes; empty when it is not sealed."""
        return self._now.contents.get((batch.key, "request"), b"")

    def result(self, batch: Batch) -> bytes:
        """Return the applied result's bytes; empty when none was applied."""
        return self._now.contents.get((batch.key, "result"), b"")

    def items(self, entity: str) -> pa.Table:
        """Every attempt of every item of an entity (ITEMS)."""
        mine = [self._now.items[b.key] for b in self.batches() if ENTITY_OF[b.kind] == entity]
        return pa.concat_tables([ITEMS.empty_table(), *mine])

    def _one(self, batch: Batch) -> Batch:
        known = self._now.batches.get(batch.key)
        if known is None:
            raise rules.unknown_batch(batch)
        return known

    def _check_free(self, plans: Sequence[BatchPlan]) -> None:
        """R6: an item is in at most one batch that is open, of unknown outcome or successful."""
        wanted = [(ENTITY_OF[p.kind], key) for p in plans for key in _texts(p.items["key"])]
        if len(set(wanted)) < len(wanted) or not self._now.standing.keys().isdisjoint(wanted):
            raise _unique("item_one_attempt")

    def _take(self, batch: Batch, answered: pa.Table) -> None:
        """Note numbers and codes as taken, and which attempts still stand."""
        entity = ENTITY_OF[batch.kind]
        states = _texts(answered["state"])
        if entity in _UNIQUE:
            column, constraint = _UNIQUE[entity]
            new = [value for value, state in zip(_texts(answered[column]), states, strict=True) if state == "ok"]
            if None in new or (entity == "users" and any(_missing(answered, states))):
                raise GateClosed.of("JOURNAL_INVARIANT", "journal", f"an accepted item has no {column}")
            if len(set(new)) < len(new) or not self._now.taken[entity].isdisjoint(new):
                raise _unique(constraint)
            self._now.taken[entity].update(new)
        for key, state in zip(_texts(answered["key"]), states, strict=True):
            if state == "refused":
                del self._now.standing[entity, key]


def _key(batch: Batch) -> tuple[date, str]:
    return batch.key


def _texts(column: Any) -> list[str]:
    """Take a text column out of Arrow."""
    values: list[str] = column.to_pylist()
    return values


def _unique(constraint: str) -> CutoverError:
    return GateClosed.of(*faults.UNIQUE[constraint])


def _missing(answered: pa.Table, states: list[str]) -> list[bool]:
    activated = answered["activated"].to_pylist()
    return [state == "ok" and value is None for state, value in zip(states, activated, strict=True)]


def _items(batch: Batch, items: pa.Table) -> pa.Table:
    """Build a batch's items as attempts without an answer."""
    n = items.num_rows
    columns: dict[str, Any] = {name: pa.nulls(n, ITEMS.field(name).type) for name in ITEMS.names}
    columns |= {name: items[name].cast(ITEMS.field(name).type) for name in ("key", "amount_fen", "row_digest")}
    columns["state"] = pa.repeat(pa.scalar("open"), n)
    columns["record_no"] = pa.array(np.arange(1, n + 1))
    for name in ("business_date", "batch_no", "stage", "round", "sample"):
        columns[name] = pa.repeat(pa.scalar(getattr(batch, name), ITEMS.field(name).type), n)
    return pa.table(columns, schema=ITEMS)


def _answered(items: pa.Table, answers: pa.Table) -> pa.Table:
    """Fill the bank's answers in; account numbers and codes only where it said ok."""
    ok = pc.equal(answers["outcome"], pa.scalar("ok"))
    for column, given in _ANSWERED.items():
        values: Any = answers[given]
        if column in _WHEN_OK:
            values = pc.if_else(ok, values, pa.scalar(None, values.type))
        items = items.set_column(items.schema.get_field_index(column), ITEMS.field(column), values)
    return items
