"""Airflow runs in processes of its own here: it reads its settings at import and takes the logging over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HARNESS = Path(__file__).parent / "harness"

Script = Callable[..., subprocess.CompletedProcess[str]]


def airflow_env(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An Airflow with a SQLite of its own, our DAG folder and the scripted double for an engine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "CUTOVER"))}
    return {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "dags", HARNESS, ROOT))),
        "CUTOVER_ENGINE": "doubles:engine",
        "CUTOVER_POLL_S": "0.05",
        "CUTOVER_RETRY_S": "0.05",
        **(extra or {}),
    }


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Script:
    """Run one of the harness's scripts in an Airflow environment; its last line of output is JSON."""
    home = tmp_path_factory.mktemp("airflow")

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(HARNESS / name), *arguments],
            env=airflow_env(home),
            cwd=home,
            capture_output=True,
            text=True,
            check=True,
            timeout=900,
        )

    run.home = home  # type: ignore[attr-defined]
    return run
