"""The schema's own walls: what it refuses even to somebody who writes SQL by hand."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import make_url

from migration.domain.errors import ConfigurationError
from migration.journal import sqlfiles
from migration.journal.store import PostgresJournal
from tests.contract.test_journal import (
    DAY,
    NEXT,
    answers_of,
    applied,
    approve,
    delivered,
    dispositions_of,
    exceptions_of,
    id_of,
    plan_of,
)


@pytest.fixture
def fence(journal) -> int:
    return journal.acquire("op")


@pytest.fixture
def hand(pg_url):
    parsed = make_url(pg_url)
    with psycopg.connect(
        host=parsed.query["host"], user="postgres", dbname=parsed.database, autocommit=True
    ) as connection:
        yield connection


def refused(hand, statement: str, word: str) -> None:
    with pytest.raises(psycopg.Error, match=word):
        hand.execute(statement)


EVIDENCE = ("event", "decision", "approver", "signature", "resend", "correction", "snapshot", "check_result")


@pytest.mark.parametrize("table", EVIDENCE)
def test_evidence_is_only_ever_added_to(journal, hand, table):
    column = hand.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'journal' AND table_name = %s",
        (table,),
    ).fetchone()[0]
    for statement in (
        f"UPDATE journal.{table} SET {column} = {column}",
        f"DELETE FROM journal.{table}",
        f"TRUNCATE journal.{table} CASCADE",
    ):
        refused(hand, statement, "APPEND_ONLY")


@pytest.mark.parametrize("table", ["cutover", "gate", "exception", "disposition", "batch", "item"])
def test_nothing_that_happened_can_be_deleted(journal, fence, hand, table):
    applied(journal, fence, plan_of("person", ["U1"]))
    journal.record_exceptions(fence, exceptions_of(("users", "U1", "BANK_106", 0)))
    journal.record_dispositions(fence, "users", dispositions_of(("U1", "opened", "OPENED_S")))
    refused(hand, f"DELETE FROM journal.{table}", "_KEPT|BATCH_DELIVERED")
    if table != "cutover":
        refused(hand, f"TRUNCATE journal.{table} CASCADE", "_KEPT|BATCH_DELIVERED|APPEND_ONLY")


STATES = ("planned", "sealed", "delivered", "answered", "applied", "quarantined", "unknown")
LEGAL = {
    "planned": {"sealed"},
    "sealed": {"delivered"},
    "delivered": {"answered", "quarantined", "applied", "unknown"},
    "quarantined": {"answered", "applied", "unknown"},
    "answered": {"quarantined", "applied", "unknown"},
    "unknown": {"applied"},
    "applied": set(),
}


def test_a_batch_goes_only_forward(journal, fence, hand):
    (_batch,) = journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    approve(journal, fence, "accounts")
    # the columns that later states ask for are filled while nothing holds them yet
    hand.execute(
        "UPDATE journal.batch SET request_name = 'R', request_sha256 = repeat('a', 64), result_name = 'S',"
        " result_sha256 = repeat('b', 64), digest = repeat('d', 64)"
    )
    for before in STATES:
        for after in STATES:
            hand.execute("ALTER TABLE journal.batch DISABLE TRIGGER USER")
            hand.execute("UPDATE journal.batch SET state = %s, delivered_at = now()", (before,))
            hand.execute("ALTER TABLE journal.batch ENABLE TRIGGER USER")
            if after == before or after in LEGAL[before]:
                hand.execute("UPDATE journal.batch SET state = %s", (after,))
            else:
                refused(hand, f"UPDATE journal.batch SET state = '{after}'", "BATCH_STATE")


@pytest.mark.parametrize(
    "change",
    [
        "batch_no = '000009'",
        "rows = 9",
        "sum_fen = 9",
        "request_sha256 = repeat('c', 64)",
        "result_sha256 = repeat('c', 64)",
        "digest = 'x'",
        "gate = 'x'",
    ],
)
def test_what_was_sent_and_answered_stays_as_it_was(journal, fence, hand, change):
    applied(journal, fence, plan_of("person", ["U1"]))
    refused(hand, f"UPDATE journal.batch SET {change}", "BATCH_FIXED")


def test_contents_are_what_their_digest_says(journal, fence, hand):
    delivered(journal, fence, plan_of("person", ["U1"]))
    refused(hand, "UPDATE journal.batch_content SET content = 'x'", "CONTENT_FIXED")
    refused(
        hand,
        "INSERT INTO journal.batch_content SELECT batch, 'result', 'x', sha256 FROM journal.batch_content",
        "content_digest",
    )


@pytest.mark.parametrize(
    ("outcome", "after"),
    [("ok", "refused"), ("ok", "open"), ("refused", "ok"), ("refused", "unknown"), ("unknown", "open")],
)
def test_an_item_never_leaves_a_terminal_state(journal, fence, hand, outcome, after):
    applied(journal, fence, plan_of("listing", ["L1"]), "listings.full", outcome=[outcome])
    refused(hand, f"UPDATE journal.item SET state = '{after}'", "ITEM_FINAL")


@pytest.mark.parametrize("after", ["ok", "refused"])
def test_an_unknown_item_may_be_resolved(journal, fence, hand, after):
    applied(journal, fence, plan_of("listing", ["L1"]), "listings.full", outcome=["unknown"], code=["22"])
    hand.execute("UPDATE journal.item SET state = %s", (after,))
    assert journal.items("listings")["state"].to_pylist() == [after]


@pytest.mark.parametrize(
    "change", ["key = 'U9'", "amount_fen = 1", "row_digest = NULL", "record_no = 7", "entity = 'debts'"]
)
def test_an_item_that_went_out_stays_what_it_was(journal, fence, hand, change):
    delivered(journal, fence, plan_of("person", ["U1"]))
    refused(hand, f"UPDATE journal.item SET {change}", "ITEM_FINAL")
    refused(hand, "DELETE FROM journal.item", "BATCH_DELIVERED")


def test_a_gate_opens_only_on_its_persons(journal, fence, hand):
    journal.open_gate(fence, "debts.full", 1, "d" * 64, 2, "op")
    journal.decide("debts.full", "d" * 64, "ann", "approve", "", rehearsal=True)
    refused(hand, "UPDATE journal.gate SET state = 'approved'", "GATE_NOT_APPROVED")
    refused(hand, "UPDATE journal.gate SET needed = 1", "GATE_FINAL")
    own = "INSERT INTO journal.decision SELECT no, 2, 'op', requester_key, requester_key, 'approve', '', true, now() FROM journal.gate"
    refused(hand, own, "decision_not_own")
    disguised = "INSERT INTO journal.decision SELECT no, 2, 'op', 'op', 'somebody', 'approve', '', true, now() FROM journal.gate"
    refused(hand, disguised, "decision_of_gate")
    twice = "INSERT INTO journal.decision SELECT no, 2, 'ann', 'ann', requester_key, 'approve', '', true, now() FROM journal.gate"
    refused(hand, twice, "decision_once")
    journal.decide("debts.full", "d" * 64, "bea", "reject", "", rehearsal=True)
    for state in ("pending", "approved", "superseded"):
        refused(hand, f"UPDATE journal.gate SET state = '{state}'", "GATE_FINAL|GATE_NOT_APPROVED")


def test_a_signature_is_final(journal, fence, hand):
    journal.record_exceptions(fence, exceptions_of(("debts", "D1", "OVERDUE", 1)))
    journal.sign([id_of("debts", "D1", "OVERDUE")], "ann", "r")
    for state in ("open", "mended"):
        refused(hand, f"UPDATE journal.exception SET state = '{state}'", "SIGNED_FINAL")


@pytest.mark.parametrize("disposition", ["opened", "excepted", "registered", "not_migrated"])
def test_a_terminal_disposition_stays(journal, fence, hand, disposition):
    journal.record_dispositions(fence, "debts", dispositions_of(("D1", disposition, "R")))
    refused(hand, "UPDATE journal.disposition SET disposition = 'pending'", "TERMINAL_CHANGED")


@pytest.mark.parametrize("change", ["fence = fence - 1", "head_seq = 0", "id = 'other'", "kind = 'production'"])
def test_the_run_never_goes_backwards(journal, fence, hand, change):
    refused(hand, f"UPDATE journal.cutover SET {change}", "CUTOVER_BACKWARDS")


def enumerations() -> list[tuple[str, str]]:
    return [
        ("cutover", "kind"),
        ("batch", "stage"),
        ("batch", "kind"),
        ("batch", "state"),
        ("item", "state"),
        ("item", "entity"),
        ("exception", "state"),
        ("gate", "state"),
        ("stage", "stage"),
        ("stage", "state"),
        ("check_result", "severity"),
        ("check_result", "outcome"),
        ("disposition", "disposition"),
        ("decision", "decision"),
        ("approver", "standing"),
        ("correction", "field"),
        ("resend", "entity"),
    ]


@pytest.mark.parametrize(("table", "column"), enumerations())
def test_every_enumeration_is_checked(journal, hand, table, column):
    checks = hand.execute(
        "SELECT string_agg(pg_get_constraintdef(oid), ' ') FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
        (f"journal.{table}",),
    ).fetchone()[0]
    assert f"({column} = ANY" in checks


# --- the chain under attack -------------------------------------------------------------------------------------------


def tamper(hand, statement: str) -> None:
    hand.execute("ALTER TABLE journal.event DISABLE TRIGGER USER")
    hand.execute(statement)
    hand.execute("ALTER TABLE journal.event ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE journal.event SET payload = '{\"n\":9}' WHERE seq = 2", "CHAIN_DIGEST"),
        ("UPDATE journal.event SET actor = 'eve' WHERE seq = 2", "CHAIN_DIGEST"),
        ("UPDATE journal.event SET at = at + interval '1 microsecond' WHERE seq = 2", "CHAIN_DIGEST"),
        ("UPDATE journal.event SET digest = repeat('a', 64) WHERE seq = 2", "CHAIN_DIGEST"),
        ("UPDATE journal.event SET previous = repeat('a', 64) WHERE seq = 3", "CHAIN_LINK"),
        ("DELETE FROM journal.event WHERE seq = 2", "CHAIN_GAP"),
        ("DELETE FROM journal.event WHERE seq = 4", "CHAIN_HEAD"),
        ("DELETE FROM journal.event", "CHAIN_HEAD"),
    ],
)
def test_whatever_is_done_to_the_chain_is_seen(journal, hand, statement, code):
    for n in range(3):
        journal.note("op", "said", {"n": n})
    assert journal.verify() == ()
    tamper(hand, statement)
    assert code in [finding.code for finding in journal.verify()]


# --- migrations -------------------------------------------------------------------------------------------------------


def test_the_schema_is_brought_up_to_date_once(embedded):
    url = embedded.url("fresh_schema")
    first, second = PostgresJournal(url), PostgresJournal(url)
    assert second._db.prepare() == 0
    first.begin("c1", "rehearsal")
    first.close()
    second.close()
    embedded.drop("fresh_schema")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (
            "INSERT INTO journal.schema_migration (version, name, sha256) VALUES (999, 'later', 'x')",
            "STORE_SCHEMA_NEWER",
        ),
        ("UPDATE journal.schema_migration SET sha256 = 'x' WHERE version = 1", "STORE_SCHEMA_CHANGED"),
    ],
)
def test_a_store_of_another_version_is_refused(pg_url, hand, statement, code):
    hand.execute(statement)
    with pytest.raises(ConfigurationError) as raised:
        PostgresJournal(pg_url)
    assert raised.value.reasons[0].code == code


def test_every_named_query_is_there_once():
    assert sqlfiles.source("lock_cutover").endswith("FOR UPDATE")
    with pytest.raises(KeyError):
        sqlfiles.source("no such query")
    assert [step.version for step in sqlfiles.migrations()] == list(range(1, len(sqlfiles.migrations()) + 1))


def test_helpers_of_the_contract_tests_are_what_they_seem(journal, fence):
    """The shared helpers do drive a batch to its end; otherwise the walls above would stand around nothing."""
    batch = applied(journal, fence, plan_of("debt", ["D1"]), "debts.full", NEXT)
    assert (batch.business_date, batch.state) == (NEXT, "applied")
    assert journal.items("debts")["authcode"].to_pylist() == answers_of(["D1"])["authcode"].to_pylist()
    assert approve(journal, fence, "x") == "d" * 64


def test_a_number_is_given_to_one_batch_of_its_date(journal, fence, hand):
    journal.plan(fence, [plan_of("person", ["U1"])], DAY, "accounts")
    copied = "cutover, business_date, batch_no, stage, round, kind, sample, part, rows, sum_fen, state, gate"
    refused(hand, f"INSERT INTO journal.batch ({copied}) SELECT {copied} FROM journal.batch", "batch_number")
