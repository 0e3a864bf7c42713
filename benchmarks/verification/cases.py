"""`python -m benchmarks.verification.cases --postgres URL`: the corruptions of a migration, one by one, and who sees them.

50,000 debts of 5,000 lenders, 1,000 of whom were merged. Ours reads snapshot, files and claim. The peers compare two tables in
PostgreSQL, each in a virtual environment of its own that is made here (pip, the requirement files beside this module):
`legacy` and one target a case, with debt_id as key and listing, holder, principal, interest, end date and holder's name as
columns; lenders are mapped to the kept user in `legacy` already, but in the last case, where `naive` says the lender as stored.

    reladiff            hashdiff over all columns, and joindiff
    data-validator      `validate column --count * --sum *`, and `validate row --hash *`
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psycopg

from migration.verification.library import ask
from migration.verification.workbench import Workbench
from tests.support.large_world import LargeWorld
from tests.support.spoils import SPOILS, judged

HERE = Path(__file__).parent
COLUMNS = "debt_id text, listing_id text, holder text, principal bigint, interest bigint, end_date date, name text"
WAYS = ("ours", "reladiff hashdiff", "reladiff joindiff", "data-validator column", "data-validator row")
Seen = dict[str, dict[str, str]]
"""Way -> target table -> what it says."""


def main() -> None:
    """Make the cases, ask everybody, print who saw what."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debts", type=int, default=50_000)
    parser.add_argument("--merged", type=int, default=1_000)
    parser.add_argument(
        "--postgres", required=True, help="postgresql://user@host/db: a schema is made there and dropped"
    )
    parser.add_argument(
        "--peers", type=Path, help="where their environments lie; by default made in a temporary folder"
    )
    options = parser.parse_args()
    seen: Seen = {way: {} for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="cutover-cases-") as folder, psycopg.connect(options.postgres) as server:
        server.execute("DROP SCHEMA IF EXISTS cases CASCADE")
        server.execute("CREATE SCHEMA cases")
        try:
            wrong = dict(_cases(server, options.debts, options.merged, seen))
            server.commit()
            _peers(options.peers or Path(folder), options.postgres, list(wrong), seen)
        finally:
            server.rollback()
            server.execute("DROP SCHEMA cases CASCADE")
            server.commit()
    _show(wrong, seen)


def _cases(server: Any, debts: int, merged: int, seen: Seen) -> Iterator[tuple[str, str]]:
    """Put the tables in, ask ours; target table -> what is wrong in it."""
    right = LargeWorld(debts, merged)
    _load(server, "legacy", right, right.kept[right.lender], right.name)
    _load(server, "naive", right, right.lender, right.name)
    for spoil in SPOILS:
        world = LargeWorld(debts, merged, spoil=spoil.make)
        _target(server, spoil.name, world)
        seen["ours"][spoil.name] = _ours(world)
        yield spoil.name, spoil.title
    padded = right.moved.name.copy()
    _load(server, "padded_right", right, right.moved.holder, padded, padded_debt=1_001)
    seen["ours"]["padded_right"] = "no such thing in a file of fixed width"
    yield "padded_right", "a name padded with blanks on the right"
    _target(server, "merge", right)
    seen["ours"]["merge"] = _ours(right)
    yield "merge", f"a correct merge of {merged:,} identities"


def _ours(world: LargeWorld) -> str:
    with Workbench(world.evidence()) as bench:
        failing = ask(bench)
    missed, false = judged(world, failing)
    if not world.wrong:
        return "silent" if not any(failing.values()) else f"{sum(map(len, failing.values()))} false alarms"
    return "all, and nothing else" if not missed and not false else f"{len(missed)} missed, {len(false)} false"


def _target(server: Any, table: str, world: LargeWorld) -> None:
    _load(server, table, world, world.moved.holder, world.moved.name)


def _load(server: Any, table: str, world: LargeWorld, holder: Any, names: Any, padded_debt: int = -1) -> None:
    """Open debts as a comparison tool gets them."""
    server.execute(f"CREATE TABLE cases.{table} ({COLUMNS})")
    said = [name.tobytes().decode("gbk").rstrip(" ") for name in names]
    moved = world.moved
    with server.cursor().copy(f"COPY cases.{table} FROM STDIN") as copy:
        for debt in moved.rows[world.open[moved.rows]].tolist():
            end = str(moved.end[debt])
            who = int(holder[debt])
            copy.write_row((
                _text(world.debt_id[debt]), _text(world.listing_id[world.listing[debt]]), _text(world.user_id[who]),
                int(moved.principal[debt]), int(moved.interest[debt]), f"{end[:4]}-{end[4:6]}-{end[6:]}",
                said[who] + "  " * (debt == padded_debt),
            ))  # fmt: skip
    if len(np.unique(moved.rows)) == len(moved.rows):
        server.execute(f"ALTER TABLE cases.{table} ADD PRIMARY KEY (debt_id)")


def _text(cells: Any) -> str:
    return str(cells.tobytes().decode())


# --- the peers ---------------------------------------------------------------------------------------------------------


def _peers(folder: Path, url: str, targets: list[str], seen: Seen) -> None:
    for name, asked in (("reladiff", _reladiff), ("data-validator", _validator)):
        place = folder / name
        try:
            if not place.exists():
                venv.create(place, with_pip=True)
                _run([str(place / "bin/pip"), "install", "-q", "-r", str(HERE / f"requirements-{name}.txt")])
            asked(place, url, targets, seen)
        except subprocess.CalledProcessError as fault:
            print(f"{name}: {(fault.stderr or '')[-400:]}", file=sys.stderr)


def _source(target: str) -> str:
    return "naive" if target == "merge" else "legacy"


def _reladiff(place: Path, url: str, targets: list[str], seen: Seen) -> None:
    pairs = json.dumps([(_source(target), target) for target in targets])
    told = _run([str(place / "bin/python"), str(HERE / "ask_reladiff.py"), url, pairs])
    for line in told.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            seen[f"reladiff {found['algorithm']}"][found["target"]] = found["said"]


def _validator(place: Path, url: str, targets: list[str], seen: Seen) -> None:
    server = urlsplit(url)
    tool = str(place / "bin/data-validation")
    extra = {"PSO_DV_CONN_HOME": str(place)}
    _run([tool, "connections", "add", "-c", "pg", "Postgres", "--host", server.hostname or "", "--port",
          str(server.port or 5432), "--user", server.username or "", "--password", server.password or "none",
          "--database", server.path[1:]], extra)  # fmt: skip
    tables = ",".join(f"cases.{_source(target)}=cases.{target}" for target in targets)
    for way, more in (("column", ["--count", "*", "--sum", "*"]), ("row", ["-pk", "debt_id", "--hash", "*"])):
        command = [
            tool,
            "validate",
            way,
            "-sc",
            "pg",
            "-tc",
            "pg",
            "-tbls",
            tables,
            *more,
            "-fs",
            "fail",
            "--format",
            "json",
        ]
        failed: dict[str, int] = dict.fromkeys(targets, 0)
        for line in _run(command, extra).splitlines():
            for entry in json.loads(line).values() if line.startswith("{") else ():
                name = (entry["target_table_name"] or entry["source_table_name"]).removeprefix("cases.")
                failed[name if name in failed else "merge"] += 1
        said = {name: f"{count} failure{'s' * (count > 1)}" if count else "nothing" for name, count in failed.items()}
        seen[f"data-validator {way}"] |= said


def _run(command: list[str], extra: dict[str, str] | None = None) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **(extra or {})}
    ).stdout


def _show(wrong: dict[str, str], seen: Seen) -> None:
    print("| planted | " + " | ".join(WAYS) + " |")
    print("|---" * (len(WAYS) + 1) + "|")
    for target, title in wrong.items():
        print(f"| {title} | " + " | ".join(seen[way].get(target, "could not be run") for way in WAYS) + " |")


if __name__ == "__main__":
    main()
