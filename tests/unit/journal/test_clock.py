"""Clocks."""

from __future__ import annotations

from datetime import UTC, timedelta

from migration.clock import FakeClock, SystemClock


def test_the_fake_clock_moves_only_by_sleeping():
    clock = FakeClock()
    start = clock.now()
    assert start.tzinfo is UTC
    assert clock.now() == start
    clock.sleep(90)
    clock.sleep(-1)
    assert clock.now() - start == timedelta(seconds=90)
    assert clock.slept == [90, -1]


def test_the_systems_clock_is_aware_and_goes_on():
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0)
    assert before.tzinfo is UTC
    assert clock.now() >= before
