"""What the DAG folder holds: every DAG parses quickly and lightly, from the one list of stages and steps."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys

import pytest
from jsonschema import ValidationError, validate

from migration.stages.order import ROUNDS, STAGES, STEPS
from tests.dags.conftest import ROOT

ALL_STAGES = (*STAGES[:6], ROUNDS, *STAGES[6:])
CHINESE = re.compile(r"[一-鿿]")
LATIN = re.compile(r"[A-Za-z]{3}")


@pytest.fixture(scope="module")
def bag(script):
    return json.loads(script("dag_bag.py", str(ROOT / "dags")).stdout.splitlines()[-1])


def tasks_in_order(stage):
    return [f"{stage}.{step.name}" for step in STEPS[stage]]


def test_every_file_parses_within_two_seconds_and_nothing_heavy_is_imported(bag):
    assert bag["errors"] == {}
    assert list(bag["files"]) == ["cutover.py"]
    assert max(bag["files"].values()) < 2.0
    assert bag["heavy"] == []


def test_one_dag_for_the_whole_and_one_a_stage(bag):
    assert set(bag["dags"]) == {
        "cutover",
        "cutover_daily",
        "cutover_withdrawals",
        *(f"cutover_{stage}" for stage in ALL_STAGES),
    }


def test_the_whole_graph_holds_every_step_of_every_stage_in_order(bag):
    tasks = bag["dags"]["cutover"]["tasks"]
    order = [name for stage in ALL_STAGES for name in tasks_in_order(stage)]
    assert set(tasks) == {*order, "watcher"}
    for before, after in itertools.pairwise(order):
        assert before in tasks[after]["upstream"], after
    assert tasks[order[0]]["upstream"] == []


@pytest.mark.parametrize("stage", ALL_STAGES)
def test_a_stage_alone_has_the_same_tasks(bag, stage):
    tasks = bag["dags"][f"cutover_{stage}"]["tasks"]
    assert set(tasks) == {*tasks_in_order(stage), "watcher"}


def test_the_watcher_is_the_only_leaf_and_watches_every_task(bag):
    for dag in bag["dags"].values():
        assert dag["leaves"] == ["watcher"]
        watcher = dag["tasks"]["watcher"]
        assert watcher["rule"] == "one_failed"
        assert watcher["retries"] == 0
        assert set(watcher["upstream"]) == set(dag["tasks"]) - {"watcher"}


def test_steps_over_batches_are_mapped_and_named_by_the_batch(bag):
    for dag in bag["dags"].values():
        for name, task in dag["tasks"].items():
            stage, _, step = name.partition(".")
            mapped = any(s.name == step and s.mapped for s in STEPS.get(stage, ()))
            assert task["mapped"] == mapped, name
            assert (task["index_template"] == "{{ batch_id }}") == mapped, name


def test_every_task_converges_in_the_pool_and_an_empty_mapping_stops_nothing(bag):
    for dag in bag["dags"].values():
        for name, task in dag["tasks"].items():
            assert CHINESE.search(task["owner"]), name
            if name != "watcher":
                assert (task["pool"], task["rule"]) == ("cutover", "none_failed"), name
                assert task["retries"] >= 1, name


def test_the_last_step_of_each_stage_publishes_its_asset(bag):
    for dag in bag["dags"].values():
        for name, task in dag["tasks"].items():
            stage, _, step = name.partition(".")
            last = step and STEPS[stage][-1].name == step
            assert task["outlets"] == ([f"cutover.{stage}"] if last else []), name


def test_one_run_at_a_time_only_when_triggered_and_tagged(bag):
    for name, dag in bag["dags"].items():
        assert (dag["runs"], dag["catchup"], dag["schedule"]) == (1, False, "None"), name
        assert {"cutover", "资金存管"} <= set(dag["tags"])


def test_names_and_pages_are_in_both_languages(bag):
    for name, dag in bag["dags"].items():
        assert CHINESE.search(dag["shown"]), name
        assert LATIN.search(dag["shown"]), name
        assert CHINESE.search(dag["doc"]), name
        assert "Stopped" in dag["doc"], name
        for task_id, task in dag["tasks"].items():
            assert CHINESE.search(task["shown"]), task_id
            assert LATIN.search(task["shown"]), task_id


def test_the_form_asks_for_the_last_stage_only_where_it_means_something(bag):
    assert set(bag["dags"]["cutover"]["params"]) == {"until", "reason"}
    for stage in ALL_STAGES:
        assert set(bag["dags"][f"cutover_{stage}"]["params"]) == {"reason"}
    assert set(bag["dags"]["cutover_daily"]["params"]) == {"date", "reason"}
    assert set(bag["dags"]["cutover_daily"]["tasks"]) == {"daily", "watcher"}
    assert set(bag["dags"]["cutover_withdrawals"]["params"]) == {"date", "reason"}
    assert set(bag["dags"]["cutover_withdrawals"]["tasks"]) == {"reversals", "ledger", "watcher"}
    assert bag["dags"]["cutover_withdrawals"]["tasks"]["ledger"]["upstream"] == ["reversals"]


@pytest.mark.parametrize(
    ("param", "value", "fits"),
    [
        ("until", "debts", True),
        ("until", "rounds", False),
        ("until", "", False),
        ("until", None, False),
        ("reason", None, True),
        ("reason", "第二次演练 second rehearsal", True),
        ("reason", "电话 138001380", False),
        ("reason", "138 0013 8000", False),
        ("reason", "１３８００１３８０００", False),
        ("reason", "a@example.org", False),
        ("reason", "two\nlines", False),
        ("reason", "x" * 201, False),
        ("reason", 5, False),
    ],
)
def test_the_form_cannot_be_filled_in_wrongly(bag, param, value, fits):
    schema = bag["dags"]["cutover"]["params"][param]["schema"]
    if fits:
        validate(value, schema)
    else:
        with pytest.raises(ValidationError):
            validate(value, schema)


def test_airflow_rules_of_ruff_are_clean():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "AIR", "dags"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
