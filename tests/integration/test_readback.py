"""What the bank holds is read back at the end and compared; what cannot be asked was not checked (domain.md Order and gates 8).

The sandbox bank answers over HTTPS from its books; the tests change the books behind its back.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager

import pytest

from expectations.plain import PlainJudge
from migration.domain.values import CheckResult
from tests.integration.test_asking import case_of
from tests.support.asking import asked


class OfTheBank:
    """Judges what was read back alone: the other gates have their own tests."""

    def judge(self, stage, measures, keys):
        return PlainJudge().judge(stage, measures, keys) if stage == "reconcile.bank" else ()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A cutover that is done up to its last gate, and the bank's counter."""
    root = tmp_path_factory.mktemp("readback")
    case = case_of(root / "case")
    case.judge = OfTheBank()
    with asked(case, root / "keys" / "query") as desk:
        assert case.run("residual") == 0, case.reasons
        yield case, desk


@contextmanager
def changed(case, *statements):
    """The bank's books with a change in them that no file made; taken back at the end."""
    path = case.root / "state" / "ledger.sqlite"
    with closing(sqlite3.connect(path, timeout=30)) as book:
        kept = {name: book.execute(f"SELECT * FROM {name}").fetchall() for name in ("customers", "listings", "debts")}
        with book:
            for statement in statements:
                assert book.execute(statement).rowcount == 1, statement
    try:
        yield
    finally:
        with closing(sqlite3.connect(path, timeout=30)) as book, book:
            for name, rows in kept.items():
                book.execute(f"DELETE FROM {name}")
                book.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def events(case):
    return [dict(e.payload) for e in case.journal.events() if e.kind == "read_back"]


def latest(case) -> dict[str, CheckResult]:
    return {r.rule_id: r for stage, _, _, r in case.journal.checks() if stage == "reconcile.bank"}


D1 = "WHERE substr(serial, 11) = 'L1D1'"
ACCOUNT = "(SELECT account_no FROM customers WHERE app_id = '{}')"
COPY = "INSERT INTO debts ({0}) SELECT {1} FROM debts {2}"


@pytest.mark.parametrize(
    ("change", "code", "keys"),
    [
        (f"UPDATE debts SET account_no = {ACCOUNT.format('U3')} {D1}", "BNK-007", ("L1D1",)),
        (f"UPDATE debts SET account_no = '6212469999999999999' {D1}", "BNK-006", ("L1D1",)),
        (f"UPDATE debts SET amount_fen = amount_fen + 1 {D1}", "BNK-008", ("L1D1",)),
        (f"UPDATE debts SET listing_id = 'L2' {D1}", "BNK-008", ("L1D1",)),
        (f"UPDATE debts SET authcode = '?' || substr(authcode, 2) {D1}", "BNK-008", ("L1D1",)),
        (f"UPDATE debts SET end_date = '20181002' {D1}", "BNK-008", ("L1D1",)),
        (f"DELETE FROM debts {D1}", "BNK-006", ("L1D1",)),
        ("DELETE FROM listings WHERE listing_id = 'L2'", "BNK-003", ("L2",)),
        ("UPDATE listings SET amount_fen = amount_fen - 1 WHERE listing_id = 'L2'", "BNK-004", ("L2",)),
        (f"UPDATE listings SET borrower_account = {ACCOUNT.format('U3')} WHERE listing_id = 'L2'", "BNK-004", ("L2",)),
        ("UPDATE listings SET guarantor_account = '' WHERE listing_id = 'L1'", "BNK-004", ("L1",)),
        ("UPDATE customers SET name = '某某' WHERE app_id = 'U4'", "BNK-002", ("U4",)),
        ("DELETE FROM customers WHERE app_id = 'U4'", "BNK-001", ("U4",)),
    ],
)
def test_a_change_in_the_banks_books_closes_the_last_gate(world, change, code, keys):
    case, _ = world
    with changed(case, change):
        assert case.run() == 3
        assert case.codes == [code]
        assert latest(case)[code].keys == keys
    assert "某某" not in str(case.reasons)


def test_a_debt_that_is_not_ours_is_named_by_its_digest(world):
    case, _ = world
    names = "serial, account_no, listing_id, amount_fen, authcode, end_date"
    with closing(sqlite3.connect(case.root / "state" / "ledger.sqlite", timeout=30)) as book:
        columns = [row[1] for row in book.execute("PRAGMA table_info(debts)")]
    assert set(names.split(", ")) <= set(columns)
    values = {"serial": "substr(serial, 1, 10) || '13800000002'", "authcode": "'X' || authcode"}
    copied = COPY.format(", ".join(columns), ", ".join(values.get(name, name) for name in columns), D1)
    with changed(case, copied):
        assert case.run() == 3
        assert case.codes == ["BNK-010"]
        (key,) = latest(case)["BNK-010"].keys
        assert key.startswith("?")
        assert "13800000002" not in str(case.reasons) + str(case.said)


@pytest.mark.parametrize("how", ["502", "rate", "signature", "number"])
@pytest.mark.parametrize("question", ["accountIdQuery", "debtDetailsQuery", "creditDetailsQuery"])
def test_a_question_without_a_believable_answer_leaves_the_gate_shut(world, question, how):
    """The fault table's kinds: not reachable, too often for good, a forged answer, a number that is wrong."""
    case, _ = world
    before = len(events(case))
    case.faults({"query": [{"id": f"{question}-{how}", "match": question, "how": how, "times": 99}]})
    try:
        code = case.run()
    finally:
        case.faults({})
    if (question, how) == ("debtDetailsQuery", "number"):  # another account: answered, and found to differ
        assert (code, case.codes) == (3, ["BNK-004"])
        return
    if (question, how) == ("accountIdQuery", "number"):
        assert (code, case.codes) == (3, ["BNK-002"])
        return
    assert code == 5, case.reasons
    assert len(events(case)) == before, "nothing is told of that was not seen"
    assert {r.outcome for r in latest(case).values()} == {"not_checked"}


def test_in_the_day_cut_it_is_asked_later(world):
    case, _ = world
    case.faults({"query": [{"match": "creditDetailsQuery", "how": "day_cut", "times": 1}]})
    assert case.run() == 4
    assert case.codes == ["QUERY_DAY_CUT"]
    case.faults({})


def personal(case):
    """Names, ID numbers, phones and account numbers of everybody."""
    users = case.house.table("users").select(["name", "id_no", "phone", "corporate_account"]).to_pylist()
    numbers = [n for n in case.exports()["users"]["account_no"].to_pylist() if n]
    return {value for row in users for value in row.values() if value} | set(numbers)


def test_nobodys_data_stands_in_what_is_said_kept_or_logged(world, caplog, capfd):
    """Canaries: a debt was moved at the bank, and then questions about debts are answered wrongly or not at all."""
    case, _ = world
    secrets = personal(case)
    assert len(secrets) >= 20
    with caplog.at_level("DEBUG"):
        with changed(case, f"UPDATE debts SET account_no = {ACCOUNT.format('U3')} {D1}"):
            assert case.run() == 3
        told = [str(case.reasons)]
        for how in ("502", "signature", "number"):
            case.faults({"query": [{"id": f"canary-{how}", "match": "creditDetailsQuery", "how": how, "times": 99}]})
            assert case.run() == 5
            told.append(str(case.reasons))
        case.faults({})
    kept = [str(e.payload) for e in case.journal.events() if e.kind != "snapshot"] + [str(case.journal.checks())]
    everything = "\n".join([*told, *case.said, *kept, caplog.text, *capfd.readouterr()])
    assert "BNK-007" in everything
    assert "QUERY_" in everything
    assert {secret for secret in secrets if secret in everything} == set()


def test_when_all_stands_the_cutover_ends_and_the_journal_tells_what_was_seen(world):
    """Last of this file: it finishes the case that the others share."""
    case, desk = world
    desk.asked.clear()
    assert case.run() == 0, case.reasons
    told = events(case)[-1]
    assert {name: one["rows"] for name, one in told["held"].items()} == {"accounts": 5, "listings": 3, "debts": 9}
    assert told["due"] == {"accounts": 5, "listings": 3, "debts": 9}
    assert told["differing"] == {}
    assert {r.outcome for r in latest(case).values()} == {"passed"}
    assert len([m for m in desk.asked if m["txCode"] == "debtDetailsQuery"]) == 3, "each is asked once a run"


def test_without_a_query_channel_nothing_is_asked_and_no_check_of_it_is_kept(tmp_path):
    case = case_of(tmp_path)
    assert case.run() == 0
    assert latest(case) == {}
    assert events(case) == []
