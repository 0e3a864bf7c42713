"""`python -m benchmarks.verification.size`: five million debts against five million, beside plain DuckDB on the same files.

Two Parquet files, legacy and claim, made here; 100 debts of the claim are wrong (principals exchanged, a fen short, given
away, with more interest, lost, doubled). Every measurement is a process of its own, round after round in turn; the middle
round counts.

    ours    the verifier's own walk: digests a chunk, rows of the chunks that differ, receivables by person and listing
    duckdb  one full join of the same columns, merged lenders looked up; it does not see doubled rows and adds nothing up
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

LEGACY = ("debt_id", "listing_id", "lender_id", "principal", "interest", "bonus_interest", "status")
CLAIM = (
    "debt_id", "disposition", "listing_id", "legacy_lender_id", "holder_user_id", "principal_fen", "interest_fen",
    "bonus_interest_fen",
)  # fmt: skip
LIMIT, MEMORY_MIB, PLANTED = 1.5, 768, 100

JOIN = """
    SELECT coalesce(s.debt_id, c.debt_id) FROM '{0}/legacy.parquet' s
    FULL JOIN '{0}/claim.parquet' c ON c.debt_id = s.debt_id
    LEFT JOIN '{0}/users.parquet' u ON u.user_id = s.lender_id
    WHERE (c.listing_id, c.legacy_lender_id, c.holder_user_id, c.principal_fen, c.interest_fen, c.bonus_interest_fen)
        IS DISTINCT FROM (s.listing_id, s.lender_id, u.kept_user_id, s.principal, s.interest, s.bonus_interest)
      OR (s.status = 'open') IS DISTINCT FROM (c.disposition IN ('registered', 'excepted'))"""
HOLDERS = """
    SELECT c.debt_id FROM c_differing c JOIN s_differing s ON s.debt_id = c.debt_id
    LEFT JOIN party p ON p.user_id = s.lender_id WHERE c.holder_user_id IS DISTINCT FROM p.kept"""


def main() -> None:
    """Make the files, measure in turn, print the ratio of the middle rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debts", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, folder = options.one
        {"make": _make, "ours": _ours, "duckdb": _duckdb}[way](Path(folder), options.debts)
        return
    with tempfile.TemporaryDirectory(prefix="cutover-size-") as folder:
        wrong = _process("make", folder, options.debts)["wrong"]
        found: dict[str, list[dict[str, Any]]] = {"duckdb": [], "ours": []}
        for _ in range(options.rounds):
            for way, rounds in found.items():
                one = _process(way, folder, options.debts)
                rounds.append(one)
                print(
                    f"  {way:7s} {one['seconds']:6.1f} s  cpu {one['cpu']:5.1f} s  {one['peak_mib']:5.0f} MiB",
                    flush=True,
                )
    _show(found, set(wrong))


def _process(way: str, folder: str, debts: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.verification.size", "--debts", str(debts), "--one", way, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _show(found: dict[str, list[dict[str, Any]]], wrong: set[str]) -> None:
    middle = {
        way: {name: statistics.median(one[name] for one in rounds) for name in ("seconds", "cpu")}
        for way, rounds in found.items()
    }
    for way, rounds in found.items():
        named = set(rounds[0]["named"])
        print(f"{way}: {len(named & wrong)} of {len(wrong)} found, {len(named - wrong)} false alarms")
    peak = max(one["peak_mib"] for one in found["ours"])
    ratio = statistics.median(a["seconds"] / b["seconds"] for a, b in zip(found["ours"], found["duckdb"], strict=True))
    cpu = middle["ours"]["cpu"] / middle["duckdb"]["cpu"]
    held = ratio <= LIMIT and peak <= MEMORY_MIB
    print(f"ours / duckdb: {ratio:.2f} x by the clock, {cpu:.2f} x in processor time; peak {peak:.0f} MiB")
    print(f"limits {LIMIT} x, {MEMORY_MIB} MiB: {'held' if held else 'NOT HELD'}")


# --- one measurement, in a process of its own --------------------------------------------------------------------------


def _make(folder: Path, debts: int) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - imports are part of nobody's measurement

    from tests.support.large_world import LargeWorld  # noqa: PLC0415

    world = LargeWorld(debts, debts // 100, spoil=_spoil, files=False)
    claim = world.claim()
    for name, table in {"legacy": world.snapshot()["debts"], "claim": claim["debts"], "users": claim["users"]}.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", row_group_size=131_072)
    print(json.dumps({"wrong": world.wrong}))


def _spoil(world: Any) -> list[str]:
    """A hundred debts, spread evenly."""
    import numpy as np  # noqa: PLC0415

    moved = world.moved
    at = np.flatnonzero(world.open)[:: int(world.open.sum()) // PLANTED][:PLANTED]
    swapped, short, given, dearer, lost, doubled = np.split(at, [20, 40, 60, 70, 85])
    moved.principal[swapped] = np.roll(moved.principal[swapped], 1)
    moved.principal[short] -= 1
    moved.holder[given] = world.listings + (moved.holder[given] - world.listings + 1) % world.lenders
    moved.interest[dearer] += 10
    moved.rows = np.sort(np.append(moved.rows[~np.isin(moved.rows, lost)], doubled))
    return [world.debt_id[row].tobytes().decode() for row in at]


def _ours(folder: Path, _debts: int) -> None:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from migration import allocator  # noqa: PLC0415
    from migration.domain.tables import EXPORTS, SNAPSHOT  # noqa: PLC0415
    from migration.verification.chunks import Merged, differing  # noqa: PLC0415
    from migration.verification.gathered import OF_DEBTS  # noqa: PLC0415
    from migration.verification.library import SPECS  # noqa: PLC0415
    from migration.verification.windows import stored, together  # noqa: PLC0415
    from migration.verification.workbench import WINDOW, Workbench  # noqa: PLC0415
    from tests.support.large_world import LargeWorld  # noqa: PLC0415

    allocator.choose()  # as `wiring` does
    empty = LargeWorld(1_000, 0, files=False).evidence()
    began, spent = time.perf_counter(), time.process_time()
    legacy, claim = stored(folder / "legacy.parquet", LEGACY), stored(folder / "claim.parquet", CLAIM)
    users = pq.read_table(folder / "users.parquet", columns=["user_id", "kept_user_id", "account_no", "disposition"])
    merged = Merged.of(users)
    walk = together(legacy, claim, "debt_id", WINDOW)
    sides = zip(*(differing(left, right, merged, final=True) for left, right, _ in walk), strict=True)
    snapshot = {name: schema.empty_table() for name, schema in SNAPSHOT.items()}
    exports = {name: schema.empty_table() for name, schema in EXPORTS.items()} | {"users": users}
    with Workbench(replace(empty, snapshot=snapshot, claim=exports)) as bench:
        for name, parts in zip(("s_differing", "c_differing"), sides, strict=True):
            bench.put(name, pa.concat_tables(parts))
        for name in ("g_persons", "g_listings"):
            bench.execute(f"INSERT INTO {name} {OF_DEBTS[name].sql}")
        rows = [spec.sql for spec in SPECS if spec.name in {"debts.rows", "debts.claimed"}]
        named = {key for sql in (*rows, HOLDERS) for key in bench.keys(sql)}
        sums = {s.name: len(bench.keys(s.sql)) for s in SPECS if s.name in {"sums.persons", "sums.listings"}}
    _told(named, began, spent, sums=sums)


def _duckdb(folder: Path, _debts: int) -> None:
    import duckdb  # noqa: PLC0415

    began, spent = time.perf_counter(), time.process_time()
    with duckdb.connect(config={"threads": "2"}) as connection:
        named = {row[0] for row in connection.execute(JOIN.format(folder)).fetchall()}
    _told(named, began, spent)


def _told(named: set[str], began: float, spent: float, **more: Any) -> None:
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"named": sorted(named), "seconds": seconds, "cpu": cpu, "peak_mib": peak, **more}))


if __name__ == "__main__":
    main()
