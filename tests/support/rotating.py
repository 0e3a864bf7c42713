"""A change of the data key as a process that can be killed: real journal, real snapshots.

    python -m tests.support.rotating      (forks one for each line of its input)

A point is a named point of the rotation, or `fsync@N` / `rename@N`: SIGKILL at the N-th call.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from migration.clock import SystemClock
from migration.domain.errors import CutoverError
from migration.journal.store import PostgresJournal
from migration.legacy.keyring import Keyring
from migration.stages import rotation
from tests.support import forking

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


def _work(line: str) -> int:
    asked = json.loads(line)
    try:
        rotate(Path(asked["workspace"]), asked["url"], asked["point"], asked["environ"])
    except CutoverError:
        traceback.print_exc()
        return 1
    return 0


class Starter(forking.Starter):
    """Starts such processes, one after the other; a context."""

    def __init__(self) -> None:
        super().__init__("tests.support.rotating")

    def run(self, **asked: Any) -> int:
        """Rotate with workspace, url, point, environ; what it says goes to the file `told`. How it ended."""
        Path(asked["told"]).unlink(missing_ok=True)
        return self.ask(json.dumps(asked))


if __name__ == "__main__":
    forking.serve(_work, lambda line: Path(json.loads(line)["told"]))
