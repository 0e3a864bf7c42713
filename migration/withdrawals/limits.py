"""Rate limits: a bucket of tokens a caller, refilled evenly. In memory: one process serves."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

_KEPT: Final = 50_000


class Buckets:
    """`rate` a second, at most `burst` at once; the callers seen longest ago are forgotten."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> bool:
        """Whether this caller may go on; takes one token when so."""
        at = time.monotonic()
        left, since = self._left.pop(caller, (float(self._burst), at))
        left = min(float(self._burst), left + (at - since) * self._rate)
        allowed = left >= 1
        self._left[caller] = (left - 1 if allowed else left, at)
        if len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return allowed
