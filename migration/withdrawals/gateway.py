"""The legacy escrow, as the sender sees it: told once to pay, then only asked.

The escrow keeps our number of each withdrawal and pays a number at most once. It answers `processing` for about 20 minutes of its
clock, then `paid` or `returned`; a paid one may stand in the reversals (冲正) of a later day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol
from uuid import UUID

from migration.domain.errors import GateClosed

Word = Literal["processing", "paid", "returned", "not_found"]


@dataclass(frozen=True, slots=True)
class Payment:
    """What the escrow is told: pay so much of this account to its bound card, by this way."""

    number: UUID
    escrow_id: str
    amount_fen: int
    route: str
    card: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the escrow says. `amount_fen` is what it says it paid; `reason` a code, empty unless returned."""

    word: Word
    amount_fen: int = 0
    reason: str = ""


class Unanswered(Exception):
    """No answer, or one that cannot be believed: the effect is not known. It is asked for, never tried again (R4)."""


class Unreached(Unanswered):
    """No connection to the escrow: not a byte of this call has left."""


class Gateway(Protocol):
    """The escrow's three questions. Each raises Unanswered, or Unreached where that is certain."""

    async def pay(self, payment: Payment) -> Reply:
        """Order the payment. The only call that moves money."""
        ...

    async def ask(self, number: UUID) -> Reply:
        """How a payment stands."""
        ...

    async def reversals(self, day: date) -> bytes | None:
        """The file of a day's reversals, JSON; None while it is not there yet."""
        ...


def reversals(day: date, content: bytes) -> list[tuple[UUID, int]]:
    """The lines of {"reversals": [{"number": uuid, "amount_fen": int}]}; GateClosed(REVERSAL_ODD) when it is none."""
    try:
        rows = json.loads(content)["reversals"]
        found = [(UUID(row["number"]), row["amount_fen"]) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise GateClosed.of("REVERSAL_ODD", f"reversals/{day}", "the file cannot be read", "ask the escrow") from wrong
    if any(type(amount) is not int for _, amount in found) or len({n for n, _ in found}) < len(found):
        raise GateClosed.of("REVERSAL_ODD", f"reversals/{day}", "an amount is no integer or a line stands twice", "")
    return found
