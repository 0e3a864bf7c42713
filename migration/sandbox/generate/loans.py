"""The arithmetic of one chunk of listings: terms, schedules by the four methods, what is paid, what debts are left.

Money is int64 fen, rates are hundredths of a percent a year; divisions truncate and the last period (or the first
debt) absorbs the rest, as real platforms do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mix import Ints

EQUAL_INSTALMENT, EQUAL_PRINCIPAL, INTEREST_MONTHLY, AT_MATURITY = range(4)
METHODS = ("equal_instalment", "equal_principal", "interest_monthly", "at_maturity")
_YEAR = 120_000  # months a year times 10,000: rate / _YEAR is the monthly fraction


@dataclass(frozen=True)
class Periods:
    """Flat schedule rows: `listing` is the place in the chunk, `period` counts from 1."""

    listing: Ints
    period: Ints
    principal: Ints
    interest: Ints


def instalment(amount: int, rate: int, months: int) -> int:
    """The equal monthly payment in fen, truncated; exact integers throughout."""
    grown, still = (_YEAR + rate) ** months, _YEAR**months
    return amount * rate * grown // (_YEAR * (grown - still))


def schedule(amount: Ints, rate: Ints, months: Ints, method: Ints) -> Periods:
    """Principal and interest of every period; the principals of a listing sum to its amount."""
    pay = np.zeros_like(amount)
    for n in np.flatnonzero(method == EQUAL_INSTALMENT).tolist():
        pay[n] = instalment(int(amount[n]), int(rate[n]), int(months[n]))
    periods = np.where(method == AT_MATURITY, 1, months)
    balance, parts = amount.copy(), []
    for k in range(1, int(periods.max(initial=0)) + 1):
        on = np.flatnonzero(periods >= k)
        last, how = periods[on] == k, method[on]
        interest = balance[on] * rate[on] // _YEAR
        principal = np.select(
            [last, how == EQUAL_INSTALMENT, how == EQUAL_PRINCIPAL],
            [balance[on], pay[on] - interest, amount[on] // months[on]],
            0,
        )
        interest = np.where(last & (how == EQUAL_INSTALMENT), np.maximum(pay[on] - principal, 0), interest)
        interest = np.where(how == AT_MATURITY, amount[on] * rate[on] * months[on] // _YEAR, interest)
        balance[on] -= principal
        parts.append((on, np.full(len(on), k), principal, interest))
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Periods(empty, empty, empty, empty)
    flat = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
    order = np.lexsort((flat[1], flat[0]))
    return Periods(*(column[order] for column in flat))


def month_later(
    day: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]], months: Ints
) -> np.ndarray[tuple[int, ...], np.dtype[np.datetime64]]:
    """The same day `months` later; the month's last day where it is shorter."""
    month = day.astype("datetime64[M]")
    of_month = (day - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months.astype("timedelta64[M]")
    length = ((target + np.timedelta64(1, "M")).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(
        np.int64
    )
    later: np.ndarray[tuple[int, ...], np.dtype[np.datetime64]] = target.astype("datetime64[D]") + np.minimum(
        of_month, length - 1
    ).astype("timedelta64[D]")
    return later


def share(total: Ints, weight: Ints, listing: Ints, first: Ints) -> Ints:
    """Divide each listing's total over its debts by weight, truncated; the listing's first debt absorbs the rest.

    total[n] a listing of the chunk; weight[d] a debt; listing[d] its place; first[n] the place of its first debt
    (-1 for none).
    """
    sums = np.bincount(listing, weights=None, minlength=len(total)) * 0
    np.add.at(sums, listing, weight)
    part = np.where(weight > 0, total[listing] * weight // np.maximum(sums[listing], 1), 0)
    given = np.zeros_like(total)
    np.add.at(given, listing, part)
    has = first >= 0
    part[first[has]] += (total - given)[has]
    return part
