"""Exceptions: what must be mended or signed by name before the residual balances are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import Fen, Mask, fen, flat, is_null, lookup, mask, sum_at

if TYPE_CHECKING:
    from migration.domain.book import Book

OPEN_SCHEMA: Final = pa.schema(
    [("entity", pa.string()), ("key", pa.string()), ("code", pa.string()), ("amount_fen", pa.int64())]
)
"""`Journal.record_exceptions` takes this: the whole set that stands, signed ones included."""

PREFLIGHT_CODES: Final = frozenset({"ORPHAN", "FIELD_INVALID"})

_OWNER: Final = {
    "escrow_accounts": "user_id",
    "schedules": "listing_id",
    "authorisations": "user_id",
    "in_flight": "user_id",
}


OWNED: Final = tuple(_OWNER)
"""Secondary entities whose rows belong to a user or a listing."""


def standing(book: Book) -> pa.Table:
    """Every exception that stands now, with the principal (or cash) that hangs on it in fen."""
    return pa.concat_tables(list(_parts(book))).combine_chunks()


def _parts(book: Book) -> Iterator[pa.Table]:
    users = book.users.users
    held = sum_at(np.where(book.debts.live, book.debts.principal, 0), book.debts.holder.kept, users.num_rows)
    yield _table("users", users["user_id"], users["cause"], held, mask(users["exception"]))
    listings = book.listings
    yield _table("listings", listings.listing_id, listings.reason, listings.outstanding, listings.own_exception)
    debts = book.debts
    amounts = np.where(debts.live, debts.principal, 0)
    yield _table("debts", debts.debt_id, debts.reason, amounts, debts.own_exception)
    mandates = book.authorisations
    nothing = np.zeros(len(mandates.unknown), np.int64)
    yield _table("authorisations", mandates.table["serial"], mandates.reason, nothing, mandates.unknown)
    for entity in OWNED:
        yield orphans(book.tables, entity)


def orphans(tables: Mapping[str, pa.Table], entity: str) -> pa.Table:
    """Rows of a secondary entity whose user or listing does not exist (H25), as exceptions ORPHAN."""
    table = tables[entity]
    column = _OWNER[entity]
    universe = tables["listings" if column == "listing_id" else "users"][column]
    lost = is_null(table[column]) | (lookup(table[column], universe) < 0)
    return _table(
        entity, _keys(entity, table), pa.array(["ORPHAN"] * table.num_rows, pa.string()), _worth(entity, table), lost
    )


def _keys(entity: str, table: pa.Table) -> pa.Array:
    if entity == "schedules":
        return pc.binary_join_element_wise(flat(table["listing_id"]), flat(table["period"]).cast(pa.string()), "/")
    return flat(table[{"escrow_accounts": "escrow_id", "authorisations": "serial", "in_flight": "id"}[entity]])


def _worth(entity: str, table: pa.Table) -> Fen:
    if entity == "escrow_accounts":
        return fen(table["available"]) + fen(table["frozen"])
    if entity == "schedules":
        return fen(table["principal"]) - fen(table["principal_paid"])
    return fen(table["amount"]) if entity == "in_flight" else np.zeros(table.num_rows, np.int64)


def _table(
    entity: str, keys: pa.ChunkedArray | pa.Array, codes: pa.ChunkedArray | pa.Array, amounts: Fen, where: Mask
) -> pa.Table:
    chosen = pa.array(where)
    return pa.table(
        {
            "entity": pa.array([entity] * int(where.sum()), pa.string()),
            "key": flat(keys).filter(chosen),
            "code": flat(codes).filter(chosen),
            "amount_fen": pa.array(amounts[where], pa.int64()),
        },
        schema=OPEN_SCHEMA,
    )
