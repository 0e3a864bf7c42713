"""A process that dies at any point of a whole cutover, and another that goes on: the outcome is the same, always."""

from __future__ import annotations

import random

import pytest

from tests.simulation.crashes import CrashWorld, differences, points
from tests.support import memo

PAIRS = 12


@pytest.fixture(scope="module", autouse=True)
def _remembered():
    memo.install()
    yield
    memo.remove()


@pytest.fixture(scope="module")
def undisturbed():
    world = CrashWorld()
    assert world.finish() == 0, world.reasons
    return world


def test_the_story_has_everything_in_it(undisturbed):
    reached = undisturbed.reached
    assert len(reached) > 150
    assert {"files.quarantine", "journal.sign", "journal.mark_resend", "journal.add_corrections"} <= set(reached)
    batches = undisturbed.exports()["batches"].to_pylist()
    assert {r["stage"] for r in batches} == {"accounts", "reopen", "listings", "debts"}
    assert {r["round"] for r in batches} == {1, 2}
    assert {r["sample"] for r in batches} == {True, False}
    assert undisturbed.balance()["difference_fen"] == 0


def test_every_single_point(undisturbed):
    wrong = {}
    for point in points(undisturbed):
        world = CrashWorld(point)
        assert world.finish() == 0, (point, world.reasons)
        assert not world.deaths, point
        if found := differences(world, undisturbed):
            wrong[point] = found
    assert wrong == {}


def test_pairs_of_points(undisturbed):
    chosen = random.Random(20171118)
    for _ in range(PAIRS):
        pair = chosen.choice(points(undisturbed)), chosen.choice(points(undisturbed))
        world = CrashWorld(*pair)
        assert world.finish() == 0, (pair, world.reasons)
        assert differences(world, undisturbed) == [], pair
