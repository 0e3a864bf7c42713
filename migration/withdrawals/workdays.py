"""Working days of Chinese banks, by `chinesecalendar`; beyond its last year weekends only, and that is said."""

from __future__ import annotations

from datetime import date
from typing import Final

import chinese_calendar

_SATURDAY: Final = 5


def known(day: date) -> bool:
    """Whether the State Council's holiday plan for the year of `day` is in the calendar."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def is_workday(day: date) -> bool:
    """Whether the large-value system settles that day: also on a weekend that makes up for a holiday (调休).

    Beyond the last published year (`known` is false) every weekday counts as a working day and no weekend does.
    """
    return bool(chinese_calendar.is_workday(day)) if known(day) else day.weekday() < _SATURDAY
