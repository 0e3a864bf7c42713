"""The demonstration's parts without Airflow: its processes end, its people act only when waited for, its screen is right."""

from __future__ import annotations

import io
import json
import os
import runpy
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pyarrow as pa
import pytest
from rich.console import Console

from migration.demo.airflow import WARM, Airflow
from migration.demo.desk import APPROVERS, Desk
from migration.demo.places import Places, Secrets, free_port, is_free
from migration.demo.processes import Processes
from migration.demo.rest import Rest, TaskState
from migration.demo.screen import Screen, progress
from migration.domain.errors import TransientError
from migration.domain.tables import EXCEPTIONS, RESENDS
from migration.domain.values import Decision, Gate

ROOT = Path(__file__).parents[2]
PARENT = "import subprocess, sys, time; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


@pytest.fixture
def places(tmp_path):
    return Places.under(tmp_path, tmp_path / "home")


@pytest.fixture
def processes(places):
    made = Processes(places.logs, places.run, places.root)
    yield made
    made.stop()


def said(places, name):
    """The first line a process prints, once it has."""
    log = places.logs / f"{name}.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return log.read_text().strip()


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --- processes


def test_stopping_ends_children_too(places, processes):
    parent = processes.start("parent", [sys.executable, "-c", PARENT], os.environ)
    child = int(said(places, "parent"))
    processes.stop()
    assert gone(parent.pid)
    assert gone(child)
    assert list(places.run.iterdir()) == []


def test_one_that_ignores_the_request_is_killed(places, processes, monkeypatch):
    monkeypatch.setattr("migration.demo.processes.GRACE_S", 0.3)
    stubborn = processes.start("stubborn", [sys.executable, "-c", STUBBORN], os.environ)
    said(places, "stubborn")
    processes.stop()
    assert gone(stubborn.pid)


def test_one_that_ended_by_itself_is_told(places, processes):
    processes.start("brief", [sys.executable, "-c", "print('done')"], os.environ).wait(60)
    assert processes.dead() == ["brief"]


def test_what_a_killed_demonstration_left_behind_is_ended_by_the_next(places, processes):
    parent = processes.start("parent", [sys.executable, "-c", PARENT], os.environ)
    child = int(said(places, "parent"))
    later = Processes(places.logs, places.run, places.root)
    assert later.end_leftovers() == ["parent"]
    assert gone(child)
    assert gone(parent.pid)
    assert later.end_leftovers() == []


def test_children_that_outlived_their_killed_parent_are_ended_too(places, processes):
    processes.start("parent", [sys.executable, "-c", PARENT], os.environ)
    child = int(said(places, "parent"))
    processes.kill("parent", children=False)
    assert not gone(child)
    processes.stop()
    assert gone(child)


def test_a_group_whose_leader_is_gone_is_still_a_leftover(places, processes):
    parent = processes.start("parent", [sys.executable, "-c", PARENT], os.environ)
    child = int(said(places, "parent"))
    parent.kill()
    parent.wait()
    assert Processes(places.logs, places.run, places.root).end_leftovers() == ["parent"]
    assert gone(child)


def test_an_id_that_belongs_to_somebody_else_by_now_is_left_alone(places, processes):
    other = processes.start("other", [sys.executable, "-c", STUBBORN], os.environ)
    (places.run / "old.json").write_text(json.dumps({"pid": other.pid, "since": 1.0}))
    (places.run / "other.json").unlink()
    assert Processes(places.logs, places.run, places.root).end_leftovers() == []
    assert other.poll() is None


# --- places


def test_secrets_are_private_strong_and_kept(places):
    drawn = Secrets.of(places)
    assert Secrets.of(places) == drawn
    assert len(drawn.jwt.encode()) >= 64
    for file in (places.airflow / "secrets.json", places.passwords):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in (places.cutover, places.bank, places.airflow):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_port_taken_meanwhile_is_drawn_anew(places):
    import socket

    drawn = Secrets.of(places)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", drawn.ui_port))
        taken.listen()
        assert not is_free(drawn.ui_port)
        assert Secrets.of(places).ui_port != drawn.ui_port
    assert is_free(free_port())


# --- people


class Notebook:
    """The verbs of the journal that the people use, with what they wrote."""

    def __init__(self, gates=(), exceptions=()):
        self._gates = list(gates)
        self.rows = [
            dict(zip(("id", "entity", "key", "code"), row, strict=True)) | {"state": "open"} for row in exceptions
        ]
        self.signed, self.marked, self.approved = [], [], []

    def gates(self):
        return tuple(self._gates)

    def decide(self, gate, digest, name, decision, reason, *, rehearsal):
        assert (decision, rehearsal) == ("approve", True)
        self.approved.append((gate, digest, name))

    def exceptions(self):
        return pa.Table.from_pylist(self.rows, schema=EXCEPTIONS)

    def sign(self, ids, by, reason):
        self.signed += [(i, by, reason) for i in ids]
        for row in self.rows:
            row["state"] = "signed" if row["id"] in ids else row["state"]

    def mark_resend(self, ids, by, reason):
        self.marked += ids

    def resends(self):
        rows = [r for r in self.rows if r["id"] in self.marked]
        return pa.Table.from_pylist([{"entity": r["entity"], "key": r["key"]} for r in rows], schema=RESENDS)


def gate(name, needed, given=(), state="pending"):
    at = datetime(2017, 11, 18, tzinfo=UTC)
    decisions = tuple(Decision(who, "approve", "", rehearsal=True, at=at) for who in given)
    return Gate(name, 1, f"digest-of-{name}", needed, state, "airflow", decisions)


@pytest.fixture
def sample(tmp_path):
    head = "entity,key,code,name,reason\n"
    (tmp_path / "signatures.csv").write_text(
        head
        + "debts,D1,ORPHAN,compliance,坏数据\ndebts,D2,SELF_LOAN,compliance,自借\ndebts,D9,OVERDUE,compliance,不在\n"
    )
    (tmp_path / "resends.csv").write_text(head + "listings,L1,BANK_15,operations,已恢复\n")
    (tmp_path / "corrections2.csv").write_text("user_id,field,old,new,reason,by\n")
    return tmp_path


EXCEPTIONS_OPEN = [
    ("X1", "debts", "D1", "ORPHAN"),
    ("X2", "debts", "D2", "SELF_LOAN"),
    ("X3", "listings", "L1", "BANK_15"),
    ("X4", "debts", "D4", "BANK_93"),
]


def desk(sample, notebook):
    acts = []
    return Desk(notebook, lambda *words: acts.append(words) or "", sample, lambda _: None), acts


def test_nobody_acts_while_nothing_waits(sample):
    notebook = Notebook([gate("accounts", 1)], EXCEPTIONS_OPEN)
    people, acts = desk(sample, notebook)
    people.attend([])
    assert (notebook.approved, notebook.signed, notebook.marked, acts) == ([], [], [], [])


def test_as_many_people_approve_as_the_gate_needs(sample):
    gates = [
        gate("accounts", 1),
        gate("debts.full", 2),
        gate("listings.full", 2, [APPROVERS[0]]),
        gate("old", 1, state="superseded"),
    ]
    notebook = Notebook(gates)
    people, _ = desk(sample, notebook)
    people.attend(["accounts.approve"])
    assert notebook.approved == [
        ("accounts", "digest-of-accounts", APPROVERS[0]),
        ("debts.full", "digest-of-debts.full", APPROVERS[0]),
        ("debts.full", "digest-of-debts.full", APPROVERS[1]),
        ("listings.full", "digest-of-listings.full", APPROVERS[1]),
    ]


def test_preflight_gets_only_its_own_signatures(sample):
    notebook = Notebook(exceptions=EXCEPTIONS_OPEN)
    people, acts = desk(sample, notebook)
    people.attend(["preflight.run"])
    assert [by for by, *_ in notebook.signed] == ["X1"]
    assert (notebook.marked, acts) == ([], [])


def test_after_the_first_round_come_corrections_resends_and_the_other_signatures_once(sample):
    notebook = Notebook(exceptions=EXCEPTIONS_OPEN)
    people, acts = desk(sample, notebook)
    for _ in range(3):
        people.attend(["rounds.settle"])
    assert [words[:1] + words[2:3] for words in acts] == [("corrections", "--as")]
    assert notebook.marked == ["X3"]
    assert [signed[0] for signed in notebook.signed] == ["X1", "X2"]


def test_while_a_round_waits_for_an_approval_nothing_else_is_handed_in(sample):
    notebook = Notebook([gate("listings.full", 2)], EXCEPTIONS_OPEN)
    people, acts = desk(sample, notebook)
    people.attend(["rounds.settle"])
    assert len(notebook.approved) == 2
    assert (notebook.signed, notebook.marked, acts) == ([], [], [])


# --- Airflow's own processes


@pytest.fixture
def settings(places, monkeypatch):
    """What the Airflow of a demonstration loads in each of its processes, with `done = True` for the imports."""
    monkeypatch.setattr(Airflow, "_airflow", lambda *_: None)
    Airflow.of(places, "postgresql://", {}, warm="done = True").set_up()
    return places.airflow / "config" / "airflow_local_settings.py"


@pytest.mark.parametrize(("part", "warm"), [("scheduler", True), ("api-server", False), ("dag-processor", False)])
def test_only_the_scheduler_imports_what_tasks_need(settings, monkeypatch, part, warm):
    monkeypatch.setattr(sys, "argv", ["airflow", part])
    assert runpy.run_path(str(settings)).get("done", False) is warm


def test_what_the_scheduler_imports_is_there():
    code = f"{WARM}\nimport sys; assert 'great_expectations' in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# --- Airflow over REST


def task(task_id, state, index=-1, batch=""):
    return TaskState(task_id, index, state, batch, "", 1)


def client(answer):
    rest = Rest("http://airflow", "operator", "secret")
    rest._client = httpx.Client(base_url="http://airflow", transport=httpx.MockTransport(answer))
    return rest


def test_a_missing_or_stale_token_is_fetched_and_the_call_repeated():
    seen = []

    def answer(request):
        seen.append((request.url.path, request.headers.get("Authorization")))
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "T"})
        return httpx.Response(200 if request.headers.get("Authorization") else 401, json={"state": "running"})

    assert client(answer).state("cutover", "r1") == "running"
    path = "/api/v2/dags/cutover/dagRuns/r1"
    assert seen == [(path, None), ("/auth/token", None), (path, "Bearer T")]


def test_all_pages_of_tasks_are_read():
    rows = [
        {
            "task_id": "accounts.deliver",
            "map_index": i,
            "state": None if i == 149 else "success",
            "rendered_map_index": f"b{i}",
            "start_date": None,
            "try_number": 0,
        }
        for i in range(150)
    ]

    def answer(request):
        offset = int(request.url.params["offset"])
        return httpx.Response(200, json={"task_instances": rows[offset : offset + 100], "total_entries": 150})

    tasks = client(answer).tasks("cutover", "r1")
    assert [t.map_index for t in tasks] == list(range(150))
    assert (tasks[149].state, tasks[0].stage, tasks[0].step, tasks[0].batch) == ("none", "accounts", "deliver", "b0")


def test_a_refused_call_says_which_and_nothing_of_the_answer():
    def answer(_):
        return httpx.Response(422, json={"detail": "13800138000"})

    with pytest.raises(TransientError) as refused:
        client(answer).trigger("cutover", "r1", {})
    assert "AIRFLOW_REFUSED" in str(refused.value)
    assert "13800138000" not in str(refused.value)


def test_the_last_line_of_a_log_is_the_reason():
    content = [
        {"event": "::group::Post Execute"},
        {"event": "::endgroup::"},
        {"event": "闸门关闭 / gate closed"},
        {"event": ""},
    ]
    rest = client(lambda _: httpx.Response(200, json={"content": content}))
    assert rest.last_log_line("cutover", "r1", task("accounts.gate", "failed")) == "闸门关闭 / gate closed"


# --- screen

TASKS = [
    task("preflight.run", "success"),
    task("accounts.plan", "success"),
    task("accounts.collect", "up_for_reschedule", 1, "2017-11-18/000002"),
    task("accounts.gate", "none"),
    task("listings.gate", "failed"),
    task("residual.run", "skipped"),
    task("watcher", "none"),
]


def test_progress_sums_tasks_up_by_stage():
    found = {row.stage: row for row in progress(TASKS)}
    assert {name: row.state for name, row in found.items() if row.total} == {
        "preflight": "done",
        "accounts": "waiting",
        "listings": "failed",
        "residual": "skipped",
    }
    assert (found["accounts"].done, found["accounts"].total) == (1, 3)
    assert found["accounts"].current == "collect 2017-11-18/000002"
    assert found["debts"].state == "later"


def test_without_a_terminal_only_changes_are_told():
    out = io.StringIO()
    with Screen(Console(file=out, force_terminal=False, width=200)) as screen:
        screen.show(progress(TASKS))
        screen.show(progress(TASKS))
    assert out.getvalue().count("批量开户 Accounts: waiting collect 2017-11-18/000002") == 1
    assert out.getvalue().count("\n") == 4


def test_on_a_terminal_the_whole_table_is_shown():
    out = io.StringIO()
    with Screen(Console(file=out, force_terminal=True, width=120)) as screen:
        screen.say("触发 triggered")
        screen.show(progress(TASKS))
    assert "债权登记 Debts" in out.getvalue()
    assert "触发 triggered" in out.getvalue()
