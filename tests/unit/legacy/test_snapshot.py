"""Stored snapshots: encrypted, private, whole or not there."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from migration.domain.errors import ConfigurationError, CouldNotCheck, TransientError
from migration.domain.tables import SNAPSHOT
from migration.legacy import snapshot as module
from migration.legacy.reading import EntityReader, EntityReading
from migration.legacy.snapshot import SnapshotStore
from migration.legacy.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "欧阳震华"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2017, 11, 18, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path, Vault.open(tmp_path, {}), FixedClock())


def readings(name: str = NAME) -> Iterator[EntityReading]:
    for entity in SNAPSHOT:
        reader = EntityReader(entity, "yuan")
        if entity == "users":
            user: dict[str, Any] = {c: [None] for c in SNAPSHOT["users"].names}
            reader.add({**user, "user_id": ["USER-0000000001"], "name": [name]}, 1)
        yield reader.finish()


def folders(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "snapshots").iterdir())


def test_nothing_readable_lies_on_the_disk(store: SnapshotStore, tmp_path: Path) -> None:
    snapshot = store.write(readings())
    folder = tmp_path / "snapshots" / snapshot.digest
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert NAME.encode() not in path.read_bytes()
        assert b"USER-0000000001" not in path.read_bytes()
    with pytest.raises(OSError, match="ncrypt"):
        pq.read_table(folder / "users.parquet")
    assert json.loads((folder / "snapshot.json").read_text())["digest"] == snapshot.digest
    assert folders(tmp_path) == [snapshot.digest]


@pytest.mark.parametrize("damage", ["flip", "cut", "missing", "swapped", "manifest", "digest"])
def test_any_damage_is_could_not_check(store: SnapshotStore, tmp_path: Path, damage: str) -> None:
    snapshot = store.write(readings())
    folder = tmp_path / "snapshots" / snapshot.digest
    path = folder / "users.parquet"
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:-9])
    elif damage == "missing":
        path.unlink()
    elif damage == "swapped":
        path.write_bytes((folder / "debts.parquet").read_bytes())
    elif damage == "manifest":
        (folder / "snapshot.json").write_text("{}")
    else:
        other = store.write(readings("别人"))
        for found in (tmp_path / "snapshots" / other.digest).iterdir():
            (folder / found.name).write_bytes(found.read_bytes())
    with pytest.raises(CouldNotCheck, match=r"^SNAPSHOT_DAMAGED snapshots/\w+/users: "):
        store.load(snapshot, "users")
    assert store.write(readings()).digest == snapshot.digest  # taken again, it is whole again
    assert store.load(snapshot, "users").num_rows == 1
    assert snapshot.digest in folders(tmp_path)
    assert not [name for name in folders(tmp_path) if name.startswith(".")]


def test_another_data_key_cannot_read_it(store: SnapshotStore, tmp_path: Path) -> None:
    snapshot = store.write(readings())
    other = SnapshotStore(tmp_path, Vault(bytes(32)), FixedClock())
    with pytest.raises(CouldNotCheck, match="SNAPSHOT_DAMAGED"):
        other.load(snapshot, "users")


def test_a_source_that_fails_half_way_leaves_nothing(store: SnapshotStore, tmp_path: Path) -> None:
    def failing() -> Iterator[EntityReading]:
        yield next(readings())
        raise ConfigurationError

    with pytest.raises(ConfigurationError):
        store.write(failing())
    assert folders(tmp_path) == []


@pytest.mark.parametrize("at", range(12))
def test_a_full_disk_at_any_write_leaves_nothing_and_can_be_repeated(
    store: SnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    calls = 0
    real = os.fsync

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(TransientError, match=r"SNAPSHOT_NOT_STORED .*No space left"):
        store.write(readings())
    assert folders(tmp_path) == []
    assert store.load(store.write(readings()), "users").num_rows == 1


def test_what_a_killed_run_left_is_swept_but_not_what_is_being_filled(store: SnapshotStore, tmp_path: Path) -> None:
    left = tmp_path / "snapshots" / ".taking-0000"
    left.mkdir(parents=True)
    (left / "users.parquet").write_bytes(b"half")

    def meanwhile() -> Iterator[EntityReading]:
        for number, reading in enumerate(readings()):
            if number == 1:
                other = SnapshotStore(tmp_path, Vault.open(tmp_path, {}), FixedClock())
                other.write(readings("别人"))
            yield reading

    snapshot = store.write(meanwhile())
    assert not left.exists()
    assert store.load(snapshot, "users")["name"].to_pylist() == [NAME]
    assert len(folders(tmp_path)) == 2
