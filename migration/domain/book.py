"""The book: every disposition as a pure function of what is known.

`derive(facts)` is the whole decision of the product. The same facts give the same book, so a run that was killed, or ran
twice, decides the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import corrections as corrected
from migration.domain.authorisations import AuthorisationBook, authorisation_book
from migration.domain.cohorts import UserBook, UserFacts, user_book
from migration.domain.columns import equals, fen, flat, latest, lookup, sum_at
from migration.domain.debts import DebtBook, DebtFacts, debt_book
from migration.domain.listings import ListingBook, ListingFacts, listing_book
from migration.domain.parties import People
from migration.domain.values import FileLimits


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the configuration that decides."""

    business_date: date
    keep_account: tuple[str, ...]
    overdue: str
    limits: FileLimits
    carry_authorisations: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known: the snapshot, what people gave, what the bank answered, and the rules."""

    tables: Mapping[str, pa.Table]  # SNAPSHOT, by entity
    issues: pa.Table
    corrections: pa.Table
    items: Mapping[str, pa.Table]  # ITEMS, by entity (users, listings, debts, authorisations)
    signatures: pa.Table
    resends: pa.Table
    rules: Rules


@dataclass(frozen=True, slots=True)
class Book:
    """Every user, listing, debt and authorisation with its disposition."""

    tables: Mapping[str, pa.Table]  # the snapshot with the corrections in it
    users: UserBook
    people: People
    listings: ListingBook
    debts: DebtBook
    authorisations: AuthorisationBook


def derive(facts: Facts) -> Book:
    """Decide about everything."""
    users = corrected.apply(facts.tables["users"], facts.corrections)
    tables = {**facts.tables, "users": users}
    rules = facts.rules
    people_book = user_book(_user_facts(facts, tables))
    people = People.of(people_book.users)
    listings = listing_book(
        ListingFacts(
            listings=tables["listings"],
            schedules=tables["schedules"],
            debts=tables["debts"],
            extensions=tables["extensions"],
            issues=facts.issues,
            items=facts.items["listings"],
            resends=_of(facts.resends, "listings"),
            signatures=_of(facts.signatures, "listings"),
            business_date=rules.business_date,
            overdue_policy=rules.overdue,
            limits=rules.limits,
        ),
        people,
    )
    debts = debt_book(
        DebtFacts(
            debts=tables["debts"],
            issues=facts.issues,
            items=facts.items["debts"],
            resends=_of(facts.resends, "debts"),
            signatures=_of(facts.signatures, "debts"),
            business_date=rules.business_date,
            limits=rules.limits,
        ),
        people,
        listings,
    )
    authorisations = authorisation_book(
        tables["authorisations"],
        facts.items["authorisations"],
        _of(facts.signatures, "authorisations"),
        people,
        carry=rules.carry_authorisations,
    )
    return Book(tables, people_book, people, listings, debts, authorisations)


def _of(table: pa.Table, entity: str) -> pa.Table:
    return table.filter(pa.array(equals(table["entity"], entity)))


def _user_facts(facts: Facts, tables: Mapping[str, pa.Table]) -> UserFacts:
    rules, debts, listings = facts.rules, tables["debts"], tables["listings"]
    items = facts.items["users"]
    last = latest(items, "key")
    refused = last.filter(pa.array(equals(last["state"], "refused")))
    issues = facts.issues
    return UserFacts(
        users=tables["users"],
        issues=issues.filter(pa.array(equals(issues["entity"], "users"))),
        balances=_balances(tables["escrow_accounts"]),
        receivables=_receivables(debts),
        parties=_parties(listings, "borrower_id", "guarantor_id"),
        positions=_positions(listings, debts),
        elections=tables["elections"],
        items=items,
        sent=refused.select(["key", "row_digest"]),
        signatures=_of(facts.signatures, "users"),
        policy=rules.keep_account,
        business_date=rules.business_date,
        limits=rules.limits,
    )


def _sums(keys: pa.ChunkedArray, amounts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    users = pc.drop_null(pc.unique(flat(keys)))
    return pa.table({"user_id": users, "fen": pa.array(sum_at(amounts, lookup(keys, users), len(users)), pa.int64())})


def _balances(accounts: pa.Table) -> pa.Table:
    return _sums(accounts["user_id"], fen(accounts["available"]) + fen(accounts["frozen"]))


def _receivables(debts: pa.Table) -> pa.Table:
    return _sums(debts["lender_id"], np.where(equals(debts["status"], "open"), fen(debts["principal"]), 0))


def _parties(listings: pa.Table, *columns: str) -> pa.Array:
    is_open = listings.filter(pa.array(equals(listings["status"], "repaying", "overdue")))
    named = pa.chunked_array([flat(is_open[column]) for column in columns], pa.string())
    return flat(pc.drop_null(pc.unique(named)))


def _positions(listings: pa.Table, debts: pa.Table) -> pa.Array:
    """Users with an open position: lenders of open debts that are not nothing, parties of open listings."""
    something = fen(debts["principal"]) + fen(debts["interest"]) + fen(debts["bonus_interest"]) > 0
    holds = debts.filter(pa.array(equals(debts["status"], "open") & something))
    lenders = pc.drop_null(pc.unique(flat(holds["lender_id"])))
    parties = _parties(listings, "borrower_id", "guarantor_id", "payee_id", "nominal_borrower_id")
    return flat(pc.unique(pa.chunked_array([lenders, parties], pa.string())))
