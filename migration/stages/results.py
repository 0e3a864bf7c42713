"""Results: judged as a whole before one row is applied; a used one may not change afterwards."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from migration.domain import corrections
from migration.domain.attempts import batch_of
from migration.domain.columns import MISSING, equals, lookup, member, pick
from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.domain.tables import ENTITY_OF
from migration.domain.values import Batch, ResultContext, ResultRefused
from migration.stages.house import House


def take(house: House, batch: Batch) -> bool:
    """Apply the batch's result if it is there. False: not there yet, or still growing. GateClosed: quarantined."""
    _, name = house.bank.names(batch.kind, batch.batch_no, batch.business_date)
    found = house.files.result(name, batch.business_date)
    if found is None:
        return False
    request = house.journal.request(batch)
    try:
        answers = house.bank.check(batch, request, found.content, context(house, batch))
    except ResultRefused as refusal:
        if not found.settled:  # it may still be growing
            return False
        _quarantine(house, batch, name, found.content, refusal)
    house.failpoint(f"{batch.stage}.before_apply")
    applied = house.journal.apply(house.fence, batch, name, found.content, answers)
    house.failpoint(f"{batch.stage}.after_apply")
    house.files.manifest(
        name,
        {
            "way": "received",
            "name": name,
            "business_date": batch.business_date.isoformat(),
            "answers": batch.request_name,
            "rows": batch.rows,
            "sum_fen": batch.sum_fen,
            "bytes": len(found.content),
            "sha256": hashlib.sha256(found.content).hexdigest(),
        },
    )
    house.failpoint(f"{batch.stage}.after_result_manifest")
    house.tell(f"{batch.stage}: applied {name} ({batch.rows} rows, {applied.state})")
    return True


def _quarantine(house: House, batch: Batch, name: str, content: bytes, refusal: ResultRefused) -> None:
    digest = hashlib.sha256(content).hexdigest()
    house.journal.mark_quarantined(house.fence, batch, digest, refusal.reasons)
    house.failpoint(f"{batch.stage}.before_quarantine")
    house.files.quarantine(name, batch.business_date, content, refusal.reasons)
    house.failpoint(f"{batch.stage}.after_quarantine")
    raise GateClosed(
        Finding(
            "RESULT_QUARANTINED",
            name,
            f"{len(refusal.reasons)} finding(s); no row was applied",
            "put the correct file in its place and run again",
        ),
        *refusal.reasons,
    ) from refusal


def context(house: House, batch: Batch) -> ResultContext:
    """What the journal already knows, this batch apart: numbers and codes taken, names by account, keys confirmed."""
    users = house.items("users")
    opened = users.filter(pa.array(equals(users["state"], "ok")))
    taken = pa.table({"account_no": opened["account_no"], "user_id": opened["key"]})
    entity = ENTITY_OF[batch.kind]
    items = users if entity == "users" else house.items(entity)
    others = ~member(batch_of(items), pa.array([_label(batch)], pa.string()))
    confirmed = items.filter(pa.array(equals(items["state"], "ok") & others))
    return ResultContext(
        names=_names(house, taken)
        if entity != "users"
        else pa.table({"account_no": taken["account_no"][:0], "name": taken["user_id"][:0]}),
        taken=taken,
        authcodes=confirmed["authcode"],
        confirmed=confirmed["key"],
    )


def _names(house: House, taken: pa.Table) -> pa.Table:
    """Account -> the name of its owner, corrections included; the whole book is not wanted for that."""
    users = corrections.apply(house.table("users"), house.journal.corrections())
    at = lookup(taken["user_id"], users["user_id"])
    known = taken.append_column("name", pick(users["name"], at)).filter(pa.array(at != MISSING))
    return known.select(["account_no", "name"])


def unchanged(house: House) -> None:
    """Results stay in `in/` after use: other content under a used name is quarantined and closes the gate."""
    changed = []
    for batch in house.journal.batches():
        if not batch.result_sha256:
            continue
        _, name = house.bank.names(batch.kind, batch.batch_no, batch.business_date)
        found = house.files.result(name, batch.business_date)
        if found is None or hashlib.sha256(found.content).hexdigest() == batch.result_sha256:
            continue
        if batch.result_name != name and (not found.settled or _agrees(house, batch, found.content)):
            continue
        finding = Finding(
            "RESULT_CONTRADICTS",
            name,
            "the file differs from what was applied for this request",
            "ask the bank which one is true; what was applied stands",
        )
        house.journal.note(house.actor, "result_contradicts", {"result_name": name})
        house.files.quarantine(name, batch.business_date, found.content, [finding])
        changed.append(finding)
    if changed:
        raise GateClosed(*changed)


def _agrees(house: House, batch: Batch, content: bytes) -> bool:
    """Whether a file that came after its request was resolved by asking says the same of every item."""
    try:
        answers = house.bank.check(batch, house.journal.request(batch), content, context(house, batch))
    except ResultRefused:
        return False
    items = house.items(ENTITY_OF[batch.kind])
    mine = items.filter(pa.array(member(batch_of(items), pa.array([_label(batch)], pa.string()))))
    said = {r["key"]: (r["outcome"], r["account_no"], r["authcode"]) for r in answers.to_pylist()}
    held = {r["key"]: (r["state"], r["account_no"], r["authcode"]) for r in mine.to_pylist()}
    return said == held


def _label(batch: Batch) -> str:
    return f"{batch.business_date.isoformat()}/{batch.batch_no}"
