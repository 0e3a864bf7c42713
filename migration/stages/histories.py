"""What the journal's events say of one record, in order: who did what when. No values, only keys, names and states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migration.domain.values import Event

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Marks:
    """By what an event is known to concern a record."""

    entity: str
    key: str
    batches: frozenset[str]  # date/number
    digests: frozenset[str]  # of the approvals its files left under
    exceptions: frozenset[str]
    snapshot: str
    drilled: bool  # a settlement drill paid for it


Teller = Callable[[Payload, Marks], str | None]
"""What an event says of the record; None: nothing."""


def history(events: Sequence[Event], marks: Marks) -> list[dict[str, Any]]:
    """at, actor, kind, what; oldest first."""
    found = []
    for event in events:
        teller = _TELLERS.get(event.kind)
        what = teller(event.payload, marks) if teller else None
        if what is not None:
            found.append({"at": event.at, "actor": event.actor, "kind": event.kind, "what": what})
    return found


def _snapshot(payload: Payload, marks: Marks) -> str | None:
    return str(payload["digest"])[:12] if payload["digest"] == marks.snapshot else None


def _of_batch(payload: Payload, marks: Marks) -> str | None:
    label = str(payload["batch"]).removeprefix("batches/")
    return label if label in marks.batches else None


def _planned(payload: Payload, marks: Marks) -> str | None:
    on = str(payload["business_date"])
    drawn = [f"{on}/{row['batch_no']}" for row in payload["batches"]]
    return ", ".join(label for label in drawn if label in marks.batches) or None


def _applied(payload: Payload, marks: Marks) -> str | None:
    label = _of_batch(payload, marks)
    return label and f"{label} {payload['result_name']}"


def _decided(payload: Payload, marks: Marks) -> str | None:
    if payload["digest"] not in marks.digests:
        return None
    return f"{payload['gate']} {payload['name']} {payload['decision']}"


def _corrected(payload: Payload, marks: Marks) -> str | None:
    fields = [field for user, field in payload["fields"] if marks.entity == "users" and user == marks.key]
    return ", ".join(fields) or None


def _exceptions(payload: Payload, marks: Marks) -> str | None:
    mine = [one for one in payload["ids"] if one in marks.exceptions]
    return f"{', '.join(mine)} {payload['by']}" if mine else None


def _drilled(payload: Payload, marks: Marks) -> str | None:
    return str(payload["drill"]) if marks.drilled else None


_TELLERS: Final[Mapping[str, Teller]] = {
    "snapshot_recorded": _snapshot,
    "corrections_added": _corrected,
    "planned": _planned,
    "sealed": _of_batch,
    "decided": _decided,
    "delivered": _of_batch,
    "quarantined": _of_batch,
    "applied": _applied,
    "resolved": _applied,
    "signed": _exceptions,
    "resend_marked": _exceptions,
    "drill_settled": _drilled,
}
