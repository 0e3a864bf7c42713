"""Destruction: not before its time, not without persons, recorded first; afterwards nothing personal is found, and all verifies."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.clock import SystemClock
from migration.domain.errors import GateClosed, Waiting
from migration.journal import verify_journal
from migration.journal.keys import public_keys
from migration.journal.notary import Notary
from migration.journal.store import PostgresJournal
from migration.legacy.platform import LegacyPlatform
from migration.legacy.remains import Remains
from migration.legacy.vault import Vault
from migration.stages import destruction
from tests.contract.platforms import fill
from tests.support import canaries
from tests.support.rehearsal import Rehearsal

RECORD = {"digest": "d" * 64, "keep_until": "2023-10-01", "files": []}


class Killed(BaseException):
    """The process is gone."""


class World:
    """A finished rehearsal of the canaries' platform, with a quarantined file and a correction."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url, self.workspace = root, url, root / "workspace"
        source = f"sqlite:///{root}/legacy.sqlite"
        fill(source, canaries.platform())
        self.vault = Vault.open(self.workspace, {})
        legacy = LegacyPlatform(source, "yuan", {}, self.workspace, self.vault, SystemClock())
        spoilt = [{"match": "APPZX0110RES-000001", "how": "echo", "record": 2, "times": 1}]
        self.journal = PostgresJournal(url)
        faults = {"refuse_users": {"U3": "106"}, "corrupt": spoilt}
        self.case = Rehearsal(root, legacy, journal=self.journal, faults=faults)
        assert self.case.run() == 3
        assert self.case.run() == 4
        self.case.correct(f"U3,phone,{canaries.phones()[2]},13655550003,changed,operations")
        self.case.faults({})
        assert self.case.run() == 0, self.case.reasons
        self.notary = Notary(self.journal, self.workspace)
        self.remains = Remains(self.workspace, {})

    def destroy(self, **terms: Any) -> Any:
        house = self.case.house
        house.terms = replace(house.terms, **terms)
        house.seal = self.notary.seal
        return destruction.destroy(house, self.journal, self.remains, self.vault.key_id, "keeper", "its time is over")

    def approve(self, *names: str) -> None:
        (gate,) = [g for g in self.journal.gates() if (g.gate, g.state) == (destruction.GATE, "pending")]
        for name in names:
            self.journal.decide(gate.gate, gate.digest, name, "approve", "seen", rehearsal=False)

    def hand(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True)

    def watch(self) -> canaries.Watch:
        """Everything in the workspace and in the journal's tables."""
        found = canaries.Watch([*canaries.values(), "13655550003"])
        found.folder("workspace", self.workspace)
        with self.hand() as connection:
            for (table,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'journal'"
            ).fetchall():
                for row in connection.execute(f"SELECT t.* FROM journal.{table} t").fetchall():
                    found.look_all(table, (bytes(c) if isinstance(c, memoryview | bytes) else str(c) for c in row))
        return found

    def verified(self) -> None:
        """The journal holds, for us and for an auditor."""
        assert self.notary.verify() == ()
        out = self.root / "bundle"
        shutil.rmtree(out, ignore_errors=True)
        assert self.notary.export(out)
        keys = public_keys(self.workspace / "evidence")
        assert verify_journal.Verification(verify_journal.bundle(out), keys).run() == []


@pytest.fixture(scope="module")
def finished(tmp_path_factory, embedded, template):
    """Made once; each test has a copy of its folder and of its database."""
    root = tmp_path_factory.mktemp("destruction")
    world = World(root, embedded.clone(template, "destruction"))
    world.journal.close()
    yield world
    embedded.drop("destruction")


@pytest.fixture
def world(finished, embedded, request):
    kept = finished.workspace.with_name("kept")
    if not kept.exists():
        shutil.copytree(finished.workspace, kept)
    shutil.rmtree(finished.workspace, ignore_errors=True)
    shutil.copytree(kept, finished.workspace)
    name = f"destruction_{abs(hash(request.node.name))}"
    finished.url = embedded.clone("destruction", name)
    finished.journal = finished.case.journal = PostgresJournal(finished.url)
    finished.journal.begin(finished.case.terms.cutover_id, finished.case.terms.kind)
    finished.case.house = finished.case._house(())
    finished.notary = Notary(finished.journal, finished.workspace)
    yield finished
    finished.journal.close()
    embedded.drop(name)


def test_not_before_the_last_day_is_over(world):
    with pytest.raises(
        GateClosed, match="RETENTION_RUNNING cutover: its records are kept up to and including 2023-10-01"
    ):
        world.destroy(kind="production")
    assert [gate for gate in world.journal.gates() if gate.gate == destruction.GATE] == []
    assert (world.workspace / "keys" / "data.key").exists()


@pytest.mark.parametrize(("day", "refused"), [("2023-10-01", True), ("2023-10-02", False)])
def test_the_last_day_itself_is_kept(world, monkeypatch, day, refused):
    house = world.case.house
    house.terms = replace(house.terms, kind="production")
    monkeypatch.setattr(world.case.clock, "now", lambda: datetime.fromisoformat(f"{day}T23:59:59").replace(tzinfo=UTC))
    if refused:
        with pytest.raises(GateClosed, match="RETENTION_RUNNING"):
            destruction.require_due(house)
    else:
        assert destruction.require_due(house).keep_until == date(2023, 10, 1)


def test_two_persons_and_not_the_one_who_asks(world):
    with pytest.raises(Waiting, match="APPROVAL_MISSING destroy: 0 of 2"):
        world.destroy()
    world.approve("first")
    with pytest.raises(Waiting, match="1 of 2"):
        world.destroy()
    assert world.watch().seen["batch_content"], "everything is there"
    with pytest.raises(Exception, match="OWN_REQUEST"):
        world.approve("runner")


def asked(world) -> None:
    with pytest.raises(Waiting):
        world.destroy()
    world.approve("first", "second")


def test_what_lies_there_changes_and_the_approval_no_longer_fits(world):
    asked(world)
    (world.workspace / "quarantine" / "another").write_bytes(b"x")
    with pytest.raises(Waiting, match="0 of 2"):
        world.destroy()


def ended(world) -> None:
    assert world.watch().seen == {}
    left = {path.name for path in world.workspace.iterdir()}
    assert left <= {"keys", "manifests", "evidence", "reports"}
    assert not list((world.workspace / "keys").glob("data.key*"))
    world.verified()
    events = world.journal.events()
    kinds = [event.kind for event in events]
    assert kinds.count("destruction_begun") == kinds.count("destroyed") == 1
    record = destruction.begun(events)
    assert record["approved_by"] == ["first", "second"]
    assert record["data_key"] == world.vault.key_id
    assert record["rule"].startswith("rehearsal")
    assert {file["name"].partition("/")[0] for file in record["files"]} == {"snapshots", "quarantine"}
    assert all(len(file["sha256"]) == 64 for file in record["files"])
    assert record["journal"]["corrections"] == 1
    assert record["journal"]["contents"] >= 8
    assert record["left"]
    with pytest.raises(GateClosed, match="DATA_DESTROYED"):
        destruction.require_there(events)


def test_afterwards_nothing_personal_is_found_and_the_journal_verifies(world):
    before = world.watch().seen
    assert {"batch_content", "correction", "workspace"} <= set(before), "the search sees them before"
    asked(world)
    world.destroy()
    ended(world)
    world.destroy()  # again: nothing more happens
    ended(world)


@pytest.mark.parametrize("point", ["destroy.begun", "destroy.workspace", "destroy.journal", "second folder"])
def test_killed_in_the_middle_the_next_call_ends_it(world, monkeypatch, point):
    asked(world)

    def reach(name: str) -> None:
        if name == point:
            raise Killed

    def removed(place: Path, real=shutil.rmtree) -> None:
        reach("second folder" if place.name == "quarantine" else "")
        real(place)

    world.case.house.failpoint = reach
    with monkeypatch.context() as patched:
        patched.setattr("migration.legacy.remains.shutil.rmtree", removed)
        with pytest.raises(Killed):
            world.destroy()
    world.case.house = world.case._house(())
    world.destroy()
    ended(world)


def test_the_guards_allow_the_recorded_verb_and_nothing_else(world):
    with pytest.raises(GateClosed, match="GATE_NOT_APPROVED"):
        world.journal.begin_destruction("keeper", RECORD)
    hand = world.hand()
    refused = {
        "DELETE FROM journal.batch_content": "CONTENT_KEPT",
        "TRUNCATE journal.batch_content": "CONTENT_KEPT",
        "UPDATE journal.correction SET old = NULL": "CORRECTION_APPEND_ONLY",
        "UPDATE journal.correction SET old = NULL, new = NULL, reason = NULL": "CORRECTION_APPEND_ONLY",
    }
    for statement, code in refused.items():
        with pytest.raises(psycopg.Error, match=code):
            hand.execute(statement)
    with pytest.raises(GateClosed, match=r"CONTENT_KEPT|CORRECTION_APPEND_ONLY"):
        world.journal.destroy_contents("keeper")
    asked(world)
    house = world.case.house
    house.failpoint = lambda _: (_ for _ in ()).throw(Killed())
    with pytest.raises(Killed):
        world.destroy()  # recorded, and nothing gone yet
    elsewhere = (
        "UPDATE journal.correction SET by = 'x', committed = journal.commitments(nonce, old, new, reason), "
        "nonce = gen_random_uuid(), old = NULL, new = NULL, reason = NULL"
    )
    for statement in (
        elsewhere,
        "UPDATE journal.correction SET old = NULL, new = NULL, reason = NULL",  # without the commitments
        "UPDATE journal.correction SET new = 'x'",
        "DELETE FROM journal.correction",
        "UPDATE journal.batch_content SET content = 'x'",
    ):
        with pytest.raises(psycopg.Error, match=r"CORRECTION_APPEND_ONLY|CONTENT_FIXED"):
            hand.execute(statement)
    hand.close()


def test_contents_that_went_without_a_record_are_missed(world):
    with world.hand() as hand:
        hand.execute("ALTER TABLE journal.batch_content DISABLE TRIGGER USER")
        hand.execute("DELETE FROM journal.batch_content WHERE side = 'result'")
    assert {found.code for found in world.notary.verify()} == {"CONTENT_CHANGED"}


def test_a_record_that_no_approval_carries_is_seen(world):
    with world.hand() as hand:
        hand.execute("ALTER TABLE journal.event DISABLE TRIGGER destruction_due")
    world.journal.begin_destruction("keeper", RECORD)
    assert {found.code for found in world.notary.verify()} == {"APPROVAL_INVALID"}


def test_a_production_record_before_its_day_is_refused_by_the_database_and_seen_by_the_verifier(pg_url):
    journal = PostgresJournal(pg_url)
    journal.begin("2017-11-jx", "production")
    fence = journal.acquire("runner")
    record = {**RECORD, "keep_until": "2999-01-01"}
    journal.open_gate(fence, "destroy", 1, record["digest"], 1, "runner")
    journal.decide("destroy", record["digest"], "first", "approve", "seen", rehearsal=False)
    with pytest.raises(GateClosed, match="RETENTION_RUNNING"):
        journal.begin_destruction("keeper", record)
    with psycopg.connect(pg_url.replace("+psycopg", ""), autocommit=True) as hand:
        hand.execute("ALTER TABLE journal.event DISABLE TRIGGER destruction_due")
    journal.begin_destruction("keeper", record)
    assert {found.code for found in journal.verify_stored([], sealed=False)} == {"APPROVAL_INVALID"}
    journal.close()
