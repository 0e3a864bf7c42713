"""Listings: every reason by itself, which of two counts, and what is sent."""

from __future__ import annotations

import itertools
from datetime import date

import pytest

from tests.support.platform import company, loan, person
from tests.unit.domain.facts import answer, book, ends

PEOPLE = {"users": [*(person(n) for n in range(1, 5)), {**person(9), "kind": "platform", "user_id": "P"}, company(1)]}
OPENED = ("U1", "U2", "U3", "C1")
"""U4 has no account."""


def one(changes, **known):
    """(disposition, reason) of a listing with these changes, all but U4 opened."""
    part = loan(1, "U1", {"U2": "60.00"})
    part["listings"][0].update(changes)
    known.setdefault("opened", OPENED)
    return ends(book(PEOPLE, part, **known).listings)[changes.get("listing_id", "L1")]


BAD_DATE = [("listings", "L1", "maturity_date", "DATE_INVALID")]


def ok(key="L1", **changes):
    return answer(key, stage="listings", **changes)


@pytest.mark.parametrize(
    ("changes", "known", "expected"),
    [
        ({}, {}, ("pending", None)),
        ({}, {"listings": [ok()]}, ("registered", "REGISTERED")),
        ({"borrower_id": "X"}, {}, ("blocked", "ORPHAN")),
        ({"borrower_id": None}, {}, ("blocked", "ORPHAN")),
        ({"guarantor_id": "X"}, {}, ("blocked", "ORPHAN")),
        ({"payee_id": "X"}, {}, ("blocked", "ORPHAN")),
        ({"nominal_borrower_id": "X"}, {}, ("blocked", "ORPHAN")),
        ({"status": "finished"}, {}, ("not_migrated", "FINISHED")),
        ({"status": "cancelled"}, {}, ("not_migrated", "CANCELLED")),
        ({"status": "raising"}, {}, ("not_migrated", "NOT_LENT")),
        ({"status": "full"}, {}, ("not_migrated", "NOT_LENT")),
        ({"guarantor_id": "P"}, {}, ("blocked", "PLATFORM_PARTY")),
        ({"nominal_borrower_id": "P"}, {}, ("blocked", "PLATFORM_PARTY")),
        ({"title": "借款䶮"}, {}, ("blocked", "FIELD_INVALID")),
        ({"title": "借" * 31}, {}, ("blocked", "FIELD_INVALID")),
        ({"title": "借" * 30}, {}, ("pending", None)),
        ({"title": "a\nb"}, {}, ("blocked", "FIELD_INVALID")),
        ({"title": None}, {}, ("blocked", "FIELD_INVALID")),
        ({"annual_rate": "12.123456"}, {}, ("blocked", "FIELD_INVALID")),
        ({"annual_rate": "12.1234500"}, {}, ("pending", None)),
        ({"annual_rate": "999.99999"}, {}, ("pending", None)),
        ({"annual_rate": "1000"}, {}, ("blocked", "FIELD_INVALID")),
        ({"annual_rate": None}, {}, ("blocked", "FIELD_INVALID")),
        ({"term_days": 9999}, {}, ("pending", None)),
        ({"term_days": 10000}, {}, ("blocked", "FIELD_INVALID")),
        ({"interest_day": 31}, {}, ("pending", None)),
        ({"interest_day": 32}, {}, ("blocked", "FIELD_INVALID")),
        ({"interest_day": 0}, {}, ("blocked", "FIELD_INVALID")),
        ({"interest_day": 0, "repayment_method": "at_maturity"}, {}, ("pending", None)),
        ({"interest_day": None}, {}, ("pending", None)),
        ({"listing_id": "L" * 41}, {}, ("blocked", "FIELD_INVALID")),
        ({"listing_id": "L-1"}, {}, ("blocked", "FIELD_INVALID")),
        ({"maturity_date": None}, {"issues": BAD_DATE}, ("blocked", "FIELD_INVALID")),
        ({"maturity_date": "2017-11-17"}, {}, ("pending", None)),
        ({"guarantor_id": "U4"}, {}, ("pending", "PARTY_NOT_OPENED")),
        ({"guarantor_id": "U4"}, {"refused": {"U4": "106"}}, ("blocked", "PARTY_NOT_OPENED")),
        ({"payee_id": "U4"}, {"refused": {"U4": "106"}, "signed": [("users", "U4", "BANK_106")]},
         ("excepted", "PARTY_NOT_OPENED")),
        ({}, {"listings": [ok(state="refused", code="20")]}, ("blocked", "BANK_20")),
        ({}, {"listings": [ok(state="unknown", code="22")]}, ("blocked", "BANK_22")),
        ({}, {"listings": [ok(state="refused", code="20")], "signed": [("listings", "L1", "BANK_20")]},
         ("excepted", "BANK_20")),
        ({}, {"listings": [ok(state="refused", code="20")], "resends": [("listings", "L1")]}, ("pending", None)),
    ],
)  # fmt: skip
def test_a_reason_by_itself(changes, known, expected):
    assert one(changes, **known) == expected


CAUSES = {
    "ORPHAN": ({"guarantor_id": "X"}, {}),
    "FINISHED": ({"status": "finished"}, {}),
    "CANCELLED": ({"status": "cancelled"}, {}),
    "NOT_LENT": ({"status": "full"}, {}),
    "PLATFORM_PARTY": ({"nominal_borrower_id": "P"}, {}),
    "FIELD_INVALID": ({"title": "䶮"}, {}),
    "PARTY_NOT_OPENED": ({"payee_id": "U4"}, {"refused": {"U4": "106"}}),
    "BANK_20": ({}, {"listings": [ok(state="refused", code="20")]}),
}
"""In the order of contract.md section 4."""


def pairs(causes):
    """Two causes that one row can have at once: they want no cell to be two things."""
    return [
        (first, second)
        for first, second in itertools.combinations(causes, 2)
        if not causes[first][0].keys() & causes[second][0].keys()
    ]


@pytest.mark.parametrize(("first", "second"), pairs(CAUSES))
def test_of_two_reasons_the_earlier_counts(first, second):
    changes = CAUSES[first][0] | CAUSES[second][0]
    known = CAUSES[first][1] | CAUSES[second][1]
    assert one(changes, **known)[1] == first


def test_numbers_that_differ_only_by_case_are_both_refused():
    low, high, other = (loan(n, "U1", {"U2": "1.00"}) for n in (1, 2, 3))
    low["listings"][0]["listing_id"], high["listings"][0]["listing_id"] = "lA", "La"
    found = ends(book(PEOPLE, low, high, other, opened=OPENED).listings)
    assert found["lA"] == found["La"] == ("blocked", "FIELD_INVALID")
    assert found["L3"] == ("pending", None)


def test_signing_keeps_the_cause_that_was_signed():
    """The title was signed off; that the guarantor is gone since does not change the reason."""
    known = {"signed": [("listings", "L1", "FIELD_INVALID")], "refused": {"U4": "106"}}
    assert one({"guarantor_id": "U4"}, **known) == ("excepted", "FIELD_INVALID")


def test_what_was_signed_is_no_longer_sent():
    found = book(PEOPLE, loan(1, "U1", {"U2": "1.00"}), opened=OPENED, signed=[("listings", "L1", "BANK_20")])
    assert not found.listings.sendable.any()


def test_what_stays_behind_cannot_be_signed_away():
    found = one({"status": "finished", "payee_id": "U4"}, refused={"U4": "106"}, signed=[("users", "U4", "BANK_106")])
    assert found == ("not_migrated", "FINISHED")


def test_an_exception_of_its_own_is_listed_once_and_not_when_a_party_was_signed():
    part = loan(1, "U1", {"U2": "60.00"}, guarantor_id="U4")
    part["listings"][0]["title"] = "䶮"
    alone = book(PEOPLE, part, opened=OPENED, refused={"U4": "106"})
    settled = book(PEOPLE, part, opened=OPENED, refused={"U4": "106"}, signed=[("users", "U4", "BANK_106")])
    assert (alone.listings.own_exception.tolist(), settled.listings.own_exception.tolist()) == ([True], [False])
    assert ends(settled.listings)["L1"] == ("excepted", "FIELD_INVALID")


def test_outstanding_is_what_the_schedule_owes_and_lent_what_its_open_debts_are():
    part = loan(1, "U1", {"U2": "60.00", "U3": "40.00"})
    part["schedules"] = [
        {**part["schedules"][0], "period": 1, "principal": "70.00", "principal_paid": "70.00"},
        {**part["schedules"][0], "period": 2, "principal": "100.00", "principal_paid": "0.01"},
    ]
    part["debts"].append({**part["debts"][0], "debt_id": "OLD", "principal": "5.00", "status": "finished"})
    found = book(PEOPLE, part, opened=OPENED).listings
    assert (found.outstanding.tolist(), found.lent.tolist(), found.mismatch.tolist()) == ([9999], [10000], [True])


@pytest.mark.parametrize(
    ("policy", "until", "expected"),
    [
        ("extend_with_consent", "2018-03-01", (date(2018, 3, 1), True)),
        ("extend_with_consent", "2017-11-17", (date(2017, 11, 1), False)),
        ("signed_exception", "2018-03-01", (date(2017, 11, 1), False)),
    ],
)
def test_the_end_date_is_the_consented_one_only_by_policy_and_when_it_lies_ahead(policy, until, expected):
    part = loan(1, "U1", {"U2": "1.00"}, maturity_date="2017-11-01")
    consent = {"extensions": [{"listing_id": "L1", "new_maturity_date": until, "consented_at": "2017-11-02 00:00:00"}]}
    found = book(PEOPLE, part, consent, opened=OPENED, overdue=policy).listings
    assert (found.end_date[0].as_py(), bool(found.consented[0])) == expected


def test_a_row_to_be_sent_has_the_kept_users_accounts():
    part = loan(1, "U1", {"U2": "60.00"}, guarantor_id="U3", payee_id="C1")
    found = book(PEOPLE, part, opened=OPENED).listings
    (row,) = found.rows(found.sendable).to_pylist()
    assert (row["borrower_account"], row["guarantor_account"], row["payee_account"]) == ("A-U1", "A-U3", "A-C1")
    assert (row["nominal_account"], row["rate_e5"], row["amount_fen"]) == (None, 1250000, 6000)
