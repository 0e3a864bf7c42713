"""The ONE lifecycle of a file exchange: plan, seal, approve, deliver, await, check as a whole, apply.

Every function converges: it reads the journal, takes the next legal step and stops. Any number of runs give the same end;
a run that was fenced off writes nothing more. The exchanges differ only in what `Exchange` holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from migration.domain.attempts import batch_of
from migration.domain.book import Book
from migration.domain.cohorts import row_digest
from migration.domain.columns import fen, member
from migration.domain.errors import GateClosed, Waiting
from migration.domain.findings import Finding
from migration.domain.tables import ENTITY_OF
from migration.domain.values import Batch, BatchPlan
from migration.domain.windows import clock_time
from migration.stages import gates, inquire, results
from migration.stages.house import House

Rows = Mapping[str, pa.Table]
"""Batch kind -> rows to send (ROWS[kind]), sorted by key; kinds in the order in which they are numbered."""


UNDELIVERED = ("planned", "sealed")
UNANSWERED = ("delivered", "quarantined")
LEAVING = "leaving"
"""Event: a request is about to be put at the bank. It stands there or not; the set is not taken back any more."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one exchange of files does differently from the others.

    A *set* is what is planned, approved and delivered together. A round has one set for each exchange; only a sample that
    failed and was mended is drawn again (`redraw`) and makes a further one.
    """

    stage: str
    gate: str
    round: int
    sample: bool
    select: Callable[[Book], Rows]
    bound: Mapping[str, object]  # what its approval is bound to beside its files
    approve_empty: bool = False  # the gate is asked for even when there is no file
    redraw: bool = False

    def batches(self, house: House) -> tuple[Batch, ...]:
        """Its batches so far, in order."""
        mine = (self.stage, self.round, self.sample)
        return tuple(b for b in house.journal.batches() if (b.stage, b.round, b.sample) == mine)

    def last_set(self, house: House) -> tuple[Batch, ...]:
        """The batches that were planned together last; empty when none were."""
        mine = self.batches(house)
        return tuple(b for b in mine if b.gate == mine[-1].gate)


def plan(house: House, exchange: Exchange) -> tuple[Batch, ...]:
    """Plan and seal what is to be sent now; what was planned before and never delivered is replaced if the data changed.

    A set of which one file has left, or may have, stays as it is.
    """
    present = exchange.last_set(house)
    begun = any(b.state not in UNDELIVERED for b in present)
    if begun and (any(b.state in UNDELIVERED + UNANSWERED for b in present) or not exchange.redraw):
        return present
    waiting = () if begun else present
    rows = exchange.select(house.book(without=waiting))
    parts = _parts(house, exchange, rows)
    if waiting and not _same(house, waiting, parts):
        if _leaving(house, waiting):
            return present
        house.journal.withdraw(house.fence, waiting)
        house.failpoint(f"{exchange.gate}.after_withdraw")
        waiting = ()
    if not waiting and parts:
        house.failpoint(f"{exchange.gate}.before_plan")
        name = f"{exchange.gate}#{1 + len({b.gate for b in exchange.batches(house)})}"
        waiting = house.journal.plan(house.fence, [p.plan for p in parts], house.terms.business_date, name)
        house.failpoint(f"{exchange.gate}.after_plan")
    return tuple(_seal(house, exchange, batch, part) for batch, part in zip(waiting, parts, strict=True))


@dataclass(frozen=True, slots=True)
class _Part:
    plan: BatchPlan
    rows: pa.Table


def _parts(house: House, exchange: Exchange, rows: Rows) -> list[_Part]:
    """Cut every kind at the row limit."""
    limit = house.terms.rows_per_file
    return [
        _part(exchange, kind, 1 + start // limit, table.slice(start, limit))
        for kind, table in rows.items()
        for start in range(0, table.num_rows, limit)
    ]


def _part(exchange: Exchange, kind: str, number: int, rows: pa.Table) -> _Part:
    digests = row_digest(rows) if kind in {"person", "company"} else pa.nulls(rows.num_rows, pa.string())
    items = pa.table({"key": rows["key"], "amount_fen": rows["amount_fen"], "row_digest": digests})
    total = int(fen(rows["amount_fen"]).sum())
    return _Part(BatchPlan(exchange.stage, exchange.round, kind, exchange.sample, number, items, total), rows)


def _same(house: House, batches: Sequence[Batch], parts: Sequence[_Part]) -> bool:
    """Whether what was planned is, byte for byte, what would be planned now."""
    if [(b.kind, b.part, b.rows, b.sum_fen) for b in batches] != [
        (p.plan.kind, p.plan.part, p.plan.items.num_rows, p.plan.sum_fen) for p in parts
    ]:
        return False
    return all(
        _planned_keys(house, b) == p.rows["key"].to_pylist()
        if b.state == "planned"
        else house.journal.request(b) == _encode(house, b, p)
        for b, p in zip(batches, parts, strict=True)
    )


def _planned_keys(house: House, batch: Batch) -> list[str]:
    """The items of a batch in the order of their records."""
    items = house.items(ENTITY_OF[batch.kind])
    mine = items.filter(pa.array(member(batch_of(items), pa.array([batch_id(batch)], pa.string()))))
    return mine.sort_by("record_no")["key"].to_pylist()


def _encode(house: House, batch: Batch, part: _Part) -> bytes:
    return house.bank.encode(batch.kind, part.rows, batch.batch_no, batch.business_date)


def _seal(house: House, exchange: Exchange, batch: Batch, part: _Part) -> Batch:
    if batch.state != "planned":
        return batch
    name, _ = house.bank.names(batch.kind, batch.batch_no, batch.business_date)
    sealed = house.journal.seal(house.fence, batch, name, _encode(house, batch, part))
    house.failpoint(f"{exchange.gate}.after_seal")
    return sealed


def digest(house: House, exchange: Exchange) -> str:
    """The digest that the exchange's approval is bound to: the files of the set, and what else it rests on."""
    present = () if exchange.approve_empty else exchange.last_set(house)
    files = [[b.request_name, b.request_sha256, b.rows, b.sum_fen] for b in present]
    return gates.digest_of(house, exchange.gate, exchange.round, {"files": files, **exchange.bound})


def approve(house: House, exchange: Exchange) -> None:
    """Ask for, and require, the approval of what is sealed. Nothing to send: nothing to approve (unless it is asked for)."""
    if exchange.approve_empty or any(b.state == "sealed" for b in exchange.last_set(house)):
        gates.require_approval(house, exchange.gate, exchange.round, digest(house, exchange))


def deliver(house: House, exchange: Exchange, only: str | None = None) -> None:
    """Put the sealed files at the bank. The approval is checked again, for this very digest, before the first byte."""
    sealed = [b for b in exchange.last_set(house) if b.state == "sealed"]
    if not sealed:
        return
    approved = digest(house, exchange)
    gates.require_approval(house, exchange.gate, exchange.round, approved)
    for batch in sealed:
        if only in {None, batch_id(batch)}:
            if _leaving(house, [batch]) and inquire.stands(house, batch):
                house.journal.mark_delivered(house.fence, batch, approved)
                _note(house, batch)
                house.tell(f"{exchange.stage}: the bank has {batch.request_name} already; it is not sent again")
                continue
            content = _sealed(house, batch)
            _leave(house, batch, approved)
            gates.require_approval(
                house, exchange.gate, exchange.round, approved
            )  # fenced: who was overtaken stops here
            house.failpoint(f"{exchange.gate}.before_deliver")
            house.files.deliver(batch.request_name, batch.business_date, content)
            house.failpoint(f"{exchange.gate}.after_deliver")
            house.journal.mark_delivered(house.fence, batch, approved)
            house.failpoint(f"{exchange.gate}.after_mark")
            _note(house, batch)
            house.failpoint(f"{exchange.gate}.after_manifest")
            house.tell(f"{exchange.stage}: delivered {batch.request_name} ({batch.rows} rows)")


def _sealed(house: House, batch: Batch) -> bytes:
    """The bytes that were approved: what the journal keeps is compared once more before the first one leaves."""
    content = house.journal.request(batch)
    if hashlib.sha256(content).hexdigest() != batch.request_sha256:
        detail = "the kept bytes are not those that were sealed and approved"
        raise GateClosed.of("CONTENT_CHANGED", batch.request_name, detail, "cutover journal verify")
    return content


def _leave(house: House, batch: Batch, approved: str) -> None:
    """Commit that the file is about to leave, and on which digest: from here on its set may stand at the bank, come what may."""
    told = {"batch": batch_id(batch), "request_sha256": batch.request_sha256, "digest": approved}
    house.journal.note(house.actor, LEAVING, told)


def _leaving(house: House, batches: Sequence[Batch]) -> bool:
    """Whether one of these files may stand at the bank although its delivery was never recorded."""
    mine = {(batch_id(b), b.request_sha256) for b in batches if b.request_sha256}
    notes = (e.payload for e in house.journal.events() if e.kind == LEAVING)
    return any((note["batch"], note["request_sha256"]) in mine for note in notes)


def batch_id(batch: Batch) -> str:
    """How a batch is named to people and in Airflow's maps: date/number."""
    return f"{batch.business_date.isoformat()}/{batch.batch_no}"


def collect(house: House, exchange: Exchange, *, only: str | None = None, patient: bool = True) -> None:
    """Wait for the results, judge each as a whole, apply it in one transaction.

    GateClosed when one was quarantined, Waiting when one is not there in time (company accounts may take days: they are
    left behind, and their users stay blocked).
    """
    since = house.clock.now()
    while True:
        missing = _taken(house, exchange, only)
        left = _time_left(house, missing, since) if patient else 0.0
        said: dict[str, inquire.Said] = {}
        if left <= 0:
            said = {batch_id(b): inquire.settle(house, b) for b in missing}
            missing = [b for b in missing if said[batch_id(b)] != "settled"]
        if not missing:
            return
        if house.blocking and "resent" in said.values():
            since = house.clock.now()
        elif not _wait(house, missing, left, said):
            return


def _taken(house: House, exchange: Exchange, only: str | None) -> list[Batch]:
    """Take every result that is there; those whose result is not. GateClosed when one was quarantined."""
    pending = [b for b in exchange.batches(house) if b.state in UNANSWERED and only in {None, batch_id(b)}]
    missing: list[Batch] = []
    refused: list[Finding] = []
    for batch in pending:
        try:
            if not results.take(house, batch):
                missing.append(batch)
        except GateClosed as closed:
            if not inquire.settle_refused(house, batch, closed):
                refused.extend(closed.reasons)
    if refused:
        raise GateClosed(*refused)
    return missing


def _time_left(house: House, missing: Sequence[Batch], since: datetime) -> float:
    """Seconds: from when this run began to wait, or from when the file left where nobody waits inside the call."""
    now = house.clock.now()
    begun = [since] if house.blocking else [b.delivered_at for b in missing if b.delivered_at]
    return house.terms.result_timeout_s - max(((now - at).total_seconds() for at in begun), default=0.0)


def _wait(house: House, missing: Sequence[Batch], left: float, said: Mapping[str, inquire.Said]) -> bool:
    """True: look again. False: only company results are missing and their time is up. Waiting: time is up."""
    if left > 0 and house.blocking:
        house.tell(f"waiting for {len(missing)} result file(s) of the bank")
        house.clock.sleep(min(house.terms.poll_s, left))
        return True
    if left <= 0 and all(b.kind == "company" for b in missing):
        return False
    raise _waiting(house, [b for b in missing if b.kind != "company" or left > 0], said)


def _waiting(house: House, missing: Sequence[Batch], said: Mapping[str, inquire.Said] | None = None) -> Waiting:
    """What is awaited, since when, and from when on it can be there."""
    due = [at for at in (expected(house, b) for b in missing) if at is not None and at > house.clock.now()]
    return Waiting(*(_awaited(house, b, (said or {}).get(batch_id(b))) for b in missing), until=min(due, default=None))


def expected(house: House, batch: Batch) -> datetime | None:
    """When the bank's answer can be there at the earliest; None when its hours are not configured."""
    windows = house.terms.windows
    return windows.answer_from(batch.delivered_at) if windows and batch.delivered_at else None


_SAID: Mapping[inquire.Said | None, str] = {
    "processing": "; asked, the bank says that it is at it",
    "absent": "; asked, the bank does not know it (yet)",
    "resent": "; sent again, as approved",
}


def _awaited(house: House, batch: Batch, said: inquire.Said | None = None) -> Finding:
    _, name = house.bank.names(batch.kind, batch.batch_no, batch.business_date)
    since = batch.delivered_at.isoformat(timespec="seconds") if batch.delivered_at else "?"
    due = expected(house, batch)
    when = f"; by the bank's hours from {clock_time(due)} (Beijing) on" if due else ""
    return Finding(
        "RESULT_MISSING",
        name,
        f"no result for {batch.request_name}, delivered {since}{when}{_SAID.get(said, '')}",
        "run again when the bank has answered",
    )


def _note(house: House, batch: Batch) -> None:
    house.files.manifest(
        batch.request_name,
        {
            "way": "sent",
            "name": batch.request_name,
            "business_date": batch.business_date.isoformat(),
            "rows": batch.rows,
            "sum_fen": batch.sum_fen,
            "bytes": batch.request_bytes,
            "sha256": batch.request_sha256,
        },
    )


def require_delivered(house: House, exchange: Exchange) -> None:
    """The journal decides, not the colour of a task: what was planned and is not answered keeps the next step shut.

    Company results may be left behind. GateClosed(NOT_SENT) or Waiting(RESULT_MISSING).
    """
    mine = exchange.batches(house)
    unsent = [b for b in mine if b.state in UNDELIVERED]
    if unsent:
        raise GateClosed(
            *(
                Finding(
                    "NOT_SENT",
                    b.request_name or batch_id(b),
                    "planned, but never delivered",
                    f"cutover stage {b.stage}",
                )
                for b in unsent
            )
        )
    missing = [b for b in mine if b.state in UNANSWERED and b.kind != "company"]
    if missing:
        raise _waiting(house, missing)
