"""The directory transport: port `Files` over an exchange directory (contract.md section 6).

    <directory>/out/YYYY/MM/DD/<request name>      written as .<name>.part, flushed, read back, renamed
    <directory>/in/YYYY/MM/DD/<result name>        left there after use

What lies in the exchange directory is not trusted: names must be on the allow-list, links and anything but regular
files are refused. Every verb is safe to repeat after a crash at any point.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final

from migration.bank import disk
from migration.bank.keeping import SETTLED_AFTER_S, Keeping, sha256
from migration.bank.names import allowed, parts
from migration.domain.errors import GateClosed, TransientError
from migration.domain.findings import Finding
from migration.domain.values import ResultFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from migration.domain.ports import Clock

LOCK_TRIES: Final = 40
LOCK_PAUSE_S: Final = 0.25


class DirectoryFiles:
    """Port `Files`. `directory` is shared with the bank, `workspace` is ours; both are made when missing (0700)."""

    def __init__(self, directory: Path, workspace: Path, clock: Clock) -> None:
        self._directory = directory
        self._keeping = Keeping(workspace)
        self._clock = clock

    def deliver(self, name: str, business_date: date, content: bytes) -> None:
        """Put a request there; a no-op when the same content stands there already.

        GateClosed(REQUEST_CONFLICT): other content stands under the name. TransientError: DISK_FULL, FILE_IO,
        REQUEST_READ_BACK (the disk returned other bytes), REQUEST_BUSY (another run is writing it just now).
        """
        allowed(name, business_date)
        with disk.translated(name):
            target = disk.folder(self._directory, "out", *parts(business_date)) / name
            if self._stands(target, content):
                return
            part = target.with_name(f".{name}.part")
            handle = self._locked(part)
            try:
                if not self._stands(target, content):
                    _write_and_rename(handle, part, target, content)
                else:
                    part.unlink(missing_ok=True)
            finally:
                os.close(handle)
            disk.flush_folder(target.parent)
            if not self._stands(target, content):
                raise TransientError(Finding("REQUEST_READ_BACK", name, "is gone again after it was delivered"))

    def _stands(self, target: Path, content: bytes) -> bool:
        """Whether the request stands there with this content; GateClosed when it has another."""
        found = disk.read_regular(target)
        if found is None:
            return False
        if sha256(found[0]) != sha256(content):
            mend = "find out who wrote it; a request that was sent is never changed"
            raise GateClosed(Finding("REQUEST_CONFLICT", target.name, "other content stands under this name", mend))
        return True

    def _locked(self, part: Path) -> int:
        """Open the temporary file for this run alone: two runs at once must not mix their bytes in it."""
        for _ in range(LOCK_TRIES):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(part, flags, disk.PRIVATE_FILE)
            if _lock(handle) and _is_still(part, handle):
                return handle
            os.close(handle)
            self._clock.sleep(LOCK_PAUSE_S)
        raise TransientError(Finding("REQUEST_BUSY", part.name, "another run is writing this request"))

    def result(self, name: str, business_date: date) -> ResultFile | None:
        """Read a result where it stands; None when it is not there. FILE_UNSAFE: a link or no regular file.

        `settled` is false while the file's time lies less than two seconds from now, before or after (a clock may be
        off), or its size differs from what was read.
        """
        allowed(name, business_date)
        with disk.translated(name):
            disk.refuse_links(self._directory, "in", *parts(business_date))
            found = disk.read_regular(self._incoming(name, business_date))
        if found is None:
            return None
        content, status = found
        age = abs(self._clock.now().timestamp() - status.st_mtime)
        return ResultFile(content, settled=age >= SETTLED_AFTER_S and status.st_size == len(content))

    def quarantine(self, name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> str:
        """Keep the judged bytes and the note in the workspace, then take the file out of `in/`.

        What was judged is kept, not what stands there now: a correct file that has come meanwhile stays. The same
        content again finds its old place. Returns the place, relative to the workspace.
        """
        allowed(name, business_date)
        with disk.translated(name):
            kept = self._keeping.quarantine(name, business_date, content, reasons)
            original = self._incoming(name, business_date)
            standing = disk.read_regular(original)
            if standing is not None and standing[0] == content:
                original.unlink(missing_ok=True)
                disk.flush_folder(original.parent)
        return kept

    def manifest(self, name: str, facts: Mapping[str, object]) -> None:
        """Write the manifest of a file sent or received into the workspace."""
        self._keeping.manifest(name, facts)

    def _incoming(self, name: str, business_date: date) -> Path:
        return self._directory.joinpath("in", *parts(business_date), name)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(path: Path, handle: int) -> bool:
    """Whether the locked file still has its name: the run before us may have renamed it."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _write_and_rename(handle: int, part: Path, target: Path, content: bytes) -> None:
    """Fill the temporary file, read it back, and only then give it its final name."""
    disk.fill(handle, content)
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        if sha256(file.read()) != sha256(content):
            part.unlink(missing_ok=True)
            raise TransientError(Finding("REQUEST_READ_BACK", target.name, "the disk returned other bytes"))
    part.rename(target)
