"""Daily reconciliation after the cutover (日终对账): the bank's two files against each other, the day before, and our books.

Source: bank-interface.md section 6. ALEVE is the whole account journal of the day (全流水) with the balance after every
entry; EVE is what came through the channels (交易流水). Custody accounts begin empty: the cutover moves no money. Money is fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import (
    Fen,
    Indices,
    Mask,
    equals,
    fen,
    flat,
    lookup,
    member,
    pick,
    pick_int,
    pick_mask,
)

TEXT, FEN = pa.string(), pa.int64()
ENTRIES: Final = pa.schema(
    [
        ("record", FEN),  # line of the file, from 1
        ("account", TEXT),
        ("amount_fen", FEN),  # as printed, never negative
        ("sign", TEXT),  # C credit, D debit
        ("tranno", TEXT),
        ("kind", TEXT),  # TRANSTYPE
        ("currency", TEXT),  # ALEVE; NULL in EVE
        ("original", TEXT),  # ALEVE: ORI_TRANNO of a reversal, else NULL; EVE: ORDERNO
        ("balance_fen", FEN),  # ALEVE: after the entry; NULL in EVE
        ("reversal", pa.bool_()),  # EVE: MSGTYPE 0420; ALEVE: REVIND 1 with the number of what it reverses
    ]
)
BALANCES: Final = pa.schema([("account", TEXT), ("balance_fen", FEN)])
MOVEMENTS: Final = pa.schema(
    [("record", FEN), ("account", TEXT), ("tranno", TEXT), ("amount_fen", FEN), ("reverses", TEXT)]
)
"""What an ALEVE entry did: `amount_fen` signed; `reverses`: number of the entry taken back, NULL for most."""

DIFFERENCES: Final = pa.schema([("code", TEXT), ("account", TEXT), ("record", FEN), ("detail", TEXT)])
CURRENCY: Final = "156"


@dataclass(frozen=True, slots=True)
class Day:
    """All that a day is judged on."""

    eve: pa.Table  # ENTRIES
    aleve: pa.Table  # ENTRIES
    opening: pa.Table  # BALANCES as the last imported day left them
    earlier: pa.Table  # MOVEMENTS of earlier days that this day's reversals name
    known: pa.Array  # accounts of opened users and of the platform
    local: pa.Table | None = None  # BALANCES of the platform's own books at the day's end


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What came of it."""

    movements: pa.Table  # MOVEMENTS
    closing: pa.Table  # BALANCES of the accounts that moved
    differences: pa.Table  # DIFFERENCES, by file order
    reversals: int  # matched with what they reverse


def reconcile(day: Day) -> Reconciled:
    """Judge a day. Each difference is named once; what follows from it at the same entry is not repeated."""
    aleve = _in_order(day.aleve)
    originals = _originals(aleve, day.earlier)
    reversal = _flags(aleve)
    unmatched = reversal & (originals == 0)
    effect = _effects(aleve, originals)
    account = flat(aleve["account"])
    opens = np.array([True, *(pc.not_equal(account[1:], account[:-1]).to_pylist())] if len(account) else [], np.bool_)
    broken = _broken(aleve, effect, opens, day.opening)
    closing = _closing(aleve, opens)
    parts = [
        _named("DAILY_ACCOUNT_UNKNOWN", aleve, opens & ~member(account, day.known), "not an account of this platform"),
        _named("DAILY_CURRENCY", aleve, ~equals(aleve["currency"], CURRENCY), "is not in currency 156"),
        _named("DAILY_DOUBLED", aleve, _doubled(aleve), "its transaction number stands twice for the account"),
        _named(
            "DAILY_BALANCE", aleve, broken != 0, "the balance is {} fen beside the one before and the entry", broken
        ),
        _named("DAILY_REVERSAL", aleve, unmatched, "takes back an entry that is not there, or was taken back already"),
        *_channel(day.eve, aleve),
    ]
    if day.local is not None:
        parts.append(_local(day.local, day.opening, closing))
    movements = pa.table(
        {
            "record": aleve["record"],
            "account": account,
            "tranno": aleve["tranno"],
            "amount_fen": pa.array(effect, FEN),
            "reverses": pc.if_else(pa.array(reversal), flat(aleve["original"]), pa.scalar(None, TEXT)),
        },
        schema=MOVEMENTS,
    )
    return Reconciled(movements, closing, pa.concat_tables(parts), int((reversal & ~unmatched).sum()))


def _in_order(aleve: pa.Table) -> pa.Table:
    """By account, each one's entries in the order of the file."""
    return aleve.sort_by([("account", "ascending"), ("record", "ascending")]).combine_chunks()


def _flags(entries: pa.Table) -> Mask:
    found: Mask = flat(entries["reversal"]).to_numpy(zero_copy_only=False).astype(np.bool_)
    return found


def _key(accounts: pa.ChunkedArray | pa.Array, numbers: pa.ChunkedArray | pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(flat(accounts), pc.fill_null(flat(numbers), ""), "|")


def wanted(aleve: pa.Table) -> list[str]:
    """`account|number` of every entry that this day's reversals take back."""
    chosen = aleve.filter(pa.array(_flags(aleve)))
    found: list[str] = _key(chosen["account"], chosen["original"]).to_pylist()
    return found


def _signed(entries: pa.Table) -> Fen:
    return np.where(equals(entries["sign"], "C"), 1, -1) * fen(entries["amount_fen"])


def _originals(aleve: pa.Table, earlier: pa.Table) -> Fen:
    """For each reversal the signed amount of what it takes back: same account and amount; 0 where there is none left."""
    reversal, signed = _flags(aleve), _signed(aleve)
    candidates: dict[str, int] = {}
    taken = {
        _k
        for _k, r in zip(
            _key(earlier["account"], earlier["reverses"]).to_pylist(), earlier["reverses"].to_pylist(), strict=True
        )
        if r
    }
    earlier = earlier.filter(pc.is_null(earlier["reverses"]))
    rows = zip(_key(earlier["account"], earlier["tranno"]).to_pylist(), earlier["amount_fen"].to_pylist(), strict=True)
    candidates.update(rows)
    plain = np.flatnonzero(~reversal)
    if reversal.any():
        keys = _key(aleve["account"], aleve["tranno"])
        candidates.update(zip(keys.take(pa.array(plain)).to_pylist(), signed[plain].tolist(), strict=True))
    found = np.zeros(aleve.num_rows, np.int64)
    names = _key(aleve["account"], aleve["original"])
    for at in np.flatnonzero(reversal).tolist():
        name = names[at].as_py()
        amount = candidates.get(name, 0)
        if name not in taken and abs(amount) == abs(int(signed[at])):
            found[at] = amount
            taken.add(name)
    return found


def _effects(aleve: pa.Table, originals: Fen) -> Fen:
    """What each entry does to its account: a matched reversal the opposite of what it takes back, all else by its flag."""
    return np.where(originals != 0, -originals, _signed(aleve))


def _broken(aleve: pa.Table, effect: Fen, opens: Mask, opening: pa.Table) -> Fen:
    """By how many fen the printed balance differs from the one before plus the entry."""
    balance = fen(aleve["balance_fen"])
    before = np.zeros(len(balance), np.int64)
    before[1:] = balance[:-1]
    at = lookup(aleve["account"], opening["account"])
    before[opens] = pick_int(fen(opening["balance_fen"]), at)[opens]
    return balance - before - effect


def _closing(aleve: pa.Table, opens: Mask) -> pa.Table:
    last = np.append(opens[1:], True) if len(opens) else opens
    chosen = aleve.filter(pa.array(last, pa.bool_()))
    return chosen.select(BALANCES.names).cast(BALANCES)


def _doubled(entries: pa.Table) -> Mask:
    keys = _key(entries["account"], entries["tranno"])
    first = lookup(keys, keys)
    found: Mask = first != np.arange(len(keys))
    return found


def _channel(eve: pa.Table, aleve: pa.Table) -> list[pa.Table]:
    """EVE against ALEVE, entry by entry; kinds of transaction that EVE carries that day must stand in both."""
    ours, theirs = _key(eve["account"], eve["tranno"]), _key(aleve["account"], aleve["tranno"])
    at = lookup(ours, theirs)
    there = at >= 0
    amount = fen(eve["amount_fen"]) != pick_int(fen(aleve["amount_fen"]), at)
    backed = _flags(eve)
    flag = np.asarray(pc.fill_null(pc.not_equal(flat(eve["sign"]), pick(aleve["sign"], at)), False))
    reversed_there = pick_mask(_flags(aleve), at)
    lost = ~member(theirs, ours) & member(aleve["kind"], pc.unique(flat(eve["kind"])))
    return [
        _named("DAILY_DOUBLED", eve, _doubled(eve), "its transaction number stands twice for the account in EVE"),
        _named("DAILY_ONLY_IN_EVE", eve, ~there, "stands in EVE and not in ALEVE"),
        _named("DAILY_ONLY_IN_ALEVE", aleve, lost, "stands in ALEVE, and not in EVE, which carries its kind"),
        _named(
            "DAILY_ENTRY", eve, there & (amount | (flag & ~backed)), "amount or direction differs between EVE and ALEVE"
        ),
        _named("DAILY_REVERSAL", eve, there & (backed != reversed_there), "a reversal in one of the two files only"),
    ]


def _local(local: pa.Table, opening: pa.Table, closing: pa.Table) -> pa.Table:
    """The platform's own balances against the bank's: every account that either side has."""
    bank = pa.concat_tables([closing, opening]).combine_chunks()  # the first counts: today's before yesterday's
    every = pc.unique(pa.concat_arrays([flat(local["account"]), flat(bank["account"])]))
    ours = pick_int(fen(local["balance_fen"]), lookup(every, local["account"]))
    theirs = pick_int(fen(bank["balance_fen"]), lookup(every, bank["account"]))
    rows = pa.table({"account": every, "record": pa.nulls(len(every), FEN)})
    return _named(
        "DAILY_LOCAL", rows, ours != theirs, "the platform's balance is {} fen beside the bank's", ours - theirs
    )


def _named(code: str, entries: pa.Table, where: Mask, detail: str, by: Fen | None = None) -> pa.Table:
    at: Indices = np.flatnonzero(where)
    told = [detail.format(f"{int(n):+d}") for n in by[at]] if by is not None else [detail] * len(at)
    return pa.table(
        {
            "code": pa.array([code] * len(at), TEXT),
            "account": flat(entries["account"]).take(pa.array(at)),
            "record": flat(entries["record"]).take(pa.array(at)),
            "detail": pa.array(told, TEXT),
        },
        schema=DIFFERENCES,
    )


__all__ = ["BALANCES", "DIFFERENCES", "ENTRIES", "MOVEMENTS", "Day", "Reconciled", "reconcile", "wanted"]
