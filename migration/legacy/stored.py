"""Stored snapshots as they lie in the workspace: where, under which key, and how they are read and verified."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as parquet_encryption

from migration.domain.errors import CouldNotCheck
from migration.domain.tables import ISSUES, SNAPSHOT
from migration.domain.values import Snapshot
from migration.legacy import digests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from migration.legacy.vault import Vault

ISSUES_NAME: Final = "issues"
MANIFEST: Final = "snapshot.json"
UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, pa.ArrowException)
"""What reading a damaged snapshot, or one under another key, raises."""
encryption: Any = parquet_encryption


def folder_of(workspace: Path) -> Path:
    """Where snapshots lie, and whatever is put aside while one is read."""
    return workspace / "snapshots"


def place_of(folder: Path, digest: str, key_id: str) -> Path:
    """Where a snapshot lies under a data key: under its digest, or, after the key was changed, `<digest>.<key id>`."""
    own = folder / f"{digest}.{key_id}"
    return own if own.exists() else folder / digest


def described(place: Path) -> tuple[Snapshot, dict[str, Any]]:
    """What a stored snapshot says of itself; one of `UNREADABLE` when it does not."""
    facts = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    taken_at = datetime.fromisoformat(facts["taken_at"])
    return Snapshot(facts["digest"], facts["entity_digests"], facts["counts"], facts["issues"], taken_at), facts


def purpose(salt: str, entity: str) -> str:
    """What a file's own key is derived for."""
    return f"snapshot/{salt}/{entity}"


def load(folder: Path, vault: Vault, entity_digests: Any, entity: str) -> pa.Table:
    """A whole entity, its digest verified; CouldNotCheck(SNAPSHOT_DAMAGED)."""
    return pa.concat_tables(look(folder, vault, entity_digests, entity, keep=True)).combine_chunks()


def schema(entity: str) -> pa.Schema:
    """The columns of a stored entity."""
    return ISSUES if entity == ISSUES_NAME else SNAPSHOT[entity]


def pieces(folder: Path, vault: Vault, salt: str, entity: str) -> Iterator[pa.Table]:
    """Read a stored entity piece by piece; one of `UNREADABLE` when it is damaged or under another key."""
    properties = encryption.create_decryption_properties(vault.derive(purpose(salt, entity)))
    file = pq.ParquetFile(
        folder / f"{entity}.parquet", decryption_properties=properties, memory_map=False, pre_buffer=False
    )
    with file:
        for batch in file.iter_batches(digests.CHUNK):
            yield pa.Table.from_batches([batch]).cast(schema(entity))


def look(folder: Path, vault: Vault, entity_digests: Any, entity: str, *, keep: bool) -> list[pa.Table]:
    """Read a stored entity piece by piece and verify its digest; the pieces when they are to be kept."""
    columns = schema(entity)
    digester = digests.Digester(entity, columns.names)
    kept = [columns.empty_table()]
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for piece in pieces(folder, vault, facts["salt"], entity):
            digester.add(piece)
            if keep:
                kept.append(piece)
        sound = digester.hex() == entity_digests[entity]
        why = "its content does not match its digest"
    except UNREADABLE as error:
        sound, why = False, f"it could not be read ({type(error).__name__}; missing, changed or under another data key)"
    if not sound:
        raise CouldNotCheck.of(
            "SNAPSHOT_DAMAGED",
            f"snapshots/{folder.name}/{entity}",
            why,
            "restore the folder and the data key from the backup",
        )
    return kept


def verifies(folder: Path, vault: Vault, snapshot: Snapshot) -> bool:
    """Whether all of it can be read under the key and is what its digests say."""
    try:
        for entity in snapshot.entity_digests:
            look(folder, vault, snapshot.entity_digests, entity, keep=False)
    except CouldNotCheck:
        return False
    return True


def whole(place: Path, vault: Vault) -> bool:
    """Whether a folder holds, under this key, the snapshot that its name says."""
    try:
        snapshot, _ = described(place)
    except UNREADABLE:
        return False
    named = place.name.partition(".")[0] == snapshot.digest == digests.overall_digest(snapshot.entity_digests)
    return named and verifies(place, vault, snapshot)


def sync(path: Path) -> None:
    """Bring a file, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
