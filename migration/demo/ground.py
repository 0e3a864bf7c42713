"""What a demonstration stands on: folders, databases, environment, the processes it starts, and the command line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from migration.demo.places import Places
from migration.domain.errors import GateClosed
from migration.journal.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from migration.demo.processes import Processes
    from migration.domain.ports import Journal

CONFIG: Final = "cutover.toml"
GIVE_UP_IDLE: Final = "&options=-c%20idle_in_transaction_session_timeout%3D60000"
"""A scheduler killed by SIGKILL leaves workers that hold its connection open, and with it, for ever, the lock on the row
of its run: no other scheduler touches that run again. PostgreSQL ends such a session after a minute when told so."""

CALL: Final = "from migration.cli import main; main()"


@dataclass(frozen=True, slots=True)
class Ground:
    """What one demonstration stands on: its folders, its databases, the environment of its processes."""

    places: Places
    store_url: str
    metadata_url: str

    @property
    def env(self) -> dict[str, str]:
        """What the product's own processes see, in Airflow's tasks as on the command line."""
        return {
            "CUTOVER_CONFIG": str(self.places.sample / CONFIG),
            "CUTOVER__CUTOVER__WORKSPACE": str(self.places.cutover),
            "CUTOVER__STORE__URL": self.store_url,
            "CUTOVER__BANK__DIRECTORY": str(self.places.bank),
            "CUTOVER_ACTOR": "airflow",
            # not sooner: a waiting task that comes back before its last process has been reported gone costs a retry
            "CUTOVER_POLL_S": "3",
            "CUTOVER_POLL_MAX_S": "6",
            # the retries, each after twice the pause, must outlast an API server that is away for a minute
            "CUTOVER_RETRY_S": "5",
        }

    def verb(self, *words: str) -> str:
        """Run one command of the product as a person would; its error is raised with what it said."""
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [
                sys.executable,
                "-c",
                "from migration.cli import main; main()",
                "--config",
                self.env["CUTOVER_CONFIG"],
                *words,
            ],
            env={**os.environ, **self.env},
            cwd=self.places.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise GateClosed.of(
                "VERB_FAILED", f"cutover {words[0]}", f"exit {done.returncode}: {' | '.join(said[-3:])}"
            )
        return done.stdout


@contextlib.contextmanager
def ground(root: Path, home: Path | None = None) -> Iterator[Ground]:
    """Have folders and databases; the embedded PostgreSQL stops at the end unless others use it too."""
    places = Places.under(root, home)
    embedded = Embedded(places.postgres)
    try:
        yield Ground(places, embedded.url("cutover", "cutover"), metadata(embedded))
    finally:
        embedded.stop()


def metadata(embedded: Embedded) -> str:
    """Have Airflow's own database, in a role of its own; returns its URL."""
    return embedded.url("airflow", "airflow") + GIVE_UP_IDLE


def open_journal(at: Ground) -> Journal:
    """Open the journal of the demonstration's cutover."""
    from migration.journal.store import PostgresJournal  # noqa: PLC0415 - see migration.settings below
    from migration.settings import load  # noqa: PLC0415 - both load SQLAlchemy, which `cutover --help` can do without

    settings = load(at.places.sample / CONFIG, {**os.environ, **at.env})
    journal = PostgresJournal(at.store_url)
    journal.begin(settings.cutover.id, settings.cutover.kind)
    return journal


def is_done(journal: Journal) -> bool:
    """Tell whether the cutover has been signed off."""
    return any(record.stage == "reconcile" and record.state == "done" for record in journal.stages())


def start_bank(at: Ground, processes: Processes) -> None:
    """Start the sandbox bank as a process of its own, with the refusals that `sample_data/` plans."""
    places = at.places
    argv = [sys.executable, "-m", "migration.sandbox.bank", "--directory", str(places.bank)]
    faults = places.sample / "bank_faults.toml"
    argv += ["--state", str(places.bank_state), *(["--faults", str(faults)] if faults.exists() else [])]
    processes.start("sandbox-bank", argv, {**os.environ})
