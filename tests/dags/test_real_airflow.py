"""A real Airflow (three processes, PostgreSQL, REST): what `dag.test()` cannot show. Minutes, so only with `-m airflow`."""

from __future__ import annotations

import pytest

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
        yield runs, calls(real.handles), assets


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
