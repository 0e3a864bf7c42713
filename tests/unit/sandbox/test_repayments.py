"""REPAY: the sandbox judges a drill's repayments by its own books and books them beside these."""

from __future__ import annotations

import pytest

from migration.sandbox.bank import dump
from tests.unit.sandbox.bankfiles import DAY, FOLDER, debt, listing, text

BOOKS = ("accounts", "listings", "debts", "authorisations", "effects", "incidents")


@pytest.fixture
def people(town):
    """U0 borrows L1 from U1 (D1, 2,500.00) and U2 (D2, 2,500.00), L2 from U1 (D3)."""
    accounts = town.open_customers(3)
    town.ask("000002", listing("L1", accounts[0]), listing("L2", accounts[0]))
    town.ask("000003", debt("D1", accounts[1], "L1"), debt("D2", accounts[2], "L1"), debt("D3", accounts[1], "L2"))
    return accounts


@pytest.fixture
def codes(town, people):
    return {row["debt_id"]: row["authcode"] for row in dump(town.state)["debts"]}


def repay(
    payer,
    payee,
    debt_id,
    code,
    *,
    batch="010001",
    amount="0000000250000",
    interest="0000000000009",
    bid="L1",
    bank="3005",
):
    record = (
        text(bank, 4) + text(batch, 6) + text(payer, 19) + text(payee, 19) + text("0001870000" + debt_id, 40)
        + text(amount, 13) + text(interest, 13) + text(code, 20) + text(bid, 40) + text("", 60)
    )  # fmt: skip
    assert len(record) == 234
    return record


def ask(town, batch, *records):
    town.place("out", FOLDER, f"3005-REPAY-000187-{batch}-{DAY}").write_bytes(b"".join(r + b"\n" for r in records))
    town.bank.tick()
    answer = town.place("in", FOLDER, f"3005-REPAYRESP-000187-{batch}-{DAY}")
    return [answer.read_bytes()[at : at + 296] for at in range(0, answer.stat().st_size, 297)]


def said(record):
    """Code, and what is left of debt and listing, received and paid so far."""
    return record[174:176].decode(), *(int(record[a:b]) for a, b in ((176, 189), (189, 202), (202, 219), (219, 236)))


def test_pays_debts_off_and_keeps_running_totals(town, people, codes):
    borrower, first, other = people
    answers = ask(
        town, "010001", repay(borrower, first, "D1", codes["D1"]), repay(borrower, other, "D2", codes["D2"]),
        repay(borrower, first, "D3", codes["D3"], bid="L2", amount="0000000249999"),
    )  # fmt: skip
    assert [said(a) for a in answers] == [
        ("00", 0, 250_000, 250_009, 250_009),
        ("00", 0, 0, 250_009, 500_018),
        ("00", 1, 1, 500_017, 750_026),
    ]
    assert answers[0][:174] == repay(borrower, first, "D1", codes["D1"])[:174]


def test_a_code_pays_once_in_a_drill_and_anew_in_the_next(town, people, codes):
    borrower, first, _ = people
    assert [said(a)[0] for a in ask(town, "010001", repay(borrower, first, "D1", codes["D1"]))] == ["00"]
    (again,) = ask(town, "010002", repay(borrower, first, "D1", codes["D1"], batch="010002"))
    assert said(again) == ("57", 0, 0, 0, 0)
    (anew,) = ask(town, "020001", repay(borrower, first, "D1", codes["D1"], batch="020001"))
    assert said(anew) == ("00", 0, 250_000, 250_009, 250_009)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "A0000000000000000000"}, "51"),
        ({"debt_id": "D2"}, "52"),
        ({"bid": "L2"}, "53"),
        ({"payee": 2}, "54"),
        ({"payer": 1}, "55"),
        ({"amount": "0000000250001"}, "56"),
        ({"amount": "0000000000000"}, "99"),
        ({"amount": " 000000250000"}, "99"),
        ({"interest": "00000000000.9"}, "99"),
        ({"code": ""}, "99"),
        ({"bank": "3006"}, "99"),
        ({"batch": "010002"}, "99"),
    ],
)
def test_refuses_by_its_own_books(town, people, codes, change, code):
    facts = {"payer": 0, "payee": 1, "debt_id": "D1", "code": codes["D1"]} | change
    facts |= {side: people[facts[side]] for side in ("payer", "payee")}
    assert [said(a) for a in ask(town, "010001", repay(**facts))] == [(code, 0, 0, 0, 0)]


def test_a_file_that_is_taken_again_pays_nothing_twice_and_the_books_stay_as_they_were(town, people, codes):
    before = {name: rows for name, rows in dump(town.state).items() if name in BOOKS}
    borrower, first, _ = people
    answers = ask(town, "010001", repay(borrower, first, "D1", codes["D1"]))
    town.restart()
    town.place("in", FOLDER, f"3005-REPAYRESP-000187-010001-{DAY}").unlink()
    assert ask(town, "010001", repay(borrower, first, "D1", codes["D1"])) == answers
    after = dump(town.state)
    assert [(r["drill"], r["authcode"], r["principal"], r["interest"]) for r in after["repayments"]] == [
        ("01", codes["D1"], 250_000, 9)
    ]
    assert {name: after[name] for name in BOOKS} == before
