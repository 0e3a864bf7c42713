"""Long campaigns: schedules, pairs of crashes, real kills. Each prints what it did, and how to see a failure again.

python -m tests.simulation.campaign seeds 10000 | seed 7 | pairs 5000 | kills 20 | real 10 | stops 20
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
from functools import cache, partial
from multiprocessing.pool import Pool
from pathlib import Path

from migration.journal.embedded import Embedded
from tests.simulation import crashes
from tests.simulation.crashes import CrashWorld, points
from tests.simulation.faults import KINDS
from tests.simulation.schedule import Schedule, simulate
from tests.simulation.world import RealJournal
from tests.support import killed, memo, stopped
from tests.support.comparing import differences
from tests.support.segments import Segments
from tests.support.stopped import Stops

CHUNK = 20
TASKS = 100
"""Chunks after which a process is replaced by a new one: memory stays bounded however many seeds there are."""
IMPORTED = ("tests.simulation.schedule", "tests.simulation.crashes", "pandas")
"""What a process needs before its first chunk (pyarrow would import pandas by itself)."""
ALL_STRIKE = 1000
"""So many seeds must have met every kind of fault."""
STOPS = 6
"""Stops of the server in one story."""


def _ready() -> None:
    """A worker, before its first chunk: what is remembered stays until its end."""
    memo.install()
    gc.disable()  # a chunk at a time: what a schedule leaves is little, and looking for it takes a tenth of the time
    gc.freeze()


def _swept() -> None:
    """After a chunk: what it left is freed, what is remembered is not looked through again."""
    gc.collect()
    gc.freeze()


def _pool(workers: int) -> Pool:
    """Processes forked from one that has done nothing but import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED])
    return context.Pool(workers, _ready, maxtasksperchild=TASKS)


def _seeds(bounds: tuple[int, int]) -> tuple[Counter[str], list[str]]:
    fired: Counter[str] = Counter()
    wrong = []
    for seed in range(*bounds):
        try:
            fired += simulate(seed)
        except Exception as error:  # noqa: BLE001 - the campaign goes on and tells all of them
            wrong.append(f"SEED={seed}  {type(error).__name__}: {error}  replay: make simulate SEED={seed}")
    _swept()
    return fired, wrong


def seeds(count: int, first: int, workers: int) -> int:
    """Run seeds first .. first+count-1; print how often every kind of fault struck."""
    begun, fired, wrong = time.monotonic(), Counter[str](), 0
    parts = [(s, min(s + CHUNK, first + count)) for s in range(first, first + count, CHUNK)]
    with _pool(workers) as pool:
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
    return 1 if wrong or (never and count >= ALL_STRIKE) else 0


def real(count: int, first: int) -> int:
    """Run seeds on the journal of production too: the same story, word for word, and the same files."""
    memo.install()
    place = Path(tempfile.mkdtemp(prefix="cutover_real_"))
    place.chmod(0o755)  # PostgreSQL's OS user must pass
    begun, wrong = time.monotonic(), 0
    with Embedded(place, durable=False) as server:
        for seed in range(first, first + count):
            memory, theirs = Schedule(seed), Schedule(seed, partial(RealJournal, server.url(f"s{seed}")))
            memory.run()
            theirs.run()
            theirs.world.store.close()
            server.drop(f"s{seed}")
            same = (theirs.trail, theirs.world.sent()) == (memory.trail, memory.world.sent())
            wrong += not same
            print(
                f"SEED={seed} on PostgreSQL: {'the same' if same else 'another story'}, {time.monotonic() - begun:.0f} s"
            )
    shutil.rmtree(place, ignore_errors=True)
    return 1 if wrong else 0


def one(seed: int) -> int:
    """Run one seed again, print what struck, and let a violation show itself."""
    schedule = Schedule(seed)
    try:
        schedule.run()
    finally:
        print("\n".join(schedule.trail))
    return 0


_Pair = tuple[tuple[int, str], tuple[int, str]]


@cache
def _undisturbed() -> CrashWorld:
    world = CrashWorld()
    world.finish()
    return world


def _pairs(some: list[_Pair]) -> list[str]:
    """What differed, a line a pair."""
    undisturbed, wrong = _undisturbed(), []
    for pair in some:
        world = CrashWorld(*pair)
        code = world.finish()
        found = crashes.differences(world, undisturbed) if code == 0 else [str(r) for r in world.reasons]
        if found:
            wrong.append(f"{pair}: {found}")
    _swept()
    return wrong


def pairs(count: int, seed: int, workers: int) -> int:
    """Sampled pairs of crash points."""
    every, dice, begun, wrong = points(_undisturbed()), random.Random(seed), time.monotonic(), 0
    drawn = [(dice.choice(every), dice.choice(every)) for _ in range(count)]
    parts = [drawn[n : n + CHUNK] for n in range(0, count, CHUNK)]
    with _pool(workers) as pool:
        for number, bad in enumerate(pool.imap_unordered(_pairs, parts), start=1):
            wrong += len(bad)
            took = f"{time.monotonic() - begun:.0f} s"
            print(f"\r{min(count, number * CHUNK)}/{count} pairs, {wrong} differences, {took}", end="", flush=True)
            for line in bad:
                print(f"\n{line}", flush=True)
    print()
    return 1 if wrong else 0


def _kills(asked: tuple[int, int, str, int, int]) -> tuple[int, int]:
    """One share of the campaign, on a server of its own: kills done, those that left a difference."""
    times, seed, names, share, shares = asked
    place = Path(tempfile.mkdtemp(prefix="cutover_kills_"))
    place.chmod(0o755)  # PostgreSQL's OS user must pass
    wrong, done, met = 0, 0, set()
    with Embedded(place / "server", durable=False) as server, killed.Starter(place / "memo") as starter:
        segments = Segments(place, server, starter)
        segments.build()
        plan = segments.plan(times, seed, spread(segments.names(), names))[share::shares]
        begun = time.monotonic()
        for done, kill in enumerate(plan, start=1):
            found = segments.kill(kill)
            met.add(kill.point.partition("@")[0])
            wrong += bool(found)
            took = f"{time.monotonic() - begun:.0f} s"
            told = f"share {share + 1}: {done}/{len(plan)} kills at {len(met)} points, {wrong} differences, {took}"
            print(f"{told}\n{kill}: {found}" if found else told, flush=True)
    shutil.rmtree(place, ignore_errors=True)
    return done, wrong


def spread(names: list[str], wanted: str) -> list[str]:
    """`all`, or so many of the names: sorted, so that those of a stage stand together, and taken at even distances."""
    if wanted == "all":
        return names
    ordered = sorted(names)
    chosen = {ordered[n * len(ordered) // int(wanted)] for n in range(int(wanted))}
    return [name for name in names if name in chosen]


def kills(times: int, seed: int, names: str, workers: int) -> int:
    """SIGKILL at named points, `times` at each, the names by turns: a campaign cut short has met them all."""
    begun = time.monotonic()
    shares = [(times, seed, names, share, workers) for share in range(workers)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        ended = pool.map(_kills, shares)
    done, wrong = (sum(counts) for counts in zip(*ended, strict=True))
    print(f"{done} kills at {names} named points, {wrong} differences, {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


def stops(count: int, seed: int) -> int:
    """Cutovers over a PostgreSQL that is stopped with `immediate` six times, at drawn statements."""
    memo.install()
    place = Path(tempfile.mkdtemp(prefix="cutover_stops_"))
    place.chmod(0o755)
    wrong, dice, begun = 0, random.Random(seed), time.monotonic()
    with Embedded(place) as server:
        counted = Stops(server, {})
        stopped.play(place / "undisturbed", server, counted)
        for number in range(1, count + 1):
            chosen = {n: dice.random() < 0.5 for n in dice.sample(range(2, counted.statements), STOPS)}
            root = place / f"stopped{number}"
            stopped.play(root, server, Stops(server, chosen))
            found = differences(root, place / "undisturbed")
            wrong += bool(found)
            print(f"{number}/{count} cutovers, stopped at {sorted(chosen)}: {found}, {time.monotonic() - begun:.0f} s")
            server.drop(root.name)
            shutil.rmtree(root)
    print(f"{count} cutovers, {count * STOPS} stops, {wrong} differences")
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
    named = verbs.add_parser("kills")
    named.add_argument("times", type=int)
    named.add_argument("--points", default="all", help="all, or how many of the names, spread over the stages")
    for verb in (two, named):
        verb.add_argument("--seed", type=int, default=20171118)
        verb.add_argument("--workers", type=int, default=multiprocessing.cpu_count())
    for verb_name in ("real", "stops"):
        on_server = verbs.add_parser(verb_name)
        on_server.add_argument("count", type=int)
        on_server.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.verb == "seeds":
        return seeds(given.count, given.first, given.workers)
    if given.verb == "pairs":
        return pairs(given.count, given.seed, given.workers)
    if given.verb == "kills":
        return kills(given.times, given.seed, given.points, given.workers)
    if given.verb == "seed":
        return one(given.number)
    return (real if given.verb == "real" else stops)(given.count, given.seed)


if __name__ == "__main__":
    sys.exit(main())
