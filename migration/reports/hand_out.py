"""Files that are handed out: each appears whole or not at all, with mode 0600."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from migration.domain.errors import ConfigurationError
from migration.domain.findings import Finding

_FOLDER: Final = 0o700
_FILE: Final = 0o600


def hand_out(out: Path, fill: Callable[[Path], None], *, private: bool = False) -> tuple[Path, ...]:
    """Have `fill` write files into a folder beside their places, then move them; the places in order of their names.

    What stood there under the same names is replaced file by file. `private`: a folder that is there already becomes 0700,
    too. ConfigurationError(OUT_FOLDER) when the folder cannot be made or written.
    """
    try:
        out.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        if private:
            out.chmod(_FOLDER)
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=out))  # made with mode 0700
    except OSError as fault:
        raise _refused(out, fault) from fault
    try:
        fill(making)
        made = sorted(making.iterdir())
        for place in made:
            place.chmod(_FILE)
            _settle(place)
            place.replace(out / place.name)
    except OSError as fault:
        raise _refused(out, fault) from fault
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return tuple(out / place.name for place in made)


def _refused(out: Path, fault: OSError) -> ConfigurationError:
    reason = fault.strerror or type(fault).__name__
    return ConfigurationError(Finding("OUT_FOLDER", out.name, f"cannot be written: {reason}", "another --out"))


def _settle(place: Path) -> None:
    """Have the bytes on disk before the name is."""
    with place.open("rb") as written:
        os.fsync(written.fileno())
