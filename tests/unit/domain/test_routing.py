"""The ways of a withdrawal, to the fen and to the second, holidays included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from migration.domain.routing import BEIJING, SUPER_NETWORK_LIMIT_FEN, Routed, Shut, next_opening, route, settlement_day
from migration.withdrawals import workdays

LARGE = SUPER_NETWORK_LIMIT_FEN + 1


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


@pytest.mark.parametrize("when", ["2026-11-20T12:00:00", "2026-11-22T03:00:00", "2026-10-01T17:15:00"])
def test_small_amounts_go_at_any_time(when):
    way = route(SUPER_NETWORK_LIMIT_FEN, at(when), workdays.is_workday)
    assert isinstance(way, Routed)
    assert way.route == "super_network"
    assert way.arrives_by == at(when) + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2026-11-20T12:00:00", "2026-11-20"),  # a Friday
        ("2026-11-20T17:14:59", "2026-11-20"),
        ("2026-11-20T00:00:00", "2026-11-20"),
        ("2026-11-19T23:30:00", "2026-11-20"),  # the eve
        ("2026-11-22T23:30:00", "2026-11-23"),  # Sunday night, the eve of Monday
        ("2026-11-22T23:59:59", "2026-11-23"),
        ("2026-10-07T23:30:00", "2026-10-08"),  # the eve of the first day after the national holiday
        ("2026-10-10T10:00:00", "2026-10-10"),  # a Saturday that makes up for it
    ],
)
def test_large_amounts_settle_on(when, day):
    way = route(LARGE, at(when), workdays.is_workday)
    assert isinstance(way, Routed)
    assert (way.route, way.settles_on) == ("large_value", date.fromisoformat(day))
    assert way.arrives_by == at(f"{day}T17:15:00")


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-20T17:15:00", "2026-11-22T23:30:00"),  # Friday's end -> Sunday night
        ("2026-11-19T17:15:00", "2026-11-19T23:30:00"),
        ("2026-11-19T23:29:59", "2026-11-19T23:30:00"),
        ("2026-11-20T23:30:00", "2026-11-22T23:30:00"),  # Saturday is free
        ("2026-11-21T12:00:00", "2026-11-22T23:30:00"),
        ("2026-11-22T23:29:59", "2026-11-22T23:30:00"),
        ("2026-09-30T17:15:00", "2026-10-07T23:30:00"),  # before the national holiday
        ("2026-10-03T12:00:00", "2026-10-07T23:30:00"),
        ("2026-10-09T23:29:59", "2026-10-09T23:30:00"),  # the eve of the Saturday that makes up
    ],
)
def test_outside_the_window_it_is_refused_with_the_next_opening(when, opens):
    way = route(LARGE, at(when), workdays.is_workday)
    assert way == Shut(at(opens))
    assert settlement_day(at(opens), workdays.is_workday) is not None


def test_every_half_hour_of_a_year_is_open_or_says_when():
    moment, end = at("2026-01-01T00:00:00"), at("2027-01-01T00:00:00")
    while moment < end:
        day = settlement_day(moment, workdays.is_workday)
        if day is None:
            opens = next_opening(moment, workdays.is_workday)
            assert opens > moment
            assert settlement_day(opens, workdays.is_workday) is not None
            assert settlement_day(opens - timedelta(seconds=1), workdays.is_workday) is None
        else:
            assert workdays.is_workday(day)
        moment += timedelta(minutes=30)


def test_the_zone_of_the_instant_does_not_matter():
    beijing = route(LARGE, at("2026-11-20T12:00:00"), workdays.is_workday)
    assert beijing == route(LARGE, datetime(2026, 11, 20, 4, tzinfo=UTC), workdays.is_workday)


def test_beyond_the_calendar_weekends_only_and_that_is_said():
    far = date(2099, 10, 1)  # a Thursday, the national day
    assert not workdays.known(far)
    assert workdays.is_workday(far)
    assert not workdays.is_workday(date(2099, 10, 3))
    assert workdays.known(date(2026, 10, 1))
    assert not workdays.is_workday(date(2026, 10, 1))
