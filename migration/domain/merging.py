"""Merging identities: one person (一个身份证) with several accounts keeps one of them.

Groups are verified, non-platform users of the same kind with the same normalised ID; never anything fuzzy. Names must
agree, else nobody is merged. Which account is kept follows the configured policy, and the criterion that decided is
recorded. Source: domain.md "Merging identities", hazards H1, H3, H4; reliability.md I8.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import MISSING, Fen, Indices, Mask, flat, sum_at
from migration.domain.errors import GateClosed
from migration.domain.identity import fold_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ALREADY_SENT: Final = "already_sent"
LAST_RESORT: Final = "user_id"
PAIR: Final = 2  # the smallest group in which there is something to merge
GROUPS: Final = pa.schema(
    [
        ("kept_user_id", pa.string()),
        ("members", pa.int64()),  # the kept one included
        ("reason", pa.string()),  # the first criterion that set the kept account apart from all others
        ("receivable_before", pa.int64()),  # fen, summed over the members' own accounts
        ("receivable_after", pa.int64()),  # fen, held by the kept account after merging
        ("election", pa.bool_()),  # the kept account is the one its owner chose
    ]
)


@dataclass(frozen=True, slots=True)
class Marks:
    """What has already happened to users, row for row; it may not be undone by merging them anew."""

    live: Mask  # at the bank: attempt open, successful or of unknown outcome
    settled: Mask  # refused by the bank before, or signed off: stays the kept account of his group
    apart: Mask  # signed off as NAME_CONFLICT: final, merges with nobody


@dataclass(frozen=True, slots=True)
class Candidates:
    """Users in ascending order of user_id (as bytes), row for row."""

    user_ids: pa.Array
    person: pa.Array  # who he is: see `person_keys`; NULL = in no group
    names: pa.Array
    receivable: Fen
    ranks: Mapping[str, Indices]  # criterion of the policy -> the smaller the better
    policy: tuple[str, ...]
    marks: Marks


@dataclass(frozen=True, slots=True)
class Merges:
    """`kept[i]` is the row of the account that row i was merged into, i itself if it was not."""

    kept: Indices
    conflict: Mask  # names disagree within the ID
    groups: pa.Table  # GROUPS, sorted by kept_user_id

    @property
    def merged(self) -> Mask:
        """Rows that were merged into another account."""
        return np.asarray(self.kept != np.arange(len(self.kept)), np.bool_)


@dataclass(frozen=True, slots=True)
class _Member:
    row: int
    rank: tuple[int, ...]
    name: str


@dataclass(frozen=True, slots=True)
class _Choice:
    """The outcome for one group: whom the core is merged into, and who stands alone in conflict."""

    core: Sequence[_Member]
    kept: _Member | None
    reason: str
    conflict: Sequence[_Member]


def person_keys(kinds: pa.Array, id_nos: pa.Array, eligible: Mask) -> pa.Array:
    """`kind|ID`: equal for accounts of the same person; NULL where not eligible or without an ID."""
    keys = pc.binary_join_element_wise(kinds, id_nos, "|")
    return pc.if_else(pa.array(eligible), keys, pa.scalar(None, pa.string()))


def in_groups(person: pa.Array) -> Mask:
    """Rows that share their person with at least one other row."""
    return _shared(_codes(person))


def _shared(codes: Indices) -> Mask:
    if not (codes != MISSING).any():
        return np.zeros(len(codes), np.bool_)
    counts = np.bincount(codes[codes != MISSING])
    return np.where(codes == MISSING, False, counts[np.maximum(codes, 0)] >= PAIR)


def ascending(values: pa.Array) -> Indices:
    """Instants as a rank: the earliest first, NULL last."""
    return _instants(values, 1)


def descending(values: pa.Array) -> Indices:
    """Instants as a rank: the latest first, NULL last."""
    return _instants(values, -1)


def merge(users: Candidates) -> Merges:
    """Decide every group."""
    size = len(users.user_ids)
    kept = np.arange(size, dtype=np.int64)
    conflict = np.zeros(size, np.bool_)
    decided: list[_Choice] = []
    criteria = (*users.policy, LAST_RESORT)
    for members in _groups(users, criteria):
        choice = _choose(members, users.marks, criteria)
        conflict[[member.row for member in choice.conflict]] = True
        if choice.kept is not None:
            kept[[member.row for member in choice.core]] = choice.kept.row
            if len(choice.core) >= PAIR:
                decided.append(choice)
    return Merges(kept, conflict, _table(users, decided, kept))


def _groups(users: Candidates, criteria: Sequence[str]) -> Iterator[list[_Member]]:
    codes = _codes(users.person)
    rows = np.flatnonzero(_shared(codes))
    codes = codes[rows]
    order = np.argsort(codes, kind="stable")
    rows, codes = rows[order], codes[order]
    by_id = np.arange(len(users.user_ids), dtype=np.int64)  # rows are sorted by user_id, so it is the row itself
    ranks = [users.ranks[name] if name != LAST_RESORT else by_id for name in criteria]
    table = np.column_stack([rank[rows] for rank in ranks]).tolist()
    names = [fold_name(name) if name else "" for name in users.names.take(pa.array(rows)).to_pylist()]
    members = [_Member(row, tuple(rank), name) for row, rank, name in zip(rows.tolist(), table, names, strict=True)]
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(rows)]
    for start, end in itertools.pairwise(bounds):
        if end > start:
            yield members[start:end]


def _choose(members: Sequence[_Member], marks: Marks, criteria: Sequence[str]) -> _Choice:
    anchor = _anchor(members, marks)
    name = members[0].name if anchor is None else anchor.name
    agreeing = [member for member in members if member.name == name]
    if anchor is None and len(agreeing) < len(members):
        return _Choice((), None, "", members)
    strangers = [member for member in members if member.name != name and not marks.live[member.row]]
    # An account that the bank already has stays what it is, even beside another one of the same person.
    core = [m for m in agreeing if m is anchor or not (marks.live[m.row] or marks.apart[m.row])]
    alone = [m for m in agreeing if marks.apart[m.row] and m is not anchor]
    if not core:
        return _Choice((), None, "", strangers + alone)
    best, reason = _best(core, criteria)
    if anchor is not None and anchor is not best:
        best, reason = anchor, ALREADY_SENT
    return _Choice(core, best, reason, strangers + alone)


def _anchor(members: Sequence[_Member], marks: Marks) -> _Member | None:
    """Find the account that must stay the kept one: at the bank already, else refused there or signed off before."""
    for mark in (marks.live, marks.settled):
        marked = [member for member in members if mark[member.row]]
        if marked:
            return min(marked, key=lambda member: member.rank)
    return None


def _best(core: Sequence[_Member], criteria: Sequence[str]) -> tuple[_Member, str]:
    """Pick the account by the policy, and name the first criterion that sets it apart from all others."""
    first, *others = sorted(core, key=lambda member: member.rank)
    if not others:
        return first, ""
    pairs = zip(first.rank, others[0].rank, criteria, strict=True)
    return first, next((criterion for mine, theirs, criterion in pairs if mine != theirs), LAST_RESORT)


def _table(users: Candidates, decided: Sequence[_Choice], kept: Indices) -> pa.Table:
    after = sum_at(users.receivable, kept, len(kept))
    if int(after.sum()) != int(users.receivable.sum()):
        raise GateClosed.of("MERGE_SUM_DIFFERS", "users", "the sum of receivables changed by merging")
    choices = sorted((choice for choice in decided if choice.kept is not None), key=_row)
    rows = [_row(choice) for choice in choices]
    elected = users.ranks.get("election", np.ones(len(kept), np.int64))
    before = [sum(int(users.receivable[member.row]) for member in choice.core) for choice in choices]
    return pa.table(
        {
            "kept_user_id": flat(users.user_ids.take(pa.array(rows, pa.int64()))),
            "members": [len(choice.core) for choice in choices],
            "reason": [choice.reason for choice in choices],
            "receivable_before": before,
            "receivable_after": [int(after[row]) for row in rows],
            "election": [bool(elected[row] == 0) for row in rows],
        },
        schema=GROUPS,
    )


def _row(choice: _Choice) -> int:
    return MISSING if choice.kept is None else choice.kept.row


def _codes(person: pa.Array) -> Indices:
    codes = flat(person).dictionary_encode().indices
    return np.asarray(pc.fill_null(codes, MISSING).to_numpy(zero_copy_only=False), np.int64)


def _instants(values: pa.Array, sign: int) -> Indices:
    microseconds = pc.fill_null(flat(values).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    missing = pc.is_null(flat(values)).to_numpy(zero_copy_only=False)
    return np.where(missing, np.iinfo(np.int64).max, sign * microseconds)
