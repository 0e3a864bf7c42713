"""Final reconciliation: legacy = migrated + residual + in flight + signed exceptions, 0 fen left over; then sign-off."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from migration.domain.outcome import outcome
from migration.stages import figures, freeze, gates, progress, readback, residual
from migration.stages.house import House

GATE = "reconcile"


def run(house: House) -> None:
    """Judge the balance, the rules, the independent verifier's findings and, where it can be asked, what the bank holds."""
    progress.require_before(house, GATE, 1)
    if progress.done(house, GATE):
        return
    freeze.require_unchanged(house)
    residual.require_settled(house)
    progress.start(house, GATE, 1)
    house.tell("reconcile: the independent verifier reads both sides")
    book = house.book()
    tables = outcome(book, house.journal.batches())
    gates.judge(house, GATE, 1, *progress.measure(house, GATE, book, tables, _given(house)))
    readback.judge(house, digest(house))


def approve(house: House) -> None:
    """Two persons (by configuration) sign off the outcome."""
    if not progress.done(house, GATE):
        gates.require_approval(house, GATE, 1, digest(house))


def finish(house: House) -> None:
    """Close the cutover: the sign-off must be for this very outcome, and the rules are judged on it once more."""
    if progress.done(house, GATE):
        return
    progress.require_begun(house, GATE, 1)
    freeze.require_unchanged(house)
    residual.require_settled(house)
    approve(house)
    readback.judge(house, digest(house))
    progress.finish(house, GATE, 1, _given(house))
    figures.keep(house)


def _given(house: House) -> dict[str, int | None]:
    """What only the caller can measure: the journal's chain, and the independent verifier's findings.

    The verifier reads everything; within one run it is asked once for one outcome.
    """
    outcome_digest = digest(house)
    if outcome_digest not in house.verified:
        house.verified[outcome_digest] = house.verify()
    return {"given.journal.chain_breaks": len(house.journal.verify()), **house.verified[outcome_digest]}


def digest(house: House) -> str:
    """What the sign-off is bound to: every export, by its content."""
    tables = outcome(house.book(), house.journal.batches())
    digests = {name: _content(table) for name, table in sorted(tables.items())}
    return gates.digest_of(house, GATE, 1, {"exports": digests})


def _content(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()
