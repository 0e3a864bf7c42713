"""Small set-wise tools over Arrow columns: look-ups, masks, sums by key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Fen = npt.NDArray[np.int64]

MISSING = -1


def flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array of a column; nothing is copied where it is one already."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def lookup(keys: pa.ChunkedArray | pa.Array, universe: pa.ChunkedArray | pa.Array) -> Indices:
    """Position of each key in `universe` (the first, where it stands more than once); MISSING for NULL and unknown keys."""
    return _whole(pc.index_in(flat(keys), value_set=flat(universe), skip_nulls=True), MISSING).astype(np.int64)


def mask(column: pa.ChunkedArray | pa.Array) -> Mask:
    """A Boolean column as a mask; NULL is False."""
    return _whole(flat(column), False).astype(np.bool_, copy=False)


def _whole(column: pa.Array, default: object) -> npt.NDArray[Any]:
    """The values, `default` for NULL."""
    found: npt.NDArray[Any] = (pc.fill_null(column, default) if column.null_count else column).to_numpy(
        zero_copy_only=False
    )
    return found


@lru_cache(maxsize=1024)
def _words(values: tuple[str, ...]) -> pa.Array:
    return pa.array(values, pa.string())


def equals(column: pa.ChunkedArray | pa.Array, *values: str) -> Mask:
    """Where the column holds one of the values; NULL is False."""
    return mask(pc.is_in(flat(column), value_set=_words(values)))


def member(column: pa.ChunkedArray | pa.Array, universe: pa.ChunkedArray | pa.Array) -> Mask:
    """Where the column's value stands in `universe`; NULL is False."""
    return lookup(column, universe) != MISSING


def is_null(column: pa.ChunkedArray | pa.Array) -> Mask:
    """Where the column is NULL."""
    return mask(pc.is_null(flat(column)))


def fen(column: pa.ChunkedArray | pa.Array) -> Fen:
    """Amounts as int64; NULL is 0 (a NULL amount has closed preflight long before)."""
    return _whole(flat(column), 0).astype(np.int64)


def pick(column: pa.ChunkedArray | pa.Array, at: Indices) -> pa.Array:
    """`column[at]`, NULL where `at` is MISSING."""
    return flat(column).take(pa.array(at, mask=at == MISSING))


def pick_mask(values: Mask, at: Indices) -> Mask:
    """`values[at]`, False where `at` is MISSING."""
    if not len(values):
        return np.zeros(len(at), np.bool_)
    return np.where(at == MISSING, False, values[np.maximum(at, 0)])


def pick_int(values: Fen, at: Indices, default: int = 0) -> Fen:
    """`values[at]`, `default` where `at` is MISSING."""
    if not len(values):
        return np.full(len(at), default, np.int64)
    return np.where(at == MISSING, default, values[np.maximum(at, 0)])


def sum_at(amounts: Fen, at: Indices, size: int) -> Fen:
    """Exact integer sums of `amounts` by position; rows at MISSING are left out."""
    totals = np.zeros(size, np.int64)
    known = at != MISSING
    np.add.at(totals, at[known], amounts[known])
    return totals


def sort_by(table: pa.Table, *keys: str) -> pa.Table:
    """Rows in ascending order of the keys; text by UTF-8 bytes."""
    return table.sort_by([(key, "ascending") for key in keys])


def latest(table: pa.Table, key: str) -> pa.Table:
    """The last row of each key of a table in order."""
    if not table.num_rows:
        return table
    coded = flat(table[key]).dictionary_encode(null_encoding="encode")
    last = np.zeros(len(coded.dictionary), np.int64)
    np.maximum.at(last, coded.indices.to_numpy(), np.arange(table.num_rows))
    return table.take(pa.array(last))


def build(schema: pa.Schema, **columns: Any) -> pa.Table:
    """A table of exactly this schema."""
    return pa.table({field.name: columns[field.name] for field in schema}, schema=schema)


def texts(values: Sequence[str | None], where: npt.NDArray[np.int64]) -> pa.Array:
    """`values[where]` as dictionary look-up: small vocabularies to a text column. A NULL entry gives NULL."""
    return pa.array(values, pa.string()).take(pa.array(where))


def from_csv(
    text: bytes | bytearray, read: pacsv.ReadOptions, parse: pacsv.ParseOptions, convert: pacsv.ConvertOptions
) -> pa.Table:
    """Parse CSV text, at least one line of it.

    Arrow reads ahead on a thread of its own, which may let go of its input after this has returned. Were that a Python
    object, a process that ends in that moment would abort (the thread asks for an interpreter that is gone): so the
    text goes in as a copy in Arrow's own memory.
    """
    sink = pa.BufferOutputStream()
    sink.write(text)
    return pacsv.read_csv(pa.BufferReader(sink.getvalue()), read, parse, convert)
