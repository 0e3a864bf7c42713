"""`python -m benchmarks.gates`: what the gate of debts costs at five million debts, beside the same SQL alone.

    gate     the measures (every query of the gate's rules, one thread, 2 GB at most) and Great Expectations judging them, with
             its import
    alone    the same queries in a DuckDB with two threads and no limit, and `import great_expectations` in a process of its own

The tables are made here, in memory, and are the same for both; measures and queries run in turn, the middle round counts.
Seconds are processor time, all threads together: by the clock the judge's share depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from expectations.runner import GxJudge
from migration.domain.tables import EXCEPTIONS, EXPORTS, ITEMS, RESENDS
from migration.stages.measure_library import library
from migration.stages.measures import MeasureInput, measure_ids, measures
from tests.support.large_world import DAY, LargeWorld

STAGE, LIMIT = "debts", 4.0
IMPORT = "import time; t = time.process_time(); import great_expectations; print(time.process_time() - t)"


def main() -> None:
    """Make the tables, measure, print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debts", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    facts = _facts(LargeWorld(options.debts, options.debts // 100, files=False))
    held = _peak()
    print(f"{options.debts:,} debts: the tables take {held:.0f} MiB", flush=True)
    ours: list[float] = []
    plain: list[float] = []
    for _ in range(options.rounds):
        plain.append(_timed(lambda: _alone(facts))[0])
        seconds, found = _timed(lambda: measures(STAGE, facts))
        ours.append(seconds)
        print(f"  sql alone {plain[-1]:6.1f} s, measures {ours[-1]:6.1f} s", flush=True)
    imported = float(subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True).stdout)
    judged, results = _timed(lambda: GxJudge().judge(STAGE, *found))
    gate, alone = statistics.median(ours) + judged, statistics.median(plain) + imported
    outcomes = {name: sum(result.outcome == name for result in results) for name in ("passed", "failed", "not_checked")}
    print(
        f"judging with its import {judged:.1f} s, the import alone {imported:.1f} s; {len(results)} rules: {outcomes}"
    )
    print("not passed:", ", ".join(result.rule_id for result in results if result.outcome != "passed") or "none")
    print(f"gate {gate:.1f} s, alone {alone:.1f} s: {gate / alone:.2f} x; {_peak() - held:.0f} MiB above the tables")
    print(f"limit {LIMIT} x: {'held' if gate <= LIMIT * alone else 'NOT HELD'}")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _facts(world: LargeWorld) -> MeasureInput:
    """Everything that is known after the debts were answered."""
    claim = world.claim()
    return MeasureInput(
        business_date=DAY,
        snapshot=world.snapshot(),
        items={
            "users": _items(claim["users"], "user_id", account_no="account_no", activated="activated"),
            "listings": _items(claim["listings"], "listing_id", amount_fen="amount_fen", batch_no="batch_no"),
            "debts": _items(
                claim["debts"], "debt_id", amount_fen="principal_fen", batch_no="batch_no", authcode="authcode"
            ),
            "authorisations": ITEMS.empty_table(),
        },
        book={name: claim[name] for name in ("users", "listings", "debts", "residuals")},
        batches=EXPORTS["batches"].empty_table(),
        exceptions=EXCEPTIONS.empty_table(),
        resends=RESENDS.empty_table(),
        overdue_policy="signed_exception",
        account_pattern=r"621246\d{13}",
        rows_per_file=9_999,
    )


def _items(claim: pa.Table, key: str, **columns: str) -> pa.Table:
    """An answer 00 for whatever is opened or registered."""
    done = claim.filter(pa.compute.is_in(claim["disposition"], value_set=pa.array(["opened", "registered"])))
    given = {"key": done[key], **{name: done[column] for name, column in columns.items()}}
    fixed = {"state": "ok", "code": "00", "business_date": DAY, "stage": "debts", "round": 1, "sample": False}
    rows = done.num_rows
    made = [given.get(f.name, pa.repeat(pa.scalar(fixed.get(f.name), f.type), rows)) for f in ITEMS]
    return pa.table(made, schema=ITEMS)


# --- the same queries, and nothing else --------------------------------------------------------------------------------


def _alone(facts: MeasureInput) -> int:
    """Every query of the gate once; how many there were."""
    queries = library()
    names = [name for name in measure_ids(STAGE) if not name.startswith("given.")]
    with duckdb.connect(config={"threads": "2"}) as connection:
        made = set(facts.tables())
        for name, table in facts.tables().items():
            connection.register(name, table)
        for query in queries.values():
            if query.kind == "macro":
                connection.execute(query.sql)
        for name in names:
            for needed in sorted(queries[name].words):
                _make(connection, needed, made)
            _run(connection, name, facts.parameters())
    return len(names)


def _make(connection: Any, name: str, made: set[str]) -> None:
    query = library().get(name)
    if name in made or query is None or query.kind not in {"view", "table"}:
        return
    made.add(name)
    for needed in sorted(query.words):
        _make(connection, needed, made)
    connection.execute(f"CREATE TEMP {query.kind} {name} AS {query.sql}")


def _run(connection: Any, name: str, parameters: dict[str, Any]) -> None:
    query = library()[name]
    sql = query.sql if query.kind == "total" else f"SELECT count(*) FROM ({query.sql})"
    connection.execute(sql, {p: parameters[p] for p in query.parameters} or None).fetchall()


if __name__ == "__main__":
    main()
