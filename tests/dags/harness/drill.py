"""Drills in a real Airflow: one start serves several of them, each with a journal, a bank and folders of its own.

A drill ends when its cutover has ended; `differences` then holds it against an undisturbed run from the command line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from migration import wiring
from migration.demo.ground import Ground, start_bank
from migration.demo.processes import GRACE_S, Processes
from migration.demo.rest import ENDED
from migration.domain.errors import GateClosed
from migration.domain.outcome import balance, outcome
from migration.domain.values import Batch
from migration.reports import exports
from migration.sandbox.bank import dump
from migration.settings import load
from tests.dags.harness.real import ROOT, Real, quiet_desk, real_airflow
from tests.dags.harness.small import NEW_PHONE, SmallPlaces, write_platform
from tests.support import canaries

Effects = dict[tuple[str, str], int]
APPROVE = ("--approve-as", "first", "--approve-as", "second")


@dataclass(frozen=True)
class Ended:
    """What a cutover came to: the exports in bytes, the requests at the bank, the bank's effects a key."""

    exports: dict[str, bytes]
    requests: dict[str, bytes]
    effects: Effects


def _ended(ground: Ground) -> Ended:
    """Read what came of it; the journal's chain and the independent verifier must find nothing."""
    settings = load(Path(ground.env["CUTOVER_CONFIG"]), {**os.environ, **ground.env})
    opened = wiring.desk(settings, actor="drill")
    try:
        assert not opened.journal.verify()
        found = opened.house.verify()
        assert not any(found.values()), found
        book, folder = opened.house.book(), ground.places.export
        exports.write(folder, outcome(book, opened.journal.batches()), balance(book).as_json())
    finally:
        opened.close()
    kept = {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.suffix in {".csv", ".json"}}
    sent = {p.name: p.read_bytes() for p in sorted((ground.places.bank / "out").rglob("3005-*"))}
    return Ended(kept, sent, {(r["entity"], r["key"]): r["count"] for r in dump(ground.places.bank_state)["effects"]})


def undisturbed(real: Real) -> Ended:
    """The same cutover from the command line, in folders and a database of its own."""
    places = SmallPlaces.under(ROOT, real.ground.places.home / "undisturbed")
    write_platform(places.sample)
    ground = Ground(places, real.embedded.url("undisturbed", "cutover"), "")
    processes = Processes(places.logs, places.run, ROOT)
    start_bank(ground, processes)
    desk = quiet_desk(ground)
    try:
        with contextlib.suppress(GateClosed):  # round 1: exceptions keep `residual` shut
            ground.verb("run", *APPROVE)
        desk.correct("corrections2.csv")
        desk.resend()
        desk.sign()
        ground.verb("run", *APPROVE)
        return _ended(ground)
    finally:
        desk.journal.close()
        processes.stop()


@dataclass
class Drill:
    """One disturbed cutover at a time. `folder` is where `held.py` looks."""

    real: Real
    folder: Path
    expected: Ended
    number: int = 0

    def begin(self) -> None:
        """A fresh cutover: everything that the one before left behind is put away."""
        self._end_what_runs()
        self.real.desk.journal.close()
        places = self.real.ground.places
        self.real.embedded.drop("cutover")
        assert self.real.embedded.url("cutover", "cutover") == self.real.ground.store_url
        for folder in (places.cutover, places.bank, places.bank_state, places.export, self.folder):
            shutil.rmtree(folder, ignore_errors=True)
        SmallPlaces.under(places.root, places.home)
        self.folder.mkdir(mode=0o700)
        self.real.desk = quiet_desk(self.real.ground)
        self.number += 1

    def _end_what_runs(self) -> None:
        for process in self.real.processes.orphans:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.real.processes.orphans.clear()
        if "sandbox-bank" in self.real.processes.alive:
            self.real.processes.kill("sandbox-bank")
        for dag, name in self._under_way():
            self._ask("PATCH", f"/api/v2/dags/{dag}/dagRuns/{name}", json={"state": "failed"})
        self.slots(1)

    def _under_way(self) -> list[tuple[str, str]]:
        every = self._ask("GET", "/api/v2/dags/~/dagRuns", params={"order_by": "-id", "limit": 100})
        return [(r["dag_id"], r["dag_run_id"]) for r in every["dag_runs"] if r["state"] not in ENDED]

    # -- handles

    def hold(self, name: str, where: str) -> None:
        """Hold up deliveries of requests with this in their name, `before` or `after` the bytes have left."""
        (self.folder / "hold.json").write_text(json.dumps({"name": name, "where": where}))

    def release(self) -> None:
        """Let go of what is held up."""
        (self.folder / "hold.json").unlink()

    def handed(self, what: str = "handed") -> list[dict[str, Any]]:
        """What was handed to the transport so far, or which processes were `held before` or `held after`."""
        log = self.folder / "handed.log"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if line["what"] == what]

    def until(self, true: Callable[[], Any], what: str, within_s: float = 300) -> None:
        """Look again and again, with a deadline."""
        deadline = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
            time.sleep(0.2)

    def held(self, name: str, where: str, times: int = 1) -> list[int]:
        """Follow a run until so many processes are held up in a delivery; their ids."""
        there = f"held {where}"
        self.real.follow(name, until=lambda _tasks: len(self.handed(there)) >= times)
        found = [line["pid"] for line in self.handed(there)]
        assert len(found) >= times, f"{name} ended without being held up: {self.real.failed(name)}"
        return found

    def batches(self) -> dict[str, Batch]:
        """Batch number -> the journal's batch."""
        return {batch.batch_no: batch for batch in self.real.desk.journal.batches()}

    # -- what a person does in Airflow's pages, by the same REST calls

    def clear(self, name: str, task: str, *, downstream: bool = False, dag: str = "cutover") -> None:
        """Clear a task of a run, in whatever state it is."""
        body = {
            "dry_run": False,
            "dag_run_id": name,
            "task_ids": [task],
            "only_failed": False,
            "include_downstream": downstream,
        }
        self._ask("POST", f"/api/v2/dags/{dag}/clearTaskInstances", json=body)

    def mark_success(self, name: str, task: str, map_index: int, dag: str = "cutover") -> None:
        """Mark one task instance as success, done or not."""
        url = f"/api/v2/dags/{dag}/dagRuns/{name}/taskInstances/{task}/{map_index}"
        self._ask("PATCH", url, json={"new_state": "success"})

    def slots(self, slots: int) -> None:
        """Let so many tasks run at once, whatever the handbook says."""
        body = {"pool": "cutover", "slots": slots, "description": "drill", "include_deferred": False}
        self._ask("PATCH", "/api/v2/pools/cutover", json=body)

    def _ask(self, method: str, url: str, **arguments: Any) -> dict[str, Any]:
        answer = self.real.rest._call(method, url, **arguments)
        assert answer.is_success, answer.text
        return answer.json()

    # -- the end

    def finish(self, name: str) -> None:
        """See a run through to its green end."""
        assert self.real.follow(name) == "success", self.real.failed(name)

    def differences(self) -> list[str]:
        """What differs from the undisturbed run, and what breaks a promise, in words; empty when all is well."""
        found = _ended(self.real.ground)
        wrong = [
            f"export {name}" for name in self.expected.exports if found.exports.get(name) != self.expected.exports[name]
        ]
        wrong += ["requests"] if found.requests != self.expected.requests else []
        wrong += ["keys at the bank"] if found.effects.keys() != self.expected.effects.keys() else []
        wrong += [f"{key}: {count} effects" for key, count in found.effects.items() if count != 1]
        digests = {(line["name"], line["sha256"]) for line in self.handed()}
        wrong += [
            f"{name}: handed over with other bytes" for name, n in Counter(n for n, _ in digests).items() if n > 1
        ]
        held = {batch.request_name for batch in self.batches().values() if batch.state == "applied"}
        wrong += [f"{name}: no applied batch" for name in found.requests if name not in held]
        wrong += [f"{name}: applied, no file" for name in held if name not in found.requests]
        return wrong

    def spoil(self) -> None:
        """A result that was used already is another one now, with a person's data where none belong."""
        place = next(iter(sorted((self.real.ground.places.bank / "in").rglob("3005-*"))))
        place.write_bytes(place.read_bytes() + f"{canaries.names()[0]}{canaries.id_numbers()[0]}\n".encode("gbk"))

    def personal(self) -> canaries.Watch:
        """Look for the persons of the platform in all that Airflow keeps: its database, its folder, output, command lines."""
        watch = canaries.Watch([*canaries.values(), NEW_PHONE])
        engine = sa.create_engine(make_url(self.real.ground.metadata_url).set(drivername="postgresql+psycopg"))
        with engine.connect() as metadata:
            tables = metadata.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
            for table in tables:
                watch.look_all(table, metadata.scalars(sa.text(f'SELECT one::text FROM "{table}" AS one')))
        engine.dispose()
        places = self.real.ground.places
        watch.folder("airflow", places.airflow)
        watch.folder("output", places.logs)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                watch.look_all("command lines", process.cmdline())
        return watch

    def gone(self, pid: int) -> bool:
        """Whether a process has ended."""
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def terminate(self, pid: int) -> None:
        """End one process as a container is stopped: SIGTERM, then SIGKILL (Airflow 3.3.2 lets a task outlive the first)."""
        process = psutil.Process(pid)
        process.terminate()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(GRACE_S)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@contextlib.contextmanager
def drills() -> Iterator[Drill]:
    """An Airflow for drills, and what an undisturbed run of the same cutover comes to."""
    with real_airflow() as real:
        yield Drill(real, real.handles, undisturbed(real))
