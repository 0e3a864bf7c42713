"""Schedules by exact integer formulas, and how stored ones differ."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.domain.schedules import _closest, by_kind, differences, expected
from migration.domain.values import FileLimits
from tests.contract.platforms import row
from tests.unit.domain.facts import tables


def yuan(fen):
    return f"{fen // 100}.{fen % 100:02d}"


def platform(periods, **listing):
    """A listing with a stored schedule of (principal, interest) in fen."""
    total = sum(p for p, _ in periods)
    rows = [
        row("schedules", listing_id="L1", period=n, principal=yuan(p), interest=yuan(i))
        for n, (p, i) in enumerate(periods, 1)
    ]
    return tables({"listings": [row("listings", amount=yuan(total), **listing)], "schedules": rows})


def kinds(periods, **listing):
    made = platform(periods, **listing)
    return by_kind(differences(made["listings"], made["schedules"], FileLimits()))


def test_the_reference_of_equal_instalments():
    (rows,) = expected("equal_instalment", 1_200_000, 1_500_000, 12, 360)
    assert {p + i for p, i in rows} == {108_309}
    assert rows[-1] == (106_978, 1_331)
    assert sum(i for _, i in rows) == 99_708
    assert sum(p for p, _ in rows) == 1_200_000


@given(st.integers(1, 10**12), st.integers(1, 99_999_999), st.integers(1, 60))
def test_the_instalment_is_the_closed_form_truncated(amount, rate, periods):
    (rows,) = expected("equal_instalment", amount, rate, periods, 30 * periods)
    month = Fraction(rate, 120_000_000)
    payment = floor(amount * month * (1 + month) ** periods / ((1 + month) ** periods - 1))
    assert all(p + i == payment for p, i in rows[:-1])
    assert sum(p for p, _ in rows) == amount


@given(st.integers(1, 10**12), st.integers(0, 99_999_999), st.integers(1, 60))
def test_principal_always_adds_up_and_interest_follows_the_balance(amount, rate, periods):
    (rows,) = expected("equal_principal", amount, rate, periods, 30 * periods)
    left = amount
    for principal, interest in rows:
        assert interest == floor(Fraction(left * rate, 120_000_000))
        left -= principal
    assert left == 0
    (rows,) = expected("interest_monthly", amount, rate, periods, 30 * periods)
    assert [p for p, _ in rows] == [0] * (periods - 1) + [amount]
    assert {i for _, i in rows} == {floor(Fraction(amount * rate, 120_000_000))}


def test_without_interest_the_parts_are_equal_and_the_last_absorbs():
    (rows,) = expected("equal_instalment", 100, 0, 3, 90)
    assert rows == ((33, 0), (33, 0), (34, 0))


def test_multiplying_first_is_right_where_a_rounded_rate_is_not():
    """A tie: 0.5 fen a month exactly is truncated; a rate rounded first would make it 1."""
    (rows,) = expected("interest_monthly", 600, 100_000, 2, 60)
    assert [i for _, i in rows] == [0, 0]


@pytest.mark.parametrize(("days", "interest"), [(90, 369), (90, 375)])
def test_at_maturity_is_right_by_days_and_by_months(days, interest):
    """100 yuan at 15 %: 3.69 over 90 of 365 days, 3.75 over 90 of 360 days and over three months."""
    assert kinds([(10_000, interest)], repayment_method="at_maturity", annual_rate="15", term_days=days) == {}


@pytest.mark.parametrize("method", ["equal_instalment", "equal_principal", "interest_monthly", "at_maturity"])
def test_what_the_formula_gives_raises_nothing(method):
    for rows in expected(method, 1_234_567, 1_250_000, 7, 210):
        assert kinds(rows, repayment_method=method, annual_rate="12.5", term_days=210) == {}


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda rows: [(p, i + 1) for p, i in rows], "SCHEDULE_ROUNDING"),
        (lambda rows: [(p, i + 500) for p, i in rows], "SCHEDULE_FORMULA"),
        (
            lambda rows: [(rows[0][0] - 2000, rows[0][1]), (rows[1][0] + 2000, rows[1][1]), *rows[2:]],
            "SCHEDULE_FORMULA",
        ),
    ],
)
def test_differences_are_told_apart_by_kind(spoil, kind):
    (rows,) = expected("equal_instalment", 1_200_000, 1_500_000, 12, 360)
    assert kinds(spoil(list(rows)), annual_rate="15", term_days=360) == {kind: 1}


def test_a_gap_in_the_periods_and_a_sum_that_is_not_the_amount():
    (rows,) = expected("equal_instalment", 1_200_000, 1_500_000, 12, 360)
    made = platform(rows, annual_rate="15")
    gap = made["schedules"].slice(1)
    assert by_kind(differences(made["listings"], gap, FileLimits())) == {"SCHEDULE_PERIODS": 1}
    assert by_kind(differences(made["listings"], gap.slice(0, 0), FileLimits())) == {"SCHEDULE_PERIODS": 1}
    short = platform(rows[:-1], annual_rate="15")["schedules"]
    assert by_kind(differences(made["listings"], short, FileLimits())) == {"SCHEDULE_SUM": 1}


def test_what_is_not_open_or_has_no_rate_is_left_out():
    assert kinds([(1, 1)], status="finished") == {}
    assert kinds([(1, 1)], annual_rate=None) == {}


def test_a_listing_without_interest_is_looked_at_too():
    assert kinds([(60_000, 0), (40_000, 0)], annual_rate="0", repayment_method="equal_principal") == {
        "SCHEDULE_FORMULA": 1
    }


def test_interest_at_maturity_is_counted_three_ways():
    amount = 10**12
    by_360, by_365, by_months = expected("at_maturity", amount, 1_200_000, 2, 80)
    assert by_360 == ((0, 0), (amount, 26_666_666_666))
    assert by_365 == ((0, 0), (amount, 26_301_369_863))
    assert by_months == ((0, 0), (amount, 30_000_000_000)), "80 days are 3 months"


def test_of_two_schedules_equally_far_the_first_is_told():
    stored = ((100, 10),) * 3
    near, all_ = ((105, 10), (101, 10), (100, 10)), ((105, 10),) * 3
    for wanted, periods in (((near, all_), 2), ((all_, near), 3)):
        found = _closest("L1", stored, wanted)
        assert (found.periods, found.fen) == (periods, 5)
