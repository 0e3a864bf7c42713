"""What the environment of the Airflow processes decides. Read when asked for, never at import."""

from __future__ import annotations

import os
from datetime import timedelta


def pool() -> str:
    """CUTOVER_POOL: the pool every converging task runs in; it must exist (`airflow pools set cutover 1 cutover`).

    Where no pool can be made, `CUTOVER_POOL=default_pool` works too: the DAGs then still run one task at a time within
    a run (max_active_tasks=1), only two different DAGs may overlap, which the journal's fence sorts out.
    """
    return os.environ.get("CUTOVER_POOL", "cutover")


def poll(waited: timedelta) -> timedelta:
    """How long to let pass before asking again.

    CUTOVER_POLL_S (30 s) at first, later a twentieth of the time waited, at most CUTOVER_POLL_MAX_S (300 s): three
    days of waiting must not fill the log.
    """
    least = float(os.environ.get("CUTOVER_POLL_S", "30"))
    most = float(os.environ.get("CUTOVER_POLL_MAX_S", "300"))
    return timedelta(seconds=max(least, min(most, waited.total_seconds() / 20)))


def patience() -> timedelta:
    """CUTOVER_WAIT_HOURS (72 h): a task that has waited longer fails, so that nothing is forgotten."""
    return timedelta(hours=float(os.environ.get("CUTOVER_WAIT_HOURS", "72")))


def retry_delay() -> timedelta:
    """CUTOVER_RETRY_S (30 s): the pause before a passing fault is tried again."""
    return timedelta(seconds=float(os.environ.get("CUTOVER_RETRY_S", "30")))


def daily_schedule() -> str | None:
    """CUTOVER_DAILY_SCHEDULE: a cron expression for the daily reconciliation; none: only when triggered."""
    return os.environ.get("CUTOVER_DAILY_SCHEDULE") or None


def engine_factory() -> str:
    """CUTOVER_ENGINE: `module:callable` that opens the engine. Only tests and drills on doubles set it."""
    return os.environ.get("CUTOVER_ENGINE", "migration.wiring:engine")
