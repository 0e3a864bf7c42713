"""Asking the bank (reliability.md R4): an unknown outcome is resolved by a question, never by sending again blindly.

What the bank says is recorded with its replies. "Not found" counts only past the bank's finality, and only the second time;
then a file may be sent once more, the same bytes under the same name, when people have approved that very re-send.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal

import pyarrow as pa

from migration.domain.attempts import batch_of
from migration.domain.columns import equals, member
from migration.domain.errors import GateClosed, TransientError
from migration.domain.ports import Inquiries
from migration.domain.tables import ANSWERS, ENTITY_OF, NOT_FOUND
from migration.domain.values import Batch, Inquired
from migration.stages import gates, results
from migration.stages.house import House

ABSENT: Final = "asked_not_found"
"""Event: the bank knew nothing of a file, or of some of its items."""
RESENT: Final = "sent_again"
"""Event: a file is about to be put there once more, on this approval."""
ONLY_MISSING: Final = frozenset({"RESULT_QUARANTINED", "RESULT_ROW_MISSING", "RESULT_MORE"})
"""Codes of a quarantine that a question can settle: the file lacks rows and is otherwise sound."""

TWICE: Final = 2
"""So often the bank must not know a thing (R4)."""

Said = Literal["settled", "processing", "absent", "resent", "unasked"]


def settle(house: House, batch: Batch) -> Said:
    """Ask for a file whose result has not come. Settled: its items' outcomes are recorded, no file is awaited any more.

    Absent for the second time past the finality: Waiting for the approval of `resend.<date>.<batch>`, then sent once.
    """
    if house.inquiries is None or not _sound(house, batch):
        return "unasked"
    said = house.inquiries.batch(batch)
    if said == "absent":
        return _absent(house, batch)
    if said == "processing" or not _record_all(house, house.inquiries, batch):
        return "processing"
    house.tell(f"{batch.stage}: {batch.request_name} resolved by asking the bank")
    return "settled"


def _sound(house: House, batch: Batch) -> bool:
    """Whether nothing but rows was missing from the last result refused; a file that lied is for people."""
    if batch.state != "quarantined":
        return True
    subject = f"batches/{_label(batch)}"
    told = [e.payload for e in house.journal.events() if e.kind == "quarantined" and e.payload["batch"] == subject]
    return bool(told) and missing_only(str(reason[0]) for reason in told[-1]["reasons"])  # type: ignore[attr-defined]


def missing_only(codes: Iterable[str]) -> bool:
    """Whether a result was refused for missing rows alone."""
    found = set(codes)
    return "RESULT_ROW_MISSING" in found and found <= ONLY_MISSING


def settle_refused(house: House, batch: Batch, closed: GateClosed) -> bool:
    """A result without some of its rows was quarantined: the items are asked for one by one."""
    return missing_only(reason.code for reason in closed.reasons) and settle(house, batch) == "settled"


def _record_all(house: House, inquiries: Inquiries, batch: Batch) -> bool:
    """Record every item of a file that the bank is done with; False while it is still at one of them."""
    keys = _items(house, batch)["key"].to_pylist()
    found = inquiries.items(batch, house.journal.request(batch), keys, results.context(house, batch))
    if found.processing:
        return False
    if found.absent:
        _note(house, batch, found.absent)
    outcome = "unknown"
    if ENTITY_OF[batch.kind] == "users":  # nobody signs for an open account: wait until the bank's word is final
        outcome = "refused"
        if any(len(_times(house, batch, key)) < TWICE for key in found.absent):
            return False
    house.failpoint(f"{batch.stage}.before_resolve")
    name = f"inquiry-{batch.batch_no}-{batch.business_date:%Y%m%d}"
    house.journal.resolve(house.fence, batch, name, _with(house, batch, found, found.absent, outcome))
    house.failpoint(f"{batch.stage}.after_resolve")
    return True


def resolve_unknown(house: House, stage: str) -> None:
    """Ask for every unsigned item of unknown outcome of a stage, and record what has become known.

    Unanswered questions leave everything as it is: the caller stops on what is still unknown.
    """
    inquiries = house.inquiries
    if inquiries is None:
        return
    for batch in house.journal.batches():
        if batch.state == "unknown" and ENTITY_OF[batch.kind] == stage:
            try:
                _resolve(house, inquiries, batch, stage)
            except TransientError as fault:
                house.tell(f"{stage}: the bank could not be asked: {fault.reasons[0]}")


def _resolve(house: House, inquiries: Inquiries, batch: Batch, stage: str) -> None:
    items = _items(house, batch)
    known = house.journal.exceptions()
    signed = known.filter(pa.array(equals(known["entity"], stage) & equals(known["state"], "signed")))["key"]
    left = items.filter(pa.array(equals(items["state"], "unknown") & ~member(items["key"], signed)))["key"]
    if not len(left):
        return
    found = inquiries.items(batch, house.journal.request(batch), left.to_pylist(), results.context(house, batch))
    if found.absent:
        _note(house, batch, found.absent)
    gone = [key for key in found.absent if len(_times(house, batch, key)) >= TWICE]
    house.failpoint(f"{stage}.before_resolve")
    house.journal.resolve(house.fence, batch, batch.result_name, _with(house, batch, found, gone, "refused"))
    house.failpoint(f"{stage}.after_resolve")
    for reason in found.differing:
        house.tell(str(reason))


def _with(house: House, batch: Batch, found: Inquired, gone: Iterable[str], outcome: str) -> Inquired:
    """The answers, and a row without a record for each item that the bank knows nothing of."""
    wanted = set(gone)
    rows = [
        {"record_no": row["record_no"], "key": row["key"], "outcome": outcome, "code": NOT_FOUND}
        for row in _items(house, batch).to_pylist()
        if row["key"] in wanted
    ]
    answers = pa.concat_tables([found.answers, pa.Table.from_pylist(rows, ANSWERS)])
    return Inquired(answers.sort_by("record_no"), found.records, found.replies)


# --- not found, and sent again ------------------------------------------------------------------------------------------


def _absent(house: House, batch: Batch) -> Said:
    """Count it; twice past the finality: ask people, then put the same bytes there once more."""
    _note(house, batch, ())
    asked = _times(house, batch, None)
    if len(asked) < TWICE:
        return "absent"
    gate = f"resend.{batch.business_date.isoformat()}.{batch.batch_no}"
    content = {
        "file": [batch.request_name, batch.request_sha256, batch.rows, batch.sum_fen],
        "not_found": [at.isoformat() for at in asked[:TWICE]],
    }
    digest = gates.digest_of(house, gate, batch.round, content)
    gates.require_approval(house, gate, batch.round, digest)
    note = {"batch": _label(batch), "request_sha256": batch.request_sha256, "gate": gate, "digest": digest}
    house.journal.note(house.actor, RESENT, note)
    gates.require_approval(house, gate, batch.round, digest)  # fenced: who was overtaken stops here
    sealed = house.journal.request(batch)
    if hashlib.sha256(sealed).hexdigest() != batch.request_sha256:
        detail = "the kept bytes are not those that were sealed and approved"
        raise GateClosed.of("CONTENT_CHANGED", batch.request_name, detail, "cutover journal verify")
    house.failpoint("resend.before_deliver")
    house.files.deliver(batch.request_name, batch.business_date, sealed)
    house.failpoint("resend.after_deliver")
    house.tell(f"{batch.stage}: sent {batch.request_name} again, as approved")
    return "resent"


def _note(house: House, batch: Batch, keys: Iterable[str]) -> None:
    """Keep that the bank knew nothing, once for each time that counts."""
    named = sorted(keys)
    now = house.clock.now()
    seen = _events(house, batch, ABSENT)
    again = timedelta(seconds=house.terms.ask_again_s)
    if any(list(payload["keys"]) == named and now - at < again for at, payload in seen):  # type: ignore[call-overload]
        return
    house.journal.note(house.actor, ABSENT, {"batch": _label(batch), "keys": named})


def _times(house: House, batch: Batch, key: str | None) -> list[datetime]:
    """When the bank did not know the file (None) or an item, past its finality since the file last left."""
    left = max([at for at, _ in _events(house, batch, RESENT)] + ([batch.delivered_at] if batch.delivered_at else []))
    final = left + timedelta(seconds=house.terms.finality_s)
    times: list[datetime] = []
    for at, payload in _events(house, batch, ABSENT):
        keys = list(payload["keys"])  # type: ignore[call-overload]
        counts = not keys if key is None else key in keys
        apart = not times or at - times[-1] >= timedelta(seconds=house.terms.ask_again_s)
        if counts and at >= final and apart:
            times.append(at)
    return times


def _events(house: House, batch: Batch, kind: str) -> list[tuple[datetime, dict[str, object]]]:
    mine = _label(batch)
    return [(e.at, dict(e.payload)) for e in house.journal.events() if e.kind == kind and e.payload["batch"] == mine]


def stands(house: House, batch: Batch) -> bool:
    """Whether the bank has a file that may have left before although its delivery was never recorded."""
    return house.inquiries is not None and house.inquiries.batch(batch) != "absent"


def _items(house: House, batch: Batch) -> pa.Table:
    items = house.items(ENTITY_OF[batch.kind])
    return items.filter(pa.array(member(batch_of(items), pa.array([_label(batch)], pa.string()))))


def _label(batch: Batch) -> str:
    return f"{batch.business_date.isoformat()}/{batch.batch_no}"
