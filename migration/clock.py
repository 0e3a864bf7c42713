"""Clocks: adapters of the port `Clock`. The business date never comes from here (contract.md section 1)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Now, in UTC, aware."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds of real time."""
        time.sleep(max(0.0, seconds))


class FakeClock:
    """A clock for tests: it stands still, and sleeping moves it forward at once."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start if start is not None else datetime(2017, 11, 18, 1, 0, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the time it was set to plus all that was slept."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move forward without waiting; remembers how long in `slept`."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=max(0.0, seconds))
