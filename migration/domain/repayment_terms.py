"""What a borrower's repayment authorisation (还款授权) must allow: limit and term, beside the notice `grant_repayment`."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.book import Book
from migration.domain.columns import build, fen, flat, lookup, pick, sort_by, sum_at

TERMS: Final = pa.schema(
    [
        ("user_id", pa.string()),  # the kept user
        ("listings", pa.int64()),  # registered ones that he borrowed
        ("limit_fen", pa.int64()),  # principal and interest that their schedules still want
        ("until", pa.date32()),  # the last day on which something falls due
    ]
)
_NEVER: Final = np.iinfo(np.int32).min


def repayment_terms(book: Book) -> pa.Table:
    """One row a borrower of registered listings (TERMS), by user_id."""
    listings, schedules = book.listings, book.tables["schedules"]
    registered = listings.listing_id.filter(pa.array(listings.registered))
    borrower = pick(book.people.user_id, listings.borrower.kept).filter(pa.array(listings.registered))
    ends = flat(listings.end_date).filter(pa.array(listings.registered))
    at = lookup(schedules["listing_id"], registered)
    left = (fen(schedules["principal"]) - fen(schedules["principal_paid"])) + (
        fen(schedules["interest"]) - fen(schedules["interest_paid"])
    )
    due = sum_at(left, at, len(registered))
    last = _days(ends)
    open_ = (at >= 0) & (left > 0)
    np.maximum.at(last, at[open_], _days(schedules["due_date"])[open_])
    users = pc.drop_null(pc.unique(borrower))
    of = lookup(borrower, users)
    until = np.full(len(users), _NEVER, np.int32)
    np.maximum.at(until, of[of >= 0], last[of >= 0])
    table = build(
        TERMS,
        user_id=users,
        listings=pa.array(sum_at(np.ones(len(of), np.int64), of, len(users))),
        limit_fen=pa.array(sum_at(due, of, len(users))),
        until=pa.array(until, pa.int32(), mask=until == _NEVER).cast(pa.date32()),
    )
    return sort_by(table, "user_id")


def _days(dates: pa.Array | pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Days since 1970; the least number for NULL. A copy that may be written to."""
    days = pc.fill_null(flat(dates).cast(pa.int32()), _NEVER)
    return np.array(days.to_numpy(zero_copy_only=False), np.int32)


__all__ = ["TERMS", "repayment_terms"]
