"""What every task does: open the engine, take one converging step, and say the outcome in Airflow's words.

    done                                             -> success
    Waiting                                          -> up_for_reschedule: no worker held, no triggerer, tried again
    Waiting for longer than CUTOVER_WAIT_HOURS       -> failed
    GateClosed ConfigurationError OutcomeUnknown ... -> failed without retry, the reason as the last log line
    TransientError, anything unexpected              -> retried: the step is safe to repeat

Exceptions are re-raised outside the `except` block, so that no log shows the frames (and values) of the first one.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRescheduleException

from cutover_flow import knobs, reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migration.domain.errors import CutoverError

log = logging.getLogger("cutover")

STOPPED: str = "stopped"
"""XCom key under which a failing task leaves its stable codes for the watcher; nothing else."""


class Report(Protocol):
    """What a step did: counts and sums in fen by name, batch ids, digests by name, lines for people."""

    totals: Mapping[str, int]
    batches: list[str]
    digests: Mapping[str, str]
    lines: list[str]


class Engine(Protocol):
    """What the tasks ask of the engine."""

    def step(self, stage: str, step: str, batch: str | None = None) -> Report:
        """Take the next legal step and stop."""
        ...

    def batches(self, stage: str, step: str) -> list[str]:
        """Ids (`2017-11-18/000003`) a mapped step runs over."""
        ...


def open_engine() -> Engine:
    """Open the engine of this configuration; imported here, never while DAGs are parsed."""
    module, _, factory = knobs.engine_factory().partition(":")
    return getattr(importlib.import_module(module), factory)()


def close(engine: Engine) -> None:
    """Give connections back, where the engine holds any beyond its process."""
    if hasattr(engine, "close"):
        engine.close()


def converge(stage: str, step: str, batch: str | None = None, over: str = "") -> tuple[Report, list[str]]:
    """One step. `over` names a mapped step that follows: its batch ids are asked for in the same breath."""
    outcome = _attempt(stage, step, batch, over)
    if isinstance(outcome, Exception):
        _stop(stage, step, outcome)
    _say(outcome[0])
    return outcome


def _attempt(stage: str, step: str, batch: str | None, over: str) -> tuple[Report, list[str]] | Exception:
    try:
        engine = open_engine()
        try:
            report = engine.step(stage, step, batch)
            return report, list(engine.batches(stage, over)) if over else []
        finally:
            close(engine)
    except Exception as error:  # noqa: BLE001 - every sort is sorted out by the caller, outside of this frame
        return error


def _say(report: Report) -> None:
    for text in report.lines:
        log.info("%s", text)
    if report.totals:
        log.info("合计 / totals: %s", ", ".join(f"{name}={value:,}" for name, value in report.totals.items()))


def _stop(stage: str, step: str, problem: BaseException) -> NoReturn:
    from migration.domain.errors import CutoverError, TransientError, Waiting  # noqa: PLC0415 - see open_engine

    if isinstance(problem, Waiting):
        _wait(stage, step, problem)
    if isinstance(problem, TransientError):
        raise AirflowException(reasons.line(stage, step, problem))
    if isinstance(problem, CutoverError):
        fail(reasons.line(stage, step, problem), reasons.codes(problem))
    raise AirflowException(_unexpected(stage, step, problem))


def _unexpected(stage: str, step: str, problem: BaseException) -> str:
    """Type and place only: the message of an unforeseen exception may hold a person's data (reliability.md R8)."""
    frames = traceback.extract_tb(problem.__traceback__)
    trail = " < ".join(f"{os.path.basename(f.filename)}:{f.lineno} {f.name}" for f in reversed(frames[-6:]))  # noqa: PTH119
    zh, en = reasons.place(stage, step)
    return f"{zh}：意外错误 {type(problem).__name__} / {en}: unexpected {type(problem).__name__} at {trail}"


def _wait(stage: str, step: str, waiting: CutoverError) -> NoReturn:
    """Give the worker back and come again; say what is awaited and since when."""
    context = get_current_context()
    now = datetime.now(UTC)
    since = context["ti"].get_first_reschedule_date(context) or now
    waited = now - since
    what = reasons.line(stage, step, waiting) + reasons.due(waiting)
    if waited > knobs.patience():
        hours = f"{waited.total_seconds() / 3600:.1f}"
        fail(
            f"等待超时[WAITED_TOO_LONG]，已等 {hours} 小时 / waited too long ({hours} h): {what}",
            ["WAITED_TOO_LONG", *reasons.codes(waiting)],
        )
    again = max(now + knobs.poll(waited), getattr(waiting, "until", None) or now)  # by the bank's hours: not before
    stamp = f"{since:%Y-%m-%d %H:%M:%S} UTC"
    log.info("自 %s 起等待 / waiting since %s: %s", stamp, stamp, what)
    raise AirflowRescheduleException(again)


def fail(reason: str, stable_codes: list[str]) -> NoReturn:
    """Fail for good. The reason is the exception's text and, written as the process ends, the last line of the log."""
    ti = get_current_context()["ti"]
    ti.xcom_push(key=STOPPED, value=stable_codes)
    last_line(reason)
    raise AirflowFailException(reason)


def last_line(reason: str) -> None:
    """Airflow writes its own lines after a task's; what a task's process registers at exit comes after those.

    A task runs in a process of its own, which at its end runs the handlers registered since it was forked; in
    `dag.test()` they run when the whole test process ends.
    """
    atexit.register(log.error, "%s", reason)


def extra(report: Report) -> dict[str, Any]:
    """Say what an asset event tells of a finished stage: counts, sums in fen (`..._fen`) and digests."""
    sums = {name: int(value) for name, value in report.totals.items() if name.endswith("_fen")}
    counts = {name: int(value) for name, value in report.totals.items() if name not in sums}
    return {"counts": counts, "sums": sums, "digests": dict(report.digests), "batches": len(report.batches)}
