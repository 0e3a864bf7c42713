"""Dates and instants from text, vectorised and strict.

`strptime` (Arrow's too) rolls 2017-02-30 over to 2 March; here the calendar is checked (H27).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from migration.legacy import arrows

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
LOCAL_OFFSET: Final = 8 * HOUR
"""The platform's local time: China has one zone. A value that carries a zone is brought to it."""

_PATTERN: Final = (
    r"\A(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[ T](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<zone>Z|(?P<way>[+-])(?P<ahead>[0-9]{2})(?::?(?P<past>[0-9]{2}))?)?)?\z"
)
_HOURS: Final = 24
_SIXTY: Final = 60
_MONTHS: Final = 12

Micros = npt.NDArray[np.int64]


def read(text: Any) -> tuple[Micros, npt.NDArray[np.bool_]]:
    """Microseconds since 1970-01-01 local time, and where the text was a possible date (NULL is not).

    Taken: `YYYY-MM-DD`, with a time after a blank or `T`, with a fraction (cut to microseconds), with a zone.
    """
    parts = arrows.groups(text, _PATTERN)
    shaped = arrows.lengths(parts["year"]) > 0
    whole = {name: _integer(part) for name, part in parts.items() if name not in {"zone", "way", "fraction"}}
    days, possible = _days(whole["year"], whole["month"], whole["day"])
    usable = shaped & possible & (whole["hour"] < _HOURS) & (whole["minute"] < _SIXTY) & (whole["second"] < _SIXTY)
    fraction = arrows.compute.utf8_slice_codeunits(
        arrows.compute.utf8_rpad(parts["fraction"], width=6, padding="0"), 0, 6
    )
    micros = (
        days * DAY
        + whole["hour"] * HOUR
        + whole["minute"] * MINUTE
        + whole["second"] * SECOND
        + _integer(fraction)
        + _to_local(parts, whole)
    )
    return np.where(usable, micros, 0), usable


def _integer(part: Any) -> Micros:
    return arrows.integers(part, arrows.lengths(part) > 0)


def _days(year: Micros, month: Micros, day: Micros) -> tuple[Micros, npt.NDArray[np.bool_]]:
    """Days since 1970-01-01 and whether the day exists."""
    sane = (year >= 1) & (month >= 1) & (month <= _MONTHS)
    index = np.where(sane, (year - 1970) * _MONTHS + month - 1, 0)
    first = index.astype("M8[M]").astype("M8[D]").astype(np.int64)
    following = (index + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    return first + day - 1, sane & (day >= 1) & (day <= following - first)


def _to_local(parts: dict[str, Any], whole: dict[str, Micros]) -> Micros:
    """Microseconds to add so that a value with a zone reads in local time; 0 without one."""
    ahead = whole["ahead"] * HOUR + whole["past"] * MINUTE
    ahead = np.where(arrows.matches(parts["way"], r"\A-\z"), -ahead, ahead)
    return np.where(arrows.lengths(parts["zone"]) > 0, LOCAL_OFFSET - ahead, 0)
