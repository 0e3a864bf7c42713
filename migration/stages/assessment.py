"""The pre-flight assessment: what was read, every hazard counted, go or no-go, what it will take; kept and comparable.

Written when preflight ends, also when it closes: as an event in the chain (figures only), and as JSON and HTML in both
languages under `<workspace>/reports/`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import changes, schedules
from migration.domain.book import Book
from migration.domain.columns import Mask, equals, fen, flat, mask
from migration.domain.errors import CutoverError
from migration.domain.exceptions import standing
from migration.domain.hazards import WEIGHTS, Hazard, hazards
from migration.domain.refusals import tally
from migration.domain.sampling import bound
from migration.domain.tables import SNAPSHOT
from migration.domain.values import Snapshot
from migration.reports.assessment import page
from migration.stages import figures
from migration.stages.house import House

EVENT: Final = "assessment"
KEYS_KEPT: Final = 50
"""Keys of a hazard in the JSON file and on the page; the counts are whole."""
THRESHOLDS: Final[Mapping[str, int]] = {"stop": 0, "hold": 0, "exception_permille": 50}
"""Go while no hazard stops or holds and open exceptions are at most so many of 1,000 users, listings and debts."""
_MONEY: Final[Mapping[str, tuple[str, ...]]] = {
    "escrow_accounts": ("available", "frozen"),
    "listings": ("amount",),
    "schedules": ("principal", "interest", "principal_paid", "interest_paid"),
    "debts": ("principal", "interest", "bonus_interest"),
    "in_flight": ("amount",),
}


def keep(house: House, stopped: CutoverError | None) -> None:
    """Write the assessment; that it could not be made hides no stop."""
    try:
        write(house, stopped)
    except (CutoverError, pa.ArrowException, ValueError, KeyError, OSError) as error:
        house.tell(f"preflight: the assessment could not be made ({type(error).__name__})")


def write(house: House, stopped: CutoverError | None) -> dict[str, Any]:
    """Assess the snapshot and keep it: `stopped` is what closed preflight, None when it passed."""
    found = assess(house, stopped)
    last = previous(house, found["snapshot"])
    events = [e for e in house.journal.events() if e.kind == EVENT]
    brief = {name: found[name] for name in ("snapshot", "verdict", "codes", "counts", "sums_fen", "schedules")}
    brief |= {name: {key: of["count"] for key, of in found[name].items()} for name in ("hazards", "warnings")}
    if not events or dict(events[-1].payload) != brief:
        house.journal.note(house.actor, EVENT, brief)
    found["before"] = last
    name = f"assessment-{found['snapshot'][:12]}"
    house.report(f"{name}.json", json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    for language in ("zh", "en"):
        house.report(f"{name}-{language}.html", page(found, language))
    return found


def previous(house: House, digest: str) -> dict[str, Any] | None:
    """The figures of the latest assessment of another snapshot: what this one is compared with."""
    for event in reversed(house.journal.events()):
        if event.kind == EVENT and event.payload.get("snapshot") != digest:
            return dict(event.payload)
    return None


def assess(house: House, stopped: CutoverError | None) -> dict[str, Any]:
    """All figures, as plain JSON: whole numbers and texts."""
    snapshot, book, terms = house.snapshot(), house.book(), house.terms
    tables = {entity: house.table(entity) for entity in SNAPSHOT}
    found = hazards(book, house.table("issues"), house.bank.limits, _changed(house, snapshot), terms.business_date)
    gaps = schedules.differences(tables["listings"], tables["schedules"], house.bank.limits)
    known = house.journal.exceptions()
    open_now = (
        known.filter(pa.array(equals(known["state"], "open"))).num_rows if known.num_rows else standing(book).num_rows
    )
    sizes = sum(tables[entity].num_rows for entity in ("users", "listings", "debts"))
    return {
        "cutover": terms.cutover_id,
        "kind": terms.kind,
        "business_date": terms.business_date.isoformat(),
        "snapshot": snapshot.digest,
        "taken_at": snapshot.taken_at.isoformat(timespec="seconds"),
        "codes": sorted({r.code for r in stopped.reasons}) if stopped else [],
        "verdict": verdict(found, stopped, open_now, sizes),
        "thresholds": dict(THRESHOLDS),
        "exceptions_open": open_now,
        "counts": {entity: table.num_rows for entity, table in tables.items()},
        "sums_fen": _sums(tables),
        "hash_totals": {entity: hash_total(entity, table) for entity, table in tables.items()},
        "digests": dict(snapshot.entity_digests),
        "profile": {entity: profile(table) for entity, table in tables.items()},
        "hazards": {
            h.id: {
                "weight": h.weight,
                "count": None if h.weight == "later" else h.count,
                "keys": list(h.keys[:KEYS_KEPT]),
            }
            for h in found
        },
        "weights": {weight: sum(h.count for h in found if h.weight == weight) for weight in WEIGHTS},
        "schedules": schedules.by_kind(gaps),
        "schedule_keys": [f"{gap.listing_id} {gap.kind}" for gap in gaps[:KEYS_KEPT]],
        "warnings": {
            code: {"count": count, "keys": keys[:KEYS_KEPT]}
            for code, (count, keys) in tally(book.users.findings).items()
        },
        "estimate": estimate(house, book),
    }


def verdict(found: Sequence[Hazard], stopped: CutoverError | None, open_now: int, sizes: int) -> str:
    """`no_go`, `wait` (something holds preflight), `care` (many exceptions) or `go`."""
    weight = {w: sum(h.count for h in found if h.weight == w) for w in WEIGHTS}
    stops = stopped is not None and stopped.exit_code != 4  # noqa: PLR2004 - 4 is waiting (contract.md section 3)
    if stops or weight["stop"] > THRESHOLDS["stop"]:
        return "no_go"
    if stopped is not None:
        return "wait"
    return "care" if open_now * 1000 > THRESHOLDS["exception_permille"] * max(sizes, 1) else "go"


def hash_total(entity: str, table: pa.Table) -> int:
    """The sum of the CRC-32 of every row's key: a control total that a lost, doubled or changed key moves."""
    return sum(zlib.crc32(key.encode()) for key in changes.keys_of(entity, table).to_pylist())


def profile(table: pa.Table) -> dict[str, dict[str, int]]:
    """Column -> how many cells are NULL, how many values are distinct. No value is shown."""
    return {
        name: {"nulls": table[name].null_count, "distinct": pc.count_distinct(table[name], mode="only_valid").as_py()}
        for name in table.column_names
    }


def _sums(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    return {
        f"{entity}.{column}": int(fen(tables[entity][column]).sum())
        for entity, columns in _MONEY.items()
        for column in columns
    }


def _changed(house: House, snapshot: Snapshot) -> list[str]:
    """Rows that a run found changed at the source after this very snapshot."""
    keys: list[str] = []
    for event in house.journal.events():
        if event.kind == "source_changed" and event.payload.get("from") == snapshot.digest:
            entities: Any = event.payload["entities"]
            keys += [
                f"{entity}/{k}"
                for entity, said in entities.items()
                for w in ("changed", "new", "gone")
                for k in said[w]
            ]
    return keys


def estimate(house: House, book: Book) -> dict[str, Any]:
    """Files to come, samples and full sets apart, persons and companies apart; time only by a rehearsal's figures."""
    terms = house.terms
    rows = _to_come(book)
    files = {name: ceil(count / terms.rows_per_file) for name, count in rows.items()}
    samples = {name: bound(rows[name], terms.confidence, terms.defect_rate)[1] for name in ("listings", "debts")}
    for name, size in samples.items():
        files[name] = ceil(size / terms.rows_per_file) + ceil(max(rows[name] - size, 0) / terms.rows_per_file)
    rehearsed = house.rehearsed()
    return {
        "rows": rows,
        "files": files,
        "samples_at_least": samples,
        "rows_per_file": terms.rows_per_file,
        "basis": rehearsed,
        "seconds": figures.expected(rehearsed, _by_stage(book, rows), sum(files.values())) if rehearsed else None,
    }


def _to_come(book: Book) -> dict[str, int]:
    users = book.users.users
    ready = mask(users["sendable"]) | equals(users["disposition"], "opened")
    listings, debts = book.listings, book.debts
    return {
        "persons": _count(ready & equals(users["kind"], "person")),
        "companies": _count(ready & equals(users["kind"], "company")),
        "listings": _count(listings.sendable | listings.registered | listings.untouched),
        "debts": _count(debts.sendable | debts.registered | debts.untouched | _free(debts.disposition)),
    }


def _by_stage(book: Book, rows: Mapping[str, int]) -> dict[str, int]:
    """What each stage's time grows with; how many will be opened again nobody knows."""
    whole = sum(table.num_rows for table in book.tables.values())
    reading = dict.fromkeys(("preflight", "identities", "residual", "reconcile"), whole)
    return reading | {
        "accounts": rows["persons"] + rows["companies"],
        "listings": rows["listings"],
        "debts": rows["debts"],
    }


def _free(words: pa.Array) -> Mask:
    return equals(flat(words), "pending")


def _count(where: Mask) -> int:
    return int(where.sum())
