"""Stored schedules against exact integer formulas (domain.md, Debts in detail): they check, stored schedules are migrated.

Everything is fen and integers: multiply before dividing, truncate to the cent, the last period absorbs the rounding.
The rate is percent a year times 100,000, so a month's interest on `b` fen is `b * rate / 120,000,000`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from migration.domain.columns import equals, fen, flat, lookup
from migration.domain.listings import rates
from migration.domain.values import FileLimits

MONTH: Final = 120_000_000
"""Divisor of `fen * rate` for a month: 100 (percent) x 100,000 (scale of the rate) x 12."""
YEAR_DAYS: Final = (360, 365)
NEAR: Final = 1
"""A cell that differs by so many fen at most is another way of rounding, no other formula."""

Period = tuple[int, int]  # principal, interest


@dataclass(frozen=True, slots=True)
class Difference:
    """One listing whose stored schedule is not what its formula gives. `kind` is a code, `fen` the largest difference."""

    listing_id: str
    kind: str  # SCHEDULE_PERIODS | SCHEDULE_SUM | SCHEDULE_ROUNDING | SCHEDULE_FORMULA
    periods: int  # that differ
    fen: int


@lru_cache(maxsize=4096)
def expected(method: str, amount: int, rate_e5: int, periods: int, days: int) -> tuple[tuple[Period, ...], ...]:
    """What the method gives, as one or more schedules that are all right (interest at maturity is counted three ways)."""
    if method == "equal_instalment":
        return (_equal_instalment(amount, rate_e5, periods),)
    if method == "equal_principal":
        return (_equal_principal(amount, rate_e5, periods),)
    if method == "interest_monthly":
        month = amount * rate_e5 // MONTH
        return ((*((0, month) for _ in range(periods - 1)), (amount, month)),)
    by_days = [amount * rate_e5 * days // (100 * 100_000 * year) for year in YEAR_DAYS]
    months = round(days / 30)
    whole = [*by_days, amount * rate_e5 * months // MONTH]
    return tuple((*((0, 0) for _ in range(periods - 1)), (amount, interest)) for interest in whole)


def _equal_instalment(amount: int, rate_e5: int, periods: int) -> tuple[Period, ...]:
    """P r (1+r)^n / ((1+r)^n - 1) with r = rate / MONTH, as one fraction; the last instalment is equal, too."""
    grown, base = (MONTH + rate_e5) ** periods, MONTH**periods
    payment = amount * rate_e5 * grown // (MONTH * (grown - base)) if rate_e5 else amount // periods
    rows: list[Period] = []
    left = amount
    for _ in range(periods - 1):
        interest = left * rate_e5 // MONTH
        rows.append((payment - interest, interest))
        left -= payment - interest
    return (*rows, (left, max(payment - left, 0)))


def _equal_principal(amount: int, rate_e5: int, periods: int) -> tuple[Period, ...]:
    part = amount // periods
    lefts = [amount - part * n for n in range(periods)]
    parts = [part] * (periods - 1) + [lefts[-1]]
    return tuple((principal, left * rate_e5 // MONTH) for principal, left in zip(parts, lefts, strict=True))


def differences(listings: pa.Table, schedules: pa.Table, limits: FileLimits) -> list[Difference]:
    """Check every open listing (SNAPSHOT tables, sorted by key); listings whose rate cannot be read are left out."""
    return list(_differences(listings, schedules, limits))


def _differences(listings: pa.Table, schedules: pa.Table, limits: FileLimits) -> Iterator[Difference]:
    """Rows of a listing stand together in the snapshot; orphaned ones belong to none."""
    at = lookup(schedules["listing_id"], listings["listing_id"])
    numbers = schedules["period"].to_numpy()
    principal, interest = fen(schedules["principal"]), fen(schedules["interest"])
    order = np.lexsort((numbers, at))
    order = order[at[order] >= 0]
    edges = [0, *(np.flatnonzero(np.diff(at[order])) + 1).tolist(), len(order)]
    by_listing = {int(at[order[a]]): order[a:b] for a, b in pairwise(edges) if b > a}
    is_open = equals(listings["status"], "repaying", "overdue")
    scaled = rates(listings["annual_rate"], limits)
    amounts = fen(listings["amount"])
    keys, methods = flat(listings["listing_id"]).to_pylist(), listings["repayment_method"].to_pylist()
    days = fen(listings["term_days"])
    for row in np.flatnonzero(is_open & (scaled >= 0)).tolist():
        rows = by_listing.get(row, np.empty(0, np.int64))
        stored = list(zip(principal[rows].tolist(), interest[rows].tolist(), strict=True))
        if numbers[rows].tolist() != list(range(1, len(rows) + 1)) or not stored:
            yield Difference(keys[row], "SCHEDULE_PERIODS", len(rows), 0)
            continue
        owed = sum(p for p, _ in stored)
        if owed != int(amounts[row]):
            yield Difference(keys[row], "SCHEDULE_SUM", len(rows), abs(owed - int(amounts[row])))
            continue
        wanted = expected(methods[row], int(amounts[row]), int(scaled[row]), len(rows), int(days[row]))
        if found := _closest(keys[row], stored, wanted):
            yield found


def _closest(key: str, stored: Sequence[Period], wanted: Sequence[Sequence[Period]]) -> Difference | None:
    """The smallest difference from any schedule that is right; None where one is met."""
    best: Difference | None = None
    for schedule in wanted:
        gaps = [max(abs(a - c), abs(b - d)) for (a, b), (c, d) in zip(stored, schedule, strict=True)]
        worst = max(gaps)
        if not worst:
            return None
        kind = "SCHEDULE_ROUNDING" if worst <= NEAR * len(stored) else "SCHEDULE_FORMULA"
        if best is None or worst < best.fen:
            best = Difference(key, kind, sum(gap > 0 for gap in gaps), worst)
    return best


def by_kind(found: Sequence[Difference]) -> dict[str, int]:
    """Kind -> listings."""
    return dict(sorted(Counter(difference.kind for difference in found).items()))
