"""Late repayments by the policy `late_change = "delta"`: what was not sent yet goes on with a new snapshot.

A repayment changes paid parts of schedules, what open debts hold, statuses and escrow balances, and nothing else. Any
other change stops the run as by the policy `stop`; a repayment on what the bank already has stops it, too
(LATE_CHANGE_SENT): the bank would hold more than is owed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.attempts import batch_of
from migration.domain.changes import Change
from migration.domain.columns import equals, flat, member
from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.domain.values import Snapshot
from migration.stages import assessment, progress
from migration.stages.exchange import UNDELIVERED
from migration.stages.house import House

KEPT: Final = 200
"""Keys of a change that its event names; the counts are whole."""
SHOWN: Final = 20
EVENT: Final = "late_change"


def applies(house: House) -> bool:
    """By policy, and once preflight has passed: before, every run takes a new snapshot anyway."""
    return house.terms.late_change == "delta" and (progress.done(house, "preflight") or begun(house))


def begun(house: House) -> bool:
    """Whether a stage after preflight has begun: then the snapshot is only ever replaced by a delta."""
    return any(s.stage != "preflight" for s in house.journal.stages())


def adopt(house: House, before: Snapshot, after: Snapshot, found: Sequence[Change]) -> None:
    """Record the delta and go on from the new reading; preflight's gate judges it anew."""
    others = [change for change in found if not change.repayment]
    if others:
        raise GateClosed(*(_other(change) for change in others))
    _require_unsent(house, found)
    payload = {"from": before.digest, "to": after.digest, "entities": described(found)}
    house.journal.note(house.actor, EVENT, payload)
    house.failpoint("delta.after_note")
    house.journal.record_stage(house.fence, "preflight", 1, "running", {}, ())
    house.failpoint("delta.after_reopen")
    house.journal.record_snapshot(house.fence, after)
    house.failpoint("delta.after_snapshot")
    progress.finish(house, "preflight", 1, {"given.snapshot.entities_changed": 0})
    assessment.keep(house, None)
    house.tell(f"late repayments taken over: {', '.join(f'{c.entity} {c.count}' for c in found)}")


def described(found: Sequence[Change]) -> dict[str, dict[str, object]]:
    """Entity -> keys (capped), counts, and the sums before and after in fen. No personal data."""
    return {
        change.entity: {
            "changed": change.changed.slice(0, KEPT).to_pylist(),
            "new": change.added.slice(0, KEPT).to_pylist(),
            "gone": change.gone.slice(0, KEPT).to_pylist(),
            "counts": {"changed": len(change.changed), "new": len(change.added), "gone": len(change.gone)},
            "sums_fen": {column: {"before": was, "after": now} for column, (was, now) in change.sums().items()},
        }
        for change in found
    }


def _other(change: Change) -> Finding:
    keys = [*change.changed.to_pylist(), *change.added.to_pylist(), *change.gone.to_pylist()]
    more = " …" if len(keys) > SHOWN else ""
    return Finding(
        "SNAPSHOT_CHANGED",
        change.entity,
        f"{change.count} row(s) differ from the snapshot by more than a repayment: {', '.join(keys[:SHOWN])}{more}",
        "undo the late change at the source, or start a new cutover with a new snapshot",
    )


def _require_unsent(house: House, found: Sequence[Change]) -> None:
    """GateClosed(LATE_CHANGE_SENT) by key for changes of what the bank has been given."""
    held = {entity: _sent(house, entity) for entity in ("listings", "debts")}
    debts = house.table("debts")
    lent_on = debts.filter(pa.array(member(debts["debt_id"], held["debts"])))["listing_id"]
    wrong: list[str] = []
    for change in found:
        subject = change.changed
        if change.entity in held:
            hit = member(subject, held[change.entity])
        elif change.entity == "schedules":
            hit = member(change.after["listing_id"], lent_on)
        else:
            hit = member(subject, subject) & progress.done(house, "residual")
        wrong += [f"{change.entity}/{key}" for key in subject.filter(pa.array(hit)).to_pylist()]
    if wrong:
        shown = [
            Finding("LATE_CHANGE_SENT", subject, "changed at the source after it was sent", "undo it at the source")
            for subject in wrong[:SHOWN]
        ]
        total = Finding(
            "LATE_CHANGE_SENT", "snapshot", f"{len(wrong)} row(s) in all", "or settle the difference with the bank"
        )
        raise GateClosed(*shown, total)


def _sent(house: House, entity: str) -> pa.Array:
    """Keys that the bank has been given: delivered, and not refused."""
    waiting = [f"{b.business_date.isoformat()}/{b.batch_no}" for b in house.journal.batches() if b.state in UNDELIVERED]
    items = house.journal.items(entity)
    here = member(batch_of(items), pa.array(waiting, pa.string()))
    held = items.filter(pa.array(equals(items["state"], "open", "ok", "unknown") & ~here))
    return flat(pc.unique(held["key"]))
