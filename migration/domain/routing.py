"""The way of a withdrawal through the payment systems (domain.md "Residual legacy balance").

Up to 50,000 yuan by the super-network (超级网银), at any time. Above it by the large-value system (大额支付系统), up to
20 million yuan a person and settlement day, open from 23:30 on the eve of a working day until 17:15 of that day. Outside
that window a large withdrawal is refused at once, with the next opening; it is never parked. Times are Beijing's, which
has no summer time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, Literal

Route = Literal["super_network", "large_value"]
Workday = Callable[[date], bool]
"""Whether banks settle on that day."""

BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
SUPER_NETWORK_LIMIT_FEN: Final = 5_000_000
LARGE_VALUE_LIMIT_FEN: Final = 2_000_000_000
"""A person's sum through the large-value system on one settlement day."""

OPENS: Final = time(23, 30)
CLOSES: Final = time(17, 15)
ARRIVES_WITHIN: Final = timedelta(minutes=20)
"""How long the escrow usually takes to say how a withdrawal ended."""

_LONGEST_CLOSURE: Final = 31  # days; no holiday is as long


@dataclass(frozen=True, slots=True)
class Routed:
    """A way that is open. `settles_on` is the day whose large-value limit it counts against; `arrives_by` is a promise."""

    route: Route
    settles_on: date
    arrives_by: datetime


@dataclass(frozen=True, slots=True)
class Shut:
    """The large-value system is closed: from `opens_at` on it takes payments again."""

    opens_at: datetime


def route(amount_fen: int, at: datetime, is_workday: Workday) -> Routed | Shut:
    """Choose the way of `amount_fen` at the instant `at` (aware). The large-value window is half-open: [23:30, 17:15)."""
    here = at.astimezone(BEIJING)
    if amount_fen <= SUPER_NETWORK_LIMIT_FEN:
        return Routed("super_network", here.date(), here + ARRIVES_WITHIN)
    day = settlement_day(here, is_workday)
    if day is not None:
        return Routed("large_value", day, _at(day, CLOSES))
    return Shut(next_opening(here, is_workday))


def settlement_day(at: datetime, is_workday: Workday) -> date | None:
    """Return the working day on which a large payment given in now settles; None while the system is shut."""
    here = at.astimezone(BEIJING)
    today, clock = here.date(), here.time()
    if clock >= OPENS:
        tomorrow = today + timedelta(days=1)
        return tomorrow if is_workday(tomorrow) else None
    return today if clock < CLOSES and is_workday(today) else None


def next_opening(at: datetime, is_workday: Workday) -> datetime:
    """Return when the large-value system opens next, for an instant at which it is shut."""
    here = at.astimezone(BEIJING)
    for ahead in range(_LONGEST_CLOSURE):
        eve = here.date() + timedelta(days=ahead)
        opening = _at(eve, OPENS)
        if opening > here and is_workday(eve + timedelta(days=1)):
            return opening
    raise ValueError(f"no working day within {_LONGEST_CLOSURE} days")


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, BEIJING)
