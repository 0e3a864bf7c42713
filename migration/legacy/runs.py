"""Sorting more rows than memory holds: sorted runs are put aside on disk, encrypted, and merged as they are read back.

The file has no name (it is gone with the process, whatever happens to it) and is written with a key that exists only
in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from migration.legacy.arrows import compute, mask_of

BLOCK: Final = 16_384
"""Rows put aside, and read back, at a time."""

Key = tuple[tuple[bool, Any], ...]


class Runs:
    """Sorted tables of one entity on disk. `keys` are the columns they are sorted by (NULL last)."""

    def __init__(self, folder: Path, schema: pa.Schema, keys: Sequence[str]) -> None:
        self._schema = schema
        self._keys = tuple(keys)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._blocks: list[list[tuple[int, int]]] = []
        self._written = 0

    def put(self, run: pa.Table) -> None:
        """Put one sorted run aside; OSError when the disk is full."""
        self._blocks.append([self._seal(batch) for batch in run.combine_chunks().to_batches(max_chunksize=BLOCK)])

    def merged(self) -> Iterator[pa.Table]:
        """Return all rows in pieces, in ascending order from piece to piece.

        Rows of one key are always in one piece; within a piece they are not sorted yet.
        """
        heads = [head for head in (_Head(self, blocks) for blocks in self._blocks) if head.rows.num_rows]
        while heads:
            waiting = [head for head in heads if head.more]
            if not waiting:
                yield pa.concat_tables([head.rows for head in heads])
                return
            bound = min(self._last(head.rows) for head in waiting)
            taken = [rows for rows in (head.below(bound) for head in heads) if rows.num_rows]
            for head in waiting:
                if self._last(head.rows) == bound:
                    head.extend()
            if taken:
                yield pa.concat_tables(taken)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()

    def block(self, at: tuple[int, int]) -> pa.Table:
        """Read one block back."""
        number, size = at
        self._file.seek(number)
        plain = self._cipher.decrypt(number.to_bytes(12, "big"), self._file.read(size), None)
        with pa.ipc.open_stream(pa.py_buffer(plain)) as stream:
            return stream.read_all()

    def below(self, rows: pa.Table, bound: Key) -> int:
        """How many of the sorted rows stand before the bound."""
        if _key(rows, self._keys, 0) >= bound:
            return 0
        before = np.zeros(rows.num_rows, dtype=bool)
        level = np.ones(rows.num_rows, dtype=bool)
        for name, (absent, value) in zip(self._keys, bound, strict=True):
            smaller, same = _compared(rows[name], absent=absent, value=value)
            before |= level & smaller
            level &= same
        return int(before.sum())

    def _last(self, rows: pa.Table) -> Key:
        return _key(rows, self._keys, rows.num_rows - 1)

    def _seal(self, batch: pa.RecordBatch) -> tuple[int, int]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
            stream.write_batch(batch)
        sealed = self._cipher.encrypt(
            self._written.to_bytes(12, "big"), sink.getvalue().to_pybytes(), None
        )  # places never repeat
        at = (self._written, len(sealed))
        self._file.seek(self._written)
        self._file.write(sealed)
        self._written += len(sealed)
        return at


class _Head:
    """What is left of a run: `rows` in memory, `more` on disk."""

    def __init__(self, runs: Runs, blocks: Sequence[tuple[int, int]]) -> None:
        self._runs = runs
        self._left = list(reversed(blocks))
        self.rows: pa.Table = runs.block(self._left.pop())

    @property
    def more(self) -> bool:
        return bool(self._left)

    def below(self, bound: Key) -> pa.Table:
        """Take the rows before the bound away."""
        if not self.rows.num_rows:
            return self.rows
        count = self._runs.below(self.rows, bound)
        taken, self.rows = self.rows.slice(0, count), self.rows.slice(count)
        return taken

    def extend(self) -> None:
        self.rows = pa.concat_tables([self.rows, self._runs.block(self._left.pop())])


def _key(rows: pa.Table, keys: Sequence[str], at: int) -> Key:
    """One row's key; text compares by code point, which is the order of its UTF-8 bytes."""
    values = [rows[name][at].as_py() for name in keys]
    return tuple((value is None, value) for value in values)


def _compared(column: Any, *, absent: bool, value: Any) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where the column stands before the value, and where it equals it; NULL comes last."""
    if absent:
        there = mask_of(compute.is_valid(column))
        return there, ~there
    scalar = pa.scalar(value, column.type)
    return mask_of(compute.less(column, scalar)), mask_of(compute.equal(column, scalar))
