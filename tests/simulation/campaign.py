"""Long campaigns: schedules, pairs of crashes, real kills. Each prints what it did, and how to see a failure again.

python -m tests.simulation.campaign seeds 10000 | seed 7 | pairs 5000 | kills 20
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from migration.journal.embedded import Embedded
from tests.simulation.crashes import CrashWorld, differences, points
from tests.simulation.faults import KINDS
from tests.simulation.schedule import Schedule, simulate
from tests.support import killed, memo
from tests.support.comparing import kill_and_finish

CHUNK = 20


def _seeds(bounds: tuple[int, int]) -> tuple[Counter[str], list[str]]:
    memo.install()
    fired: Counter[str] = Counter()
    wrong = []
    for seed in range(*bounds):
        try:
            fired += simulate(seed)
        except Exception as error:  # noqa: BLE001 - the campaign goes on and tells all of them
            wrong.append(f"SEED={seed}  {type(error).__name__}: {error}  replay: make simulate SEED={seed}")
    return fired, wrong


def seeds(count: int, first: int, workers: int) -> int:
    """Run seeds first .. first+count-1; print how often every kind of fault struck."""
    begun, fired, wrong = time.monotonic(), Counter[str](), 0
    parts = [(s, min(s + CHUNK, first + count)) for s in range(first, first + count, CHUNK)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for number, (some, bad) in enumerate(pool.imap_unordered(_seeds, parts), start=1):
            fired += some
            wrong += len(bad)
            took = f"{time.monotonic() - begun:.0f} s"
            print(f"\r{min(count, number * CHUNK)}/{count} schedules, {wrong} violations, {took}", end="", flush=True)
            for line in bad:
                print(f"\n{line}", flush=True)
    print()
    for kind in sorted(KINDS, key=lambda k: -fired[k]):
        print(f"  {kind:<26}{fired[kind]:>9}  {KINDS[kind]}")
    never = set(KINDS) - set(fired)
    print(
        f"{len(KINDS) - len(never)} of {len(KINDS)} kinds of fault struck; never: {', '.join(sorted(never)) or 'none'}"
    )
    return 1 if wrong else 0


def one(seed: int) -> int:
    """Run one seed again, print what struck, and let a violation show itself."""
    schedule = Schedule(seed)
    try:
        schedule.run()
    finally:
        print("\n".join(schedule.trail))
    return 0


def pairs(count: int, seed: int) -> int:
    """Sampled pairs of crash points."""
    memo.install()
    undisturbed = CrashWorld()
    undisturbed.finish()
    every, dice, wrong = points(undisturbed), random.Random(seed), 0
    begun = time.monotonic()
    for number in range(1, count + 1):
        pair = dice.choice(every), dice.choice(every)
        world = CrashWorld(*pair)
        code = world.finish()
        found = differences(world, undisturbed) if code == 0 else [str(r) for r in world.reasons]
        if found:
            wrong += 1
            print(f"\n{pair}: {found}")
        print(f"\r{number}/{count} pairs, {wrong} differences, {time.monotonic() - begun:.0f} s", end="", flush=True)
    print()
    return 1 if wrong else 0


def kills(times: int) -> int:
    """SIGKILL at every named point, at most `times` occurrences of each."""
    place = Path(tempfile.mkdtemp(prefix="cutover-kills-"))
    place.chmod(0o755)  # PostgreSQL's OS user must pass
    wrong = done = 0
    with Embedded(place / "server", durable=False) as server, killed.Starter(place / "memo") as starter:
        undisturbed = place / "undisturbed"
        killed.prepare(undisturbed)
        if starter.run(undisturbed, server.url("undisturbed")) != 0:
            print((undisturbed / "errors").read_text())
            return 1
        named = killed.points(undisturbed)
        every = [f"{name}@{n}" for name, count in named.items() for n in range(1, min(count, times) + 1)]
        begun = time.monotonic()
        for done, point in enumerate(every, start=1):
            found = kill_and_finish(starter, undisturbed, place / "case", server.url(f"k{done}"), point)
            server.drop(f"k{done}")
            shutil.rmtree(place / "case")
            if found:
                wrong += 1
                print(f"\n{point}: {found}")
            print(
                f"\r{done}/{len(every)} kills, {wrong} differences, {time.monotonic() - begun:.0f} s",
                end="",
                flush=True,
            )
    print(f"\n{len(named)} named points, {done} kills, {wrong} differences")
    shutil.rmtree(place, ignore_errors=True)
    return 1 if wrong else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    many = verbs.add_parser("seeds")
    many.add_argument("count", type=int)
    many.add_argument("--first", type=int, default=1)
    many.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    verbs.add_parser("seed").add_argument("number", type=int)
    two = verbs.add_parser("pairs")
    two.add_argument("count", type=int)
    two.add_argument("--seed", type=int, default=20171118)
    verbs.add_parser("kills").add_argument("times", type=int)
    given = parser.parse_args()
    if given.verb == "seeds":
        return seeds(given.count, given.first, given.workers)
    if given.verb == "seed":
        return one(given.number)
    return pairs(given.count, given.seed) if given.verb == "pairs" else kills(given.times)


if __name__ == "__main__":
    sys.exit(main())
