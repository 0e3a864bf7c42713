"""Put a generated platform into a database: chunk after chunk, so that memory does not grow with its size."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from . import extras, market, people
from .hazards import chosen
from .plan import Plan, Sizes
from .sink import Sink
from .truth import Truth

BUSINESS_DATE = date(2017, 11, 18)
_USERS_A_CHUNK = 50_000
_DEBTS_A_CHUNK = 50_000


def generate(
    url: str,
    *,
    users: int,
    listings: int,
    debts: int,
    seed: int,
    hazards: frozenset[str] | str = "all",
    truth: Path | None = None,
    business_date: date = BUSINESS_DATE,
) -> dict[str, Any]:
    """Write the canonical entities (contract.md section 2, money in yuan) into `url`, replacing what is there.

    The same arguments give the same rows. Returns rows written a table and what was planted (also as JSON in `truth`).
    ValueError: sizes too small, a hazard that does not exist.
    """
    plan = Plan(Sizes(users, listings, debts), seed, chosen(hazards), business_date)
    record = Truth(plan)
    rows = dict.fromkeys(("users", "escrow_accounts", "listings", "schedules", "debts"), 0)
    loose = "H24" in plan.hazards
    with Sink(url, loose_money=loose, loose_dates="H27" in plan.hazards) as sink:
        first: dict[str, list[people.Row]] = {}
        for table, chunk in _chunks(plan):
            if loose and table not in first:
                first[table] = chunk  # held back: the traps of H24 go into the first chunks
                if len(first) == len(rows):
                    _spoil(first, record)
                    for held, held_rows in first.items():
                        sink.write(held, held_rows)
            else:
                sink.write(table, chunk)
            rows[table] += len(chunk)
        rows |= _small_tables(plan, sink)
        if "H26" in plan.hazards:
            _double(plan, sink, record)
    if truth is not None:
        record.write(truth)
    return {"rows": rows, **record.as_dict()}


def _chunks(plan: Plan) -> Any:
    """(table, rows), table by table within a chunk."""
    frozen = extras.frozen_amounts(plan)
    for low in range(0, plan.sizes.users, _USERS_A_CHUNK):
        index = np.arange(low, min(low + _USERS_A_CHUNK, plan.sizes.users), dtype=np.int64)
        yield "users", people.user_rows(plan, index)
        yield "escrow_accounts", people.escrow_rows(plan, index, frozen)
    step = max(1, plan.sizes.listings * _DEBTS_A_CHUNK // plan.sizes.debts)
    for low in range(0, plan.sizes.listings, step):
        part = market.chunk(plan, low, min(low + step, plan.sizes.listings))
        yield "listings", part.listings
        yield "schedules", part.schedules
        yield "debts", part.debts


def _small_tables(plan: Plan, sink: Sink) -> dict[str, int]:
    small = {
        "elections": list(people.election_rows(plan)),
        "authorisations": list(extras.authorisation_rows(plan)),
        "extensions": extras.extension_rows(plan),
        "in_flight": extras.in_flight_rows(plan),
    }
    for table, rows in small.items():
        sink.write(table, rows)
    return {table: len(rows) for table, rows in small.items()}


def _spoil(first: dict[str, list[people.Row]], record: Truth) -> None:
    for entity, key, what in extras.spoil_money(
        first["users"], first["escrow_accounts"], first["debts"], first["listings"]
    ):
        record.add("H24", entity, key, what)


def _double(plan: Plan, sink: Sink, record: Truth) -> None:
    """H26: one user's row twice."""
    row = people.user_rows(plan, plan.idle[:1])
    sink.write("users", row)
    record.add("H26", "users", row[0][0], "key_twice")
