"""Listings (标的): which are registered at the bank, which stay behind, which need a signature.

Source: domain.md (Cohorts, Debts in detail), bank-interface.md section 9, contract.md section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import reasons
from migration.domain.attempts import Attempts
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
    pick_int,
    pick_mask,
    sum_at,
)
from migration.domain.parties import Party, People
from migration.domain.tables import LISTING_ROWS
from migration.domain.values import FileLimits

_CONTROL = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """All that decides about listings."""

    listings: pa.Table  # SNAPSHOT
    schedules: pa.Table
    debts: pa.Table
    extensions: pa.Table
    issues: pa.Table  # ISSUES of any entity
    items: pa.Table  # ITEMS of listings
    resends: pa.Table
    signatures: pa.Table  # SIGNATURES of listings
    business_date: date
    overdue_policy: str
    limits: FileLimits


@dataclass(frozen=True, slots=True)
class ListingBook:
    """Every listing with its disposition, as aligned columns in the order of the snapshot (by listing_id)."""

    listing_id: pa.Array
    rank: reasons.Ranks  # the effective reason
    attempts: Attempts
    open: Mask  # repaying or overdue
    overdue: Mask  # maturity before the business date, whatever the status says
    registered: Mask
    signed: Mask  # itself or one of its parties
    by_party: Mask  # signed through a party only: nothing is left to sign of its own
    sendable: Mask
    preflight_shut: Mask  # an orphan or an impossible date: the run waits at preflight
    untouched: Mask  # nothing stands against it but parties whose turn has not come
    borrower: Party
    guarantor: Party
    payee: Party
    nominal: Party
    outstanding: Fen  # sum of principal - principal_paid of the schedule
    lent: Fen  # sum of the principal of its open debts
    amount: Fen
    rate_e5: Fen  # -1 where it does not fit
    end_date: pa.Array  # maturity, or the consented new one
    consented: Mask
    table: pa.Table  # the snapshot's rows

    @property
    def mismatch(self) -> Mask:
        """Outstanding principal differs from the sum of its open debts: its debts are exceptions."""
        return self.open & (self.outstanding != self.lent)

    @property
    def own_exception(self) -> Mask:
        """An exception of its own (not one that a party without an account brings, or whose signature settles it)."""
        own = (self.rank < reasons.NONE) & (self.rank != reasons.DERIVED) & ~reasons.is_not_migrated(self.rank)
        return own & ~self.by_party

    @property
    def reason(self) -> pa.Array:
        """Reason codes; NULL while nothing is decided."""
        return reason_column(self.rank, self.attempts.code, self.registered)

    @property
    def disposition(self) -> pa.Array:
        """Registered | excepted | not_migrated, and for the time being pending | blocked."""
        waits = self.untouched & ~self.signed
        return disposition_column(self.rank, self.registered, self.signed, waits)

    def rows(self, chosen: Mask) -> pa.Table:
        """LISTING_ROWS of the chosen listings, sorted by key."""
        at = np.flatnonzero(chosen)
        take = pa.array(at)
        source = self.table
        return build(
            LISTING_ROWS,
            key=self.listing_id.take(take),
            title=source["title"].take(take),
            borrower_account=self.borrower.account.take(take),
            amount_fen=source["amount"].take(take),
            repayment_method=source["repayment_method"].take(take),
            interest_day=source["interest_day"].take(take),
            term_days=source["term_days"].take(take),
            rate_e5=pa.array(self.rate_e5[at]),
            guarantor_account=self.guarantor.account.take(take),
            nominal_account=self.nominal.account.take(take),
            payee_account=self.payee.account.take(take),
        )


def reason_column(rank: reasons.Ranks, code: pa.Array, registered: Mask) -> pa.Array:
    """Ranks to reason texts: BANK takes the bank's code, a registered item is REGISTERED."""
    names = pa.array([*reasons.ORDER, None], pa.string()).take(pa.array(rank.astype(np.int64)))
    bank = pc.binary_join_element_wise("BANK", code, "_", null_handling="emit_null")
    named = pc.if_else(pa.array(rank == reasons.BANK), bank, names)
    return pc.if_else(pa.array(registered), pa.scalar("REGISTERED"), named)


def disposition_column(rank: reasons.Ranks, registered: Mask, signed: Mask, waits: Mask) -> pa.Array:
    """Registered wins, then what stays behind by the rules, then signatures, then what waits."""
    words = np.full(len(rank), "blocked", object)
    words[(rank == reasons.NONE) | waits] = "pending"
    words[signed] = "excepted"
    words[reasons.is_not_migrated(rank)] = "not_migrated"
    words[registered] = "registered"
    return pa.array(words, pa.string())


def rates(column: pa.ChunkedArray, limits: FileLimits) -> Fen:
    """Percent a year as text -> percent times 100,000; -1 where it is missing, negative or does not fit exactly."""
    distinct = flat(pc.unique(column))
    scaled = np.array([_rate(text, limits) for text in distinct.to_pylist()], np.int64)
    return pick_int(scaled, lookup(column, distinct), -1)


def _rate(text: str | None, limits: FileLimits) -> int:
    try:
        value = Decimal(text or "NaN") * 10**limits.rate_decimals
        exact = value == value.to_integral_value()
    except InvalidOperation:
        return -1
    return int(value) if exact and 0 <= value <= limits.rate_e5_max else -1


def fits(column: pa.ChunkedArray, encoding: str, width: int) -> Mask:
    """Where a text is there, encodes, has at most `width` bytes and no control character."""
    return np.array([_fits(text, encoding, width) for text in flat(column).to_pylist()], np.bool_)


def _fits(text: str | None, encoding: str, width: int) -> bool:
    if not text or re.search(_CONTROL, text):
        return False
    try:
        return len(text.encode(encoding)) <= width
    except UnicodeEncodeError:
        return False


def _twins(ids: pa.Array) -> Mask:
    """Listing numbers that differ from another only by case: the bank cannot tell them apart (H16)."""
    folded = pc.utf8_lower(ids)
    counts = pc.value_counts(folded)
    many = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return member(folded, many)


def _touched(issues: pa.Table, entity: str, codes: tuple[str, ...], keys: pa.Array) -> Mask:
    """Keys of an entity that carry one of the issue codes."""
    chosen = issues.filter(pa.array(equals(issues["entity"], entity) & equals(issues["code"], *codes)))
    return member(keys, chosen["key"])


def _bad_due_dates(facts: ListingFacts, ids: pa.Array) -> Mask:
    chosen = facts.issues.filter(
        pa.array(
            equals(facts.issues["entity"], "schedules") & equals(facts.issues["code"], "DATE_INVALID", "VALUE_NULL")
        )
    )
    owners = pc.replace_substring_regex(flat(chosen["key"]), r"/[^/]*$", "")
    return member(ids, owners)


def listing_book(facts: ListingFacts, people: People) -> ListingBook:
    """Decide about every listing."""
    table, limits = facts.listings, facts.limits
    ids = flat(table["listing_id"])
    size = len(ids)
    party = {
        name: people.party(table[column])
        for name, column in (
            ("borrower", "borrower_id"),
            ("guarantor", "guarantor_id"),
            ("payee", "payee_id"),
            ("nominal", "nominal_borrower_id"),
        )
    }
    parties = tuple(party.values())
    attempts = Attempts.of(ids, facts.items, facts.resends)
    is_open = equals(table["status"], "repaying", "overdue")
    orphan = _any(p.unknown for p in parties) | party["borrower"].absent
    bad_dates = is_open & (_touched(facts.issues, "listings", ("DATE_INVALID",), ids) | _bad_due_dates(facts, ids))
    scaled = rates(table["annual_rate"], limits)
    not_opened = _any(p.not_opened for p in parties)
    rank = reasons.first(
        size,
        (
            ("ORPHAN", orphan),
            ("FINISHED", equals(table["status"], "finished")),
            ("CANCELLED", equals(table["status"], "cancelled")),
            ("NOT_LENT", equals(table["status"], "raising", "full")),
            ("PLATFORM_PARTY", _any(p.platform for p in parties)),
            ("FIELD_INVALID", bad_dates | _invalid(facts, ids, scaled)),
            ("PARTY_NOT_OPENED", not_opened),
            ("BANK", (attempts.refused & ~attempts.resent) | attempts.unknown),
        ),
    )
    registered = attempts.ok
    rank = reasons.keep_cause(rank, ids, facts.signatures)
    rank[registered] = reasons.NONE
    itself = member(ids, facts.signatures["key"])
    signed = (itself | _any(p.signed for p in parties)) & ~registered & ~reasons.is_not_migrated(rank)
    end_date, consented = _end_dates(facts, ids)
    return ListingBook(
        listing_id=ids,
        rank=rank,
        attempts=attempts,
        open=is_open,
        overdue=before(table["maturity_date"], facts.business_date),
        registered=registered,
        signed=signed,
        by_party=signed & ~itself,
        sendable=(rank == reasons.NONE) & ~registered & ~attempts.open & ~signed,
        preflight_shut=(orphan | bad_dates) & ~signed,
        untouched=(rank == reasons.DERIVED) & _all(~p.not_opened | p.unsent for p in parties),
        **party,
        outstanding=_outstanding(facts.schedules, ids),
        lent=_lent(facts.debts, ids),
        amount=fen(table["amount"]),
        rate_e5=scaled,
        end_date=end_date,
        consented=consented,
        table=table,
    )


def _any(masks: Iterable[Mask]) -> Mask:
    return np.logical_or.reduce(list(masks))


def _all(masks: Iterable[Mask]) -> Mask:
    return np.logical_and.reduce(list(masks))


def _invalid(facts: ListingFacts, ids: pa.Array, scaled: Fen) -> Mask:
    """A value that the bank's file cannot carry, or that is missing (bank-interface.md section 9)."""
    table, limits = facts.listings, facts.limits
    term = pc.fill_null(flat(table["term_days"]), 0).to_numpy(zero_copy_only=False)
    day = pc.fill_null(flat(table["interest_day"]), 1).to_numpy(zero_copy_only=False)
    amount = fen(table["amount"])
    return (
        ~mask(pc.match_substring_regex(ids, f"^{limits.listing_id_pattern}$"))
        | _twins(ids)
        | ~fits(table["title"], limits.encoding, limits.title_bytes)
        | (scaled < 0)
        | (term < 1)
        | (term > limits.term_max)
        | (~equals(table["repayment_method"], "at_maturity") & ((day < 1) | (day > 31)))  # noqa: PLR2004 - days of a month
        | (amount < 1)
        | (amount > limits.amount_fen_max)
        | is_null(table["value_date"])
        | is_null(table["maturity_date"])
        | _touched(facts.issues, "listings", ("VALUE_INVALID",), ids)
    )


def before(column: pa.ChunkedArray | pa.Array, day: date) -> Mask:
    """Dates before a day; NULL is False."""
    return mask(pc.less(flat(column), pa.scalar(day, pa.date32())))


def _outstanding(schedules: pa.Table, ids: pa.Array) -> Fen:
    left = fen(schedules["principal"]) - fen(schedules["principal_paid"])
    return sum_at(left, lookup(schedules["listing_id"], ids), len(ids))


def _lent(debts: pa.Table, ids: pa.Array) -> Fen:
    held = np.where(equals(debts["status"], "open"), fen(debts["principal"]), 0)
    return sum_at(held, lookup(debts["listing_id"], ids), len(ids))


def _end_dates(facts: ListingFacts, ids: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Maturity; by the policy extend_with_consent, of an overdue one the consented new date, if not overdue itself."""
    at = lookup(ids, facts.extensions["listing_id"])
    new = pick(facts.extensions["new_maturity_date"], at)
    wanted = before(facts.listings["maturity_date"], facts.business_date)
    if facts.overdue_policy != "extend_with_consent":
        wanted = np.zeros(len(ids), np.bool_)
    valid = wanted & ~is_null(new) & ~before(new, facts.business_date)
    given = pick_mask(np.ones(facts.extensions.num_rows, np.bool_), at) & valid
    return pc.if_else(pa.array(given), new, flat(facts.listings["maturity_date"])), given
