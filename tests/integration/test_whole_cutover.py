"""The whole cutover in one process: order, gates, rounds, stops. The sandbox bank answers through real files."""

from __future__ import annotations

import html
from dataclasses import replace

import pytest

from expectations import rules_of
from expectations.plain import PlainJudge
from expectations.words import owner_name, stage_name
from migration.sandbox.bank import dump
from migration.stages.order import STAGES
from tests.contract.platforms import row
from tests.support.platform import company, joined, loan, person, small
from tests.support.rehearsal import Rehearsal


@pytest.fixture
def plain(tmp_path):
    return Rehearsal(tmp_path, small())


def test_a_clean_platform_goes_through(tmp_path):
    plain = Rehearsal(tmp_path, small(), verified=True, measured=True)
    assert plain.run() == 0, plain.reasons
    assert set(plain.where("users").values()) == {("opened", "OPENED_S")}
    assert set(plain.where("listings").values()) == {("registered", "REGISTERED")}
    assert set(plain.where("debts").values()) == {("registered", "REGISTERED")}
    assert plain.balance() == {
        "legacy_fen": 100000 + 200000 + 300000 + 3 * (50050 + 1001) + 3 * 1230,
        "registered_fen": 600000 + 3 * 51051,
        "excepted_fen": 0,
        "residual_fen": 3690,
        "in_flight_fen": 0,
        "difference_fen": 0,
        "listings": [],
        "persons": [],
    }
    held = {r["debt_id"]: r["amount_fen"] for r in dump(plain.root / "state")["debts"]}
    assert held == {r["debt_id"]: r["principal_fen"] for r in plain.exports()["debts"].to_pylist()}


def test_a_second_run_changes_nothing(plain):
    assert plain.run() == 0
    before, events, sent = plain.exports(), len(plain.journal.events()), plain.sent()
    assert plain.run() == 0
    assert plain.exports() == before
    assert plain.sent() == sent
    new = [e.kind for e in plain.journal.events()[events:]]
    assert len(new) <= 2, new  # nothing but the taking over


def test_numbers_are_drawn_in_order_without_a_gap(plain):
    plain.run()
    rows = plain.exports()["batches"].to_pylist()
    assert [r["batch_no"] for r in rows] == [f"{n:06d}" for n in range(1, len(rows) + 1)]
    assert [(r["stage"], r["kind"], r["sample"]) for r in rows] == [
        ("accounts", "person", False),
        ("accounts", "company", False),
        ("listings", "listing", True),
        ("debts", "debt", True),
    ]


def test_parts_are_cut_at_the_row_limit(tmp_path):
    case = Rehearsal(tmp_path, small(), rows_per_file=2)
    assert case.run() == 0, case.reasons
    persons = [r for r in case.exports()["batches"].to_pylist() if r["kind"] == "person"]
    assert [(r["part"], r["rows"]) for r in persons] == [(1, 2), (2, 2)]
    assert max(r["rows"] for r in case.exports()["batches"].to_pylist()) == 2


def test_approvals_are_waited_for_and_not_taken_from_the_requester(plain):
    assert plain.run(approve=()) == 4
    assert plain.codes == ["APPROVAL_MISSING"]
    assert plain.sent() == {}
    assert plain.run(approve=("runner",)) == 4, "the requester may not approve"
    assert plain.run(approve=("first",)) == 4, "the full set needs two persons"
    gates = {g.gate: (g.state, g.needed) for g in plain.journal.gates()}
    assert gates["accounts"] == ("approved", 1)
    assert gates["listings.sample"] == ("approved", 1)
    assert gates["listings.full"] == ("pending", 2)
    assert plain.run() == 0


def test_a_rejection_stops_with_its_reason(plain):
    plain.run(approve=())
    gate = plain.journal.gates()[0]
    plain.journal.decide(gate.gate, gate.digest, "second", "reject", "numbers look wrong", rehearsal=False)
    assert plain.run() == 3
    assert plain.codes == ["REJECTED"]
    assert "numbers look wrong" in str(plain.reasons[0])
    assert plain.sent() == {}


def test_what_was_approved_is_what_is_sent(plain):
    plain.run(approve=())
    old = plain.journal.gates()[0]
    plain.journal.decide(old.gate, old.digest, "first", "approve", "", rehearsal=False)
    plain.correct("U2,phone,13800000002,13811112222,changed,operations")
    assert plain.run(approve=()) == 4, "the data changed: the approval was for another digest"
    assert plain.sent() == {}
    assert plain.run() == 0
    (name,) = [n for n in plain.sent() if "APPZX0110-000001" in n]
    assert b"13811112222" in plain.sent()[name]


def test_a_refused_lender_blocks_only_his_own_debts(tmp_path):
    case = Rehearsal(tmp_path, small(), faults={"refuse_users": {"U3": "106"}})
    assert case.run() == 4
    assert case.exceptions() == {("users", "U3"): "BANK_106"}
    where = case.where("debts")
    assert {k for k, v in where.items() if v == ("blocked", "PARTY_NOT_OPENED")} == {"L1D2", "L2D2", "L3D2"}
    assert sum(v[0] == "registered" for v in where.values()) == 6


def test_a_refused_borrower_is_corrected_and_all_of_his_follows_in_the_next_round(tmp_path):
    case = Rehearsal(tmp_path, small(), faults={"refuse_users": {"U1": "106"}})
    assert case.run() == 4
    assert set(case.where("listings").values()) == {("blocked", "PARTY_NOT_OPENED")}
    assert set(case.where("debts").values()) == {("blocked", "PARTY_NOT_OPENED")}
    case.correct("U1,phone,13800000001,13855550001,changed,operations")
    assert case.run() == 0, case.reasons
    assert set(case.where("debts").values()) == {("registered", "REGISTERED")}
    later = [(r["stage"], r["kind"], r["sample"]) for r in case.exports()["batches"].to_pylist() if r["round"] == 2]
    assert later == [("reopen", "person", False), ("listings", "listing", False), ("debts", "debt", False)]


def test_a_signed_borrower_leaves_his_listings_and_debts_in_the_books(tmp_path):
    platform = joined(small(), {"users": [person(7)]}, loan(9, "U7", {"U2": "70.00"}))
    case = Rehearsal(tmp_path, platform, faults={"refuse_users": {"U7": "106"}}, verified=True, measured=True)
    assert case.run() == 4
    case.sign(("users", "U7"))
    assert case.run() == 0, case.reasons
    assert case.where("users")["U7"] == ("excepted", "BANK_106")
    assert case.where("listings")["L9"] == ("excepted", "PARTY_NOT_OPENED")
    assert case.where("debts")["L9D1"] == ("excepted", "PARTY_NOT_OPENED")
    assert case.balance()["excepted_fen"] == 7000
    assert case.balance()["difference_fen"] == 0


def test_corrections_present_at_reopen_go_out_in_the_first_round(tmp_path):
    case = Rehearsal(tmp_path, small(), faults={"refuse_users": {"U1": "106"}})
    assert case.run("accounts") == 0
    case.correct("U1,phone,13800000001,13855550001,changed,operations")
    assert case.run() == 0, case.reasons
    rows = case.exports()["batches"].to_pylist()
    assert {r["round"] for r in rows} == {1}
    assert [r["stage"] for r in rows] == ["accounts", "accounts", "reopen", "listings", "debts"]


def test_a_bad_sample_stops_its_stage_and_nothing_of_the_full_set_is_sent(tmp_path):
    case = Rehearsal(tmp_path, small(6), faults={"refuse_listings": {"L1": "20"}}, confidence=0)
    assert case.run() == 3
    assert case.codes == ["SAMPLE_FAILED", "BANK_20"]
    batches = case.exports()["batches"].to_pylist()
    assert [r["sample"] for r in batches if r["stage"] == "listings"] == [True]
    assert sum("BIDIN-" in name for name in case.sent()) == 1
    assert case.run() == 3, "it stays shut until it is mended"
    case.sign(("listings", "L1"))
    assert case.run() == 0, case.reasons
    assert case.where("listings")["L1"] == ("excepted", "BANK_20")
    assert all(v == ("excepted", "BANK_20") for k, v in case.where("debts").items() if k.startswith("L1D"))
    assert case.balance()["difference_fen"] == 0


def test_a_refusal_in_the_full_set_is_sent_again_in_the_next_round(tmp_path):
    probe = Rehearsal(tmp_path / "probe", small(12), confidence=0)
    probe.run()
    rows = probe.exports()
    sample = {r["batch_no"] for r in rows["batches"].to_pylist() if r["sample"]}
    chosen = next(r["debt_id"] for r in rows["debts"].to_pylist() if r["batch_no"] not in sample)
    case = Rehearsal(
        tmp_path / "case", small(12), faults={"refuse_debts": {chosen: {"code": "93", "times": 1}}}, confidence=0
    )
    assert case.run() == 4
    assert case.exceptions() == {("debts", chosen): "BANK_93"}
    case.resend(("debts", chosen))
    assert case.run() == 0, case.reasons
    assert case.where("debts")[chosen] == ("registered", "REGISTERED")
    assert [r["round"] for r in case.exports()["batches"].to_pylist()][-1] == 2


@pytest.mark.parametrize("how", ["echo", "truncate", "double", "missing", "unknown", "header", "encoding", "account"])
def test_a_spoilt_result_is_quarantined_and_a_good_one_in_its_place_goes_on(tmp_path, how):
    spoil = {"match": "APPZX0110RES-000001", "how": how, "record": 1, "times": 1}
    case = Rehearsal(tmp_path, small(), faults={"corrupt": [spoil]})
    assert case.run() == 3, case.reasons
    assert case.codes[0] == "RESULT_QUARANTINED"
    assert {v[0] for k, v in case.where("users").items() if k.startswith("U")} == {"pending"}
    notes = list((tmp_path / "workspace" / "quarantine").glob("*.json"))
    assert len(notes) == 1
    assert not any(name in notes[0].read_text() for name in ("13800000001", "11010119800101"))
    assert case.run() == 0, case.reasons
    clean = Rehearsal(tmp_path / "clean", small())
    clean.run()
    for name in ("users", "listings", "debts"):
        assert case.exports()[name] == clean.exports()[name]


def test_a_used_result_that_changes_stops_the_next_run(plain):
    assert plain.run("accounts") == 0
    (place,) = (plain.root / "bank" / "in").rglob("*APPZX0110RES-000001*")
    content = place.read_bytes()
    place.write_bytes(content.replace(b"000", b"001", 1))
    assert plain.run() == 3
    assert plain.codes == ["RESULT_CONTRADICTS"]
    assert not place.exists()
    assert plain.run() == 0


def test_code_22_is_an_unknown_outcome_that_only_a_signature_resolves(tmp_path):
    spoil = {"match": "BIDINRESP.*", "how": "code22", "record": 1, "times": 1}
    case = Rehearsal(tmp_path, small(), faults={"corrupt": [spoil]})
    assert case.run() == 5
    assert case.codes == ["OUTCOME_UNKNOWN"]
    assert [b.state for b in case.journal.batches()][-1] == "unknown"
    assert sum(v[0] == "registered" for v in case.where("listings").values()) == 2, "the other rows are applied"
    assert case.run() == 5
    case.sign()
    assert case.run() == 0, case.reasons
    assert sum(v == ("excepted", "BANK_22") for v in case.where("listings").values()) == 1


def test_company_results_may_take_days(tmp_path):
    held = {"hold": [{"match": "APPZX.*", "sort": "company", "until_released": True}]}
    case = Rehearsal(tmp_path, small(), faults=held)
    assert case.run() == 4
    assert case.codes == ["RESULT_MISSING"]
    assert case.where("users")["C1"] == ("pending", None)
    assert sum(v == ("blocked", "PARTY_NOT_OPENED") for v in case.where("debts").values()) == 3
    assert sum(v[0] == "registered" for v in case.where("debts").values()) == 6
    case.faults({})
    case.bank.tick()
    assert case.run() == 0, case.reasons
    assert set(case.where("debts").values()) == {("registered", "REGISTERED")}


def test_a_missing_result_is_waited_for_and_then_reported(tmp_path):
    held = {"hold": [{"match": "BIDIN-.*", "until_released": True}]}
    case = Rehearsal(tmp_path, small(), faults=held)
    assert case.run() == 4
    assert case.codes == ["RESULT_MISSING"]
    assert sum(case.clock.slept) >= case.terms.result_timeout_s
    case.faults({})
    assert case.run() == 0, case.reasons


def test_a_late_change_at_the_source_stops_the_next_stage(plain):
    assert plain.run("accounts") == 0
    changed = small()
    changed["debts"][0]["principal"] = "1.00"
    plain.source.replace("debts", changed["debts"])
    assert plain.run() == 3
    assert plain.codes == ["SNAPSHOT_CHANGED"]
    assert [r.subject for r in plain.reasons] == ["debts"]


def test_a_hundred_thousand_yuan_in_fen_is_exact_with_everything_excepted(tmp_path):
    """A platform that has nothing to send still ends: all its debts are signed."""
    platform = joined(
        {"users": [person(1), person(2), company(1)]},
        loan(1, "U1", {"U1": "100000.01"}),
        {"in_flight": [row("in_flight", user_id="U2", amount="0.01")]},
    )
    case = Rehearsal(tmp_path, platform)
    assert case.run() == 4
    assert case.exceptions() == {("debts", "L1D1"): "SELF_LOAN"}
    case.sign()
    assert case.run() == 0, case.reasons
    found = case.balance()
    assert (found["excepted_fen"], found["in_flight_fen"], found["difference_fen"]) == (10000001, 1, 0)


class _Spoilt(PlainJudge):
    """Judges as always, but sees one blocking rule of one stage fail."""

    def __init__(self, stage, rule):
        self.stage, self.rule = stage, rule

    def judge(self, stage, measures, keys):
        results = super().judge(stage, measures, keys)
        if stage != self.stage:
            return results
        return tuple(
            replace(r, outcome="failed", failures=7, keys=("K1", "K2", "K3", "K4")) if r.rule_id == self.rule else r
            for r in results
        )


@pytest.mark.parametrize("stage", STAGES)
def test_a_failed_check_in_any_stage_stops_the_run_there(tmp_path, stage):
    rule = next(r for r in rules_of(stage) if r.severity == "blocking")
    case = Rehearsal(tmp_path, small(), judge=_Spoilt(stage, rule.id))
    assert case.run() == 3
    assert case.codes == [rule.id]
    owner, blocks = owner_name(rule.owner, "zh"), stage_name(rule.blocks, "zh")
    zh = f"{rule.title_zh}：7 项 (K1, K2, K3, …)；阻断 {blocks}；责任 {owner}"
    en = f"{rule.title_en}: 7 found (K1, K2, K3, …); blocks {rule.blocks}; owner {rule.owner}"
    assert str(case.reasons[-1]) == f"{rule.id} {rule.entity}: {zh} / {en} -> {rule.clause} (docs/rules.md)", (
        "the last line"
    )
    for language, words in (
        ("zh", ["关口关闭", zh, owner, blocks]),
        ("en", ["The gate is shut", en, rule.owner, rule.blocks]),
    ):
        page = html.unescape(case.reports[f"gate-{stage}-1-{language}.html"])
        card = page[page.index(f'id="{rule.id}"') :].partition("</article>")[0]
        assert all(word in page for word in words)
        assert all(f"<code>{key}</code>" in card for key in ("K1", "K2", "K3", "K4"))
        assert ("等，共 7 项" if language == "zh" else "and more, 7 in all") in card
        assert all(word in card for word in words[2:])
    state = {s.stage: s.state for s in case.journal.stages()}
    assert state[stage] == "closed"
    assert not set(state) & set(STAGES[STAGES.index(stage) + 1 :])
    case.judge = PlainJudge()
    assert case.run() == 0, case.reasons


@pytest.mark.parametrize("stage", STAGES)
def test_a_check_that_cannot_be_made_is_no_pass(tmp_path, stage):
    class Blind(PlainJudge):
        def judge(self, asked, measures, keys):
            return super().judge(asked, {} if asked == stage else measures, keys)

    case = Rehearsal(tmp_path, small(), judge=Blind())
    assert case.run() == 5
    assert {s.stage: s.state for s in case.journal.stages()}[stage] == "closed"


def test_a_plan_that_was_never_sealed_is_replaced_when_its_people_change(tmp_path):
    """Killed between planning and sealing; meanwhile one user is corrected out of the file and another into it."""
    platform = joined(small(), {"users": [person(7, verified_at=None), person(8)]})
    case = Rehearsal(tmp_path, platform)

    def kill(name):
        if name == "accounts.after_plan":
            raise KeyboardInterrupt

    case.failpoint = kill
    with pytest.raises(KeyboardInterrupt):
        case.run()
    case.failpoint = lambda _name: None
    case.correct(
        "U7,verified_at,,2017-01-01,papers seen,operations",
        "U8,verified_at,2016-01-02 03:04:05,,papers were another's,operations",
    )
    assert case.run() == 0, case.reasons
    assert case.where("users")["U7"] == ("opened", "OPENED_S")
    assert case.where("users")["U8"] == ("self_open", "UNVERIFIED")
