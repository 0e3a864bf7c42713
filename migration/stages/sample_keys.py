"""Keys that the operator adds to a sample by hand: what he has doubts about is sent, and looked at, first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from migration.domain.columns import Mask, equals, flat, member
from migration.domain.errors import ConfigurationError, InputRefused
from migration.domain.findings import Finding
from migration.domain.tables import KEYS
from migration.stages import progress
from migration.stages.exchange import UNDELIVERED
from migration.stages.house import House

EVENT: Final = "sample_added"
STAGES: Final = ("listings", "debts")


def add(house: House, stage: str, keys: Sequence[str], name: str, reason: str) -> int:
    """Add keys to the sample that is drawn next; all or none. Returns how many are new.

    ConfigurationError(SAMPLE_STAGE); InputRefused(SAMPLE_KEY) for keys the snapshot has not, or that cannot be sent;
    InputRefused(SAMPLE_GONE) once the sample is under way and has not failed.
    """
    _require_stage(stage)
    _require_not_gone(house, stage)
    wrong = _unfit(house, stage, keys)
    if wrong:
        raise InputRefused(*wrong)
    known = set(added(house, stage))
    new = [key for key in dict.fromkeys(keys) if key not in known]
    if new:
        house.journal.note(name, EVENT, {"stage": stage, "keys": new, "reason": reason})
    return len(new)


def added(house: House, stage: str) -> list[str]:
    """The keys that were added, in order."""
    return [key for row in rows(house) if row["stage"] == stage for key in row["keys"]]


def rows(house: House) -> list[dict[str, Any]]:
    """Who added what, and why."""
    notes = [event for event in house.journal.events() if event.kind == EVENT]
    return [{**event.payload, "by": event.actor, "at": event.at.isoformat(timespec="seconds")} for event in notes]


def among(house: House, stage: str, keys: pa.Array) -> Mask:
    """Which of the keys were added by hand."""
    return member(keys, pa.array(added(house, stage), pa.string()))


def _require_stage(stage: str) -> None:
    if stage not in STAGES:
        raise ConfigurationError.of("SAMPLE_STAGE", stage, "has no sample", f"one of {', '.join(STAGES)}")


def _require_not_gone(house: House, stage: str) -> None:
    """A sample that has left stays as it was approved; only one that failed is followed by another."""
    sampled = [b for b in house.journal.batches() if b.stage == stage and b.sample]
    gone = any(b.state not in UNDELIVERED for b in sampled)
    items = house.items(stage)
    failed = bool(items.num_rows) and bool(equals(items["state"], "refused").any())
    full = any(b.stage == stage and not b.sample for b in house.journal.batches())
    if progress.done(house, stage) or full or (gone and not failed):
        raise InputRefused.of(
            "SAMPLE_GONE", f"{stage}.sample", "it has been sent already", "what is left goes with the full set"
        )


def _unfit(house: House, stage: str, keys: Sequence[str]) -> list[Finding]:
    """What is not in the snapshot, or is decided already."""
    book = house.book()
    side = book.listings if stage == "listings" else book.debts
    there = flat(house.table(stage)[KEYS[stage][0]]).to_pylist()
    own = (book.listings.listing_id if stage == "listings" else book.debts.debt_id).to_pylist()
    words = dict(zip(own, flat(side.disposition).to_pylist(), strict=True))
    found = []
    for key in keys:
        if key not in words and key not in there:
            found.append(Finding("SAMPLE_KEY", f"{stage}/{key}", "the snapshot has no such key", "look it up"))
        elif words.get(key) not in {"pending", "blocked"}:
            found.append(
                Finding("SAMPLE_KEY", f"{stage}/{key}", f"it is not to be sent ({words.get(key)})", "leave it out")
            )
    return found
