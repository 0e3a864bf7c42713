"""Advisory locks on files, which the kernel lets go however the process that holds them ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING, Final

from migration.domain.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLL_S: Final = 0.05


class FileLock:
    """A lock on one file. Each object is a holder of its own, also within one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def share(self) -> None:
        """Hold it together with other sharers."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go. Closing, not unlocking: a fork's copy of the handle must not end its parent's hold."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def is_free(self) -> bool:
        """Whether nobody holds it at this moment."""
        if not self._try():
            return False
        self.release()
        return True

    @contextlib.contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Hold it alone, waiting up to that many seconds; TransientError(STORE_BUSY) when it stays taken."""
        deadline = time.monotonic() + timeout_s
        while not self._try():
            if time.monotonic() > deadline:
                raise TransientError.of("STORE_BUSY", "store", "another process is starting or stopping it")
            time.sleep(POLL_S)
        try:
            yield
        finally:
            self.release()

    def _try(self) -> bool:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True
