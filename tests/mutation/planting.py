"""Planted defects: `python -m tests.mutation.planting [--find] [NAME ...]`.

Each defect of planted.toml is put into a forked child; the tests that are said to find it must fail there, by a failed assertion and not
because the change broke something else, and must pass without it. `--find` runs all quick tests and says which ones find it.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migration.journal.embedded import Embedded
from tests.mutation import recode
from tests.mutation.campaign import PYTEST, settle
from tests.mutation.children import Kinds, Verdict, in_child, run

REGISTRY = Path(__file__).with_name("planted.toml")
ASSERTED = frozenset({"AssertionError", "Failed"})
"""How a test finds something: an assertion, or `pytest.raises` in vain."""
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Defect:
    """One entry of the registry."""

    name: str
    breaks: str
    found_by: tuple[str, ...] = ()
    change: tuple[Mapping[str, str], ...] = ()
    sql: tuple[str, ...] = ()
    second: str = ""

    def changed(self) -> Iterator[tuple[str, str, ast.Module]]:
        """Module, function and the source with the defect in it; DoesNotFit when the code has changed."""
        by_function: dict[str, list[tuple[str, str]]] = {}
        for one in self.change:
            by_function.setdefault(one["at"], []).append((one["old"], one["new"]))
        for at, pieces in by_function.items():
            module, _, function = at.partition(":")
            yield module, function, recode.replaced(module, function, pieces)

    def plant(self) -> None:
        """Put it into this process."""
        for module, function, tree in list(self.changed()):
            recode.put(module, function, tree)
        if self.sql:
            Embedded.clone = _spoiling(Embedded.clone, self.sql)  # type: ignore[method-assign]


def _spoiling(clone: Callable[..., str], statements: Sequence[str]) -> Callable[..., str]:
    """A fresh database of a test gets the statements too."""

    def spoilt(self: Embedded, template: str, name: str) -> str:
        url = clone(self, template, name)
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
        return url

    return spoilt


def registry() -> tuple[Defect, ...]:
    """Every planted defect."""
    read = tomllib.loads(REGISTRY.read_text("utf-8"))["defect"]
    return tuple(Defect(**{k: tuple(v) if isinstance(v, list) else v for k, v in one.items()}) for one in read)


class Planting:
    """The pytest plugin that does it in place of running the tests."""

    def __init__(self, defects: Sequence[Defect], *, find: bool) -> None:
        self.defects, self.find = defects, find
        self.kinds = Kinds()
        self.verdicts: dict[str, list[Verdict]] = {}
        self.sound: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = {test for defect in self.defects for test in defect.found_by}
        items[:] = [item for item in items if self.find or item.nodeid in wanted]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.config.pluginmanager.register(self.kinds)
        items = {item.nodeid: item for item in session.items}
        for item in session.items:  # as it is, every one passes; this also brings up what the session shares
            verdict = run([item], self.kinds) if not self.find or "pg_url" in item.fixturenames else Verdict()
            if verdict.seen:
                self.sound[item.nodeid] = f"{verdict.kind}: {verdict.message}"
            if self.find and "pg_url" in item.fixturenames:
                break
        for defect in self.defects:
            tests = list(items.values()) if self.find else [items[t] for t in defect.found_by if t in items]
            self.verdicts[defect.name] = self._each(defect, tests)
        return True

    def _each(self, defect: Defect, tests: list[pytest.Item]) -> list[Verdict]:
        if self.find:
            return [in_child(defect.plant, partial(_asserted, tests, self.kinds), 600)]
        return [in_child(defect.plant, partial(run, [test], self.kinds), SECONDS) for test in tests]


def _asserted(tests: list[pytest.Item], kinds: Kinds) -> Verdict:
    """The first test that fails by an assertion."""
    for test in tests:
        verdict = run([test], kinds)
        if verdict.kind in ASSERTED:
            return verdict
    return Verdict()


def table(defects: Sequence[Defect]) -> str:
    """The registry in Markdown."""
    rows = [f"| {d.name} | {d.breaks} | {', '.join(f'`{_short(t)}`' for t in d.found_by)} |" for d in defects]
    return "\n".join(["| planted | what it breaks | found by |", "|---|---|---|", *rows])


def _short(test: str) -> str:
    """A test without its parameters: their spelling is of no use to readers."""
    return test.partition("[")[0].removeprefix("tests/")


def faults(defects: Sequence[Defect], planting: Planting) -> list[str]:
    """What is wrong: tests that fail as it is, and defects that were not found, or for another reason."""
    found = [f"{test} fails without any defect: {why}" for test, why in planting.sound.items()]
    for defect in defects:
        verdicts = planting.verdicts.get(defect.name, [])
        if len(verdicts) < max(1, len(defect.found_by)):
            found.append(f"{defect.name}: a test of its list was not collected")
        found += [
            f"{defect.name}: not found by {test}" if not v.seen else f"{defect.name}: {v.kind} ({v.message}) in {test}"
            for test, v in zip(defect.found_by, verdicts, strict=False)
            if v.kind not in ASSERTED | {defect.second} - {""}
        ]
    return found


def plant(defects: Sequence[Defect]) -> list[str]:
    """Plant each and run its tests; returns what is wrong."""
    settle()
    planting = Planting(defects, find=False)
    files = sorted({test.partition("::")[0] for defect in defects for test in defect.found_by})
    pytest.main([*PYTEST, "-qq", "--no-summary", *files], plugins=[planting])
    return faults(defects, planting)


def search(defects: Sequence[Defect], tests: Sequence[str]) -> dict[str, Any]:
    """Defect -> the first test that finds it."""
    settle()
    planting = Planting(defects, find=True)
    pytest.main([*PYTEST, "-qq", *tests], plugins=[planting])
    return {name: [v.test or v.kind, v.kind, v.message] for name, (v,) in planting.verdicts.items()}


def main() -> int:
    """0: every defect was found."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("names", nargs="*")
    ask.add_argument("--table", action="store_true", help="print the registry in Markdown")
    ask.add_argument("--find", nargs="*", metavar="TESTS")
    given = ask.parse_args()
    chosen = [d for d in registry() if not given.names or d.name in given.names]
    if given.table:
        print(table(chosen))
        return 0
    if given.find is not None:
        print(json.dumps(search(chosen, given.find), indent=1, ensure_ascii=False))
        return 0
    wrong = plant(chosen)
    print(*wrong, sep="\n")
    print(f"{len(chosen)} planted, {len(chosen) - len({w.split(':')[0] for w in wrong})} found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
