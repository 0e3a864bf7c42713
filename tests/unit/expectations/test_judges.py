"""The judges: what they find, that both find the same, and the traps of Great Expectations (nulls, emptiness, errors)."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations import GATES, rules_of, runner
from expectations.outcome import KEYS_KEPT, case_of
from expectations.plain import PlainJudge
from expectations.runner import RESULT_FORMAT, GxJudge

ROOT = Path(__file__).parents[3]
JUDGES = [pytest.param(PlainJudge(), id="plain"), pytest.param(GxJudge(), id="gx")]


def sound(stage):
    """Measures by which every rule of the gate holds."""
    return {name: 1 if rule.kind == "at_least" else 0 for rule in rules_of(stage) for name in rule.measures}


def found(judge, stage, measures, keys=None):
    return {result.rule_id: result for result in judge.judge(stage, measures, keys or {})}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("stage", GATES)
def test_a_sound_gate_passes_rule_by_rule(judge, stage):
    results = judge.judge(stage, sound(stage), {})
    assert [result.rule_id for result in results] == [rule.id for rule in rules_of(stage)]
    assert {result.outcome for result in results} == {"passed"}
    assert {result.failures for result in results} == {0}


@pytest.mark.parametrize("judge", JUDGES)
def test_failing_keys_are_named_and_counted(judge):
    measures = sound("accounts") | {"accounts.number_shared": 31}
    results = found(judge, "accounts", measures, {"accounts.number_shared": ["U2", "U1", "U2"]})
    failed = results.pop("ACC-008")
    assert (failed.outcome, failed.observed, failed.expected, failed.failures) == ("failed", 31, 0, 31)
    assert failed.keys == ("U1", "U2")
    assert (failed.severity, failed.blocks, failed.owner, failed.clause) == (
        "blocking", "reopen", "bank desk", "domain.md H13",
    )  # fmt: skip
    assert {result.outcome for result in results.values()} == {"passed"}


@pytest.mark.parametrize("judge", JUDGES)
def test_a_key_that_fails_is_a_failure_even_when_the_count_says_nought(judge):
    failed = found(judge, "accounts", sound("accounts"), {"accounts.number_shared": ["U1"]})["ACC-008"]
    assert (failed.outcome, failed.failures, failed.keys) == ("failed", 1, ("U1",))


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("sums", [(2**53 + 1, 2**53), (2**62, 2**62 + 1), (-1, 0), (1, 0)])
def test_two_sums_are_compared_to_the_fen(judge, sums):
    measures = sound("reconcile") | dict(zip(("balance.accounted_fen", "balance.legacy_fen"), sums, strict=True))
    failed = found(judge, "reconcile", measures)["REC-001"]
    assert (failed.outcome, failed.observed, failed.expected, failed.failures) == ("failed", *sums, 1)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("value", "outcome"), [(0, "passed"), (50, "passed"), (51, "failed"), (2**63 - 1, "failed")])
def test_a_share_may_reach_its_bound(judge, value, outcome):
    measures = sound("debts") | {"exchange.debt.refused_permille": value}
    assert found(judge, "debts", measures)["DBT-052"].outcome == outcome


@pytest.mark.parametrize("judge", JUDGES)
def test_an_empty_snapshot_does_not_pass(judge):
    assert found(judge, "preflight", sound("preflight") | {"users.rows": 0})["PRE-001"].outcome == "failed"


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("gap", [None, 0.0, "0", False, 2**63, float("nan")])
def test_what_is_no_exact_integer_is_not_checked(judge, gap):
    results = found(judge, "residual", sound("residual") | {"residuals.not_once": gap, "residuals.fen": gap})
    assert {rule for rule, result in results.items() if result.outcome == "not_checked"} == {"RES-001", "RES-002"}
    assert results["RES-001"].observed is None


@pytest.mark.parametrize("judge", JUDGES)
def test_nothing_measured_is_nothing_passed(judge):
    for stage in GATES:
        assert {result.outcome for result in judge.judge(stage, {}, {})} == {"not_checked"}


@pytest.mark.parametrize("judge", JUDGES)
def test_only_so_many_keys_are_kept(judge):
    keys = [f"U{n:04d}" for n in range(100)]
    failed = found(judge, "residual", sound("residual") | {"users.open_end": 100}, {"users.open_end": keys})["RES-010"]
    assert failed.keys == tuple(keys[:KEYS_KEPT])
    assert failed.failures == 100


def random_case(rng, stage):
    names = sorted({name for rule in rules_of(stage) for name in rule.measures})
    measures = {name: rng.choice([0, 0, 0, 1, 1, 7, 50, 51, -3, 2**53, 2**62 + 1, None]) for name in names}
    keys = {name: [f"K{n}" for n in range(rng.randint(1, 30))] for name in names if rng.random() < 0.3}
    return measures, keys


@pytest.mark.parametrize("stage", GATES)
def test_both_judges_agree_on_every_gate(stage):
    measures, keys = random_case(random.Random(stage), stage)
    assert GxJudge().judge(stage, measures, keys) == PlainJudge().judge(stage, measures, keys)


MEASURES = sorted({name for rule in rules_of("residual") for name in rule.measures})
VALUES = st.one_of(st.none(), st.integers(-2, 60), st.integers(-(2**63), 2**63 - 1))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.fixed_dictionaries(dict.fromkeys(MEASURES, VALUES)),
    st.dictionaries(st.sampled_from(MEASURES), st.lists(st.text("AB12/-", min_size=1, max_size=4), max_size=4)),
)
def test_both_judges_agree_on_whatever_is_measured(measures, keys):
    assert GxJudge().judge("residual", measures, keys) == PlainJudge().judge("residual", measures, keys)


def test_an_expectation_that_breaks_is_not_checked_and_the_others_are_judged(monkeypatch):
    told = runner._expectation

    def broken(gx, case):
        expectation = told(gx, case)
        if case.rule.id == "RES-001":
            expectation.column = "no such column"
        return expectation

    monkeypatch.setattr(runner, "_expectation", broken)
    results = found(GxJudge(), "residual", sound("residual"))
    assert results.pop("RES-001").outcome == "not_checked"
    assert {result.outcome for result in results.values()} == {"passed"}


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"raised_exception": True}, "not_checked"),
        ({"one": {"raised_exception": False}, "other": {"raised_exception": True}}, "not_checked"),
        ({"one": {"raised_exception": False}, "other": {"raised_exception": False}}, "failed"),
        (None, "failed"),
    ],
)
def test_an_expectation_that_broke_is_not_believed_though_it_names_keys(told, outcome):
    rule = next(rule for rule in rules_of("accounts") if rule.id == "ACC-008")
    named = {"unexpected_index_list": [{runner.SUBJECT: "U1"}]}
    said = SimpleNamespace(success=False, exception_info=told, result=named)
    assert runner._result(case_of(rule, {"accounts.number_shared": 1}, {}), said).outcome == outcome


def test_a_run_that_breaks_passes_nothing_and_tells_no_cell(monkeypatch, caplog):
    def broken(cases):
        raise RuntimeError("110101198001010014")

    monkeypatch.setattr(runner, "frame_of", broken)
    assert {result.outcome for result in GxJudge().judge("residual", sound("residual"), {})} == {"not_checked"}
    assert "RuntimeError" in caplog.text
    assert "110101198001010014" not in caplog.text


@pytest.mark.parametrize("spoil", ["empty", "null"])
def test_a_frame_that_lost_its_rows_passes_nothing(monkeypatch, spoil):
    """Great Expectations passes an empty batch and skips nulls; neither may open a gate."""
    whole = runner.frame_of

    def spoilt(cases):
        frame = whole(cases)
        columns = [name for name in frame.columns if name != "subject"]
        if spoil == "null":
            frame[columns] = None
        else:
            monkeypatch.setattr(type(frame), "__len__", lambda _: 1)
            frame = frame.iloc[:0]
        return frame

    monkeypatch.setattr(runner, "frame_of", spoilt)
    assert "passed" not in {result.outcome for result in GxJudge().judge("residual", sound("residual"), {})}


def test_what_great_expectations_keeps_holds_keys_and_no_values():
    rule = next(rule for rule in rules_of("accounts") if rule.id == "ACC-008")
    case = case_of(rule, {"accounts.number_shared": 987654}, {"accounts.number_shared": ["U1"]})
    kept = json.dumps(runner._run("accounts", [case])["ACC-008"].to_json_dict()["result"])
    assert '"U1"' in kept
    assert "987654" not in kept
    assert RESULT_FORMAT["exclude_unexpected_values"] is True
    assert RESULT_FORMAT["partial_unexpected_count"] == 0


def test_judging_asks_nothing_of_the_network(monkeypatch):
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))
    monkeypatch.delenv("GX_ANALYTICS_ENABLED", raising=False)
    runner.load.cache_clear()
    GxJudge().judge("residual", sound("residual"), {})
    assert asked == []
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


def test_judging_leaves_no_folder_and_shows_no_bars(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    GxJudge().judge("residual", sound("residual"), {})
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_judging_prints_nothing_and_leaves_no_file(tmp_path):
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from expectations.runner import GxJudge\n"
        "print(len(GxJudge().judge('residual', {'residuals.not_once': 3, 'users.open_end': 0}, {})))"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == (f"{len(rules_of('residual'))}\n", "")
    assert list(tmp_path.iterdir()) == []
