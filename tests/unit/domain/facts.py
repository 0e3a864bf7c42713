"""A small platform as the facts that the book is derived from, without any reader or bank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from migration.domain.book import Book, Facts, Rules, derive
from migration.domain.tables import CORRECTIONS, ISSUES, ITEMS, KEYS, RESENDS, SIGNATURES, SNAPSHOT
from migration.domain.values import FileLimits
from tests.contract.platforms import DAYS, INSTANTS, MONEY, Tables
from tests.support.platform import joined

DAY = date(2017, 11, 18)
POLICY = ("election", "party_to_listing", "receivable", "balance", "last_active", "registered", "user_id")


def cell(column: str, value: Any) -> Any:
    """A cell as the snapshot holds it: fen, dates, instants."""
    if value is None:
        return None
    if column in MONEY:
        return int(Decimal(value) * 100)
    if column in DAYS:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if column in INSTANTS else value


def tables(platform: Tables) -> dict[str, pa.Table]:
    """The snapshot of a platform, every entity sorted by key."""
    found = {}
    for entity, schema in SNAPSHOT.items():
        rows = [{name: cell(name, value) for name, value in r.items()} for r in platform.get(entity, [])]
        table = pa.Table.from_pylist(rows, schema=schema)
        found[entity] = table.sort_by([(key, "ascending") for key in KEYS[entity]]).combine_chunks()
    return found


def answer(key: str, state: str = "ok", **changes: Any) -> dict[str, Any]:
    """One answered attempt; accounts and authorisation codes are made from the key."""
    values = {
        "key": key, "state": state, "code": "000" if state == "ok" else None, "account_no": f"A-{key}", "activated": False,
        "authcode": f"C-{key}", "amount_fen": 0, "business_date": DAY, "batch_no": "000001", "record_no": 1,
        "stage": "accounts", "round": 1, "sample": False, "row_digest": None,
    }  # fmt: skip
    return {**values, **changes}


def facts(
    *parts: Tables,
    opened: Iterable[str] = (),
    refused: Mapping[str, str] | None = None,
    listings: Sequence[dict[str, Any]] = (),
    debts: Sequence[dict[str, Any]] = (),
    issues: Sequence[tuple[str, str, str, str]] = (),
    signed: Sequence[tuple[str, str, str]] = (),
    resends: Sequence[tuple[str, str]] = (),
    overdue: str = "signed_exception",
) -> Facts:
    """`opened`: user ids with an account. `refused`: user id -> code. `listings`, `debts`: answers of the bank."""
    users = [answer(k) for k in opened]
    users += [answer(k, "refused", code=c, account_no=None, activated=None) for k, c in (refused or {}).items()]
    items = {"users": users, "listings": list(listings), "debts": list(debts), "authorisations": []}
    marks = [{"entity": e, "key": k, "after_date": DAY, "after_batch": "000001", "by": "x"} for e, k in resends]
    return Facts(
        tables=tables(joined(*parts)),
        issues=pa.Table.from_pylist([dict(zip(ISSUES.names, i, strict=True)) for i in issues], schema=ISSUES),
        corrections=CORRECTIONS.empty_table(),
        items={entity: pa.Table.from_pylist(rows, schema=ITEMS) for entity, rows in items.items()},
        signatures=pa.Table.from_pylist(
            [{"entity": e, "key": k, "code": c, "by": "x", "reason": "y"} for e, k, c in signed], schema=SIGNATURES
        ),
        resends=pa.Table.from_pylist(marks, schema=RESENDS),
        rules=Rules(DAY, POLICY, overdue, FileLimits()),
    )


def book(*parts: Tables, **known: Any) -> Book:
    """The book of `facts(...)`."""
    return derive(facts(*parts, **known))


def ends(side: Any) -> dict[str, tuple[str, str | None]]:
    """Key -> (disposition, reason) of a listing or debt book."""
    keys = side.listing_id if hasattr(side, "listing_id") else side.debt_id
    rows = zip(keys.to_pylist(), side.disposition.to_pylist(), side.reason.to_pylist(), strict=True)
    return {key: (word, why) for key, word, why in rows}
