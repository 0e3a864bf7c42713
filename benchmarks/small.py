"""`make bench-small`: 20,000 users, 2,000 listings, 100,000 debts through the whole engine.

The sandbox bank runs as a process of its own. Each stage runs as a process of its own too, so that its peak memory is
its own; seconds include interpreter start, the embedded PostgreSQL and the bank's answers. Other sizes:
`python -m benchmarks.small --users 1000000 --listings 50000 --debts 5000000`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from migration.stages.order import STAGES

ROOT = Path(__file__).resolve().parent.parent
CUTOVER = str(Path(sys.executable).with_name("cutover"))
RATE_OF = {"accounts": "users", "listings": "listings", "debts": "debts", "preflight": "debts", "reconcile": "debts"}


def main() -> None:
    """Generate, run stage by stage, print a table and keep it as JSON."""
    options = _options()
    place = Path(tempfile.mkdtemp(prefix="cutover-bench-"))
    environment = _environment(place)
    print(f"generating {options.users:,} users, {options.listings:,} listings, {options.debts:,} debts ...", flush=True)
    size = {"users": options.users, "listings": options.listings, "debts": options.debts}
    _generate(place, size, environment)
    bank = subprocess.Popen(
        [CUTOVER, "--config", "sample_data/cutover.toml", "sandbox", "bank"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        rows = _stages(environment, size)
    finally:
        bank.terminate()
        bank.wait(30)
    _show(rows)
    target = Path(options.out) if options.out else ROOT / "var" / "bench-small.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"size": size, "stages": rows}, indent=1) + "\n")
    if not options.keep:
        shutil.rmtree(place, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--listings", type=int, default=2_000)
    parser.add_argument("--debts", type=int, default=100_000)
    parser.add_argument("--out", default="")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def _environment(place: Path) -> dict[str, str]:
    return os.environ | {
        "CUTOVER__CUTOVER__WORKSPACE": str(place / "workspace"),
        "CUTOVER__CUTOVER__ID": "bench-small",
        "CUTOVER__BANK__DIRECTORY": str(place / "bank"),
        "CUTOVER__BANK__ROWS_PER_FILE": "9999",
        "CUTOVER__LEGACY__URL": f"sqlite:///{place / 'legacy.sqlite'}",
        "CUTOVER_ACTOR": "bench",
    }


def _generate(place: Path, size: dict[str, int], environment: dict[str, str]) -> None:
    words = [f"--{name}={count}" for name, count in size.items()]
    url = f"--url=sqlite:///{place / 'legacy.sqlite'}"
    command = [CUTOVER, "sandbox", "generate", *words, "--seed=7", "--hazards=none", url]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def _stages(environment: dict[str, str], size: dict[str, int]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for stage in STAGES:
        began = time.monotonic()
        command = [CUTOVER, "--config", "sample_data/cutover.toml", "run", "--until", stage]
        command += ["--approve-as", "first", "--approve-as", "second"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as running:
            said = running.stderr.read() if running.stderr else ""
            _, status, usage = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if running.returncode:
            sys.exit(f"{stage} ended with {running.returncode}\n{said}")
        entity = RATE_OF.get(stage)
        rate = round(size[entity] / seconds) if entity else None
        rows.append(_row(stage, seconds, usage, rate))
        print(f"  {stage}: {seconds:.1f} s", flush=True)
    return rows


def _row(stage: str, seconds: float, usage: resource.struct_rusage, rate: int | None) -> dict[str, object]:
    return {
        "stage": stage,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "rows_per_second": rate,
        "peak_mib": usage.ru_maxrss // 1024,
    }


def _show(rows: list[dict[str, object]]) -> None:
    table = Table(title="one process a stage")
    for heading in ("stage", "seconds", "cpu_seconds", "rows_per_second", "peak_mib"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
