"""What the chain says of each step: an auditor reads the whole story there, and no value of a person."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

from migration.domain.findings import Finding
from migration.domain.values import Snapshot
from tests.contract.test_journal import (
    DAY,
    D,
    answers_of,
    check,
    corrections_of,
    delivered,
    dispositions_of,
    exceptions_of,
    fence,
    id_of,
    journal,
    make,
    plan_of,
)

__all__ = ["fence", "journal", "make"]
BATCH = "batches/2017-11-18/000001"
HEX = "a" * 64


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def told(journal, since: int = 2) -> list[tuple[str, str, dict]]:
    """Actor, kind and payload of the events after the first two (begun, acquired).

    `witness` is left out: in the database it holds the digests of the rows written, which the double has none of.
    """
    return [(e.actor, e.kind, {k: v for k, v in e.payload.items() if k != "witness"}) for e in journal.events()[since:]]


def test_the_beginning(journal, fence):
    assert told(journal, 0) == [("", "begun", {"id": "c1", "kind": "rehearsal"}), ("op", "acquired", {"fence": 1})]


def test_the_way_of_a_batch(journal, fence):
    (batch,) = journal.plan(fence, [plan_of("listing", ["L1", "L2"], sample=True)], DAY, "listings.sample#1")
    batch = journal.seal(fence, batch, "Q", b"bytes")
    journal.open_gate(fence, "listings.sample", 1, D, 1, "op")
    journal.decide("listings.sample", D, "ann", "approve", "seen", rehearsal=False)
    batch = journal.mark_delivered(fence, batch, D)
    reasons = [Finding("RESULT_ECHO", "R#2", "differs", "ask")] * 25
    journal.mark_quarantined(fence, batch, HEX, reasons)
    journal.apply(fence, batch, "R", b"answers", answers_of(["L1", "L2"], outcome=["ok", "unknown"], code=["00", "22"]))
    drawn = {"batch_no": "000001", "stage": "listings", "round": 1, "kind": "listing", "sample": True, "part": 1}
    here = {"batch": BATCH}
    asked = {"gate": "listings.sample", "digest": D}
    assert told(journal) == [
        ("op", "planned", {"business_date": "2017-11-18", "first": 1, "gate": "listings.sample#1",
                           "batches": [drawn | {"rows": 2, "sum_fen": 200}]}),
        ("op", "sealed", here | {"request_name": "Q", "request_sha256": sha("bytes"), "bytes": 5, "rows": 2, "sum_fen": 200, "stage": "listings", "round": 1}),
        ("op", "gate_opened", asked | {"round": 1, "needed": 1, "requester": "op", "superseded": 0}),
        ("ann", "decided", asked | {"name": "ann", "decision": "approve", "state": "approved", "rehearsal": False}),
        ("op", "delivered", here | {"request_sha256": sha("bytes"), "gate": "listings.sample#1", "digest": D}),
        ("op", "quarantined", here | {"result_sha256": HEX, "count": 25, "reasons": [["RESULT_ECHO", "R#2", "differs"]] * 20}),
        ("op", "applied", here | {"result_name": "R", "result_sha256": sha("answers"), "state": "unknown",
                                  "outcomes": {"ok": 1, "unknown": 1}}),
    ]  # fmt: skip


def test_numbers_given_back(journal, fence):
    plans = [plan_of("person", ["U1"]), plan_of("company", ["C1"])]
    drawn = journal.plan(fence, plans, DAY, "accounts#1")
    journal.withdraw(fence, drawn)
    assert told(journal)[1:] == [("op", "withdrawn", {"batches": ["batches/2017-11-18/000002", BATCH]})]
    (_, _, planned), *_ = told(journal)
    assert [(b["batch_no"], b["kind"]) for b in planned["batches"]] == [("000001", "person"), ("000002", "company")]


def test_gates_that_are_superseded_and_rejected(journal, fence):
    journal.open_gate(fence, "debts.full", 2, D, 2, "op")
    journal.open_gate(fence, "debts.full", 2, "e" * 64, 2, "op")
    journal.decide("debts.full", "e" * 64, " ben ", "reject", "no", rehearsal=True)
    now = {"gate": "debts.full", "digest": "e" * 64}
    assert told(journal)[1:] == [
        ("op", "gate_opened", now | {"round": 2, "needed": 2, "requester": "op", "superseded": 1}),
        ("ben", "decided", now | {"name": "ben", "decision": "reject", "state": "rejected", "rehearsal": True}),
    ]


def test_snapshots_corrections_and_notes(journal, fence):
    taken = Snapshot("s1", {"users": HEX}, {"users": 3}, 4, datetime(2017, 11, 18, tzinfo=UTC))
    journal.record_snapshot(fence, taken)
    row = {"user_id": "U1", "field": "phone", "old": "1", "new": "2", "reason": "r", "by": "bea"}
    journal.add_corrections(corrections_of(row, row | {"user_id": "U2", "field": "name"}), "cem")
    journal.add_corrections(corrections_of(row), "cem")
    journal.note("dan", "seen", {"day": date(2017, 11, 18), "n": [1, True, None]})
    assert told(journal) == [
        ("op", "snapshot_recorded", {"digest": "s1", "counts": {"users": 3}, "issues": 4}),
        ("cem", "corrections_added", {"importer": "cem", "first": 1, "rows": 2, "fields": [["U1", "phone"], ["U2", "name"]]}),
        ("cem", "corrections_added", {"importer": "cem", "first": 3, "rows": 1, "fields": [["U1", "phone"]]}),
        ("dan", "seen", {"day": "2017-11-18", "n": [1, True, None]}),
    ]  # fmt: skip


def test_exceptions_signatures_and_marks(journal, fence):
    one, two, three = ("debts", "D1", "BANK_13", 5), ("debts", "D2", "OVERDUE", 6), ("users", "U1", "BANK_106", 7)
    journal.record_exceptions(fence, exceptions_of(one, two, three))
    journal.record_exceptions(fence, exceptions_of(one, (*two[:3], 9)))
    journal.sign([id_of(*two[:3])], " eve ", "accepted")
    journal.record_exceptions(fence, exceptions_of(one, two, three))
    journal.record_exceptions(fence, exceptions_of(one, two, three))
    counts = {"opened": 0, "reopened": 0, "revalued": 0, "mended": 0}
    assert told(journal) == [
        ("op", "exceptions_recorded", counts | {"opened": 3, "open": 3, "signed": 0}),
        ("op", "exceptions_recorded", counts | {"revalued": 1, "mended": 1, "open": 2, "signed": 0}),
        ("eve", "signed", {"ids": [id_of(*two[:3])], "by": "eve", "released": []}),
        ("op", "exceptions_recorded", counts | {"reopened": 1, "open": 2, "signed": 1}),
    ]


def test_a_signature_releases_what_was_unknown_and_a_mark_is_told_once(journal, fence):
    batch = delivered(journal, fence, plan_of("listing", ["L1", "L2"]), "listings.full")
    answers = answers_of(["L1", "L2"], outcome=["unknown", "refused"], code=["22", "13"])
    journal.apply(fence, batch, "R", b"answers", answers)
    unknown, refused = ("listings", "L1", "BANK_22"), ("listings", "L2", "BANK_13")
    journal.record_exceptions(fence, exceptions_of((*unknown, 1), (*refused, 1)))
    journal.mark_resend([id_of(*refused)], " fay ", "again")
    journal.mark_resend([id_of(*refused)], "fay", "again")
    journal.sign([id_of(*unknown)], "eve", "accepted")
    assert told(journal)[-2:] == [
        ("fay", "resend_marked", {"ids": [id_of(*refused)], "by": "fay"}),
        ("eve", "signed", {"ids": [id_of(*unknown)], "by": "eve", "released": [BATCH]}),
    ]


def test_stages_checks_and_dispositions(journal, fence):
    journal.record_stage(fence, "debts", 2, "done", {"debts": 3}, ("A b",))
    journal.record_checks(
        fence, "debts", 2, [check("r1"), check("r2", "failed"), check("r3", "not_checked"), check("r4")]
    )
    journal.record_dispositions(
        fence, "debts", dispositions_of(("D1", "pending", None), ("D2", "registered", "REGISTERED"))
    )
    journal.record_dispositions(
        fence, "debts", dispositions_of(("D1", "registered", "REGISTERED"), ("D2", "registered", "REGISTERED"))
    )
    assert told(journal) == [
        ("op", "stage", {"stage": "debts", "round": 2, "state": "done", "totals": {"debts": 3}, "reasons": ["A b"]}),
        ("op", "checked", {"stage": "debts", "round": 2, "not_passed": ["r2", "r3"],
                           "outcomes": {"passed": 2, "failed": 1, "not_checked": 1}}),
        ("op", "dispositions_recorded", {"entity": "debts", "written": {"pending": 1, "registered": 1}}),
        ("op", "dispositions_recorded", {"entity": "debts", "written": {"registered": 1}}),
    ]  # fmt: skip
