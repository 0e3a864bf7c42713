"""Pure calculations remembered by the content of what they were given.

A cutover that is killed and run again, or simulated under another schedule, asks for the same pure calculations over and
over: the book, the gates' measures, the verifier's counts. They are the real functions; the key is the SHA-256 of every
byte that goes in, so a change of data is always calculated anew. Only whole numbers are kept on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from migration.stages import house, progress
from migration.verification import run as verification

KEPT = 4000


def digest(*values: Any) -> str:
    """SHA-256 over values: tables by their Arrow bytes, functions without arguments by what they return."""
    state = hashlib.sha256()
    for value in values:
        _feed(state, value)
    return state.hexdigest()


_TABLES: OrderedDict[int, tuple[Any, bytes]] = OrderedDict()


def _table(value: Any) -> bytes:
    """Digest of a table; remembered by object, which is kept alive meanwhile (Arrow tables never change)."""
    known = _TABLES.get(id(value))
    if known is not None:
        return known[1]
    sink = hashlib.sha256()
    table = value if isinstance(value, pa.Table) else pa.table({"column": value})
    sink.update(table.schema.serialize().to_pybytes())
    for batch in table.combine_chunks().to_batches():
        sink.update(batch.serialize())
    _TABLES[id(value)] = (value, sink.digest())
    if len(_TABLES) > KEPT:
        _TABLES.popitem(last=False)
    return sink.digest()


def _feed(state: Any, value: Any) -> None:
    state.update(f"({type(value).__name__}".encode())
    if isinstance(value, (pa.Table, pa.ChunkedArray, pa.Array)):
        state.update(_table(value))
    elif is_dataclass(value):
        for one in fields(value):
            _feed(state, getattr(value, one.name))
    elif isinstance(value, Mapping):
        for name in sorted(value):
            _feed(state, name)
            _feed(state, value[name])
    elif isinstance(value, (tuple, list)):
        for one in value:
            _feed(state, one)
    elif isinstance(value, (set, frozenset)):
        _feed(state, sorted(value))
    elif callable(value):
        _feed(state, value())
    else:
        state.update(value if isinstance(value, bytes) else repr(value).encode())
    state.update(b")")


class Memo:
    """Remembers results by the digest of the arguments; in `folder` too when one is given (whole numbers, as JSON)."""

    def __init__(self, name: str, call: Callable[..., Any], folder: Path | None = None) -> None:
        self._name, self._call, self._folder = name, call, folder
        self._known: OrderedDict[str, Any] = OrderedDict()
        self.asked = self.calculated = 0

    def __call__(self, *values: Any) -> Any:
        self.asked += 1
        key = digest(*values)
        if key not in self._known:
            self._known[key] = self._from_disk(key, values)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[key]

    def _from_disk(self, key: str, values: tuple[Any, ...]) -> Any:
        place = self._folder / f"{self._name}-{key}.json" if self._folder else None
        if place is not None and place.exists():
            return json.loads(place.read_text())
        self.calculated += 1
        found = self._call(*values)
        if place is not None:
            part = place.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(found))
            part.rename(place)
        return found


REAL = {"derive": house.derive, "measures": progress.measures, "counts": verification.counts}


def install(folder: Path | None = None) -> dict[str, Memo]:
    """Put the remembering functions in the places of the real ones, for the rest of this process (or until `remove`)."""
    memos = {
        "derive": Memo("derive", REAL["derive"]),
        "measures": Memo("measures", REAL["measures"], folder),
        "counts": Memo("counts", REAL["counts"], folder),
    }
    house.derive, progress.measures, verification.counts = memos["derive"], memos["measures"], memos["counts"]
    return memos


def remove() -> None:
    """Put the real functions back."""
    house.derive, progress.measures, verification.counts = REAL["derive"], REAL["measures"], REAL["counts"]
