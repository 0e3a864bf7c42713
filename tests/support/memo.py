"""Pure calculations remembered by the content of what they were given.

A cutover that is killed and run again, or simulated under another schedule, asks for the same pure calculations over and
over: the book, the gates' measures, the verifier's counts. They are the real functions; the key is the SHA-256 of every
byte that goes in, so a change of data is always calculated anew. Only whole numbers are kept on disk.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from migration.domain import book, changes, corrections, exceptions, parties, schedules
from migration.domain.outcome import batch_table, outcome
from migration.stages import assessment, house, progress, reconcile
from migration.verification import run as verification

KEPT = 4000
ARROW = (pa.Table, pa.ChunkedArray, pa.Array)


def digest(*values: Any) -> str:
    """SHA-256 over values: tables by their Arrow bytes, functions without arguments by what they return."""
    state = hashlib.sha256()
    for value in values:
        _feed(state, value)
    return state.hexdigest()


_SEEN: OrderedDict[int, tuple[Any, bytes]] = OrderedDict()
"""Digests, in brackets, by object, which is kept alive meanwhile: of tables (they never change), and of what a remembered
function returned (other facts, the same book): taken once, of what is in it."""


def _see(value: Any, found: bytes) -> None:
    _SEEN[id(value)] = (value, b"(" + found + b")")
    if len(_SEEN) > 2 * KEPT:
        _SEEN.popitem(last=False)


def _table(value: Any) -> bytes:
    table = value if isinstance(value, pa.Table) else pa.table({"column": value})
    sink = hashlib.sha256(table.schema.serialize())
    for batch in table.combine_chunks().to_batches():
        sink.update(batch.serialize())
    return sink.digest()


def _feed(state: Any, value: Any) -> None:
    if id(value) not in _SEEN and isinstance(value, ARROW):
        _see(value, _table(value))
    if id(value) in _SEEN:
        state.update(_SEEN[id(value)][1])
        return
    kind = type(value)
    state.update(f"({kind.__name__}".encode())
    if kind in (str, int, bytes):
        state.update(value if kind is bytes else repr(value).encode())
    elif is_dataclass(kind):
        state.update(_fielded(value))
    elif isinstance(value, (Mapping, tuple, list)):
        _feed_several(state, value)
    elif isinstance(value, (set, frozenset)):
        _feed(state, sorted(value))
    elif callable(value):
        _feed(state, value())
    elif isinstance(value, np.ndarray):
        state.update(f"{value.dtype}{value.shape}".encode() + value.tobytes())
    else:
        state.update(value if isinstance(value, bytes) else repr(value).encode())
    state.update(b")")


_FIELDED: dict[Any, bytes] = {}
"""Digests of dataclasses of plain values, by value: rules, batches."""


def _fielded(value: Any) -> bytes:
    try:
        if value in _FIELDED:
            return _FIELDED[value]
        keep = len(_FIELDED) < KEPT
    except TypeError:  # it holds tables
        keep = False
    state = hashlib.sha256()
    for one in fields(value):
        _feed(state, getattr(value, one.name))
    if keep:
        _FIELDED[value] = state.digest()
    return state.digest()


def _feed_several(state: Any, value: Any) -> None:
    several = value.values() if isinstance(value, Mapping) else value
    if not any(isinstance(one, ARROW) for one in several):
        try:
            state.update(marshal.dumps(value, 0))  # plain values at once; 0: nothing but the values
        except ValueError:
            pass
        else:
            return
    if isinstance(value, Mapping):
        state.update(marshal.dumps(sorted(value), 0))
        several = [value[name] for name in sorted(value)]
    for one in several:
        _feed(state, one)


class Memo:
    """Remembers results by the digest of the arguments; in `folder` too when one is given (whole numbers, as JSON).

    `of` takes out of the arguments what the result depends on; without it, all of them.
    """

    def __init__(
        self, name: str, call: Callable[..., Any], folder: Path | None = None, of: Callable[..., Any] | None = None
    ) -> None:
        self._name, self._call, self._folder, self._of = name, call, folder, of
        self._known: OrderedDict[str, Any] = OrderedDict()
        self.asked = self.calculated = 0

    def __call__(self, *values: Any, **named: Any) -> Any:
        self.asked += 1
        key = digest(self._name, *(self._of(*values) if self._of else values), *sorted(named.items()))
        if key in self._known:
            self._known.move_to_end(key)
        else:
            self._known[key] = self._from_disk(key, values, named)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        found = self._known[key]
        if is_dataclass(found) and id(found) not in _SEEN:
            _see(found, _fielded(found))
        return found

    def _from_disk(self, key: str, values: tuple[Any, ...], named: dict[str, Any]) -> Any:
        place = self._folder / f"{self._name}-{key}.json" if self._folder else None
        if place is not None and place.exists():
            return json.loads(place.read_text())
        self.calculated += 1
        found = self._call(*values, **named)
        if place is not None:
            part = place.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(found))
            part.rename(place)
        return found


_PLACES: dict[str, tuple[tuple[Any, str], ...]] = {
    "derive": ((house, "derive"),),
    "user_book": ((book, "user_book"),),
    "listing_book": ((book, "listing_book"),),
    "debt_book": ((book, "debt_book"),),
    "signatures": ((house, "_signatures"),),
    "measures": ((progress, "measures"),),
    "counts": ((verification, "counts"),),
    "corrected": ((corrections, "apply"),),
    "people": ((parties.People, "of"),),
    "authorisation_book": ((book, "authorisation_book"),),
    "balances": ((book, "_balances"),),
    "receivables": ((book, "_receivables"),),
    "parties": ((book, "_parties"),),
    "positions": ((book, "_positions"),),
    "compare": ((changes, "compare"),),
    "differences": ((schedules, "differences"),),
    "hash_total": ((assessment, "hash_total"),),
    "outcome": ((progress, "outcome"), (reconcile, "outcome")),
    "standing": ((exceptions, "standing"), (assessment, "standing")),
    "hazards": ((assessment, "hazards"),),
    "profile": ((assessment, "profile"),),
    "page": ((assessment, "page"),),
}
"""Pure functions, and the modules that call them by these names."""
_ON_DISK = ("measures", "counts")
REAL = {name: getattr(*places[0]) for name, places in _PLACES.items()}


def install(folder: Path | None = None) -> dict[str, Memo]:
    """Put the remembering functions in the places of the real ones, for the rest of this process (or until `remove`)."""
    memos = {}
    for name, real in REAL.items():
        memos[name] = Memo(name, real, folder if name in _ON_DISK else None)
        _put(name, memos[name])
    exported = memos["outcome"] = Memo("outcome", lambda found: outcome(found, ()))
    listed = memos["batch_table"] = Memo("batch_table", batch_table)
    _put("outcome", lambda found, batches: {**exported(found), "batches": listed(batches)})
    return memos


def remove() -> None:
    """Put the real functions back."""
    for name, real in REAL.items():
        _put(name, real)


def _put(name: str, call: Callable[..., Any]) -> None:
    for module, attribute in _PLACES[name]:
        setattr(module, attribute, call)
