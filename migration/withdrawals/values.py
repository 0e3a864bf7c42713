"""What the service works with: accounts, withdrawals, terms, refusals. Money is integer fen, instants are aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from migration.domain.fees import Tariff

State = Literal["requested", "in_transit", "paid", "returned", "reversed"]
OPEN: Final = ("requested", "in_transit")


@dataclass(frozen=True, slots=True)
class Account:
    """An old escrow account as its owner sees it. `card` is never shown whole."""

    escrow_id: str
    left_fen: int
    in_transit_fen: int
    frozen_fen: int
    card: str = field(repr=False)
    bank: str = ""

    @property
    def card_last4(self) -> str:
        """The card's last four digits, empty when none is bound."""
        return self.card[-4:]


@dataclass(frozen=True, slots=True)
class Holder:
    """A user's account in bank custody; `account_no` is empty while none is open. `activated`: a card is bound there."""

    account_no: str = field(repr=False)
    activated: bool


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal; `fee_fen` comes on top of `amount_fen`."""

    id: UUID
    escrow_id: str
    amount_fen: int
    fee_fen: int
    free: bool
    route: str
    state: State
    reason: str
    requested_at: datetime
    arrives_by: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """What a user asks for. `key` makes it one request, however often it is sent; `body_sha256` is of what it said."""

    user_id: str
    escrow_id: str
    amount_fen: int
    key: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules of the house ([withdrawals] of the configuration)."""

    tariff: Tariff = field(default_factory=Tariff)
    daily_cap_fen: int = 0  # 0 = none
    sunset: date | None = None  # the last day on which one may ask
    finality: timedelta = timedelta(hours=24)  # after it the escrow executes nothing any more
    release_persons: int = 2  # who must agree to give money back that the escrow says it never got


class Refused(Exception):
    """A withdrawal that is not made; nothing stays of it. `facts` are numbers and times for the user, by name."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts: Mapping[str, object] = facts
        super().__init__(code)
