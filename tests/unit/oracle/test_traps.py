"""Every planted trap has the outcome it was planted for, as the oracle sees it."""

import pytest

from migration.sandbox.generate import generate
from tests.oracle.oracle import Run
from tests.oracle.sampling import draw

USERS = {  # trap -> reason of the user who carries it; None = sendable, opened
    "name_conflict": "NAME_CONFLICT", "phone_shared": "PHONE_SHARED", "id_lower_x": None, "id_spaces": None, "id_full_width": None,
    "phone_country_code": None, "phone_landline": "FIELD_INVALID", "region_abolished": None, "birth_in_future": "FIELD_INVALID",
    "id_bad_checksum": "FIELD_INVALID", "id_bad_length": "FIELD_INVALID", "underage": "UNDERAGE", "eighteen_today": None,
    "name_not_in_gbk": "NAME_UNENCODABLE", "name_wrong_dot": "NAME_UNENCODABLE", "name_nbsp": "NAME_UNENCODABLE",
    "name_compatibility": "FIELD_INVALID", "name_too_long": "NAME_UNENCODABLE", "sex_wrong": None, "sex_missing": None,
    "company_no_account": "FIELD_INVALID", "company_bad_code": "FIELD_INVALID", "company_org_code": None,
    "passport": "UNSUPPORTED_ID", "permit": "UNSUPPORTED_ID", "verified_on_impossible_date": "FIELD_INVALID",
}  # fmt: skip
LISTINGS = {
    "title_not_in_gbk": "FIELD_INVALID", "title_too_long": "FIELD_INVALID", "borrower_refused": "PARTY_NOT_OPENED",
    "guarantor_refused": "PARTY_NOT_OPENED", "payee_refused": "PARTY_NOT_OPENED", "number_too_long": "FIELD_INVALID",
    "number_case_pair": "FIELD_INVALID", "finished": "FINISHED", "raising": "NOT_LENT", "full_not_lent": "NOT_LENT",
    "cancelled": "CANCELLED", "platform_guarantor": "PLATFORM_PARTY", "matures_on_impossible_date": "FIELD_INVALID",
    "overdue": "REGISTERED", "overdue_unmarked": "REGISTERED", "late_but_not_mature": "REGISTERED", "due_in_freeze": "REGISTERED",
    "partly_repaid": "REGISTERED", "prepaid": "REGISTERED", "last_cent": "REGISTERED", "guarantor_advanced": "REGISTERED",
}  # fmt: skip
DEBTS = {
    "self_loan": "SELF_LOAN", "platform_lender": "PLATFORM_PARTY", "debt_of_nothing": "ZERO", "interest_only": "INTEREST_ONLY",
    "finished_debt_left_open": "LISTING_NOT_OPEN", "debt_without_user": "ORPHAN", "debt_without_listing": "ORPHAN",
    "acquired_on_impossible_date": "FIELD_INVALID",
}  # fmt: skip
MERGED = (
    "merge",
    "merge_elected",
    "merge_election_tie",
    "merge_election_invalid",
    "merge_15_digits",
    "merge_untidy",
    "merge_brackets",
)
DEBTS_OF = {"overdue": "OVERDUE", "overdue_unmarked": "OVERDUE", "last_cent": "SCHEDULE_MISMATCH"}


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    url = tmp_path_factory.mktemp("traps") / "all.sqlite"
    truth = generate(f"sqlite:///{url}", users=1500, listings=120, debts=2000, seed=11, hazards="all")
    run = Run(url, {}, truth["bank_faults"], draw)
    planted = [item for items in truth["planted"].values() for item in items]
    before = run.book()
    run.first_round(type("Nothing", (), {"corrections": [], "resends": []})())
    return planted, before, run.book()


def carrying(planted, trap):
    keys = [item["key"] for item in planted if item["what"] == trap]
    assert keys, f"{trap} is not planted"
    return keys


@pytest.mark.parametrize("trap", USERS)
def test_users(look, trap):
    planted, before, _ = look
    assert {before.reason.get(key) for key in carrying(planted, trap)} == {USERS[trap]}


@pytest.mark.parametrize("trap", MERGED)
def test_merges(look, trap):
    """The follower is merged, or kept with another merged into him."""
    planted, before, _ = look
    for key in carrying(planted, trap):
        members, why = before.groups[before.kept[key]]
        assert key in members
        assert len(members) > 1
        if trap == "merge_elected":
            assert (before.kept[key], why) == (key, "election")
        elif trap.startswith("merge_election"):
            assert why != "election"


@pytest.mark.parametrize("trap", LISTINGS)
def test_listings(look, trap):
    planted, _, after = look
    assert {after.listing(after.facts.listings[key])[1] for key in carrying(planted, trap)} == {LISTINGS[trap]}


@pytest.mark.parametrize("trap", DEBTS)
def test_debts(look, trap):
    planted, _, after = look
    rows = {row["debt_id"]: row for row in after.facts.tables["debts"]}
    assert {after.debt(rows[key])[1] for key in carrying(planted, trap)} == {DEBTS[trap]}


@pytest.mark.parametrize("trap", DEBTS_OF)
def test_debts_of_listings(look, trap):
    planted, _, after = look
    keys = carrying(planted, trap)
    reasons = {after.debt(row)[1] for row in after.facts.tables["debts"] if row["listing_id"] in keys}
    assert DEBTS_OF[trap] in reasons
    assert "REGISTERED" not in reasons


def test_an_advance_makes_the_guarantor_a_holder(look):
    planted, _, after = look
    for key in carrying(planted, "guarantor_advanced"):
        holders = {row["lender_id"] for row in after.facts.tables["debts"] if row["listing_id"] == key}
        assert after.facts.listings[key]["guarantor_id"] in holders


def test_the_account_of_another_is_refused(look):
    planted, _, after = look
    assert {after.user(key) for key in carrying(planted, "account_of_another")} == {("self_open", "BANK_N")}
