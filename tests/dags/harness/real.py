"""A real Airflow for a test: the demonstration's own launcher, on folders and databases of the test's own.

with real_airflow() as real:                 # the product's engine with handles (held.py), a small platform
with real_airflow(script={...}) as real:     # the scripted double for an engine (doubles.py)
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from migration.demo.airflow import Airflow
from migration.demo.desk import Desk
from migration.demo.ground import Ground, metadata, open_journal, start_bank
from migration.demo.places import USER
from migration.demo.processes import Processes
from migration.demo.rest import ENDED, Rest, TaskState
from migration.demo.screen import Screen
from migration.journal.embedded import Embedded
from tests.dags.harness.small import SmallPlaces, write_platform

ROOT = Path(__file__).parents[3]
HARNESS = Path(__file__).parent

WARM = "import duckdb, held, pandas"


@dataclass
class Real:
    """What runs. `handles` is the folder where the engine looks; `desk` is None on the double."""

    ground: Ground
    airflow: Airflow
    processes: Processes
    rest: Rest
    embedded: Embedded
    handles: Path
    desk: Desk | None = None

    def trigger(self, name: str, dag: str = "cutover", **params) -> str:
        self.rest.trigger(dag, name, params)
        return name

    def follow(
        self,
        name: str,
        dag: str = "cutover",
        until: Callable[[list[TaskState]], bool] | None = None,
        within_s: float = 900,
    ) -> str:
        """Attend a run until it ends, or until its tasks are as wanted; returns its state."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            state, tasks = self.rest.state(dag, name), self.rest.tasks(dag, name)
            if state in ENDED or (until and until(tasks)):
                return state
            if self.desk:
                self.desk.attend([task.task_id for task in tasks if task.state == "up_for_reschedule"])
            time.sleep(0.3)
        raise AssertionError(f"{name} did not get there: {[(t.task_id, t.state) for t in tasks]}")

    def failed(self, name: str, dag: str = "cutover") -> dict[str, str]:
        """Failed tasks with the last line of their logs."""
        tasks = [task for task in self.rest.tasks(dag, name) if task.state == "failed"]
        return {task.task_id: self.rest.last_log_line(dag, name, task) for task in tasks}

    def start(self, *parts: str) -> None:
        """Start these parts of Airflow (all without a name) and wait until all three are healthy."""
        self.airflow.start(self.processes, parts) if parts else self.airflow.start(self.processes)
        self.airflow.wait_up(self.processes)

    def start_bank(self) -> None:
        start_bank(self.ground, self.processes)

    def forget_airflow(self) -> None:
        """Stop Airflow, drop its metadata database, and set it up anew from nothing."""
        for part in ("scheduler", "dag-processor", "api-server"):
            self.processes.kill(part)
        self.embedded.drop("airflow")
        assert metadata(self.embedded) == self.ground.metadata_url
        self.airflow.set_up()
        self.start()
        self._ready()

    def _ready(self) -> None:
        self.rest.ensure_pool("cutover", 1)
        self.rest.await_dag("cutover")


def quiet_desk(ground: Ground) -> Desk:
    """The people of the rehearsal, on a journal opened anew."""
    return Desk(open_journal(ground), ground.verb, ground.places.sample, Screen(Console(quiet=True)).say)


@contextlib.contextmanager
def real_airflow(script: dict | None = None) -> Iterator[Real]:
    """Not under pytest's own temporary folder: PostgreSQL's OS user must be able to pass through."""
    home = Path(tempfile.mkdtemp(prefix="cutover-airflow-"))
    home.chmod(0o755)
    embedded = Embedded(home, durable=False)
    processes = None
    try:
        places = SmallPlaces.under(ROOT, home)
        write_platform(places.sample)
        ground = Ground(places, embedded.url("cutover", "cutover"), metadata(embedded))
        handles = places.home / "handles"
        handles.mkdir(mode=0o700)
        (handles / "script.json").write_text(json.dumps(script))
        warm = WARM if script is None else ""
        airflow = Airflow.of(places, ground.metadata_url, ground.env | _engine(handles, script), warm)
        processes = Processes(places.logs, places.run, ROOT)
        airflow.set_up()
        real = Real(ground, airflow, processes, Rest(airflow.ui, USER, airflow.secrets.password), embedded, handles)
        if script is None:
            real.desk = quiet_desk(ground)
        real.start()
        real._ready()
        with contextlib.closing(real.rest):
            yield real
        if real.desk:
            real.desk.journal.close()
    finally:
        if processes:
            processes.stop()
        embedded.stop(force=True)
        shutil.rmtree(home, ignore_errors=True)


def _engine(handles: Path, script: dict | None) -> dict[str, str]:
    """Which engine the tasks open; two runs at once want more room than the demonstration gives one."""
    shared = {"PYTHONPATH": str(HARNESS), "AIRFLOW__CORE__PARALLELISM": "4"}
    if script is not None:
        return shared | {"CUTOVER_ENGINE": "doubles:engine", "CUTOVER_DOUBLE": str(handles)}
    return shared | {"CUTOVER_ENGINE": "held:engine", "CUTOVER_DRILL": str(handles)}
