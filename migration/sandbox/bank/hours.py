"""The bank's own time: a business clock that may run faster than ours, slots, pre-processing and the day cut."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE: Final = timezone(timedelta(hours=8))
DAY_S: Final = 86_400
_SPAN: Final = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """Slots from `opens` to `closes` (seconds of the day), `every` so many seconds; answers come `prepare` later."""

    opens: int
    closes: int
    every: int
    prepare: int

    @classmethod
    def read(cls, span: str, minutes: int, prepare_minutes: int) -> Hours:
        """Read `08:00-22:00`. ValueError when it is no span of a day."""
        found = _SPAN.fullmatch(span)
        if found is None or minutes < 1 or prepare_minutes < 0:
            raise ValueError(f"{span!r} is no span such as 08:00-22:00, or its minutes are wrong")
        h1, m1, h2, m2 = (int(part) for part in found.groups())
        opens, closes = h1 * 3600 + m1 * 60, h2 * 3600 + m2 * 60
        if not opens < closes < DAY_S:
            raise ValueError(f"{span!r} does not end after it begins")
        return cls(opens, closes, minutes * 60, prepare_minutes * 60)

    def due(self, arrived: float) -> float:
        """Return when a file that arrived then is answered (seconds since 1970)."""
        midnight = arrived - _of_day(arrived)
        slots = range(self.opens, self.closes + 1, self.every)
        today = next((slot for slot in slots if slot >= _of_day(arrived)), self.opens + DAY_S)
        return midnight + today + self.prepare

    def cut(self, at: float) -> bool:
        """Whether the day is cut: after the last slot, before the first of the next day."""
        return not self.opens <= _of_day(at) <= self.closes


def _of_day(at: float) -> float:
    """Seconds since midnight of the bank's day."""
    return (at + HERE.utcoffset(None).total_seconds()) % DAY_S


def business_clock(state: Path, starts: str, speed: float, clock: Callable[[], float]) -> Callable[[], float]:
    """Make a clock that showed `starts` (`2017-11-18 09:00`) when the books were opened first, and runs `speed` times as fast.

    Without `starts`: `clock` itself. ValueError when it is no time.
    """
    if not starts:
        return clock
    zero = datetime.strptime(starts, "%Y-%m-%d %H:%M").replace(tzinfo=HERE).timestamp()
    place = state / "clock.json"
    if not place.exists():
        place.write_text(json.dumps({"began": clock()}))
    began = json.loads(place.read_text())["began"]
    return lambda: zero + (clock() - began) * speed
