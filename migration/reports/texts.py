"""Numbers and moments as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

PLACE: Final = timezone(timedelta(hours=8))
"""The platform's time: China has one zone and no summer time."""
_POWER: Final = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)
"""Characters that are not seen and change what is: controls, marks of writing direction, marks of no width."""


def plain(text: str) -> str:
    """The text with every character that could act in secret replaced by `\ufffd`; line feeds stay, a tab is a blank."""
    return _POWER.sub("\ufffd", text.replace("\t", " "))


def yuan(fen: int | None) -> str:
    """1234567 fen as 12,345.67; NULL as a dash."""
    if fen is None:
        return "–"
    sign, whole = ("−", -fen) if fen < 0 else ("", fen)
    return f"{sign}{whole // 100:,}.{whole % 100:02d}"


def count(number: int | None) -> str:
    """1234 as 1,234."""
    return "–" if number is None else f"{number:,}"


def moment(at: datetime | None) -> str:
    """Local time to the second."""
    if at is None:
        return ""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(PLACE).strftime("%Y-%m-%d %H:%M:%S")


def span(begin: datetime, end: datetime | None) -> str:
    """How long it took."""
    if end is None:
        return ""
    return clock(max(0, round((end - begin).total_seconds())))


def clock(seconds: int) -> str:
    """3671 seconds as 1:01:11."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
