"""Shared fixtures: one embedded PostgreSQL for the whole run (all its worker processes), a fresh database a test."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import settings

from migration.clock import FakeClock
from migration.domain.ports import Journal
from migration.journal.embedded import Embedded
from migration.journal.store import PostgresJournal

TEMPLATE = "journal_template"

settings.register_profile("cutover", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("cutover")


@pytest.fixture(scope="session")
def embedded():
    """The server. Not under pytest's own temporary folder: that one shuts others out, PostgreSQL's OS user among them."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
    workspace = Path(tempfile.gettempdir()) / f"cutover-tests-{run[:24]}"
    server = Embedded(workspace, durable=False)
    server.start()
    yield server
    if server.stop():
        shutil.rmtree(workspace, ignore_errors=True)


@pytest.fixture(scope="session")
def template(embedded):
    """A database with the schema in place, to be copied; one a process, since copying wants it to itself."""
    name = f"{TEMPLATE}_{os.getpid()}"
    PostgresJournal(embedded.url(name)).close()
    yield name
    embedded.drop(name)


@pytest.fixture
def pg_url(embedded, template):
    """The URL of a database of the test's own, with the journal's schema and nothing in it."""
    name = f"t_{uuid.uuid4().hex[:16]}"
    yield embedded.clone(template, name)
    embedded.drop(name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def journal(pg_url, clock) -> Journal:
    """A real journal, begun as a rehearsal."""
    store = PostgresJournal(pg_url, clock)
    store.begin("2017-11-jx", "rehearsal")
    yield store
    store.close()


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the table of faults when its own tests were part of the run."""
    from tests.faults import report

    kinds = ("passed", "failed", "error", "skipped")
    outcomes = {kind: [one.nodeid for one in terminalreporter.stats.get(kind, [])] for kind in kinds}
    if any(node.startswith("tests/faults/test_table.py") for nodes in outcomes.values() for node in nodes):
        terminalreporter.section("faults of the groups Bank and Files (docs/faults.md)")
        for line in report.lines(outcomes):
            terminalreporter.write_line(line)
