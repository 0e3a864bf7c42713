"""Reads back from the bank what it holds now, and has the verifier compare it (domain.md Order and gates 8).

Only with a query channel; without one the echo in the result files stands in for it, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Never

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import equals, member
from migration.domain.errors import CouldNotCheck, TransientError
from migration.domain.ports import Inquiries
from migration.stages import gates, gather
from migration.stages.house import House
from migration.verification.readback import ReadBack, compare

GATE: Final = "reconcile.bank"
EVENT: Final = "read_back"
"""Event: rows and digests of what the bank held, and how many keys differed."""
AT_ONCE: Final = 500
"""So many accounts, listings and holders are asked for before their answers are put away."""


def judge(house: House, outcome_digest: str) -> None:
    """Ask, compare, judge; once within a run for one outcome.

    GateClosed: something differs. CouldNotCheck: a question was not answered. Waiting: the bank's day cut.
    """
    if house.inquiries is None or outcome_digest in house.read_back:
        return
    house.tell("reconcile: reading back what the bank holds")
    try:
        found = compare(gather.evidence(house), _parts(house, house.inquiries))
    except (TransientError, CouldNotCheck) as fault:
        _unchecked(house, fault)
    _note(house, found)
    counts: dict[str, int | None] = {f"given.{name}": len(keys) for name, keys in found.failing.items()}
    keys = {f"given.{name}": keys for name, keys in found.failing.items() if keys}
    gates.judge(house, GATE, 1, counts | {"given.bank.blind": len(found.blind)}, keys)
    house.read_back.add(outcome_digest)


def _unchecked(house: House, fault: TransientError | CouldNotCheck) -> Never:
    """What could not be asked was not checked: kept as such, and no pass."""
    try:
        gates.judge(house, GATE, 1, {}, {})
    except CouldNotCheck as closed:
        raise CouldNotCheck(*fault.reasons, *closed.reasons) from fault
    raise CouldNotCheck(*fault.reasons) from fault


def _note(house: House, found: ReadBack) -> None:
    told = {name: {"rows": rows, "sha256": found.digests[name]} for name, rows in found.rows.items()}
    differing = {name: len(keys) for name, keys in found.failing.items() if keys}
    house.journal.note(house.actor, EVENT, {"held": told, "due": dict(found.due), "differing": differing})


def _parts(house: House, inquiries: Inquiries) -> Iterator[Mapping[str, pa.Table]]:
    """What the bank holds, some hundred questions at a time."""
    accounts, listings, holders = _questions(house)
    for at in range(0, max(len(accounts), len(listings), len(holders)), AT_ONCE):
        yield inquiries.held(accounts.slice(at, AT_ONCE), listings.slice(at, AT_ONCE), holders.slice(at, AT_ONCE))


def _questions(house: House) -> tuple[pa.Table, pa.ChunkedArray, pa.ChunkedArray]:
    """Every opened account by its ID number; listings that are open or were ever sent; every opened account as a holder."""
    book = house.book()
    users = book.users.users
    opened = users.filter(pa.array(equals(users["disposition"], "opened")))
    listings = book.listings
    sent = member(listings.listing_id, house.items("listings")["key"])
    asked = sent | ~equals(listings.disposition, "not_migrated")
    keys = pa.chunked_array([listings.listing_id]).filter(pa.array(asked))
    return opened.select(["id_type", "id_no"]), keys, pc.drop_null(opened["account_no"])
