"""Transactions: lost connections, servers that restart, stores that are not there; no verb happens twice or by halves."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from migration.clock import FakeClock, SystemClock
from migration.domain.errors import ConfigurationError, CutoverError, GateClosed, TransientError
from migration.domain.values import Snapshot
from migration.journal import faults, programs
from migration.journal.embedded import Embedded
from migration.journal.store import PostgresJournal


def corrections(*users: str) -> pa.Table:
    rows = [{"user_id": u, "field": "name", "old": "a", "new": "b", "reason": "r", "by": "bea"} for u in users]
    return pa.Table.from_pylist(rows)


def code_of(raised) -> str:
    return raised.value.reasons[0].code


def break_commits(journal, monkeypatch, *, times: int, after: bool) -> list[int]:
    """Lose the connection during the next commits, before or after the server has done them."""
    dialect = journal._db._engine.dialect
    real, seen = dialect.do_commit, []

    def lost(connection):
        if len(seen) < times:
            seen.append(1)
            if after:
                real(connection)
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        real(connection)

    monkeypatch.setattr(dialect, "do_commit", lost)
    return seen


@pytest.mark.parametrize("after", [True, False])
def test_a_connection_lost_during_commit_happens_exactly_once(journal, monkeypatch, after):
    seen = break_commits(journal, monkeypatch, times=1, after=after)
    assert journal.add_corrections(corrections("U1", "U2"), "op") == 2
    assert seen
    assert journal.corrections()["user_id"].to_pylist() == ["U1", "U2"]
    assert [e.kind for e in journal.events()] == ["begun", "corrections_added"]
    assert journal.verify() == ()


@pytest.mark.parametrize("after", [True, False])
def test_a_token_drawn_in_a_lost_commit_is_the_one_returned(journal, monkeypatch, after):
    break_commits(journal, monkeypatch, times=1, after=after)
    fence = journal.acquire("op")
    assert fence == 1
    journal.record_stage(fence, "preflight", 1, "running", {}, ())
    assert len(journal.stages()) == 1


def test_a_store_that_keeps_failing_is_a_passing_fault(journal, monkeypatch, clock):
    break_commits(journal, monkeypatch, times=99, after=False)
    with pytest.raises(TransientError) as raised:
        journal.note("op", "said", {})
    assert code_of(raised) == "JOURNAL_UNAVAILABLE"
    assert len(clock.slept) == 6


@pytest.fixture
def own_server():
    """A durable server of the test's own, to be restarted."""
    with (
        tempfile.TemporaryDirectory(prefix="cutover-restart-") as folder,
        Embedded(Path(folder)) as server,
    ):
        yield server


def restart(server: Embedded, mode: str) -> None:
    owner = programs.os_user()
    programs.run("pg_ctl", "-w", "-m", mode, "-D", str(server.data), "stop", owner=owner)
    server.start()
    server._ensure_running(owner)


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_an_immediate_restart_between_two_verbs_is_not_noticed(own_server, mode):
    journal = PostgresJournal(own_server.url("cutover"), SystemClock())
    journal.begin("c1", "rehearsal")
    journal.acquire("op")
    restart(own_server, mode)
    assert journal.snapshot() is None
    restart(own_server, mode)
    assert journal.acquire("op") == 2
    assert journal.verify() == ()
    journal.close()


def test_a_backend_killed_inside_a_transaction_leaves_nothing_half_done(journal, pg_url, monkeypatch):
    parsed = make_url(pg_url)
    real = journal._db._within
    killed = []

    def within(body, *, read_only):
        def stabbed(connection):
            result = body(connection)
            if not killed and not read_only:
                pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                with psycopg.connect(host=parsed.query["host"], user="postgres", dbname="postgres") as admin:
                    admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
                killed.append(pid)
            return result

        return real(stabbed, read_only=read_only)

    monkeypatch.setattr(journal._db, "_within", within)
    journal.add_corrections(corrections("U1"), "op")
    assert killed
    assert journal.corrections().num_rows == 1
    assert [e.kind for e in journal.events()] == ["begun", "corrections_added"]


def test_tables_that_cannot_be_written_anew_are_told(journal):
    journal._db.compact(["event"])
    with pytest.raises(CutoverError) as raised:
        journal._db.compact(["nowhere"])
    assert code_of(raised) == "JOURNAL_FAULT"


def test_what_is_read_together_is_of_one_moment(journal):
    def counted(connection):
        return connection.exec_driver_sql("SELECT count(*) FROM journal.event").scalar_one()

    def body(connection):
        before = counted(connection)
        journal.note("op", "said", {})
        return before, counted(connection)

    assert journal._db.read(body) == (1, 1)
    assert journal._db.read(counted) == 2


def test_snapshots_and_answers_are_numbered_from_one(journal):
    def numbers(table: str) -> list[int]:
        with journal._db._engine.connect() as connection:
            return list(connection.exec_driver_sql(f"SELECT seq FROM journal.{table} ORDER BY seq").scalars())

    fence = journal.acquire("op")
    for digest in ("1" * 64, "2" * 64):
        journal.record_snapshot(fence, Snapshot(digest, {}, {}, 0, SystemClock().now()))
    journal.open_gate(fence, "debts.full", 1, "d" * 64, 2, "op")
    for name in ("ann", "bea"):
        journal.decide("debts.full", "d" * 64, name, "approve", "", rehearsal=True)
    assert [numbers("snapshot"), numbers("decision")] == [[1, 2], [1, 2]]


def test_a_connection_that_died_while_nobody_used_it_is_noticed_before_it_is_used(journal, pg_url, clock):
    parsed = make_url(pg_url)
    with psycopg.connect(host=parsed.query["host"], user="postgres", dbname="postgres", autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (parsed.database,)
        )
    journal.note("op", "said", {})
    assert clock.slept == [], "nothing had to be tried again"


def test_a_statement_that_is_refused_costs_no_connection(journal):
    def server(connection):
        return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

    before = journal._db.read(server)
    with pytest.raises(CutoverError):
        journal._db.read(lambda c: c.exec_driver_sql("SELECT 1 / 0"))
    assert journal._db.read(server) == before


def test_a_journal_that_was_closed_leaves_no_connection(pg_url):
    parsed = make_url(pg_url)
    journal = PostgresJournal(pg_url, FakeClock())
    journal.begin("c1", "rehearsal")
    with psycopg.connect(host=parsed.query["host"], user="postgres", dbname="postgres", autocommit=True) as admin:

        def connected() -> int:
            (count,) = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (parsed.database,)
            ).fetchone()
            return count

        assert connected() == 1
        journal.close()
        until = time.monotonic() + 10
        while connected() and time.monotonic() < until:  # the server needs a moment to see that it was left
            time.sleep(0.01)
        assert connected() == 0


def test_a_connection_that_the_pool_gave_up_under_a_transaction_is_tried_again(journal, clock):
    given_up = []

    def body(connection):
        if not given_up:
            given_up.append(1)
            connection.invalidate()
        return connection.exec_driver_sql("SELECT 7").scalar_one()

    assert journal._db.read(body) == 7
    assert len(clock.slept) == 1


def test_writers_at_once_make_one_chain(pg_url):
    def write(name: str) -> None:
        journal = PostgresJournal(pg_url)
        journal.begin("c1", "rehearsal")
        for n in range(10):
            journal.note(name, "said", {"n": n})
        journal.close()

    threads = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = PostgresJournal(pg_url)
    journal.begin("c1", "rehearsal")
    events = journal.events()
    assert [e.seq for e in events] == list(range(1, 42))
    assert journal.verify() == ()
    for i in range(4):
        assert [e.payload["n"] for e in events if e.actor == f"w{i}"] == list(range(10))
    journal.close()


def test_a_run_that_holds_the_lock_is_waited_for_and_then_told(journal, pg_url):
    parsed = make_url(pg_url)
    with psycopg.connect(host=parsed.query["host"], user="postgres", dbname=parsed.database) as other:
        other.execute("SELECT FROM journal.cutover FOR UPDATE")
        connection = journal._db._engine.connect()
        connection.exec_driver_sql("SET lock_timeout = '100ms'")
        connection.commit()
        connection.close()  # back to the pool, where the next write finds it
        with pytest.raises(TransientError) as raised:
            journal.note("op", "said", {})
        assert code_of(raised) == "JOURNAL_BUSY"
    journal.note("op", "said", {})


def test_after_a_fork_the_child_takes_connections_of_its_own(journal):
    journal.note("op", "said", {"n": 1})
    child = os.fork()
    if child == 0:
        done = 1
        try:
            journal.note("child", "said", {"n": 2})
            done = 0
        finally:
            os._exit(done)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    journal.note("op", "said", {"n": 3})
    assert [e.actor for e in journal.events()] == ["", "op", "child", "op"]
    assert journal.verify() == ()


@pytest.mark.parametrize(
    ("url", "code"),
    [("no url", "STORE_URL"), ("sqlite:///x.db", "STORE_URL"), ("mysql+pymysql://root@127.0.0.1/x", "STORE_URL")],
)
def test_a_wrong_address_is_the_configurations_fault(url, code):
    with pytest.raises(ConfigurationError) as raised:
        PostgresJournal(url, FakeClock())
    assert code_of(raised) == code


def test_a_database_that_is_not_there_is_the_configurations_fault_and_no_password_is_shown(pg_url):
    url = make_url(pg_url).set(database="nowhere", password="hush")
    with pytest.raises(ConfigurationError) as raised:
        PostgresJournal(url.render_as_string(hide_password=False), FakeClock())
    assert code_of(raised) == "STORE_UNREACHABLE"
    assert "hush" not in str(raised.value)


def test_a_server_that_does_not_answer_is_a_passing_fault(tmp_path):
    with pytest.raises(TransientError) as raised:
        PostgresJournal(f"postgresql://postgres@/x?host={tmp_path}", FakeClock())
    assert code_of(raised) == "JOURNAL_UNAVAILABLE"


def test_an_error_of_the_database_does_not_carry_what_was_written(journal):
    with journal._db._engine.connect() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(text("INSERT INTO nowhere VALUES (:account)"), {"account": "6212460000000000001"})
    assert "nowhere" in str(raised.value)
    assert "621246" not in str(raised.value)


class Refusal(psycopg.Error):
    def __init__(self, state: str | None) -> None:
        super().__init__("Key (account_no)=(6212460000000000001) already exists.")
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("53100", TransientError, "JOURNAL_FULL"),
        ("55P03", TransientError, "JOURNAL_BUSY"),
        ("CU001", GateClosed, "JOURNAL_RULE"),
        ("23505", GateClosed, "JOURNAL_INVARIANT"),
        ("42P01", CutoverError, "JOURNAL_FAULT"),
        (None, CutoverError, "JOURNAL_FAULT"),
    ],
)
def test_every_database_error_becomes_one_of_ours_without_its_values(state, kind, code):
    error = faults.translate(Refusal(state))
    assert type(error) is kind
    assert error.reasons[0].code == code
    assert "621246" not in str(error)


@pytest.mark.parametrize("state", ["40001", "40P01", "57P01", "08006", "53300"])
def test_faults_that_pass_are_tried_again(state):
    assert isinstance(faults.translate(Refusal(state)), faults.Passing)


def test_a_serialization_failure_is_tried_again(journal, monkeypatch):
    real, failed = journal._db._within, []

    def within(body, *, read_only):
        if not failed:
            failed.append(1)
            raise faults.translate(Refusal("40001"))
        return real(body, read_only=read_only)

    monkeypatch.setattr(journal._db, "_within", within)
    journal.note("op", "said", {})
    assert [e.kind for e in journal.events()] == ["begun", "said"]
