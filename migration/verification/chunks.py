"""Which chunks of the debts differ: a SHA-256 over key and content of each on both sides, compared before any row is.

Each row's key is part of the digest, so what is exchanged between two rows does not cancel out. The legacy side is brought to the
claim's words first: the person is the kept user of the lender, and `counts` says whether the amounts have to be accounted for.
Where two digests agree, the rows are the same; only the rows of other chunks are looked at one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    """The rows of both sides that stand in chunks whose digests differ. Both are in the order of `debt_id`.

    A chunk in which a key stands twice on both sides alike differs too.
    """
    once = ordered(legacy["debt_id"], strictly=True)
    with ThreadPoolExecutor(1) as beside:  # Arrow and the digest both work without the interpreter's lock
        claimed = beside.submit(_claim_view, claim, final=final)
        left = _legacy_view(legacy, merged)
        right = claimed.result()
        cuts = list(_cuts(left.column(0), right.column(0)))
        of_right = beside.submit(digests, right, [b for _, b in cuts])
        both = zip(digests(left, [a for a, _ in cuts]), of_right.result(), strict=True)
    pairs = [
        (a, b)
        for (a, b), (mine, its) in zip(cuts, both, strict=True)
        if mine != its or not (once or ordered(pa.chunked_array([left["key"][a]]), strictly=True))
    ]
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


def digests(rows: pa.RecordBatch, cuts: Sequence[slice]) -> list[bytes]:
    """SHA-256 of each range of rows: how many, and of every column the lengths and bytes of texts, the numbers, where NULL is."""
    columns = [_Laid.out(column) for column in rows.columns]
    found = []
    for cut in cuts:
        one = hashlib.sha256((cut.stop - cut.start).to_bytes(8, "big"))
        for column in columns:
            for part in column.of(cut):
                one.update(part)
        found.append(one.digest())
    return found


@dataclass(frozen=True, slots=True)
class _Laid:
    """A column as memory that slices cost nothing of: an element a row, and of a text its bytes and where each row's begin."""

    cells: memoryview  # numbers, or the texts' lengths
    nulls: Any = None
    content: memoryview | None = None
    begins: Any = None

    @classmethod
    def out(cls, column: pa.Array) -> _Laid:
        nulls = None
        if column.null_count:
            nulls = pc.is_null(column).cast(pa.int8()).to_numpy()
            column = pc.fill_null(column, "" if pa.types.is_string(column.type) else 0)
        if not pa.types.is_string(column.type):
            return cls(memoryview(column.to_numpy()), nulls)
        _, offsets, content = column.buffers()
        begins = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
        return cls(memoryview(np.diff(begins).data), nulls, memoryview(content or b""), begins)

    def of(self, cut: slice) -> Iterator[Any]:
        """The parts of a range; where NULL is only if it is anywhere there."""
        if self.nulls is not None and self.nulls[cut].any():
            yield b"NULL"
            yield self.nulls[cut]
        yield self.cells[cut]
        if self.content is not None:
            yield self.content[self.begins[cut.start] : self.begins[cut.stop]]
