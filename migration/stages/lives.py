"""Collects from the ports what is known of one record: for its passport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import equals
from migration.domain.errors import InputRefused
from migration.domain.findings import Finding
from migration.domain.outcome import outcome
from migration.domain.ports import Batch, Gate
from migration.domain.tables import KEYS
from migration.reports.passports import Life
from migration.reports.texts import yuan
from migration.stages.house import House

SHOWN = 50

Tables = Mapping[str, pa.Table]


def life(house: House, entity: str, key: str) -> Life:
    """The record and all that happened to it. InputRefused(KEY_UNKNOWN) when the snapshot has no such key."""
    journal = house.journal
    source = _one(house.table(entity), KEYS[entity][0], key)
    if source is None:
        raise InputRefused(Finding("KEY_UNKNOWN", f"{entity}/{key}", "the snapshot has no such key", "check the key"))
    claim = outcome(house.book(), journal.batches())
    known = journal.exceptions()
    corrections = journal.corrections()
    return Life(
        entity=entity,
        key=key,
        source=source,
        outcome=_one(claim[entity], KEYS[entity][0], key),
        corrections=_where(corrections, "user_id", key) if entity == "users" else (),
        attempts=_attempts(house, entity, key),
        exceptions=_where(known.filter(pa.array(equals(known["entity"], entity))), "key", key),
        related=_related(house, entity, key, claim),
    )


def _where(table: pa.Table, column: str, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.filter(pc.equal(table[column], key)).to_pylist()
    return found


def _one(table: pa.Table, column: str, key: str) -> dict[str, Any] | None:
    return next(iter(_where(table, column, key)), None)


def _attempts(house: House, entity: str, key: str) -> list[tuple[dict[str, Any], Batch | None, Gate | None]]:
    journal = house.journal
    batches = {batch.key: batch for batch in journal.batches()}
    gates = {gate.digest: gate for gate in journal.gates()}
    rows = _where(journal.items(entity), "key", key)
    found = [(row, batches.get((row["business_date"], row["batch_no"]))) for row in rows]
    return [(row, batch, gates.get(batch.digest) if batch else None) for row, batch in found]


def _related(house: House, entity: str, key: str, claim: Tables) -> dict[str, Sequence[str]]:
    if entity == "users":
        merged = claim["users"].filter(pc.equal(claim["users"]["disposition"], "merged"))
        debts = claim["debts"].filter(pc.equal(claim["debts"]["holder_user_id"], key))
        cash = _where(claim["residuals"], "entitled_user_id", key)
        return {
            "merged into this account 并入账户": [r["user_id"] for r in _where(merged, "kept_user_id", key)],
            "debts held 持有债权": _ids(debts, "debt_id"),
            "escrow accounts 托管账户": [
                f"{r['escrow_id']} {yuan(r['available_fen'])} + {yuan(r['frozen_fen'])}" for r in cash
            ],
            "notices 通知": [r["kind"] for r in _where(claim["notices"], "user_id", key)],
        }
    if entity == "listings":
        debts = claim["debts"].filter(pc.equal(claim["debts"]["listing_id"], key))
        periods = len(_where(house.table("schedules"), "listing_id", key))
        return {"debts 债权": _ids(debts, "debt_id"), "periods of the schedule 还款期数": [str(periods)]}
    debt = _one(claim["debts"], "debt_id", key) or {}
    listing = _one(claim["listings"], "listing_id", debt.get("listing_id") or "")
    holder = _one(claim["users"], "user_id", debt.get("holder_user_id") or "")
    return {
        "listing 标的": [f"{listing['listing_id']} {listing['disposition']}"] if listing else [],
        "holder 债权人": [f"{holder['user_id']} {holder['disposition']}"] if holder else [],
    }


def _ids(table: pa.Table, column: str) -> list[str]:
    shown: list[str] = table[column].slice(0, SHOWN).to_pylist()
    return [*shown, f"… {table.num_rows - SHOWN} more"] if table.num_rows > SHOWN else shown
