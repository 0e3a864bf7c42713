"""Check characters of ID cards (GB 11643), credit codes (GB 32100) and organisation codes (GB 11714), by the column.

Numbers come normalised (`identity.normalise_ids`). Fixed-width codes become byte matrices: a million of them are
a few matrix products. Source: domain.md "Cohorts", hazards H5, H6, H9, H14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import Indices, Mask, mask

if TYPE_CHECKING:
    from datetime import date

Bytes = npt.NDArray[np.uint8]
Cell = TypeVar("Cell", bound=np.generic)

_ID_WEIGHTS: Final = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int64)
_ID_CHECKS: Final = np.frombuffer(b"10X98765432", np.uint8)
_USCC_ALPHABET: Final = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = np.array([pow(3, place, 31) for place in range(17)], np.int64)
_ORG_ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_WEIGHTS: Final = np.array([3, 7, 9, 10, 5, 8, 4, 2], np.int64)
_ORG_CHECKS: Final = np.frombuffer(b"0X987654321", np.uint8)
_FEBRUARY: Final = 2
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, *[0] * 87], np.int64)
_PROVINCES: Final = np.array(
    [*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83],
    np.int64,
)


def with_check_character(digits: str) -> str:
    """Complete the first 17 digits of an ID card with the 18th character."""
    total = sum(int(weight) * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=True))
    return digits + chr(_ID_CHECKS[total % 11])


@dataclass(frozen=True, slots=True)
class IdCards:
    """What the 18-digit numbers of a column say. `born` is yyyymmdd as a number, 0 where not valid."""

    valid: Mask
    born: Indices
    male: Mask
    region_known: Mask

    def born_after(self, day: date) -> Mask:
        """Born in the future: no valid number (H5)."""
        return np.asarray(self.born > _number(day), np.bool_)

    def under_18(self, day: date) -> Mask:
        """Not yet 18 on that day, by the exact date: whose birthday is that very day is of age (H6)."""
        return np.asarray(self.valid & (self.born + 18_00_00 > _number(day)), np.bool_)


def check_id_cards(numbers: pa.Array) -> IdCards:
    """GB 11643: 17 digits and a check character, with a real calendar date inside."""
    where, matrix = _matrix(numbers, "^[0-9]{17}[0-9X]$", 18)
    digits = matrix[:, :17].astype(np.int64) - ord("0")
    year, month, day = (_decimal(digits[:, a:b]) for a, b in ((6, 10), (10, 12), (12, 14)))
    valid = (_ID_CHECKS[digits @ _ID_WEIGHTS % 11] == matrix[:, 17]) & _is_date(year, month, day)
    size = len(numbers)
    return IdCards(
        valid=_spread(valid, where, size),
        born=_spread(np.where(valid, year * 10_000 + month * 100 + day, 0), where, size),
        male=_spread(digits[:, 16] % 2 == 1, where, size),
        region_known=_spread(np.isin(_decimal(digits[:, :2]), _PROVINCES), where, size),
    )


def valid_usccs(numbers: pa.Array) -> Mask:
    """GB 32100 (统一社会信用代码): 18 characters whose check character is right."""
    where, values, _ = _characters(numbers, _USCC_ALPHABET, 18)
    check = (31 - values[:, :17] @ _USCC_WEIGHTS % 31) % 31
    return _spread(check == values[:, 17], where, len(numbers))


def valid_org_codes(numbers: pa.Array) -> Mask:
    """GB 11714 (组织机构代码): 9 characters whose check character is right."""
    where, values, matrix = _characters(numbers, _ORG_ALPHABET, 9)
    return _spread(_ORG_CHECKS[values[:, :8] @ _ORG_WEIGHTS % 11] == matrix[:, 8], where, len(numbers))


def _matrix(column: pa.Array, pattern: str, width: int) -> tuple[Indices, Bytes]:
    """Positions of the values that match a pattern of `width` ASCII characters, and those as a byte matrix."""
    hit = mask(pc.match_substring_regex(column, pattern))
    fixed = column.filter(pa.array(hit)).cast(pa.binary()).cast(pa.binary(width))
    content = fixed.buffers()[1] if len(fixed) else b""
    return np.flatnonzero(hit), np.frombuffer(content, np.uint8, len(fixed) * width).reshape(-1, width)


def _characters(column: pa.Array, alphabet: bytes, width: int) -> tuple[Indices, Indices, Bytes]:
    """Positions of the codes written in that alphabet only, their values by place in it, and their bytes."""
    where, matrix = _matrix(column, f"^[{alphabet.decode()}]{{{width}}}$", width)
    value = np.zeros(256, np.int64)
    value[np.frombuffer(alphabet, np.uint8)] = np.arange(len(alphabet))
    return where, value[matrix], matrix


def _spread(values: npt.NDArray[Cell], where: Indices, size: int) -> npt.NDArray[Cell]:
    """Put values at their positions, zero elsewhere."""
    whole = np.zeros(size, values.dtype)
    whole[where] = values
    return whole


def _decimal(digits: Indices) -> Indices:
    return np.asarray(digits @ (10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64)), np.int64)


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _is_date(year: Indices, month: Indices, day: Indices) -> Mask:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = _MONTH_DAYS[month] + (leap & (month == _FEBRUARY))
    return np.asarray((year >= 1) & (day >= 1) & (day <= days), np.bool_)
