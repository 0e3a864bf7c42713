"""The quick readings answer exactly what the strict ones do, or leave the column to them."""

from __future__ import annotations

from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.legacy import moments, quick
from migration.legacy.cells import cells
from migration.legacy.parsing import money

AMOUNT = st.from_regex(r"[0-9]{1,17}(\.[0-9]{1,3})?", fullmatch=True)
ODD = st.sampled_from(["", "-1.00", "1e3", "１２.00", "1.2.3", ".50", "5.", "1_0.00", "NaN", "0.000", " 1.00", None])
DAY = st.from_regex(r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]", fullmatch=True)
MOMENT = st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-6][0-9]:[0-6][0-9]", fullmatch=True)


def strict(read, *functions):
    """The same with the quick way barred."""
    with mock.patch.multiple(quick, **dict.fromkeys(functions, lambda _: None)):
        return read()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(AMOUNT, ODD), max_size=6) | st.lists(AMOUNT, min_size=1), st.sampled_from([0, 2]))
def test_amounts(values, scale):
    found = money(cells(values), scale)
    expected = strict(lambda: money(cells(values), scale), "cents", "whole")
    assert found.values.to_pylist() == expected.values.to_pylist()
    assert {c: r.tolist() for c, r in found.faults.items()} == {c: r.tolist() for c, r in expected.faults.items()}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(DAY, MOMENT, ODD), max_size=5) | st.lists(st.none() | DAY) | st.lists(st.none() | MOMENT))
def test_moments(values):
    text = cells(values).text
    micros, usable = moments.read(text)
    expected, possible = strict(lambda: moments.read(text), "moments")
    assert usable.tolist() == possible.tolist()
    assert micros.tolist() == expected.tolist()


@pytest.mark.parametrize("values", [["1.00", "25.30"], ["100", "2"]])
def test_the_plain_shapes_do_take_the_quick_way(values):
    assert (quick.cents if "." in values[0] else quick.whole)(pa.array(values)) is not None


def test_a_slice_is_read_from_where_it_begins():
    whole = pa.array(["9.99", "1.25", "333.50", "8.88"])
    assert quick.cents(whole.slice(1, 2)).tolist() == [125, 33350]
    days = pa.array(["2017-01-01", "2018-02-03", "2019-04-05"]).slice(1, 1)
    assert [int(field[0]) for field in quick.moments(days)] == [2018, 2, 3, 0, 0, 0]


@pytest.mark.parametrize(
    "odd", [".50", "1.5", "1.234", "-1.00", "1e3.00", "１.00", "1.2.34", "1,00", "99999999999999999.00"]
)
def test_any_other_shape_is_left_to_the_strict_reading(odd):
    assert quick.cents(pa.array(["1.00", odd])) is None
    assert quick.whole(pa.array(["100", odd])) is None
