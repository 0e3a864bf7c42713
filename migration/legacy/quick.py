"""The plain shapes of amounts and dates, read as bytes: some ten times quicker than a regular expression a cell.

Each function takes a column without NULL and answers None when any cell has another shape; the strict reading of
`parsing` and `moments` then decides. What is answered is exactly what the strict reading would have answered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_ZERO: Final = ord("0")
_POINT: Final = ord(".")
_WHOLE: Final = 18  # digits that always fit int64
_CENTS: Final = 3  # a point and two digits
_DAY: Final = 10  # YYYY-MM-DD
_SECOND: Final = 19  # YYYY-MM-DD HH:MM:SS
_MARKS: Final = {4: b"-", 7: b"-", 10: b" T", 13: b":", 16: b":"}


def whole(text: Any) -> Numbers | None:
    """Digits only, at most 18."""
    data, ends = _bytes(text)
    sizes = np.diff(ends)
    if not len(sizes) or sizes.min() < 1 or sizes.max() > _WHOLE or not _digits(data).all():
        return None
    return _cast(data, ends)


def cents(text: Any) -> Numbers | None:
    """Digits, a point, two digits: hundredths; at most 16 digits before the point."""
    data, ends = _bytes(text)
    sizes = np.diff(ends)
    if not len(sizes) or sizes.min() <= _CENTS or sizes.max() > _WHOLE + 1:
        return None
    points = ends[1:] - _CENTS
    digits = _digits(data)
    if not (data[points] == _POINT).all() or int(digits.sum()) + len(sizes) != len(data):
        return None
    return _cast(data[digits], ends - np.arange(len(ends)))


def moments(text: Any) -> list[Numbers] | None:
    """Year, month, day, hour, minute, second of `YYYY-MM-DD`, or of the same with ` HH:MM:SS` or `THH:MM:SS`."""
    data, ends = _bytes(text)
    sizes = np.diff(ends)
    if not len(sizes) or sizes[0] not in {_DAY, _SECOND} or (sizes != sizes[0]).any():
        return None
    cells = data.reshape(len(sizes), int(sizes[0]))
    marks = [at for at in _MARKS if at < cells.shape[1]]
    figures = np.delete(cells, marks, axis=1)
    shaped = all(np.isin(cells[:, at], np.frombuffer(_MARKS[at], np.uint8)).all() for at in marks)
    if not shaped or not _digits(figures).all():
        return None
    nothing = np.zeros(len(sizes), dtype=np.int64)
    places = [(0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)]
    return [_number(figures[:, a:b]) if b <= figures.shape[1] else nothing for a, b in places]


def _number(figures: Bytes) -> Numbers:
    total = np.zeros(len(figures), dtype=np.int64)
    for i in range(figures.shape[1]):
        total = total * 10 + (figures[:, i] - _ZERO)
    return total


def _digits(data: Bytes) -> npt.NDArray[np.bool_]:
    return (data - np.uint8(_ZERO)) < 10  # noqa: PLR2004 - ten digits; what lies below wraps around


def _bytes(text: Any) -> tuple[Bytes, npt.NDArray[np.int32]]:
    """Return the bytes of all cells end to end, and where each ends, from 0."""
    _, offsets, values = text.buffers()
    if not len(text) or values is None:
        return np.empty(0, np.uint8), np.zeros(1, np.int32)
    ends = np.frombuffer(offsets, dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    data = np.frombuffer(values, dtype=np.uint8)[int(ends[0]) : int(ends[-1])]
    return data, ends - ends[0]


def _cast(data: Bytes, ends: npt.NDArray[Any]) -> Numbers:
    offsets = np.ascontiguousarray(ends, dtype=np.int32)
    text = pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data)))
    return np.asarray(text.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
