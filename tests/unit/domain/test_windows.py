"""The bank's slots: every two hours from 08:00 to 22:00 Beijing time, half an hour of pre-processing."""

from datetime import datetime, timedelta

import pytest

from migration.domain.windows import BEIJING, Windows, clock_time

BANK = Windows.parse("08:00-22:00", 120, 30)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("arrived", "slot", "answer"),
    [
        ("2017-11-18 00:00", "2017-11-18 08:00", "2017-11-18 08:30"),
        ("2017-11-18 08:00", "2017-11-18 08:00", "2017-11-18 08:30"),
        ("2017-11-18 08:01", "2017-11-18 10:00", "2017-11-18 10:30"),
        ("2017-11-18 21:59", "2017-11-18 22:00", "2017-11-18 22:30"),
        ("2017-11-18 22:01", "2017-11-19 08:00", "2017-11-19 08:30"),
        ("2017-12-31 23:00", "2018-01-01 08:00", "2018-01-01 08:30"),
    ],
)
def test_slots(arrived, slot, answer):
    assert clock_time(BANK.slot(at(arrived))) == slot
    assert clock_time(BANK.answer_from(at(arrived))) == answer


def test_every_minute_of_a_day_has_its_slot():
    """Against a plain search; also with steps that do not end at the last hour."""
    for windows in (BANK, Windows.parse("07:30-21:00", 97, 0)):
        start = at("2017-11-18 00:00")
        opens = timedelta(hours=windows.opens.hour, minutes=windows.opens.minute)
        closes = timedelta(hours=windows.closes.hour, minutes=windows.closes.minute)
        slots = [
            start + timedelta(days=day) + opens + step * windows.every
            for day in range(2)
            for step in range(100)
            if opens + step * windows.every <= closes
        ]
        for minute in range(1440):
            arrived = start + timedelta(minutes=minute)
            assert windows.slot(arrived) == next(slot for slot in slots if slot >= arrived)


def test_off_and_wrong():
    assert Windows.parse("", 120, 30) is None
    for text in ("8-22", "22:00-08:00", "08:00-08:00", "08:00-24:00", "08:60-22:00", "０8:00-22:00"):
        with pytest.raises(ValueError, match="no span"):
            Windows.parse(text, 120, 30)
