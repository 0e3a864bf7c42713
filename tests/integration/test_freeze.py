"""The freeze (H28): a change behind the snapshot is caught at the next gate, by key, under both policies."""

from __future__ import annotations

import pytest

from tests.support.platform import joined, loan, person, small
from tests.support.rehearsal import Rehearsal


def repaid(platform, debt, amount):
    """U1 repays part of a debt: the schedule, the debt and the lender's escrow account change, as they would."""
    changed = {entity: [dict(r) for r in rows] for entity, rows in platform.items()}
    (held,) = (d for d in changed["debts"] if d["debt_id"] == debt)
    held["principal"] = f"{float(held['principal']) - amount:.2f}"
    (period,) = (s for s in changed["schedules"] if s["listing_id"] == held["listing_id"])
    period["principal_paid"] = f"{float(period['principal_paid']) + amount:.2f}"
    (cash,) = (e for e in changed["escrow_accounts"] if e["user_id"] == held["lender_id"])
    cash["available"] = f"{float(cash['available']) + amount:.2f}"
    return changed


def slip_in(case, changed):
    for entity, rows in changed.items():
        case.source.replace(entity, rows)


def test_h28_a_repayment_after_the_snapshot_stops_the_next_stage_by_key(tmp_path):
    case = Rehearsal(tmp_path, small())
    assert case.run("accounts") == 0
    slip_in(case, repaid(small(), "L1D1", 400))
    for _ in range(2):  # and it stays shut: no later run takes the change for granted
        assert case.run() == 3
        assert set(case.codes) == {"SNAPSHOT_CHANGED"}
        said = {r.subject: r.detail for r in case.reasons}
        assert said.keys() == {"debts", "escrow_accounts", "schedules"}
        assert "1 changed: L1D1" in said["debts"]
        assert "1 changed: L1/1" in said["schedules"]
        assert "1 changed: E2" in said["escrow_accounts"]
    assert not [n for n in case.sent() if "BIDIN" in n]
    (event,) = (e for e in case.journal.events() if e.kind == "source_changed")
    assert event.payload["entities"]["debts"]["sums_fen"]["principal"] == {"before": 100000, "after": 60000}
    assert event.payload["from"] == case.journal.snapshot().digest
    assert event.payload["to"] == case.source.take().digest
    slip_in(case, repaid(small(), "L1D1", 500))
    assert case.run() == 3
    assert len([e for e in case.journal.events() if e.kind == "source_changed"]) == 2, "each state of the source once"
    slip_in(case, small())
    assert case.run() == 0, "undone at the source, the run goes on"


def test_a_change_right_after_preflight_is_no_reason_for_a_new_snapshot(tmp_path):
    case = Rehearsal(tmp_path, small(1))
    assert case.run("preflight") == 0
    slip_in(case, repaid(small(1), "L1D1", 400))
    for _ in range(2):
        assert case.run() == 3
        assert set(case.codes) == {"SNAPSHOT_CHANGED"}


def test_a_source_that_stays_as_it_was_is_taken_once(tmp_path, monkeypatch):
    case, taken = Rehearsal(tmp_path, small(1)), []
    real = case.source.take
    monkeypatch.setattr(case.source, "take", lambda: taken.append(1) or real())
    assert case.run() == 0
    assert len(taken) == 1


def test_rows_new_and_gone_are_named_too(tmp_path):
    case = Rehearsal(tmp_path, small(2))
    assert case.run("accounts") == 0
    users = small()["users"]
    case.source.replace("users", [*users[1:], person(8)])
    assert case.run() == 3
    (only,) = case.reasons
    assert "1 new: U8" in only.detail
    assert "1 gone: U1" in only.detail
    assert not any(text in only.detail for text in ("138", "1101"))


def test_h28_by_policy_it_becomes_a_delta(tmp_path):
    case = Rehearsal(tmp_path, small(), late_change="delta", measured=True)
    assert case.run("accounts") == 0, case.reasons
    before = case.journal.snapshot().digest
    slip_in(case, repaid(small(), "L1D1", 400))
    assert case.run() == 0, case.reasons
    (event,) = (e for e in case.journal.events() if e.kind == "late_change")
    assert (event.payload["from"], event.payload["to"]) == (before, case.journal.snapshot().digest)
    said = event.payload["entities"]
    assert {k: v["changed"] for k, v in said.items()} == {
        "debts": ["L1D1"], "escrow_accounts": ["E2"], "schedules": ["L1/1"],
    }  # fmt: skip
    assert said["escrow_accounts"]["sums_fen"]["available"] == {"before": 1230, "after": 41230}
    (debt,) = (r for r in case.exports()["debts"].to_pylist() if r["debt_id"] == "L1D1")
    (listing,) = (r for r in case.exports()["listings"].to_pylist() if r["listing_id"] == "L1")
    assert (debt["principal_fen"], debt["disposition"]) == (60000, "registered")
    assert listing["outstanding_fen"] == 60000 + 50050 + 1001
    found = case.balance()
    assert (found["difference_fen"], found["residual_fen"]) == (0, 3690 + 40000)


def test_a_delta_taken_over_between_sealing_and_approval_changes_the_file(tmp_path):
    """What was approved is what is sent: the file sealed before the repayment is drawn up anew."""
    case = Rehearsal(tmp_path, small(), late_change="delta")
    assert case.run("listings") == 0
    assert case.run(approve=()) == 4, "the debts' sample is sealed and waits"
    slip_in(case, repaid(small(), "L1D1", 400))
    assert case.run() == 0, case.reasons
    (content,) = (c for n, c in case.sent().items() if n.startswith("3005-BID-"))
    line = next(x for x in content.split(b"\n") if b"L1D1" in x)
    assert line[79:92] == b"0000000060000"


def test_the_last_repayment_finishes_a_listing_that_was_not_sent(tmp_path):
    case = Rehearsal(tmp_path, small(), late_change="delta")
    assert case.run("accounts") == 0
    changed = small()
    changed["listings"][2]["status"] = "finished"
    changed["schedules"][2]["principal_paid"] = changed["schedules"][2]["principal"]
    for debt in changed["debts"][6:]:
        debt["status"] = "finished"
    slip_in(case, changed)
    assert case.run() == 0, case.reasons
    assert case.where("listings")["L3"] == ("not_migrated", "FINISHED")
    assert case.where("debts")["L3D1"] == ("not_migrated", "FINISHED")


def test_h28_what_was_sent_already_stops_the_run(tmp_path):
    """U7 is refused, so the run waits; meanwhile a registered debt of another lender is repaid."""
    platform = joined(small(1), {"users": [person(7)]}, loan(9, "U7", {"U2": "70.00"}))
    case = Rehearsal(tmp_path, platform, late_change="delta", faults={"refuse_users": {"U7": "106"}})
    assert case.run() == 4
    slip_in(case, repaid(platform, "L1D1", 400))
    for _ in range(2):
        assert case.run() == 3
        assert set(case.codes) == {"LATE_CHANGE_SENT"}
        assert {r.subject for r in case.reasons} == {"debts/L1D1", "schedules/L1/1", "snapshot"}
    slip_in(case, repaid(platform, "L9D1", 20))
    case.sign(("users", "U7"))
    assert case.run() == 0, "what was never sent may still change"
    assert case.where("debts")["L9D1"] == ("excepted", "PARTY_NOT_OPENED")
    assert (case.balance()["excepted_fen"], case.balance()["difference_fen"]) == (5000, 0)


@pytest.mark.parametrize(
    ("entity", "at", "changes"),
    [
        ("users", 0, {"phone": "13900001111"}),
        ("listings", 0, {"annual_rate": "13"}),
        ("listings", 0, {"status": "cancelled"}),
        ("debts", 0, {"principal": "1000.01"}),
        ("debts", 0, {"lender_id": "U3"}),
        ("schedules", 0, {"due_date": "2017-12-01"}),
        ("debts", 0, {"principal": "0.001"}),
    ],
)
def test_h28_only_repayments_become_a_delta(tmp_path, entity, at, changes):
    case = Rehearsal(tmp_path, small(1), late_change="delta")
    assert case.run("accounts") == 0
    changed = small(1)
    changed[entity][at].update(changes)
    slip_in(case, changed)
    assert case.run() == 3
    assert set(case.codes) == {"SNAPSHOT_CHANGED"}
    assert case.reasons[0].subject in {entity, "issues"}  # a cell that can no longer be read is an issue first
    assert not [e for e in case.journal.events() if e.kind == "late_change"]


@pytest.mark.parametrize("point", ["delta.after_note", "delta.after_reopen", "delta.after_snapshot"])
def test_a_run_killed_while_it_takes_a_delta_over_goes_on_from_there(tmp_path, point):
    class Killed(BaseException):
        pass

    def strike(name):
        if name == point:
            raise Killed

    case = Rehearsal(tmp_path, small(1), late_change="delta")
    assert case.run("accounts") == 0
    slip_in(case, repaid(small(1), "L1D1", 400))
    case.failpoint = strike
    with pytest.raises(Killed):
        case.run()
    case.failpoint = lambda _name: None
    assert case.run() == 0, case.reasons
    assert case.balance()["difference_fen"] == 0
    assert case.balance()["registered_fen"] == 60000 + 50050 + 1001
