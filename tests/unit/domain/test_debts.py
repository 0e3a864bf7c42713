"""Debts: every reason by itself, which of two counts, what a listing passes on, and what is sent."""

from __future__ import annotations

import itertools

import pytest

from migration.domain import reasons
from tests.support.platform import loan, person
from tests.unit.domain.facts import answer, book, ends

PEOPLE = {"users": [*(person(n) for n in range(1, 5)), {**person(9), "kind": "platform", "user_id": "P"}]}
OPENED = ("U1", "U2", "U3")
"""U4 has no account."""
LISTED = [answer("L1", stage="listings")]


def world(debt=None, listing=None):
    part = loan(1, "U1", {"U2": "60.00"})
    part["debts"][0].update({"interest": "0.00", **(debt or {})})
    part["listings"][0].update(listing or {})
    part["schedules"][0]["principal"] = part["debts"][0]["principal"]
    return PEOPLE, part


def one(debt=None, listing=None, **known):
    """(disposition, reason) of a debt with these changes, its listing registered."""
    known.setdefault("opened", OPENED)
    known.setdefault("listings", LISTED)
    return ends(book(*world(debt, listing), **known).debts)[(debt or {}).get("debt_id", "L1D1")]


def bank(state="refused", code="93"):
    return {"debts": [answer("L1D1", state, code=code, stage="debts", batch_no="000009")]}


@pytest.mark.parametrize(
    ("debt", "listing", "known", "expected"),
    [
        ({}, {}, {}, ("pending", None)),
        ({}, {}, bank("ok"), ("registered", "REGISTERED")),
        ({"lender_id": "X"}, {}, {}, ("blocked", "ORPHAN")),
        ({"lender_id": None}, {}, {}, ("blocked", "ORPHAN")),
        ({"listing_id": "X"}, {}, {}, ("blocked", "ORPHAN")),
        ({"status": "finished"}, {}, {}, ("not_migrated", "FINISHED")),
        ({"principal": "0.00"}, {}, {}, ("not_migrated", "ZERO")),
        ({"principal": "0.00", "interest": "0.01"}, {}, {}, ("blocked", "INTEREST_ONLY")),
        ({"principal": "0.00", "bonus_interest": "0.01"}, {}, {}, ("blocked", "INTEREST_ONLY")),
        ({}, {"status": "finished"}, {"listings": []}, ("blocked", "LISTING_NOT_OPEN")),
        ({}, {"status": "full"}, {"listings": []}, ("blocked", "LISTING_NOT_OPEN")),
        ({"lender_id": "P"}, {}, {}, ("blocked", "PLATFORM_PARTY")),
        ({"lender_id": "U1"}, {}, {}, ("blocked", "SELF_LOAN")),
        ({"lender_id": "P"}, {"borrower_id": "P"}, {"listings": []}, ("blocked", "PLATFORM_PARTY")),
        ({"lender_id": "U3"}, {"guarantor_id": "U3"}, {}, ("pending", None)),
        ({"debt_id": "D-1"}, {}, {}, ("blocked", "FIELD_INVALID")),
        ({"debt_id": "D" * 31}, {}, {}, ("blocked", "FIELD_INVALID")),
        ({"acquired_on": None}, {}, {"issues": [("debts", "L1D1", "acquired_on", "DATE_INVALID")]},
         ("blocked", "FIELD_INVALID")),
        ({}, {"value_date": "2017-11-19"}, {}, ("blocked", "FIELD_INVALID")),
        ({}, {"value_date": "2017-11-18"}, {}, ("pending", None)),
        ({}, {"maturity_date": "2017-11-17"}, {}, ("blocked", "OVERDUE")),
        ({}, {"maturity_date": "2017-11-18"}, {}, ("pending", None)),
        ({}, {"status": "overdue"}, {}, ("pending", None)),
        ({"lender_id": "U4"}, {}, {}, ("pending", "PARTY_NOT_OPENED")),
        ({"lender_id": "U4"}, {}, {"refused": {"U4": "106"}}, ("blocked", "PARTY_NOT_OPENED")),
        ({"lender_id": "U4"}, {}, {"refused": {"U4": "106"}, "signed": [("users", "U4", "BANK_106")]},
         ("excepted", "PARTY_NOT_OPENED")),
        ({}, {}, bank(), ("blocked", "BANK_93")),
        ({}, {}, bank("unknown", "99"), ("blocked", "BANK_99")),
        ({}, {}, bank() | {"signed": [("debts", "L1D1", "BANK_93")]}, ("excepted", "BANK_93")),
        ({}, {}, bank("ok") | {"signed": [("debts", "L1D1", "BANK_93")]}, ("registered", "REGISTERED")),
        ({"lender_id": "U4", "status": "finished"}, {}, {"refused": {"U4": "106"}, "signed": [("users", "U4", "BANK_106")]},
         ("not_migrated", "FINISHED")),
    ],
)  # fmt: skip
def test_a_reason_by_itself(debt, listing, known, expected):
    assert one(debt, listing, **known) == expected


def test_the_order_of_reasons_is_the_contracts():
    assert reasons.ORDER == (
        "ORPHAN", "FINISHED", "CANCELLED", "NOT_LENT", "ZERO", "INTEREST_ONLY", "LISTING_NOT_OPEN", "PLATFORM_PARTY",
        "SELF_LOAN", "FIELD_INVALID", "NAME_UNENCODABLE", "OVERDUE", "SCHEDULE_MISMATCH", "PARTY_NOT_OPENED", "BANK",
    )  # fmt: skip


def test_one_fen_between_schedule_and_debts_holds_every_debt_of_the_listing():
    part = loan(1, "U1", {"U2": "60.00", "U3": "40.00"})
    part["schedules"][0]["principal"] = "100.01"
    found = ends(book(PEOPLE, part, opened=OPENED, listings=LISTED).debts)
    assert set(found.values()) == {("blocked", "SCHEDULE_MISMATCH")}


OWN = {
    "ORPHAN": ({"lender_id": "X"}, {}, {}),
    "FINISHED": ({"status": "finished"}, {}, {}),
    "INTEREST_ONLY": ({"principal": "0.00", "interest": "0.01"}, {}, {}),
    "LISTING_NOT_OPEN": ({}, {"status": "cancelled"}, {}),
    "SELF_LOAN": ({"lender_id": "U1"}, {}, {}),
    "FIELD_INVALID": ({"debt_id": "D-1"}, {}, {}),
    "OVERDUE": ({}, {"maturity_date": "2017-11-17"}, {}),
    "PARTY_NOT_OPENED": ({"lender_id": "U4"}, {}, {"refused": {"U4": "106"}}),
}
"""In the order of contract.md section 4."""


PAIRS = [
    (first, second)
    for first, second in itertools.combinations(OWN, 2)
    if not (OWN[first][0].keys() & OWN[second][0].keys() or OWN[first][1].keys() & OWN[second][1].keys())
]
"""Two causes that one debt can have at once: they want no cell to be two things."""


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_reasons_the_earlier_counts(first, second):
    (debt, listing, known), (debt2, listing2, known2) = OWN[first], OWN[second]
    assert one(debt | debt2, listing | listing2, **(known | known2))[1] == first


@pytest.mark.parametrize(
    ("debt", "listing", "known", "expected"),
    [
        # the listing's comes first, or stands alone
        ({}, {"title": "䶮"}, {"listings": []}, ("blocked", "FIELD_INVALID")),
        ({}, {"guarantor_id": "P"}, {"listings": []}, ("blocked", "PLATFORM_PARTY")),
        ({}, {"guarantor_id": "X"}, {"listings": []}, ("blocked", "ORPHAN")),
        ({}, {}, {"listings": [answer("L1", "refused", code="20")]}, ("blocked", "BANK_20")),
        ({}, {"maturity_date": "2017-11-17", "title": "䶮"}, {"listings": []}, ("blocked", "FIELD_INVALID")),
        # the debt's own comes first
        ({"lender_id": "U1"}, {"title": "䶮"}, {"listings": []}, ("blocked", "SELF_LOAN")),
        ({"lender_id": "P"}, {"title": "䶮"}, {"listings": []}, ("blocked", "PLATFORM_PARTY")),
        ({"principal": "0.00"}, {"title": "䶮"}, {"listings": []}, ("not_migrated", "ZERO")),
        ({"status": "finished"}, {"title": "䶮"}, {"listings": []}, ("not_migrated", "FINISHED")),
        ({}, {"maturity_date": "2017-11-17"}, {"listings": [answer("L1", "refused", code="20")]}, ("blocked", "OVERDUE")),
        # a listing that stays behind passes nothing on
        ({"status": "finished"}, {"status": "finished"}, {"listings": []}, ("not_migrated", "FINISHED")),
        # signing the listing signs its debts, each with the cause that counts for it
        ({}, {"title": "䶮"}, {"listings": [], "signed": [("listings", "L1", "FIELD_INVALID")]},
         ("excepted", "FIELD_INVALID")),
        ({"lender_id": "U1"}, {"title": "䶮"}, {"listings": [], "signed": [("listings", "L1", "FIELD_INVALID")]},
         ("excepted", "SELF_LOAN")),
        ({"principal": "0.00"}, {"title": "䶮"}, {"listings": [], "signed": [("listings", "L1", "FIELD_INVALID")]},
         ("not_migrated", "ZERO")),
        ({}, {"payee_id": "U4"}, {"listings": [], "refused": {"U4": "106"}, "signed": [("users", "U4", "BANK_106")]},
         ("excepted", "PARTY_NOT_OPENED")),
    ],
)  # fmt: skip
def test_what_a_listing_passes_on_to_its_debts(debt, listing, known, expected):
    assert one(debt, listing, **known) == expected


def test_an_inherited_refusal_is_no_exception_of_the_debt():
    found = book(*world({}, {"title": "䶮"}), opened=OPENED)
    assert (found.debts.inherited.tolist(), found.debts.own_exception.tolist()) == ([True], [False])


def test_a_debt_that_keeps_preflight_shut_is_an_exception_beside_its_listing():
    """Both are FIELD_INVALID, but only the debt's impossible date shuts preflight (H27)."""
    date_lost = [("debts", "L1D1", "acquired_on", "DATE_INVALID")]
    parts = world({"acquired_on": None}, {"title": "䶮"})
    found = book(*parts, opened=OPENED, issues=date_lost)
    assert (found.debts.preflight_shut.tolist(), found.debts.own_exception.tolist()) == ([True], [True])
    settled = book(*parts, opened=OPENED, issues=date_lost, signed=[("listings", "L1", "FIELD_INVALID")])
    assert (settled.debts.preflight_shut.tolist(), settled.debts.own_exception.tolist()) == ([False], [False])


def test_a_signature_does_not_reach_what_is_settled():
    """A signed lender: the debt left to settle is signed with him, the one finished and the one registered are not."""
    part = loan(1, "U1", {"U4": "60.00", "U2": "1.00", "U3": "2.00"})
    part["debts"][1]["lender_id"] = part["debts"][2]["lender_id"] = "U4"
    part["debts"][1]["status"] = "finished"
    done = [answer("L1D3", stage="debts", batch_no="000009")]
    signed = [("users", "U4", "BANK_106")]
    found = book(PEOPLE, part, opened=OPENED, refused={"U4": "106"}, listings=LISTED, debts=done, signed=signed).debts
    assert [found.signed.tolist(), found.by_other.tolist()] == [[True, False, False]] * 2


def test_a_debt_waits_for_its_listing():
    found = book(*world(), opened=OPENED).debts
    assert ends(found)["L1D1"] == ("pending", None)
    assert found.sendable.tolist() == [False]
    assert book(*world(), opened=OPENED, listings=LISTED).debts.sendable.tolist() == [True]


def test_a_merged_lender_who_is_the_borrower_lends_to_himself():
    twin = {**person(5), "name": person(1)["name"], "id_no": person(1)["id_no"]}
    parts = loan(1, "U1", {"U5": "1.00", "U2": "2.00"})
    found = book(PEOPLE, {"users": [twin]}, parts, opened=OPENED, listings=LISTED).debts
    assert ends(found) == {"L1D1": ("blocked", "SELF_LOAN"), "L1D2": ("pending", None)}
    assert found.holder.kept_id.to_pylist() == ["U1", "U2"]


def test_the_first_of_all_users_can_lend_to_himself_too():
    first = {**person(5), "user_id": "A"}
    part = loan(1, "A", {"A": "1.00", "U2": "2.00"})
    found = book(PEOPLE, {"users": [first]}, part, opened=(*OPENED, "A"), listings=LISTED).debts
    assert ends(found) == {"L1D1": ("blocked", "SELF_LOAN"), "L1D2": ("pending", None)}


def test_a_row_to_be_sent_is_net_with_the_consented_end():
    consent = {
        "extensions": [{"listing_id": "L1", "new_maturity_date": "2018-03-01", "consented_at": "2017-11-02 00:00:00"}]
    }
    parts = (*world({"principal": "12.34"}, {"maturity_date": "2017-11-17"}), consent)
    found = book(*parts, opened=OPENED, listings=LISTED, overdue="extend_with_consent").debts
    (row,) = found.rows(found.sendable).to_pylist()
    assert (row["holder_account"], row["amount_fen"], str(row["end_date"])) == ("A-U2", 1234, "2018-03-01")


def test_only_an_orphan_or_a_lost_date_keeps_preflight_shut():
    def shut(*parts, **known):
        return book(*parts, **known).debts.preflight_shut.tolist()

    assert shut(*world(), opened=OPENED) == [False]
    assert shut(*world({"status": "finished"}), opened=OPENED) == [False]
    assert shut(*world({"principal": "0.00", "interest": "1.00"}), opened=OPENED) == [False]
    assert shut(*world({"lender_id": "X"}), opened=OPENED) == [True]
    assert shut(*world({"listing_id": "X"}), opened=OPENED) == [True]
    assert shut(*world({"lender_id": "X"}), opened=OPENED, signed=[("debts", "L1D1", "ORPHAN")]) == [False]
