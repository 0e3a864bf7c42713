"""Airflow over its public REST API, as any client would: a token (JWT) by user and password, then plain calls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from migration.domain.errors import TransientError

UNAUTHORISED: Final = 401
NOT_FOUND: Final = 404
ENDED: Final = frozenset({"success", "failed"})


@dataclass(frozen=True, slots=True)
class TaskState:
    """One task instance. `stage` is its group, `batch` the name of its map index, `state` as Airflow says it."""

    task_id: str
    map_index: int
    state: str
    batch: str
    started: str
    tries: int

    @property
    def stage(self) -> str:
        """The task group."""
        return self.task_id.partition(".")[0]

    @property
    def step(self) -> str:
        """The task within its group."""
        return self.task_id.partition(".")[2]


class Rest:
    """A client of one Airflow. Calls that a starting or restarting API server cannot answer yet are tried again."""

    def __init__(self, ui: str, user: str, password: str) -> None:
        self._login = {"username": user, "password": password}
        self._client = httpx.Client(base_url=ui, timeout=10)

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def await_dag(self, dag_id: str, within_s: float = 90.0) -> None:
        """Wait until the DAG processor has brought the DAG in. TransientError(DAG_MISSING)."""
        deadline = time.monotonic() + within_s
        while self._call("GET", f"/api/v2/dags/{dag_id}").status_code == NOT_FOUND:
            if time.monotonic() > deadline:
                raise TransientError.of("DAG_MISSING", f"dags/{dag_id}", "the DAG processor has not brought it in")
            time.sleep(0.3)

    def ensure_pool(self, name: str, slots: int) -> None:
        """Make the pool unless it is there."""
        if self._call("GET", f"/api/v2/pools/{name}").status_code == NOT_FOUND:
            body = {"name": name, "slots": slots, "description": "cutover: one converging step at a time"}
            self._json("POST", "/api/v2/pools", json=body)

    def trigger(self, dag_id: str, run_name: str, params: dict[str, Any], note: str = "") -> None:
        """Trigger a run under a name people can read."""
        body = {"dag_run_id": run_name, "logical_date": None, "conf": params, "note": note or None}
        self._json("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """All runs of a DAG, the latest first."""
        found = self._json("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "-id", "limit": 100})
        return list(found["dag_runs"])

    def state(self, dag_id: str, run_name: str) -> str:
        """Tell the state of a run: queued, running, success, failed."""
        return str(self._json("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_name}")["state"])

    def tasks(self, dag_id: str, run_name: str) -> list[TaskState]:
        """Every task instance of a run, mapped ones each."""
        url = f"/api/v2/dags/{dag_id}/dagRuns/{run_name}/taskInstances"
        found: list[TaskState] = []
        while True:
            page = self._json("GET", url, params={"limit": 100, "offset": len(found)})
            found.extend(_task(row) for row in page["task_instances"])
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def last_log_line(self, dag_id: str, run_name: str, task: TaskState) -> str:
        """Fetch the last line of a task's log: the reason, when it failed."""
        url = f"/api/v2/dags/{dag_id}/dagRuns/{run_name}/taskInstances/{task.task_id}/logs/{max(task.tries, 1)}"
        content = self._json("GET", url, params={"map_index": task.map_index})["content"]
        lines = [row.get("event", "") if isinstance(row, dict) else str(row) for row in content]
        return next((line for line in reversed(lines) if line), "")

    def _json(self, method: str, url: str, **arguments: Any) -> dict[str, Any]:
        answer = self._call(method, url, **arguments)
        if answer.is_error:
            raise TransientError.of("AIRFLOW_REFUSED", url, f"{method} answered {answer.status_code}")
        return dict(answer.json())

    def _call(self, method: str, url: str, tries: int = 20, **arguments: Any) -> httpx.Response:
        for left in reversed(range(tries)):
            try:
                answer = self._client.request(method, url, **arguments)
            except httpx.TransportError:
                if not left:
                    raise TransientError.of("AIRFLOW_DOWN", url, "the API server does not answer") from None
                time.sleep(0.5)
                continue
            if answer.status_code != UNAUTHORISED or not left:
                return answer
            self._sign_in()
        raise AssertionError(tries)

    def _sign_in(self) -> None:
        answer = self._client.post("/auth/token", json=self._login)
        if answer.is_error:
            raise TransientError.of("AIRFLOW_LOGIN", "airflow", f"the login was answered {answer.status_code}")
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _task(row: dict[str, Any]) -> TaskState:
    return TaskState(
        task_id=row["task_id"],
        map_index=int(row["map_index"]),
        state=row["state"] or "none",
        batch=row.get("rendered_map_index") or "",
        started=row["start_date"] or "",
        tries=int(row["try_number"] or 0),
    )
