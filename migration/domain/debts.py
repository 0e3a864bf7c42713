"""Debts (债权): every unfinished one moves, net of assigned and repaid parts, or is accounted for by name.

Source: domain.md (Debts in detail), bank-interface.md section 9, contract.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import reasons
from migration.domain.attempts import Attempts
from migration.domain.columns import (
    Fen,
    Indices,
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
    pick_int,
    pick_mask,
)
from migration.domain.listings import ListingBook, before, disposition_column, reason_column
from migration.domain.parties import Party, People
from migration.domain.tables import DEBT_ROWS
from migration.domain.values import FileLimits


@dataclass(frozen=True, slots=True)
class DebtFacts:
    """All that decides about debts, beside people and listings."""

    debts: pa.Table  # SNAPSHOT
    issues: pa.Table
    items: pa.Table  # ITEMS of debts
    resends: pa.Table
    signatures: pa.Table  # SIGNATURES of debts
    business_date: date
    limits: FileLimits


@dataclass(frozen=True, slots=True)
class DebtBook:
    """Every debt with its disposition, as aligned columns in the order of the snapshot (by debt_id)."""

    debt_id: pa.Array
    rank: reasons.Ranks  # the effective reason, the listing's included
    inherited: Mask  # the reason is its listing's, not its own
    attempts: Attempts
    listing: Indices  # position in the listing book
    listings: ListingBook
    holder: Party
    principal: Fen
    live: Mask  # status open
    zero: Mask
    overdue: Mask  # open, on an open listing past its maturity
    registered: Mask
    signed: Mask
    by_other: Mask  # signed through its listing or a person only: nothing is left to sign of its own
    sendable: Mask
    preflight_shut: Mask
    untouched: Mask  # nothing against it but what has not had its turn
    table: pa.Table

    @property
    def own_exception(self) -> Mask:
        """An exception of its own: neither inherited nor brought by a holder without an account."""
        own = (self.rank < reasons.NONE) & (self.rank != reasons.DERIVED) & ~reasons.is_not_migrated(self.rank)
        return own & ~self.inherited & ~self.by_other

    @property
    def reason(self) -> pa.Array:
        """Reason codes; NULL while nothing is decided."""
        of_listing = pick(self.listings.attempts.code, self.listing)
        code = pc.if_else(pa.array(self.inherited), of_listing, self.attempts.code)
        return reason_column(self.rank, code, self.registered)

    @property
    def disposition(self) -> pa.Array:
        """Registered | excepted | not_migrated, and for the time being pending | blocked."""
        return disposition_column(self.rank, self.registered, self.signed, self.untouched & ~self.signed)

    def rows(self, chosen: Mask) -> pa.Table:
        """DEBT_ROWS of the chosen debts, sorted by key."""
        at = np.flatnonzero(chosen)
        take = pa.array(at)
        where = self.listing[at]
        source = self.listings.table
        return build(
            DEBT_ROWS,
            key=self.debt_id.take(take),
            holder_account=self.holder.account.take(take),
            amount_fen=self.table["principal"].take(take),
            acquired_on=self.table["acquired_on"].take(take),
            value_date=pick(source["value_date"], where),
            repayment_method=pick(source["repayment_method"], where),
            interest_day=pick(source["interest_day"], where),
            end_date=pick(self.end_dates, where),
            rate_e5=pa.array(pick_int(self.listings.rate_e5, where, -1)),
            listing_id=self.table["listing_id"].take(take),
        )

    @property
    def end_dates(self) -> pa.Array:
        """By listing: the maturity, or the consented new date."""
        return self.listings.end_date


def debt_book(facts: DebtFacts, people: People, listings: ListingBook) -> DebtBook:
    """Decide about every debt."""
    table = facts.debts
    ids = flat(table["debt_id"])
    at = lookup(table["listing_id"], listings.listing_id)
    holder = people.party(table["lender_id"])
    attempts = Attempts.of(ids, facts.items, facts.resends)
    principal, live = fen(table["principal"]), equals(table["status"], "open")
    nothing = (principal == 0) & (fen(table["interest"]) == 0) & (fen(table["bonus_interest"]) == 0)
    orphan = (at < 0) | holder.unknown | holder.absent
    open_listing = pick_mask(listings.open, at)
    overdue = live & ~nothing & open_listing & pick_mask(listings.overdue, at)
    extended = pick_mask(listings.consented, at)
    bad_date = live & open_listing & _issue(facts.issues, "DATE_INVALID", ids)
    found = reasons.first(
        len(ids),
        (
            ("ORPHAN", orphan),
            ("FINISHED", ~live),
            ("ZERO", nothing),
            ("INTEREST_ONLY", principal == 0),
            ("LISTING_NOT_OPEN", ~open_listing),
            ("PLATFORM_PARTY", holder.platform),
            ("SELF_LOAN", (holder.kept >= 0) & (holder.kept == pick_int(listings.borrower.kept, at, -2))),
            ("FIELD_INVALID", bad_date | _invalid(facts, ids, listings, at)),
            ("OVERDUE", overdue & ~extended),
            ("SCHEDULE_MISMATCH", pick_mask(listings.mismatch, at)),
            ("PARTY_NOT_OPENED", holder.not_opened),
            ("BANK", (attempts.refused & ~attempts.resent) | attempts.unknown),
        ),
    )
    own = reasons.keep_cause(found, ids, facts.signatures)
    of_listing = pick_int(listings.rank.astype(np.int64), at, reasons.NONE).astype(np.int8)
    # Of two reasons alike the listing's counts, unless the debt's own keeps preflight shut.
    first = (of_listing < own) | ((of_listing == own) & ~(orphan | bad_date))
    inherits = (of_listing < reasons.NONE) & ~reasons.is_not_migrated(of_listing) & first
    rank = np.where(inherits, of_listing, own).astype(np.int8)
    registered = attempts.ok
    rank[registered] = reasons.NONE
    settled = registered | reasons.is_not_migrated(rank)
    itself = member(ids, facts.signatures["key"])
    signed = (itself | holder.signed | pick_mask(listings.signed, at)) & ~settled
    ready = pick_mask(listings.registered, at)
    return DebtBook(
        debt_id=ids,
        rank=rank,
        inherited=inherits & ~registered,
        attempts=attempts,
        listing=at,
        listings=listings,
        holder=holder,
        principal=principal,
        live=live,
        zero=nothing,
        overdue=overdue,
        registered=registered,
        signed=signed,
        by_other=signed & ~itself,
        sendable=(rank == reasons.NONE) & ready & ~registered & ~attempts.open & ~signed,
        preflight_shut=(orphan | bad_date) & ~signed,
        untouched=(rank == reasons.DERIVED)
        & (~holder.not_opened | holder.unsent)
        & ((of_listing != reasons.DERIVED) | pick_mask(listings.untouched, at)),
        table=table,
    )


def _issue(issues: pa.Table, code: str, ids: pa.Array) -> Mask:
    chosen = issues.filter(pa.array(equals(issues["entity"], "debts") & equals(issues["code"], code)))
    return member(ids, chosen["key"])


def _invalid(facts: DebtFacts, ids: pa.Array, listings: ListingBook, at: Indices) -> Mask:
    """Values that the debt file cannot carry: number, amount, dates (INTDATE may not lie after the bank's date)."""
    limits = facts.limits
    after = ~before(listings.table["value_date"], facts.business_date) & ~mask(
        pc.equal(flat(listings.table["value_date"]), pa.scalar(facts.business_date, pa.date32()))
    )
    return (
        ~mask(pc.match_substring_regex(ids, f"^{limits.debt_id_pattern}$"))
        | (fen(facts.debts["principal"]) > limits.amount_fen_max)
        | is_null(facts.debts["acquired_on"])
        | pick_mask(after & ~is_null(listings.table["value_date"]), at)
    )
