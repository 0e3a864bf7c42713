"""A change of the data key as a process that can be killed: real journal, real snapshots.

    python -m tests.support.rotating      (forks one for each line of its input)

A point is a named point of the rotation, or `fsync@N` / `rename@N`: SIGKILL at the N-th call.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, Self

from migration.clock import SystemClock
from migration.domain.errors import CutoverError
from migration.journal.store import PostgresJournal
from migration.legacy.keyring import Keyring
from migration.stages import rotation

KIND = "rehearsal"
CUTOVER = "2017-11-jx"


def armed(point: str) -> Any:
    """What kills this process when the point is reached; the system's own calls are counted, too."""
    seen: Counter[str] = Counter()

    def reach(name: str) -> None:
        seen[name] += 1
        if point in {name, f"{name}@{seen[name]}"}:
            os.kill(os.getpid(), signal.SIGKILL)

    for call in ("fsync", "rename", "replace", "unlink", "rmdir"):
        setattr(os, call, _counted(getattr(os, call), call, reach))
    return reach


def _counted(real: Any, name: str, reach: Any) -> Any:
    def called(*values: Any, **named: Any) -> Any:
        reach(name)
        return real(*values, **named)

    return called


def rotate(workspace: Path, url: str, point: str, environ: dict[str, str]) -> None:
    journal = PostgresJournal(url)
    journal.begin(CUTOVER, KIND)
    reach = armed(point)
    rotation.rotate(journal, Keyring(workspace, SystemClock(), environ), "operator", reach)


def serve() -> None:
    """Fork a fresh process for every line (JSON: workspace, url, point, environ, told); answer with how it ended.

    Importing takes longer than the rest; nothing but imports has happened in the process that forks.
    """
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with Path(asked["told"]).open("w", encoding="utf-8") as told:
                    os.dup2(told.fileno(), 2)
                    rotate(Path(asked["workspace"]), asked["url"], asked["point"], asked["environ"])
                    status = 0
            except CutoverError:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()


class Starter:
    """Starts such processes, one after the other; a context."""

    def __enter__(self) -> Self:
        call = [sys.executable, "-m", "tests.support.rotating"]
        self._process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(self, **asked: Any) -> int:
        """Run one to its end: its exit code, or minus the signal that killed it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


if __name__ == "__main__":
    serve()
