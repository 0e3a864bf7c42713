"""What both journals decide the same way, decision by decision."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from migration.domain.errors import ConfigurationError, GateClosed, InputRefused, StaleFence
from migration.domain.values import Batch, Decision, Gate, Right
from migration.journal import chain, rules
from tests.unit.bank.samples import DAY

D = "d" * 64
BATCH = Batch(
    DAY, "000003", "debts", 1, "debt", sample=False, part=1, rows=2, sum_fen=5, state="delivered", gate="debts.full#1"
)
GATE = Gate("debts.full", 1, D, 2, "pending", "Op One")


def code(raised) -> tuple[str, str]:
    (reason,) = raised.value.reasons
    return reason.code, reason.subject


def answered(*given: tuple[str, str], state: str = "pending") -> Gate:
    return replace(GATE, state=state, decisions=tuple(Decision(n, d, "", False, None) for n, d in given))


# --- names


@pytest.mark.parametrize("name", ["Ann Lee", "ann lee", " ANN   LEE ", "Ａｎｎ\u3000Ｌｅｅ"])
def test_one_person_is_one_however_the_name_is_written(name):
    assert rules.person_key(name) == "ann lee"


@pytest.mark.parametrize(("call", "wanted"), [(rules.person, "NAME_EMPTY"), (rules.reason_given, "REASON_EMPTY")])
def test_who_acts_and_why_is_never_blank(call, wanted):
    assert call("  x y ", "journal") == "x y"
    for blank in ("", " ", "\u3000"):
        with pytest.raises(InputRefused) as raised:
            call(blank, "journal")
        assert code(raised) == (wanted, "journal")


def test_a_name_has_letters_beneath_its_accents():
    assert rules.person("José", "journal") == "José"
    with pytest.raises(InputRefused) as raised:
        rules.person("\u0301", "journal")
    assert code(raised) == ("NAME_CHARACTERS", "journal")


def test_a_right_is_written_only_when_it_changes():
    known = [Right("Ann", "granted", "chief", "r", None), Right("ann", "revoked", "chief", "r", None)]
    assert not rules.sets_right(known, "ANN", "revoked", "chief")
    assert not rules.sets_right(known[:1], "ANN", "granted", "chief")
    assert rules.sets_right(known, "ANN", "granted", "chief")
    assert rules.sets_right([], "ANN", "revoked", "chief")


def test_an_exception_is_named_by_what_it_is_about():
    digest = hashlib.sha256(b"debts|D1|BANK_13").hexdigest()
    assert rules.exception_id("debts", "D1", "BANK_13") == "X" + digest[:12]
    assert rules.label(BATCH) == "batches/2017-11-18/000003"


# --- the run


@pytest.mark.parametrize("given", [1, 3])
def test_a_token_is_the_last_or_stale(given):
    rules.check_fence(2, 2)
    with pytest.raises(StaleFence) as raised:
        rules.check_fence(given, 2)
    assert code(raised) == ("FENCE_LOST", "journal")


@pytest.mark.parametrize(("cutover", "kind"), [("", "rehearsal"), ("c1", "play"), ("", "")])
def test_a_cutover_has_an_id_and_a_kind(cutover, kind):
    rules.check_new("c1", "rehearsal")
    rules.check_new("c1", "production")
    with pytest.raises(ConfigurationError) as raised:
        rules.check_new(cutover, kind)
    assert code(raised) == ("CUTOVER_KIND", "cutover.kind")


def test_a_cutover_stays_of_its_kind():
    rules.check_kind("c1", "rehearsal", "rehearsal")
    with pytest.raises(ConfigurationError) as raised:
        rules.check_kind("c1", "production", "rehearsal")
    assert code(raised) == ("CUTOVER_KIND", "cutover.kind")


@pytest.mark.parametrize(("stage", "state"), [("debt", "done"), ("debts", "finished"), ("x", "y")])
def test_stages_and_their_states_are_known_ones(stage, state):
    rules.check_stage("debts", "done")
    with pytest.raises(ValueError, match="no such stage or state"):
        rules.check_stage(stage, state)


def test_only_what_may_be_corrected_is():
    rules.check_fields(["name", "phone"])
    with pytest.raises(InputRefused) as raised:
        rules.check_fields(["name", "balance"])
    assert code(raised) == ("CORRECTION_FIELD", "corrections")


def test_a_date_has_999999_numbers():
    rules.check_number(999_999, "batches/x")
    with pytest.raises(ConfigurationError) as raised:
        rules.check_number(1_000_000, "batches/x")
    assert code(raised) == ("BATCH_NUMBERS_SPENT", "batches/x")


# --- batches


def test_what_is_planned_is_to_be_sealed_and_once_only():
    sealed = replace(BATCH, state="sealed", request_name="q", request_sha256=D)
    assert rules.seals(replace(BATCH, state="planned"), "q", D) is True
    assert rules.seals(sealed, "q", D) is False
    assert rules.seals(replace(sealed, state="delivered"), "q", D) is False
    for name, digest in (("q", "e" * 64), ("p", D)):
        with pytest.raises(GateClosed) as raised:
            rules.seals(sealed, name, digest)
        assert code(raised) == ("SEAL_CONFLICT", "batches/2017-11-18/000003")


def test_delivery_is_recorded_once_under_an_approved_digest():
    sealed = replace(BATCH, state="sealed")
    assert rules.delivers(sealed, D, replace(GATE, state="approved")) is True
    assert rules.delivers(replace(sealed, gate=""), D, None) is True
    assert rules.delivers(replace(BATCH, digest=D), D, None) is False
    assert rules.delivers(replace(BATCH, state="applied", digest=D), D, None) is False
    for batch, gate, wanted in (
        (sealed, None, "GATE_NOT_APPROVED"),
        (sealed, GATE, "GATE_NOT_APPROVED"),
        (sealed, replace(GATE, state="rejected"), "GATE_NOT_APPROVED"),
        (sealed, replace(GATE, state="superseded"), "GATE_NOT_APPROVED"),
        (replace(BATCH, state="planned"), replace(GATE, state="approved"), "BATCH_STATE"),
        (replace(BATCH, digest="e" * 64), replace(GATE, state="approved"), "DELIVERY_DIGEST"),
    ):
        with pytest.raises(GateClosed) as raised:
            rules.delivers(batch, D, gate)
        assert code(raised)[0] == wanted


@pytest.mark.parametrize("state", ["applied", "unknown"])
def test_the_same_result_again_is_nothing_to_apply(state):
    done = replace(BATCH, state=state, result_sha256=D)
    assert rules.applies(done, D) is False
    with pytest.raises(GateClosed) as raised:
        rules.applies(done, "e" * 64)
    assert code(raised)[0] == "RESULT_CONTRADICTS"


def test_a_result_is_for_what_was_delivered():
    for state in ("delivered", "quarantined", "answered"):
        assert rules.applies(replace(BATCH, state=state), D) is True
    for state in ("planned", "sealed"):
        with pytest.raises(GateClosed) as raised:
            rules.applies(replace(BATCH, state=state), D)
        assert code(raised)[0] == "BATCH_STATE"


def test_only_what_was_delivered_is_asked_for():
    assert rules.resolves(BATCH)
    assert not rules.resolves(replace(BATCH, state="applied"))
    sealed = replace(BATCH, state="sealed")
    with pytest.raises(GateClosed) as raised:
        rules.resolves(sealed)
    assert raised.value.reasons == rules.wrong_state(sealed, "delivered").reasons


def test_a_chain_has_no_gap_every_link_holds_and_its_end_is_where_it_is_said_to_be():
    at = datetime(2017, 11, 18, tzinfo=UTC)

    def found(number: int, previous: str, end: int) -> list[tuple[str, str]]:
        second = chain.link(previous, number, at, "op", "said", "{}")
        told = chain.check([(first, "{}"), (second, "{}")], end, second.digest)
        return [(f.code, f.subject) for f in told]

    first = chain.link(chain.GENESIS, 1, at, "op", "said", "{}")
    assert found(2, first.digest, 2) == []
    assert found(3, first.digest, 3) == [("CHAIN_GAP", "events/3")]
    assert found(2, "0" * 63 + "1", 2) == [("CHAIN_LINK", "events/2")]
    assert found(2, first.digest, 3) == [("CHAIN_HEAD", "events/2")]


def test_errors_of_batches_name_the_batch():
    for error, wanted in (
        (rules.unknown_batch(BATCH), "BATCH_UNKNOWN"),
        (rules.wrong_state(BATCH, "sealed"), "BATCH_STATE"),
        (rules.answers_incomplete(BATCH), "ANSWERS_INCOMPLETE"),
    ):
        assert isinstance(error, GateClosed)
        assert [(r.code, r.subject) for r in error.reasons] == [(wanted, "batches/2017-11-18/000003")]


# --- approvals


@pytest.mark.parametrize(
    ("gate", "name", "decision", "wanted"),
    [
        (None, "ann", "approve", "GATE_UNKNOWN"),
        (answered(state="superseded"), "ann", "approve", "GATE_SUPERSEDED"),
        (answered(("ben", "reject"), state="rejected"), "ann", "approve", "GATE_REJECTED"),
        (answered(("ben", "reject"), state="rejected"), "ann", "reject", "GATE_REJECTED"),
        (answered(), "ＯＰ  one", "approve", "OWN_REQUEST"),
        (answered(), "op one", "reject", "OWN_REQUEST"),
        (answered(("Ann", "approve")), "ann", "reject", "ALREADY_DECIDED"),
        (answered(("ben", "approve"), ("cem", "approve"), state="approved"), "ann", "reject", "GATE_APPROVED"),
    ],
)
def test_an_answer_that_is_refused(gate, name, decision, wanted):
    with pytest.raises(InputRefused) as raised:
        rules.decides(gate, name, decision, "gates/debts.full")
    assert code(raised) == (wanted, "gates/debts.full")


def test_an_answer_is_recorded_once():
    assert rules.decides(answered(), "ann", "approve", "g") is True
    assert rules.decides(answered(), "ann", "reject", "g") is True
    assert rules.decides(answered(("Ann", "approve")), "ann ", "approve", "g") is False
    assert (
        rules.decides(answered(("ben", "approve"), ("cem", "approve"), state="approved"), "ann", "approve", "g") is True
    )
    assert rules.decides(answered(("ann", "reject"), state="rejected"), "ann", "reject", "g") is False


def test_a_gate_opens_on_the_last_approval_and_shuts_on_the_first_rejection():
    assert rules.state_after(answered(), "approve") == "pending"
    assert rules.state_after(answered(("ben", "approve")), "approve") == "approved"
    assert rules.state_after(answered(("ben", "approve"), ("cem", "approve")), "approve") == "approved"
    assert rules.state_after(answered(("ben", "approve")), "reject") == "rejected"
    assert rules.state_after(replace(answered(), needed=1), "approve") == "approved"


# --- exceptions


def test_what_can_be_signed():
    assert rules.check_sign("X1", "open") is True
    assert rules.check_sign("X1", "signed") is False
    for state, wanted in ((None, "EXCEPTION_UNKNOWN"), ("mended", "EXCEPTION_MENDED")):
        with pytest.raises(InputRefused) as raised:
            rules.check_sign("X1", state)
        assert code(raised) == (wanted, "exceptions/X1")


@pytest.mark.parametrize(
    ("state", "entity", "reason", "latest", "wanted"),
    [
        (None, "debts", "BANK_13", "refused", "EXCEPTION_UNKNOWN"),
        ("signed", "debts", "BANK_13", "refused", "SIGNED_FINAL"),
        ("mended", "debts", "BANK_13", "refused", "EXCEPTION_MENDED"),
        ("open", "users", "BANK_13", "refused", "RESEND_NOT_POSSIBLE"),
        ("open", "debts", "OVERDUE", "refused", "RESEND_NOT_POSSIBLE"),
        ("open", "debts", "BANK_22", "unknown", "RESEND_NOT_POSSIBLE"),
        ("open", "debts", "BANK_13", "open", "RESEND_NOT_POSSIBLE"),
        ("open", "debts", "BANK_13", None, "RESEND_NOT_POSSIBLE"),
    ],
)
def test_only_a_refused_listing_or_debt_is_sent_again(state, entity, reason, latest, wanted):
    for good in ("listings", "debts"):
        rules.check_resend("X1", "open", good, "BANK_13", "refused")
    with pytest.raises(InputRefused) as raised:
        rules.check_resend("X1", state, entity, reason, latest)
    assert code(raised) == (wanted, "exceptions/X1")


def test_whatever_of_an_event_is_changed_its_digest_says_so():
    at = datetime(2017, 11, 18, tzinfo=UTC)
    event = chain.link(chain.GENESIS, 1, at, "op", "said", "{}")
    for changed, payload in (
        (replace(event, actor="eve"), "{}"),
        (replace(event, kind="decided"), "{}"),
        (replace(event, at=at.replace(microsecond=1)), "{}"),
        (event, '{"n":1}'),
    ):
        told = chain.check([(changed, payload)], 1, event.digest)
        assert [(f.code, f.subject) for f in told] == [("CHAIN_DIGEST", "events/1")]
