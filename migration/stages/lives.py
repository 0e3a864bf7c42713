"""Collects from the ports what is known of one record: for its passport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import equals
from migration.domain.errors import InputRefused
from migration.domain.findings import Finding
from migration.domain.outcome import outcome
from migration.domain.settlement import orders
from migration.domain.tables import KEYS
from migration.domain.values import Batch, Gate
from migration.reports.passports import Life
from migration.stages import drill
from migration.stages.exchange import batch_id
from migration.stages.histories import Marks, history
from migration.stages.house import House

SHOWN = 50

Tables = Mapping[str, pa.Table]
Row = Mapping[str, Any]


def life(house: House, entity: str, key: str, withdrawals: Sequence[Row] = ()) -> Life:
    """The record and all that happened to it. `withdrawals`: of its escrow accounts, where the service has any.

    InputRefused(KEY_UNKNOWN) when the snapshot has no such key.
    """
    journal = house.journal
    source = _one(house.table(entity), KEYS[entity][0], key)
    if source is None:
        raise InputRefused(Finding("KEY_UNKNOWN", f"{entity}/{key}", "the snapshot has no such key", "check the key"))
    claim = outcome(house.book(), journal.batches())
    known = journal.exceptions()
    exceptions = _where(known.filter(pa.array(equals(known["entity"], entity))), "key", key)
    attempts = _attempts(house, entity, key)
    snapshot = house.snapshot()
    drilled = _drilled(house, entity, key, claim)
    marks = Marks(
        entity,
        key,
        frozenset(batch_id(batch) for _, batch, _ in attempts if batch),
        frozenset(gate.digest for _, _, gate in attempts if gate),
        frozenset(row["id"] for row in exceptions),
        snapshot.digest,
        drilled is not None,
    )
    return Life(
        entity=entity,
        key=key,
        snapshot=(snapshot.digest, snapshot.taken_at),
        source=source,
        decisions=_decisions(house, entity, key, source, claim),
        corrections=_where(journal.corrections(), "user_id", key) if entity == "users" else (),
        attempts=attempts,
        exceptions=exceptions,
        related=_related(house, entity, key, claim),
        withdrawals=withdrawals,
        drill=drilled,
        history=history(journal.events(), marks),
        outcome=_one(claim[entity], KEYS[entity][0], key),
    )


def escrow_accounts(house: House, user: str) -> list[str]:
    """The old escrow accounts that a user is entitled to."""
    residuals = outcome(house.book(), house.journal.batches())["residuals"]
    return [row["escrow_id"] for row in _where(residuals, "entitled_user_id", user)]


def _where(table: pa.Table, column: str, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.filter(pc.equal(table[column], key)).to_pylist()
    return found


def _one(table: pa.Table, column: str, key: str | None) -> dict[str, Any] | None:
    return None if key is None else next(iter(_where(table, column, key)), None)


def _attempts(house: House, entity: str, key: str) -> list[tuple[dict[str, Any], Batch | None, Gate | None]]:
    journal = house.journal
    batches = {batch.key: batch for batch in journal.batches()}
    gates = {gate.digest: gate for gate in journal.gates()}
    rows = _where(journal.items(entity), "key", key)
    found = [(row, batches.get((row["business_date"], row["batch_no"]))) for row in rows]
    return [(row, batch, gates.get(batch.digest) if batch else None) for row, batch in found]


# -- what was decided


_ROLES = ("borrower_id", "guarantor_id", "payee_id", "nominal_borrower_id")


def _decisions(house: House, entity: str, key: str, source: Row, claim: Tables) -> list[dict[str, Any]]:
    """Each with `what`: merge, cause, position (users); party (listings, debts)."""
    if entity == "users":
        return _about_user(house, key)
    found = []
    listing: Row | None = source
    if entity == "debts":
        found = [_party(claim, "lender_id", source["lender_id"])]
        listing = _one(house.table("listings"), "listing_id", source["listing_id"])
    return [*found, *(_party(claim, role, listing[role]) for role in _ROLES if listing and listing[role])]


def _about_user(house: House, key: str) -> list[dict[str, Any]]:
    book = house.book().users
    row = _one(book.users, "user_id", key) or {}
    found: list[dict[str, Any]] = []
    group = _one(book.groups, "kept_user_id", row.get("kept_user_id"))
    if group is not None:
        members = [r["user_id"] for r in _where(book.users, "kept_user_id", group["kept_user_id"])]
        found.append({"what": "merge", "accounts": members, **group})
    if row.get("cause"):
        found.append({"what": "cause", "reason": row["cause"]})
    if row.get("position"):
        found.append({"what": "position"})
    return found


def _party(claim: Tables, role: str, legacy: str) -> dict[str, Any]:
    """Who stands in a role after merging, and whether he has an account."""
    user = _one(claim["users"], "user_id", legacy) or {}
    kept = _one(claim["users"], "user_id", user.get("kept_user_id")) or {}
    return {
        "what": "party",
        "role": role.removesuffix("_id"),
        "legacy_user_id": legacy,
        "kept_user_id": user.get("kept_user_id"),
        "disposition": kept.get("disposition"),
        "reason": kept.get("reason"),
        "account_no": kept.get("account_no"),
    }


# -- what belongs to it


def _related(house: House, entity: str, key: str, claim: Tables) -> dict[str, Sequence[Any]]:
    if entity == "users":
        debts = claim["debts"].filter(pc.equal(claim["debts"]["holder_user_id"], key))
        return {
            "debts_held": _ids(debts, "debt_id"),
            "escrow_accounts": _where(claim["residuals"], "entitled_user_id", key),
            "authorisations": _where(claim["authorisations"], "user_id", key),
            "notices": [row["kind"] for row in _where(claim["notices"], "user_id", key)],
        }
    if entity == "listings":
        debts = claim["debts"].filter(pc.equal(claim["debts"]["listing_id"], key))
        periods = len(_where(house.table("schedules"), "listing_id", key))
        return {"debts": _ids(debts, "debt_id"), "periods": [str(periods)]}
    debt = _one(claim["debts"], "debt_id", key) or {}
    listing = _one(claim["listings"], "listing_id", debt.get("listing_id"))
    return {"listing": [{n: listing[n] for n in ("listing_id", "disposition")}] if listing else []}


def _ids(table: pa.Table, column: str) -> list[str]:
    shown: list[str] = table[column].slice(0, SHOWN).to_pylist()
    return [*shown, f"… +{table.num_rows - SHOWN}"] if table.num_rows > SHOWN else shown


# -- the settlement drill


def _drilled(house: House, entity: str, key: str, claim: Tables) -> dict[str, Any] | None:
    """What the last settlement drill says: a debt's record in its files, what was found, by how much a party is off.

    None where no drill was settled, or nothing was paid for this record.
    """
    done = drill.latest(house.journal)
    ordered = orders(claim, {"listings": house.table("listings")})
    if done is None or not any(equals(ordered[column], key).any() for column in _PAID_BY[entity]):
        return None
    subject = f"{entity}/{key}"
    off = [row for side in _SIDES[entity] for row in done["off"][side]["named"] if row["key"] == key]
    named = [{"code": row["code"], "detail": row["detail"]} for row in done["named"] if row["subject"] == subject]
    found = {"drill": done["drill"], "findings": named, "off": off}
    if entity != "debts":
        return found
    return {**found, "uses": _uses(house, done, pc.index(ordered["debt_id"], key).as_py())}


_PAID_BY = {"users": ("holder_id", "borrower_id"), "listings": ("listing_id",), "debts": ("debt_id",)}
_SIDES = {"users": ("lenders", "borrowers"), "listings": ("listings",), "debts": ()}


def _uses(house: House, done: Row, at: int) -> list[dict[str, Any]]:
    """Where the debt's order stands: request, its digest, record and the answer's digest, in each pass."""
    every: list[Row] = [event.payload for event in house.journal.events() if event.kind == drill.SENT]
    sent = next(payload for payload in every if payload["drill"] == done["drill"])
    files = list(zip(sent["files"], done["answers"], strict=True))
    half = len(files) // 2
    return [_use(files[:half], at), _use(files[half:], at)]


def _use(files: Sequence[tuple[Row, Row]], at: int) -> dict[str, Any]:
    ends = list(accumulate(request["rows"] for request, _ in files))
    place = next(number for number, end in enumerate(ends) if at < end)
    request, answer = files[place]
    return {
        "request": request["name"],
        "request_sha256": request["sha256"],
        "record": at - (ends[place] - request["rows"]) + 1,
        "result": answer["name"],
        "result_sha256": answer["sha256"],
    }
