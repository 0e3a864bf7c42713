"""What happens to Airflow in the middle of a cutover, and how the cutover ends all the same (reliability.md R1, R2, R7).

Each drill is a whole cutover in a real Airflow, to its end, held against an undisturbed run from the command line:
the same exports, the same request files, one effect a key at the bank. All of them: `make airflow-chaos`; otherwise one,
which changes with the date (`AIRFLOW_CHAOS=scheduler,clear` chooses).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date

import pytest

from tests.dags.harness.drill import APPROVE, Drill, drills

SCHEDULER_AWAY_S = 35
API_AWAY_S = 60


def scheduler(drill: Drill) -> None:
    """SIGKILL of the scheduler with a file at the bank that is not recorded; its worker outlives it; back after 35 s."""
    drill.real.trigger("scheduler")
    drill.hold("-000001-", "after")
    zombie = drill.held("scheduler", "after")[0]
    drill.real.processes.kill("scheduler", children=False)
    time.sleep(SCHEDULER_AWAY_S)
    assert not drill.gone(zombie)
    drill.real.start("scheduler")
    assert len(set(drill.held("scheduler", "after", times=2))) == 2  # the new one has it done again beside the zombie
    drill.release()
    drill.real.start_bank()
    drill.finish("scheduler")


def api_server(drill: Drill) -> None:
    """The API server is gone for 60 s while a file is being delivered."""
    drill.real.trigger("api")
    drill.hold("-000001-", "after")
    drill.held("api", "after")
    drill.real.processes.kill("api-server")
    time.sleep(API_AWAY_S)
    drill.real.start("api-server")
    drill.release()
    drill.real.start_bank()
    drill.finish("api")


def clear(drill: Drill) -> None:
    """An operator clears a running task, a finished one with all after it, and one of a run that has ended."""
    drill.real.start_bank()
    drill.real.trigger("clear")
    drill.hold("-000001-", "before")
    first = drill.held("clear", "before")[0]
    drill.clear("clear", "accounts.deliver")
    assert drill.held("clear", "before", times=2)[1] != first
    drill.until(lambda: drill.gone(first), "the cleared task has ended")
    drill.release()
    drill.real.follow("clear", until=lambda tasks: any(t.stage == "listings" and t.state == "success" for t in tasks))
    drill.clear("clear", "accounts.plan", downstream=True)
    drill.finish("clear")
    drill.clear("clear", "debts.deliver_full", downstream=True)
    drill.finish("clear")


def double(drill: Drill) -> None:
    """The whole twice, a stage of its own beside it, the command line beside both; a backfill is not to be had."""
    drill.slots(3)
    drill.real.start_bank()
    drill.real.trigger("one")
    drill.hold("-000001-", "after")
    drill.held("one", "after")
    drill.real.trigger("two")
    drill.real.trigger("beside", dag="cutover_accounts")
    drill.until(lambda: len({line["pid"] for line in drill.handed("held after")}) == 2, "both deliver the same file")
    drill.real.ground.verb("stage", "accounts", *APPROVE)
    drill.release()
    asked = {"dag_id": "cutover", "from_date": "2017-11-17T00:00:00Z", "to_date": "2017-11-19T00:00:00Z"}
    assert drill.real.rest._call("POST", "/api/v2/backfills", json=asked).is_client_error
    assert drill.real.follow("beside", dag="cutover_accounts") == "success"
    drill.finish("one")
    drill.finish("two")


def mark_success(drill: Drill) -> None:
    """Deliveries are marked as success that never took place: the gate reads the journal and stops the run."""
    drill.real.start_bank()
    drill.real.trigger("marked")
    drill.hold("-000001-", "before")
    sender = drill.held("marked", "before")[0]
    drill.mark_success("marked", "accounts.deliver", 1)
    drill.mark_success("marked", "accounts.deliver", 0)
    drill.until(lambda: drill.gone(sender), "the marked task has ended")
    drill.release()
    assert drill.real.follow("marked") == "failed"
    failed = drill.real.failed("marked")
    assert set(failed) == {"accounts.gate", "watcher"}
    assert "NOT_SENT" in failed["accounts.gate"]
    assert {batch.state for batch in drill.batches().values()} == {"sealed"}
    drill.real.trigger("honest")
    drill.finish("honest")


def metadata(drill: Drill) -> None:
    """Airflow's database is dropped, and Airflow set up anew, while one file stands at the bank unrecorded."""
    drill.real.trigger("before")
    drill.hold("-000001-", "after")
    drill.held("before", "after")
    drill.real.forget_airflow()
    assert drill.real.rest.runs("cutover") == []
    assert {batch.state for batch in drill.batches().values()} == {"sealed"}
    drill.release()
    drill.real.start_bank()
    drill.real.trigger("after")
    drill.finish("after")


def worker(drill: Drill) -> None:
    """SIGTERM, then SIGKILL, for a task in the middle of a delivery; another version of the program between two deliveries."""
    drill.real.start_bank()
    drill.real.trigger("worker")
    drill.hold("-000001-", "after")
    victim = drill.held("worker", "after")[0]
    drill.terminate(victim)
    drill.until(lambda: drill.gone(victim), "the task has ended")
    (drill.folder / "version").write_text("e" * 64)
    drill.release()
    drill.finish("worker")
    asked = [gate for gate in drill.real.desk.journal.gates() if gate.gate == "accounts"]
    assert [gate.state for gate in asked] == ["approved"] * 2  # the new version was asked about anew,
    assert len({gate.digest for gate in asked}) == 2  # under a digest of its own


DRILLS: dict[str, Callable[[Drill], None]] = {
    "scheduler": scheduler,
    "api_server": api_server,
    "clear": clear,
    "double": double,
    "mark_success": mark_success,
    "metadata": metadata,
    "worker": worker,
}


def chosen(asked: str, day: date) -> list[str]:
    """The drills of this run: those asked for (`all`, or names), else the one whose turn it is."""
    if asked == "all":
        return list(DRILLS)
    return asked.split(",") if asked else [list(DRILLS)[day.toordinal() % len(DRILLS)]]


def test_every_drill_gets_its_turn_within_a_week():
    week = [date.fromordinal(day) for day in range(736000, 736007)]
    assert {name for day in week for name in chosen("", day)} == set(DRILLS)
    assert chosen("all", week[0]) == list(DRILLS)
    assert chosen("clear,worker", week[0]) == ["clear", "worker"]


@pytest.fixture(scope="module")
def drill():
    with drills() as one:
        yield one


@pytest.mark.airflow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", chosen(os.environ.get("AIRFLOW_CHAOS", ""), date.today()))
def test_the_cutover_ends_right(drill, name):
    drill.begin()
    began = time.monotonic()
    DRILLS[name](drill)
    took = time.monotonic() - began
    wrong = drill.differences()
    handed = [line["name"] for line in drill.handed()]
    print(f"{name}: {took:.0f} s, {len(handed)} deliveries of {len(set(handed))} files, differences: {wrong or 'none'}")
    assert wrong == []
    _leaves_nothing_personal(drill, f"{name}-spoilt")  # drills share one Airflow: a run's name counts once


def _leaves_nothing_personal(drill: Drill, run: str) -> None:
    """One more run, in which a used result has changed, is red; then all that Airflow holds is searched (reliability.md R8)."""
    drill.spoil()
    drill.real.trigger(run)
    assert drill.real.follow(run) == "failed"
    assert "RESULT_CONTRADICTS" in "".join(drill.real.failed(run).values())
    watch = drill.personal()
    for place in (
        "task_instance",
        "rendered_task_instance_fields",
        "xcom",
        "log",
        "airflow",
        "output",
        "command lines",
    ):
        assert watch.looked[place] > 0, place
    assert watch.seen == {}
