"""Say what `make test` leaves out, and why: tests that want more than Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTS = {
    "mariadb": "a MariaDB server on 127.0.0.1:3306",
    "postgres": "a PostgreSQL server on 127.0.0.1:5432",
    "redis": "a Redis server on 127.0.0.1:6379",
    "browser": "Debian's chromium",
    "airflow": "minutes: each starts a real Airflow",
}


def count(marker: str) -> int:
    """How many tests carry a marker."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-o",
            "addopts=-q --import-mode=importlib",
            "--collect-only",
            "-m",
            marker,
            "tests",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return sum("::" in line for line in done.stdout.splitlines())


def main() -> None:
    """Print one line a marker."""
    print("left out here, run by .ci/run where they can be:")
    for marker, wants in WANTS.items():
        print(f"  {count(marker):3d} marked {marker}: want {wants}")


if __name__ == "__main__":
    main()
