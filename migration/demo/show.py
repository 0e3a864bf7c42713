"""The order of the demonstration: start, first part, corrections, the rest with the rehearsal's people, the end."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING, Final

from rich.console import Console

from migration.demo.airflow import Airflow
from migration.demo.desk import Desk
from migration.demo.ending import conclude
from migration.demo.ground import Ground, ground, is_done, open_journal, start_bank
from migration.demo.places import USER
from migration.demo.processes import Processes
from migration.demo.rest import ENDED, Rest
from migration.demo.screen import Screen, progress
from migration.domain.errors import CutoverError, GateClosed, TransientError

if TYPE_CHECKING:
    from pathlib import Path

    from migration.domain.ports import Journal

DAG: Final = "cutover"
POOL: Final = "cutover"
ASK_S: Final = 1.0
"""How often Airflow is asked how far it is."""


def run_demo(root: Path, *, keep_ui: bool = False, home: Path | None = None, console: Console | None = None) -> int:
    """Run the whole demonstration; returns the exit code of contract.md section 3. Run again, it shows the end."""
    console = console or Console()
    _turn_term_into_interrupt()
    try:
        with ground(root, home) as at:
            journal = open_journal(at)
            if is_done(journal) and not keep_ui:
                console.print("资金存管迁移已完成 / the cutover is done already.", markup=False)
                return conclude(at, console, "`make ui`")
            return _with_airflow(at, journal, console, keep_ui=keep_ui)
    except KeyboardInterrupt:
        console.print("\n已停止，所启动的进程均已结束 / stopped; everything that was started has ended.", markup=False)
        return 130
    except CutoverError as error:
        for reason in error.reasons:
            Console(stderr=True).print(str(reason), markup=False, highlight=False, soft_wrap=True)
        return error.exit_code


def run_ui(root: Path, *, home: Path | None = None, console: Console | None = None) -> int:
    """Run (or show) the demonstration and keep Airflow up until Ctrl-C."""
    return run_demo(root, keep_ui=True, home=home, console=console)


def _with_airflow(at: Ground, journal: Journal, console: Console, *, keep_ui: bool) -> int:
    processes = Processes(at.places.logs, at.places.run, at.places.root)
    processes.end_leftovers()
    airflow = Airflow.of(at.places, at.metadata_url, at.env)
    try:
        with Screen(console) as screen:
            rest = start(at, airflow, processes, screen)
            try:
                if not is_done(journal):
                    cut_over(at, journal, rest, processes, screen)
                screen.say("清偿演练 / settlement drill")
                at.verb("drill", "settle")
            finally:
                rest.close()
        code = conclude(at, console, airflow.login)
        if keep_ui:
            console.print("按 Ctrl-C 结束 / Ctrl-C ends it.", markup=False)
            while not processes.dead():
                time.sleep(1)
        return code
    finally:
        processes.stop()


def start(at: Ground, airflow: Airflow, processes: Processes, screen: Screen) -> Rest:
    """Start the sandbox bank and Airflow, wait until they answer, and sign in."""
    screen.say("启动 sandbox bank、Airflow / starting the sandbox bank and Airflow")
    start_bank(at, processes)
    airflow.set_up()
    airflow.start(processes)
    airflow.wait_up(processes)
    screen.say(f"Airflow: {airflow.login}")
    rest = Rest(airflow.ui, USER, airflow.secrets.password)
    rest.ensure_pool(POOL, 1)
    rest.await_dag(DAG)
    return rest


def cut_over(at: Ground, journal: Journal, rest: Rest, processes: Processes, screen: Screen) -> None:
    """Drive the cutover: up to `accounts`; the corrections; then all the rest."""
    desk = Desk(journal, at.verb, at.places.sample, screen.say)
    if not journal.corrections().num_rows:
        follow(rest, processes, screen, desk, until="accounts", note="演练第一段 / first part of the rehearsal")
        desk.correct("corrections.csv")
    follow(rest, processes, screen, desk, until="reconcile", note="演练第二段 / second part of the rehearsal")


def follow(rest: Rest, processes: Processes, screen: Screen, desk: Desk, *, until: str, note: str) -> None:
    """Trigger a run (or take up one that is under way) and see it through. GateClosed when it ends red."""
    name = _under_way(rest)
    if name is None:
        name = f"rehearsal-{until}-{len(rest.runs(DAG)) + 1}"
        rest.trigger(DAG, name, {"until": until, "reason": None}, note)
        screen.say(f"触发 triggered: {DAG} / {name}")
    while True:
        if dead := processes.dead():
            raise TransientError.of("PROCESS_ENDED", ", ".join(dead), "ended by itself; see its log")
        state = rest.state(DAG, name)
        tasks = rest.tasks(DAG, name)
        screen.show(progress(tasks))
        if state in ENDED:
            break
        desk.attend([task.task_id for task in tasks if task.state == "up_for_reschedule"])
        time.sleep(ASK_S)
    if state == "failed":
        stopped = [task for task in tasks if task.state == "failed" and task.task_id != "watcher"]
        for task in stopped:
            screen.say(rest.last_log_line(DAG, name, task))
        raise GateClosed.of(
            "RUN_FAILED", f"dags/{DAG}/{name}", ", ".join(task.task_id for task in stopped) or "watcher"
        )


def _under_way(rest: Rest) -> str | None:
    """Find a run that an interrupted demonstration left behind: it goes on from the journal."""
    return next((run["dag_run_id"] for run in rest.runs(DAG) if run["state"] not in ENDED), None)


def _turn_term_into_interrupt() -> None:
    """Treat SIGTERM (a service manager, `timeout`) like Ctrl-C, so that what was started is stopped then too."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not the main thread: the caller's signals are the caller's
        signal.signal(signal.SIGTERM, stop)
