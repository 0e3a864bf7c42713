"""Unknown outcomes are resolved by asking the bank; nothing is sent twice (reliability.md R4, contract.md section 3).

The sandbox bank answers over HTTPS from the same books that the files are worked into.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import timedelta

import pytest

from migration.bank.query import Patience, trusting
from migration.sandbox.bank import dump
from migration.sandbox.bank.query_keys import prepare
from tests.support.asking import asked
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

RESULTS = {"accounts": "APPZX0110-000001", "listings": "BIDIN-", "debts": "BID-0"}
LATE = 1.0  # so long the rehearsals wait for a file
FINAL = 600.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("keys") / "query"


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """What comes of it when nothing goes wrong."""
    case = Rehearsal(tmp_path_factory.mktemp("clean"), small())
    assert case.run() == 0
    return exports(case)


def case_of(root, faults=None, **changes):
    values = {"result_timeout_s": LATE, "finality_s": FINAL, "ask_again_s": 60.0} | changes
    return Rehearsal(root, small(), faults=faults or {}, **values)


def exports(case):
    """All exports but the result's name and digest, which say how the outcome became known."""
    found = case.exports()
    found["batches"] = found["batches"].drop_columns(["result_name", "result_sha256"])
    return found


def effects(case):
    return Counter(e["count"] for e in dump(case.root / "state")["effects"])


def once(case):
    """Every bank effect happened once."""
    return set(effects(case)) == {1}


def events(case, kind):
    return [e.payload for e in case.journal.events() if e.kind == kind]


@pytest.mark.parametrize("stage", RESULTS)
def test_an_answer_lost_after_the_bank_took_the_file_is_asked_for(tmp_path, made, clean, stage):
    """The result never comes. Asked when the time is up: found, recorded item by item, nothing sent again."""
    judged = stage == "debts"  # by the real measures and the verifier: seconds a run
    held = {"hold": [{"match": RESULTS[stage], "until_released": True}]}
    case = case_of(tmp_path, held, verified=judged, measured=judged)
    with asked(case, made) as desk:
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert once(case)
    told = {row["batch_no"]: row["result_name"] for row in case.exports()["batches"].to_pylist()}
    assert any(name.startswith("inquiry-") for name in told.values())
    assert len(events(case, "resolved")) >= 1
    assert {m["txCode"] for m in desk.asked} >= {"batchQuery", "transactionStatusQuery"}


@pytest.mark.parametrize("how", ["reset", "502", "504", "timeout"])
def test_the_file_s_answer_lost_and_the_questions_answers_too(tmp_path, made, clean, how):
    """Lost past all tries: nothing is decided and nothing sent; the next run asks on, and finds."""
    lost = [
        {"match": about, "how": how, "times": times}
        for about, times in (("batchQuery", 4), ("transactionStatusQuery", 1))
    ]
    case = case_of(tmp_path, {"hold": [{"match": "BID-0", "until_released": True}], "query": lost})
    with asked(case, made, patience=Patience(timeout_s=0.4, tries=3, pause_s=0.5)) as desk:
        assert case.run() == 1
        assert case.codes == ["QUERY_UNAVAILABLE"]
        before = case.sent()
        assert case.run() == 0, case.reasons
        numbers = [m["seqNo"] for m in desk.asked]
    assert len(set(numbers)) == len(numbers), "every question has a number of its own"
    assert exports(case) == clean
    assert {name: case.sent()[name] for name in before} == before
    assert not events(case, "sent_again")
    assert once(case)


def test_signed_answers_that_lie_are_no_answers(tmp_path, made, clean):
    """Wrong number, amount, currency; an old answer; another hand: exit 5 each time, and nothing is recorded."""
    lies = [("batchQuery", how) for how in ("number", "amount", "currency")]
    lies += [("transactionStatusQuery", how) for how in ("number", "amount", "currency")]
    lies += [("batchQuery", "replay"), ("batchQuery", "signature")]
    case = case_of(tmp_path, {"hold": [{"match": "BID-0", "until_released": True}]})
    with asked(case, made):
        for about, how in lies:
            case.faults({"hold": [{"match": "BID-0", "until_released": True}], "query": [{"match": about, "how": how}]})
            assert case.run() == 5, (about, how)
            other = {"replay": "QUERY_REPLAYED", "signature": "QUERY_SIGNATURE"}
            assert case.codes[0] == other.get(how, "QUERY_CONTRADICTS"), (about, how)
            assert not events(case, "resolved"), (about, how)
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert not events(case, "sent_again")
    assert once(case)


def test_the_day_cut_is_waited_for(tmp_path, made, clean):
    held = {"hold": [{"match": "BID-0", "until_released": True}]}
    case = case_of(tmp_path, held | {"query": [{"match": "batchQuery", "how": "day_cut"}]})
    with asked(case, made) as desk:
        assert case.run() == 4
        assert (case.codes, len(desk.asked)) == (["QUERY_DAY_CUT"], 1)
        case.clock.sleep(3600)
        assert case.run() == 0, case.reasons
    assert exports(case) == clean


def test_another_certificate_and_nothing_is_asked_nor_decided(tmp_path, made, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "query"
    prepare(other)
    case = case_of(tmp_path, {"hold": [{"match": "BID-0", "until_released": True}]})
    with asked(case, made, trust=trusting(other / "tls.pem")) as desk:
        assert case.run() == 5
        assert (case.codes, desk.asked) == (["QUERY_TLS"], [])
        assert not events(case, "resolved")


def test_a_late_file_that_says_the_same_changes_nothing(tmp_path, made):
    case = case_of(tmp_path, {"hold": [{"match": "BIDIN-", "until_released": True}]})
    with asked(case, made):
        assert case.run() == 0, case.reasons
        case.faults({})
        case.bank.tick()
        case.clock.sleep(10)
        before = case.exports()
        assert case.run() == 0, case.reasons
        assert case.exports() == before


def test_a_late_file_that_says_otherwise_is_quarantined(tmp_path, made):
    case = case_of(tmp_path, {"hold": [{"match": "BIDIN-", "until_released": True}]})
    with asked(case, made):
        assert case.run() == 0, case.reasons
        case.faults({"corrupt": [{"match": "BIDINRESP", "how": "code", "code": "25"}]})
        case.bank.tick()
        case.clock.sleep(10)
        assert case.run() == 3
        assert case.codes == ["RESULT_CONTRADICTS"]


def test_a_file_without_some_rows_is_quarantined_and_its_items_asked_for(tmp_path, made, clean):
    case = case_of(tmp_path, {"corrupt": [{"match": "BIDRESP", "how": "missing", "times": 99}]})
    with asked(case, made):
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert len(events(case, "quarantined")) == 1
    assert once(case)


def test_a_file_that_lies_is_not_replaced_by_questions(tmp_path, made):
    case = case_of(tmp_path, {"corrupt": [{"match": "BIDRESP", "how": "echo", "times": 1}], "hold": []})
    with asked(case, made) as desk:
        assert case.run() == 3
        assert case.codes[0] == "RESULT_QUARANTINED"
        assert not [m for m in desk.asked if m["txCode"] == "transactionStatusQuery"]


def registered_elsewhere(case, amount_fen):
    """L1 stands in the bank's books already, by whatever way; it answers 22 to our registration."""
    assert case.run("reopen") == 0
    book = sqlite3.connect(case.root / "state" / "ledger.sqlite", timeout=30)
    accounts = dict(book.execute("SELECT app_id, account_no FROM customers"))
    file = "3005-BIDIN-000187-000099-20171117"
    row = ("L1", "借款1", accounts["U1"], amount_fen, "1", "05", 30, 1250000, accounts["U4"], "", "", file, 1)
    with book:
        book.execute(f"INSERT INTO listings VALUES ({', '.join('?' * len(row))})", row)
    book.close()


def test_exists_already_is_looked_up_and_taken_when_it_is_ours(tmp_path, made, clean):
    """Code 22 for a listing whose registration we know nothing of: the bank's details are those sent."""
    case = case_of(tmp_path, verified=True)
    registered_elsewhere(case, 151051)
    with asked(case, made) as desk:
        assert case.run() == 0, case.reasons
        assert "debtDetailsQuery" in {m["txCode"] for m in desk.asked}
    assert exports(case) == clean
    assert events(case, "resolved")[0]["outcomes"] == {"ok": 1}
    assert case.exceptions() == {}
    assert once(case)


def test_exists_already_with_other_content_stays_unknown(tmp_path, made):
    case = case_of(tmp_path)
    registered_elsewhere(case, 999)
    with asked(case, made):
        assert case.run() == 5
        assert case.codes == ["OUTCOME_UNKNOWN"]
        assert any("QUERY_DIFFERS" in line for line in case.said)
        assert case.run() == 5, "it stays so until somebody signs"
        case.sign(("listings", "L1"))
        assert case.run() == 0, case.reasons


def test_without_an_answer_the_outcome_stays_unknown(tmp_path, made):
    faults = {
        "corrupt": [{"match": "BIDINRESP", "how": "code22"}],
        "query": [{"match": "transactionStatusQuery", "how": "502", "times": 99}],
    }
    case = case_of(tmp_path, faults)
    with asked(case, made):
        assert case.run() == 5
        assert case.codes == ["OUTCOME_UNKNOWN"]


# --- not found, and sent again -------------------------------------------------------------------------------------------


def test_not_found_twice_past_the_window_and_approved_is_sent_once(tmp_path, made, clean):
    case = case_of(tmp_path, {"lose": [{"match": "BID-0"}]})
    with asked(case, made):
        assert case.run() == 4, "asked too early: it may still be found"
        assert "does not know" in case.reasons[0].detail
        case.clock.sleep(FINAL)
        assert case.run() == 4, "past the window, once"
        assert not [g for g in case.journal.gates() if g.gate.startswith("resend")]
        case.clock.sleep(60)
        assert case.run(approve=("first",)) == 4
        assert case.codes == ["APPROVAL_MISSING"]
        gate = case.journal.gates()[-1]
        number = gate.gate.rpartition(".")[2]
        assert (gate.gate, gate.needed, gate.given) == (f"resend.2017-11-18.{number}", 2, ("first",))
        assert not [n for n in case.sent() if n.startswith("3005-BID-0")], "nothing is sent before it is approved"
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert len(events(case, "sent_again")) == 1
    assert once(case)


def test_not_found_first_and_found_later_is_not_sent_again(tmp_path, made, clean):
    faults = {
        "hold": [{"match": "BID-0", "until_released": True}],
        "query": [{"match": "batchQuery", "how": "not_found", "times": 1}],
    }
    case = case_of(tmp_path, faults)
    with asked(case, made):
        assert case.run() == 4
        case.clock.sleep(FINAL)
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert not events(case, "sent_again")
    assert once(case)


def test_a_rejected_resend_stops_the_run(tmp_path, made):
    case = case_of(tmp_path, {"lose": [{"match": "BID-0"}]})
    with asked(case, made):
        case.run()
        for pause in (FINAL, 60):
            case.clock.sleep(pause)
            case.run(approve=("first",))
        gate = case.journal.gates()[-1]
        case.journal.decide(gate.gate, gate.digest, "second", "reject", "ask by telephone", rehearsal=False)
        assert case.run() == 3
        assert case.codes == ["REJECTED"]
        assert not events(case, "sent_again")


def test_processing_for_hours_is_waited_for(tmp_path, made, clean):
    faults = {
        "hold": [{"match": "BIDIN-", "until_released": True}],
        "query": [{"match": "batchQuery", "how": "processing", "times": 3}],
    }
    case = case_of(tmp_path, faults)
    with asked(case, made):
        for _ in range(3):
            assert case.run() == 4
            assert "is at it" in case.reasons[0].detail
            case.clock.sleep(3600)
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert once(case)


# --- the process dies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point", ["listings.sample.after_deliver", "debts.sample.before_deliver", "accounts.after_deliver"]
)
def test_killed_around_the_delivery_the_bank_is_asked_before_anything_is_sent(tmp_path, made, clean, point):
    """The request has left, or not: the journal only knows that it was about to. The bank took it out of `out/`."""
    case = case_of(tmp_path)

    def kill(name):
        if name == point:
            raise KeyboardInterrupt

    case.failpoint = kill
    with asked(case, made) as desk:
        with pytest.raises(KeyboardInterrupt):
            case.run()
        case.bank.tick()
        for path in (case.root / "bank" / "out").rglob("3005-*"):
            path.unlink()  # the bank clears its inbox
        case.failpoint = lambda _name: None
        assert case.run() == 0, case.reasons
        assert desk.asked[0]["txCode"] == "batchQuery"
    if "after_deliver" in point:
        assert any("is not sent again" in line for line in case.said)
    assert exports(case) == clean
    assert once(case)


@pytest.mark.parametrize("point", ["listings.before_resolve", "listings.after_resolve"])
def test_killed_around_recording_what_was_asked(tmp_path, made, clean, point):
    case = case_of(tmp_path, {"hold": [{"match": "BIDIN-", "until_released": True}]})

    def kill(name):
        if name == point:
            raise KeyboardInterrupt

    case.failpoint = kill
    with asked(case, made):
        with pytest.raises(KeyboardInterrupt):
            case.run()
        case.failpoint = lambda _name: None
        assert case.run() == 0, case.reasons
    assert exports(case) == clean
    assert len(events(case, "resolved")) == 1


def test_the_approval_is_for_these_bytes_and_these_questions(tmp_path, made):
    """Sent again and lost again: the old approval does not serve a second time."""
    case = case_of(tmp_path, {"lose": [{"match": "BID-0", "times": 2}]})
    with asked(case, made):
        for pause in (0, FINAL, 60, FINAL, 60):
            case.clock.sleep(timedelta(seconds=pause).total_seconds())
            last = case.run()
        assert last == 0, case.reasons
    assert len({e["digest"] for e in events(case, "sent_again")}) == 2
    assert once(case)
