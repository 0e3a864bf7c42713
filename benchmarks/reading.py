"""`python -m benchmarks.reading`: reading debts beside the bare fetch and beside the libraries that read to Arrow.

Two sources with the same rows: SQLite (made here; the generic path) and, with --postgres URL, a PostgreSQL server (the
fast path; the table is made in a schema of its own and dropped). Every measurement is a process of its own, so that
its peak memory is its own; they run one after the other in one call, round by round, and the best round of each counts.
What a way imports and connects with is warmed up before its clock starts. `seconds` is the wall clock, which also shows
what else the machine does; `cpu` is this process's own processor time (the database server's is nobody's), all threads together.

    bare      SQLAlchemy, server-side cursor, partitions of 65,536 rows, nothing done with them
    read      the same rows read by the product: parsed, checked, sorted by key, canonical Arrow
    snapshot  the same, and the digest, and the encrypted Parquet file: a whole reading
    adbc, connectorx   the SELECT into Arrow as the library gives it, nothing checked or sorted

The libraries are taken when they are installed; their amounts are text (ADBC) or binary floats (connectorx).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

COLUMNS = "debt_id, listing_id, lender_id, principal, interest, bonus_interest, acquired_on, origin, status"
SCHEMA = "cutover_reading_bench"
PARTITION = 65_536
_SHUFFLED = "i * 7368787 % 10000000019"
LIMITS = {"generic": ("bare", 1.3), "fast": ("best library", 1.5)}
MEMORY_MIB = 512


def main() -> None:
    """Make the sources, measure, print the ratios."""
    options = _options()
    if options.one:
        _one(*options.one)
        return
    with tempfile.TemporaryDirectory(prefix="cutover-reading-") as folder:
        found: dict[str, dict[str, dict[str, float]]] = {}
        url = f"sqlite:///{folder}/legacy.sqlite"
        _sqlite(Path(folder) / "legacy.sqlite", options.debts, shuffled=options.shuffled)
        found["generic"] = _measured(url, "debts", ["bare", "read", "snapshot"], options.rounds)
        if options.postgres:
            _postgres(options.postgres, options.debts, shuffled=options.shuffled)
            try:
                ways = ["bare", *_libraries(), "read", "snapshot"]
                found["fast"] = _measured(options.postgres, f"{SCHEMA}.debts", ways, options.rounds)
            finally:
                _execute(options.postgres, f"DROP SCHEMA {SCHEMA} CASCADE")
    _show(found, options.debts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--debts", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--shuffled", action="store_true", help="rows in no order of their keys, as hardly any table has them"
    )
    parser.add_argument(
        "--postgres", default="", help="postgresql+psycopg://...; a database where a schema may be made"
    )
    parser.add_argument("--one", nargs=3, metavar=("WAY", "URL", "TABLE"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _libraries() -> list[str]:
    modules = {"adbc": "adbc_driver_postgresql", "connectorx": "connectorx"}
    return [name for name, module in modules.items() if importlib.util.find_spec(module)]


# --- the sources -----------------------------------------------------------------------------------------------------


def _sqlite(path: Path, debts: int, *, shuffled: bool) -> None:
    key = _SHUFFLED if shuffled else "i"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE debts (debt_id TEXT, listing_id TEXT, lender_id TEXT, principal TEXT, interest TEXT, "
            "bonus_interest TEXT, acquired_on TEXT, origin TEXT, status TEXT)"
        )
        connection.execute(
            f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {debts})
            INSERT INTO debts SELECT printf('D%010d', {key}), printf('L%08d', i / 40),
            printf('U%08d', i * 7919 % 900001), printf('%d.%02d', i * 104729 % 1000000, i % 100),
            printf('%d.%02d', i * 7907 % 10000, i % 97), '0.00', date('2016-01-01', '+' || (i % 600) || ' days'),
            CASE WHEN i % 9 THEN 'bid' ELSE 'assignment' END, CASE WHEN i % 5 THEN 'open' ELSE 'finished' END FROM n"""
        )


def _postgres(url: str, debts: int, *, shuffled: bool) -> None:
    key = _SHUFFLED if shuffled else "i"
    _execute(url, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    _execute(url, f"CREATE SCHEMA {SCHEMA}")
    _execute(
        url,
        f"""CREATE UNLOGGED TABLE {SCHEMA}.debts AS SELECT
        'D' || lpad(({key})::text, 10, '0') AS debt_id, 'L' || lpad((i / 40)::text, 8, '0') AS listing_id,
        'U' || lpad((i * 7919 % 900001)::text, 8, '0') AS lender_id,
        ((i * 104729 % 1000000) + (i % 100) / 100.0)::numeric(20,2) AS principal,
        ((i * 7907 % 10000) + (i % 97) / 100.0)::numeric(20,2) AS interest, 0::numeric(20,2) AS bonus_interest,
        date '2016-01-01' + (i % 600)::int AS acquired_on,
        CASE WHEN i % 9 = 0 THEN 'assignment' ELSE 'bid' END AS origin,
        CASE WHEN i % 5 = 0 THEN 'finished' ELSE 'open' END AS status FROM generate_series(1::bigint, {debts}) AS i""",
    )
    _execute(url, f"VACUUM ANALYZE {SCHEMA}.debts")


def _execute(url: str, statement: str) -> None:
    import sqlalchemy as sa  # noqa: PLC0415 - imports are part of nobody's measurement

    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    engine.dispose()


# --- one measurement, in a process of its own -------------------------------------------------------------------------------


def _one(way: str, url: str, table: str) -> None:
    select = f"SELECT {COLUMNS} FROM {table}"
    run = {"bare": _bare, "read": _read, "snapshot": _snapshot, "adbc": _adbc, "connectorx": _connectorx}[way]
    run(url, f"{select} WHERE 1 = 0")  # what is imported on the way is part of nobody's measurement
    began, spent = time.perf_counter(), time.process_time()
    rows = run(url, select)
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, "peak_mib": peak}))


def _bare(url: str, select: str) -> int:
    import sqlalchemy as sa  # noqa: PLC0415

    rows = 0
    with sa.create_engine(url).connect() as connection:
        options = {"stream_results": True, "max_row_buffer": PARTITION}
        result = connection.exec_driver_sql(select, execution_options=options)
        for partition in result.partitions(PARTITION):
            rows += len(partition)
    return rows


def _read(url: str, select: str) -> int:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from migration.legacy import source  # noqa: PLC0415
    from migration.legacy.platform import reading  # noqa: PLC0415
    from migration.legacy.reading import EntityReader  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as aside, source.view(url, {"debts": select}) as view:
        reader = EntityReader("debts", "yuan", aside=Path(aside))
        with ThreadPoolExecutor(1) as worker:
            return reading(reader, view, worker).given_to(lambda pieces: sum(piece.num_rows for piece in pieces))


def _snapshot(url: str, select: str) -> int:
    from migration.legacy import LegacyPlatform, Vault  # noqa: PLC0415

    nothing = {
        "users": "user_id, kind, name, id_type, id_no, phone, status, registered_at",
        "escrow_accounts": "escrow_id, user_id, available, frozen",
        "listings": "listing_id, borrower_id, title, amount, annual_rate, repayment_method, term_days, value_date, "
        "maturity_date, status",
        "schedules": "listing_id, period, due_date, principal, interest, principal_paid, interest_paid",
    }
    selects = {
        name: f"SELECT {', '.join(f'NULL AS {c.strip()}' for c in columns.split(','))} WHERE 1 = 0"
        for name, columns in nothing.items()
    }
    with tempfile.TemporaryDirectory() as workspace:
        place = Path(workspace)
        legacy = LegacyPlatform(url, "yuan", selects | {"debts": select}, place, Vault.open(place, {}), _Clock())
        return legacy.take().counts["debts"]


class _Clock:
    def now(self) -> datetime:
        return datetime(2017, 11, 18, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _adbc(url: str, select: str) -> int:
    import adbc_driver_postgresql.dbapi as adbc  # noqa: PLC0415

    with adbc.connect(_plain(url)) as connection, connection.cursor() as cursor:
        cursor.execute(select)
        return sum(batch.num_rows for batch in cursor.fetch_record_batch())


def _connectorx(url: str, select: str) -> int:
    import connectorx  # noqa: PLC0415

    return int(connectorx.read_sql(_plain(url), select, return_type="arrow").num_rows)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


# --- the comparison -------------------------------------------------------------------------------------------------------


def _measured(url: str, table: str, ways: list[str], rounds: int) -> dict[str, dict[str, float]]:
    best: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for way in ways:
            command = [sys.executable, "-m", "benchmarks.reading", "--one", way, url, table]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
            found = json.loads(done.stdout)
            print(
                f"  {way:11s} {found['seconds']:7.1f} s  cpu {found['cpu']:6.1f} s  {found['peak_mib']:6.0f} MiB",
                flush=True,
            )
            if way not in best or found["seconds"] < best[way]["seconds"]:
                best[way] = found
    return best


def _show(found: dict[str, dict[str, dict[str, float]]], debts: int) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(title=f"reading {debts:,} debts; the best of each, in one run")
    headings = ("path", "way", "seconds", "against", "cpu s", "against", "rows/s", "peak MiB", "limits")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"path", "way", "limits"} else "right")
    for path, ways in found.items():
        wall, cpu = _against(path, ways, "seconds"), _against(path, ways, "cpu")
        name, limit = LIMITS[path]
        for way, figures in ways.items():
            judged = wall and way in {"read", "snapshot"}
            held = figures["seconds"] <= limit * wall and figures["peak_mib"] <= MEMORY_MIB
            said = f"{limit} x {name}, {MEMORY_MIB} MiB: {'held' if held else 'NOT HELD'}" if judged else ""
            table.add_row(
                path,
                way,
                f"{figures['seconds']:.1f}",
                f"{figures['seconds'] / wall:.2f} x" if wall else "–",
                f"{figures['cpu']:.1f}",
                f"{figures['cpu'] / cpu:.2f} x" if cpu else "–",
                f"{debts / figures['seconds']:,.0f}",
                f"{figures['peak_mib']:.0f}",
                said,
            )
    Console(width=130).print(table)
    if "fast" in found and not _against("fast", found["fast"], "seconds"):
        print("fast: neither adbc-driver-postgresql nor connectorx is installed, nothing to compare with")


def _against(path: str, ways: dict[str, dict[str, float]], figure: str) -> float:
    """What a path is compared with: the bare fetch, or the library that was quickest by the clock."""
    names = [name for name in (("bare",) if path == "generic" else ("adbc", "connectorx")) if name in ways]
    return ways[min(names, key=lambda name: ways[name]["seconds"])][figure] if names else 0.0


if __name__ == "__main__":
    main()
