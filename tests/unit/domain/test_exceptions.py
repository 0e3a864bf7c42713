"""The list of exceptions: each once, with the money that hangs on it, and nothing that another's signature settles."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from migration.domain import exceptions
from migration.domain.book import derive
from migration.domain.tables import ITEMS
from tests.contract.platforms import row
from tests.support.platform import loan, person
from tests.unit.domain.facts import answer, book, facts

PEOPLE = {"users": [*(person(n) for n in range(1, 5)), {**person(9), "kind": "platform", "user_id": "P"}]}


def standing(found):
    return {(r["entity"], r["key"]): (r["code"], r["amount_fen"]) for r in exceptions.standing(found).to_pylist()}


def test_a_clean_platform_has_none():
    assert standing(book(PEOPLE, loan(1, "U1", {"U2": "1.00"}))) == {}


def test_a_refused_holder_is_listed_with_all_he_holds_and_his_debts_are_not():
    twin = {"users": [{**person(5), "name": person(2)["name"], "id_no": person(2)["id_no"]}]}
    parts = (PEOPLE, twin, loan(1, "U1", {"U2": "100.00", "U5": "0.01", "U3": "5.00"}))
    known = {"opened": ["U1", "U3", "U4"], "refused": {"U2": "106"}}
    assert standing(book(*parts, **known)) == {("users", "U2"): ("BANK_106", 10001)}


def test_listings_count_what_is_outstanding_and_debts_their_principal():
    spoilt, self_loan = loan(1, "U1", {"U2": "7.00"}), loan(2, "U1", {"U1": "3.00"})
    spoilt["listings"][0]["title"] = "䶮"
    over = {
        "debts": [row("debts", debt_id="OVER", listing_id="L9", lender_id="U2", principal="9.00", status="finished")]
    }
    assert standing(book(PEOPLE, spoilt, self_loan, over, loan(9, "U1", {"U2": "1.00"}))) == {
        ("listings", "L1"): ("FIELD_INVALID", 700),
        ("debts", "L2D1"): ("SELF_LOAN", 300),
    }


def test_orphans_of_every_entity():
    lost = {
        "escrow_accounts": [row("escrow_accounts", escrow_id="E1", user_id="X", available="1.00", frozen="0.50")],
        "schedules": [row("schedules", listing_id="X", period=3, principal="5.00", principal_paid="2.00")],
        "authorisations": [row("authorisations", serial="S1", user_id="X")],
        "in_flight": [row("in_flight", id="F1", user_id="X", amount="0.07")],
        "debts": [row("debts", debt_id="D1", listing_id="X", lender_id="U2", principal="4.00")],
    }
    assert standing(book(PEOPLE, lost)) == {
        ("escrow_accounts", "E1"): ("ORPHAN", 150),
        ("schedules", "X/3"): ("ORPHAN", 300),
        ("authorisations", "S1"): ("ORPHAN", 0),
        ("in_flight", "F1"): ("ORPHAN", 7),
        ("debts", "D1"): ("ORPHAN", 400),
    }


def test_an_authorisation_of_unknown_outcome_is_one_without_money():
    mandate = {"authorisations": [row("authorisations", serial="S1", user_id="U2")]}
    known = facts(PEOPLE, mandate, opened=["U2"])
    asked = pa.Table.from_pylist([answer("S1", "unknown", code="11", stage="debts")], ITEMS)
    found = derive(replace(known, items={**known.items, "authorisations": asked}))
    assert standing(found) == {("authorisations", "S1"): ("BANK_11", 0)}


def test_what_is_signed_itself_stays_on_the_list_and_what_hangs_on_it_goes():
    parts = (PEOPLE, loan(1, "U1", {"U1": "3.00", "U2": "4.00"}, guarantor_id="P"))
    before = standing(book(*parts))
    assert before == {("listings", "L1"): ("PLATFORM_PARTY", 700)}
    overdue = (PEOPLE, loan(1, "U4", {"U2": "4.00"}, maturity_date="2017-01-01"))
    known = {"opened": ["U1", "U2", "U3"], "refused": {"U4": "106"}}
    assert standing(book(*overdue, **known)) == {
        ("users", "U4"): ("BANK_106", 0),
        ("debts", "L1D1"): ("OVERDUE", 400),
    }
    after = standing(book(*overdue, signed=[("users", "U4", "BANK_106")], **known))
    assert after == {("users", "U4"): ("BANK_106", 0)}
