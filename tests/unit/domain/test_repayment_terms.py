"""Limit and term of the borrowers' repayment authorisations."""

from __future__ import annotations

from datetime import date

from migration.domain.repayment_terms import TERMS, repayment_terms
from tests.contract.platforms import row
from tests.support.platform import loan, person
from tests.unit.domain.facts import answer, book

PEOPLE = {"users": [person(n) for n in range(1, 5)]}
TWIN = {"users": [{**person(5), "name": person(1)["name"], "id_no": person(1)["id_no"]}]}


def periods(listing: str, *rows: tuple[str, str, str, str, str]) -> dict[str, list[dict]]:
    names = ("due_date", "principal", "interest", "principal_paid", "interest_paid")
    return {
        "schedules": [
            row("schedules", listing_id=listing, period=n, **dict(zip(names, values, strict=True)))
            for n, values in enumerate(rows, 1)
        ]
    }


def made(*more, **facts):
    one = {**loan(1, "U1", {"U2": "60.00"}, maturity_date="2018-01-05"), **periods(
        "L1", ("2017-11-05", "40.00", "2.00", "40.00", "2.00"), ("2018-01-05", "60.00", "1.00", "0.00", "0.50"))}  # fmt: skip
    two = {**loan(2, "U5", {"U3": "10.00"}, maturity_date="2018-03-01"), **periods(
        "L2", ("2018-04-01", "10.00", "0.10", "0.00", "0.00"), ("2019-01-01", "5.00", "0.00", "5.00", "0.00"))}  # fmt: skip
    three = {**loan(3, "U4", {"U2": "7.00"}), **periods("L3", ("2018-01-01", "7.00", "0.00", "0.00", "0.00"))}
    return book(PEOPLE, TWIN, one, two, three, *more, opened=["U1", "U2", "U3", "U4"], **facts)


def test_the_merged_borrowers_listings_are_one_limit_until_the_last_day_something_is_due():
    found = repayment_terms(made(listings=[answer("L1", batch_no="000003"), answer("L2", batch_no="000003")]))
    assert found.schema.equals(TERMS)
    assert [tuple(r.values()) for r in found.to_pylist()] == [("U1", 2, 6050 + 1010, date(2018, 4, 1))]


def test_a_listing_that_is_not_registered_wants_no_authorisation():
    assert repayment_terms(made()).num_rows == 0
    found = repayment_terms(made(listings=[answer("L3", batch_no="000003")]))
    assert [r["user_id"] for r in found.to_pylist()] == ["U4"]
    assert found["until"].to_pylist() == [date(2018, 10, 1)], "the maturity, when nothing falls due after it"
