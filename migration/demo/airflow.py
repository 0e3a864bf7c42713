"""A real Airflow on this machine: API server, scheduler and DAG processor as separate processes, all ports its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from textwrap import indent
from typing import TYPE_CHECKING, Final

import httpx

from migration.demo.places import USER, Places, Secrets, free_port
from migration.domain.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migration.demo.processes import Processes

PARTS: Final = ("api-server", "scheduler", "dag-processor")
UP_WITHIN_S: Final = 180.0
PARALLEL: Final = 2
"""Task slots: one converging task (the pool has one slot) and the watcher."""
WARM: Final = """import duckdb
import pandas

import migration.wiring
from expectations import runner

runner.load()
"""
"""What the scheduler imports before it starts: tasks are forked from it and need not import it again, seconds each.

For a rehearsal, whose Airflow is started anew each time. A scheduler that runs for weeks would go on forking the program
it was started with after an update.
"""


@dataclass(frozen=True, slots=True)
class Airflow:
    """One Airflow: how it is set up, started and reached.

    `metadata_url` is a database of its own, reached in a role of its own.
    `extra` is what its tasks see beside Airflow's own settings (CUTOVER_CONFIG, CUTOVER__STORE__URL ...).
    `warm` is run by the scheduler before it starts.
    """

    places: Places
    secrets: Secrets
    metadata_url: str
    extra: Mapping[str, str]
    log_port: int
    health_port: int
    trigger_port: int
    warm: str

    @classmethod
    def of(cls, places: Places, metadata_url: str, extra: Mapping[str, str], warm: str = WARM) -> Airflow:
        """Draw ports and secrets."""
        return cls(places, Secrets.of(places), metadata_url, extra, free_port(), free_port(), free_port(), warm)

    @property
    def ui(self) -> str:
        """The address people open."""
        return f"http://127.0.0.1:{self.secrets.ui_port}"

    @property
    def login(self) -> str:
        """The address, the user and the password, for people."""
        return f"{self.ui}  ({USER} / {self.secrets.password})"

    @property
    def env(self) -> dict[str, str]:
        """The environment of all its processes. A foreign AIRFLOW__ setting of the caller does not get in."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
        return {**kept, **self._settings(), **self.extra}

    def _settings(self) -> dict[str, str]:
        settings = {
            "CORE__DAGS_FOLDER": str(self.places.root / "dags"),
            "CORE__PLUGINS_FOLDER": str(self.places.root / "dags" / "plugins"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": str(PARALLEL),
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "CORE__FERNET_KEY": self.secrets.fernet,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.ui}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.places.passwords),
            "DATABASE__SQL_ALCHEMY_CONN": self.metadata_url,
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.secrets.ui_port),
            "API__WORKERS": "1",
            "API__BASE_URL": self.ui,
            "API__SECRET_KEY": self.secrets.api_key,
            "API_AUTH__JWT_SECRET": self.secrets.jwt,
            "API__INSTANCE_NAME": "资金存管迁移 · Cutover",
            "LOGGING__BASE_LOG_FOLDER": str(self.places.airflow / "logs"),
            "LOGGING__WORKER_LOG_SERVER_PORT": str(self.log_port),
            "LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.trigger_port),
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.health_port),
            # a rehearsal on small data: look more often than a production Airflow would
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        named = {f"AIRFLOW__{key}": value for key, value in settings.items()}
        return {"AIRFLOW_HOME": str(self.places.airflow), "NO_PROXY": "127.0.0.1", **named}

    def set_up(self) -> None:
        """Bring the metadata database to this version; have the scheduler import what tasks need; safe to repeat."""
        self._airflow("db", "migrate")
        self._warm_up()

    def start(self, processes: Processes, parts: Sequence[str] = PARTS) -> None:
        """Start the processes (or some of them); does not wait."""
        for part in parts:
            processes.start(part, [sys.executable, "-m", "airflow", part], self.env)

    def wait_up(self, processes: Processes) -> None:
        """Wait until API server, scheduler and DAG processor are healthy; else TransientError(AIRFLOW_DOWN)."""
        deadline = time.monotonic() + UP_WITHIN_S
        while time.monotonic() < deadline:
            if dead := processes.dead():
                raise TransientError.of("AIRFLOW_DOWN", "airflow", f"{', '.join(dead)} ended; see {self.places.logs}")
            if self.healthy():
                return
            time.sleep(0.3)
        raise TransientError.of("AIRFLOW_DOWN", "airflow", f"not up within {UP_WITHIN_S:.0f} s; see {self.places.logs}")

    def healthy(self) -> bool:
        """Ask the API server for the health of all three."""
        try:
            answer = httpx.get(f"{self.ui}/api/v2/monitor/health", timeout=3).json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = ("metadatabase", "scheduler", "dag_processor")
        return all(answer.get(part, {}).get("status") == "healthy" for part in parts)

    def _warm_up(self) -> None:
        """Airflow imports a module of this name from its folder of configuration, in each of its processes."""
        folder = self.places.airflow / "config"
        folder.mkdir(mode=0o700, exist_ok=True)
        text = f'import sys\n\nif "scheduler" in sys.argv:\n{indent(self.warm or "pass", "    ")}'
        (folder / "airflow_local_settings.py").write_text(text)

    def _airflow(self, *arguments: str) -> None:
        log = self.places.logs / "setup.log"
        with log.open("ab") as stream:
            done = subprocess.run(  # noqa: S603 - our own program, no shell
                [sys.executable, "-m", "airflow", *arguments],
                env=self.env,
                cwd=self.places.root,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            call = f"airflow {' '.join(arguments[:2])}"
            raise ConfigurationError.of("AIRFLOW_SETUP", "airflow", f"`{call}` failed; see {log}")
