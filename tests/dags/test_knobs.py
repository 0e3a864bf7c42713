"""What the environment decides about waiting: seldom enough for days, soon enough for minutes."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from tests.dags.conftest import ROOT


@pytest.fixture
def knobs(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    for name in ("CUTOVER_POLL_S", "CUTOVER_POLL_MAX_S", "CUTOVER_WAIT_HOURS", "CUTOVER_POOL"):
        monkeypatch.delenv(name, raising=False)
    from cutover_flow import knobs

    yield knobs
    for name in [name for name in sys.modules if name.partition(".")[0] == "cutover_flow"]:
        del sys.modules[name]


@pytest.mark.parametrize(("waited_s", "pause_s"), [(0, 30), (60, 30), (1200, 60), (6000, 300), (259200, 300)])
def test_the_pause_grows_with_the_wait_between_its_bounds(knobs, waited_s, pause_s):
    assert knobs.poll(timedelta(seconds=waited_s)) == timedelta(seconds=pause_s)


def test_three_days_of_waiting_are_less_than_a_thousand_looks(knobs):
    waited, looks = timedelta(), 0
    while waited < knobs.patience():
        waited += knobs.poll(waited)
        looks += 1
    assert knobs.patience() == timedelta(hours=72)
    assert looks < 1000


def test_bounds_pool_and_patience_come_from_the_environment(knobs, monkeypatch):
    monkeypatch.setenv("CUTOVER_POLL_S", "1")
    monkeypatch.setenv("CUTOVER_POLL_MAX_S", "3")
    monkeypatch.setenv("CUTOVER_WAIT_HOURS", "0.5")
    monkeypatch.setenv("CUTOVER_POOL", "default_pool")
    assert knobs.poll(timedelta()) == timedelta(seconds=1)
    assert knobs.poll(timedelta(hours=1)) == timedelta(seconds=3)
    assert knobs.patience() == timedelta(minutes=30)
    assert knobs.pool() == "default_pool"
