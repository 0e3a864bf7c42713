"""The hand-over to the platform's own system: the exports of contract.md section 4, as Arrow tables, and the balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.book import Book
from migration.domain.columns import (
    Fen,
    Mask,
    build,
    equals,
    fen,
    flat,
    is_null,
    lookup,
    mask,
    member,
    pick,
    sort_by,
    sum_at,
)
from migration.domain.tables import EXPORTS
from migration.domain.values import Batch


def outcome(book: Book, batches: Sequence[Batch]) -> dict[str, pa.Table]:
    """Every export by name, sorted by key."""
    authorisations = _authorisations(book)
    tables = {
        "users": _users(book),
        "listings": _listings(book),
        "debts": _debts(book),
        "residuals": residuals(book),
        "schedules": _schedules(book),
        "authorisations": authorisations,
    }
    return {**tables, "notices": _notices(book, tables, authorisations), "batches": batch_table(batches)}


def _users(book: Book) -> pa.Table:
    users = book.users.users
    opened = pa.array(equals(users["disposition"], "opened"))
    nothing = pa.scalar(None, pa.string())
    return build(
        EXPORTS["users"],
        user_id=users["user_id"],
        disposition=users["disposition"],
        kept_user_id=users["kept_user_id"],
        account_no=pc.if_else(opened, flat(users["account_no"]), nothing),
        activated=pc.if_else(opened, flat(users["activated"]), pa.scalar(None, pa.bool_())),
        reason=users["reason"],
    )


def _listings(book: Book) -> pa.Table:
    listings = book.listings
    return build(
        EXPORTS["listings"],
        listing_id=listings.listing_id,
        disposition=listings.disposition,
        borrower_account=listings.borrower.account,
        amount_fen=pa.array(listings.amount),
        outstanding_fen=pa.array(listings.outstanding),
        batch_no=listings.attempts.batch_no,
        reason=listings.reason,
    )


def _debts(book: Book) -> pa.Table:
    debts = book.debts
    return build(
        EXPORTS["debts"],
        debt_id=debts.debt_id,
        disposition=debts.disposition,
        listing_id=debts.table["listing_id"],
        legacy_lender_id=debts.table["lender_id"],
        holder_user_id=debts.holder.kept_id,
        holder_account=debts.holder.account,
        principal_fen=pa.array(debts.principal),
        interest_fen=debts.table["interest"],
        bonus_interest_fen=debts.table["bonus_interest"],
        authcode=_only(debts.registered, debts.attempts.authcode),
        batch_no=debts.attempts.batch_no,
        reason=debts.reason,
    )


def _only(where: Mask, column: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(where), column, pa.scalar(None, pa.string()))


def residuals(book: Book) -> pa.Table:
    """Every escrow account, the platform's included, with the person entitled to it (the kept user)."""
    accounts = book.tables["escrow_accounts"]
    cash = fen(accounts["available"]) + fen(accounts["frozen"])
    return build(
        EXPORTS["residuals"],
        escrow_id=accounts["escrow_id"],
        legacy_user_id=accounts["user_id"],
        entitled_user_id=book.people.party(accounts["user_id"]).kept_id,
        available_fen=accounts["available"],
        frozen_fen=accounts["frozen"],
        status=pc.if_else(pa.array(cash > 0), pa.scalar("available"), pa.scalar("empty")),
    )


def _schedules(book: Book) -> pa.Table:
    registered = book.listings.listing_id.filter(pa.array(book.listings.registered))
    source = book.tables["schedules"]
    rows = source.filter(pa.array(member(source["listing_id"], registered)))
    return build(
        EXPORTS["schedules"],
        listing_id=rows["listing_id"],
        period=rows["period"],
        due_date=rows["due_date"],
        principal_fen=rows["principal"],
        interest_fen=rows["interest"],
        principal_paid_fen=rows["principal_paid"],
        interest_paid_fen=rows["interest_paid"],
    )


def _authorisations(book: Book) -> pa.Table:
    """What became of each old authorisation; one of nobody is an exception (H25), signed before preflight opened."""
    found = book.authorisations
    return build(
        EXPORTS["authorisations"],
        serial=found.table["serial"],
        user_id=found.table["user_id"],
        kind=found.table["kind"],
        disposition=found.disposition,
        reason=found.reason,
    )


def _notices(book: Book, tables: dict[str, pa.Table], authorisations: pa.Table) -> pa.Table:
    """What people must do now: one row per kept user and kind."""
    users, people = tables["users"], book.people
    ids = flat(users["user_id"])
    opened = equals(users["disposition"], "opened")
    unbound = opened & ~mask(users["activated"])
    owed = tables["residuals"].filter(pa.array(fen(tables["residuals"]["available_fen"]) > 0))
    lapsed = authorisations.filter(pa.array(equals(authorisations["disposition"], "lapsed")))
    borrowers = pick(people.user_id, book.listings.borrower.kept).filter(pa.array(book.listings.registered))
    kinds = {
        "bind_card": ids.filter(pa.array(unbound)),
        "open_account": ids.filter(pa.array(equals(users["disposition"], "self_open"))),
        "withdraw_residual": owed["entitled_user_id"],
        "authorisation_lapsed": people.party(lapsed["user_id"]).kept_id,
        "grant_repayment": borrowers,
        "grant_fee": ids.filter(pa.array(opened)),
    }
    parts = []
    for kind, who in kinds.items():
        named = pc.drop_null(pc.unique(flat(who)))
        parts.append(build(EXPORTS["notices"], user_id=named, kind=pa.array([kind] * len(named), pa.string())))
    return sort_by(pa.concat_tables(parts), "user_id", "kind")


def batch_table(batches: Sequence[Batch]) -> pa.Table:
    """The export `batches`: one row a file exchange."""
    schema = EXPORTS["batches"]
    rows = [asdict(batch) for batch in batches]
    blank = {"request_name", "request_sha256", "result_name", "result_sha256"}
    columns = {n: [(r[n] or None) if n in blank else r[n] for r in rows] for n in schema.names}
    return sort_by(pa.table(columns, schema=schema), "business_date", "batch_no")


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance equation in fen: legacy = registered + excepted + residual + in flight + difference."""

    legacy_fen: int
    registered_fen: int
    excepted_fen: int
    residual_fen: int
    in_flight_fen: int
    difference_fen: int
    listings: tuple[dict[str, int | str], ...]
    persons: tuple[dict[str, int | str], ...]

    def as_json(self) -> dict[str, object]:
        """The content of balance.json (contract.md section 4)."""
        return {**asdict(self), "listings": list(self.listings), "persons": list(self.persons)}


def balance(book: Book) -> Balance:
    """Nothing may be left over: difference 0, and no listing or person that differs."""
    debts, tables = book.debts, book.tables
    open_fen = np.where(debts.live, debts.principal, 0)
    disposition = debts.disposition
    registered = np.where(equals(disposition, "registered"), open_fen, 0)
    excepted = np.where(equals(disposition, "excepted"), open_fen, 0)
    accounted = registered + excepted
    accounts, flight = tables["escrow_accounts"], tables["in_flight"]
    residual = int((fen(accounts["available"]) + fen(accounts["frozen"])).sum())
    in_flight = int(fen(flight["amount"])[equals(flight["kind"], "top_up")].sum())
    legacy = int(open_fen.sum()) + residual + in_flight
    total = int(registered.sum()) + int(excepted.sum()) + residual + in_flight
    return Balance(
        legacy_fen=legacy,
        registered_fen=int(registered.sum()),
        excepted_fen=int(excepted.sum()),
        residual_fen=residual,
        in_flight_fen=in_flight,
        difference_fen=legacy - total,
        listings=_differing(debts.table["listing_id"], open_fen, accounted),
        persons=_differing(_holders(book), open_fen, accounted),
    )


def _holders(book: Book) -> pa.Array:
    """The kept user of each debt; for an orphan the id that the source gives."""
    kept = book.debts.holder.kept_id
    return pc.if_else(pa.array(is_null(kept)), flat(book.debts.table["lender_id"]), kept)


def _differing(keys: pa.ChunkedArray | pa.Array, legacy: Fen, accounted: Fen) -> tuple[dict[str, int | str], ...]:
    names = pc.unique(flat(pc.fill_null(flat(keys), "")))
    at = lookup(pc.fill_null(flat(keys), ""), names)
    before, after = sum_at(legacy, at, len(names)), sum_at(accounted, at, len(names))
    wrong = np.flatnonzero(before != after)
    named = sorted((names[int(i)].as_py(), int(before[i]), int(after[i])) for i in wrong)
    return tuple({"key": key, "legacy_fen": was, "accounted_fen": now} for key, was, now in named)
