"""Control totals (控制总数): count, sum and hash total of each entity, worked out on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Tables = Mapping[str, pa.Table]
_CHUNK: Final = 65_536
_MODULUS: Final = 2**64


@dataclass(frozen=True, slots=True)
class Side:
    """One side of one entity. `hash_total`: see `hash_total`; `fen`: None where there is no money."""

    rows: int
    fen: int | None
    hash_total: str


@dataclass(frozen=True, slots=True)
class Control:
    """An entity, or a disclosed figure, before and after."""

    name: str
    legacy: Side
    outcome: Side

    @property
    def agrees(self) -> bool:
        """Equal in all three."""
        return self.legacy == self.outcome


def hash_total(table: pa.Table, columns: Sequence[str]) -> str:
    """Sum, modulo 2^64, of the first eight bytes of SHA-256 over `cell|cell|...` of every row, as 16 hex digits.

    It does not depend on the order of rows; NULL counts as nothing between two bars.
    """
    total = 0
    for batch in table.select(list(columns)).to_batches(max_chunksize=_CHUNK):
        cells = [pc.fill_null(column.cast(pa.string()), "") for column in batch.columns]
        for line in pc.binary_join_element_wise(*cells, "|").to_pylist():
            total += int.from_bytes(hashlib.sha256(line.encode()).digest()[:8], "big")
    return f"{total % _MODULUS:016x}"


def _fen(table: pa.Table, columns: Sequence[str]) -> int | None:
    if not columns:
        return None
    return sum(int(pc.sum(table[column]).as_py() or 0) for column in columns)


def _side(table: pa.Table, keys: Sequence[str], money: Sequence[str]) -> Side:
    return Side(table.num_rows, _fen(table, money), hash_total(table, [*keys, *money]))


_SIDES: Final = {
    "users": ("users", ("user_id",), (), ("user_id",), ()),
    "escrow_accounts": (
        "residuals",
        ("escrow_id", "user_id"),
        ("available", "frozen"),
        ("escrow_id", "legacy_user_id"),
        ("available_fen", "frozen_fen"),
    ),
    "listings": ("listings", ("listing_id",), ("amount",), ("listing_id",), ("amount_fen",)),
    "debts": (
        "debts",
        ("debt_id", "listing_id", "lender_id"),
        ("principal", "interest", "bonus_interest"),
        ("debt_id", "listing_id", "legacy_lender_id"),
        ("principal_fen", "interest_fen", "bonus_interest_fen"),
    ),
    "authorisations": ("authorisations", ("serial", "user_id", "kind"), (), ("serial", "user_id", "kind"), ()),
}
"""Legacy entity -> export, keys and money of the legacy side, keys and money of the export."""

_PERIOD: Final = ("principal", "interest", "principal_paid", "interest_paid")


def controls(before: Tables, after: Tables) -> tuple[Control, ...]:
    """Every entity; of the schedules those of registered listings."""
    found = []
    for entity, (export, keys, money, their_keys, their_money) in _SIDES.items():
        legacy = _side(before[entity], keys, money)
        found.append(Control(entity, legacy, _side(after[export], their_keys, their_money)))
    claimed = after["listings"]
    registered = claimed.filter(pc.equal(claimed["disposition"], "registered"))["listing_id"]
    schedules = before["schedules"]
    moved = schedules.filter(pc.is_in(schedules["listing_id"], value_set=registered.combine_chunks()))
    keys = ("listing_id", "period", "due_date")
    outcome = _side(after["schedules"], keys, [f"{name}_fen" for name in _PERIOD])
    return (*found, Control("schedules", _side(moved, keys, _PERIOD), outcome))


def figures(before: Tables, after: Tables, business_date: date) -> tuple[Control, ...]:
    """The disclosed figures (披露指标) over open debts with principal: legacy, and what is registered or signed of them.

    outstanding (借贷余额): all; overdue (逾期金额): of listings past their maturity; advanced (代偿): held by the guarantor of
    their listing, as the source names both.
    """
    debts, claim, listings = before["debts"], after["debts"], before["listings"]
    owed = _mask(pc.and_(pc.equal(debts["status"], "open"), pc.greater(debts["principal"], 0)))
    past = listings.filter(pc.less(listings["maturity_date"], pa.scalar(business_date, pa.date32())))
    overdue = _mask(pc.is_in(debts["listing_id"], value_set=past["listing_id"].combine_chunks()))
    at = pc.index_in(debts["listing_id"].combine_chunks(), value_set=listings["listing_id"].combine_chunks())
    guarantors = pc.take(listings["guarantor_id"].combine_chunks(), at)
    advanced = _mask(pa.chunked_array([pc.equal(debts["lender_id"].combine_chunks(), guarantors)]))
    accounted = pc.is_in(claim["disposition"], value_set=pa.array(["registered", "excepted"]))
    settled = claim.filter(pc.and_(accounted, pc.greater(claim["principal_fen"], 0)))
    found = []
    for name, chosen in (("outstanding", owed), ("overdue", owed & overdue), ("advanced", owed & advanced)):
        mine = debts.filter(pa.array(chosen))
        of_them = pc.is_in(settled["debt_id"], value_set=mine["debt_id"].combine_chunks())
        theirs = settled if name == "outstanding" else settled.filter(of_them)
        sides = _side(mine, ("debt_id",), ("principal",)), _side(theirs, ("debt_id",), ("principal_fen",))
        found.append(Control(name, *sides))
    return tuple(found)


def _mask(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return pc.fill_null(column, False).to_numpy().astype(np.bool_)
