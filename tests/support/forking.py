"""Fresh processes, quickly: one that has done nothing but import forks a child for each line of its input.

Importing takes longer than what the children do. One at a time, so each is alone with its journal.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self


def serve(work: Callable[[str], int], errors: Callable[[str], Path]) -> None:
    """Do `work(line)` in a child for every line; answer with its exit code, or minus the signal that killed it.

    What the child says on standard error is added to the file `errors(line)`.
    """
    gc.freeze()  # what was imported is not looked through, and so not copied, in every child
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with errors(line).open("a", encoding="utf-8") as told:
                    os.dup2(told.fileno(), 2)
                    status = work(line)
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()
    gc.unfreeze()


class Starter:
    """Starts such processes of a module that serves, one after the other; a context."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._call = [sys.executable, "-m", module, *arguments]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def ask(self, line: str) -> int:
        """Run one process to its end: its exit code, or minus the signal that killed it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())
