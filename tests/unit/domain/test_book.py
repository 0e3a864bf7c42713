"""What the book gathers about users from the other entities: cash, receivables, parties, positions."""

from __future__ import annotations

import pytest

from tests.contract.platforms import row
from tests.support.platform import loan, person
from tests.unit.domain.facts import book

PEOPLE = {"users": [person(n) for n in range(1, 5)]}


def twin(**changes):
    """U5 is the same person as U2; by the numbers of the two, U2 would be kept."""
    return {"users": [{**person(5), "name": person(2)["name"], "id_no": person(2)["id_no"], **changes}]}


def cash(user: str, available: str = "0.00", frozen: str = "0.00"):
    return {
        "escrow_accounts": [
            row("escrow_accounts", escrow_id=f"E{user}", user_id=user, available=available, frozen=frozen)
        ]
    }


def kept(*parts) -> str:
    users = book(PEOPLE, twin(), *parts).users.users
    return dict(zip(users["user_id"].to_pylist(), users["kept_user_id"].to_pylist(), strict=True))["U2"]


def test_without_any_difference_the_smaller_id_is_kept():
    assert kept() == "U2"


def test_two_pairs_of_accounts_are_two_persons():
    second = {"users": [{**person(6), "name": person(3)["name"], "id_no": person(3)["id_no"]}]}
    third = {"users": [{**person(7), "name": person(3)["name"], "id_no": person(3)["id_no"]}]}
    users = book(PEOPLE, twin(), second, third).users.users
    found = dict(zip(users["user_id"].to_pylist(), users["kept_user_id"].to_pylist(), strict=True))
    assert found == {"U1": "U1", "U2": "U2", "U3": "U3", "U4": "U4", "U5": "U2", "U6": "U3", "U7": "U3"}


def test_frozen_cash_counts_as_balance():
    assert kept(cash("U2", "1.00"), cash("U5", "0.50", "1.00")) == "U5"
    assert kept(cash("U2", "1.00"), cash("U5", "0.50", "0.50")) == "U2"


@pytest.mark.parametrize(("status", "who"), [("open", "U5"), ("finished", "U2")])
def test_receivables_are_the_principal_of_open_debts(status, who):
    lent = loan(1, "U1", {"U5": "10.00", "U3": "5.00"})
    lent["debts"][0]["status"] = status
    assert kept(lent, cash("U2", "900.00")) == who


@pytest.mark.parametrize(
    ("role", "status", "who"),
    [
        ("borrower_id", "repaying", "U5"),
        ("borrower_id", "overdue", "U5"),
        ("borrower_id", "finished", "U2"),
        ("borrower_id", "raising", "U2"),
        ("guarantor_id", "repaying", "U5"),
        ("payee_id", "repaying", "U2"),
        ("nominal_borrower_id", "repaying", "U2"),
    ],
)
def test_a_party_to_an_open_listing_is_kept_before_who_has_cash(role, status, who):
    listing = loan(1, "U1", {"U3": "5.00"}, status=status, **({role: "U5"} if role != "borrower_id" else {}))
    if role == "borrower_id":
        listing["listings"][0]["borrower_id"] = "U5"
    assert kept(listing, cash("U2", "900.00")) == who


def position_of(*parts) -> bool:
    users = book(PEOPLE, *parts).users.users
    return dict(zip(users["user_id"].to_pylist(), users["position"].to_pylist(), strict=True))["U4"]


@pytest.mark.parametrize(
    ("debt", "open_position"),
    [
        ({"principal": "1.00"}, True),
        ({"principal": "0.00", "interest": "0.01"}, True),
        ({"principal": "0.00", "bonus_interest": "0.01"}, True),
        ({"principal": "0.00"}, False),
        ({"principal": "1.00", "status": "finished"}, False),
    ],
)
def test_a_position_is_an_open_debt_of_which_something_is_owed(debt, open_position):
    lent = loan(1, "U1", {"U4": "1.00"})
    lent["debts"][0] |= {"interest": "0.00", "bonus_interest": "0.00"} | debt
    assert position_of(lent) is open_position


@pytest.mark.parametrize("role", ["guarantor_id", "payee_id", "nominal_borrower_id"])
def test_a_position_is_also_to_be_a_party_of_an_open_listing(role):
    assert position_of(loan(1, "U1", {"U3": "1.00"}, **{role: "U4"})) is True
    assert position_of(loan(1, "U1", {"U3": "1.00"}, status="finished", **{role: "U4"})) is False
    assert position_of(loan(1, "U1", {"U3": "1.00"})) is False
    assert position_of(loan(1, "U4", {"U3": "1.00"})) is True


def test_the_words_for_those_who_are_not_refused():
    platform = {"users": [{**person(9), "kind": "platform", "user_id": "P"}, person(6, status="closed")]}
    users = book(PEOPLE, twin(), platform, opened=["U1"]).users.users
    found = {r["user_id"]: (r["disposition"], r["reason"], r["from_merge"]) for r in users.to_pylist()}
    assert found["P"] == ("closed", "PLATFORM_ACCOUNT", False)
    assert found["U5"] == ("merged", "MERGED", False)
    assert found["U2"] == ("pending", None, True)
    assert found["U6"] == ("closed", "CLOSED", False)
    assert found["U1"] == ("opened", "OPENED_S", False)
