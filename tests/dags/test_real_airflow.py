"""A real Airflow (three processes, PostgreSQL, REST): what `dag.test()` cannot show. Minutes, so only with `-m airflow`."""

from __future__ import annotations

import time

import pytest

from migration.sandbox.bank import dump
from tests.dags.harness.doubles import calls
from tests.dags.harness.real import real_airflow

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1800)]

SCRIPT = {
    "accounts.approve": ["wait"],
    "listings.collect_sample": ["closed"],
    "debts.approve_full": ["rejected"],
}


@pytest.fixture(scope="class")
def stopped():
    """One Airflow on the double, in which a gate closes, then an approval is rejected, then all goes well."""
    with real_airflow(script=SCRIPT) as real:
        runs = {}
        for name in ("closed", "rejected", "well"):
            real.trigger(name)
            state = real.follow(name)
            tasks = {(t.task_id, t.map_index): t.state for t in real.rest.tasks("cutover", name)}
            runs[name] = (state, real.failed(name), tasks)
        assets = real.rest._json("GET", "/api/v2/assets/events")["asset_events"]
        yield runs, calls(real.double), assets


class TestOnTheDouble:
    def test_a_closed_gate_is_red_and_the_reason_is_the_last_line_in_both_languages(self, stopped):
        state, failed, tasks = stopped[0]["closed"]
        assert state == "failed"
        assert set(failed) == {"listings.collect_sample", "watcher"}
        last = failed["listings.collect_sample"]
        assert "闸门关闭" in last
        assert last.endswith("gate closed: RULE_FAILED listings.collect_sample: 3 rows disagree -> see the handbook")
        assert "运行已停止" in failed["watcher"]
        assert "RULE_FAILED" in failed["watcher"]
        assert tasks["debts.gate", -1] == "upstream_failed"

    def test_a_rejection_is_red_the_same_way(self, stopped):
        state, failed, _ = stopped[0]["rejected"]
        assert state == "failed"
        assert set(failed) == {"debts.approve_full", "watcher"}
        assert "GATE_REJECTED" in failed["debts.approve_full"].splitlines()[-1]

    def test_a_run_that_goes_well_is_green_with_its_assets_and_waits_without_a_worker(self, stopped):
        runs, seen, assets = stopped
        state, failed, tasks = runs["well"]
        assert (state, failed) == ("success", {})
        assert tasks["watcher", -1] == "skipped"
        told = {event["name"]: event["extra"] for event in assets if event["source_run_id"] == "well"}
        assert told["cutover.reconcile"]["sums"] == {"amount_fen": 12345}
        assert len(told) == 9
        asked = [call["pid"] for call in seen if call["name"] == "accounts.approve"]
        # two in the first run, one in each other: the waiting task gave its process back and came again in a new one
        assert len(asked) == len(set(asked)) == 4


def _at_delivery(tasks):
    return any(t.task_id == "accounts.deliver" and t.state in {"running", "success"} for t in tasks)


def _applied(real):
    return {b.key: (b.request_sha256, b.state) for b in real.desk.journal.batches()}


def test_a_scheduler_killed_during_delivery_leaves_one_bank_effect_a_key():
    """reliability.md R2: SIGKILL, its workers left as orphans, back after 35 s."""
    with real_airflow() as real:
        real.trigger("first", until="accounts")
        real.follow("first", until=_at_delivery)
        real.processes.kill("scheduler", children=False)
        time.sleep(35)
        real.start("scheduler")
        real.start_bank()
        assert real.follow("first") == "success", real.failed("first")
        assert {state for _, state in _applied(real).values()} == {"applied"}
        effects = dump(real.ground.places.bank_state)["effects"]
        assert {row["entity"] for row in effects} == {"accounts"}
        assert {row["count"] for row in effects} == {1}


def test_airflow_set_up_anew_in_mid_cutover_goes_on_from_the_journal():
    """reliability.md R1: the metadata database is dropped while the bank has not answered yet."""
    with real_airflow() as real:
        real.trigger("before", until="accounts")
        real.follow(
            "before", until=lambda tasks: any(t.step == "collect" and t.state == "up_for_reschedule" for t in tasks)
        )
        sent = _applied(real)
        assert {state for _, state in sent.values()} == {"delivered"}
        real.forget_airflow()
        assert real.rest.runs("cutover") == []
        real.start_bank()
        real.trigger("after", until="accounts")
        assert real.follow("after") == "success", real.failed("after")
        assert {key: digest for key, (digest, _) in _applied(real).items()} == {
            key: digest for key, (digest, _) in sent.items()
        }
        assert {state for _, state in _applied(real).values()} == {"applied"}
