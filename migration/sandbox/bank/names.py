"""File names of the batch channel (bank-interface.md section 1, table)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from migration.sandbox.bank.tables import APPZX, BID, BIDIN, REPAY, SIGTRAN, Exchange

_TAIL: Final = r"-(?P<batch>[0-9]{6})-(?P<day>[0-9]{8})"
_REQUESTS: Final = (
    (APPZX, re.compile(r"(?P<bank>[0-9]{4})-APPZX(?P<party>[0-9A-Z]{4})" + _TAIL), "APPZX{party}RES"),
    (BIDIN, re.compile(r"(?P<bank>[0-9]{4})-BIDIN-(?P<party>[0-9A-Z]{6})" + _TAIL), "BIDINRESP-{party}"),
    (BID, re.compile(r"(?P<bank>[0-9]{4})-BID(?P<party>)" + _TAIL), "BIDRESP"),
    (SIGTRAN, re.compile(r"(?P<bank>[0-9]{4})-(?P<party>[0-9A-Za-z]{2})-SIGTRAN" + _TAIL), "{party}-SIGRES"),
    (REPAY, re.compile(r"(?P<bank>[0-9]{4})-REPAY-(?P<party>[0-9A-Z]{6})" + _TAIL), "REPAYRESP-{party}"),
)


@dataclass(frozen=True)
class RequestName:
    """A request's name taken apart. `party` is product, institution or issuer, whichever the kind of file carries."""

    name: str
    exchange: Exchange
    bank: str
    party: str
    batch: str
    day: date
    result: str

    @property
    def day_text(self) -> str:
        """The bank's date of this file, YYYYMMDD."""
        return f"{self.day:%Y%m%d}"

    @property
    def folder(self) -> str:
        """The folder of its day, YYYY/MM/DD."""
        return f"{self.day:%Y/%m/%d}"


def parse(name: str) -> RequestName | None:
    """Take a request's name apart; None when it is no request of this bank."""
    for exchange, pattern, result in _REQUESTS:
        found = pattern.fullmatch(name)
        if found is None:
            continue
        day = calendar_day(found["day"])
        if day is None:
            return None
        stem = result.format(party=found["party"])
        answer = f"{found['bank']}-{stem}-{found['batch']}-{found['day']}"
        return RequestName(name, exchange, found["bank"], found["party"], found["batch"], day, answer)
    return None


@lru_cache(maxsize=4096)
def calendar_day(text: str) -> date | None:
    """YYYYMMDD in ASCII digits as a date; None when there is no such day."""
    if re.fullmatch(r"[0-9]{8}", text) is None:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
