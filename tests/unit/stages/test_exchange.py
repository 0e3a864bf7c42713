"""The one lifecycle, step by step: what is planned, sealed, approved, delivered, awaited and applied."""

import json
from dataclasses import replace

import pytest

from migration.bank.memory import MemoryFiles
from migration.domain.errors import CutoverError, GateClosed, StaleFence, TransientError, Waiting
from migration.domain.strata import debt_strata, listing_strata
from migration.domain.values import Inquired
from migration.stages import exchange, exchanges, results
from tests.support.platform import joined, loan, small
from tests.support.rehearsal import Rehearsal
from tests.unit.bank.samples import DAY, profile, result
from tests.unit.bank.samples import batch as batch_of
from tests.unit.bank.samples import rows as rows_of
from tests.unit.stages.workshop import ANSWERED, accounts, answer, approve, companies, house, persons

ALL = ("000017", "U-2", "U-3")


def states(one) -> list[tuple[str, str]]:
    return [(b.batch_no, b.state) for b in one.journal.batches()]


def item_states(one) -> dict[str, str]:
    return {r["key"]: r["state"] for r in one.journal.items("users").to_pylist()}


def codes(raised) -> list[str]:
    return [reason.code for reason in raised.value.reasons]


def sent(one, spec):
    """Plan, approve, deliver."""
    exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, spec.gate, "ann")
    exchange.deliver(one, spec)


# --- planning


def test_files_are_cut_at_the_row_limit_and_sealed_in_the_order_of_their_numbers():
    one = house()
    planned = exchange.plan(one, accounts(person=persons(*ALL), company=companies()))
    assert [(b.batch_no, b.kind, b.part, b.rows, b.state) for b in planned] == [
        ("000001", "person", 1, 2, "sealed"),
        ("000002", "person", 2, 1, "sealed"),
        ("000003", "company", 1, 1, "sealed"),
    ]
    assert {b.gate for b in planned} == {"accounts#1"}
    for batch, rows in zip(planned, (persons("000017", "U-2"), persons("U-3"), companies()), strict=True):
        assert one.journal.request(batch) == profile().encode(batch.kind, rows, batch.batch_no, DAY)
        assert batch.request_name == profile().names(batch.kind, batch.batch_no, DAY)[0]
    digests = {r["key"]: r["row_digest"] for r in one.journal.items("users").to_pylist()}
    assert set(digests) == {*ALL, "C-1"}
    assert all(digests.values())


def test_nothing_to_send_is_nothing_planned():
    one = house()
    assert exchange.plan(one, accounts(person=persons())) == ()
    assert states(one) == []


def test_planned_again_it_stays_as_it_is():
    one = house()
    spec = accounts(person=persons(*ALL))
    first = exchange.plan(one, spec)
    head = one.journal.head()
    assert exchange.plan(one, spec) == first
    assert one.journal.head() == head
    assert one.left_out[-1] == ("000001", "000002"), "its own items are judged as if they had not been planned"


@pytest.mark.parametrize("now", [("000017", "U-2*", "U-3"), ("000017", "U-3"), ("000017", "U-2")])
def test_what_never_left_is_planned_anew_when_the_data_change(now):
    one = house()
    before = exchange.plan(one, accounts(person=persons(*ALL)))
    after = exchange.plan(one, accounts(person=persons(*now)))
    assert [b.batch_no for b in after] == [b.batch_no for b in one.journal.batches()]
    assert after[0].batch_no == "000001"
    assert {b.gate for b in after} == {"accounts#1"}
    assert [b.request_sha256 for b in after] != [b.request_sha256 for b in before]
    assert set(item_states(one)) == {key.rstrip("*") for key in now}


def test_with_nothing_left_to_send_the_numbers_go_back():
    one = house()
    exchange.plan(one, accounts(person=persons(*ALL)))
    assert exchange.plan(one, accounts(person=persons())) == ()
    assert states(one) == []


def test_a_set_that_was_planned_and_not_sealed_is_sealed_or_replaced():
    one = house()

    def killed(point):
        if point == "accounts.after_plan":
            raise KeyboardInterrupt

    one.failpoint = killed
    with pytest.raises(KeyboardInterrupt):
        exchange.plan(one, accounts(person=persons(*ALL)))
    assert states(one) == [("000001", "planned"), ("000002", "planned")]
    one.failpoint = lambda _: None
    head = one.journal.head()
    exchange.plan(one, accounts(person=persons(*ALL)))
    assert states(one) == [("000001", "sealed"), ("000002", "sealed")]
    assert "withdrawn" not in one.codes
    assert one.journal.head() != head


def test_a_set_that_was_not_sealed_is_compared_by_its_keys():
    one = house()
    one.failpoint = lambda point: (_ for _ in ()).throw(KeyboardInterrupt) if point == "accounts.after_plan" else None
    with pytest.raises(KeyboardInterrupt):
        exchange.plan(one, accounts(person=persons("000017", "U-2")))
    one.failpoint = lambda _: None
    exchange.plan(one, accounts(person=persons("000017", "U-3")))
    assert item_states(one) == {"000017": "open", "U-3": "open"}


def test_once_a_file_has_left_its_set_stays():
    one = house()
    spec = accounts(person=persons(*ALL))
    before = exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, "accounts", "ann")
    exchange.deliver(one, spec, "2017-11-18/000001")
    assert states(one) == [("000001", "delivered"), ("000002", "sealed")]
    assert exchange.plan(one, accounts(person=persons("000017")))[1] == before[1]
    assert states(one) == [("000001", "delivered"), ("000002", "sealed")]


def test_a_file_that_may_stand_at_the_bank_is_not_taken_back():
    one = house()
    spec = accounts(person=persons(*ALL))
    exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, "accounts", "ann")
    one.failpoint = lambda point: (
        (_ for _ in ()).throw(KeyboardInterrupt) if point == "accounts.after_deliver" else None
    )
    with pytest.raises(KeyboardInterrupt):
        exchange.deliver(one, spec)
    one.failpoint = lambda _: None
    assert states(one) == [("000001", "sealed"), ("000002", "sealed")]
    kept = exchange.plan(one, accounts(person=persons("000017")))
    assert [b.batch_no for b in kept] == ["000001", "000002"]
    assert "withdrawn" not in one.codes


def test_a_further_set_is_drawn_only_when_it_is_to_be_and_the_last_is_answered():
    one = house()
    spec = accounts(person=persons("000017", "U-2"))
    sent(one, spec)
    further = replace(accounts(person=persons("U-3")), redraw=True)
    assert [b.batch_no for b in exchange.plan(one, further)] == ["000001"], "its last file is not answered yet"
    answer(one, one.journal.batches()[0], "000017", "U-2")
    exchange.collect(one, spec)
    assert [b.batch_no for b in exchange.plan(one, accounts(person=persons("U-3")))] == ["000001"]
    (drawn,) = exchange.plan(one, further)
    assert (drawn.batch_no, drawn.gate) == ("000002", "accounts#2")
    assert further.last_set(one) == (drawn,)
    assert len(further.batches(one)) == 2


def test_a_set_belongs_to_its_stage_round_and_kind():
    one = house()
    spec = accounts(person=persons(*ALL))
    exchange.plan(one, spec)
    assert len(spec.batches(one)) == 2
    for other in (replace(spec, stage="reopen"), replace(spec, round=2), replace(spec, sample=True)):
        assert other.batches(one) == ()
        assert other.last_set(one) == ()


# --- approval and delivery


def test_the_approval_is_bound_to_the_files_and_to_what_else_it_rests_on():
    one = house()
    spec = accounts(person=persons(*ALL))
    exchange.plan(one, spec)
    digest = exchange.digest(one, spec)
    assert exchange.digest(one, replace(spec, bound={"sample": []})) != digest
    assert exchange.digest(one, replace(spec, approve_empty=True)) != digest
    other = house()
    exchange.plan(other, accounts(person=persons("000017", "U-2*", "U-3")))
    assert exchange.digest(other, spec) != digest
    same = house()
    exchange.plan(same, spec)
    assert exchange.digest(same, spec) == digest


def test_nothing_sealed_is_nothing_to_approve_unless_it_is_asked_for():
    one = house()
    spec = accounts(person=persons())
    exchange.approve(one, spec)
    exchange.deliver(one, spec)
    assert one.journal.gates() == ()
    with pytest.raises(Waiting):
        exchange.approve(one, replace(spec, approve_empty=True))
    assert [g.gate for g in one.journal.gates()] == ["accounts"]


def test_no_byte_leaves_without_the_approval_of_this_very_digest():
    one = house()
    spec = accounts(person=persons(*ALL))
    exchange.plan(one, spec)
    with pytest.raises(CutoverError) as raised:
        exchange.deliver(one, spec)
    assert one.files.sent == {}
    assert codes(raised) == ["APPROVAL_MISSING"]
    approve(one, "accounts", "ann")
    changed = accounts(person=persons("000017", "U-2*", "U-3"))
    exchange.plan(one, changed)
    with pytest.raises(Waiting):
        exchange.deliver(one, changed)
    assert one.files.sent == {}
    assert "leaving" not in one.codes
    approve(one, "accounts", "ann")
    exchange.deliver(one, changed)
    assert len(one.files.sent) == 2


def test_bytes_that_are_not_those_that_were_sealed_do_not_leave():
    one = house()
    spec = accounts(person=persons("U-2"))
    (batch,) = exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, spec.gate, "ann")
    one.journal._now.contents[batch.key, "request"] = b"other"
    with pytest.raises(GateClosed) as raised:
        exchange.deliver(one, spec)
    assert codes(raised) == ["CONTENT_CHANGED"]
    assert one.files.sent == {}
    assert states(one) == [("000001", "sealed")]


def test_what_was_sealed_is_what_is_delivered_and_recorded():
    one = house()
    spec = accounts(person=persons(*ALL))
    sent(one, spec)
    first, second = one.journal.batches()
    for batch in (first, second):
        assert one.files.sent[DAY, batch.request_name] == one.journal.request(batch)
        assert (batch.state, batch.digest, batch.delivered_at) == (
            "delivered",
            exchange.digest(one, spec),
            one.clock.now(),
        )
    assert one.codes.count("leaving") == 2
    assert json.loads(one.files.manifests[first.request_name]) == {
        "way": "sent",
        "name": first.request_name,
        "business_date": "2017-11-18",
        "rows": 2,
        "sum_fen": 0,
        "bytes": len(one.journal.request(first)),
        "sha256": first.request_sha256,
    }
    head = one.journal.head()
    exchange.deliver(one, spec)
    assert one.journal.head() == head


def test_the_note_of_leaving_is_committed_before_the_file_stands_there():
    one = house()
    spec = accounts(person=persons("U-3"))
    exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, "accounts", "ann")
    seen = []

    def look(point):
        if point == "accounts.before_deliver":
            seen.append(([e.payload for e in one.journal.events() if e.kind == "leaving"], dict(one.files.sent)))

    one.failpoint = look
    exchange.deliver(one, spec)
    (batch,) = one.journal.batches()
    told = {"batch": "2017-11-18/000001", "request_sha256": batch.request_sha256, "digest": batch.digest}
    assert seen == [([told], {})]


def test_who_is_overtaken_between_two_files_delivers_no_more():
    one = house()
    spec = accounts(person=persons(*ALL))
    exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, "accounts", "ann")
    one.failpoint = lambda point: (
        house(journal=one.journal, actor="other", clock=one.clock, files=one.files)
        if point == "accounts.after_manifest"
        else None
    )
    with pytest.raises(StaleFence):
        exchange.deliver(one, spec)
    assert len(one.files.sent) == 1


def test_a_file_that_the_bank_has_already_does_not_keep_the_next_one_back():
    class Asked:
        def batch(self, batch):
            return "done" if batch.batch_no == "000001" else "absent"

    one = house()
    spec = accounts(person=persons(*ALL))
    exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, spec.gate, "ann")
    first, second = one.journal.batches()
    left = {"batch": exchange.batch_id(first), "request_sha256": first.request_sha256}
    one.journal.note("runner", exchange.LEAVING, left)
    one.inquiries = Asked()
    exchange.deliver(one, spec)
    assert states(one) == [("000001", "delivered"), ("000002", "delivered")]
    assert [name for _, name in one.files.sent] == [second.request_name]


def test_a_wire_that_fails_leaves_the_batch_sealed_and_the_next_run_delivers_the_same():
    one = house(files=BrokenWire())
    spec = accounts(person=persons("U-3"))
    exchange.plan(one, spec)
    with pytest.raises(Waiting):
        exchange.approve(one, spec)
    approve(one, "accounts", "ann")
    with pytest.raises(TransientError):
        exchange.deliver(one, spec)
    assert states(one) == [("000001", "sealed")]
    one.files = MemoryFiles(one.clock)
    exchange.deliver(one, spec)
    assert states(one) == [("000001", "delivered")]


class BrokenWire:
    def deliver(self, *_):
        raise TransientError.of("WIRE", "bank", "broken")


# --- results


def test_a_whole_result_is_applied_and_noted():
    one = house()
    spec = accounts(person=persons(*ALL))
    sent(one, spec)
    first, second = one.journal.batches()
    answer(one, first, "U-2", "000017")
    answer(one, second, "U-3")
    exchange.collect(one, spec)
    assert states(one) == [("000001", "applied"), ("000002", "applied")]
    assert item_states(one) == {"000017": "ok", "U-2": "ok", "U-3": "refused"}
    first, _ = one.journal.batches()
    assert json.loads(one.files.manifests[first.result_name]) == {
        "way": "received",
        "name": first.result_name,
        "answers": first.request_name,
        "business_date": "2017-11-18",
        "rows": 2,
        "sum_fen": 0,
        "bytes": len(one.journal.result(first)),
        "sha256": first.result_sha256,
    }
    assert one.journal.result(first) == one.files.answers[DAY, first.result_name][0]
    assert one.clock.slept == []


def test_a_result_is_held_against_what_other_batches_confirmed():
    one = house()
    spec = accounts(person=persons(*ALL))
    sent(one, spec)
    first, second = one.journal.batches()
    answer(one, first, "U-2", "000017")
    answer(one, second, "U-3")
    exchange.collect(one, spec)
    assert results.context(one, second).confirmed.to_pylist() == ["000017", "U-2"]
    assert results.context(one, first).confirmed.to_pylist() == []  # U-3 was refused, the others are its own


def test_only_the_batch_that_is_asked_for_is_collected():
    one = house()
    spec = accounts(person=persons(*ALL))
    sent(one, spec)
    first, second = one.journal.batches()
    answer(one, first, "U-2", "000017")
    answer(one, second, "U-3")
    exchange.collect(one, spec, only="2017-11-18/000002")
    assert states(one) == [("000001", "delivered"), ("000002", "applied")]


def test_results_are_waited_for_as_long_as_is_configured():
    one = house(result_timeout_s=25)
    sent(one, accounts(person=persons("U-3")))
    with pytest.raises(Waiting) as raised:
        exchange.collect(one, accounts())
    assert one.clock.slept == [10.0, 10.0, 5.0]
    (reason,) = raised.value.reasons
    (batch,) = one.journal.batches()
    assert (reason.code, reason.subject) == ("RESULT_MISSING", profile().names("person", "000001", DAY)[1])
    assert batch.request_name in reason.detail
    assert "2017-11-18T01:00:00" in reason.detail


def test_a_result_that_comes_while_it_is_waited_for_is_taken():
    one = house(result_timeout_s=25)
    spec = accounts(person=persons("U-3"))
    sent(one, spec)
    (batch,) = one.journal.batches()
    one.tell = lambda _: answer(one, batch, "U-3")
    exchange.collect(one, spec)
    assert states(one) == [("000001", "applied")]
    assert one.clock.slept == [10.0]


def test_after_a_file_was_sent_again_its_result_is_waited_for_anew():
    class NothingKnown:
        def batch(self, _):
            return "absent"

    one = house(result_timeout_s=20, finality_s=0.0, ask_again_s=1.0)
    one.inquiries = NothingKnown()
    spec = accounts(person=persons("U-3"))
    sent(one, spec)
    for asked in ("RESULT_MISSING", "APPROVAL_MISSING"):
        with pytest.raises(Waiting) as raised:
            exchange.collect(one, spec)
        assert codes(raised) == [asked]
    approve(one, "resend.2017-11-18.000001", "ann", "bea")
    one.clock.slept.clear()
    with pytest.raises(Waiting) as raised:
        exchange.collect(one, spec)
    assert one.clock.slept == [10.0] * 4
    assert "sent_again" in one.codes


@pytest.mark.parametrize("named", [{"patient": False}, {}])
def test_who_may_not_wait_says_so_at_once(named):
    one = house(blocking=bool(named))
    sent(one, accounts(person=persons("U-3"), company=companies()))
    with pytest.raises(Waiting) as raised:
        exchange.collect(one, accounts(), **named)
    assert codes(raised) == ["RESULT_MISSING"] * (1 if named else 2)
    assert one.clock.slept == []


@pytest.mark.parametrize("blocking", [True, False])
def test_companies_are_left_behind_when_their_time_is_up(blocking):
    one = house(result_timeout_s=20, blocking=blocking)
    spec = accounts(company=companies())
    sent(one, spec)
    if not blocking:
        with pytest.raises(Waiting):
            exchange.collect(one, spec)
        one.clock.sleep(19.5)
        with pytest.raises(Waiting):
            exchange.collect(one, spec)
        one.clock.sleep(0.5)
    exchange.collect(one, spec)
    assert states(one) == [("000001", "delivered")]


def test_companies_do_not_excuse_persons():
    one = house(result_timeout_s=0)
    spec = accounts(person=persons("U-3"), company=companies())
    sent(one, spec)
    with pytest.raises(Waiting) as raised:
        exchange.collect(one, spec)
    assert [r.subject for r in raised.value.reasons] == [profile().names("person", "000001", DAY)[1]]


def test_a_result_that_breaks_a_rule_is_quarantined_and_the_others_are_applied():
    one = house()
    spec = accounts(person=persons(*ALL))
    sent(one, spec)
    first, second = one.journal.batches()
    answer(one, first, "U-2", "U-2")
    answer(one, second, "U-3")
    with pytest.raises(GateClosed) as raised:
        exchange.collect(one, spec)
    assert codes(raised)[0] == "RESULT_QUARANTINED"
    assert "RESULT_ROW_DOUBLED" in codes(raised)
    assert states(one) == [("000001", "quarantined"), ("000002", "applied")]
    assert item_states(one) == {"000017": "open", "U-2": "open", "U-3": "refused"}
    ((content, note),) = one.files.quarantined.values()
    assert content.count(b"\n") == 2
    assert "RESULT_ROW_DOUBLED" in str(note)
    answer(one, first, "U-2", "000017")
    exchange.collect(one, spec)
    assert states(one) == [("000001", "applied"), ("000002", "applied")]


def test_a_result_that_may_still_be_growing_is_left_alone():
    one = house(result_timeout_s=0)
    spec = accounts(person=persons("000017", "U-2"))
    sent(one, spec)
    answer(one, one.journal.batches()[0], "U-2", age_s=0)
    with pytest.raises(Waiting):
        exchange.collect(one, spec)
    assert one.files.quarantined == {}


def test_a_used_result_that_changes_closes_the_gate_and_what_was_applied_stands():
    one = house()
    spec = accounts(person=persons(*ALL))
    sent(one, spec)
    first, second = one.journal.batches()
    answer(one, first, "U-2", "000017")
    results.unchanged(one)
    exchange.collect(one, spec, only="2017-11-18/000001")
    results.unchanged(one)
    first, second = one.journal.batches()
    del one.files.answers[DAY, first.result_name]
    results.unchanged(one)
    answer(one, second, content=b"not yet looked at")
    answer(one, first, content=result("person"))
    with pytest.raises(GateClosed) as raised:
        results.unchanged(one)
    assert [(r.code, r.subject) for r in raised.value.reasons] == [("RESULT_CONTRADICTS", first.result_name)]
    ((content, _),) = one.files.quarantined.values()
    assert content == result("person")
    (event,) = (e for e in one.journal.events() if e.kind == "result_contradicts")
    assert event.payload == {"result_name": first.result_name}
    assert item_states(one)["000017"] == "ok"


def test_a_file_that_comes_after_the_bank_was_asked_is_held_against_what_it_said():
    one = house()
    sent(one, accounts(person=persons("000017", "U-2")))
    (batch,) = one.journal.batches()
    said = ANSWERED["U-2"] + ANSWERED["000017"]
    answers = one.bank.check(batch, one.journal.request(batch), said, results.context(one, batch))
    one.journal.resolve(one.fence, batch, "inquiry-000001", Inquired(answers, b"records", b"replies"))
    answer(one, batch, "U-2", "000017")
    results.unchanged(one)
    assert one.files.quarantined == {}
    answer(one, batch, content=b"no result")
    with pytest.raises(GateClosed) as raised:
        results.unchanged(one)
    assert codes(raised) == ["RESULT_CONTRADICTS"]


def test_the_journal_decides_what_was_sent_and_answered():
    one = house()
    spec = accounts(person=persons("U-3"), company=companies())
    exchange.require_delivered(one, spec)
    exchange.plan(one, spec)
    with pytest.raises(GateClosed) as raised:
        exchange.require_delivered(one, spec)
    names = [b.request_name for b in one.journal.batches()]
    assert [(r.code, r.subject) for r in raised.value.reasons] == [("NOT_SENT", name) for name in names]
    sent(one, spec)
    with pytest.raises(Waiting) as raised:
        exchange.require_delivered(one, spec)
    assert [r.subject for r in raised.value.reasons] == [profile().names("person", "000001", DAY)[1]]
    answer(one, one.journal.batches()[0], "U-3")
    exchange.collect(one, replace(spec, select=None), only="2017-11-18/000001")
    exchange.require_delivered(one, spec)


# --- money


def test_the_sum_that_is_committed_is_that_of_the_rows_to_the_fen():
    one = house()
    debts = replace(accounts(debt=rows_of("debt")), stage="debts", gate="debts.full")
    (batch,) = exchange.plan(one, debts)
    assert (batch.rows, batch.sum_fen) == (2, 108_310)
    amounts = {r["key"]: r["amount_fen"] for r in one.journal.items("debts").to_pylist()}
    assert amounts == {"D0000001": 108_309, "D0000002": 1}
    assert one.journal.items("debts")["row_digest"].null_count == 2, "only what is compared with a correction needs one"


def test_the_full_set_rests_on_the_results_of_its_sample():
    one = house()
    sample = replace(batch_of("debt"), request_name="q", result_name="r", result_sha256="a" * 64)
    first = exchanges.full("debts", 1, (sample,), approve_empty=True)
    assert first.bound == {"sample": [["q", "r", "a" * 64]]}
    assert (first.stage, first.gate, first.round, first.sample) == ("debts", "debts.full", 1, False)
    other = exchanges.full("debts", 1, (replace(sample, result_sha256="b" * 64),), approve_empty=True)
    assert exchange.digest(one, first) != exchange.digest(one, other)


def test_a_sample_is_drawn_over_the_strata_of_what_is_sent(tmp_path):
    case = Rehearsal(tmp_path, joined(small(2), loan(9, "U2", {"U2": "70.00", "U3": "30.00"})))
    assert case.run("reopen") == 0
    book = case.house.book()
    covered = {}
    for stage, strata in (("listings", listing_strata), ("debts", debt_strata)):
        _, plan = exchanges.sample_of(case.house, book, stage, 1)
        covered[stage] = set(plan.coverage)
        assert covered[stage] == set(strata(book, exchanges.ready_now(book, stage, 1)))
    assert covered["listings"] != covered["debts"]
