"""Long campaigns: schedules, pairs of crashes, real kills. Each prints what it did, and how to see a failure again.

python -m tests.simulation.campaign seeds 10000 | seed 7 | pairs 5000 | kills 20
"""

from __future__ import annotations

import argparse
import gc
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
from tests.support.segments import Segments

CHUNK = 20


def _seeds(bounds: tuple[int, int]) -> tuple[Counter[str], list[str]]:
    memo.install()
    gc.disable()  # a chunk at a time: what a schedule leaves is little, and looking for it takes a tenth of the time
    fired: Counter[str] = Counter()
    wrong = []
    for seed in range(*bounds):
        try:
            fired += simulate(seed)
        except Exception as error:  # noqa: BLE001 - the campaign goes on and tells all of them
            wrong.append(f"SEED={seed}  {type(error).__name__}: {error}  replay: make simulate SEED={seed}")
    gc.collect()
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


def kills(times: int, seed: int) -> int:
    """SIGKILL at every named point, `times` at each, the names by turns: a campaign cut short has met them all."""
    place = Path(tempfile.mkdtemp(prefix="cutover_kills_"))
    place.chmod(0o755)  # PostgreSQL's OS user must pass
    wrong, done, met = 0, 0, set()
    with Embedded(place / "server", durable=False) as server, killed.Starter(place / "memo") as starter:
        segments = Segments(place, server, starter)
        segments.build()
        plan = segments.plan(times, seed)
        begun = time.monotonic()
        for done, kill in enumerate(plan, start=1):
            found = segments.kill(kill)
            met.add(kill.point.partition("@")[0])
            if found:
                wrong += 1
                print(f"\n{kill}: {found}")
            took = f"{time.monotonic() - begun:.0f} s"
            print(f"\r{done}/{len(plan)} kills at {len(met)} points, {wrong} differences, {took}", end="", flush=True)
    print(f"\n{len(segments.names())} named points, {done} kills, {wrong} differences")
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
    real = verbs.add_parser("kills")
    real.add_argument("times", type=int)
    real.add_argument("--seed", type=int, default=20171118)
    given = parser.parse_args()
    if given.verb == "seeds":
        return seeds(given.count, given.first, given.workers)
    if given.verb == "seed":
        return one(given.number)
    return pairs(given.count, given.seed) if given.verb == "pairs" else kills(given.times, given.seed)


if __name__ == "__main__":
    sys.exit(main())
