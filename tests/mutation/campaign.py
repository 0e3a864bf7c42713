"""Mutation testing: `python -m tests.mutation.campaign [--share 0.3] [--only PART] [--resume]`.

Every mutant is tried, in a forked child, on the tests that reach it: those that killed its neighbours in the function, then in the module,
then those of its module's own test file, then the fastest. The first failure kills it, and so does a test that computes far longer than it
should. One that outlives BUDGET seconds of tests survived. Survivors stand in survivors.toml with a reason; one that does not makes the command fail.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.mutation import recode
from tests.mutation.children import LATE, Kinds, Verdict, allow, in_child, run
from tests.mutation.lines import ROOT, Reached, gather
from tests.mutation.operators import Mutant, mutants
from tests.mutation.targets import SLOW, TARGETS, TESTS

BUDGET = 30.0
KEPT = ROOT / "var" / "mutation"
SURVIVORS = Path(__file__).with_name("survivors.toml")
PYTEST = ["-p", "no:timeout", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-s"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one mutant."""

    mutant: Mutant
    verdict: Verdict
    tests: int


class Campaign:
    """The pytest plugin that does it in place of running the tests."""

    def __init__(self, chosen: Iterable[Mutant]) -> None:
        self.chosen = list(chosen)
        self.kinds = Kinds()
        self.tried: list[Tried] = []
        self.broken: list[Verdict] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not any(word in item.nodeid for word in SLOW)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.config.pluginmanager.register(self.kinds)
        reached = self._reached(session.items)
        if self.broken:
            return True
        items = {item.nodeid: item for item in session.items}
        killers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for n, mutant in enumerate(self.chosen, 1):
            known = [killers[f"{mutant.module}:{mutant.function}"], killers[mutant.module]]
            tried = _try(mutant, reached, items, known, self.kinds)
            if tried.verdict.seen and not tried.verdict.test and tried.verdict.kind != LATE:
                self.broken.append(tried.verdict)  # the change could not be made, or the child died: no verdict
                continue
            for counted in known:
                counted[tried.verdict.test] += 1
            self.tried.append(tried)
            if not tried.verdict.seen or n % 25 == 0:
                print(f"{n}/{len(self.chosen)}", "" if tried.verdict.seen else f"survived: {mutant.id}", flush=True)
                keep(self.tried)
        return True

    def _reached(self, items: list[pytest.Item]) -> Reached:
        first = next((item for item in items if "pg_url" in getattr(item, "fixturenames", ())), items[0])
        run([first], self.kinds)  # brings up what the session shares, before anything forks
        files = {str(importlib.import_module(name).__file__) for part in TARGETS.values() for name in part}
        reached, self.broken = gather(items, files, self.kinds, KEPT)
        return reached


def _try(
    mutant: Mutant, reached: Reached, items: dict[str, pytest.Item], killers: Sequence[Counter[str]], kinds: Kinds
) -> Tried:
    file = str(importlib.import_module(mutant.module).__file__)
    tests = reached.covering(file, mutant.lines)
    own = f"/test_{mutant.module.rpartition('.')[2]}.py"
    known = [test for counted in killers for test, _ in counted.most_common(5)]
    order = [*(test for test in known if test in tests), *(test for test in tests if own in test), *tests]
    left, chosen = BUDGET, []
    for test in dict.fromkeys(order):
        left -= reached.seconds[test]
        if left < 0 and chosen:
            break
        chosen.append(items[test])
    if not chosen:
        return Tried(mutant, Verdict(), 0)
    allowed = {item.nodeid: 5 + 3 * reached.seconds[item.nodeid] for item in chosen}
    change = lambda: recode.put(mutant.module, mutant.function, mutant.make())  # noqa: E731
    work = lambda: run(chosen, kinds, lambda item: allow(allowed[item.nodeid]))  # noqa: E731
    return Tried(mutant, in_child(change, work, max(allowed.values())), len(chosen))


def choose(share: float, only: str) -> list[Mutant]:
    """The sample: by the mutants' names alone, so that it stays the same while other code changes."""
    found: list[Mutant] = []
    for part, modules in TARGETS.items():
        for module in modules:
            if only in {"", part} or module.endswith(only):
                source = Path(str(importlib.import_module(module).__file__)).read_text("utf-8")
                found += [m for m in mutants(module, source) if m.lot < share]
    return sorted(found, key=lambda m: m.lot)  # a run that is stopped has still tried an honest, smaller sample


def table(tried: list[Tried]) -> str:
    """Mutants, killed, survived and score of every module, in Markdown."""
    rows = ["| module | mutants | killed | survived | score |", "|---|---:|---:|---:|---:|"]
    total: Counter[str] = Counter()
    for part, modules in TARGETS.items():
        subtotal: Counter[str] = Counter()
        for module in modules:
            mine = [t.verdict.seen for t in tried if t.mutant.module == module]
            if mine:
                rows.append(_row(f"`{module.removeprefix('migration.')}`", len(mine), sum(mine)))
                subtotal.update(all=len(mine), killed=sum(mine))
        if subtotal:
            rows.append(_row(f"**{part}**", subtotal["all"], subtotal["killed"]))
        total.update(subtotal)
    return "\n".join([*rows, _row("**all**", total["all"], total["killed"])])


def _row(name: str, every: int, killed: int) -> str:
    return f"| {name} | {every} | {killed} | {every - killed} | {100 * killed / max(every, 1):.1f} % |"


def reasons() -> dict[str, str]:
    """Known survivors and why each may live."""
    return {one["mutant"]: one["reason"] for one in tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", [])}


def settle() -> None:
    """The same examples every time, and no shrinking: a failure is enough."""
    settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate]
    )
    settings.load_profile("mutation")


def main() -> int:
    """0: at least 90 % were killed and every survivor is known with a reason."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--share", type=float, default=1.0)
    ask.add_argument("--only", default="")
    ask.add_argument("--resume", action="store_true", help="believe earlier runs about what they killed")
    ask.add_argument("--tests", nargs="*", default=list(TESTS))
    given = ask.parse_args()
    settle()
    known = killed_before() if given.resume else {}
    chosen = choose(given.share, given.only)
    campaign = Campaign([m for m in chosen if m.id not in known])
    began = time.monotonic()
    pytest.main([*PYTEST, *given.tests], plugins=[campaign])
    for one in campaign.broken:
        print("no verdict:", one.test, one.kind, one.message)
    tried = campaign.tried + [Tried(m, known[m.id], 0) for m in chosen if m.id in known]
    if campaign.broken or len(tried) < len(chosen):
        return 2
    keep(campaign.tried)
    print(table(tried))
    reasoned = reasons()
    unknown = [t.mutant.id for t in tried if not t.verdict.seen and t.mutant.id not in reasoned]
    for one in unknown:
        print("survived, without a reason in survivors.toml:", one)
    for one in sorted(reasoned.keys() & {t.mutant.id for t in tried if t.verdict.seen}):
        print("killed, though survivors.toml says why it may live:", one)
    killed = sum(t.verdict.seen for t in tried)
    print(
        f"{killed} of {len(tried)} killed; {time.monotonic() - began:.0f} s, {_computed():.0f} s of processor time beside PostgreSQL"
    )
    return 0 if killed >= 0.9 * len(tried) and not unknown else 1


def _computed() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def keep(tried: list[Tried]) -> None:
    """Keep what came of each mutant, by its name."""
    KEPT.mkdir(parents=True, exist_ok=True)
    told = {t.mutant.id: [t.verdict.test, t.verdict.kind, t.verdict.message, t.tests] for t in tried}
    place, part = KEPT / "tried.json", KEPT / f".tried-{os.getpid()}"
    known = json.loads(place.read_text()) if place.exists() else {}
    part.write_text(json.dumps(known | told, indent=0, ensure_ascii=False))
    part.replace(place)


def killed_before() -> dict[str, Verdict]:
    """What earlier runs killed."""
    place = KEPT / "tried.json"
    told = json.loads(place.read_text()) if place.exists() else {}
    return {name: Verdict(*one[:3]) for name, one in told.items() if one[1]}


if __name__ == "__main__":
    sys.exit(main())
