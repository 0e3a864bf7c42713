"""Two sides in the order of their key, walked side by side: a window holds all rows of both between two keys.

However large the sides are, only one window of each is in memory.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

AT_ONCE: Final = 131_072
"""Rows that are read together."""
AHEAD: Final = 2
"""How many such pieces are read beside the work on the one before."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows in the order of their key as UTF-8 bytes, read anew each time `pieces` is called."""

    schema: pa.Schema
    pieces: Callable[[], Iterable[pa.Table]]


Rows: TypeAlias = "pa.Table | Stream"


def stored(path: Path, columns: Sequence[str] | None = None, decryption: Any = None) -> Stream:
    """The rows of a Parquet file, all columns or some; `decryption`: pyarrow's properties for an encrypted one."""

    def pieces() -> Iterator[pa.Table]:
        with (
            pq.ParquetFile(path, decryption_properties=decryption, pre_buffer=False) as file,
            ThreadPoolExecutor(1) as worker,
        ):
            batches = file.iter_batches(AT_ONCE, columns=columns)
            coming = deque(worker.submit(next, batches, None) for _ in range(AHEAD))
            while (batch := coming.popleft().result()) is not None:
                coming.append(worker.submit(next, batches, None))
                yield pa.Table.from_batches([batch])

    schema = pq.read_schema(path, decryption_properties=decryption)
    return Stream(schema if columns is None else pa.schema([schema.field(name) for name in columns]), pieces)


def together(left: Rows, right: Rows, key: str, rows: int) -> Iterator[tuple[pa.Table, pa.Table, str | None]]:
    """Windows of both sides with at most `rows` rows a side (more only of one key), and the key that ends each.

    The windows leave no key out: each begins where the one before ended, and None is the end of the last. ValueError when
    a stream is not in the order of its key.
    """
    sides = _Cursor(left, key), _Cursor(right, key)
    bound: str | None = ""
    while bound is not None:
        size = rows
        while True:
            ahead = [found for found in (side.key_ahead(size) for side in sides) if found is not None]
            bound = min(ahead, default=None)
            taken = [side.before(bound) for side in sides]
            if bound is None or any(table.num_rows for table in taken):
                break
            size *= 2  # one key fills the whole window
        yield taken[0], taken[1], bound


def position(keys: pa.Array | pa.ChunkedArray, bound: str) -> int:
    """How many of the sorted keys come before a key; NULL comes first."""
    return bisect.bisect_left(range(len(keys)), bound, key=lambda at: keys[at].as_py() or "")


class _Cursor:
    """One side, read as far as it is wanted."""

    def __init__(self, rows: Rows, key: str) -> None:
        self._key = key
        self._empty = rows.schema.empty_table()
        self._source = iter(_in_order(rows, key) if isinstance(rows, pa.Table) else rows.pieces())
        self._pieces: deque[pa.Table] = deque()
        self._last = ""

    def key_ahead(self, rows: int) -> str | None:
        """The key `rows` rows from here; None when there are no more rows than that."""
        held = sum(piece.num_rows for piece in self._pieces)
        while held <= rows:
            if not self._more():
                return None
            held += self._pieces[-1].num_rows
        for piece in self._pieces:
            if rows < piece.num_rows:
                return piece[self._key][rows].as_py() or ""
            rows -= piece.num_rows
        return None

    def before(self, bound: str | None) -> pa.Table:
        """All rows up to the bound, which are then done with."""
        taken = [self._empty]
        while self._pieces or self._more():
            piece = self._pieces.popleft()
            cut = piece.num_rows if bound is None else position(piece[self._key], bound)
            taken.append(piece.slice(0, cut))
            if cut < piece.num_rows:
                self._pieces.appendleft(piece.slice(cut))
                break
        return pa.concat_tables(taken)

    def _more(self) -> bool:
        for piece in self._source:
            if piece.num_rows:
                keys = piece[self._key]
                if not ordered(keys) or (keys[0].as_py() or "") < self._last:
                    raise ValueError(f"the rows are not in the order of {self._key}")
                self._last = keys[-1].as_py() or ""
                self._pieces.append(piece)
                return True
        return False


def ordered(keys: pa.ChunkedArray, *, strictly: bool = False) -> bool:
    """Whether the keys rise; `strictly`: none stands twice."""
    compare = pc.less if strictly else pc.less_equal
    plain = keys.combine_chunks()
    return len(plain) < 2 or pc.all(compare(plain[:-1], plain[1:]), skip_nulls=False).as_py() is True  # noqa: PLR2004


def _in_order(table: pa.Table, key: str) -> list[pa.Table]:
    """A table in memory, sorted where it is not; NULL as a key becomes the empty text."""
    if not ordered(table[key]):
        filled = table.set_column(table.schema.get_field_index(key), key, pc.fill_null(table[key], ""))
        table = filled.sort_by(key)
    return [pa.Table.from_batches([batch]) for batch in table.to_batches(AT_ONCE)]
