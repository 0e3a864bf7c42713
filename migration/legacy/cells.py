"""From a driver's Python objects to text columns: the one form from which every value is parsed.

Drivers disagree on what they return for the same column (Decimal, str, int, date, bytes). Making plain text of all of
them, a column at a time, leaves a single parser for all databases, so that the same content has the same digest
everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.legacy import arrows

if TYPE_CHECKING:
    from collections.abc import Sequence

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of one partition.

    `text` has NULL for NULL, for the empty string and for what could not be decoded; `floats` marks the cells that came
    as binary floats, `unreadable` those whose bytes are no UTF-8.
    """

    text: pa.StringArray
    floats: Mask
    unreadable: Mask

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.text)


def nothing(rows: int) -> Cells:
    """Make a column the source does not have: NULL throughout."""
    none = np.zeros(rows, dtype=bool)
    return Cells(pa.nulls(rows, pa.string()), none, none)


def joined(parts: Sequence[Cells | Sequence[object]]) -> Cells:
    """Several stretches of one column as one; what the driver gave goes through Arrow at once where it is homogeneous."""
    found = [part if isinstance(part, Cells) else raw(part) for part in parts]
    text = arrows.empty_to_null(pa.concat_arrays([part.text for part in found]))
    floats, unreadable = ([getattr(part, name) for part in found] for name in ("floats", "unreadable"))
    return Cells(text, np.concatenate(floats), np.concatenate(unreadable))


def cells(values: Sequence[object]) -> Cells:
    """One column as the driver gave it, as text."""
    return joined([values])


def raw(values: Sequence[object]) -> Cells:
    """A stretch of a column for `joined`: the empty string still stands for itself."""
    found = _text(values)
    if found is None:
        found = _whole(values)
    if found is None:
        return _one_by_one(values)
    none = np.zeros(len(values), dtype=bool)
    return Cells(found, none, none)


def _text(values: Sequence[object]) -> Any:
    """All of them text (or bytes that are UTF-8) or NULL, else None: Arrow refuses anything else by itself."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None


def _whole(values: Sequence[object]) -> Any:
    """All of them integers of 64 bits or NULL, else None; to Arrow a truth value or a float would be one, too."""
    if not set(map(type, values)) <= {int, type(None)}:
        return None
    try:
        return pa.array(values, pa.int64()).cast(pa.string())
    except (OverflowError, pa.ArrowInvalid):
        return None


def _one_by_one(values: Sequence[object]) -> Cells:
    text = [plain(value) for value in values]
    floats = np.fromiter((isinstance(value, float) for value in values), dtype=bool, count=len(values))
    unreadable = np.fromiter(
        (t is None and v is not None for t, v in zip(text, values, strict=True)), dtype=bool, count=len(values)
    )
    return Cells(pa.array(text, pa.string()), floats, unreadable)


def plain(value: object) -> str | None:
    """Write one cell as plain text: no exponents, ISO dates, whole floats without a point; None when it is no text.

    Truth values read `true` and `false`, so that no amount or number is made of one.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return _utf8(bytes(value))
    return None if value is None else _encodable(str(value))


def _float(value: float) -> str:
    """`repr` digits without an exponent, so that 12.5 reads 12.5 and an id of 13800138000.0 its digits."""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return str(exact)
    return format(exact, "f").removesuffix(".0")


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _encodable(value: str) -> str | None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return value
