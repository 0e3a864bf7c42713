"""When the bank works its files through (bank-interface.md section 7): slots a day, half an hour of pre-processing.

Pure: instants in, instants out. The bank's day is Beijing's, which knows no summer time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8), "Beijing")
FORM: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Windows:
    """Slots at `opens`, then every `every` until `closes`, each day; answers come `prepares` after a slot.

    What arrives after the last slot waits for the first of the next day.
    """

    opens: time
    closes: time
    every: timedelta
    prepares: timedelta

    @classmethod
    def parse(cls, text: str, every_minutes: int, prepare_minutes: int) -> Windows | None:
        """Read `08:00-22:00`; None when empty. ValueError when it is no span within one day."""
        if not text:
            return None
        found = FORM.fullmatch(text)
        if found is None or (found[1], found[2]) >= (found[3], found[4]):
            raise ValueError("is no span of the day such as 08:00-22:00")
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        return cls(opens, closes, timedelta(minutes=every_minutes), timedelta(minutes=prepare_minutes))

    def slot(self, at: datetime) -> datetime:
        """Return the first slot not before an instant, in Beijing time."""
        local = at.astimezone(BEIJING)
        first = datetime.combine(local.date(), self.opens, BEIJING)
        last = datetime.combine(local.date(), self.closes, BEIJING)
        if local <= first:
            return first
        found = first - (first - local) // self.every * self.every  # rounds towards the later slot
        return found if found <= last else first + timedelta(days=1)

    def answer_from(self, at: datetime) -> datetime:
        """Return when the answer to what arrived at an instant can be there at the earliest, in Beijing time."""
        return self.slot(at) + self.prepares


def clock_time(at: datetime) -> str:
    """Write an instant for people: `2017-11-18 10:30`, in Beijing time."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


__all__ = ["BEIJING", "Windows", "clock_time"]
