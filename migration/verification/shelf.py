"""The debts' file records, handed out window by window: a file's bytes are read when the first window wants a record of it.

Files are in the order of their keys but for samples, re-sends and later rounds, whose records lie over all windows: what of them
belongs to later windows waits in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

Read = Callable[[], dict[str, pa.Table]]
"""Reads a batch's records: table of the workbench -> its rows, with a column `key`."""


class Shelf:
    """Batches by the least key that stands in them."""

    def __init__(self) -> None:
        self._batches: dict[str, tuple[str, Read]] = {}

    def put(self, name: str, keys: Iterable[pa.Array], read: Read) -> None:
        """A batch, put anew if it is there; one without records is left out."""
        self._batches.pop(name, None)
        least = [found for found in (pc.min(column).as_py() for column in keys) if found is not None]
        if least:
            self._batches[name] = (min(least), read)

    def round(self) -> Round:
        """One way through all records, in the order of the windows."""
        return Round(sorted(self._batches.values(), key=lambda batch: batch[0], reverse=True))


class Round:
    """Where one way through the windows stands."""

    def __init__(self, ahead: list[tuple[str, Read]]) -> None:
        self._ahead = ahead  # the least key last
        self._waiting: dict[str, list[pa.Table]] = {}

    def until(self, bound: str | None) -> dict[str, list[pa.Table]]:
        """All records not handed out yet whose key comes before the bound; None: all there are."""
        while self._ahead and (bound is None or self._ahead[-1][0] < bound):
            for name, table in self._ahead.pop()[1]().items():
                self._waiting.setdefault(name, []).append(table)
        waiting, self._waiting = self._waiting, {}
        if bound is None:
            return waiting
        given: dict[str, list[pa.Table]] = {}
        for name, tables in waiting.items():
            for table in tables:
                now = pc.less(table["key"], bound)
                for kept, chosen in ((given, now), (self._waiting, pc.invert(now))):
                    part = table.filter(chosen)
                    if part.num_rows:
                        kept.setdefault(name, []).append(part)
        return given
