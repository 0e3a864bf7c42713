"""The fee table, to the fen, and the largest amount that fits."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.domain.fees import Tariff, half_up

HOUSE = Tariff()


@pytest.mark.parametrize(
    ("amount", "fee"),
    [
        (1, 300),
        (99_999, 300),
        (100_000, 300),  # 1,000 yuan inclusive
        (100_001, 300),  # 300.003
        (100_166, 300),  # 300.498
        (100_167, 301),  # 300.501
        (100_500, 302),  # 301.5: a tie goes up
        (100_499, 301),
        (5_000_000, 15_000),
        (2_000_000_000, 6_000_000),
    ],
)
def test_the_fee_at_every_boundary(amount, fee):
    assert HOUSE.fee(amount) == fee


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(Fraction(1, 2), 1), (Fraction(3, 2), 2), (Fraction(5, 2), 3), (Fraction(49, 100), 0), (Fraction(0), 0)],
)
def test_a_tie_goes_up(value, rounded):
    assert half_up(value) == rounded


@given(
    balance=st.integers(0, 400_000) | st.integers(0, 10**13),
    free=st.booleans(),
    flat=st.integers(0, 1_000),
    limit=st.integers(0, 200_000),
    rate=st.fractions(0, Fraction(99, 100), max_denominator=10_000),
)
def test_the_largest_amount_fits_and_one_fen_more_does_not(balance, free, flat, limit, rate):
    tariff = Tariff(1, flat, limit, rate)
    largest = tariff.largest(balance, free=free)
    cost = (lambda a: 0) if free else tariff.fee
    assert 0 <= largest <= balance
    if largest:
        assert largest + cost(largest) <= balance
    assert largest + 1 + cost(largest + 1) > balance
    assert all(a + cost(a) > balance for a in (largest + 2, largest + 100, limit, limit + 1) if a > largest)
