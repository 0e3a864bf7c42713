"""Least privilege: the whole grant matrix, and a real cutover in which each step has the login of its role."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from migration.domain.errors import ConfigurationError
from migration.journal.embedded import Embedded
from migration.journal.notary import Notary
from migration.journal.store import PostgresJournal
from migration.stages.order import STAGES, STEPS
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

ROLES = ("planner", "sender", "approver", "reporter", "withdrawals")
WORDS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}
EVERY = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

# S select, I insert, D delete, u update of the columns named below; nothing else, to nobody.
MATRIX = """
                    planner  sender  approver  reporter  withdrawals
    approver        S        S       S         S         -
    batch           SIDu     Su      Su        S         -
    batch_content   SI       SI      -         S         -
    check_result    SI       SI      S         S         -
    correction      SI       S       -         S         -
    cutover         SIu      Su      Su        S         S
    day             -        SI      -         S         -
    day_balance     -        SI      -         S         -
    day_difference  -        SI      -         S         -
    day_error       -        SI      -         S         -
    day_movement    -        SI      -         S         -
    decision        S        S       SI        S         -
    disposition     SIu      S       S         S         S
    event           SI       SI      SI        S         -
    exception       SIu      SIu     Su        S         -
    gate            SIu      S       S         S         -
    inquiry         S        SI      S         S         -
    item            SID      Su      S         S         -
    resend          S        S       SI        S         -
    schema_migration S       S       S         S         S
    signature       S        S       SI        S         -
    snapshot        SI       S       -         S         -
    stage           SIu      SIu     S         S         S
"""
COLUMNS = {
    ("planner", "batch"): {"state", "request_name", "request_sha256", "request_bytes"},
    ("sender", "batch"): {"state", "result_name", "result_sha256", "quarantined_sha256", "delivered_at", "digest"},
    ("approver", "batch"): {"state"},
    ("planner", "cutover"): {"fence", "holder", "head_seq", "head_digest"},
    ("sender", "cutover"): {"fence", "holder", "head_seq", "head_digest"},
    ("approver", "cutover"): {"head_seq", "head_digest"},
    ("planner", "disposition"): {"disposition", "reason"},
    ("planner", "exception"): {"state", "amount_fen"},
    ("sender", "exception"): {"state", "amount_fen"},
    ("approver", "exception"): {"state"},
    ("planner", "gate"): {"state"},
    ("sender", "item"): {"state", "code", "account_no", "activated", "authcode", "result_record", "inquiry"},
    ("planner", "stage"): {"state", "totals", "reasons", "ended_at"},
    ("sender", "stage"): {"state", "totals", "reasons", "ended_at"},
}


@pytest.fixture
def owner(pg_url):
    parsed = make_url(pg_url)
    with psycopg.connect(host=parsed.query["host"], user="postgres", dbname=parsed.database, autocommit=True) as one:
        yield one


def matrix() -> dict[tuple[str, str], str]:
    head, *rows = [line.split() for line in MATRIX.strip().splitlines()]
    return {(role, row[0]): word for row in rows for role, word in zip(head, row[1:], strict=True)}


def test_the_whole_grant_matrix(owner):
    wanted = matrix()
    query = "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'journal'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')"
    tables = {row[0] for row in owner.execute(query)}
    assert tables == {table for _, table in wanted}
    for (role, table), word in wanted.items():
        held = {
            privilege
            for privilege in EVERY
            if owner.execute(
                "SELECT has_table_privilege(%s, %s, %s)", (f"cutover_{role}", f"journal.{table}", privilege)
            ).fetchone()[0]
        }
        assert held == {WORDS[letter] for letter in word if letter in WORDS}, (role, table)
        columns = owner.execute(
            "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped"
            " AND has_column_privilege(%s, a.attrelid, a.attnum, 'UPDATE')",
            (f"journal.{table}", f"cutover_{role}"),
        )
        assert {row[0] for row in columns} == COLUMNS.get((role, table), set()), (role, table)
        assert ((role, table) in COLUMNS) == ("u" in word)


def test_nobody_else_has_anything_and_no_role_can_log_in(owner):
    public = owner.execute(
        "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'journal'::regnamespace AND a.grantee = 0"
    ).fetchall()
    assert public == []
    assert not owner.execute("SELECT has_schema_privilege('public', 'journal', 'USAGE')").fetchone()[0]
    for role in ROLES:
        name = f"cutover_{role}"
        assert owner.execute(
            "SELECT rolcanlogin, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = %s", (name,)
        ).fetchone() == (False, False, False, False)
        assert not owner.execute("SELECT has_schema_privilege(%s, 'journal', 'CREATE')", (name,)).fetchone()[0]
        assert not owner.execute(
            "SELECT has_function_privilege(%s, 'journal.assign_rights()', 'EXECUTE')", (name,)
        ).fetchone()[0]


def test_what_runs_with_the_owners_rights_is_one_trigger_with_a_fixed_path(owner):
    found = owner.execute(
        "SELECT proname, prorettype::regtype::text, proconfig FROM pg_proc WHERE pronamespace = 'journal'::regnamespace AND prosecdef"
    ).fetchall()
    assert found == [("decision_counts", "trigger", ["search_path=pg_catalog, pg_temp"])]


@pytest.fixture
def logins(owner, pg_url):
    """Logins of their own: two for the two halves of the run, one for the desk, one for the reports."""
    parsed = make_url(pg_url)
    made = {}
    for role in ROLES:
        name = f"t_{parsed.database}_{role}"
        owner.execute(f"CREATE ROLE {name} LOGIN IN ROLE cutover_{role}")
        made[role] = parsed.set(username=name).render_as_string(hide_password=False)
    yield made
    for role in ROLES:
        owner.execute(f"DROP ROLE t_{parsed.database}_{role}")


def test_a_cutover_in_which_each_step_has_the_login_of_its_role(pg_url, logins, tmp_path):
    """As in Airflow: tasks that plan and judge, tasks that send and collect; a desk that approves; a reporter."""
    PostgresJournal(pg_url).begin("2017-11-jx", "rehearsal")  # the owner makes schema and cutover
    opened = {role: PostgresJournal(url) for role, url in logins.items() if role != "withdrawals"}
    for store in opened.values():
        store.begin("2017-11-jx", "rehearsal")
    case = Rehearsal(tmp_path, small(), journal=opened["planner"], faults={"refuse_debts": {"L1D1": "93"}})
    case.terms = case.terms.__class__(
        **{n: getattr(case.terms, n) for n in case.terms.__slots__} | {"require_approvals": 1}
    )

    def approve() -> None:
        for gate in opened["approver"].gates():
            if gate.state == "pending":
                opened["approver"].decide(gate.gate, gate.digest, "ann", "approve", "", rehearsal=False)

    def step(stage: str, name: str) -> int:
        sends = name.startswith(("deliver", "collect"))
        case.journal = opened["sender"] if sends else opened["planner"]
        engine = case.engine(())
        case.house.seal = Notary(case.journal, tmp_path / "workspace").seal
        if name.startswith("collect"):
            case.bank.tick()
        return case._coded(lambda: engine.step(stage, name))

    for stage in STAGES[: STAGES.index("debts") + 1]:
        for one in STEPS[stage]:
            code = step(stage, one.name)
            if code == 4 and case.codes == ["APPROVAL_MISSING"]:
                approve()
                code = step(stage, one.name)
            failed = (stage, one.name) == ("debts", "collect_sample")  # the sample took everything: one was refused
            assert code == (3 if failed else 0), (stage, one.name, case.reasons)
            if failed:
                opened["approver"].sign([row["id"] for row in case.journal.exceptions().to_pylist()], "cem", "seen")
    reporter = opened["reporter"]
    assert {row["key"]: row["disposition"] for row in reporter.dispositions("debts").to_pylist()}["L1D1"] == "excepted"
    assert Notary(reporter, tmp_path / "workspace").verify() == ()
    assert Notary(reporter, tmp_path / "workspace").export(tmp_path / "bundle") in {True, False}
    for role, call in {
        "sender": lambda j: j.open_gate(j.acquire("x"), "g", 1, "d" * 64, 1, "x"),
        "planner": lambda j: j.decide("reconcile", "d" * 64, "ann", "approve", "", rehearsal=False),
        "approver": lambda j: j.acquire("x"),
        "reporter": lambda j: j.note("x", "said", {}),
    }.items():
        if role == "planner":
            opened["planner"].open_gate(opened["planner"].acquire("op"), "reconcile", 1, "d" * 64, 1, "op")
        with pytest.raises(ConfigurationError, match="STORE_RIGHTS"):
            call(opened[role])
    for store in opened.values():
        store.close()


def test_two_databases_make_the_roles_at_once(embedded):
    """Roles are the server's: the second one finds them, or meets the first in the middle."""
    names = [f"twin_{n}_{id(embedded)}" for n in range(3)]
    urls = [embedded.url(name) for name in names]
    failed = []

    def make(url: str) -> None:
        try:
            PostgresJournal(url).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            failed.append(error)

    threads = [threading.Thread(target=make, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for name in names:
        embedded.drop(name)


def test_where_roles_may_not_be_made_the_owner_works_and_is_told():
    """A hosted server: the login that makes the schema may create nothing but its tables."""
    with (
        tempfile.TemporaryDirectory(prefix="cutover-hosted-") as folder,
        Embedded(Path(folder), durable=False) as server,
    ):
        journal = PostgresJournal(server.url("hosted", "hosted_owner"))
        journal.begin("c1", "rehearsal")
        journal.note("op", "said", {})
        assert journal.missing_roles() == tuple(sorted(f"cutover_{role}" for role in ROLES))
        assert set(journal.assign_rights()) == set(journal.missing_roles())
        with server._admin() as admin:
            for role in ROLES:
                admin.execute(f"CREATE ROLE cutover_{role} NOLOGIN")
        assert journal.missing_roles() == journal.assign_rights() == ()
        assert journal.verify() == ()
        journal.close()
