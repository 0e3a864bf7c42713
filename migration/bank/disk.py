"""Careful writing and reading of single files: nothing half-written is ever seen under its final name."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from migration.domain.errors import ConfigurationError, GateClosed, TransientError
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
DENIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
WRONG_KIND: Final = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST})


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turn what the operating system says into what the caller must do."""
    try:
        yield
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise unsafe(subject, "is a symbolic link") from fault
        known = errno.errorcode.get(fault.errno or 0, "unknown")
        if fault.errno in FULL:
            mend = "make room and run again"
            raise TransientError(Finding("DISK_FULL", subject, f"could not be written ({known})", mend)) from fault
        if fault.errno in DENIED:
            mend = "give the user that runs the cutover the right to read and write there"
            raise ConfigurationError(Finding("FILE_DENIED", subject, f"access denied ({known})", mend)) from fault
        if fault.errno in WRONG_KIND:
            mend = "move away what stands in its place"
            raise ConfigurationError(
                Finding("FILE_PLACE", subject, f"a wrong thing stands here ({known})", mend)
            ) from fault
        raise TransientError(Finding("FILE_IO", subject, f"could not be read or written ({known})")) from fault


def folder(root: Path, *parts: str) -> Path:
    """Make `root/parts...`, each new folder private (0700); GateClosed(FILE_UNSAFE) when a part is a symbolic link.

    `root` itself is the operator's choice and may be a link.
    """
    root.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    place = root
    for part in parts:
        place /= part
        if place.is_symlink():
            raise unsafe(part, "a folder on its way is a symbolic link")
        place.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return place


def refuse_links(root: Path, *parts: str) -> None:
    """GateClosed(FILE_UNSAFE) when a folder on the way below `root` is a symbolic link."""
    place = root
    for part in parts:
        place /= part
        if place.is_symlink():
            raise unsafe(part, "a folder on its way is a symbolic link")


def unsafe(name: str, why: str) -> GateClosed:
    """Build the error for something in the exchange that is not taken."""
    return GateClosed(Finding("FILE_UNSAFE", name, why, "look into how it came there, then remove it"))


def read_regular(path: Path) -> tuple[bytes, os.stat_result] | None:
    """Read a regular file; None when there is none; GateClosed(FILE_UNSAFE) for links, pipes, folders, devices.

    The status is that of the opened file after reading: its size and time belong to the bytes returned, or they differ
    because it grew meanwhile.
    """
    try:
        before = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(before.st_mode):
        raise unsafe(path.name, "is no regular file")
    try:  # between the look and the opening it may have been replaced: never follow, never block
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise unsafe(path.name, "is no regular file")
        content = file.read()
        return content, os.fstat(handle)


def fill(handle: int, content: bytes) -> None:
    """Replace an open file's content and bring it to the disk."""
    os.ftruncate(handle, 0)
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
    os.fsync(handle)


def replace(path: Path, content: bytes) -> None:
    """Write a file anew: a temporary name beside it, flush, rename. Private (0600)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fill(handle, content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    flush_folder(path.parent)


def flush_folder(place: Path) -> None:
    """Bring a folder's entries to the disk, so that a rename outlives a power cut."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
