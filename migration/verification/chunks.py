"""Which chunks of the debts differ: a SHA-256 over key and content of each on both sides, compared before any row is.

Each row's key is part of the digest, so what is exchanged between two rows does not cancel out. The legacy side is brought to the
claim's words first: the person is the kept user of the lender, and `counts` says whether the amounts have to be accounted for.
Where two digests agree, the rows are the same; only the rows of other chunks are looked at one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.verification.windows import ordered, position

ROWS: Final = 2_048
"""Rows of a chunk."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Users who were merged and, in the same order, those they were merged into."""

    users: pa.Array
    kept: pa.Array

    @classmethod
    def of(cls, claimed: pa.Table) -> Merged:
        """From the claim's users."""
        pair = claimed.select(["user_id", "kept_user_id"])
        moved = pair.filter(pc.not_equal(pair["user_id"], pair["kept_user_id"]))
        return cls(moved["user_id"].combine_chunks(), moved["kept_user_id"].combine_chunks())

    def of_lender(self, lenders: pa.Array) -> pa.Array:
        """The user who holds what a lender held."""
        found = pc.index_in(lenders, value_set=self.users)
        return pc.coalesce(self.kept.take(found), lenders)


def differing(legacy: pa.Table, claim: pa.Table, merged: Merged, *, final: bool) -> tuple[pa.Table, pa.Table]:
    """The rows of both sides that stand in chunks whose digests differ. Both are in the order of `debt_id`."""
    left, right = _legacy_view(legacy, merged), _claim_view(claim, final=final)
    once = ordered(legacy["debt_id"], strictly=True)
    cuts = _cuts(left.column(0), right.column(0))
    pairs = [(a, b) for a, b in cuts if not _same(left[a], right[b], once=once)]
    return _taken(legacy, [a for a, _ in pairs]), _taken(claim, [b for _, b in pairs])


def _taken(table: pa.Table, cuts: list[slice]) -> pa.Table:
    """Those rows alone: a copy, so that the whole window can go."""
    chosen = np.zeros(table.num_rows, np.bool_)
    for cut in cuts:
        chosen[cut] = True
    return table.filter(pa.array(chosen))


def _cuts(left: pa.Array, right: pa.Array) -> Iterator[tuple[slice, slice]]:
    """Row ranges of both sides between the same keys; together they hold every row."""
    marks = [(at, position(right, left[at].as_py() or "")) for at in range(ROWS, len(left), ROWS)]
    begun = (0, 0)
    for mark in [*marks, (len(left), len(right))]:
        yield slice(begun[0], mark[0]), slice(begun[1], mark[1])
        begun = mark


def _legacy_view(debts: pa.Table, merged: Merged) -> pa.RecordBatch:
    amounts_of = ("principal", "interest", "bonus_interest")
    plain = {
        name: debts[name].combine_chunks() for name in ("debt_id", "listing_id", "lender_id", "status", *amounts_of)
    }
    amounts = [plain[name] for name in amounts_of]
    owed = pc.equal(plain["status"], "open")
    lender = plain["lender_id"]
    return _view(plain["debt_id"], plain["listing_id"], lender, merged.of_lender(lender), amounts, owed)


def _claim_view(debts: pa.Table, *, final: bool) -> pa.RecordBatch:
    amounts_of = ("principal_fen", "interest_fen", "bonus_interest_fen")
    parties = ("legacy_lender_id", "holder_user_id")
    plain = {
        name: debts[name].combine_chunks() for name in ("debt_id", "listing_id", "disposition", *parties, *amounts_of)
    }
    amounts = [plain[name] for name in amounts_of]
    words = ["registered", "excepted"] if final else ["registered", "excepted", "pending", "blocked"]
    owed = pc.is_in(plain["disposition"], value_set=pa.array(words))
    lender = plain["legacy_lender_id"]
    holder = pc.coalesce(plain["holder_user_id"], lender)
    return _view(plain["debt_id"], plain["listing_id"], lender, holder, amounts, owed)


def _view(
    key: pa.Array, listing: pa.Array, lender: pa.Array, holder: pa.Array, amounts: list[pa.Array], owed: Any
) -> pa.RecordBatch:
    zero = pa.scalar(0, pa.int64())
    nothing = pc.and_(pc.and_(*(pc.equal(a, zero) for a in amounts[:2])), pc.equal(amounts[2], zero))
    counts = pc.and_(owed, pc.invert(nothing))
    columns = {"key": key, "listing": listing, "lender": lender, "holder": holder, "counts": counts.cast(pa.int8())}
    columns |= dict(zip(("principal", "interest", "bonus"), amounts, strict=True))
    return pa.RecordBatch.from_pydict(columns)


def _same(left: pa.RecordBatch, right: pa.RecordBatch, *, once: bool) -> bool:
    """Equal digests, and no key twice on both sides alike (`once`: none is anywhere in the window)."""
    if left.num_rows != right.num_rows or digest(left) != digest(right):
        return False
    return once or ordered(pa.chunked_array([left.column(0)]), strictly=True)


def digest(rows: pa.RecordBatch) -> bytes:
    """SHA-256 over all columns in order: lengths and bytes of texts, numbers as they are, and where NULL stands."""
    found = hashlib.sha256()
    for column in rows.columns:
        if column.null_count:
            found.update(b"NULL" + pc.is_null(column).cast(pa.int8()).to_numpy().tobytes())
            column = pc.fill_null(column, "" if pa.types.is_string(column.type) else 0)  # noqa: PLW2901
        if not pa.types.is_string(column.type):
            found.update(column.to_numpy().tobytes())
            continue
        _, offsets, content = column.buffers()
        ends = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
        found.update(np.diff(ends).tobytes())
        found.update(content[int(ends[0]) : int(ends[-1])] if content else b"")
    return found.digest()
