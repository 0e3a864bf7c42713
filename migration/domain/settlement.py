"""The settlement drill (清偿演练): every registered debt is paid off with what was stored at the cutover, and judged.

What is ordered comes from the outcome (accounts, authorisation codes); what is due comes from the snapshot and the merges
alone. Bonus interest (加息) is the platform's debt and goes through no repayment. Money is fen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.columns import Fen, Mask, build, equals, fen, flat, lookup, member, pick, pick_int, sum_at
from migration.domain.findings import Finding

TEXT, FEN = pa.string(), pa.int64()
ORDERS: Final = pa.schema(
    [
        ("debt_id", TEXT),
        ("listing_id", TEXT),
        ("borrower_id", TEXT),
        ("borrower_account", TEXT),
        ("holder_id", TEXT),
        ("holder_account", TEXT),
        ("principal_fen", FEN),
        ("interest_fen", FEN),
        ("authcode", TEXT),
    ]
)
"""One repayment a registered debt, sorted by debt_id as UTF-8 bytes. Users are the kept ones."""

ANSWERS: Final = pa.schema(
    [
        ("outcome", TEXT),  # PAID, or a key of REFUSALS
        ("code", TEXT),  # as the bank gave it
        ("left_fen", FEN),  # principal of the debt that is left in the bank's books
        ("listing_left_fen", FEN),  # the same of its listing
        ("received_fen", FEN),  # by the holder's account in this drill so far
        ("given_fen", FEN),  # by the borrower's account in this drill so far
    ]
)
"""The bank's answers in the order of the orders; the last four are 0 where it refused."""

PAID: Final = "paid"
USED: Final = "used"
REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "code_unknown": ("授权码不存在", "the bank does not know the authorisation code"),
    "other_debt": ("授权码属于另一笔债权", "the authorisation code is another debt's"),
    "other_listing": ("授权码属于另一标的", "the authorisation code is of another listing"),
    "other_holder": ("债权人账户不符", "the bank holds the debt for another account"),
    "other_borrower": ("借款人账户不符", "the bank has another borrower for the listing"),
    "too_much": ("超出剩余本金", "more than what is outstanding in the bank's books"),
    USED: ("授权码已使用", "the authorisation code was used before"),
    "form": ("格式有误", "the record is not well-formed"),
    "other": ("其他原因", "for another reason"),
}
"""Why a repayment is refused: Chinese, English."""

SIDES: Final = ("lenders", "borrowers", "listings")


def orders(claim: Mapping[str, pa.Table], snapshot: Mapping[str, pa.Table]) -> pa.Table:
    """What is to be paid: ORDERS. `claim`: the exports; `snapshot`: who borrowed."""
    debts = claim["debts"].filter(pa.array(equals(claim["debts"]["disposition"], "registered")))
    listings = claim["listings"]
    at = lookup(debts["listing_id"], listings["listing_id"])
    return build(
        ORDERS,
        debt_id=debts["debt_id"],
        listing_id=debts["listing_id"],
        borrower_id=_kept(claim, _borrowers(snapshot, debts["listing_id"])),
        borrower_account=pick(listings["borrower_account"], at),
        holder_id=debts["holder_user_id"],
        holder_account=debts["holder_account"],
        principal_fen=debts["principal_fen"],
        interest_fen=debts["interest_fen"],
        authcode=debts["authcode"],
    )


def _borrowers(snapshot: Mapping[str, pa.Table], listing_ids: pa.ChunkedArray) -> pa.Array:
    listings = snapshot["listings"]
    return pick(listings["borrower_id"], lookup(listing_ids, listings["listing_id"]))


def _kept(claim: Mapping[str, pa.Table], user_ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    users = claim["users"]
    return pick(users["kept_user_id"], lookup(user_ids, users["user_id"]))


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a drill. `sides`: off by lender, borrower, listing: key, due_fen, paid_fen where they differ."""

    counts: Mapping[str, int]
    refused: Mapping[str, int]  # outcome -> debts
    sides: Mapping[str, tuple[Mapping[str, Any], ...]]
    findings: tuple[Finding, ...]


def settled(
    ordered: pa.Table, first: pa.Table, again: pa.Table, claim: Mapping[str, pa.Table], snapshot: Mapping[str, pa.Table]
) -> Settled:
    """Judge both passes (ANSWERS in the order of `ordered`); each fault is named once, sums show what follows from it."""
    paid = equals(first["outcome"], PAID)
    wanted = fen(ordered["principal_fen"]) + fen(ordered["interest_fen"])
    dues = _dues(claim, snapshot)
    balances = {
        "lenders": ("holder_id", _highest(ordered["holder_id"], first["received_fen"], paid)),
        "borrowers": ("borrower_id", _highest(ordered["borrower_id"], first["given_fen"], paid)),
        "listings": ("listing_id", _sums(ordered["listing_id"], np.where(paid, wanted, 0))),
    }
    findings = [*_refused(ordered, first, paid), *_left(ordered, first, paid), *_twice(ordered, again, paid)]
    sides: dict[str, tuple[Mapping[str, Any], ...]] = {}
    counts: dict[str, int] = {}
    for side, (column, booked) in balances.items():
        due = _sums(*dues[side])
        sides[side] = tuple(_apart(due, booked))
        counts |= {side: due.num_rows, f"{side}_fen": int(fen(booked["fen"]).sum())}
        told = _sums(ordered[column], np.where(paid, wanted, 0))
        findings += _unlike("DRILL_BALANCE", side, told, booked, "booked by the bank beside its own answers")
        refused = _sums(ordered[column], np.where(paid, 0, wanted))
        findings += _unlike(
            "DRILL_SUM", side, due, _added(told, refused), "ordered beside what the snapshot says is due"
        )
    settled_fen, due_fen = int(wanted[paid].sum()), int(dues["listings"][1].sum())
    counts |= {
        "debts": ordered.num_rows,
        "paid": int(paid.sum()),
        "principal_fen": int(fen(ordered["principal_fen"]).sum()),
        "interest_fen": int(fen(ordered["interest_fen"]).sum()),
        "due_fen": due_fen,
        "paid_fen": settled_fen,
        "off_fen": due_fen - settled_fen,
        "bonus_fen": _bonus(claim),
        "second_uses_refused": int((paid & equals(again["outcome"], USED)).sum()),
        "second_uses_accepted": int(equals(again["outcome"], PAID).sum()),
    }
    reasons = first["outcome"].filter(pa.array(~paid)).to_pylist()
    return Settled(counts, {why: reasons.count(why) for why in sorted(set(reasons))}, sides, tuple(findings))


def _dues(claim: Mapping[str, pa.Table], snapshot: Mapping[str, pa.Table]) -> dict[str, tuple[pa.Array, Fen]]:
    """By side: who, and how much, a row a registered debt; from the snapshot's amounts and the merges only."""
    registered = claim["debts"].filter(pa.array(equals(claim["debts"]["disposition"], "registered")))
    debts = snapshot["debts"].filter(pa.array(member(snapshot["debts"]["debt_id"], registered["debt_id"])))
    amount = fen(debts["principal"]) + fen(debts["interest"])
    return {
        "lenders": (_kept(claim, debts["lender_id"]), amount),
        "borrowers": (_kept(claim, _borrowers(snapshot, debts["listing_id"])), amount),
        "listings": (flat(debts["listing_id"]), amount),
    }


def _bonus(claim: Mapping[str, pa.Table]) -> int:
    debts = claim["debts"]
    return int(fen(debts["bonus_interest_fen"])[equals(debts["disposition"], "registered")].sum())


def _sums(keys: pa.ChunkedArray | pa.Array, amounts: Fen) -> pa.Table:
    """key, fen: exact sums, by key."""
    names = pc.unique(flat(keys))
    return pa.table({"key": names, "fen": pa.array(sum_at(amounts, lookup(keys, names), len(names)), FEN)})


def _highest(keys: pa.ChunkedArray | pa.Array, running: pa.ChunkedArray, paid: Mask) -> pa.Table:
    """key, fen: the last of a running total that only rises; 0 for who had nothing booked."""
    names = pc.unique(flat(keys))
    found = np.zeros(len(names), np.int64)
    np.maximum.at(found, lookup(keys, names)[paid], fen(running)[paid])
    return pa.table({"key": names, "fen": pa.array(found, FEN)})


def _added(one: pa.Table, other: pa.Table) -> pa.Table:
    total = fen(one["fen"]) + pick_int(fen(other["fen"]), lookup(one["key"], other["key"]))
    return one.set_column(1, "fen", pa.array(total, FEN))


def _apart(due: pa.Table, paid: pa.Table) -> Iterator[dict[str, Any]]:
    """Where two sums by key differ, by key."""
    names = pc.unique(pa.chunked_array([flat(due["key"]), flat(paid["key"])], TEXT))
    was = pick_int(fen(due["fen"]), lookup(names, due["key"]))
    now = pick_int(fen(paid["fen"]), lookup(names, paid["key"]))
    rows = [
        {"key": names[int(i)].as_py(), "due_fen": int(was[i]), "paid_fen": int(now[i])}
        for i in np.flatnonzero(was != now)
    ]
    yield from sorted(rows, key=lambda row: str(row["key"]).encode())


_ENTITY: Final = {"lenders": "users", "borrowers": "users", "listings": "listings"}


def _unlike(code: str, side: str, one: pa.Table, other: pa.Table, what: str) -> Iterator[Finding]:
    for row in _apart(one, other):
        off = row["paid_fen"] - row["due_fen"]
        yield Finding(code, f"{_ENTITY[side]}/{row['key']}", f"{side}: {off:+d} fen {what}", "cutover verify")


def _refused(ordered: pa.Table, first: pa.Table, paid: Mask) -> Iterator[Finding]:
    for key, why, code in _where(~paid, ordered["debt_id"], first["outcome"], first["code"]):
        detail = f"refused with {code}: {REFUSALS[why][1]}"
        yield Finding(
            "DRILL_REFUSED", f"debts/{key}", detail, "compare the bank's books with the file that registered it"
        )


def _left(ordered: pa.Table, first: pa.Table, paid: Mask) -> Iterator[Finding]:
    """Debts not wholly paid off by all that we hold of them; listings of which the bank holds more debts than we do."""
    left = paid & (fen(first["left_fen"]) != 0)
    for key, rest in _where(left, ordered["debt_id"], first["left_fen"]):
        yield Finding(
            "DRILL_LEFT", f"debts/{key}", f"{rest} fen of principal are left in the bank's books", "ask the bank"
        )
    names = pc.unique(flat(ordered["listing_id"]))
    at = lookup(ordered["listing_id"], names)
    clean = np.ones(len(names), np.bool_)
    clean[at[~paid | left]] = False
    least = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(least, at[paid], fen(first["listing_left_fen"])[paid])
    for key, rest in _where(clean & (least != 0), names, pa.array(least)):
        yield Finding(
            "DRILL_LEFT", f"listings/{key}", f"{rest} fen are left after its last debt was paid off", "ask the bank"
        )


def _twice(ordered: pa.Table, again: pa.Table, paid: Mask) -> Iterator[Finding]:
    """A code that was accepted once must be refused as used."""
    bad = (paid & ~equals(again["outcome"], USED)) | equals(again["outcome"], PAID)
    for key, outcome in _where(bad, ordered["debt_id"], again["outcome"]):
        detail = f"the second use of its authorisation code was answered {outcome}"
        yield Finding("DRILL_TWICE", f"debts/{key}", detail, "a code must pay once: ask the bank")


def _where(rows: Mask, *columns: pa.ChunkedArray | pa.Array) -> Iterator[tuple[Any, ...]]:
    chosen = pa.array(rows)
    yield from zip(*(flat(column).filter(chosen).to_pylist() for column in columns), strict=True)
