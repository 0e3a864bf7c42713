"""Amounts of the query channel: decimal yuan as text (bank-interface.md section 7), strictly to fen and back."""

from __future__ import annotations

import re
from typing import Final

_YUAN: Final = re.compile(r"(0|[1-9][0-9]{0,15})\.([0-9]{2})", re.ASCII)


def fen_of(text: object) -> int:
    """`1234.50` -> 123450. ValueError for anything but ASCII digits with two decimals: no sign, blank or exponent."""
    found = _YUAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        msg = "is no amount in yuan with two decimals"
        raise ValueError(msg)
    return int(found[1]) * 100 + int(found[2])


def yuan_of(fen: int) -> str:
    """123450 -> `1234.50`."""
    whole, cents = divmod(fen, 100)
    return f"{whole}.{cents:02d}"
