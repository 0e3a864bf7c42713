"""Cells to typed columns, vectorised; what cannot be taken becomes NULL and is reported with its code.

Only ASCII digits are numbers (reliability.md R9): full-width digits, underscores, exponents and blanks are refused by
one anchored regular expression, before any conversion could be kind to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.legacy import arrows, moments, quick

if TYPE_CHECKING:
    from migration.legacy.cells import Cells, Mask
    from migration.legacy.entities import Column

SCALE: Final = {"yuan": 2, "fen": 0}
"""Money unit -> decimals that are carried into fen."""

RATE_SHIFT: Final = {"percent": 0, "fraction": 2, "basis_points": -2}
"""Format of a rate -> places its decimal point moves to the right to make percent."""

_MAX_DIGITS: Final = 18  # fits int64 whatever the digits are: amounts up to 10^16 yuan
_NOT_FINITE: Final = r"\A(?i:[+-]?(?:s?nan|inf(?:inity)?))\z"
_DECIMAL: Final = r"\A(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?\z"
_compute = arrows.compute


@dataclass(slots=True)
class Parsed:
    """A typed column, NULL where a cell could not be taken, and by code the rows (from 0) of such cells."""

    values: pa.Array[Any]
    faults: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


def parse(cells: Cells, column: Column, money_unit: str, how: str = "") -> Parsed:
    """Read one column of one partition by its role; `how` is its format (options.FORMATS), empty for the default."""
    match column.role:
        case "money":
            return money(cells, SCALE[how or money_unit])
        case "number":
            return number(cells, column)
        case "rate":
            return rate(cells, column, RATE_SHIFT[how or "percent"])
        case "day" | "instant":
            return moment(cells, column, how or "local")
        case "choice":
            return choice(cells, column)
        case _:
            return Parsed(cells.text, _faults(cells, column, ~cells.unreadable))


def money(cells: Cells, scale: int) -> Parsed:
    """Amounts to int64 fen. `scale` 2 reads yuan, 0 reads fen; zeros beyond the scale are no decimals.

    One code a cell, the first that fits: MONEY_NULL, MONEY_NAN, MONEY_FLOAT, MONEY_FORMAT (also above 18 digits of
    fen), MONEY_NEGATIVE, MONEY_DECIMALS.
    """
    plain = None if _any_absent(cells) or cells.floats.any() else _plain_money(cells.text, scale)
    if plain is not None:
        return Parsed(pa.array(plain, pa.int64()))
    parts = arrows.groups(cells.text, _DECIMAL)
    fraction = _compute.utf8_rtrim(parts["fraction"], "0")
    digits = _digits(parts["whole"], _compute.utf8_rpad(fraction, width=scale, padding="0"))
    shaped = arrows.lengths(parts["whole"]) > 0
    room = arrows.lengths(_digits(parts["whole"], "")) <= _MAX_DIGITS - scale
    tests: tuple[tuple[str, Mask], ...] = (
        ("MONEY_NULL", _absent(cells)),
        ("MONEY_NAN", arrows.matches(cells.text, _NOT_FINITE)),
        ("MONEY_FLOAT", cells.floats),
        ("MONEY_FORMAT", ~shaped | ~room),
        ("MONEY_NEGATIVE", (arrows.lengths(parts["sign"]) > 0) & ~arrows.matches(digits, r"\A0*\z")),
        ("MONEY_DECIMALS", arrows.lengths(fraction) > scale),
    )
    faults, good = _first(tests, len(cells))
    return Parsed(pa.array(arrows.integers(digits, good), pa.int64(), mask=~good), faults)


def number(cells: Cells, column: Column) -> Parsed:
    """Whole numbers to int64; `12.0` is whole, `12.5`, `１２` and `1e1` are not."""
    plain = None if _any_absent(cells) or column.bounds is not None else quick.whole(cells.text)
    if plain is not None:
        return Parsed(pa.array(plain, pa.int64()))
    parts = arrows.groups(cells.text, r"\A(?P<sign>-?)(?P<whole>[0-9]+)(?:\.0+)?\z")
    digits = _digits(parts["whole"], "")
    usable = (arrows.lengths(parts["whole"]) > 0) & (arrows.lengths(digits) <= _MAX_DIGITS)
    values = arrows.integers(digits, usable)
    values = np.where(arrows.lengths(parts["sign"]) > 0, -values, values)
    if column.bounds is not None:
        low, high = column.bounds
        usable &= (values >= low) & (values <= high)
    return Parsed(pa.array(values, pa.int64(), mask=~usable), _faults(cells, column, usable))


def rate(cells: Cells, column: Column, shift: int = 0) -> Parsed:
    """Percent a year as plain decimal text without idle zeros, the same from any database.

    `12.50` and `012.5` read `12.5`. A sign, an exponent or anything but digits and a point is refused. `shift` moves
    the point to the right (2 for fractions of one) or to the left (-2 for basis points).
    """
    parts = _shifted(arrows.groups(cells.text, _DECIMAL), shift)
    usable = (arrows.lengths(parts["whole"]) > 0) & (arrows.lengths(parts["sign"]) == 0)
    fraction = _compute.utf8_rtrim(parts["fraction"], "0")
    point = _compute.if_else(_compute.equal(fraction, ""), "", ".")
    text = _compute.binary_join_element_wise(_digits(parts["whole"], ""), point, fraction, "")
    values = _compute.if_else(pa.array(usable), text, pa.scalar(None, pa.string()))
    return Parsed(values, _faults(cells, column, usable))


def _shifted(parts: dict[str, Any], shift: int) -> dict[str, Any]:
    """Move the decimal point of numbers in two parts by `shift` places."""
    whole, fraction = parts["whole"], parts["fraction"]
    if shift > 0:
        padded = _compute.utf8_rpad(fraction, width=shift, padding="0")
        moved = _compute.binary_join_element_wise(whole, _compute.utf8_slice_codeunits(padded, 0, shift), "")
        moved = _compute.if_else(_compute.equal(whole, ""), "", moved)
        return parts | {"whole": moved, "fraction": _compute.utf8_slice_codeunits(padded, shift)}
    if shift < 0:
        padded = _compute.utf8_lpad(whole, width=1 - shift, padding="0")
        moved = _compute.binary_join_element_wise(_compute.utf8_slice_codeunits(padded, shift), fraction, "")
        cut = _compute.utf8_slice_codeunits(padded, 0, shift)
        return parts | {"whole": _compute.if_else(_compute.equal(whole, ""), "", cut), "fraction": moved}
    return parts


def moment(cells: Cells, column: Column, how: str = "local") -> Parsed:
    """Dates (date32) and instants (timestamp[us], local time); impossible ones are refused, never rolled over."""
    micros, usable = moments.read_as(cells.text, how)
    if column.role == "day":
        days = (micros // moments.DAY).astype(np.int32)
        return Parsed(pa.array(days, pa.date32(), mask=~usable), _faults(cells, column, usable))
    return Parsed(pa.array(micros, pa.timestamp("us"), mask=~usable), _faults(cells, column, usable))


def choice(cells: Cells, column: Column) -> Parsed:
    """Words of an enumeration, exactly as the contract writes them."""
    usable = arrows.mask_of(_compute.is_in(cells.text, value_set=pa.array(sorted(column.allowed))))
    values = _compute.if_else(pa.array(usable), cells.text, pa.scalar(None, pa.string()))
    return Parsed(values, _faults(cells, column, usable))


def _digits(whole: pa.StringArray, fraction: pa.StringArray | str) -> pa.StringArray:
    """Join the digits, without leading zeros, at least one."""
    joined = _compute.utf8_ltrim(_compute.binary_join_element_wise(whole, fraction, ""), "0")
    return _compute.if_else(_compute.equal(joined, ""), "0", joined)


def _plain_money(text: pa.StringArray, scale: int) -> npt.NDArray[np.int64] | None:
    if scale == 0:
        return quick.whole(text)
    return quick.cents(text)


def _any_absent(cells: Cells) -> bool:
    return bool(cells.text.null_count)


def _absent(cells: Cells) -> Mask:
    """NULL or empty, as against bytes that could not be read."""
    return arrows.mask_of(_compute.is_null(cells.text)) & ~cells.unreadable


def _faults(cells: Cells, column: Column, usable: Mask) -> dict[str, npt.NDArray[np.int64]]:
    """Apply the usual two codes: absent where a value is wanted, present but not usable."""
    absent = _absent(cells)
    bad = _coded(column.bad_code, ~usable & ~absent)
    nulls = _nulls(cells, column)
    both = set(bad) & set(nulls)  # a choice may have one code for either
    return {**bad, **nulls, **{code: np.sort(np.concatenate((bad[code], nulls[code]))) for code in both}}


def _nulls(cells: Cells, column: Column) -> dict[str, npt.NDArray[np.int64]]:
    return {} if column.null_code is None else _coded(column.null_code, _absent(cells))


def _coded(code: str, mask: Mask) -> dict[str, npt.NDArray[np.int64]]:
    rows = np.flatnonzero(mask)
    return {code: rows} if len(rows) else {}


def _first(tests: tuple[tuple[str, Mask], ...], rows: int) -> tuple[dict[str, npt.NDArray[np.int64]], Mask]:
    """Give each row the first code whose test it fails, and say which rows passed them all."""
    good = np.ones(rows, dtype=bool)
    faults: dict[str, npt.NDArray[np.int64]] = {}
    for code, mask in tests:
        faults.update(_coded(code, good & mask))
        good &= ~mask
    return faults, good
