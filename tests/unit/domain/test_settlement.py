"""The judge of the settlement drill: silent when all is paid, each fault named once, sums that show what follows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from migration.domain.settlement import ANSWERS, ORDERS, PAID, USED, orders, settled
from migration.domain.tables import EXPORTS, SNAPSHOT

USERS = {"B": "B", "A": "A", "A2": "A", "C": "C"}
"""User -> kept user: A2 was merged into A."""
DEBTS = [  # debt, listing, legacy lender, principal, interest, bonus, disposition
    ("D1", "L1", "A", 100, 7, 3, "registered"),
    ("D2", "L1", "A2", 200, 0, 0, "registered"),
    ("D3", "L1", "C", 300, 9, 0, "registered"),
    ("D4", "L2", "C", 400, 1, 0, "registered"),
    ("D5", "L2", "C", 500, 1, 8, "excepted"),
]
BORROWERS = {"L1": "B", "L2": "A2"}


def table(schema: pa.Schema, rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)


def account(user: str) -> str:
    return f"acc-{user}"


@pytest.fixture
def claim():
    return {
        "users": table(EXPORTS["users"], [{"user_id": u, "kept_user_id": k, "account_no": account(k)} for u, k in USERS.items()]),
        "listings": table(
            EXPORTS["listings"],
            [{"listing_id": i, "borrower_account": account(USERS[b]), "disposition": "registered"} for i, b in BORROWERS.items()],
        ),
        "debts": table(
            EXPORTS["debts"],
            [
                {
                    "debt_id": d, "listing_id": i, "legacy_lender_id": u, "holder_user_id": USERS[u], "disposition": state,
                    "holder_account": account(USERS[u]), "principal_fen": p, "interest_fen": n, "bonus_interest_fen": x,
                    "authcode": f"code-{d}" if state == "registered" else None,
                }
                for d, i, u, p, n, x, state in DEBTS
            ],
        ),
    }  # fmt: skip


@pytest.fixture
def snapshot():
    return {
        "debts": table(
            SNAPSHOT["debts"],
            [
                {"debt_id": d, "listing_id": i, "lender_id": u, "principal": p, "interest": n}
                for d, i, u, p, n, _, _ in DEBTS
            ],
        ),
        "listings": table(SNAPSHOT["listings"], [{"listing_id": i, "borrower_id": b} for i, b in BORROWERS.items()]),
    }


def answered(ordered: pa.Table) -> list[dict]:
    """What a bank that agrees with everything says."""
    left = {"L1": 600, "L2": 400}
    got: dict[str, int] = {}
    gave: dict[str, int] = {}
    rows = []
    for row in ordered.to_pylist():
        both = row["principal_fen"] + row["interest_fen"]
        left[row["listing_id"]] -= row["principal_fen"]
        got[row["holder_account"]] = got.get(row["holder_account"], 0) + both
        gave[row["borrower_account"]] = gave.get(row["borrower_account"], 0) + both
        rows.append(
            {
                "outcome": PAID, "code": "00", "left_fen": 0, "listing_left_fen": left[row["listing_id"]],
                "received_fen": got[row["holder_account"]], "given_fen": gave[row["borrower_account"]],
            }
        )  # fmt: skip
    return rows


NOTHING = {"left_fen": 0, "listing_left_fen": 0, "received_fen": 0, "given_fen": 0}


def second(ordered: pa.Table) -> list[dict]:
    return [{"outcome": USED, "code": "57", **NOTHING} for _ in range(ordered.num_rows)]


def judge(claim, snapshot, first=None, again=None):
    ordered = orders(claim, snapshot)
    return settled(
        ordered,
        table(ANSWERS, first or answered(ordered)),
        table(ANSWERS, again or second(ordered)),
        claim,
        snapshot,
    )


def named(found) -> list[tuple[str, str]]:
    return [(f.code, f.subject) for f in found.findings]


def test_orders_hold_what_was_stored_and_only_registered_debts(claim, snapshot):
    found = orders(claim, snapshot)
    assert found.schema.equals(ORDERS)
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("D1", "L1", "B", "acc-B", "A", "acc-A", 100, 7, "code-D1"),
        ("D2", "L1", "B", "acc-B", "A", "acc-A", 200, 0, "code-D2"),
        ("D3", "L1", "B", "acc-B", "C", "acc-C", 300, 9, "code-D3"),
        ("D4", "L2", "A", "acc-A", "C", "acc-C", 400, 1, "code-D4"),
    ]


def test_all_paid_is_silent_and_the_sums_close(claim, snapshot):
    found = judge(claim, snapshot)
    assert named(found) == []
    assert found.counts == {
        "lenders": 2, "borrowers": 2, "listings": 2, "lenders_fen": 1017, "borrowers_fen": 1017, "listings_fen": 1017, "debts": 4, "paid": 4, "principal_fen": 1000, "interest_fen": 17,
        "due_fen": 1017, "paid_fen": 1017, "off_fen": 0, "bonus_fen": 3, "second_uses_refused": 4, "second_uses_accepted": 0,
    }  # fmt: skip
    assert found.refused == {}
    assert found.sides == {"lenders": (), "borrowers": (), "listings": ()}


def test_a_refused_debt_is_named_and_its_people_and_listing_are_off_by_it(claim, snapshot):
    first = answered(orders(claim, snapshot))
    first[3] = {"outcome": "other_holder", "code": "54", **NOTHING}
    again = second(orders(claim, snapshot))
    again[3] = {"outcome": "other_holder", "code": "54", **NOTHING}
    found = judge(claim, snapshot, first, again)
    assert named(found) == [("DRILL_REFUSED", "debts/D4")]
    assert found.refused == {"other_holder": 1}
    assert (found.counts["paid"], found.counts["off_fen"], found.counts["second_uses_refused"]) == (3, 401, 3)
    assert found.sides["lenders"] == ({"key": "C", "due_fen": 710, "paid_fen": 309},)
    assert found.sides["borrowers"] == ({"key": "A", "due_fen": 401, "paid_fen": 0},)
    assert found.sides["listings"] == ({"key": "L2", "due_fen": 401, "paid_fen": 0},)


def test_what_the_bank_has_left_is_named_by_debt_or_else_by_listing(claim, snapshot):
    first = answered(orders(claim, snapshot))
    first[0]["left_fen"] = 1
    for row in first[:3]:
        row["listing_left_fen"] += 1
    assert named(judge(claim, snapshot, first)) == [("DRILL_LEFT", "debts/D1")]
    first = answered(orders(claim, snapshot))
    first[3]["listing_left_fen"] += 777  # a debt of the listing that we do not know
    assert named(judge(claim, snapshot, first)) == [("DRILL_LEFT", "listings/L2")]


@pytest.mark.parametrize("outcome", [PAID, "too_much"])
def test_a_second_use_that_is_not_refused_as_used_is_named(claim, snapshot, outcome):
    again = second(orders(claim, snapshot))
    again[1] = {"outcome": outcome, "code": "xx", **NOTHING}
    found = judge(claim, snapshot, again=again)
    assert named(found) == [("DRILL_TWICE", "debts/D2")]
    assert found.counts["second_uses_accepted"] == (outcome == PAID)


def test_a_code_first_refused_and_then_accepted_is_named_too(claim, snapshot):
    first, again = answered(orders(claim, snapshot)), second(orders(claim, snapshot))
    first[3] = {"outcome": "code_unknown", "code": "51", **NOTHING}
    again[3] = {"outcome": PAID, "code": "00", **NOTHING}
    assert named(judge(claim, snapshot, first, again)) == [("DRILL_REFUSED", "debts/D4"), ("DRILL_TWICE", "debts/D4")]


@pytest.mark.parametrize(("column", "user"), [("received_fen", "C"), ("given_fen", "A")])
def test_a_bank_that_books_otherwise_than_it_answers_is_named(claim, snapshot, column, user):
    first = answered(orders(claim, snapshot))
    first[3][column] += 5
    found = judge(claim, snapshot, first)
    assert named(found) == [("DRILL_BALANCE", f"users/{user}")]
    assert sorted(found.counts[f"{side}_fen"] for side in ("lenders", "borrowers", "listings")) == [1017, 1017, 1022]
    assert found.counts["off_fen"] == 0


def test_orders_that_are_not_what_the_snapshot_owes_are_named(claim, snapshot):
    """The debt of a merged lender paid to somebody else: orders and answers agree, the snapshot and the merge do not."""
    rows = claim["debts"].to_pylist()
    rows[1] |= {"holder_user_id": "C", "holder_account": account("C")}
    claim["debts"] = table(EXPORTS["debts"], rows)
    assert named(judge(claim, snapshot)) == [("DRILL_SUM", "users/A"), ("DRILL_SUM", "users/C")]


def test_a_fen_too_little_in_an_order_is_named_by_lender_borrower_and_listing(claim, snapshot):
    rows = claim["debts"].to_pylist()
    rows[3]["interest_fen"] -= 1
    claim["debts"] = table(EXPORTS["debts"], rows)
    found = judge(claim, snapshot)
    assert named(found) == [("DRILL_SUM", "users/C"), ("DRILL_SUM", "users/A"), ("DRILL_SUM", "listings/L2")]
    assert found.counts["off_fen"] == 1


def test_nothing_registered_is_nothing_to_pay(claim, snapshot):
    rows = [row | {"disposition": "excepted"} for row in claim["debts"].to_pylist()]
    claim["debts"] = table(EXPORTS["debts"], rows)
    found = settled(orders(claim, snapshot), ANSWERS.empty_table(), ANSWERS.empty_table(), claim, snapshot)
    assert (found.findings, found.counts["debts"], found.counts["off_fen"]) == ((), 0, 0)
