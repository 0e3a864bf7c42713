"""Which lines of the product each test runs, and how long it takes: a mutant is tried only on the tests that reach it."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.mutation.children import Kinds, Verdict, run

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Reached:
    """(file, line) -> tests; test -> seconds (while watched, so more than it takes otherwise)."""

    tests: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def covering(self, file: str, lines: range) -> list[str]:
        """The tests that run one of the lines, fastest first."""
        found = set().union(*(self.tests.get((file, line), set()) for line in lines))
        return sorted(found, key=lambda test: (self.seconds[test], test))

    def add(self, other: Reached) -> None:
        """Take over what other tests reach."""
        self.seconds |= other.seconds
        for at, tests in other.tests.items():
            self.tests.setdefault(at, set()).update(tests)

    def write(self, place: Path) -> None:
        """Keep it."""
        names = sorted(self.seconds)
        number = {name: n for n, name in enumerate(names)}
        told = [[file, line, sorted(number[t] for t in tests)] for (file, line), tests in sorted(self.tests.items())]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({"tests": [[n, self.seconds[n]] for n in names], "lines": told}))

    @classmethod
    def read(cls, place: Path) -> Reached:
        """Read what was kept."""
        told = json.loads(place.read_text())
        names = [name for name, _ in told["tests"]]
        lines = {(file, line): {names[n] for n in tests} for file, line, tests in told["lines"]}
        return cls(lines, dict(told["tests"]))


def watch(items: Sequence[pytest.Item], files: Collection[str], kinds: Kinds) -> tuple[Reached, list[Verdict]]:
    """Run every test once, unchanged; returns what each reaches, and those that fail as it is."""
    reached, failed = Reached(), []
    for item in items:
        lines: set[tuple[str, int]] = set()

        def line(frame: FrameType, event: str, _: Any, lines: set[tuple[str, int]] = lines) -> Any:
            if event == "line":
                lines.add((frame.f_code.co_filename, frame.f_lineno))
            return line

        def call(frame: FrameType, _event: str, _: Any) -> Any:
            return line if frame.f_code.co_filename in files else None

        began = time.monotonic()
        threading.settrace(call)
        sys.settrace(call)
        try:
            verdict = run([item], kinds)
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
        if verdict.seen:
            failed.append(verdict)
            continue
        reached.seconds[item.nodeid] = time.monotonic() - began
        for at in lines:
            reached.tests.setdefault(at, set()).add(item.nodeid)
    return reached, failed


def states_of(items: Sequence[pytest.Item], files: Collection[str]) -> dict[str, str]:
    """Test file -> digest of it and of what is mutated: what was watched holds while these stay the same.

    Other code may change meanwhile; at worst a mutant is then not tried on a test that would have killed it.
    """
    shared = hashlib.sha256()
    for file in sorted(files):
        shared.update(Path(file).read_bytes())
    found = {}
    for file in {item.nodeid.partition("::")[0] for item in items}:
        digest = shared.copy()
        digest.update((ROOT / file).read_bytes())
        found[file] = digest.hexdigest()[:16]
    return found


def gather(
    items: Sequence[pytest.Item], files: Collection[str], kinds: Kinds, kept: Path
) -> tuple[Reached, list[Verdict]]:
    """What every test reaches: read where it is known, watched where a test file or the product has changed."""
    whole, failed = Reached(), []
    for file, state in sorted(states_of(items, files).items()):
        place = kept / f"reached-{file.replace('/', '-')}-{state}.json"
        if not place.exists():
            mine = [item for item in items if item.nodeid.partition("::")[0] == file]
            reached, wrong = watch(mine, files, kinds)
            failed += wrong
            if wrong:
                continue
            reached.write(place)
        whole.add(Reached.read(place))
    return whole, failed
