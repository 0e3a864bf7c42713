"""Dates and instants from text, vectorised and strict.

`strptime` (Arrow's too) rolls 2017-02-30 over to 2 March; here the calendar is checked (H27).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from migration.legacy import arrows, quick

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

_UNIX: Final = r"\A(?P<sign>-?)(?P<whole>[0-9]{1,15})(?:\.0+)?\z"
_COMPACT: Final = (
    r"\A(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?:(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2}))?\z"
)
_RANGE: Final = 253_402_300_800 * SECOND  # the year 10000

Micros = npt.NDArray[np.int64]
Usable = npt.NDArray[np.bool_]


def read_as(text: Any, how: str) -> tuple[Micros, Usable]:
    """As `read`, for a format: local | utc (ISO text), unix_s | unix_ms (since 1970 UTC), compact (YYYYMMDD[hhmmss])."""
    match how:
        case "unix_s" | "unix_ms":
            return _unix(text, SECOND if how == "unix_s" else SECOND // 1000)
        case "compact":
            return _compact(text)
        case "utc":
            micros, usable = read(text)
            zoned = arrows.matches(text, r"[0-9]{2}(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)\z") & arrows.matches(text, ":")
            return np.where(zoned | ~usable, micros, micros + LOCAL_OFFSET), usable
        case _:
            return read(text)


def _unix(text: Any, unit: int) -> tuple[Micros, Usable]:
    parts = arrows.groups(text, _UNIX)
    usable = arrows.lengths(parts["whole"]) > 0
    count = arrows.integers(parts["whole"], usable)
    usable &= count < _RANGE // unit
    micros = np.where(arrows.lengths(parts["sign"]) > 0, -count, count) * np.where(usable, unit, 0) + LOCAL_OFFSET
    return np.where(usable, micros, 0), usable


def _compact(text: Any) -> tuple[Micros, Usable]:
    parts = arrows.groups(text, _COMPACT)
    shaped = arrows.lengths(parts["year"]) > 0
    return _joined([_integer(parts[name]) for name in ("year", "month", "day", "hour", "minute", "second")], shaped)


def _joined(fields: list[Micros], shaped: Usable) -> tuple[Micros, Usable]:
    year, month, day, hour, minute, second = fields
    days, possible = _days(year, month, day)
    usable = shaped & possible & (hour < _HOURS) & (minute < _SIXTY) & (second < _SIXTY)
    return np.where(usable, days * DAY + hour * HOUR + minute * MINUTE + second * SECOND, 0), usable


def _quick(text: Any) -> tuple[Micros, Usable] | None:
    """Columns whose values all have the same plain shape (or are NULL)."""
    if text.null_count == len(text):
        return np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=bool)
    fields = quick.moments(text.drop_null() if text.null_count else text)
    if fields is None:
        return None
    micros, usable = _joined(fields, np.ones(len(fields[0]), dtype=bool))
    if not text.null_count:
        return micros, usable
    present = arrows.mask_of(arrows.compute.is_valid(text))
    spread, taken = np.zeros(len(text), dtype=np.int64), np.zeros(len(text), dtype=bool)
    spread[present], taken[present] = micros, usable
    return spread, taken


def read(text: Any) -> tuple[Micros, npt.NDArray[np.bool_]]:
    """Microseconds since 1970-01-01 local time, and where the text was a possible date (NULL is not).

    Taken: `YYYY-MM-DD`, with a time after a blank or `T`, with a fraction (cut to microseconds), with a zone.
    """
    found = _quick(text)
    if found is not None:
        return found
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
