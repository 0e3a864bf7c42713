"""Ways to forge an approval. Each is refused, or found by the verifier; docs/reliability.md lists them by these names."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from migration.domain.errors import CutoverError
from migration.journal.notary import Notary
from migration.journal.store import PostgresJournal
from tests.contract.test_journal import DAY, D, approve, plan_of
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

ROLES = ("planner", "sender", "approver", "reporter", "withdrawals")
E = "e" * 64
GATE = "debts.full"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fence(journal):
    return journal.acquire("op")


@pytest.fixture
def gate(journal, fence):
    """Two persons have to approve; `op` asked."""
    return journal.open_gate(fence, GATE, 1, D, 2, "op")


@pytest.fixture
def sealed(journal, fence, gate):
    (batch,) = journal.plan(fence, [plan_of("debt", ["D1"])], DAY, f"{GATE}#1")
    return journal.seal(fence, batch, "R", b"the bytes that people saw")


@pytest.fixture
def connect(pg_url):
    parsed = make_url(pg_url)
    opened = []

    def to(role: str = "") -> psycopg.Connection:
        connection = psycopg.connect(
            host=parsed.query["host"], user="postgres", dbname=parsed.database, autocommit=True
        )
        opened.append(connection)
        if role:
            connection.execute(f"SET ROLE cutover_{role}")
        return connection

    yield to
    for connection in opened:
        connection.close()


def refused(call) -> str:
    """The code with which a call of ours is refused."""
    with pytest.raises(CutoverError) as raised:
        call()
    return raised.value.reasons[0].code


def barred(connection: psycopg.Connection, statement: str, *values: object) -> str:
    """What the database says to SQL by hand: its own code, the constraint's name, or `no right`."""
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(statement, values)
    if raised.value.sqlstate == "42501":
        return "no right"
    return raised.value.diag.constraint_name or str(raised.value.diag.message_primary)


def say(journal, name: str, *, digest: str = D, decision: str = "approve", rehearsal: bool = False):
    return journal.decide(GATE, digest, name, decision, "", rehearsal=rehearsal)


def state(journal, digest: str = D) -> str:
    return next(g.state for g in journal.gates() if (g.gate, g.digest) == (GATE, digest))


DECISION = """INSERT INTO journal.decision (gate, seq, name, name_key, requester_key, decision, reason, rehearsal, at)
              SELECT no, 9, %s, %s, requester_key, %s, '', %s, now() FROM journal.gate WHERE state <> 'superseded'"""
DELIVERED = "UPDATE journal.batch SET state = 'delivered', delivered_at = now(), digest = repeat('d', 64)"


# --- by the name ----------------------------------------------------------------------------------------------------------


def test_own_request(journal, gate):
    assert refused(lambda: say(journal, "op")) == "OWN_REQUEST"


@pytest.mark.parametrize("name", ["OP", " op ", "Ｏｐ", "o\u0301p", "0p"])
def test_own_request_in_another_writing(journal, gate, name):
    assert refused(lambda: say(journal, name)) == "OWN_REQUEST"


@pytest.mark.parametrize("name", ["\u043ep", "o\u200bp", "op\u202e", "ορ", "o\u00adp", "op\u3164"])
def test_own_request_in_letters_that_look_alike(journal, gate, name):
    assert refused(lambda: say(journal, name)) == "NAME_CHARACTERS"


@pytest.mark.parametrize("again", ["ANN LEE", "ann  lee", "Ａｎｎ Ｌｅｅ", "Ánn Lee", "ann 1ee"])
def test_one_person_twice_under_two_spellings(journal, gate, again):
    say(journal, "Ann Lee")
    assert say(journal, again).given == ("Ann Lee",)
    assert state(journal) == "pending"


def test_a_name_that_is_compared_otherwise_by_hand(connect, gate):
    """The database computes the compared form by itself, whatever is given."""
    assert barred(connect("approver"), DECISION, "op", "somebody", "approve", False) == "decision_not_own"
    assert barred(connect("approver"), DECISION, "\u043ep", "x", "approve", False) == "NAME_CHARACTERS"


# --- by the digest ----------------------------------------------------------------------------------------------------------


def test_an_old_digest(journal, fence, gate):
    journal.open_gate(fence, GATE, 1, E, 2, "op")
    assert refused(lambda: say(journal, "ann")) == "GATE_SUPERSEDED"


def test_a_digest_that_nobody_asked_for(journal, gate):
    assert refused(lambda: say(journal, "ann", digest=E)) == "GATE_UNKNOWN"


def test_the_approval_of_another_gate(journal, fence, sealed):
    approve(journal, fence, "listings.full", D)
    assert refused(lambda: journal.mark_delivered(fence, sealed, D)) == "GATE_NOT_APPROVED"


def test_the_approval_of_another_cutover(journal, fence, sealed, pg_url, connect):
    other = PostgresJournal(pg_url)
    other.begin("another", "rehearsal")
    token = other.acquire("op")
    other.open_gate(token, GATE, 1, D, 1, "op")
    other.decide(GATE, D, "ann", "approve", "", rehearsal=False)
    other.close()
    assert refused(lambda: journal.mark_delivered(fence, sealed, D)) == "GATE_NOT_APPROVED"
    own = "UPDATE journal.batch SET state = 'delivered', delivered_at = now(), digest = %s"
    assert barred(connect("sender"), own, D) == "GATE_NOT_APPROVED"


# --- by time --------------------------------------------------------------------------------------------------------------


def test_after_a_rejection(journal, gate, connect):
    say(journal, "bea", decision="reject")
    assert refused(lambda: say(journal, "ann")) == "GATE_REJECTED"
    assert barred(connect("approver"), DECISION, "ann", "ann", "approve", False) == "GATE_REJECTED"


def test_a_rejection_taken_back(journal, gate, connect):
    say(journal, "bea", decision="reject")
    for wanted in ("pending", "approved", "superseded"):
        assert barred(connect(), "UPDATE journal.gate SET state = %s", wanted) in {"GATE_FINAL", "GATE_NOT_APPROVED"}
    assert barred(connect(), "DELETE FROM journal.decision") == "DECISION_APPEND_ONLY"


def test_a_replay(journal, gate, connect):
    say(journal, "ann")
    say(journal, "ann")
    assert barred(connect("approver"), DECISION, "ann", "ann", "approve", False) == "decision_once"
    assert len(journal.gates()[0].decisions) == 1


def test_a_time_out(journal, fence, sealed, clock):
    say(journal, "ann")
    clock.sleep(timedelta(days=3650).total_seconds())
    assert state(journal) == "pending"
    assert refused(lambda: journal.mark_delivered(fence, sealed, D)) == "GATE_NOT_APPROVED"


# --- by rights ------------------------------------------------------------------------------------------------------------


def test_a_right_revoked_before_the_answer(journal, gate, connect):
    journal.set_right("ann", "revoked", "owner", "left")
    assert refused(lambda: say(journal, "Ann")) == "APPROVER_NO_RIGHT"
    assert barred(connect("approver"), DECISION, "ann", "ann", "approve", False) == "APPROVER_NO_RIGHT"


def test_a_right_revoked_before_the_delivery(journal, fence, sealed, connect):
    say(journal, "ann")
    assert say(journal, "bea").state == "approved"
    journal.set_right("ann", "revoked", "owner", "left")
    assert (state(journal), journal.gates()[0].given) == ("pending", ("bea",))
    assert refused(lambda: journal.mark_delivered(fence, sealed, D)) == "GATE_NOT_APPROVED"
    assert barred(connect("sender"), DELIVERED) == "GATE_NOT_APPROVED"
    journal.set_right("ann", "granted", "owner", "back")
    assert state(journal) == "pending", "old answers do not come back to life"
    journal.set_right("cem", "granted", "owner", "named")
    assert say(journal, "cem").state == "approved"
    journal.mark_delivered(fence, sealed, D)
    journal.set_right("bea", "revoked", "owner", "left")
    assert state(journal) == "approved", "what has left keeps its approvals"


def test_somebody_who_is_not_named(journal, gate):
    journal.set_right("bea", "granted", "owner", "named")
    assert refused(lambda: say(journal, "ann")) == "APPROVER_NO_RIGHT"


def test_granting_oneself(journal, connect, gate):
    assert refused(lambda: journal.set_right("Eve", "granted", "eve", "r")) == "OWN_RIGHT"
    row = (
        "INSERT INTO journal.approver (cutover, seq, name, name_key, standing, by, reason, at)"
        " VALUES (1, 1, 'eve', 'eve', 'granted', 'Eve', 'r', now())"
    )
    assert barred(connect(), row) == "approver_not_self"
    for role in ROLES:
        assert barred(connect(role), row) == "no right"


def test_names_of_a_rehearsal_in_production(pg_url, connect):
    journal = PostgresJournal(pg_url)
    journal.begin("live", "production")
    journal.open_gate(journal.acquire("op"), GATE, 1, D, 2, "op")
    assert refused(lambda: say(journal, "ann", rehearsal=True)) == "REHEARSAL_APPROVAL"
    assert barred(connect("approver"), DECISION, "ann", "ann", "approve", True) == "REHEARSAL_APPROVAL"
    journal.close()


# --- by hand in the database ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_gate_opened_by_sql(journal, gate, connect, role):
    say(journal, "ann")
    wanted = "GATE_NOT_APPROVED" if role == "planner" else "no right"
    assert barred(connect(role), "UPDATE journal.gate SET state = 'approved'") == wanted
    assert barred(connect(role), "UPDATE journal.gate SET needed = 1") == "no right"


@pytest.mark.parametrize("role", [r for r in ROLES if r != "approver"])
def test_an_answer_inserted_by_another_role(gate, connect, role):
    assert barred(connect(role), DECISION, "ann", "ann", "approve", False) == "no right"


def test_an_answer_changed_by_who_may_answer(journal, gate, connect):
    say(journal, "ann")
    for statement in ("UPDATE journal.decision SET name = 'bea'", "DELETE FROM journal.decision"):
        assert barred(connect("approver"), statement) == "no right"


def test_a_delivery_recorded_by_sql(sealed, connect):
    assert barred(connect("sender"), DELIVERED) == "GATE_NOT_APPROVED"
    assert barred(connect("approver"), DELIVERED) == "no right"
    assert barred(connect("approver"), "UPDATE journal.batch SET state = 'delivered'") == "GATE_NOT_APPROVED"


def test_an_event_of_another_role(journal, gate, connect):
    """`decided` in the chain, written by who sends; also with a right digest."""
    event = """INSERT INTO journal.event (cutover, seq, at, actor, kind, payload, previous, digest, operation)
               SELECT no, head_seq + 1, '2017-11-18 00:00:00+00', 'ann', 'decided', '{}', head_digest,
                      encode(sha256(convert_to(head_digest || '{"actor":"ann","at":"2017-11-18T00:00:00.000000+00:00",'
                          || '"kind":"decided","payload":{},"seq":' || head_seq + 1 || '}', 'UTF8')), 'hex'),
                      gen_random_uuid() FROM journal.cutover"""
    assert barred(connect("sender"), event) == "EVENT_NOT_YOURS"
    assert barred(connect("reporter"), event) == "no right"
    assert barred(connect("approver"), event.replace("'decided', '{}'", "'decided', '{ }'")) == "EVENT_NOT_NEXT"
    connect("approver").execute(event)  # the right role, the right digest: the wall is no other one


def test_fewer_persons_asked_for(pg_url, connect, tmp_path):
    """Who plans opens the gate by hand, for one person: the sender counts by the configuration."""
    case = Rehearsal(tmp_path, small(), journal=PostgresJournal(pg_url))
    assert case.run(approve=("first",)) == 4
    pending = next(g for g in case.journal.gates() if g.state == "pending")
    forged = """INSERT INTO journal.gate (cutover, gate, round, digest, needed, state, requester, requester_key, opened_at)
                SELECT cutover, gate, round, digest, 1, state, requester, requester_key, opened_at
                FROM gone"""
    owner = connect()  # a planner could have been quicker than the program; here the program's row is replaced
    owner.execute("ALTER TABLE journal.gate DISABLE TRIGGER USER; ALTER TABLE journal.decision DISABLE TRIGGER USER")
    owner.execute(
        "DELETE FROM journal.decision USING journal.gate g WHERE g.no = decision.gate AND g.state = 'pending'"
    )
    owner.execute(f"WITH gone AS (DELETE FROM journal.gate WHERE state = 'pending' RETURNING *) {forged}")
    owner.execute("ALTER TABLE journal.gate ENABLE TRIGGER USER; ALTER TABLE journal.decision ENABLE TRIGGER USER")
    before = case.sent()
    assert (
        case.journal.decide(pending.gate, pending.digest, "first", "approve", "", rehearsal=False).state == "approved"
    )
    assert (case.run(approve=()), case.codes) == (4, ["APPROVAL_MISSING"])
    assert "1 of 2" in str(case.reasons[0])
    assert case.sent() == before


# --- by what is behind the digest -----------------------------------------------------------------------------------------


@pytest.fixture
def approved(tmp_path):
    """Everything sealed and approved for the accounts, nothing sent."""
    case = Rehearsal(tmp_path, small())
    case.run(approve=())
    asked = case.journal.gates()[0]
    assert case.journal.decide(asked.gate, asked.digest, "first", "approve", "", rehearsal=False).state == "approved"
    return case


@pytest.mark.parametrize("what", ["code_digest", "config_digest"])
def test_another_version_or_configuration(approved, what):
    approved.terms = replace(approved.terms, **{what: "f" * 64})
    assert (approved.run(approve=()), approved.codes) == (4, ["APPROVAL_MISSING"])
    assert approved.sent() == {}


def test_other_data_after_the_approval(approved):
    approved.correct("U2,phone,13800000002,13811112222,changed,operations")
    assert (approved.run(approve=()), approved.codes) == (4, ["APPROVAL_MISSING"])
    assert approved.sent() == {}


def test_a_cleared_task(approved):
    """The step is driven again after the data changed: it asks anew, it does not take the old answer."""
    approved.correct("U2,phone,13800000002,13811112222,changed,operations")
    engine = approved.engine(())
    for step in ("plan", "approve", "deliver"):
        if step == "plan":
            engine.step("accounts", step)
        else:
            assert refused(lambda step=step: engine.step("accounts", step)) == "APPROVAL_MISSING"
    assert approved.sent() == {}


def test_other_bytes_under_an_approved_digest(pg_url, connect, tmp_path):
    """The superuser exchanges the kept bytes: the sender compares before the first one leaves."""
    case = Rehearsal(tmp_path, small(), journal=PostgresJournal(pg_url))
    case.run(approve=())
    asked = case.journal.gates()[0]
    case.journal.decide(asked.gate, asked.digest, "first", "approve", "", rehearsal=False)
    owner = connect()
    assert barred(owner, "UPDATE journal.batch_content SET content = 'x'") == "CONTENT_FIXED"
    owner.execute("ALTER TABLE journal.batch_content DISABLE TRIGGER USER")
    owner.execute("UPDATE journal.batch_content SET content = 'x', sha256 = encode(sha256('x'), 'hex')")
    engine = case.engine(())
    assert refused(lambda: engine.step("accounts", "deliver")) == "CONTENT_CHANGED"
    assert case.sent() == {}
    case.run("accounts", approve=())
    assert b"x" not in case.sent().values(), "a whole run seals the right bytes anew"
    assert case.sent() != {}


# --- by the superuser: not refused, but found ------------------------------------------------------------------------------


def overwritten(connection, table: str, change: str) -> None:
    connection.execute(f"ALTER TABLE journal.{table} DISABLE TRIGGER USER")
    connection.execute(f"UPDATE journal.{table} SET {change}")
    connection.execute(f"ALTER TABLE journal.{table} ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("table", "change", "found"),
    [
        ("decision", "name = 'cem', name_key = 'cem' WHERE seq = 1", "ROWS_CHANGED decision"),
        ("gate", "digest = repeat('e', 64)", "ROWS_CHANGED gate"),
        ("gate", "requester = 'cem'", "ROWS_CHANGED gate"),
        ("batch", "digest = repeat('e', 64)", "ROWS_CHANGED batch/2017-11-18/000001"),
        ("item", "key = 'D9'", "ROWS_CHANGED item/2017-11-18/000001"),
        ("approver", "standing = 'granted'", "ROWS_CHANGED approver"),
    ],
)
def test_rows_edited_by_the_superuser(journal, fence, sealed, connect, tmp_path, table, change, found):
    notary = Notary(journal, tmp_path)
    journal.set_right("dan", "revoked", "owner", "left")
    say(journal, "ann")
    say(journal, "bea")
    journal.mark_delivered(fence, sealed, D)
    notary.seal(fence, GATE, D)
    assert notary.verify() == ()
    overwritten(connect(), table, change)
    assert found in [f"{f.code} {f.subject}" for f in notary.verify()]


def test_rows_and_chain_rewritten_by_the_superuser(journal, fence, sealed, connect, tmp_path):
    """An answer that was never given, with its event, everything hashed anew: the signed roots are not to be had."""
    notary = Notary(journal, tmp_path)
    say(journal, "ann")
    say(journal, "bea")
    notary.seal(fence, GATE, D)
    owner = connect()
    owner.execute("ALTER TABLE journal.event DISABLE TRIGGER USER; ALTER TABLE journal.cutover DISABLE TRIGGER USER")
    owner.execute(
        "UPDATE journal.event SET actor = 'cem', payload = replace(payload, 'ann', 'cem') WHERE actor = 'ann'"
    )
    events = owner.execute("SELECT seq, payload, actor, kind, at FROM journal.event ORDER BY seq").fetchall()
    from migration.journal import chain

    previous = chain.GENESIS
    for seq, payload, actor, kind, at in events:
        digest = chain.link_digest(previous, seq, at, actor, kind, payload)
        owner.execute("UPDATE journal.event SET previous = %s, digest = %s WHERE seq = %s", (previous, digest, seq))
        previous = digest
    owner.execute("UPDATE journal.cutover SET head_digest = %s", (previous,))
    overwritten(owner, "decision", "name = 'cem', name_key = 'cem' WHERE name = 'ann'")
    assert journal.verify() == (), "the chain by itself holds again"
    assert {"ROOT_MERKLE", "ROWS_CHANGED"} <= {f.code for f in notary.verify()}


# --- the list ---------------------------------------------------------------------------------------------------------------


def test_the_handbook_lists_each_of_them():
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`test_forgeries\.py::(\w+)`", page))
    own = {name for name in globals() if name.startswith("test_")} - {"test_the_handbook_lists_each_of_them"}
    assert named == own
    assert len(own) >= 20
