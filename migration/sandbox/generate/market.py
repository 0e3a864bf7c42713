"""Rows of `listings`, `schedules` and `debts`, by the chunk of listings, coherent with one another.

Outstanding of a listing = sum of (principal - principal_paid) = sum of its open debts, to the fen; only the trap
`last_cent` breaks that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import loans, words
from .hazards import LISTING_CODE, LISTING_TRAPS, NOT_LENT
from .mix import Ints
from .people import Row, yuan
from .plan import Plan

Days = np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]
Flags = NDArray[np.bool_]
LISTING_COLUMNS = (
    "listing_id", "borrower_id", "guarantor_id", "payee_id", "nominal_borrower_id", "title", "amount", "annual_rate",
    "repayment_method", "term_days", "interest_day", "value_date", "maturity_date", "status",
)  # fmt: skip
_MONTHS = np.array([1, 3, 6, 9, 12, 12, 18, 24, 36], dtype=np.int64)
_UNITS = np.array([1, 1, 2, 3, 5, 5, 8, 10, 10, 10, 20, 30, 50, 50, 100, 200], dtype=np.int64)
_UNIT_FEN = 10_000  # bids come in multiples of 100 yuan
_STATUS = {
    "finished": "finished", "finished_debt_left_open": "finished", "raising": "raising", "full_not_lent": "full",
    "cancelled": "cancelled", "overdue": "overdue", "late_but_not_mature": "overdue",
}  # fmt: skip
MISSING_USER = "U9999999"
MISSING_LISTING = "L9999999"


@dataclass(frozen=True)
class Terms:
    """One array a term over the listings of a chunk."""

    amount: Ints
    rate: Ints
    months: Ints
    method: Ints
    value: Days
    maturity: Days


@dataclass(frozen=True)
class Chunk:
    """Finished rows, money as text in yuan."""

    listings: list[Row]
    schedules: list[Row]
    debts: list[Row]


def chunk(plan: Plan, low: int, high: int) -> Chunk:
    """Everything about listings low..high-1."""
    index = np.arange(low, high, dtype=np.int64)
    debts = np.arange(plan.first_debt[low], plan.first_debt[high], dtype=np.int64)
    place = np.repeat(index - low, plan.debts_of[index])
    weight, interest_weight, sold = _weights(plan, debts, place, low)
    units = np.zeros(len(index), dtype=np.int64)
    np.add.at(units, place, weight)
    terms = _terms(plan, index, units * _UNIT_FEN)
    periods = loans.schedule(terms.amount, terms.rate, terms.months, terms.method)
    due = loans.month_later(
        terms.value[periods.listing],
        np.where(terms.method[periods.listing] == loans.AT_MATURITY, terms.months[periods.listing], periods.period),
    )
    principal_paid, interest_paid = _paid(plan, index, periods, due)
    keys = plan.listing_keys(index)
    left = _per_listing(len(index), periods.listing, periods.principal - principal_paid)
    left_interest = _per_listing(len(index), periods.listing, periods.interest - interest_paid)
    first = np.where(plan.debts_of[index] > 0, plan.first_debt[index] - plan.first_debt[low], -1)
    held = loans.share(left, weight, place, first)
    accrued = loans.share(left_interest, interest_weight, place, first)
    return Chunk(
        _listing_rows(plan, index, keys, terms),
        _schedule_rows(keys, periods, due, principal_paid, interest_paid),
        _debt_rows(plan, debts, place, low, keys, terms, held, accrued, sold),
    )


def _per_listing(count: int, listing: Ints, fen: Ints) -> Ints:
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, listing, fen)
    return total


def _offset(plan: Plan, debts: Ints, place: Ints, low: int) -> Ints:
    """0 for a listing's first debt, 1 for its second ..."""
    return debts - plan.first_debt[low + place]


def _weights(plan: Plan, debts: Ints, place: Ints, low: int) -> tuple[Ints, Ints, Flags]:
    """Units bid a debt; the same for interest; which debts were sold on and are finished."""
    offset, trap = _offset(plan, debts, place, low), plan.listing_trap[low + place]
    sold = (offset > 2) & plan.mix.chance("sold", debts, 30)  # noqa: PLR2004 - the first three carry the traps
    units = np.where(sold, 0, _UNITS[plan.mix.below("units", debts, len(_UNITS))])
    nothing = (offset == 1) & (trap == LISTING_CODE["debt_of_nothing"])
    nothing |= (offset == 2) & (trap == LISTING_CODE["debt_without_listing"])  # noqa: PLR2004
    units = np.where(nothing, 0, units)
    only_interest = (offset == 1) & (trap == LISTING_CODE["interest_only"])
    return np.where(only_interest, 0, units), units, sold


def _terms(plan: Plan, index: Ints, amount: Ints) -> Terms:
    mix, today = plan.mix, np.datetime64(plan.business_date, "D")
    months = _MONTHS[mix.below("months", index, len(_MONTHS))]
    method = np.searchsorted(np.array([40, 55, 85]), mix.below("method", index, 100), side="right").astype(np.int64)
    elapsed = mix.below("elapsed", index, 36) % months
    days = 1 + mix.below("days", index, 27)
    freeze = plan.trapped("due_in_freeze")[index]
    elapsed = np.where(freeze, np.maximum(elapsed, 1), elapsed)
    past = plan.trapped("finished", "finished_debt_left_open", "overdue", "overdue_unmarked")[index]
    elapsed = np.where(past, months, elapsed)
    value = loans.month_later(np.full(len(index), today), -elapsed)
    value = value - np.where(freeze, 0, days).astype("timedelta64[D]")
    not_lent = plan.trapped(*NOT_LENT)[index]
    value = np.where(not_lent, today + np.timedelta64(3, "D"), value)
    amount = np.where(amount > 0, amount, (1 + mix.below("asked", index, 3000)) * _UNIT_FEN)
    rate = 600 + 50 * mix.below("rate", index, 25)
    return Terms(amount, rate, months, method, value, loans.month_later(value, months))


def _paid(plan: Plan, index: Ints, periods: loans.Periods, due: Days) -> tuple[Ints, Ints]:
    """Principal and interest paid of every period, traps of repayment planted."""
    trap = plan.listing_trap[index][periods.listing]
    last = np.append(periods.listing[1:] != periods.listing[:-1], True)
    paid = due < np.datetime64(plan.business_date, "D")
    paid &= ~(last & np.isin(trap, [LISTING_CODE["overdue"], LISTING_CODE["overdue_unmarked"]]))
    next_paid = np.append(paid[1:] & ~last[:-1], False)
    paid &= ~((trap == LISTING_CODE["late_but_not_mature"]) & ~next_paid)  # the latest paid one is missing after all
    paid &= ~np.isin(trap, [LISTING_CODE[name] for name in NOT_LENT])
    principal, interest = np.where(paid, periods.principal, 0), np.where(paid, periods.interest, 0)
    prepaid = last & ~paid & (trap == LISTING_CODE["prepaid"])
    principal = np.where(prepaid, periods.principal // 2, principal)
    open_ = ~paid & (periods.principal > 0)
    before: Ints = np.cumsum(open_) - open_
    start = np.searchsorted(periods.listing, periods.listing)
    partly = open_ & (before == before[start]) & (trap == LISTING_CODE["partly_repaid"])
    principal = np.where(partly, periods.principal * 37 // 100, principal)
    return principal, np.where(partly, periods.interest, interest)


def _schedule_rows(keys: list[str], periods: loans.Periods, due: Days, principal: Ints, interest: Ints) -> list[Row]:
    columns: list[list[Any]] = [
        [keys[n] for n in periods.listing.tolist()],
        periods.period.tolist(),
        np.datetime_as_string(due, unit="D").tolist(),
        *(
            [yuan(fen) for fen in column.tolist()]
            for column in (periods.principal, periods.interest, principal, interest)
        ),
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _listing_rows(plan: Plan, index: Ints, keys: list[str], terms: Terms) -> list[Row]:
    has_day = np.where(terms.method == loans.INTEREST_MONTHLY, 600, np.where(terms.method == loans.AT_MATURITY, 0, 300))
    fixed = (plan.mix.below("fixed_day", index, 1000) < has_day).tolist()
    value = np.datetime_as_string(terms.value, unit="D").tolist()
    maturity = np.datetime_as_string(terms.maturity, unit="D").tolist()
    days = (terms.maturity - terms.value).astype(np.int64).tolist()
    parties = [_party_keys(plan, party[index]) for party in (plan.borrower, plan.guarantor, plan.payee, plan.nominal)]
    title, rows = words.titles(plan.mix, index), []
    for n, key in enumerate(keys):
        row: Row = [key, *(party[n] for party in parties), title[n], yuan(int(terms.amount[n]))]
        row += [
            f"{terms.rate[n] / 100:g}",
            loans.METHODS[terms.method[n]],
            days[n],
            int(value[n][8:]) if fixed[n] else None,
        ]
        row += [value[n], maturity[n], "repaying"]
        if code := int(plan.listing_trap[index[n]]):
            _spring(LISTING_TRAPS[code - 1].name, row)
        rows.append(row)
    return rows


def _party_keys(plan: Plan, party: Ints) -> list[str | None]:
    return [
        key if n >= 0 else None for key, n in zip(plan.user_keys(np.maximum(party, 0)), party.tolist(), strict=True)
    ]


def _spring(trap: str, row: Row) -> None:
    row[13] = _STATUS.get(trap, "repaying")
    if trap == "title_not_in_gbk":
        row[5] += "•䶮"
    elif trap == "title_too_long":
        row[5] = row[5] * 5
    elif trap == "matures_on_impossible_date":
        row[12] = "0000-00-00"


def _lenders(plan: Plan, debts: Ints, place: Ints, low: int) -> Ints:
    """Who holds each debt: few hold many; nobody lends to himself unless the trap says so."""
    pool, borrower = plan.lenders, plan.borrower[low + place]
    even = (plan.mix.raw("lender", debts) >> np.uint64(11)).astype(np.float64) / 2.0**53
    at = np.minimum((even**1.6 * len(pool)).astype(np.int64), len(pool) - 1)
    for _ in range(3):
        at = np.where(pool[at] == borrower, (at + 1) % len(pool), at)
    lender = pool[at]
    second, trap = _offset(plan, debts, place, low) == 1, plan.listing_trap[low + place]
    lender = np.where(second & (trap == LISTING_CODE["self_loan"]), borrower, lender)
    lender = np.where(second & (trap == LISTING_CODE["platform_lender"]), 1, lender)
    return np.where(second & (trap == LISTING_CODE["guarantor_advanced"]), plan.guarantor[low + place], lender)


def _debt_rows(
    plan: Plan,
    debts: Ints,
    place: Ints,
    low: int,
    keys: list[str],
    terms: Terms,
    held: Ints,
    accrued: Ints,
    sold: Flags,
) -> list[Row]:
    mix, trap = plan.mix, plan.listing_trap[low + place]
    second = _offset(plan, debts, place, low) == 1
    over = np.isin(trap, [LISTING_CODE["finished"], LISTING_CODE["finished_debt_left_open"]])
    left_open = second & (trap == LISTING_CODE["finished_debt_left_open"])
    held = np.where(left_open, 3, held + (second & (trap == LISTING_CODE["last_cent"])))
    bonus = np.where(mix.chance("bonus", debts, 50) & (held > 0) & ~over, 1 + mix.below("bonus.fen", debts, 5000), 0)
    bonus = bonus if "H20" in plan.hazards else bonus * 0
    bought = mix.chance("assigned", debts, 60) | (second & (trap == LISTING_CODE["guarantor_advanced"]))
    today = np.datetime64(plan.business_date, "D")
    age = np.maximum((np.minimum(terms.maturity, today) - terms.value).astype(np.int64), 1)[place]
    acquired = terms.value[place] + np.where(bought, mix.below("age", debts, 10**6) % age, 0).astype("timedelta64[D]")
    finished = (sold | over) & ~left_open
    columns: list[list[Any]] = [
        plan.debt_keys(debts),
        [keys[n] for n in place.tolist()],
        plan.user_keys(_lenders(plan, debts, place, low)),
        *([yuan(fen) for fen in column.tolist()] for column in (held, accrued, bonus)),
        np.datetime_as_string(acquired, unit="D").tolist(),
        ["assignment" if b else "bid" for b in bought.tolist()],
        ["finished" if f else "open" for f in finished.tolist()],
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    for n in np.flatnonzero(second).tolist():
        if trap[n] == LISTING_CODE["debt_without_user"]:
            rows[n][2] = MISSING_USER
        elif trap[n] == LISTING_CODE["acquired_on_impossible_date"]:
            rows[n][6] = "2017-02-30"
        elif trap[n] == LISTING_CODE["debt_without_listing"]:
            rows[n + 1][1], rows[n + 1][3] = MISSING_LISTING, "100.00"
    return rows
