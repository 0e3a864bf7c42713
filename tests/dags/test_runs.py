"""What the DAGs do, by `dag.test()` on the scripted double (tests/dags/harness/doubles.py). All plays share one process."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, field

import pytest

from migration.stages.order import ROUNDS, STAGES, STEPS
from tests.dags.harness.doubles import SECRET, calls
from tests.support import canaries

pytestmark = pytest.mark.timeout(900)

ALL_STAGES = (*STAGES[:6], ROUNDS, *STAGES[6:])
TWO = ["2017-11-18/000001", "2017-11-18/000002"]


ONE = {f"{stage}.{step.name}": TWO[:1] for stage in ALL_STAGES for step in STEPS[stage] if step.mapped}


@dataclass
class Play:
    dag: str = "cutover"
    conf: dict = field(default_factory=dict)
    script: dict = field(default_factory=dict)
    batches: dict = field(default_factory=dict)
    env: dict = field(default_factory=dict)
    marked: str | None = None  # tasks that are marked as success instead of being run, to save minutes


def last_step(stage):
    return f"{stage}.{STEPS[stage][-1].name}"


def closed(stage):
    """The whole cutover up to a closed gate; of the stages before it only what yields batch ids is run."""
    before = "|".join(ALL_STAGES[: ALL_STAGES.index(stage)]) or "none"
    return Play(script={last_step(stage): ["closed"]}, batches=ONE, marked=rf"(?!.*\.approve)({before})\..*")


PLAYS = {
    "all": Play(),
    "until": Play(conf={"until": "listings", "reason": "演练 drill"}),
    "empty": Play(batches={f"reopen.{s}": [] for s in ("deliver", "collect")} | {"debts.deliver_full": []}),
    "waits": Play("cutover_accounts", script={"accounts.approve": ["wait", "wait"], "accounts.collect": ["wait"]}),
    "impatient": Play("cutover_accounts", script={"accounts.approve": ["wait"] * 9}, env={"CUTOVER_WAIT_HOURS": "0"}),
    "transient": Play("cutover_preflight", script={"preflight.run": ["transient"]}),
    "crash": Play("cutover_preflight", script={"preflight.run": ["crash"] * 9}),
    "mapped": Play("cutover_listings", script={"listings.collect_sample": ["closed"]}),
    "rejected": Play("cutover_debts", script={"debts.approve_full": ["rejected"]}),
    "unknown": Play("cutover_debts", script={"debts.collect_full": ["unknown"]}),
    "unchecked": Play("cutover_residual", script={"residual.run": ["unchecked"]}),
    "config": Play("cutover_identities", script={"identities.run": ["config"]}),
    "daily": Play("cutover_daily", conf={"date": "2017-11-19"}, script={"daily.take": ["wait"]}),
    "residuals": Play("cutover_withdrawals", conf={"date": "2017-11-21"}, script={"withdrawals.reversals": ["wait"]}),
    "residuals open": Play(
        "cutover_withdrawals", conf={"date": "2017-11-21"}, script={"withdrawals.ledger": ["closed"]}
    ),
    "daily differs": Play("cutover_daily", conf={"date": "2017-11-19"}, script={"daily.take": ["closed"]}),
    **{f"stage {stage}": Play(f"cutover_{stage}") for stage in ALL_STAGES},
    **{f"closed {stage}": closed(stage) for stage in ALL_STAGES},
}


@pytest.fixture(scope="module")
def played(script, tmp_path_factory):
    """Name of a play -> (what came of it, the calls the double saw); the whole log under `log`, Airflow's folder under `home`."""
    folders = {name: tmp_path_factory.mktemp("play") for name in PLAYS}
    asked = []
    for name, play in PLAYS.items():
        (folders[name] / "script.json").write_text(json.dumps(play.script))
        (folders[name] / "batches.json").write_text(json.dumps(play.batches))
        # one DAG object plays many runs here, and `dag.test()` leaves a run's params in it: say them each time
        conf = ({"until": "reconcile"} if play.dag == "cutover" else {}) | play.conf
        asked.append(
            {"dag": play.dag, "folder": str(folders[name]), "conf": conf, "env": play.env, "marked": play.marked}
        )
    plays, answers = (tmp_path_factory.mktemp("plays") / name for name in ("plays.json", "results.json"))
    plays.write_text(json.dumps(asked))
    done = script("dag_test.py", str(plays), str(answers))
    results = json.loads(answers.read_text())
    found = {name: (result, calls(folders[name])) for name, result in zip(PLAYS, results, strict=True)}
    return found | {"log": done.stdout + done.stderr, "home": script.home}


def states(result):
    found: dict[str, set[str]] = {}
    for task in result["tasks"]:
        found.setdefault(task["id"], set()).add(task["state"].rpartition(".")[2].lower())
    return found


def names(seen):
    return [call["name"] for call in seen]


def test_the_whole_cutover_runs_every_step_once_a_batch_in_order(played):
    result, seen = played["all"]
    assert result["state"] == "success"
    expected = []
    for stage in ALL_STAGES:
        for step in STEPS[stage]:
            expected += [f"{stage}.{step.name}"] * (2 if step.mapped else 1)
    assert names(seen) == expected
    assert sorted(c["batch"] for c in seen if c["name"] == "debts.collect_full") == TWO
    assert states(result).pop("watcher") == {"skipped"}


def test_mapped_tasks_are_shown_by_their_batch(played):
    result, _ = played["all"]
    assert [t["name"] for t in result["tasks"] if t["id"] == "accounts.deliver"] == TWO


def test_a_finished_stage_tells_counts_sums_and_digests(played):
    result, _ = played["all"]
    assert set(result["assets"]) == {f"cutover.{stage}" for stage in ALL_STAGES}
    told = result["assets"]["cutover.debts"]
    assert told["counts"] == {"rows": 7}
    assert told["sums"] == {"amount_fen": 12345}
    assert told["digests"] == {"request": "ab" * 32}


def test_until_skips_the_later_stages_and_stays_green(played):
    result, seen = played["until"]
    assert result["state"] == "success"
    assert names(seen)[-1] == "listings.gate"
    assert set(result["assets"]) == {f"cutover.{stage}" for stage in ALL_STAGES[:5]}
    for task, found in states(result).items():
        stage = task.partition(".")[0]
        assert found == ({"success"} if stage in ALL_STAGES[:5] else {"skipped"}), task


def test_a_mapping_over_no_batches_is_skipped_and_stops_nothing(played):
    result, seen = played["empty"]
    assert result["state"] == "success"
    assert "reopen.gate" in names(seen)
    assert "reconcile.finish" in names(seen)
    assert "debts.deliver_full" not in names(seen)
    assert states(result)["reopen.deliver"] == {"skipped"}


def test_waiting_is_repeated_until_it_is_over(played):
    result, seen = played["waits"]
    assert result["state"] == "success"
    assert names(seen).count("accounts.approve") == 3
    assert names(seen).count("accounts.collect") == 4
    waiting = re.compile(
        r"自 \d{4}-\d\d-\d\d .* 起等待 / waiting since .*尚缺审批\[APPROVAL_MISSING\] accounts\.approve"
    )
    assert waiting.search(played["log"])


def test_waiting_too_long_is_red(played):
    result, seen = played["impatient"]
    assert result["state"] == "failed"
    assert names(seen) == ["accounts.plan", "accounts.approve", "accounts.approve"]
    assert "WAITED_TOO_LONG" in played["log"]


def test_a_passing_fault_is_tried_again(played):
    result, seen = played["transient"]
    assert result["state"] == "success"
    assert names(seen) == ["preflight.run", "preflight.run"]


def test_an_unforeseen_exception_is_retried_then_red_and_shows_no_values(played):
    result, seen = played["crash"]
    assert result["state"] == "failed"
    assert len(seen) == 7
    assert "unexpected KeyError at doubles.py" in played["log"]
    for word in SECRET.split():
        assert word not in played["log"]


def test_nothing_personal_is_left_in_airflows_database_its_logs_or_beside_them(played):
    """Rendered fields, XCom, notes, task instances: all of the SQLite; a crash carried the values in its exception."""
    watch = canaries.Watch(SECRET.split())
    watch.folder("home", played["home"])
    watch.look("log", played["log"])
    with sqlite3.connect(played["home"] / "airflow.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert {"rendered_task_instance_fields", "xcom", "task_instance_note", "task_instance"} <= set(tables)
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                watch.look_all(table, (cell if isinstance(cell, bytes) else str(cell) for cell in row))
    assert watch.looked["task_instance"] > 0
    assert watch.looked["rendered_task_instance_fields"] > 0
    assert watch.seen == {}


def test_a_day_is_asked_for_until_its_files_are_there(played):
    result, seen = played["daily"]
    assert result["state"] == "success"
    assert [(call["name"], call["batch"]) for call in seen] == [("daily.take", "2017-11-19")] * 2
    assert result["assets"] == {}


def test_the_residual_ledger_follows_the_reversals_and_closes_its_gate(played):
    result, seen = played["residuals"]
    assert result["state"] == "success"
    assert [(call["name"], call["batch"]) for call in seen] == [
        ("withdrawals.reversals", "2017-11-21"),
        ("withdrawals.reversals", "2017-11-21"),
        ("withdrawals.ledger", "2017-11-21"),
    ]
    result, seen = played["residuals open"]
    assert (result["state"], len(seen)) == ("failed", 2)
    assert states(result)["ledger"] == {"failed"}


def test_a_day_that_differs_turns_its_run_red(played):
    result, seen = played["daily differs"]
    assert (result["state"], len(seen)) == ("failed", 1)
    assert states(result) == {"daily": {"failed"}, "watcher": {"failed"}}


@pytest.mark.parametrize("stage", ALL_STAGES)
def test_a_stage_alone_runs(played, stage):
    result, seen = played[f"stage {stage}"]
    assert result["state"] == "success"
    assert {name.partition(".")[0] for name in names(seen)} == {stage}
    assert set(result["assets"]) == {f"cutover.{stage}"}


@pytest.mark.parametrize("stage", ALL_STAGES)
def test_a_closed_gate_stops_there_without_retry_and_turns_the_run_red(played, stage):
    result, seen = played[f"closed {stage}"]
    assert result["state"] == "failed"
    assert names(seen)[-1] == last_step(stage)
    assert names(seen).count(last_step(stage)) == 1
    found = states(result)
    assert found[last_step(stage)] == {"failed"}
    assert found["watcher"] == {"failed"}
    assert f"cutover.{stage}" not in result["assets"]
    for later in ALL_STAGES[ALL_STAGES.index(stage) + 1 :]:
        assert found[f"{later}.{STEPS[later][0].name}"] == {"upstream_failed"}


@pytest.mark.parametrize(
    ("play", "step", "zh", "en"),
    [
        ("rejected", "debts.approve_full", "闸门关闭", "GATE_REJECTED debts.approve_full: rejected by a reviewer"),
        ("unknown", "debts.collect_full", "结果不明", "OUTCOME_UNKNOWN"),
        ("unchecked", "residual.run", "无法核对", "CHECK_IMPOSSIBLE"),
        ("config", "identities.run", "配置有误", "CONFIG_VALUE"),
        ("mapped", "listings.collect_sample", "闸门关闭", "RULE_FAILED"),
    ],
)
def test_what_cannot_be_repeated_is_red_at_once_with_the_reason_in_both_languages(played, play, step, zh, en):
    result, seen = played[play]
    assert result["state"] == "failed"
    batches = [c["batch"] for c in seen if c["name"] == step]
    assert len(batches) == len(set(batches))
    reasons = [line for line in played["log"].splitlines() if "AirflowFailException: " in line and step in line]
    assert any(zh in line and en in line for line in reasons), reasons


def test_the_watcher_names_the_task_and_its_codes(played):
    told = [line for line in played["log"].splitlines() if "the run stopped at listings.collect_sample" in line]
    assert any("RULE_FAILED" in line and "运行已停止" in line for line in told)
