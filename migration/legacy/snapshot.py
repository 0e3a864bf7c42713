"""Stored snapshots: `<workspace>/snapshots/<digest>/ENTITY.parquet`, encrypted, in folders of mode 0700.

A snapshot is written into a folder of its own beside and renamed when it is whole, so that nothing half-done is ever
found under a digest. Each file has a key of its own, derived from the data key and the folder's salt.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from migration.domain.errors import TransientError
from migration.domain.ports import Clock
from migration.domain.tables import ISSUES, SNAPSHOT
from migration.domain.values import Snapshot
from migration.legacy import digests, stored
from migration.legacy.entities import COLUMNS
from migration.legacy.reading import EntityReading, all_issues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from migration.legacy.vault import Vault

ROW_GROUP: Final = 131_072
"""Rows of a row group at most."""
AHEAD: Final = 1
"""Pieces that wait for the writing, or the digest, at most."""
_TAKING: Final = ".taking-"


@contextmanager
def not_stored() -> Iterator[None]:
    """Turn what the disk says on writing into TransientError(SNAPSHOT_NOT_STORED)."""
    try:
        yield
    except OSError as error:
        raise TransientError.of(
            "SNAPSHOT_NOT_STORED",
            "snapshots",
            f"the workspace could not be written ({error.strerror or type(error).__name__})",
            "make room or mend the folder's rights, then run again",
        ) from error


def make_folder(folder: Path) -> None:
    """Make it, for its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)


class SnapshotStore:
    """Writes and reads snapshots under a workspace."""

    def __init__(self, workspace: Path, vault: Vault, clock: Clock) -> None:
        self._folder = stored.folder_of(workspace)
        self._vault = vault
        self._clock = clock

    def write(self, readings: Iterable[EntityReading]) -> Snapshot:
        """Store every entity as it is read, then the issues; only then does the snapshot appear.

        TransientError(SNAPSHOT_NOT_STORED) when the disk refuses; whatever was written is removed.
        """
        make_folder(self._folder)
        self.tidy()
        with not_stored(), self._draft() as draft:
            return self._fill(draft, readings)

    def load(self, snapshot: Snapshot, entity: str) -> pa.Table:
        """One entity, its digest verified; CouldNotCheck(SNAPSHOT_DAMAGED) otherwise."""
        place = stored.place_of(self._folder, snapshot.digest, self._vault.key_id)
        return stored.load(place, self._vault, snapshot.entity_digests, entity)

    def copy(self, source: Path, before: Vault) -> bool:
        """Write a stored snapshot once more, under this store's key, beside the other; True when it is there and verifies.

        False when the source, under the key `before`, is not what its name says. TransientError(SNAPSHOT_NOT_STORED).
        """
        final = self._folder / f"{source.name.partition('.')[0]}.{self._vault.key_id}"
        if stored.whole(final, self._vault):
            return True
        if not stored.whole(source, before):
            return False
        snapshot, facts = stored.described(source)
        with not_stored(), self._draft() as draft:
            salt = secrets.token_hex(16)
            for entity in snapshot.entity_digests:
                pieces = stored.pieces(source, before, facts["salt"], entity)
                _write(draft, self._vault, salt, entity, stored.schema(entity), pieces)
            _describe(draft, snapshot, salt, self._vault.key_id)
            self._publish_at(final, draft, snapshot)
        return stored.whole(final, self._vault)

    def _fill(self, draft: Path, readings: Iterable[EntityReading]) -> Snapshot:
        salt = secrets.token_hex(16)
        found: dict[str, str] = {}
        counts: dict[str, int] = {}
        issues: list[pa.Table] = []
        for reading in readings:
            write = partial(_write, draft, self._vault, salt, reading.entity, SNAPSHOT[reading.entity])
            found[reading.entity], counts[reading.entity] = reading.given_to(write)
            issues.append(reading.issues)
        joined = all_issues(issues)
        found[stored.ISSUES_NAME], _ = _write(draft, self._vault, salt, stored.ISSUES_NAME, ISSUES, iter([joined]))
        snapshot = Snapshot(digests.overall_digest(found), found, counts, joined.num_rows, self._clock.now())
        _describe(draft, snapshot, salt, self._vault.key_id)
        self._publish(draft, snapshot)
        return snapshot

    def _publish(self, draft: Path, snapshot: Snapshot) -> None:
        self._publish_at(stored.place_of(self._folder, snapshot.digest, self._vault.key_id), draft, snapshot)

    def _publish_at(self, final: Path, draft: Path, snapshot: Snapshot) -> None:
        """Rename the whole folder. The same content may stand there already: kept when it verifies, else replaced."""
        damaged = self._folder / f"{_TAKING}damaged-{secrets.token_hex(8)}"
        if final.exists():
            if stored.verifies(final, self._vault, snapshot):
                return
            final.rename(damaged)
        draft.rename(final)
        stored.sync(self._folder)
        shutil.rmtree(damaged, ignore_errors=True)

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """Yield a folder to fill, locked while it is filled; gone afterwards unless it was renamed."""
        draft = self._folder / f"{_TAKING}{secrets.token_hex(8)}"
        draft.mkdir(mode=0o700)
        handle = os.open(draft, os.O_RDONLY)
        try:
            flock(handle, LOCK_EX)
            yield draft
        finally:
            os.close(handle)
            shutil.rmtree(draft, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what killed runs left behind; a folder that is being filled is locked and stays."""
        for leftover in self._folder.glob(f"{_TAKING}*"):
            try:
                handle = os.open(leftover, os.O_RDONLY)
            except OSError:
                continue
            try:
                flock(handle, LOCK_EX | LOCK_NB)
                shutil.rmtree(leftover, ignore_errors=True)
            except BlockingIOError:
                continue
            finally:
                os.close(handle)


def _write(
    folder: Path, vault: Vault, salt: str, entity: str, schema: pa.Schema, pieces: Iterator[pa.Table]
) -> tuple[str, int]:
    """Store the pieces as they come; returns their digest (made beside the writing) and the number of rows.

    What an earlier attempt left under the name is overwritten.
    """
    properties = stored.encryption.create_encryption_properties(vault.derive(stored.purpose(salt, entity)))
    path = folder / f"{entity}.parquet"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    digester = digests.Digester(entity, schema.names)
    with os.fdopen(handle, "wb") as file:
        writer = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            use_dictionary=_dictionaries(entity),
            write_statistics=False,  # a snapshot is only ever read as a whole
            encryption_properties=properties,
        )
        with writer:
            rows = _beside(pieces, (digester.add, partial(writer.write_table, row_group_size=ROW_GROUP)))
        file.flush()
        os.fsync(file.fileno())
    return digester.hex(), rows


def _beside(pieces: Iterator[pa.Table], takers: Sequence[Callable[[pa.Table], None]]) -> int:
    """Give each piece to every taker, each in a thread of its own, while the next is read; returns the number of rows."""
    rows = 0
    given: deque[Future[None]] = deque()
    with ExitStack() as stack:
        threads = [(stack.enter_context(ThreadPoolExecutor(1)), taker) for taker in takers]
        for piece in pieces:
            rows += piece.num_rows
            while len(given) >= AHEAD * len(takers):
                given.popleft().result()
            given += [thread.submit(taker, piece) for thread, taker in threads]
        for future in given:
            future.result()
    return rows


def _dictionaries(entity: str) -> list[str]:
    """The few columns whose values repeat: for all others a dictionary costs time and saves nothing beside zstd."""
    return [column.name for column in COLUMNS.get(entity, ()) if column.role == "choice"]


def _describe(folder: Path, snapshot: Snapshot, salt: str, key_id: str) -> None:
    facts = {
        "digest": snapshot.digest,
        "entity_digests": dict(snapshot.entity_digests),
        "counts": dict(snapshot.counts),
        "issues": snapshot.issues,
        "taken_at": snapshot.taken_at.isoformat(),
        "salt": salt,
        "key_id": key_id,
    }
    path = folder / stored.MANIFEST
    path.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    path.chmod(0o600)
    stored.sync(path)
    stored.sync(folder)
