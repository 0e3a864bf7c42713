"""The sample: the bound against brute force, the order of SHA-256, every stratum met."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from fractions import Fraction
from math import ceil, comb

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.domain.sampling import BY_HAND, bound, draw, extremes, levels, ranking

SEED = 20171118


def brute(population: int, confidence: Decimal, rate: Decimal) -> tuple[int, int]:
    """Try every n from 0."""
    defects = max(1, ceil(population * Fraction(rate)))
    for size in range(population + 1):
        if Fraction(comb(population - defects, size), comb(population, size)) <= 1 - Fraction(confidence):
            return defects, size
    raise AssertionError


@given(
    st.integers(1, 160),
    st.sampled_from([Decimal(t) for t in ("0.5", "0.9", "0.95", "0.99", "0.999")]),
    st.sampled_from([Decimal(t) for t in ("0.001", "0.01", "0.05", "0.2", "0.9", "1")]),
)
def test_the_bound_is_the_least_that_suffices(population, confidence, rate):
    assert bound(population, confidence, rate) == brute(population, confidence, rate)


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        (0, (0, 0)),
        (1, (1, 1)),
        (2, (1, 2)),
        (100, (1, 95)),
        (101, (2, 79)),
        (6000, (60, 291)),
        (5_000_000, (50_000, 299)),
    ],
)
def test_known_sizes(population, expected):
    assert bound(population, Decimal("0.95"), Decimal("0.01")) == expected


def test_a_probability_that_floats_would_round_is_exact():
    """C(N-1, n)/C(N, n) = 1 - n/N: at N = 20 and 95 % it is 0.05 exactly for n = 19, and that is enough."""
    assert bound(20, Decimal("0.95"), Decimal("0.01")) == (1, 19)
    assert bound(20, Decimal("0.9500000000000000000001"), Decimal("0.01")) == (1, 20)


def test_no_confidence_wants_no_sample():
    assert bound(1000, Decimal(0), Decimal("0.01")) == (10, 0)


def test_the_order_is_that_of_the_digests():
    keys = [f"L{n}" for n in range(50)]
    expected = sorted(range(50), key=lambda i: hashlib.sha256(f"{SEED}|listings|{keys[i]}".encode()).hexdigest())
    assert ranking(pa.array(keys), "listings", SEED).tolist() == expected
    assert ranking(pa.array(keys), "debts", SEED).tolist() != expected, "the entity is part of it"


@given(st.permutations(range(30)))
def test_the_sample_does_not_depend_on_the_order_of_rows(order):
    keys = np.array([f"D{n}" for n in range(30)], object)
    amounts = np.arange(30) * 7 % 30

    def drawn(at):
        chosen, _ = draw(
            pa.array(keys[at].tolist()), "debts", extremes(amounts[at]), seed=SEED, confidence=Decimal("0.5"),
            defect_rate=Decimal("0.1"),
        )  # fmt: skip
        return set(keys[at][chosen])

    assert drawn(np.array(order)) == drawn(np.arange(30))


def test_each_stratum_gives_its_first_and_the_bound_its_first_n():
    size = 400
    keys = pa.array([f"D{n:04d}" for n in range(size)])
    rare = np.zeros(size, np.bool_)
    order = ranking(keys, "debts", SEED)
    rare[order[-3:]] = True  # the last in the order: only their stratum can bring one in
    chosen, plan = draw(
        keys, "debts", {"rare=True": rare}, seed=SEED, confidence=Decimal("0.95"), defect_rate=Decimal("0.05")
    )
    defects, least = bound(size, Decimal("0.95"), Decimal("0.05"))
    assert (plan.population, plan.defects, plan.size, plan.drawn) == (size, defects, least, least + 1)
    assert set(np.flatnonzero(chosen)) == {*order[:least].tolist(), int(order[-3])}
    assert plan.coverage == {"rare=True": (3, 1)}


def test_what_is_added_by_hand_joins_what_is_drawn():
    keys = pa.array([f"D{n:04d}" for n in range(400)])
    rules = {"seed": SEED, "confidence": Decimal("0.95"), "defect_rate": Decimal("0.05")}
    plain, first = draw(keys, "debts", {}, **rules)
    added = np.zeros(400, np.bool_)
    added[ranking(keys, "debts", SEED)[-2:]] = True
    chosen, plan = draw(keys, "debts", {}, **rules, added=added)
    assert chosen.tolist() == (plain | added).tolist()
    assert (plan.size, plan.drawn, plan.coverage) == (first.size, first.drawn + 2, {BY_HAND: (2, 2)})
    assert draw(keys, "debts", {}, **rules, added=np.zeros(400, np.bool_))[1] == first


def test_strata_are_single_levels_and_extremes_may_be_shared():
    found = levels(method=np.array(["a", "b", "a"], object), merged=np.array([True, False, False]))
    assert {name: where.tolist() for name, where in found.items()} == {
        "method=a": [True, False, True], "method=b": [False, True, False],
        "merged=False": [False, True, True], "merged=True": [True, False, False],
    }  # fmt: skip
    ends = extremes(np.array([5, 1, 1, 9]))
    assert {name: where.tolist() for name, where in ends.items()} == {
        "amount=smallest": [False, True, True, False], "amount=largest": [False, False, False, True],
    }  # fmt: skip
    assert extremes(np.array([], np.int64)) == {}


def test_an_empty_population_has_no_sample():
    chosen, plan = draw(
        pa.array([], pa.string()), "debts", {}, seed=SEED, confidence=Decimal("0.95"), defect_rate=Decimal("0.01")
    )
    assert (chosen.tolist(), plan.drawn, plan.size) == ([], 0, 0)
