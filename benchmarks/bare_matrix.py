"""The same byte-matrix technique with every check left out: what writing and parsing cost when all input is believed.

Numbers by look-up four digits at a time, one codec call a chunk for names, padding by a mask. No width, no alphabet, no
null, no control character, no half character is looked at. It is the yardstick of `benchmarks.codec` and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank.layouts import Layout

CHUNK = 4_096
FOUR = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint8).reshape(-1, 4)


def write(shape: Layout, columns: Mapping[str, Any], rows: int) -> bytes:
    """Columns to a file's bytes, line feeds included."""
    pieces = []
    for first in range(0, rows, CHUNK):
        count = min(CHUNK, rows - first)
        matrix = np.full((count, shape.width + 1), 0x20, np.uint8)
        matrix[:, -1] = 0x0A
        for field in shape.fields:
            column, target = columns[field.name], matrix[:, field.start : field.stop]
            if isinstance(column, bytes):
                target[:] = np.frombuffer(column.ljust(field.width), np.uint8)
            elif field.kind == "number":
                _digits(target, np.asarray(column[first : first + count], np.int64))
            elif field.kind == "date":
                _digits(target, _dates(column[first : first + count]))
            else:
                _text(target, pc.fill_null(column[first : first + count], ""))
        pieces.append(matrix.tobytes())
    return b"".join(pieces)


def parse(shape: Layout, content: bytes) -> pa.Table:
    """A file's bytes to columns."""
    matrix = np.frombuffer(content, np.uint8).reshape(-1, shape.width + 1)
    columns = {}
    for field in shape.fields:
        parts = []
        for first in range(0, len(matrix), CHUNK):
            block = np.ascontiguousarray(matrix[first : first + CHUNK, field.start : field.stop])
            if field.kind == "number":
                parts.append(pa.array((block - np.uint8(0x30)) @ 10 ** np.arange(field.width - 1, -1, -1)))
            else:
                parts.append(_read(block))
        columns[field.name] = pa.chunked_array(parts).combine_chunks()
    return pa.table(columns)


def _digits(target: np.ndarray, values: np.ndarray) -> None:
    right = target.shape[1]
    while right > 0:
        left = max(right - 4, 0)
        values, group = np.divmod(values, 10_000)
        target[:, left:right] = FOUR[group, 4 - (right - left) :]
        right = left


def _dates(column: pa.Array) -> np.ndarray:
    days = column.cast(pa.int32()).to_numpy().astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    year, month = years.astype(np.int64) + 1970, (months - years).astype(np.int64) + 1
    return (year * 100 + month) * 100 + (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def _text(target: np.ndarray, column: pa.Array) -> None:
    raw = np.frombuffer("\n".join(column.to_pylist()).encode("gbk"), np.uint8)
    feeds = raw == 0x0A
    lengths = np.diff(np.append(np.flatnonzero(feeds), len(raw)), prepend=-1) - 1
    longest = int(lengths.max())
    target[:, :longest][np.arange(longest) < lengths[:, None]] = raw[~feeds]


def _read(block: np.ndarray) -> pa.Array:
    used = block != 0x20
    lengths = np.where(used.any(axis=1), block.shape[1] - np.argmax(used[:, ::-1], axis=1), 0)
    payload = block[np.arange(block.shape[1]) < lengths[:, None]]
    if len(payload) and payload.max() > 0x7F:
        lines = np.full((len(block), block.shape[1] + 1), 0x0A, np.uint8)
        lines[:, :-1] = block
        utf8 = np.frombuffer(lines.tobytes()[:-1].decode("gbk").encode(), np.uint8)
        feeds = utf8 == 0x0A
        lengths = np.diff(np.append(np.flatnonzero(feeds), len(utf8)), prepend=-1) - 1
        return pc.utf8_rtrim(_strings(utf8[~feeds], lengths), characters=" ")
    return _strings(payload, lengths)


def _strings(payload: np.ndarray, lengths: np.ndarray) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(payload))]
    return pa.Array.from_buffers(pa.string(), len(lengths), buffers)
