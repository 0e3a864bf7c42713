"""Mutants are made and killed; the gates' own code, whole, in every test run."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.mutation import operators
from tests.mutation.campaign import SURVIVORS
from tests.mutation.children import LATE, Verdict, allow, in_child

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''
def kept(items, limit=3):
    """Not this text."""
    if not items or len(items) > limit:
        raise ValueError("nor this one")
    total = sum(i * 2 for i in items if i >= 0)
    house.failpoint("silent")
    house.write(total)
    return total


class One:
    @property
    def done(self) -> bool:
        return False
'''


def told() -> list[str]:
    return [f"{m.function}: {m.before} => {m.after}" for m in operators.mutants("m", SOURCE)]


def test_every_kind_of_change_is_made_once():
    assert sorted(told()) == sorted([
        "kept: not items or len(items) > limit => not items and len(items) > limit",
        "kept: if not items or len(items) > limit => if not (not items or len(items) > limit)",
        "kept: not items => items",
        "kept: len(items) > limit => len(items) <= limit",
        "kept: len(items) > limit => len(items) >= limit",
        "kept: raise ValueError('nor this one') => pass",
        "kept: i * 2 => i // 2",
        "kept: 2 => 3",
        "kept: i >= 0 => i < 0",
        "kept: i >= 0 => i > 0",
        "kept: 0 => 1",
        "kept: house.write(total) => pass",
        "kept: return total => return None",
        "One.done: False => True",
    ])  # fmt: skip


def test_a_mutant_differs_from_the_source_in_its_one_place():
    plain = ast.unparse(ast.parse(SOURCE))
    for n, _ in enumerate(told()):
        mutant = list(operators.mutants("m", SOURCE))[n]
        changed = ast.unparse(mutant.make())
        assert sum(a != b for a, b in zip(plain.splitlines(), changed.splitlines(), strict=True)) == 1


def test_names_of_mutants_are_unlike_and_do_not_depend_on_lines():
    moved = [m.id for m in operators.mutants("m", "\n\n\n" + SOURCE)]
    assert [m.id for m in operators.mutants("m", SOURCE)] == moved
    assert len(set(moved)) == len(moved)
    assert all(0 <= m.lot < 1 for m in operators.mutants("m", SOURCE))


def test_every_known_survivor_has_a_reason():
    known = tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", [])
    assert len({one["mutant"] for one in known}) == len(known)
    assert all(one["reason"].strip() for one in known)


def test_every_known_survivor_can_still_be_made():
    """When this fails the code has changed: the reason has to be thought over, and the entry goes or is written anew."""
    known = [one["mutant"] for one in tomllib.loads(SURVIVORS.read_text("utf-8")).get("survivor", [])]
    made = set()
    for module in {name.partition(":")[0] for name in known}:
        source = (ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8")
        made |= {m.id for m in operators.mutants(module, source)}
    assert [name for name in known if name not in made] == []


def test_a_child_that_computes_on_and_on_is_ended_by_its_own_time():
    def on_and_on() -> Verdict:
        allow(1)
        while True:
            pass

    assert in_child(lambda: None, on_and_on, 600) == Verdict(kind=LATE)


def test_mutants_of_the_gates_are_killed():
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation.campaign", "--only", "stages.gates", "--tests", "tests/unit/stages/test_gates.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
