"""The directory transport: port `Files` over an exchange directory (contract.md section 6).

    <directory>/out/YYYY/MM/DD/<request name>      written as .<name>.part, flushed, read back, renamed
    <directory>/in/YYYY/MM/DD/<result name>        left there after use
    <workspace>/quarantine/<result name>[.N]       with <the same>.json beside it
    <workspace>/manifests/<name>.json

What lies in the exchange directory is not trusted: names must be on the allow-list, links and anything but regular
files are refused. Every verb is safe to repeat after a crash at any point.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from itertools import count
from typing import TYPE_CHECKING, Final

from migration.bank import disk
from migration.bank.names import allowed, day
from migration.domain.errors import GateClosed, TransientError
from migration.domain.findings import Finding
from migration.domain.ports import ResultFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from migration.domain.ports import Clock

SETTLED_AFTER_S: Final = 2.0
"""A result that was written to less than this ago may still be growing."""
LOCK_TRIES: Final = 40
LOCK_PAUSE_S: Final = 0.25


class DirectoryFiles:
    """Port `Files`. `directory` is shared with the bank, `workspace` is ours; both are made when missing (0700)."""

    def __init__(self, directory: Path, workspace: Path, clock: Clock) -> None:
        self._directory = directory
        self._workspace = workspace
        self._clock = clock

    def deliver(self, name: str, business_date: date, content: bytes) -> None:
        """Put a request there; a no-op when the same content stands there already.

        GateClosed(REQUEST_CONFLICT): other content stands under the name. TransientError: DISK_FULL, FILE_IO,
        REQUEST_READ_BACK (the disk returned other bytes), REQUEST_BUSY (another run is writing it just now).
        """
        allowed(name, business_date)
        with disk.translated(name):
            target = disk.folder(self._directory, "out", *_parts(business_date)) / name
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
        if _sha256(found[0]) != _sha256(content):
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
            disk.refuse_links(self._directory, "in", *_parts(business_date))
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
            place = disk.folder(self._workspace, "quarantine")
            kept = _free_name(place / name, content)
            disk.replace(kept, content)
            note = json.dumps(note_of(name, business_date, content, reasons), ensure_ascii=False, indent=2) + "\n"
            disk.replace(place / f"{kept.name}.json", note.encode())
            original = self._incoming(name, business_date)
            standing = disk.read_regular(original)
            if standing is not None and standing[0] == content:
                original.unlink(missing_ok=True)
                disk.flush_folder(original.parent)
        return f"quarantine/{kept.name}"

    def manifest(self, name: str, facts: Mapping[str, object]) -> None:
        """Write the manifest of a file sent or received: <workspace>/manifests/<name>.json, keys sorted."""
        allowed(name, None)
        with disk.translated(name):
            place = disk.folder(self._workspace, "manifests")
            disk.replace(place / f"{name}.json", manifest_text(facts).encode())

    def _incoming(self, name: str, business_date: date) -> Path:
        return self._directory.joinpath("in", *_parts(business_date), name)


def note_of(name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> dict[str, object]:
    """Say why a file was quarantined: codes and record numbers, nothing of its content."""
    return {
        "name": name,
        "business_date": business_date.isoformat(),
        "sha256": _sha256(content),
        "bytes": len(content),
        "reasons": [{"code": each.code, "subject": each.subject, "detail": each.detail} for each in reasons],
    }


def manifest_text(facts: Mapping[str, object]) -> str:
    """Print a manifest; dates and times in ISO form."""
    return json.dumps(dict(facts), ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n"


def _parts(business_date: date) -> tuple[str, str, str]:
    text = day(business_date)
    return text[:4], text[4:6], text[6:]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
        if _sha256(file.read()) != _sha256(content):
            part.unlink(missing_ok=True)
            raise TransientError(Finding("REQUEST_READ_BACK", target.name, "the disk returned other bytes"))
    part.rename(target)


def _free_name(wanted: Path, content: bytes) -> Path:
    """`name`, `name.1`, `name.2` ...: the first that is free or holds this content already."""
    for number in count():
        path = wanted.with_name(f"{wanted.name}.{number}") if number else wanted
        standing = disk.read_regular(path)
        if standing is None or standing[0] == content:
            return path
    raise AssertionError  # count() does not end
