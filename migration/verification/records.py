"""Fixed-width GBK records as columns: bytes are cut by offset, never split (bank-interface.md section 1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from migration.verification.layouts import Field, Layout

Bytes = npt.NDArray[np.uint8]

_LF, _CR, _ZERO = 10, 13, 48
_NINE = 9
_ASCII = 128


def matrix(content: bytes, width: int) -> Bytes | None:
    """The records as a byte matrix; None when the size is no whole number of records or a line ending is misplaced."""
    if not content:
        return np.zeros((0, width), np.uint8)
    ending = b"\r\n" if content.endswith(b"\r\n") else b"\n"
    whole = content if content.endswith(b"\n") else content + ending
    stride = width + len(ending)
    if len(whole) % stride:
        return None
    cut = np.frombuffer(whole, np.uint8).reshape(-1, stride)
    return cut[:, :width] if bool((cut[:, width:] == np.frombuffer(ending, np.uint8)).all()) else None


def columns(content: bytes, layout: Layout) -> tuple[dict[str, pa.Array], int] | None:
    """Every field that is read, and the number of records; None for bytes that are no whole records."""
    cut = matrix(content, layout.width)
    if cut is None:
        return None
    return {field.name: _column(cut, field) for field in layout.fields}, len(cut)


def _column(cut: Bytes, field: Field) -> pa.Array:
    cells = np.ascontiguousarray(cut[:, field.start : field.start + field.width])
    return _numbers(cells) if field.number else _texts(cells)


def _numbers(cells: Bytes) -> pa.Array:
    """Digits as int64; NULL where anything else stands in the field."""
    digits = cells.astype(np.int64) - _ZERO
    wrong = ((digits < 0) | (digits > _NINE)).any(axis=1)
    powers = 10 ** np.arange(cells.shape[1] - 1, -1, -1, dtype=np.int64)
    return pa.array(np.where(wrong, 0, digits @ powers), pa.int64(), mask=wrong)


def _texts(cells: Bytes) -> pa.Array:
    """Text without the padding on the right. Bytes that are no GBK become U+FFFD, which equals nothing."""
    rows, width = cells.shape
    raw = pa.Array.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(cells)]).cast(pa.binary())
    if not rows or int(cells.max()) < _ASCII:
        return pc.ascii_rtrim(raw.cast(pa.string()), " ")
    coded = raw.dictionary_encode()
    decoded = [value.decode("gbk", "replace").rstrip(" ") for value in coded.dictionary.to_pylist()]
    return pa.array(decoded, pa.string()).take(coded.indices)
