"""The bank's hours: a run waits for the slot, says so, and holds nothing meanwhile."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from migration.commands import screen
from migration.domain.errors import Waiting
from migration.domain.windows import BEIJING, Windows
from migration.sandbox.bank.hours import Hours, business_clock
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

HOURS = {"hours": {"span": "08:00-22:00", "minutes": 120, "prepare_minutes": 30}}


@pytest.fixture
def case(tmp_path):
    """It is nine in the morning in Beijing."""
    windows = Windows.parse("08:00-22:00", 120, 30)
    return Rehearsal(tmp_path, small(), faults=HOURS, windows=windows, result_timeout_s=60, poll_s=30)


def beijing(hour: int, minute: int) -> datetime:
    return datetime(2017, 11, 18, hour, minute, tzinfo=BEIJING)


def go_on_to(case: Rehearsal, moment: datetime) -> None:
    case.clock.sleep((moment - case.clock.now()).total_seconds())


def test_the_night_goes_from_slot_to_slot(case):
    assert case.run() == 4
    assert case.codes == ["RESULT_MISSING"]
    assert "by the bank's hours from 2017-11-18 10:30 (Beijing) on" in case.reasons[0].detail
    go_on_to(case, beijing(10, 28))
    assert case.run() == 4
    assert [b.state for b in case.journal.batches()] == ["delivered", "delivered"]
    go_on_to(case, beijing(10, 31))
    assert case.run() == 4
    assert [b.state for b in case.journal.batches()] == ["applied", "applied", "delivered"]
    assert "2017-11-18 12:30" in case.reasons[0].detail
    go_on_to(case, beijing(12, 31))
    assert case.run() == 4
    go_on_to(case, beijing(14, 31))
    assert case.run() == 0, case.reasons


def test_what_comes_after_the_last_slot_is_answered_the_next_morning(case):
    go_on_to(case, beijing(22, 10))
    assert case.run() == 4
    assert "2017-11-19 08:30" in case.reasons[0].detail
    go_on_to(case, beijing(8, 31) + timedelta(days=1))
    case.run()
    assert [b.state for b in case.journal.batches()][:2] == ["applied", "applied"]


def test_airflow_is_told_when_to_come_again(case):
    case.run()
    with pytest.raises(Waiting) as waiting:
        case.engine().step("accounts", "collect")
    assert waiting.value.until == beijing(10, 30)
    case.clock.bank = None
    go_on_to(case, beijing(10, 31))
    with pytest.raises(Waiting) as waiting:
        case.engine().step("accounts", "collect")
    assert waiting.value.until is None, "it is late: look as often as ever"


def test_the_status_says_what_is_awaited_since_when_and_until_when(case):
    case.run()
    case.journal.root_lines = case.journal.missing_roles = tuple  # what only the journal on PostgreSQL has
    opened = type("Opened", (), {"house": case.house, "journal": case.journal})()
    found = screen.status_of(opened)
    assert [one["request"] for one in found["bank"]] == found["results_awaited"]
    (first, _) = [line for line in screen._waits(found) if line.startswith("bank:")]
    name = found["results_awaited"][0]
    assert first == f"bank: result for {name}, since 2017-11-18 09:00, at the earliest 2017-11-18 10:30 北京时间"
    json.dumps(found, default=str)


def test_the_sandbox_s_clock_runs_faster_and_goes_on_after_a_restart(tmp_path):
    real = [1000.0]
    clock = business_clock(tmp_path, "2017-11-18 09:00", 60, lambda: real[0])
    assert datetime.fromtimestamp(clock(), BEIJING) == beijing(9, 0)
    real[0] += 90
    again = business_clock(tmp_path, "2017-11-18 09:00", 60, lambda: real[0])
    assert datetime.fromtimestamp(again(), BEIJING) == beijing(10, 30)


def test_the_day_cut():
    hours = Hours.read("08:00-22:00", 120, 30)
    assert [hours.cut(beijing(h, m).timestamp()) for h, m in ((7, 59), (8, 0), (22, 0), (22, 1))] == [
        True,
        False,
        False,
        True,
    ]
