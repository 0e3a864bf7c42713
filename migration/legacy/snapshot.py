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
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as parquet_encryption

from migration.domain.errors import CouldNotCheck, TransientError
from migration.domain.ports import Clock, Snapshot
from migration.domain.tables import ISSUES, SNAPSHOT
from migration.legacy import digests
from migration.legacy.entities import COLUMNS
from migration.legacy.reading import EntityReading, all_issues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from migration.legacy.vault import Vault

ISSUES_NAME: Final = "issues"
MANIFEST: Final = "snapshot.json"
ROW_GROUP: Final = 131_072
"""Rows of a row group at most."""
AHEAD: Final = 1
"""Pieces that wait for the writing, or the digest, at most."""
_TAKING: Final = ".taking-"
_encryption: Any = parquet_encryption


def folder_of(workspace: Path) -> Path:
    """Where snapshots lie, and whatever is put aside while one is read."""
    return workspace / "snapshots"


def make_folder(folder: Path) -> None:
    """Make it, for its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)


class SnapshotStore:
    """Writes and reads snapshots under a workspace."""

    def __init__(self, workspace: Path, vault: Vault, clock: Clock) -> None:
        self._folder = folder_of(workspace)
        self._vault = vault
        self._clock = clock

    def write(self, readings: Iterable[EntityReading]) -> Snapshot:
        """Store every entity as it is read, then the issues; only then does the snapshot appear.

        TransientError(SNAPSHOT_NOT_STORED) when the disk refuses; whatever was written is removed.
        """
        make_folder(self._folder)
        self._sweep()
        try:
            with self._draft() as draft:
                return self._fill(draft, readings)
        except OSError as error:
            raise TransientError.of(
                "SNAPSHOT_NOT_STORED",
                "snapshots",
                f"the workspace could not be written ({error.strerror or type(error).__name__})",
                "make room or mend the folder's rights, then run again",
            ) from error

    def load(self, snapshot: Snapshot, entity: str) -> pa.Table:
        """One entity, its digest verified; CouldNotCheck(SNAPSHOT_DAMAGED) otherwise."""
        return _load(self._folder / snapshot.digest, self._vault, snapshot.entity_digests, entity)

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
        found[ISSUES_NAME], _ = _write(draft, self._vault, salt, ISSUES_NAME, ISSUES, iter([joined]))
        snapshot = Snapshot(digests.overall_digest(found), found, counts, joined.num_rows, self._clock.now())
        _describe(draft, snapshot, salt, self._vault.key_id)
        self._publish(draft, snapshot)
        return snapshot

    def _publish(self, draft: Path, snapshot: Snapshot) -> None:
        """Rename the whole folder. The same content may stand there already: kept when it verifies, else replaced."""
        final = self._folder / snapshot.digest
        damaged = self._folder / f"{_TAKING}damaged-{secrets.token_hex(8)}"
        if final.exists():
            if _verifies(final, self._vault, snapshot):
                return
            final.rename(damaged)
        draft.rename(final)
        _sync(self._folder)
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

    def _sweep(self) -> None:
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


def _purpose(salt: str, entity: str) -> str:
    return f"snapshot/{salt}/{entity}"


def _write(
    folder: Path, vault: Vault, salt: str, entity: str, schema: pa.Schema, pieces: Iterator[pa.Table]
) -> tuple[str, int]:
    """Store the pieces as they come; returns their digest (made beside the writing) and the number of rows.

    What an earlier attempt left under the name is overwritten.
    """
    properties = _encryption.create_encryption_properties(vault.derive(_purpose(salt, entity)))
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
    path = folder / MANIFEST
    path.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    path.chmod(0o600)
    _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _load(folder: Path, vault: Vault, entity_digests: Any, entity: str) -> pa.Table:
    return pa.concat_tables(_look(folder, vault, entity_digests, entity, keep=True)).combine_chunks()


def _look(folder: Path, vault: Vault, entity_digests: Any, entity: str, *, keep: bool) -> list[pa.Table]:
    """Read a stored entity piece by piece and verify its digest; the pieces when they are to be kept."""
    schema = ISSUES if entity == ISSUES_NAME else SNAPSHOT[entity]
    digester = digests.Digester(entity, schema.names)
    kept = [schema.empty_table()]
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        properties = _encryption.create_decryption_properties(vault.derive(_purpose(facts["salt"], entity)))
        file = pq.ParquetFile(
            folder / f"{entity}.parquet", decryption_properties=properties, memory_map=False, pre_buffer=False
        )
        with file:
            for batch in file.iter_batches(digests.CHUNK):
                piece = pa.Table.from_batches([batch]).cast(schema)
                digester.add(piece)
                if keep:
                    kept.append(piece)
        sound = digester.hex() == entity_digests[entity]
        why = "its content does not match its digest"
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        sound, why = False, f"it could not be read ({type(error).__name__}; missing, changed or under another data key)"
    if not sound:
        raise CouldNotCheck.of(
            "SNAPSHOT_DAMAGED",
            f"snapshots/{folder.name}/{entity}",
            why,
            "restore the folder and the data key from the backup",
        )
    return kept


def _verifies(folder: Path, vault: Vault, snapshot: Snapshot) -> bool:
    try:
        for entity in snapshot.entity_digests:
            _look(folder, vault, snapshot.entity_digests, entity, keep=False)
    except CouldNotCheck:
        return False
    return True
