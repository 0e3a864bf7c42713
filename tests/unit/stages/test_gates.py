"""What an approval is bound to, who gives it, and what the rules' results do to a gate."""

import contextlib
import hashlib
import json

import pytest

from migration.domain.errors import CouldNotCheck, GateClosed, Waiting
from migration.domain.values import CheckResult
from migration.stages import gates
from tests.unit.stages.workshop import Judgements, house, snapshot

D = "d" * 64


def code(raised) -> str:
    return raised.value.reasons[0].code


# --- digests


def test_the_digest_is_canonical_json_of_all_it_is_bound_to():
    one = house()
    bound = {
        "cutover": "2017-11-jx",
        "gate": "debts.full",
        "round": 2,
        "configuration": "c" * 64,
        "code": "d" * 64,
        "snapshot": "5" * 64,
        "files": [["a", "b", 1, 100]],
    }
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
    assert (
        gates.digest_of(one, "debts.full", 2, {"files": [["a", "b", 1, 100]]})
        == hashlib.sha256(text.encode()).hexdigest()
    )


@pytest.mark.parametrize("changes", [{"cutover_id": "other"}, {"config_digest": "e" * 64}, {"code_digest": "e" * 64}])
def test_other_terms_are_another_digest(changes):
    assert gates.digest_of(house(), "accounts", 1, {}) != gates.digest_of(house(**changes), "accounts", 1, {})


def test_another_gate_round_content_or_snapshot_is_another_digest():
    one, other = house(), house()
    other.journal.record_snapshot(other.fence, snapshot("6" * 64))
    digests = {
        gates.digest_of(one, "accounts", 1, {"files": []}),
        gates.digest_of(one, "reopen", 1, {"files": []}),
        gates.digest_of(one, "accounts", 2, {"files": []}),
        gates.digest_of(one, "accounts", 1, {"files": [["x"]]}),
        gates.digest_of(other, "accounts", 1, {"files": []}),
    }
    assert len(digests) == 5


# --- persons


@pytest.mark.parametrize(
    ("gate", "persons"),
    [
        ("accounts", 1),
        ("reopen", 1),
        ("listings.sample", 1),
        ("debts.sample", 1),
        ("listings.full", 3),
        ("debts.full", 3),
        ("resend.2017-11-18.000001", 3),
        ("reconcile", 3),
        ("destroy", 3),
    ],
)
def test_where_money_moves_more_persons_are_needed(gate, persons):
    assert gates.needed(house(require_approvals=3), gate) == persons


def test_nothing_goes_on_before_the_last_person_has_approved():
    one = house()
    for given, names in enumerate((["ann"], ["ben"])):
        with pytest.raises(Waiting) as raised:
            gates.require_approval(one, "debts.full", 1, D)
        (reason,) = raised.value.reasons
        assert (reason.code, reason.subject) == ("APPROVAL_MISSING", "debts.full")
        assert f"{given} of 2" in reason.detail
        assert D[:12] in reason.detail
        assert f"--digest {D} " in reason.mend
        one.journal.decide("debts.full", D, *names, "approve", "ok", rehearsal=False)
    gates.require_approval(one, "debts.full", 1, D)
    with pytest.raises(Waiting):
        gates.require_approval(one, "debts.full", 1, "e" * 64)


def test_a_rejection_stops_with_the_reason_that_was_given():
    one = house()
    gates.ask(one, "debts.full", 1, D)
    one.journal.decide("debts.full", D, "ann", "approve", "fine", rehearsal=False)
    one.journal.decide("debts.full", D, "ben", "reject", "the sum is wrong", rehearsal=False)
    with pytest.raises(GateClosed) as raised:
        gates.require_approval(one, "debts.full", 1, D)
    (reason,) = raised.value.reasons
    assert (reason.code, reason.subject) == ("REJECTED", "debts.full")
    assert reason.detail == f"rejected for digest {D[:12]}: the sum is wrong"


@pytest.mark.parametrize(("decision", "roots"), [(None, 0), ("approve", 1), ("reject", 1)])
def test_a_root_is_signed_at_every_gate_that_is_decided_and_at_no_other(decision, roots):
    one = house()
    signed = []
    one.seal = lambda *told: signed.append(told)
    gates.ask(one, "accounts", 1, D)
    if decision:
        one.journal.decide("accounts", D, "ann", decision, "seen", rehearsal=False)
    try:
        gates.require_approval(one, "accounts", 1, D)
        assert decision == "approve"
    except (Waiting, GateClosed):
        assert decision != "approve"
    assert signed == [(one.fence, "accounts", D)] * roots


def test_a_gate_that_was_opened_for_fewer_persons_still_needs_them_all():
    one = house()
    one.journal.open_gate(one.fence, "debts.full", 1, D, 1, "runner")
    one.journal.decide("debts.full", D, "ann", "approve", "seen", rehearsal=False)
    with pytest.raises(Waiting) as raised:
        gates.require_approval(one, "debts.full", 1, D)
    assert "1 of 2" in raised.value.reasons[0].detail


def test_a_gate_that_was_opened_for_more_persons_needs_them():
    one = house()
    one.journal.open_gate(one.fence, "accounts", 1, D, 2, "runner")
    one.journal.decide("accounts", D, "ann", "approve", "seen", rehearsal=False)
    with pytest.raises(Waiting) as raised:
        gates.require_approval(one, "accounts", 1, D)
    assert "1 of 2" in raised.value.reasons[0].detail


def test_a_gate_is_asked_for_as_the_run_that_asks():
    one = house(actor="ops")
    asked = gates.ask(one, "debts.full", 2, D)
    assert (asked.gate, asked.round, asked.digest, asked.needed, asked.requester) == ("debts.full", 2, D, 2, "ops")
    assert (asked.state, asked.given) == ("pending", ())


def test_approvals_beforehand_are_marked_and_no_more_than_are_needed():
    one = house(actor="ops", approve_as=("ops", "ann", "ann", "ben", "cem"))
    asked = gates.ask(one, "debts.full", 1, D)
    assert (asked.state, asked.given) == ("approved", ("ann", "ben"))
    assert all(d.rehearsal and d.reason == "rehearsal" for d in asked.decisions)
    again = gates.ask(one, "debts.full", 1, D)
    assert again.given == ("ann", "ben")


def test_approvals_beforehand_do_not_answer_for_a_rejection():
    one = house(approve_as=("ann", "ben"))
    plain = house(journal=one.journal)
    gates.ask(plain, "accounts", 1, D)
    one.journal.decide("accounts", D, "cem", "reject", "no", rehearsal=False)
    one.fence = plain.fence
    assert gates.ask(one, "accounts", 1, D).state == "rejected"


def test_who_was_overtaken_asks_no_more():
    one = house()
    house(journal=one.journal, actor="other")
    with pytest.raises(Exception, match="FENCE_LOST"):
        gates.require_approval(one, "accounts", 1, D)


# --- rules


def result(outcome: str, severity: str = "blocking", rule: str = "DEB-001", **more) -> CheckResult:
    values = {
        "rule_id": rule, "entity": "debts", "severity": severity, "clause": "clause 9", "owner": "bank desk",
        "blocks": "residual", "title_zh": "合计", "title_en": "sum", "outcome": outcome,
        "observed": 7, "expected": 0, "failures": 0 if outcome == "passed" else 7, "keys": (),
    }  # fmt: skip
    return CheckResult(**(values | more))


def judged(*results):
    one = house(judge=Judgements(*results))
    gates.judge(one, "debts", 3, {"m": 1}, {"m": ["k"]})
    return one


def test_what_passed_or_only_warns_lets_through_and_is_kept():
    results = (result("passed"), result("failed", "warning", "DEB-002"), result("not_checked", "info", "DEB-003"))
    one = judged(*results)
    assert one.judge.asked == [("debts", {"m": 1}, {"m": ["k"]})]
    assert [(stage, round_no, kept) for stage, round_no, _, kept in one.journal.checks()] == [
        ("debts", 3, r) for r in results
    ]


def test_a_blocking_failure_closes_the_gate_whatever_else_was_not_checked():
    with pytest.raises(GateClosed) as raised:
        judged(
            result("not_checked", rule="DEB-009"), result("failed", keys=("D1", "D2")), result("passed", rule="DEB-002")
        )
    (reason,) = raised.value.reasons
    assert (reason.code, reason.subject) == ("DEB-001", "debts")
    assert reason.detail == (
        "合计：7 项 (D1, D2, …)；阻断 遗留余额；责任 银行对接 / sum: 7 found (D1, D2, …); blocks residual; owner bank desk"
    )
    assert reason.mend == "clause 9 (docs/rules.md)"


def test_every_failure_is_named_and_few_keys_are_whole():
    with pytest.raises(GateClosed) as raised:
        judged(
            result("failed", failures=3, keys=tuple("abc")),
            result("failed", rule="DEB-002", failures=4, keys=tuple("abcd")),
        )
    first, second = raised.value.reasons
    assert "3 found (a, b, c);" in first.detail
    assert "4 found (a, b, c, …);" in second.detail


def test_what_could_not_be_checked_is_no_pass():
    with pytest.raises(CouldNotCheck) as raised:
        judged(result("passed"), result("not_checked", rule="DEB-002", observed=None))
    (reason,) = raised.value.reasons
    assert (reason.code, reason.subject) == ("DEB-002", "debts")
    assert reason.detail == (
        "合计：未能检查；阻断 遗留余额；责任 银行对接 / sum: not checked; blocks residual; owner bank desk"
    )


def test_results_are_kept_when_the_gate_stays_shut():
    one = house(judge=Judgements(result("failed")))
    with pytest.raises(GateClosed):
        gates.judge(one, "debts", 1, {}, {})
    assert [kept.rule_id for _, _, _, kept in one.journal.checks()] == ["DEB-001"]


@pytest.mark.parametrize("outcome", ["failed", "passed"])
def test_the_gates_page_is_kept_in_both_languages_shut_or_open(outcome):
    one = house(judge=Judgements(result(outcome, keys=("D1",))))
    kept = {}
    one.report = kept.__setitem__
    with contextlib.suppress(GateClosed):
        gates.judge(one, "debts", 3, {}, {})
    assert set(kept) == {"gate-debts-3-zh.html", "gate-debts-3-en.html"}
    shut = outcome == "failed"
    assert ("关口关闭" in kept["gate-debts-3-zh.html"]) == shut
    assert ("The gate is shut" in kept["gate-debts-3-en.html"]) == shut
    assert "第 3 轮" in kept["gate-debts-3-zh.html"]


def test_a_gate_without_rules_has_no_page():
    one = house(judge=Judgements())
    one.report = lambda name, _: pytest.fail(name)
    gates.judge(one, "debts", 1, {}, {})
