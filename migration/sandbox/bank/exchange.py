"""Where the files lie: `out/YYYY/MM/DD/` requests, `in/YYYY/MM/DD/` results (contract.md section 6)."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from migration.sandbox.bank.tables import Layout, Row

_PARTS: Final = (re.compile(r"[0-9]{4}"), re.compile(r"[0-9]{2}"), re.compile(r"[0-9]{2}"))
_CONTROLS: Final = bytes(range(32))


class RequestRefused(Exception):
    """A request the bank refuses as a whole. Says record numbers and codes only."""


@dataclass(frozen=True, slots=True)
class Found:
    """A request found: `folder` is its day as the folders say it, `stamp` changes when the file does."""

    path: Path
    name: str
    folder: str
    stamp: tuple[int, int, int]
    regular: bool


def scan(directory: Path) -> list[Found]:
    """All complete requests (dot-names are still being written), sorted by day and name."""
    days = [directory / "out"]
    for pattern in _PARTS:
        days = [child for day in days for child in _children(day) if pattern.fullmatch(child.name) and child.is_dir()]
    found = [_found(path, day) for day in days for path in _children(day) if not path.name.startswith(".")]
    return sorted((one for one in found if one), key=lambda one: (one.folder, one.name))


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _found(path: Path, day: Path) -> Found | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
    return Found(path, path.name, "/".join(day.parts[-3:]), stamp, stat.S_ISREG(status.st_mode))


def rows_of(layout: Layout, content: bytes, limit: int | None) -> tuple[list[Row], bytes]:
    """Return a request's rows and its line ending. RequestRefused unless every byte is where it belongs."""
    eol = b"\r\n" if content.endswith(b"\r\n") else b"\n"
    step = layout.length + len(eol)
    count, rest = divmod(len(content), step)
    if not count or rest or not content.endswith(eol):
        raise RequestRefused(f"{len(content)} bytes are no whole number of {layout.name} records")
    if limit is not None and count > limit:
        raise RequestRefused(f"{count} records, {limit} are allowed")
    for at in range(layout.length, len(content), step):
        if content[at : at + len(eol)] != eol:
            raise RequestRefused(f"record {at // step + 1} does not end with the line ending")
    if len(content) - len(content.translate(None, _CONTROLS)) != count * len(eol):
        raise RequestRefused("control characters inside a record")
    return list(layout.rows(content, eol)), eol


def write(path: Path, content: bytes) -> None:
    """Write a result under a temporary name and rename it: complete when its name appears."""
    _make_folders(path.parent)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write_slowly(path: Path, content: bytes, pieces: int, pause: Callable[[], object]) -> None:
    """Write under the final name in pieces, as a careless server does: readers may see a part of it."""
    _make_folders(path.parent)
    size = -(-len(content) // max(pieces, 1)) or 1
    with path.open("wb", buffering=0) as file:
        for at in range(0, len(content), size):
            if at:
                pause()
            file.write(content[at : at + size])


def _make_folders(folder: Path) -> None:
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
