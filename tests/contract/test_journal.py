"""What every journal promises; each test runs on PostgreSQL and on the double in memory."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration.clock import FakeClock
from migration.domain.errors import ConfigurationError, GateClosed, InputRefused, StaleFence
from migration.domain.findings import Finding
from migration.domain.ports import Journal
from migration.domain.tables import ANSWERS, CORRECTIONS, EXCEPTIONS, ITEMS, RESENDS
from migration.domain.values import BatchPlan, CheckResult, Inquired, Snapshot
from migration.journal import rules
from migration.journal.memory import MemoryJournal
from migration.journal.store import PostgresJournal

DAY = date(2017, 11, 18)
NEXT = date(2017, 11, 19)
D = "d" * 64


@pytest.fixture(params=["postgres", "memory"])
def make(request):
    """Opens the journal once more, as another process would."""
    clock = FakeClock()
    if request.param == "memory":
        one = MemoryJournal(clock)
        yield lambda: one
        return
    url = request.getfixturevalue("pg_url")
    opened = []

    def again() -> Journal:
        opened.append(PostgresJournal(url, clock))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


@pytest.fixture
def journal(make) -> Journal:
    one = make()
    one.begin("c1", "rehearsal")
    return one


@pytest.fixture
def fence(journal) -> int:
    return journal.acquire("op")


def plan_of(
    kind: str, keys: list[str], *, stage: str = "", sample: bool = False, part: int = 1, fen: int = 100
) -> BatchPlan:
    stage = stage or {"person": "accounts", "company": "accounts", "listing": "listings", "debt": "debts"}[kind]
    items = pa.table(
        {
            "key": pa.array(keys, pa.string()),
            "amount_fen": pa.array([fen] * len(keys), pa.int64()),
            "row_digest": pa.array([hashlib.sha256(k.encode()).hexdigest() for k in keys]),
        }
    )
    return BatchPlan(stage, 1, kind, sample, part, items, fen * len(keys))


def answers_of(keys: list[str], **columns: list) -> pa.Table:
    n = len(keys)
    rows = {
        "record_no": list(range(1, n + 1)),
        "result_record": list(range(1, n + 1)),
        "key": keys,
        "outcome": ["ok"] * n,
        "code": ["000"] * n,
        "account_no": [f"621246{key:>013}".replace("U", "0").replace("D", "0").replace("L", "0") for key in keys],
        "activated": [False] * n,
        "authcode": [f"A{key}" for key in keys],
    } | columns
    return pa.table({name: pa.array(rows[name], ANSWERS.field(name).type) for name in ANSWERS.names})


def approve(journal: Journal, fence: int, gate: str, digest: str = D) -> str:
    journal.open_gate(fence, gate, 1, digest, 1, "op")
    journal.decide(gate, digest, "ann", "approve", "ok", rehearsal=True)
    return digest


def delivered(journal: Journal, fence: int, plan: BatchPlan, gate: str = "accounts", day: date = DAY):
    (batch,) = journal.plan(fence, [plan], day, gate)
    batch = journal.seal(fence, batch, f"R-{batch.batch_no}", f"bytes {batch.batch_no}".encode())
    return journal.mark_delivered(fence, batch, approve(journal, fence, gate))


def applied(journal: Journal, fence: int, plan: BatchPlan, gate: str = "accounts", day: date = DAY, **columns):
    batch = delivered(journal, fence, plan, gate, day)
    keys = plan.items["key"].to_pylist()
    return journal.apply(
        fence, batch, f"RES-{batch.batch_no}", f"result {batch.key}".encode(), answers_of(keys, **columns)
    )


def exceptions_of(*rows: tuple[str, str, str, int]) -> pa.Table:
    names = ("entity", "key", "code", "amount_fen")
    fields = [EXCEPTIONS.field(name) for name in names]
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=pa.schema(fields))


def id_of(entity: str, key: str, code: str) -> str:
    return "X" + hashlib.sha256(f"{entity}|{key}|{code}".encode()).hexdigest()[:12]


def code_of(raised) -> str:
    return raised.value.reasons[0].code


def said(journal: Journal) -> dict:
    """What the last event says, without the digests of rows that a journal with tables adds."""
    return {name: value for name, value in journal.events()[-1].payload.items() if name != "witness"}


def kinds(journal: Journal) -> list[str]:
    return [event.kind for event in journal.events()]


# --- the run ------------------------------------------------------------------------------------------------------------


def test_begin_twice_is_one_cutover_and_another_kind_is_refused(journal, make):
    make().begin("c1", "rehearsal")
    assert kinds(journal) == ["begun"]
    with pytest.raises(ConfigurationError) as raised:
        make().begin("c1", "production")
    assert code_of(raised) == "CUTOVER_KIND"


@pytest.mark.parametrize(("cutover", "kind"), [("", "rehearsal"), ("c2", "play")])
def test_what_is_no_cutover_is_not_begun(make, cutover, kind):
    with pytest.raises(ConfigurationError) as raised:
        make().begin(cutover, kind)
    assert code_of(raised) == "CUTOVER_KIND"


def test_cutovers_do_not_see_each_other(make, journal, fence):
    journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    other = make()
    other.begin("c2", "production")
    assert other.batches() == ()
    assert other.items("users").num_rows == 0
    assert [e.kind for e in other.events()] == ["begun"]


def test_verbs_before_begin_are_refused(make):
    with pytest.raises(ConfigurationError) as raised:
        make().batches()
    assert code_of(raised) == "JOURNAL_NOT_BEGUN"


def test_tokens_rise_and_a_stale_one_writes_nothing(journal, make):
    first = journal.acquire("op")
    second_run = make()
    second_run.begin("c1", "rehearsal")
    second = second_run.acquire("other")
    assert second > first
    before = journal.events()
    attempts = [
        lambda: journal.plan(first, [plan_of("person", ["U1"])], DAY, "accounts"),
        lambda: journal.record_stage(first, "preflight", 1, "running", {}, ()),
        lambda: journal.open_gate(first, "accounts", 1, D, 1, "op"),
        lambda: journal.record_exceptions(first, exceptions_of(("debts", "D1", "SELF_LOAN", 1))),
        lambda: journal.record_dispositions(first, "users", dispositions_of(("U1", "pending", None))),
        lambda: journal.record_checks(first, "preflight", 1, [check("r1")]),
        lambda: journal.record_snapshot(first, snapshot("s1")),
    ]
    for attempt in attempts:
        with pytest.raises(StaleFence) as raised:
            attempt()
        assert code_of(raised) == "FENCE_LOST"
    assert journal.events() == before
    assert journal.batches() == ()
    assert journal.stages() == ()
    assert journal.gates() == ()
    assert journal.snapshot() is None


def snapshot(digest: str) -> Snapshot:
    taken = datetime(2017, 11, 17, 22, 0, 0, 123, tzinfo=UTC)
    return Snapshot(digest, {"users": "u" * 64}, {"users": 3, "debts": 5}, 2, taken)


def test_snapshot_is_replaced_until_preflight_is_done(journal, fence):
    assert journal.snapshot() is None
    journal.record_snapshot(fence, snapshot("s1"))
    journal.record_snapshot(fence, snapshot("s2"))
    assert journal.snapshot() == snapshot("s2")
    journal.record_stage(fence, "preflight", 1, "done", {}, ())
    events = len(journal.events())
    journal.record_snapshot(fence, snapshot("s2"))
    assert len(journal.events()) == events
    with pytest.raises(GateClosed) as raised:
        journal.record_snapshot(fence, snapshot("s3"))
    assert code_of(raised) == "SNAPSHOT_FROZEN"
    assert journal.snapshot() == snapshot("s2")


def corrections_of(*rows: dict) -> pa.Table:
    names = ("user_id", "field", "old", "new", "reason", "by")
    return pa.Table.from_pylist(list(rows), schema=pa.schema([CORRECTIONS.field(name) for name in names]))


def test_corrections_keep_their_order_and_the_chain_has_no_value_of_theirs(journal):
    first = {
        "user_id": "U2",
        "field": "phone",
        "old": "13800000001",
        "new": None,
        "reason": '两行\n"引号", 逗号',
        "by": "bea",
    }
    second = {"user_id": "U1", "field": "name", "old": "", "new": "䶮", "reason": "r", "by": "bea"}
    assert journal.add_corrections(corrections_of(first, second), "op") == 2
    assert journal.add_corrections(corrections_of(second), "op2") == 1
    kept = journal.corrections()
    assert kept.schema.equals(CORRECTIONS)
    expected = [
        first | {"seq": 1, "importer": "op"},
        second | {"seq": 2, "importer": "op"},
        second | {"seq": 3, "importer": "op2"},
    ]
    assert kept.to_pylist() == expected
    told = json.dumps([dict(e.payload) for e in journal.events()], ensure_ascii=False)
    assert '["U2", "phone"]' in told
    assert "13800000001" not in told
    assert "䶮" not in told
    assert "引号" not in told


def test_a_correction_of_a_field_that_cannot_be_corrected_leaves_none_behind(journal):
    good = {"user_id": "U1", "field": "name", "old": "a", "new": "b", "reason": "r", "by": "bea"}
    with pytest.raises(InputRefused) as raised:
        journal.add_corrections(corrections_of(good, good | {"field": "status"}), "op")
    assert code_of(raised) == "CORRECTION_FIELD"
    assert journal.corrections().num_rows == 0
    assert journal.add_corrections(corrections_of(), "op") == 0
    with pytest.raises(InputRefused) as raised:
        journal.add_corrections(corrections_of(good), " ")
    assert (code_of(raised), raised.value.reasons[0].subject) == ("NAME_EMPTY", "corrections")
    assert kinds(journal) == ["begun"]


# --- batches ------------------------------------------------------------------------------------------------------------


def test_numbers_count_from_one_by_business_date_without_a_gap(journal, fence):
    plans = [plan_of("person", ["U2", "U1"]), plan_of("company", ["U3"])]
    drawn = journal.plan(fence, plans, DAY, "accounts")
    assert [(b.batch_no, b.kind, b.rows, b.sum_fen, b.state, b.gate) for b in drawn] == [
        ("000001", "person", 2, 200, "planned", "accounts"),
        ("000002", "company", 1, 100, "planned", "accounts"),
    ]
    (third,) = journal.plan(fence, [plan_of("listing", ["L1"], sample=True)], DAY, "listings.sample")
    (other,) = journal.plan(fence, [plan_of("listing", ["L2"])], NEXT, "listings.full")
    assert (third.batch_no, other.batch_no, other.business_date) == ("000003", "000001", NEXT)
    assert journal.batches() == (*drawn, third, other)
    assert journal.plan(fence, [], DAY, "accounts") == ()


def test_items_carry_their_batch_and_stand_in_its_order(journal, fence):
    journal.plan(fence, [plan_of("listing", ["L3"])], NEXT, "listings.full")
    journal.plan(fence, [plan_of("listing", ["L2", "L1"], sample=True), plan_of("person", ["U1"])], DAY, "g")
    items = journal.items("listings")
    assert items.schema.equals(ITEMS)
    rows = items.select(["key", "state", "amount_fen", "business_date", "batch_no", "record_no", "sample"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("L2", "open", 100, DAY, "000001", 1, True),
        ("L1", "open", 100, DAY, "000001", 2, True),
        ("L3", "open", 100, NEXT, "000001", 1, False),
    ]
    assert items["row_digest"].to_pylist()[0] == hashlib.sha256(b"L2").hexdigest()
    assert items["code"].null_count == items["account_no"].null_count == items["result_record"].null_count == 3


def test_items_stand_by_date_and_not_by_when_they_were_planned(journal, fence):
    journal.plan(fence, [plan_of("person", ["U1"])], NEXT, "accounts")
    journal.plan(fence, [plan_of("person", ["U2"])], DAY, "accounts")
    found = journal.items("users")
    assert list(zip(found["key"].to_pylist(), found["business_date"].to_pylist(), strict=True)) == [
        ("U2", DAY),
        ("U1", NEXT),
    ]


def test_a_digest_of_the_row_may_be_left_out(journal, fence):
    plan = plan_of("debt", ["D1"])
    bare = plan.items.set_column(2, "row_digest", pa.nulls(1, pa.string()))
    journal.plan(fence, [BatchPlan("debts", 1, "debt", False, 1, bare, 100)], DAY, "debts.full")
    assert journal.items("debts")["row_digest"].to_pylist() == [None]


def test_an_item_is_in_one_open_batch_at_most(journal, fence):
    journal.plan(fence, [plan_of("debt", ["D1", "D2"])], DAY, "debts.full")
    for plans in ([plan_of("debt", ["D3"]), plan_of("debt", ["D2"])], [plan_of("debt", ["D4", "D4"])]):
        with pytest.raises(GateClosed) as raised:
            journal.plan(fence, plans, DAY, "debts.full")
        assert code_of(raised) == "ITEM_ALREADY_SENT"
    assert len(journal.batches()) == 1
    assert journal.items("debts").num_rows == 2
    journal.plan(fence, [plan_of("listing", ["D1"])], DAY, "listings.full")  # the same key of another entity


def test_only_what_was_refused_goes_out_again(journal, fence):
    applied(
        journal, fence, plan_of("listing", ["L1", "L2"]), "listings.full", outcome=["ok", "refused"], code=["00", "13"]
    )
    with pytest.raises(GateClosed) as raised:
        journal.plan(fence, [plan_of("listing", ["L1"])], DAY, "listings.full")
    assert code_of(raised) == "ITEM_ALREADY_SENT"
    journal.plan(fence, [plan_of("listing", ["L2"])], DAY, "listings.full")
    assert journal.items("listings")["state"].to_pylist() == ["ok", "refused", "open"]


def test_an_item_of_unknown_outcome_does_not_go_out_again(journal, fence):
    applied(journal, fence, plan_of("listing", ["L1"]), "listings.full", outcome=["unknown"], code=["22"])
    with pytest.raises(GateClosed) as raised:
        journal.plan(fence, [plan_of("listing", ["L1"])], DAY, "listings.full")
    assert code_of(raised) == "ITEM_ALREADY_SENT"


def test_withdrawn_numbers_and_items_are_drawn_again(journal, fence):
    (kept,) = journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    gone = journal.plan(fence, [plan_of("person", ["U2"]), plan_of("company", ["U3"])], DAY, "accounts")
    journal.seal(fence, gone[0], "R", b"x")
    journal.withdraw(fence, gone)
    assert journal.batches() == (kept,)
    assert journal.items("users")["key"].to_pylist() == ["U1"]
    events = len(journal.events())
    journal.withdraw(fence, gone)
    assert len(journal.events()) == events
    (again,) = journal.plan(fence, [plan_of("person", ["U2"])], DAY, "accounts")
    assert again.batch_no == "000002"
    assert journal.request(again) == b""


def test_a_business_date_runs_out_of_numbers(journal, fence, monkeypatch):
    monkeypatch.setattr(rules, "LAST_NUMBER", 1)
    journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    with pytest.raises(ConfigurationError) as raised:
        journal.plan(fence, [plan_of("person", ["U2"])], DAY, "accounts")
    assert code_of(raised) == "BATCH_NUMBERS_SPENT"
    journal.plan(fence, [plan_of("person", ["U2"])], NEXT, "accounts")
    assert [b.key for b in journal.batches()] == [(DAY, "000001"), (NEXT, "000001")]


def test_only_the_tail_that_never_left_can_be_withdrawn(journal, fence):
    first, second = journal.plan(fence, [plan_of("person", ["U1"]), plan_of("company", ["U2"])], DAY, "accounts")
    with pytest.raises(GateClosed) as raised:
        journal.withdraw(fence, [first])
    assert code_of(raised) == "BATCH_NOT_LAST"
    second = journal.seal(fence, second, "R", b"x")
    journal.mark_delivered(fence, second, approve(journal, fence, "accounts"))
    with pytest.raises(GateClosed) as raised:
        journal.withdraw(fence, [first, second])
    assert code_of(raised) == "BATCH_DELIVERED"
    assert len(journal.batches()) == 2
    assert journal.items("users").num_rows == 2


def test_sealing_commits_name_bytes_and_digest_once(journal, fence):
    (batch,) = journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    content = b"\x00\xff" + "䶮".encode()
    sealed = journal.seal(fence, batch, "3005-APPZX", content)
    assert (sealed.state, sealed.request_name, sealed.request_bytes) == ("sealed", "3005-APPZX", 5)
    assert sealed.request_sha256 == hashlib.sha256(content).hexdigest()
    assert journal.request(sealed) == content
    events = len(journal.events())
    assert journal.seal(fence, batch, "3005-APPZX", content) == sealed
    assert len(journal.events()) == events
    for name, other in (("3005-APPZX", b"other"), ("other", content)):
        with pytest.raises(GateClosed) as raised:
            journal.seal(fence, batch, name, other)
        assert code_of(raised) == "SEAL_CONFLICT"
    assert journal.request(sealed) == content


def test_delivery_hangs_on_the_approval_of_its_very_digest(journal, fence):
    (batch,) = journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts#1")
    with pytest.raises(GateClosed) as raised:
        journal.mark_delivered(fence, batch, D)
    assert code_of(raised) == "BATCH_STATE"
    batch = journal.seal(fence, batch, "R", b"x")
    journal.open_gate(fence, "accounts", 1, D, 1, "op")
    approve(journal, fence, "listings.full", "e" * 64)
    for digest in (D, "e" * 64, "f" * 64):
        with pytest.raises(GateClosed) as raised:
            journal.mark_delivered(fence, batch, digest)
        assert code_of(raised) == "GATE_NOT_APPROVED"
    journal.decide("accounts", D, "ann", "approve", "", rehearsal=False)
    done = journal.mark_delivered(fence, batch, D)
    assert (done.state, done.digest) == ("delivered", D)
    assert done.delivered_at is not None
    assert journal.mark_delivered(fence, batch, D) == done
    with pytest.raises(GateClosed) as raised:
        journal.mark_delivered(fence, batch, "f" * 64)
    assert code_of(raised) == "DELIVERY_DIGEST"


def test_a_result_is_applied_once_and_whole(journal, fence):
    batch = delivered(journal, fence, plan_of("person", ["U2", "U1"]))
    answers = answers_of(
        ["U2", "U1"], outcome=["ok", "refused"], code=["000", "106"], activated=[True, None], result_record=[2, 1]
    )
    done = journal.apply(fence, batch, "RES", b"result", answers.take([1, 0]))
    assert (done.state, done.result_name, done.result_sha256) == (
        "applied",
        "RES",
        hashlib.sha256(b"result").hexdigest(),
    )
    assert journal.result(done) == b"result"
    rows = journal.items("users").select(["key", "state", "code", "account_no", "activated", "authcode"]).to_pylist()
    account = answers["account_no"][0].as_py()
    assert [tuple(row.values()) for row in rows] == [
        ("U2", "ok", "000", account, True, "AU2"),
        ("U1", "refused", "106", None, None, None),
    ]
    assert _answered_at(journal, "users") == [(2, None), (1, None)]
    events = len(journal.events())
    assert journal.apply(fence, batch, "RES", b"result", answers) == done
    assert len(journal.events()) == events
    with pytest.raises(GateClosed) as raised:
        journal.apply(fence, batch, "RES", b"another", answers)
    assert code_of(raised) == "RESULT_CONTRADICTS"
    assert journal.result(done) == b"result"


@pytest.mark.parametrize(
    "answers",
    [
        answers_of(["U1"]),
        answers_of(["U1", "U9"]),
        answers_of(["U2", "U1"]),
        answers_of(["U1", "U2", "U3"]),
        answers_of(["U1", "U2"], record_no=[1, 1]),
    ],
)
def test_answers_that_are_not_one_a_row_change_nothing(journal, fence, answers):
    batch = delivered(journal, fence, plan_of("person", ["U1", "U2"]))
    events = journal.events()
    with pytest.raises(GateClosed) as raised:
        journal.apply(fence, batch, "RES", b"r", answers)
    assert code_of(raised) == "ANSWERS_INCOMPLETE"
    assert journal.items("users")["state"].to_pylist() == ["open", "open"]
    assert journal.batches() == (batch,)
    assert journal.events() == events
    assert journal.result(batch) == b""


def test_one_account_number_or_authorisation_code_never_belongs_to_two(journal, fence):
    applied(journal, fence, plan_of("person", ["U1"]), account_no=["6212460000000000001"])
    second = delivered(journal, fence, plan_of("company", ["U2"]))
    with pytest.raises(GateClosed) as raised:
        journal.apply(fence, second, "RES", b"r", answers_of(["U2"], account_no=["6212460000000000001"]))
    assert code_of(raised) == "ACCOUNT_TAKEN"
    assert "6212460000000000001" not in str(raised.value)
    refused = answers_of(["U2"], outcome=["refused"], code=["N"], account_no=["6212460000000000001"])
    assert (
        journal.apply(fence, second, "RES", b"r", refused).state == "applied"
    )  # FLAG N of another does not count as taken
    applied(journal, fence, plan_of("debt", ["D1"]), "debts.full", authcode=["A1"])
    other = delivered(journal, fence, plan_of("debt", ["D2", "D3"]), "debts.full")
    with pytest.raises(GateClosed) as raised:
        journal.apply(fence, other, "RES", b"r", answers_of(["D2", "D3"], authcode=["A2", "A1"]))
    assert code_of(raised) == "AUTHCODE_TAKEN"
    assert journal.items("debts")["state"].to_pylist() == ["ok", "open", "open"]


@pytest.mark.parametrize(("kind", "column"), [("person", "account_no"), ("person", "activated"), ("debt", "authcode")])
def test_a_success_without_its_number_is_none(journal, fence, kind, column):
    batch = delivered(journal, fence, plan_of(kind, ["U1"]), "g")
    with pytest.raises(GateClosed) as raised:
        journal.apply(fence, batch, "RES", b"r", answers_of(["U1"], **{column: [None]}))
    assert code_of(raised) == "JOURNAL_INVARIANT"
    assert journal.batches()[0].state == "delivered"


def test_a_quarantined_result_awaits_a_correct_one(journal, fence):
    batch = delivered(journal, fence, plan_of("person", ["U1"]))
    reasons = [Finding("RESULT_ECHO", "RES#1", "field NAME")]
    held = journal.mark_quarantined(fence, batch, "1" * 64, reasons)
    assert (held.state, held.result_sha256) == ("quarantined", "")
    events = len(journal.events())
    journal.mark_quarantined(fence, batch, "1" * 64, reasons)
    assert len(journal.events()) == events
    journal.mark_quarantined(fence, batch, "2" * 64, reasons)
    assert journal.events()[-1].payload["reasons"] == [["RESULT_ECHO", "RES#1", "field NAME"]]
    done = journal.apply(fence, held, "RES", b"good", answers_of(["U1"]))
    assert done.state == "applied"
    again = journal.mark_quarantined(fence, done, "3" * 64, reasons)  # other content under an applied name
    assert again == done
    assert journal.events()[-1].kind == "quarantined"


def test_no_result_for_what_was_not_delivered(journal, fence):
    (batch,) = journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    for step in (
        lambda: journal.apply(fence, batch, "RES", b"r", answers_of(["U1"])),
        lambda: journal.mark_quarantined(fence, batch, "1" * 64, []),
    ):
        with pytest.raises(GateClosed) as raised:
            step()
        assert code_of(raised) == "BATCH_STATE"


def test_a_batch_that_is_not_there(journal, fence):
    (batch,) = journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    journal.withdraw(fence, [batch])
    with pytest.raises(GateClosed) as raised:
        journal.seal(fence, batch, "R", b"x")
    assert code_of(raised) == "BATCH_UNKNOWN"


# --- exceptions ---------------------------------------------------------------------------------------------------------


def test_exceptions_open_mend_and_open_again(journal, fence):
    loan, listing = ("debts", "D1", "SELF_LOAN", 500), ("listings", "L1", "OVERDUE", 700)
    journal.record_exceptions(fence, exceptions_of(listing, loan))
    known = journal.exceptions()
    assert known.schema.equals(EXCEPTIONS)
    assert [tuple(row.values())[:6] for row in known.to_pylist()] == [
        (id_of("debts", "D1", "SELF_LOAN"), "debts", "D1", "SELF_LOAN", "open", 500),
        (id_of("listings", "L1", "OVERDUE"), "listings", "L1", "OVERDUE", "open", 700),
    ]
    events = len(journal.events())
    journal.record_exceptions(fence, exceptions_of(loan, listing))
    assert len(journal.events()) == events
    journal.record_exceptions(fence, exceptions_of(("debts", "D1", "SELF_LOAN", 501)))
    assert list(zip(*[journal.exceptions()[c].to_pylist() for c in ("state", "amount_fen")], strict=True)) == [
        ("open", 501),
        ("mended", 700),
    ]
    journal.record_exceptions(fence, exceptions_of(listing))
    assert journal.exceptions()["state"].to_pylist() == ["mended", "open"]
    assert said(journal) == {
        "opened": 0,
        "reopened": 1,
        "revalued": 0,
        "mended": 1,
        "open": 1,
        "signed": 0,
    }


def test_signing_is_final_and_all_or_none(journal, fence):
    journal.record_exceptions(fence, exceptions_of(("debts", "D1", "SELF_LOAN", 500), ("debts", "D2", "OVERDUE", 7)))
    one, two = id_of("debts", "D1", "SELF_LOAN"), id_of("debts", "D2", "OVERDUE")
    with pytest.raises(InputRefused) as raised:
        journal.sign([one, "X000000000000"], "ann", "agreed")
    assert code_of(raised) == "EXCEPTION_UNKNOWN"
    assert journal.exceptions()["state"].to_pylist() == ["open", "open"]
    journal.sign([one], "ann", "agreed")
    events = len(journal.events())
    journal.sign([one], "bea", "once more")
    assert len(journal.events()) == events
    journal.record_exceptions(fence, exceptions_of())
    rows = journal.exceptions().select(["state", "signed_by", "reason", "amount_fen"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [("signed", "ann", "agreed", 500), ("mended", None, None, 7)]
    with pytest.raises(InputRefused) as raised:
        journal.sign([two], "ann", "agreed")
    assert code_of(raised) == "EXCEPTION_MENDED"
    told = json.dumps([dict(e.payload) for e in journal.events()])
    assert "agreed" not in told


@pytest.mark.parametrize(("by", "reason", "code"), [(" ", "r", "NAME_EMPTY"), ("ann", " ", "REASON_EMPTY")])
def test_a_signature_has_a_name_and_a_reason(journal, fence, by, reason, code):
    journal.record_exceptions(fence, exceptions_of(("debts", "D1", "SELF_LOAN", 500)))
    for verb in (journal.sign, journal.mark_resend):
        with pytest.raises(InputRefused) as raised:
            verb([id_of("debts", "D1", "SELF_LOAN")], by, reason)
        assert code_of(raised) == code
        assert raised.value.reasons[0].subject == "exceptions"


def test_signing_the_last_unknown_item_releases_its_batch(journal, fence):
    batch = applied(
        journal,
        fence,
        plan_of("listing", ["L1", "L2", "L3"]),
        "listings.full",
        outcome=["unknown", "ok", "unknown"],
        code=["22", "00", "22"],
    )
    assert batch.state == "unknown"
    journal.record_exceptions(fence, exceptions_of(*(("listings", key, "BANK_22", 100) for key in ("L1", "L3"))))
    journal.sign([id_of("listings", "L1", "BANK_22")], "ann", "r")
    assert journal.batches()[0].state == "unknown"
    journal.sign([id_of("listings", "L3", "BANK_22")], "ann", "r")
    assert journal.batches()[0].state == "applied"
    assert journal.events()[-1].payload["released"] == ["batches/2017-11-18/000001"]
    assert journal.items("listings")["state"].to_pylist() == ["unknown", "ok", "unknown"]
    with pytest.raises(GateClosed):
        journal.plan(fence, [plan_of("listing", ["L1"])], DAY, "listings.full")


def test_a_refused_item_is_marked_for_the_attempt_that_was_refused(journal, fence):
    applied(
        journal, fence, plan_of("listing", ["L1", "L2"]), "listings.full", outcome=["refused", "ok"], code=["13", "00"]
    )
    journal.record_exceptions(fence, exceptions_of(("listings", "L1", "BANK_13", 100)))
    wanted = id_of("listings", "L1", "BANK_13")
    journal.mark_resend([wanted], "ann", "mended")
    events = len(journal.events())
    journal.mark_resend([wanted], "bea", "mended")
    assert len(journal.events()) == events
    marks = journal.resends()
    assert marks.schema.equals(RESENDS)
    assert [tuple(row.values()) for row in marks.to_pylist()] == [("listings", "L1", DAY, "000001", "ann")]
    applied(journal, fence, plan_of("listing", ["L1"]), "listings.full", NEXT, outcome=["refused"], code=["13"])
    journal.mark_resend([wanted], "bea", "again")
    assert [row["after_date"] for row in journal.resends().to_pylist()] == [DAY, NEXT]


def test_what_cannot_be_sent_again(journal, fence):
    applied(
        journal,
        fence,
        plan_of("debt", ["D1", "D2", "D3"]),
        "debts.full",
        outcome=["refused", "unknown", "refused"],
        code=["99", "98", "99"],
    )
    applied(journal, fence, plan_of("person", ["U1"]), outcome=["refused"], code=["106"])
    rows = [
        ("debts", "D1", "BANK_99", 1),
        ("debts", "D2", "BANK_98", 1),
        ("debts", "D1", "OVERDUE", 1),
        ("users", "U1", "BANK_106", 1),
        ("debts", "D3", "BANK_99", 1),
    ]
    journal.record_exceptions(fence, exceptions_of(*rows))
    for row in rows[1:4]:
        with pytest.raises(InputRefused) as raised:
            journal.mark_resend([id_of(*rows[0][:3]), id_of(*row[:3])], "ann", "r")
        assert code_of(raised) == "RESEND_NOT_POSSIBLE"
    journal.sign([id_of(*rows[4][:3])], "ann", "r")
    with pytest.raises(InputRefused) as raised:
        journal.mark_resend([id_of(*rows[4][:3])], "ann", "r")
    assert code_of(raised) == "SIGNED_FINAL"
    with pytest.raises(InputRefused) as raised:
        journal.mark_resend(["X000000000000"], "ann", "r")
    assert code_of(raised) == "EXCEPTION_UNKNOWN"
    assert journal.resends().num_rows == 0
    journal.mark_resend([id_of(*rows[0][:3])], "ann", "r")
    journal.plan(fence, [plan_of("debt", ["D1"])], DAY, "debts.full")
    with pytest.raises(InputRefused):  # it is out again
        journal.mark_resend([id_of(*rows[0][:3])], "ann", "r")


# --- approvals ----------------------------------------------------------------------------------------------------------


def test_two_persons_approve_what_needs_two(journal, fence):
    asked = journal.open_gate(fence, "debts.full", 1, D, 2, "op")
    assert (asked.state, asked.needed, asked.requester, asked.given) == ("pending", 2, "op", ())
    first = journal.decide("debts.full", D, "ann", "approve", "fine", rehearsal=True)
    assert (first.state, first.given) == ("pending", ("ann",))
    events = len(journal.events())
    assert journal.decide("debts.full", D, "ann", "approve", "fine", rehearsal=True) == first
    assert (
        journal.decide("debts.full", D, " ANN ", "approve", "fine", rehearsal=True) == first
    )  # one person, two spellings
    assert len(journal.events()) == events
    second = journal.decide("debts.full", D, "bea", "approve", "", rehearsal=False)
    assert (second.state, second.given) == ("approved", ("ann", "bea"))
    assert [(d.rehearsal, d.reason) for d in second.decisions] == [(True, "fine"), (False, "")]
    assert journal.gates() == (second,)
    assert journal.open_gate(fence, "debts.full", 1, D, 1, "another") == second
    with pytest.raises(InputRefused) as raised:
        journal.decide("debts.full", D, "cyd", "reject", "late", rehearsal=False)
    assert code_of(raised) == "GATE_APPROVED"


@pytest.mark.parametrize(
    ("name", "by", "reason", "code"),
    [("", "chief", "left", "NAME_EMPTY"), ("ann", " ", "left", "NAME_EMPTY"), ("ann", "chief", " ", "REASON_EMPTY")],
)
def test_a_change_of_rights_has_names_and_a_reason(journal, name, by, reason, code):
    with pytest.raises(InputRefused) as raised:
        journal.set_right(name, "revoked", by, reason)
    assert [(r.code, r.subject) for r in raised.value.reasons] == [(code, "approvers")]
    assert journal.rights() == ()


def test_who_has_lost_the_right_answers_nothing(journal, fence):
    journal.open_gate(fence, "accounts", 1, D, 1, "op")
    journal.set_right("ann", "revoked", "chief", "left the bank")
    for decision in ("approve", "reject"):
        with pytest.raises(InputRefused) as raised:
            journal.decide("accounts", D, "ann", decision, "ok", rehearsal=False)
        assert code_of(raised) == "APPROVER_NO_RIGHT"
    assert journal.gates()[0].decisions == ()


def test_nobody_grants_himself_the_right_to_approve(journal):
    with pytest.raises(InputRefused) as raised:
        journal.set_right("ann", "granted", " ANN ", "I can")
    assert [(r.code, r.subject) for r in raised.value.reasons] == [("OWN_RIGHT", "approvers")]
    journal.set_right("ann", "revoked", "ann", "I leave")
    assert [right.standing for right in journal.rights()] == ["revoked"]
    assert [(e.kind, e.actor) for e in journal.events()][1:] == [("approver_set", "ann")]


def test_an_approval_falls_with_the_right_of_who_gave_it(journal, fence):
    journal.open_gate(fence, "debts.full", 1, D, 2, "op")
    journal.decide("debts.full", D, "ann", "approve", "", rehearsal=False)
    journal.set_right(" ANN ", "revoked", "chief", "left the bank")
    after = journal.decide("debts.full", D, "bea", "approve", "", rehearsal=False)
    assert (after.state, after.given) == ("pending", ("bea",))
    after = journal.decide("debts.full", D, "cyd", "approve", "", rehearsal=False)
    assert (after.state, after.given) == ("approved", ("bea", "cyd"))
    journal.set_right("bea", "revoked", "chief", "left the bank")
    assert [(g.state, g.given) for g in journal.gates()] == [("pending", ("cyd",))]
    assert [(r.name, r.standing, r.by) for r in journal.rights()] == [(n, "revoked", "chief") for n in ("ANN", "bea")]


def test_an_approval_that_was_used_stands_whatever_becomes_of_the_right(journal, fence):
    delivered(journal, fence, plan_of("person", ["U1"]))
    journal.set_right("ann", "revoked", "chief", "left the bank")
    assert [(g.state, g.given) for g in journal.gates()] == [("approved", ("ann",))]


@pytest.mark.parametrize("gate", ["accounts", "accounts#1"])
def test_an_approval_of_which_a_part_has_not_left_falls_with_the_right(journal, fence, gate):
    plans = [plan_of("person", ["U1"]), plan_of("person", ["U2"], part=2)]
    sealed = [journal.seal(fence, b, f"R-{b.batch_no}", b"x") for b in journal.plan(fence, plans, DAY, gate)]
    journal.mark_delivered(fence, sealed[0], approve(journal, fence, "accounts"))
    journal.set_right("ann", "revoked", "chief", "left the bank")
    assert [(g.state, g.given) for g in journal.gates()] == [("pending", ())]


def test_an_approval_of_a_stage_that_is_done_stands(journal, fence):
    approve(journal, fence, "residual")
    journal.record_stage(fence, "residual", 1, "done", {}, ())
    journal.set_right("ann", "revoked", "chief", "left the bank")
    assert [(g.state, g.given) for g in journal.gates()] == [("approved", ("ann",))]


def test_nobody_answers_his_own_request(journal, fence):
    journal.open_gate(fence, "accounts", 1, D, 1, "Op")
    for name in ("Op", "op", "ＯＰ"):
        for decision in ("approve", "reject"):
            with pytest.raises(InputRefused) as raised:
                journal.decide("accounts", D, name, decision, "", rehearsal=True)
            assert code_of(raised) == "OWN_REQUEST"
    assert journal.gates()[0].state == "pending"


def test_the_first_rejection_is_final_for_its_digest(journal, fence):
    journal.open_gate(fence, "debts.full", 1, D, 2, "op")
    journal.decide("debts.full", D, "ann", "approve", "", rehearsal=False)
    with pytest.raises(InputRefused) as raised:
        journal.decide("debts.full", D, "ann", "reject", "changed my mind", rehearsal=False)
    assert code_of(raised) == "ALREADY_DECIDED"
    gone = journal.decide("debts.full", D, "bea", "reject", "wrong sum", rehearsal=False)
    assert gone.state == "rejected"
    assert journal.decide("debts.full", D, "bea", "reject", "wrong sum", rehearsal=False) == gone
    with pytest.raises(InputRefused) as raised:
        journal.decide("debts.full", D, "cyd", "approve", "", rehearsal=False)
    assert code_of(raised) == "GATE_REJECTED"
    assert journal.open_gate(fence, "debts.full", 1, D, 2, "op") == gone
    fresh = journal.open_gate(fence, "debts.full", 2, "e" * 64, 2, "op")
    assert (fresh.state, fresh.given) == ("pending", ())
    assert [g.state for g in journal.gates()] == ["rejected", "pending"]


def test_a_newer_digest_supersedes_and_an_old_one_is_not_approved(journal, fence):
    journal.open_gate(fence, "debts.full", 1, D, 2, "op")
    journal.decide("debts.full", D, "ann", "approve", "", rehearsal=False)
    journal.open_gate(fence, "listings.full", 1, "9" * 64, 2, "op")
    journal.open_gate(fence, "debts.full", 1, "e" * 64, 2, "op")
    assert [g.state for g in journal.gates()] == ["superseded", "pending", "pending"]
    with pytest.raises(InputRefused) as raised:
        journal.decide("debts.full", D, "bea", "approve", "", rehearsal=False)
    assert code_of(raised) == "GATE_SUPERSEDED"
    back = journal.open_gate(fence, "debts.full", 1, D, 2, "op")  # the data went back: answers given to it still count
    assert (back.state, back.given) == ("pending", ("ann",))
    assert [g.state for g in journal.gates()] == ["pending", "pending", "superseded"]
    assert journal.decide("debts.full", D, "bea", "approve", "", rehearsal=False).state == "approved"


@pytest.mark.parametrize(("gate", "digest"), [("debts.full", D), ("accounts", "f" * 64)])
def test_an_unknown_gate_or_digest(journal, fence, gate, digest):
    journal.open_gate(fence, "accounts", 1, D, 1, "op")
    with pytest.raises(InputRefused) as raised:
        journal.decide(gate, digest, "ann", "approve", "", rehearsal=False)
    assert code_of(raised) == "GATE_UNKNOWN"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["op", "ann", "bea", "cyd"]), st.sampled_from(["approve", "reject"])), max_size=6
    ),
    st.integers(1, 3),
)
def test_whatever_is_answered_a_gate_never_opens_on_less_than_it_needs(journal, fence, answers, needed):
    digest = hashlib.sha256(repr((answers, needed)).encode()).hexdigest()
    gate = journal.open_gate(fence, "debts.full", 1, digest, needed, "op")
    for name, decision in answers:
        try:
            gate = journal.decide("debts.full", digest, name, decision, "", rehearsal=True)
        except InputRefused:
            continue
    assert "op" not in [d.name for d in gate.decisions]
    assert len({d.name for d in gate.decisions}) == len(gate.decisions)
    rejected = any(d.decision == "reject" for d in gate.decisions)
    assert gate.state == ("rejected" if rejected else "approved" if len(gate.given) >= needed else "pending")


# --- stages, checks, dispositions -------------------------------------------------------------------------------------------


def test_a_stage_is_one_record_a_round(journal, fence, make):
    clock: FakeClock = journal._clock if isinstance(journal, MemoryJournal) else journal._db._clock
    began = clock.now()
    journal.record_stage(fence, "preflight", 1, "running", {}, ())
    clock.sleep(60)
    journal.record_stage(fence, "accounts", 1, "waiting", {}, ["RESULT_MISSING x: y"])
    journal.record_stage(fence, "preflight", 1, "done", {"users": 3, "sum_fen": 2**40}, ())
    first, second = journal.stages()
    assert (first.stage, first.state, first.totals, first.started_at) == (
        "preflight",
        "done",
        {"users": 3, "sum_fen": 2**40},
        began,
    )
    assert first.ended_at == began + timedelta(seconds=60)
    assert (second.stage, second.state, second.reasons) == ("accounts", "waiting", ("RESULT_MISSING x: y",))
    events = len(journal.events())
    clock.sleep(60)
    journal.record_stage(fence, "preflight", 1, "done", {"users": 3, "sum_fen": 2**40}, ())
    assert len(journal.events()) == events
    assert journal.stages() == (first, second)
    journal.record_stage(fence, "preflight", 2, "running", {}, ())
    assert journal.stages()[-1].ended_at is None
    assert [(s.stage, s.round) for s in journal.stages()] == [("preflight", 1), ("accounts", 1), ("preflight", 2)]


def check(rule: str, outcome: str = "passed", observed: int | None = 0) -> CheckResult:
    return CheckResult(
        rule, "debts", "blocking", "domain.md", "ops", "debts", "标题", "title", outcome, observed, 0, 2, ("D1", "D2")
    )


def test_the_history_of_checks_stays(journal, fence):
    results = [check("r1", "failed", 10**25), check("r2", "not_checked", None)]
    journal.record_checks(fence, "debts", 1, results)
    journal.record_checks(fence, "debts", 1, [check("r1")])
    journal.record_checks(fence, "debts", 1, [])
    kept = journal.checks()
    assert [(stage, round_no, result) for stage, round_no, _, result in kept] == [
        ("debts", 1, results[0]),
        ("debts", 1, results[1]),
        ("debts", 1, check("r1")),
    ]
    assert journal.events()[-2].payload["not_passed"] == ["r1", "r2"]
    assert kinds(journal).count("checked") == 2


def dispositions_of(*rows: tuple[str, str, str | None]) -> pa.Table:
    names = ("key", "disposition", "reason")
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows], schema=pa.schema([(n, pa.string()) for n in names])
    )


def test_only_changed_dispositions_are_written_and_terminal_ones_stay(journal, fence):
    journal.record_dispositions(
        fence,
        "users",
        dispositions_of(("u10", "pending", None), ("U9", "opened", "OPENED_S"), ("é", "blocked", "BANK_106")),
    )
    journal.record_dispositions(fence, "debts", dispositions_of(("U9", "registered", "REGISTERED")))
    assert journal.dispositions("users")["key"].to_pylist() == ["U9", "u10", "é"]  # as UTF-8 bytes
    events = len(journal.events())
    journal.record_dispositions(fence, "users", dispositions_of(("U9", "opened", "OPENED_S")))
    assert len(journal.events()) == events
    journal.record_dispositions(
        fence, "users", dispositions_of(("u10", "opened", "OPENED_N"), ("U9", "opened", "OPENED_S"))
    )
    assert said(journal) == {"entity": "users", "written": {"opened": 1}}
    with pytest.raises(GateClosed) as raised:
        journal.record_dispositions(
            fence, "users", dispositions_of(("é", "opened", "OPENED_S"), ("U9", "blocked", "BANK_106"))
        )
    assert [r.code + " " + r.subject for r in raised.value.reasons] == ["TERMINAL_CHANGED users/U9"]
    journal.record_dispositions(fence, "debts", dispositions_of(("U9", "registered", "ANOTHER")))
    assert journal.dispositions("debts")["reason"].to_pylist() == ["ANOTHER"]  # why may still be told otherwise
    rows = [tuple(row.values()) for row in journal.dispositions("users").to_pylist()]
    assert rows == [("U9", "opened", "OPENED_S"), ("u10", "opened", "OPENED_N"), ("é", "blocked", "BANK_106")]


# --- the chain ----------------------------------------------------------------------------------------------------------


def test_the_chain_can_be_recomputed_from_the_standard_library_alone(journal, fence):
    applied(journal, fence, plan_of("person", ["U1"]))
    journal.note("op", "said", {"b": [1, None, True], "a": '汉字 "x"', "day": DAY})
    previous = "0" * 64
    events = journal.events()
    for seq, event in enumerate(events, 1):
        at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
        content = {"seq": seq, "at": at, "actor": event.actor, "kind": event.kind, "payload": dict(event.payload)}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256((previous + text).encode()).hexdigest()
        assert (event.seq, event.previous, event.digest) == (seq, previous, digest)
        previous = digest
    assert events[-1].payload == {"a": '汉字 "x"', "b": [1, None, True], "day": "2017-11-18"}
    assert journal.verify() == ()
    assert {e.actor for e in events if e.kind in {"planned", "sealed", "delivered", "applied"}} == {"op"}
    assert [e.actor for e in events if e.kind == "decided"] == ["ann"]


def test_an_event_holds_no_float(journal):
    with pytest.raises(ValueError, match="float"):
        journal.note("op", "said", {"amount": 1.5})
    assert kinds(journal) == ["begun"]


def test_a_refused_write_leaves_no_event(journal, fence):
    before = journal.events()
    with pytest.raises(InputRefused):
        journal.sign(["X000000000000"], "ann", "r")
    with pytest.raises(InputRefused):
        journal.decide("accounts", D, "ann", "approve", "", rehearsal=True)
    assert journal.events() == before
    assert journal.verify() == ()


# --- what the bank said when it was asked


def _answered_at(journal, entity: str) -> list[tuple[int | None, int | None]]:
    """Of every item: the record of its answer, and the inquiry that told it."""
    return [tuple(row.values()) for row in journal.items(entity).select(["result_record", "inquiry"]).to_pylist()]


def inquired(keys: list[str], **columns: list) -> Inquired:
    return Inquired(answers_of(keys, **columns), b"records", b"replies")


def test_a_batch_that_awaits_its_result_is_resolved_as_a_whole_or_not_at_all(journal, fence):
    batch = delivered(journal, fence, plan_of("debt", ["D1", "D2"]), "debts.full")
    events = journal.events()
    with pytest.raises(GateClosed) as raised:
        journal.resolve(fence, batch, "inquiry-1", inquired(["D1"]))
    assert code_of(raised) == "ANSWERS_INCOMPLETE"
    assert (journal.batches(), journal.events(), journal.inquiries(batch)) == ((batch,), events, ())
    done = journal.resolve(fence, batch, "inquiry-1", inquired(["D1", "D2"]))
    assert (done.state, done.result_name) == ("applied", "inquiry-1")
    assert done.result_sha256 == hashlib.sha256(b"records").hexdigest()
    assert journal.result(batch) == b"records"
    assert journal.inquiries(batch) == ((b"records", b"replies"),)
    items = journal.items("debts")
    assert items["state"].to_pylist() == ["ok", "ok"]
    assert items["authcode"].to_pylist() == ["AD1", "AD2"]
    assert _answered_at(journal, "debts") == [(1, 1), (2, 1)]
    assert kinds(journal)[-1] == "resolved"
    digests = {f"{what}_sha256": hashlib.sha256(what.encode()).hexdigest() for what in ("records", "replies")}
    about = {"batch": "batches/2017-11-18/000001", "result_name": "inquiry-1", "inquiry": 1}
    assert said(journal) == {**about, **digests, "outcomes": {"ok": 2}, "state": "applied"}
    events = journal.events()
    assert journal.resolve(fence, done, "inquiry-1", inquired(["D1", "D2"])) == done
    assert journal.events() == events, "nothing new: nothing is written"


def test_unknown_items_are_resolved_one_by_one_and_what_is_known_stays(journal, fence):
    outcomes = {"outcome": ["ok", "unknown", "unknown"], "code": ["00", "22", "22"]}
    gone = {"account_no": [None] * 3, "activated": [None] * 3, "authcode": [None] * 3}
    batch = applied(journal, fence, plan_of("listing", ["L1", "L2", "L3"]), "listings.full", **outcomes, **gone)
    assert batch.state == "unknown"
    nothing = {"account_no": [None], "activated": [None], "authcode": [None]}
    first = journal.resolve(fence, batch, batch.result_name, inquired(["L2"], code=["00"], **nothing))
    assert first.state == "unknown", "L3 is left"
    lie = inquired(["L1"], outcome=["refused"], code=["25"], **nothing)
    assert journal.resolve(fence, first, first.result_name, lie) == first
    last = inquired(["L3"], outcome=["refused"], code=["NOTFOUND"], result_record=[None], **nothing)
    done = journal.resolve(fence, first, first.result_name, last)
    assert (done.state, done.result_sha256) == ("applied", batch.result_sha256)
    assert journal.items("listings")["state"].to_pylist() == ["ok", "ok", "refused"]
    assert _answered_at(journal, "listings") == [(1, None), (2, 1), (3, 2)], "the file's record stays"
    assert len(journal.inquiries(batch)) == 2


def test_a_run_that_was_overtaken_resolves_nothing(journal, fence):
    batch = delivered(journal, fence, plan_of("debt", ["D1"]), "debts.full")
    journal.acquire("op2")
    with pytest.raises(StaleFence):
        journal.resolve(fence, batch, "inquiry-1", inquired(["D1"]))
    assert journal.items("debts")["state"].to_pylist() == ["open"]
    assert journal.inquiries(batch) == ()


def test_an_answer_that_was_asked_for_takes_no_code_of_another(journal, fence):
    applied(journal, fence, plan_of("debt", ["D1"]), "debts.full", authcode=["ONE"])
    batch = delivered(journal, fence, plan_of("debt", ["D2"]), "debts.full")
    with pytest.raises(GateClosed):
        journal.resolve(fence, batch, "inquiry-2", inquired(["D2"], authcode=["ONE"]))
    assert journal.inquiries(batch) == ()


def test_numbers_of_messages_are_drawn_once(make, journal):
    drawn = [number for one in (journal, make(), journal) for number in one.message_numbers()]
    assert len(drawn) == len(set(drawn)) > 2
    assert min(drawn) == 0
