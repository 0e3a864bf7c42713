"""The exports and the balance equation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from migration.domain.outcome import balance, batch_table, outcome
from migration.domain.tables import EXPORTS
from migration.domain.values import Batch
from tests.contract.platforms import row
from tests.support.platform import loan, person
from tests.unit.domain.facts import answer, book

PEOPLE = {"users": [*(person(n) for n in range(1, 5)), {**person(9), "kind": "platform", "user_id": "P"}]}
TWIN = {"users": [{**person(5), "name": person(2)["name"], "id_no": person(2)["id_no"]}]}
CASH = {
    "escrow_accounts": [
        row("escrow_accounts", escrow_id="E2", user_id="U2", available="1.00"),
        row("escrow_accounts", escrow_id="E5", user_id="U5", available="0.00", frozen="2.00"),
        row("escrow_accounts", escrow_id="E4", user_id="U4", available="0.00"),
        row("escrow_accounts", escrow_id="EP", user_id="P", available="5.00"),
    ],
    "in_flight": [
        row("in_flight", id="F1", kind="top_up", user_id="U2", amount="3.00"),
        row("in_flight", id="F2", kind="bid", user_id="U5", amount="2.00"),
    ],
    "authorisations": [row("authorisations", serial="S1", user_id="U5")],
}


def whole():
    """U5 merged into U2; U3 refused and signed; L1 registered with U2's debts, U3's excepted; L2 finished."""
    return book(
        PEOPLE, TWIN, CASH, loan(1, "U1", {"U2": "60.00", "U5": "10.00", "U3": "7.00"}),
        loan(2, "U1", {"U2": "1.00"}, status="finished"),
        opened=["U1", "U2"], refused={"U3": "106", "U4": "106"},
        listings=[answer("L1", batch_no="000003")],
        debts=[answer("L1D1", batch_no="000004"), answer("L1D2", batch_no="000004")],
        signed=[("users", "U3", "BANK_106"), ("debts", "L2D1", "LISTING_NOT_OPEN")],
    )  # fmt: skip


def test_every_export_has_its_schema_and_order():
    found = outcome(whole(), ())
    assert {name: table.schema for name, table in found.items()} == EXPORTS
    for name, key in (
        ("users", "user_id"),
        ("listings", "listing_id"),
        ("debts", "debt_id"),
        ("residuals", "escrow_id"),
    ):
        keys = found[name][key].to_pylist()
        assert keys == sorted(keys, key=str.encode), name


def test_debts_go_with_the_kept_user_and_his_account():
    rows = {r["debt_id"]: r for r in outcome(whole(), ())["debts"].to_pylist()}
    merged = rows["L1D2"]
    assert (merged["legacy_lender_id"], merged["holder_user_id"], merged["holder_account"]) == ("U5", "U2", "A-U2")
    assert (merged["authcode"], merged["batch_no"], merged["disposition"]) == ("C-L1D2", "000004", "registered")
    excepted = rows["L1D3"]
    assert (excepted["holder_account"], excepted["authcode"], excepted["reason"]) == (None, None, "PARTY_NOT_OPENED")


def test_residuals_list_every_account_with_the_person_entitled():
    rows = {r["escrow_id"]: r for r in outcome(whole(), ())["residuals"].to_pylist()}
    assert {k: (r["entitled_user_id"], r["status"]) for k, r in rows.items()} == {
        "E2": ("U2", "available"), "E4": ("U4", "empty"), "E5": ("U2", "available"), "EP": ("P", "available"),
    }  # fmt: skip


def test_schedules_are_those_of_registered_listings_unchanged():
    rows = outcome(whole(), ())["schedules"].to_pylist()
    assert [(r["listing_id"], r["period"], r["principal_fen"], r["due_date"]) for r in rows] == [
        ("L1", 1, 7700, date(2017, 11, 1))
    ]


def test_notices_are_one_a_kept_user_and_kind():
    rows = outcome(whole(), ())["notices"].to_pylist()
    assert [(r["user_id"], r["kind"]) for r in rows] == [
        ("P", "withdraw_residual"),
        ("U1", "bind_card"), ("U1", "grant_fee"), ("U1", "grant_repayment"),
        ("U2", "authorisation_lapsed"), ("U2", "bind_card"), ("U2", "grant_fee"), ("U2", "withdraw_residual"),
        ("U4", "open_account"),
    ]  # fmt: skip


def test_an_authorisation_of_nobody_is_an_exception():
    lost = {"authorisations": [row("authorisations", serial="S9", user_id="X")]}
    (found,) = outcome(book(PEOPLE, lost), ())["authorisations"].to_pylist()
    assert (found["disposition"], found["reason"]) == ("excepted", "ORPHAN")


def test_batches_come_by_date_and_number_with_blanks_as_null():
    one = Batch(date(2017, 11, 18), "000002", "debts", 1, "debt", False, 1, 3, 500, "planned")
    rows = batch_table([one, replace(one, batch_no="000001", request_name="R", state="sealed")]).to_pylist()
    assert [(r["batch_no"], r["request_name"]) for r in rows] == [("000001", "R"), ("000002", None)]
    assert [rows[1][n] for n in ("request_sha256", "result_name", "result_sha256")] == [None] * 3


def test_the_balance_equation_names_its_parts():
    found = balance(whole())
    assert found.as_json() == {
        "legacy_fen": 7800 + 800 + 300, "registered_fen": 7000, "excepted_fen": 800, "residual_fen": 800,
        "in_flight_fen": 300, "difference_fen": 0, "listings": [], "persons": [],
    }  # fmt: skip


def test_what_is_not_accounted_for_shows_by_listing_and_by_person():
    known = whole()
    pending = replace(known, debts=replace(known.debts, registered=np.zeros(len(known.debts.registered), np.bool_)))
    found = balance(pending)
    assert found.difference_fen == 7000
    assert found.listings == ({"key": "L1", "legacy_fen": 7700, "accounted_fen": 700},)
    assert found.persons == ({"key": "U2", "legacy_fen": 7100, "accounted_fen": 100},)


def test_sums_stay_integers():
    assert all(isinstance(v, int) for k, v in balance(whole()).as_json().items() if k.endswith("_fen"))
    assert outcome(whole(), ())["debts"]["principal_fen"].type == pa.int64()


def test_accounts_stand_only_with_those_who_are_opened():
    users = {r["user_id"]: (r["account_no"], r["activated"]) for r in outcome(whole(), ())["users"].to_pylist()}
    assert users == {
        "U1": ("A-U1", False), "U2": ("A-U2", False), "U3": (None, None), "U4": (None, None), "U5": (None, None), "P": (None, None),
    }  # fmt: skip


def test_a_single_fen_is_something_to_withdraw():
    cash = [
        row("escrow_accounts", escrow_id="E1", user_id="U1", available="0.01"),
        row("escrow_accounts", escrow_id="E2", user_id="U2", available="0.00", frozen="0.01"),
        row("escrow_accounts", escrow_id="E3", user_id="U3", available="0.00"),
    ]
    found = outcome(book(PEOPLE, {"escrow_accounts": cash}), ())
    assert found["residuals"]["status"].to_pylist() == ["available", "available", "empty"]
    notices = [r["user_id"] for r in found["notices"].to_pylist() if r["kind"] == "withdraw_residual"]
    assert notices == ["U1"]
