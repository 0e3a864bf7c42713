"""Changing the data key: every stored snapshot once more under the new key, then the switch, then the old copies go.

Beside each `<workspace>/snapshots/<digest>` a copy `<digest>.<key id>` appears, whole or not at all; until the switch
either key reads everything. The new key comes from CUTOVER_DATA_KEY_NEW, else it is made in `<workspace>/keys/data.key.next`
and takes the place of `data.key` by one rename. A copy is removed only when another of the same content verifies under
the new key.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from typing import TYPE_CHECKING, Final

from migration.domain.errors import ConfigurationError
from migration.legacy import stored, vault
from migration.legacy.snapshot import SnapshotStore
from migration.legacy.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from migration.domain.ports import Clock

NEXT_VARIABLE: Final = "CUTOVER_DATA_KEY_NEW"
"""Where the new key is given while it is changed, when the present one comes from the environment."""
_LOCK: Final = "rotation.lock"


class Keyring:
    """The data key in use, the one that comes after it, and what lies in the workspace under each."""

    def __init__(self, workspace: Path, clock: Clock, environ: Mapping[str, str] = os.environ) -> None:
        self._workspace = workspace
        self._folder = stored.folder_of(workspace)
        self._keys = workspace / "keys"
        self._clock = clock
        self._environ = environ
        self._after: Vault | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one process of this machine changes the key at a time; another waits for it."""
        self._keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._keys / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            flock(handle, LOCK_EX)
            yield
        finally:
            os.close(handle)

    @property
    def present(self) -> str:
        """The id of the key in use."""
        return self._before.key_id

    @property
    def outside(self) -> bool:
        """Whether the key that comes is kept by somebody else, not in the workspace."""
        return NEXT_VARIABLE in self._environ or vault.VARIABLE in self._environ

    def coming(self) -> str:
        """The id of the key that comes: from the environment, else made beside the present one and kept.

        ConfigurationError: DATA_KEY_NEW_MISSING when the present key comes from the environment and no new one does,
        DATA_KEY_INVALID when it is no key, DATA_KEY_SAME when it is the present one.
        """
        given = self._environ.get(NEXT_VARIABLE)
        if given is not None:
            self._after = Vault(vault.parsed(given, NEXT_VARIABLE))
        elif vault.VARIABLE in self._environ:
            detail = f"the data key comes from {vault.VARIABLE}, and no new one is given"
            raise ConfigurationError.of(
                "DATA_KEY_NEW_MISSING", NEXT_VARIABLE, detail, "give the new key there, as 64 hex digits"
            )
        else:
            self._after = Vault(vault.kept(self._keys / "data.key.next"))
        if self._after.key_id == self.present:
            mend = "give another one"
            raise ConfigurationError.of("DATA_KEY_SAME", NEXT_VARIABLE, "is the data key in use already", mend)
        return self._after.key_id

    def copy(self) -> Mapping[str, Mapping[str, str]]:
        """Write every snapshot that the present key reads under the coming one, too.

        Returns snapshot digest -> file -> SHA-256 of its encrypted bytes. TransientError(SNAPSHOT_NOT_STORED).
        """
        before, after = self._before, self._after or self._before
        store = SnapshotStore(self._workspace, after, self._clock)
        found = {}
        for digest in self._digests():
            if store.copy(stored.place_of(self._folder, digest, before.key_id), before):
                found[digest] = _digests_of(stored.place_of(self._folder, digest, after.key_id))
        return found

    def switch(self) -> None:
        """Let the coming key take the place of the present one; where it comes from the environment, its keeper does that."""
        kept, following, old = (self._keys / name for name in ("data.key", "data.key.next", "data.key.old"))
        scrub(old)
        if vault.VARIABLE in self._environ:
            return
        if self._environ.get(NEXT_VARIABLE) is not None:
            scrub(kept)
            return
        os.link(kept, old)
        following.replace(kept)
        stored.sync(self._keys)
        scrub(old)

    def sweep(self) -> tuple[str, ...]:
        """Remove what lies under any other key than the coming one, where a copy under that verifies.

        Returns the digests of snapshots of which there is none: nothing of theirs is touched.
        """
        scrub(self._keys / "data.key.old")
        after = self._after or self._before
        SnapshotStore(self._workspace, after, self._clock).tidy()
        left = []
        for digest in self._digests():
            own = stored.place_of(self._folder, digest, after.key_id)
            if not stored.whole(own, after):
                left.append(digest)
                continue
            for place in self._folder.glob(f"{digest}*"):
                if place != own:
                    shutil.rmtree(place)
        return tuple(left)

    @property
    def _before(self) -> Vault:
        return Vault.open(self._workspace, self._environ)

    def _digests(self) -> list[str]:
        places = self._folder.glob("*") if self._folder.exists() else ()
        return sorted({place.name.partition(".")[0] for place in places if not place.name.startswith(".")})


def _digests_of(place: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(place.glob("*.parquet"))}


def scrub(path: Path) -> None:
    """Overwrite a key file before it goes. What a file system keeps of it elsewhere is out of reach."""
    if not path.exists():
        return
    if path.stat().st_nlink > 1:  # killed between the link and the rename: it is still the key in use
        path.unlink()
        return
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
