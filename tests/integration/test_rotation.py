"""The data key is changed: killed by a real SIGKILL anywhere, everything stays readable, and the next call ends it."""

from __future__ import annotations

import json
import secrets
import signal
from pathlib import Path
from typing import Any

import pytest

from migration.clock import SystemClock
from migration.domain.errors import ConfigurationError, CouldNotCheck
from migration.domain.tables import SNAPSHOT
from migration.domain.values import Snapshot
from migration.journal.store import PostgresJournal
from migration.legacy.keyring import NEXT_VARIABLE, Keyring
from migration.legacy.platform import LegacyPlatform
from migration.legacy.vault import VARIABLE, Vault
from migration.stages import rotation
from tests.contract.platforms import fill
from tests.support import rotating
from tests.support.platform import small

OLD, NEW, THIRD = (secrets.token_hex(32) for _ in range(3))
IN_ENVIRONMENT = {VARIABLE: OLD, NEXT_VARIABLE: NEW}
POINTS = ["keys.begun", "fsync@4", "rename@1", "keys.copied", "replace@1", "keys.switched", "rmdir@1"]
"""Named points; in the middle of the first copy, before it appears, at the switch, in the middle of removing."""


class World:
    """A workspace with two snapshots, the later one recorded in a real journal."""

    def __init__(self, root: Path, url: str, environ: dict[str, str], starter: rotating.Starter) -> None:
        self.root, self.url, self.environ, self.starter = root, url, environ, starter
        self.workspace = root / "workspace"
        self.journal = PostgresJournal(url)
        self.journal.begin(rotating.CUTOVER, rotating.KIND)
        self.snapshots: list[Snapshot] = []
        for number, platform in enumerate((small(), small(6))):
            fill(f"sqlite:///{root}/legacy{number}.sqlite", platform)
            self.snapshots.append(self.legacy(environ, number).take())
        self.journal.record_snapshot(self.journal.acquire("runner"), self.snapshots[1])
        self.before = [self.read(snapshot, environ) for snapshot in self.snapshots]

    def legacy(self, environ: dict[str, str], number: int = 0) -> LegacyPlatform:
        vault = Vault.open(self.workspace, environ)
        return LegacyPlatform(
            f"sqlite:///{self.root}/legacy{number}.sqlite", "yuan", {}, self.workspace, vault, SystemClock()
        )

    def read(self, snapshot: Snapshot, environ: dict[str, str]) -> dict[str, Any]:
        legacy = self.legacy(environ)
        return {entity: legacy.load(snapshot, entity) for entity in SNAPSHOT} | {"issues": legacy.issues(snapshot)}

    def reads_all(self, environ: dict[str, str]) -> bool:
        try:
            return [self.read(snapshot, environ) for snapshot in self.snapshots] == self.before
        except CouldNotCheck:
            return False

    def rotate(self, point: str = "", environ: dict[str, str] | None = None) -> int:
        """In a process of its own: its exit code, or minus the signal."""
        told = self.root / "told"
        given = self.environ if environ is None else environ
        ended = self.starter.run(
            workspace=str(self.workspace), url=self.url, point=point, environ=given, told=str(told)
        )
        self.told = told.read_text()
        return ended

    def under(self) -> dict[str, set[str]]:
        """Snapshot digest -> ids of the keys that its folders name."""
        found: dict[str, set[str]] = {}
        for place in (self.workspace / "snapshots").glob("[!.]*"):
            facts = json.loads((place / "snapshot.json").read_text())
            found.setdefault(facts["digest"], set()).add(facts["key_id"])
        return found


@pytest.fixture(scope="module")
def starter() -> Any:
    with rotating.Starter() as one:
        yield one


@pytest.fixture
def world(tmp_path: Path, pg_url: str, starter: rotating.Starter) -> Any:
    made = World(tmp_path, pg_url, {}, starter)
    yield made
    made.journal.close()


@pytest.fixture
def given(tmp_path: Path, pg_url: str, starter: rotating.Starter) -> Any:
    made = World(tmp_path, pg_url, IN_ENVIRONMENT, starter)
    yield made
    made.journal.close()


def ended(world: World, old: Vault, new: Vault) -> None:
    """One key is left, it reads everything, the journal knows, and no key is told anywhere."""
    assert {frozenset(ids) for ids in world.under().values()} == {frozenset({new.key_id})}
    assert set(world.under()) == {snapshot.digest for snapshot in world.snapshots}
    environ = {VARIABLE: new.key.hex()}
    assert world.reads_all(environ)
    with pytest.raises(CouldNotCheck, match="SNAPSHOT_DAMAGED"):
        world.read(world.snapshots[0], {VARIABLE: old.key.hex()})
    events = world.journal.events()
    (done,) = [event for event in events if event.kind == rotation.ROTATED]
    assert (done.payload["from"], done.payload["to"], done.payload["unreadable"]) == (old.key_id, new.key_id, [])
    assert set(done.payload["snapshots"]) == {snapshot.digest for snapshot in world.snapshots}
    assert world.journal.verify() == ()
    for text in (*map(repr, events), world.told):
        assert old.key.hex() not in text
        assert new.key.hex() not in text
    rotation.require_current(events, new.key_id)
    with pytest.raises(ConfigurationError, match=f"DATA_KEY_NOT_CURRENT data key {old.key_id}"):
        rotation.require_current(events, old.key_id)
    kept = sorted(path.name for path in (world.workspace / "keys").iterdir())
    assert [name for name in kept if name.startswith(("data.key.", "."))] == []
    drafts = [place.name for place in (world.workspace / "snapshots").iterdir() if place.name.startswith(".")]
    assert drafts == []


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_everything_is_readable_and_the_next_call_ends_it(world: World, point: str) -> None:
    old = Vault.open(world.workspace, {})
    assert world.rotate(point) == -signal.SIGKILL, world.told
    assert world.reads_all({}), "whoever opens the workspace now reads everything"
    assert world.rotate() == 0, world.told
    ended(world, old, Vault.open(world.workspace, {}))


@pytest.mark.parametrize("point", ["fsync@17", "rmdir@1", "keys.swept"])
def test_the_same_when_the_keys_come_from_the_environment(given: World, point: str) -> None:
    old, new = Vault(bytes.fromhex(OLD)), Vault(bytes.fromhex(NEW))
    assert given.rotate(point) == -signal.SIGKILL, given.told
    assert given.reads_all({VARIABLE: OLD}) or given.reads_all({VARIABLE: NEW})
    assert given.rotate() == 0, given.told
    ended(given, old, new)
    assert not (given.workspace / "keys" / "data.key").exists()


def test_the_new_key_alone_ends_it_only_once_everything_lies_under_it(given: World) -> None:
    assert given.rotate("fsync@4") == -signal.SIGKILL
    both_new = {VARIABLE: NEW, NEXT_VARIABLE: NEW}
    assert given.rotate(environ=both_new) != 0
    assert "SNAPSHOT_DAMAGED" in given.told
    assert given.reads_all({VARIABLE: OLD}), "nothing was removed"
    assert given.rotate("keys.copied") == -signal.SIGKILL
    assert given.rotate(environ=both_new) == 0, given.told
    ended(given, Vault(bytes.fromhex(OLD)), Vault(bytes.fromhex(NEW)))


def test_a_key_moves_from_the_workspace_to_whoever_keeps_it(world: World) -> None:
    old = Vault.open(world.workspace, {})
    assert world.rotate(environ={NEXT_VARIABLE: NEW}) == 0, world.told
    ended(world, old, Vault(bytes.fromhex(NEW)))
    assert not (world.workspace / "keys" / "data.key").exists()


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({VARIABLE: OLD}, "DATA_KEY_NEW_MISSING"),
        ({VARIABLE: OLD, NEXT_VARIABLE: OLD}, "DATA_KEY_SAME"),
        ({VARIABLE: OLD, NEXT_VARIABLE: "00"}, "DATA_KEY_INVALID"),
        ({VARIABLE: THIRD, NEXT_VARIABLE: NEW}, "SNAPSHOT_DAMAGED"),
    ],
)
def test_what_cannot_be_done_changes_nothing(given: World, environ: dict[str, str], code: str) -> None:
    assert given.rotate(environ=environ) != 0
    assert code in given.told
    assert given.reads_all({VARIABLE: OLD})


def test_an_old_key_does_not_come_back(given: World) -> None:
    assert given.rotate() == 0
    assert given.rotate(environ={VARIABLE: NEW, NEXT_VARIABLE: OLD}) != 0
    assert "DATA_KEY_RETIRED" in given.told
    assert given.rotate(environ={VARIABLE: OLD, NEXT_VARIABLE: THIRD}) != 0
    assert "DATA_KEY_NOT_CURRENT" in given.told
    assert given.rotate(environ={VARIABLE: NEW, NEXT_VARIABLE: THIRD}) == 0, given.told
    assert given.reads_all({VARIABLE: THIRD})


def test_a_run_under_way_writes_nothing_more(world: World) -> None:
    fence = world.journal.acquire("runner")
    assert world.rotate() == 0
    with pytest.raises(Exception, match="FENCE_LOST"):
        world.journal.record_stage(fence, "preflight", 1, "running", {}, ())


def test_the_same_snapshot_taken_again_stands_once(world: World) -> None:
    keys = Keyring(world.workspace, SystemClock(), {})
    rotation.rotate(world.journal, keys, "operator", lambda _: None)
    assert world.legacy({}, 1).take().digest == world.snapshots[1].digest
    assert all(len(ids) == 1 for ids in world.under().values())
    assert len(list((world.workspace / "snapshots").iterdir())) == 2
