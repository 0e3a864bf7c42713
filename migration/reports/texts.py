"""Numbers and moments as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

PLACE: Final = timezone(timedelta(hours=8))
"""The platform's time: China has one zone and no summer time."""


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
    seconds = max(0, round((end - begin).total_seconds()))
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours}:{minutes:02d}:{rest:02d}"


def short(digest: str | None) -> str:
    """The first twelve of a digest, enough to compare by eye."""
    return (digest or "")[:12]
