"""The SFTP transport: port `Files` over the bank's server.

<out_path>/YYYY/MM/DD/<request name>      written as .<name>.part, read back, renamed
<in_path>/YYYY/MM/DD/<result name>        left there after use

Every verb is safe to repeat after a drop at any byte. A part that was left behind is compared and continued. The rename
is SFTP's own, which refuses to overwrite; POSIX rename would silently replace what stands there. Two runs at once write
the same bytes to the same places, so they need no lock (a request's bytes are sealed before it leaves).
"""

from __future__ import annotations

import hashlib
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from migration.bank import disk
from migration.bank.keeping import SETTLED_AFTER_S, Keeping, sha256
from migration.bank.names import allowed, parts
from migration.bank.sftp_link import Address, Link, Patience
from migration.domain.errors import ConfigurationError, GateClosed, TransientError
from migration.domain.findings import Finding
from migration.domain.values import ResultFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from paramiko import SFTPAttributes, SFTPClient, SFTPFile

    from migration.domain.ports import Clock

PIECE: Final = 32_768
"""Bytes a request to the server: what every server takes."""
FOLDER: Final = 0o770
WHOLE_SECONDS_S: Final = 1.0
"""SFTP tells times in whole seconds: a file may be this much younger than it says."""
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of the largest result that is read: a file of 9,999 records has less than 5 million."""
FULL: Final = ("no space", "quota", "disk full")


class SftpFiles:
    """Port `Files`. `workspace` is ours. Connects at the first verb, not before."""

    def __init__(self, address: Address, workspace: Path, clock: Clock, patience: Patience | None = None) -> None:
        self._address = address
        self._keeping = Keeping(workspace)
        self._clock = clock
        self._link = Link(address, clock, patience)

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def deliver(self, name: str, business_date: date, content: bytes) -> None:
        """Put a request there; a no-op when the same content stands there already.

        GateClosed: REQUEST_CONFLICT (other content stands under the name), FILE_UNSAFE, SFTP_HOST_KEY. TransientError:
        DISK_FULL, FILE_IO, REQUEST_READ_BACK, SFTP_LOST, SFTP_UNREACHABLE, SFTP_SLOW. ConfigurationError: FILE_DENIED,
        FILE_PLACE, SFTP_AUTH, SFTP_KEY_FILE.
        """
        allowed(name, business_date)
        with _translated(name):
            self._link.run(name, lambda session: self._deliver(session, name, business_date, content))

    def _deliver(self, session: SFTPClient, name: str, business_date: date, content: bytes) -> None:
        place = _folders(session, self._address.out_path, business_date, make=True)
        target, part = f"{place}/{name}", f"{place}/.{name}.part"
        if _stands(session, target, name, content):
            return
        _fill(session, part, name, content)
        if _digest(session, part) != sha256(content):
            session.remove(part)
            raise TransientError(Finding("REQUEST_READ_BACK", name, "the server returned other bytes"))
        _rename(session, part, target, name, content)
        found = _regular(session, target, name)
        if found is None or found.st_size != len(content):
            raise TransientError(Finding("REQUEST_READ_BACK", name, "is gone or changed right after it was delivered"))

    def result(self, name: str, business_date: date) -> ResultFile | None:
        """Read a result where it stands; None when it is not there. FILE_UNSAFE: a link, no regular file, or too large.

        `settled` is false while the file's time lies within the last two seconds or in the next two (the server's clock
        may be off), or when it changed while it was read.
        """
        allowed(name, business_date)
        with _translated(name):
            return self._link.run(name, lambda session: self._result(session, name, business_date))

    def _result(self, session: SFTPClient, name: str, business_date: date) -> ResultFile | None:
        place = _folders(session, self._address.in_path, business_date, make=False)
        before = _regular(session, f"{place}/{name}", name) if place else None
        if before is None:
            return None
        with session.open(f"{place}/{name}", "rb") as file:
            content = b"".join(_pieces(file, name))
            after = file.stat()
        same = (before.st_size, before.st_mtime) == (after.st_size, after.st_mtime)
        age = abs(self._clock.now().timestamp() - float(after.st_mtime or 0))
        quiet = age >= SETTLED_AFTER_S + WHOLE_SECONDS_S
        return ResultFile(content, settled=same and quiet and len(content) == after.st_size)

    def quarantine(self, name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> str:
        """Keep the judged bytes and the note in the workspace, then take the file off the server.

        A correct file that has come meanwhile stays. Returns the place, relative to the workspace.
        """
        allowed(name, business_date)
        with disk.translated(name):
            kept = self._keeping.quarantine(name, business_date, content, reasons)
        with _translated(name):
            self._link.run(name, lambda session: self._take_out(session, name, business_date, content))
        return kept

    def _take_out(self, session: SFTPClient, name: str, business_date: date, content: bytes) -> None:
        place = _folders(session, self._address.in_path, business_date, make=False)
        path = f"{place}/{name}"
        if place and _regular(session, path, name) and _digest(session, path) == sha256(content):
            session.remove(path)

    def manifest(self, name: str, facts: Mapping[str, object]) -> None:
        """Write the manifest of a file sent or received into the workspace."""
        self._keeping.manifest(name, facts)


@contextmanager
def _translated(subject: str) -> Iterator[None]:
    """Turn the server's refusals into what the caller must do. The server's own words are not repeated."""
    try:
        yield
    except PermissionError as fault:
        mend = "have the bank give this user the right to read and write there"
        raise ConfigurationError(Finding("FILE_DENIED", subject, "the bank's server denies access", mend)) from fault
    except OSError as fault:
        if any(word in str(fault).lower() for word in FULL):
            mend = "ask the bank to make room and run again"
            raise TransientError(Finding("DISK_FULL", subject, "the bank's server has no room", mend)) from fault
        raise TransientError(Finding("FILE_IO", subject, "the bank's server could not do it", "run again")) from fault


def _status(session: SFTPClient, path: str) -> SFTPAttributes | None:
    try:
        return session.lstat(path)
    except FileNotFoundError:
        return None


def _regular(session: SFTPClient, path: str, name: str) -> SFTPAttributes | None:
    """Return the status of a regular file of bearable size; None when there is none; GateClosed(FILE_UNSAFE)."""
    found = _status(session, path)
    if found is None:
        return None
    if not stat.S_ISREG(found.st_mode or 0):
        raise disk.unsafe(name, "is no regular file")
    if (found.st_size or 0) > LARGEST:
        raise disk.unsafe(name, f"has {found.st_size} bytes, more than any result")
    return found


def _folders(session: SFTPClient, root: str, business_date: date, *, make: bool) -> str:
    """Return `root/YYYY/MM/DD`; empty when it is not there and is not to be made.

    GateClosed(FILE_UNSAFE) when a folder below `root` is a link; `root` itself is agreed with the bank and may be one.
    """
    steps = [step for step in root.split("/") if step]
    place = "/" if root.startswith("/") else ""
    for number, step in enumerate([*steps, *parts(business_date)]):
        place = f"{place.rstrip('/')}/{step}" if place else step
        found = _status(session, place)
        if found is None and not make:
            return ""
        if found is None:
            _make(session, place)
        elif stat.S_ISLNK(found.st_mode or 0):
            if number >= len(steps):
                raise disk.unsafe(step, "a folder on its way is a symbolic link")
        elif not stat.S_ISDIR(found.st_mode or 0):
            mend = "have the bank move away what stands in its place"
            raise ConfigurationError(Finding("FILE_PLACE", step, "a wrong thing stands where a folder should be", mend))
    return place


def _make(session: SFTPClient, place: str) -> None:
    """Make a folder, unless another run does so at the same moment."""
    try:
        session.mkdir(place, FOLDER)
    except OSError:
        if _status(session, place) is None:
            raise


def _stands(session: SFTPClient, target: str, name: str, content: bytes) -> bool:
    """Whether the request stands there with this content; GateClosed when it has another."""
    found = _regular(session, target, name)
    if found is None:
        return False
    if found.st_size != len(content) or _digest(session, target) != sha256(content):
        mend = "find out who wrote it; a request that was sent is never changed"
        raise GateClosed(Finding("REQUEST_CONFLICT", name, "other content stands under this name", mend))
    return True


def _fill(session: SFTPClient, part: str, name: str, content: bytes) -> None:
    """Have the part hold the whole content: go on behind what a dropped connection left, or begin anew."""
    start = _kept(session, part, name, content)
    with session.open(part, "r+" if start >= 0 else "wx") as file:
        file.seek(max(start, 0))
        for first in range(max(start, 0), len(content), PIECE):
            file.write(content[first : first + PIECE])


def _kept(session: SFTPClient, part: str, name: str, content: bytes) -> int:
    """How many bytes of the content the part holds already; -1 when there is none (any more)."""
    found = _regular(session, part, name)
    if found is None:
        return -1
    size = found.st_size or 0
    if size <= len(content) and _digest(session, part) == sha256(content[:size]):
        return size
    session.remove(part)
    return -1


def _rename(session: SFTPClient, part: str, target: str, name: str, content: bytes) -> None:
    """Give the part its final name; when another run was first with the same content, the part goes."""
    try:
        session.rename(part, target)
    except OSError:
        if not _stands(session, target, name, content):
            raise
        if _status(session, part) is not None:
            session.remove(part)


def _digest(session: SFTPClient, path: str) -> str:
    """SHA-256 of a file on the server, read piece by piece."""
    digest = hashlib.sha256()
    with session.open(path, "rb") as file:
        for piece in _pieces(file, path.rpartition("/")[2]):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(file: SFTPFile, name: str) -> Iterator[bytes]:
    """A file in pieces; FILE_UNSAFE when it grows without end."""
    size = 0
    while piece := file.read(PIECE):
        size += len(piece)
        if size > LARGEST:
            raise disk.unsafe(name, "grows without end")
        yield piece
