"""What changed between two readings of the legacy platform, by key (H28)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import MISSING, Mask, equals, fen, flat, lookup
from migration.domain.tables import KEYS

_NULL: Final = "\x00"
REPAID: Final[Mapping[str, tuple[str, ...]]] = {
    "schedules": ("principal_paid", "interest_paid"),
    "debts": ("principal", "interest", "bonus_interest", "status"),
    "escrow_accounts": ("available", "frozen"),
    "listings": ("status",),
}
"""All that a repayment changes, by entity; anything else is another kind of change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entity that differs. Keys only, sorted; of `changed`, the positions before and after are kept for sums."""

    entity: str
    changed: pa.Array
    added: pa.Array
    gone: pa.Array
    columns: frozenset[str]  # in which a changed row differs
    before: pa.Table  # the changed rows, row for row
    after: pa.Table

    @property
    def count(self) -> int:
        """Rows changed, new and gone."""
        return len(self.changed) + len(self.added) + len(self.gone)

    @property
    def repayment(self) -> bool:
        """Whether it can be a repayment: known rows only, nothing but what a repayment changes, and the right way."""
        only = self.columns <= set(REPAID.get(self.entity, ()))
        return only and not len(self.added) and not len(self.gone) and self._onward()

    def _onward(self) -> bool:
        """Paid parts only grow, principal held only falls, and what is finished stays finished."""
        grown = [
            fen(self.after[name]) - fen(self.before[name])
            for name in ("principal_paid", "interest_paid")
            if name in self.columns
        ]
        if self.entity == "debts":
            grown.append(fen(self.before["principal"]) - fen(self.after["principal"]))
        if "status" in self.columns:
            was, now = (equals(side["status"], "finished") for side in (self.before, self.after))
            same = ~_differs(self.before["status"], self.after["status"])
            lawful = same | now | equals(self.after["status"], "overdue")
            grown.append(np.where(lawful & ~(was & ~now), 0, -1))
        return all(bool((steps >= 0).all()) for steps in grown)

    def sums(self) -> dict[str, tuple[int, int]]:
        """Money column -> its sum over the changed rows before and after, in fen."""
        money = [c for c in REPAID.get(self.entity, ()) if c != "status"]
        return {c: (int(fen(self.before[c]).sum()), int(fen(self.after[c]).sum())) for c in money}


def compare(entity: str, before: pa.Table, after: pa.Table) -> Change:
    """Rows by key. Elections and issues, which have no key of their own, are new or gone as whole rows."""
    old, new = keys_of(entity, before), keys_of(entity, after)
    at = lookup(new, old)
    both = np.flatnonzero(at != MISSING)
    left = before.take(pa.array(at[both]))
    right = after.take(pa.array(both))
    differs = {name: _differs(left[name], right[name]) for name in before.column_names}
    where = np.logical_or.reduce(list(differs.values())) if len(both) else np.zeros(0, np.bool_)
    chosen = pa.array(where)
    return Change(
        entity=entity,
        changed=labels(entity, right.filter(chosen)),
        added=labels(entity, after.filter(pa.array(at == MISSING))),
        gone=labels(entity, before.filter(pa.array(lookup(old, new) == MISSING))),
        columns=frozenset(name for name, mask in differs.items() if mask.any()),
        before=left.filter(chosen),
        after=right.filter(chosen),
    )


def keys_of(entity: str, table: pa.Table) -> pa.Array:
    """The row's key as text."""
    own = entity in KEYS and entity != "elections"
    return _joined(table, KEYS[entity] if own else tuple(table.column_names), "/" if own else "\x1f")


def labels(entity: str, table: pa.Table) -> pa.Array:
    """How rows are named to people: the key; of an election, whose key begins with an ID number, only the user."""
    if entity == "elections":
        return pc.fill_null(flat(table["user_id"]), "?")
    if entity == "issues":
        owner = pc.if_else(pc.equal(table["entity"], "elections"), pa.scalar("?"), flat(table["key"]))
        return flat(pc.binary_join_element_wise(flat(table["entity"]), flat(owner), flat(table["column"]), "/"))
    return _joined(table, KEYS[entity], "/")


def _joined(table: pa.Table, columns: tuple[str, ...], glue: str) -> pa.Array:
    parts = [pc.fill_null(flat(table[name]).cast(pa.string()), _NULL) for name in columns]
    return pc.binary_join_element_wise(*parts, glue) if len(parts) > 1 else parts[0]


def _differs(left: pa.ChunkedArray, right: pa.ChunkedArray) -> Mask:
    one, other = flat(left), flat(right)
    unequal = pc.fill_null(pc.not_equal(one, other), False)
    lone = pc.xor(pc.is_null(one), pc.is_null(other))
    return np.asarray(pc.or_(unequal, lone).to_numpy(zero_copy_only=False), np.bool_)
