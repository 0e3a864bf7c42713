"""What lies in the workspace and must not outlive its time: snapshots, the data key, quarantined files, a sandbox's books.

Manifests, reports and evidence hold ids, counts and digests only and stay. So does the journal, which empties itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Final

from migration.legacy.keyring import scrub
from migration.legacy.stored import sync

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FOLDERS: Final = ("snapshots", "quarantine", "sandbox-bank", "sandbox-escrow")
KEYS: Final = ("data.key", "data.key.next", "data.key.old")


class Remains:
    """The personal part of one workspace."""

    def __init__(self, workspace: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._workspace = workspace
        self._environ = environ

    @property
    def elsewhere(self) -> bool:
        """Whether the data key is kept by somebody else, who has to destroy it."""
        return "CUTOVER_DATA_KEY" in self._environ

    def files(self) -> Sequence[Mapping[str, object]]:
        """What would go: name in the workspace, bytes, SHA-256 (of encrypted bytes in `snapshots`)."""
        paths = [path for folder in FOLDERS for path in sorted((self._workspace / folder).rglob("*"))]
        return [self._described(path) for path in paths if path.is_file() and not path.is_symlink()]

    def destroy(self) -> None:
        """The key first: from then on nothing encrypted can be read; then everything. Killed, call it again."""
        for name in KEYS:
            scrub(self._workspace / "keys" / name)
        for folder in FOLDERS:
            place = self._workspace / folder
            if place.is_symlink():
                place.unlink()
            elif place.exists():
                shutil.rmtree(place)
        sync(self._workspace)

    def _described(self, path: Path) -> Mapping[str, object]:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"name": path.relative_to(self._workspace).as_posix(), "bytes": path.stat().st_size, "sha256": digest}
