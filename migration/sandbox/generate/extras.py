"""The small tables (what is in flight, authorisations, extensions) and the traps that only planting by name may set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .market import LISTING_COLUMNS
from .mix import Ints
from .people import Row, yuan
from .plan import Plan

_AMOUNT = LISTING_COLUMNS.index("amount")
_KINDS = ("top_up", "withdrawal", "bid", "assignment")


def in_flight_rows(plan: Plan) -> list[Row]:
    """id, kind, user_id, amount, created_at: top-ups and withdrawals with H23, bids and assignments with H19."""
    kinds = [k for k, hazard in zip(_KINDS, ("H23", "H23", "H19", "H19"), strict=True) if hazard in plan.hazards]
    users, rows = _in_flight_users(plan), []
    for n, (user, key) in enumerate(zip(users.tolist(), plan.user_keys(users), strict=True)):
        if kinds:
            rows.append([f"F{n + 1:06d}", kinds[n % len(kinds)], key, yuan(_held(user)), "2017-11-17 22:10:00"])
    return rows


def frozen_amounts(plan: Plan) -> dict[int, int]:
    """User -> fen that lie frozen for what is in flight (a top-up has not arrived, so it freezes nothing)."""
    kinds = [row[1] for row in in_flight_rows(plan)]
    users = _in_flight_users(plan).tolist()
    return {user: _held(user) for user, kind in zip(users, kinds, strict=False) if kind in {"withdrawal", "bid"}}


def _in_flight_users(plan: Plan) -> Ints:
    count = max(4, plan.sizes.users // 400)
    return plan.mix.shuffled("in_flight", plan.lenders)[:count]


def _held(user: int) -> int:
    return 10_000 + user * 37 % 990_000


def authorisation_rows(plan: Plan) -> Iterator[Row]:
    """serial, user_id, kind, granted_at: one lender in twelve lets the platform bid or assign for him."""
    granted = plan.lenders[plan.mix.chance("authorised", plan.lenders, 80)]
    kinds = plan.mix.choose("authorised.kind", granted, ("auto_bid", "auto_bid", "auto_assign"))
    for user, key, kind in zip(granted.tolist(), plan.user_keys(granted), kinds, strict=True):
        yield [f"S{user + 1:08d}", key, kind, "2017-03-01 09:00:00"]


def extension_rows(plan: Plan) -> list[Row]:
    """listing_id, new_maturity_date, consented_at: every second overdue listing has its lenders' consent."""
    late = np.flatnonzero(plan.trapped("overdue", "overdue_unmarked")).astype(np.int64)[::2]
    until = np.datetime64(plan.business_date, "D") + np.timedelta64(180, "D")
    return [[key, str(until), "2017-11-10 12:00:00"] for key in plan.listing_keys(late)]


def spoil_money(
    users: list[Row], escrow: list[Row], debts: list[Row], listings: list[Row]
) -> list[tuple[str, str, str]]:
    """H24: amounts no run may accept, one of each, and a large one that is valid. Returns (entity, key, what)."""
    planted = []
    for rows, column, value, entity, what in (
        (debts, 3, None, "debts", "money_null"),
        (debts, 4, "12.345", "debts", "money_three_decimals"),
        (debts, 5, "0.30000000000000004", "debts", "money_float_noise"),
        (escrow, 2, "-5.00", "escrow_accounts", "money_negative"),
        (listings, _AMOUNT, "21474836.48", "listings", "money_large_but_valid"),
    ):
        row = rows[min(len(rows) - 1, 5 + column)]
        row[column] = value
        planted.append((entity, row[0], what))
    planted.append(("users", users[0][0], "money_traps_in_the_first_chunk"))
    return planted
