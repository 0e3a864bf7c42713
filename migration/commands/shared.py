"""What the commands share: the configuration's place, the actor, tables on the terminal."""

from __future__ import annotations

import getpass
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from migration import wiring
from migration.domain.errors import ConfigurationError
from migration.settings import Settings

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


class Place:
    """Where the configuration is; set by --config before or after the command's name."""

    config: Path | None = None


def actor() -> str:
    """Who is asking: CUTOVER_ACTOR, else the user of the operating system."""
    return os.environ.get("CUTOVER_ACTOR") or getpass.getuser()


def settings() -> Settings:
    """The configuration of this call."""
    return wiring.settings(Place.config)


@contextmanager
def desk(**options: Any) -> Iterator[wiring.Desk]:
    """The ports of this cutover, closed at the end."""
    opened = wiring.desk(settings(), actor=actor(), **options)
    try:
        yield opened
    finally:
        opened.close()


def whole(stream: TextIO) -> TextIO:
    """The stream with a buffer under it: an unbuffered one (`python -u`) loses the rest of a text whose write is cut short."""
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        return stream
    return io.TextIOWrapper(io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=True)


_last = [""]


def tell(line: str) -> None:
    """Say what is being done; the same line twice in a row is said once."""
    if line != _last[0]:
        ERR.print(f"[dim]·[/dim] {line}")
    _last[0] = line


def emit(value: object) -> None:
    """Machine-readable output: JSON on standard output and nothing else."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))  # noqa: T201 - the command's output


def yuan(fen: int) -> str:
    """Fen as yuan for people: 1234567 -> 12,345.67."""
    sign, whole = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{whole // 100:,}.{whole % 100:02d}"


def require_name(name: str) -> str:
    """A decision needs a name."""
    if not name.strip():
        raise ConfigurationError.of("NAME_EMPTY", "--as", "a decision needs the name of who takes it", "--as NAME")
    return name.strip()
