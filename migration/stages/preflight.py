"""Freeze and pre-flight: the snapshot is taken, profiled, and judged: go or no-go."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from migration.domain.columns import equals
from migration.domain.errors import CutoverError, GateClosed, Waiting
from migration.domain.findings import Finding
from migration.stages import assessment, delta, freeze, progress
from migration.stages.house import House

ITEM_ONLY = frozenset({"DATE_INVALID", "VALUE_NULL", "VALUE_INVALID"})
"""Issues that touch only their item; all others stop the run until the source is mended."""

SHOWN = 20


def run(house: House) -> None:
    """Until preflight has passed, every run takes a new snapshot; afterwards it is compared with the source (H28)."""
    if progress.done(house, "preflight") or delta.begun(house):
        freeze.require_unchanged(house)
        if not progress.done(house, "preflight"):  # interrupted while a delta was taken over
            progress.finish(house, "preflight", 1, {"given.snapshot.entities_changed": 0})
        return
    progress.start(house, "preflight", 1)
    house.tell("preflight: reading the legacy platform")
    snapshot = house.legacy.take()
    house.failpoint("preflight.after_take")
    house.journal.record_snapshot(house.fence, snapshot)
    house.failpoint("preflight.after_snapshot")
    try:
        _judge(house)
    except CutoverError as stopped:
        assessment.keep(house, stopped)
        raise
    assessment.keep(house, None)


def _judge(house: House) -> None:
    """Everything that may close preflight, the heaviest first."""
    _require_clean(house.table("issues"))
    freeze.require_unchanged(house)
    _require_nothing_in_flight(house)
    book = house.book()
    _require_advances_settled(house)
    house.keep_exceptions(book)
    _require_signed(house)
    progress.finish(house, "preflight", 1, {"given.snapshot.entities_changed": 0})


def _require_clean(issues: pa.Table) -> None:
    """GateClosed for what stops the whole run: money, keys, enumerations (H24, H26)."""
    closing = issues.filter(pa.array(~equals(issues["code"], *ITEM_ONLY)))
    if not closing.num_rows:
        return
    rows = closing.to_pylist()
    shown = [
        Finding(r["code"], _subject(r["entity"], r["key"]), f"column {r['column']}", "mend the source, then run again")
        for r in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        by_code = Counter(r["code"] for r in rows)
        summary = ", ".join(f"{code} {count}" for code, count in sorted(by_code.items()))
        shown.append(Finding("PREFLIGHT_FINDINGS", "snapshot", f"{len(rows)} in all: {summary}", "mend the source"))
    raise GateClosed(*shown)


def _subject(entity: str, key: str) -> str:
    """The row's key; of an election, whose key begins with an ID number, only what follows."""
    return f"{entity}/{key.partition('/')[2] or '?'}" if entity == "elections" else f"{entity}/{key}"


def _require_nothing_in_flight(house: House) -> None:
    """By the policy `zero`, a top-up, withdrawal, bid or assignment under way (H19, H23) closes preflight."""
    rows = house.table("in_flight")
    if house.terms.in_flight != "zero" or not rows.num_rows:
        return
    shown = [
        Finding("IN_FLIGHT", f"in_flight/{r['id']}", f"{r['kind']} under way", "let it end, or undo it, at the source")
        for r in rows.slice(0, SHOWN).to_pylist()
    ]
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(Counter(rows["kind"].to_pylist()).items()))
    total = Finding(
        "IN_FLIGHT", "in_flight", f"{rows.num_rows} in all: {kinds}", 'or carry them: policy.in_flight = "count"'
    )
    raise GateClosed(*shown, total)


def _require_advances_settled(house: House) -> None:
    """By the policy repaid_by_guarantor (代偿), an overdue debt still open closes preflight."""
    if house.terms.overdue != "repaid_by_guarantor":
        return
    debts = house.book().debts
    keys = debts.debt_id.filter(pa.array(debts.overdue)).to_pylist()
    if keys:
        shown = [
            Finding("OVERDUE", f"debts/{key}", "overdue and still open", "settle the guarantor's advance at the source")
            for key in keys[:SHOWN]
        ]
        raise GateClosed(
            *shown,
            Finding("OVERDUE", "debts", f"{len(keys)} overdue debt(s) still open", "or choose another overdue policy"),
        )


def _require_signed(house: House) -> None:
    """Orphans and impossible dates keep preflight shut until each is mended or signed (H25, H27)."""
    book = house.book()
    shut = (
        {("users", k) for k in _keys(book.users.users["user_id"], book.users.users["preflight_shut"])}
        | {("listings", k) for k in _keys(book.listings.listing_id, pa.array(book.listings.preflight_shut))}
        | {("debts", k) for k in _keys(book.debts.debt_id, pa.array(book.debts.preflight_shut))}
    )
    rows = house.open_exceptions().to_pylist()
    waiting = [r for r in rows if r["code"] == "ORPHAN" or (r["entity"], r["key"]) in shut]
    if waiting:
        raise Waiting(
            *(
                Finding(
                    r["code"],
                    f"{r['entity']}/{r['key']}",
                    "keeps preflight shut",
                    f"mend the source, or cutover exceptions --sign {r['id']} --as NAME --reason TEXT",
                )
                for r in waiting
            )
        )


def _keys(keys: pa.ChunkedArray | pa.Array, where: pa.ChunkedArray | pa.Array) -> list[str]:
    found: list[str] = keys.filter(where).to_pylist()
    return found
