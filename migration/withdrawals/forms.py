"""What goes over the wire: requests and answers, as the OpenAPI document shows them. Money is integer fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from migration.withdrawals.values import Account, Withdrawal

EscrowId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,60}$", description="the old escrow account")]
Fen = Annotated[StrictInt, Field(ge=1, le=10**13, description="fen, without the fee")]


class Asked(BaseModel):
    """A withdrawal that is asked for, or its price."""

    model_config = ConfigDict(extra="forbid")
    escrow_id: EscrowId
    amount_fen: Fen


class Priced(BaseModel):
    """What it would cost and when it would arrive."""

    amount_fen: int
    fee_fen: int
    route: str
    arrives_by: datetime


class WithdrawalView(BaseModel):
    """A withdrawal as its owner sees it."""

    id: UUID
    escrow_id: str
    amount_fen: int
    fee_fen: int
    free: bool
    route: str
    state: str
    reason: str
    requested_at: datetime
    arrives_by: datetime
    changed_at: datetime

    @classmethod
    def of(cls, found: Withdrawal) -> WithdrawalView:
        """As it stands."""
        return cls.model_validate(found, from_attributes=True)

    @classmethod
    def made(cls, found: Withdrawal) -> WithdrawalView:
        """As it was when it was asked for: the answer to a key never changes."""
        return cls.of(replace(found, state="requested", reason="", changed_at=found.requested_at))


class AccountView(BaseModel):
    """An old escrow account with something in it."""

    escrow_id: str
    left_fen: int
    in_transit_fen: int
    frozen_fen: int
    largest_fen: int = Field(description="the most that can be asked for now, its fee beside it")
    card_last4: str
    bank: str

    @classmethod
    def of(cls, found: Account, largest_fen: int) -> AccountView:
        """Without the card's number."""
        facts = {name: getattr(found, name) for name in cls.model_fields if name != "largest_fen"}
        return cls(largest_fen=largest_fen, **facts)


class Custody(BaseModel):
    """The account in bank custody. `balance_fen` is null when the bank could not be asked."""

    opened: bool
    activated: bool
    balance_fen: int | None


class Legacy(BaseModel):
    """What is left at the old escrow, all accounts together."""

    left_fen: int
    in_transit_fen: int
    frozen_fen: int
    free_left: int
    accounts: list[AccountView]


class Assets(BaseModel):
    """Both sides. `legacy` is null when nothing is left there; `total_fen` when the bank could not be asked."""

    custody: Custody
    legacy: Legacy | None
    total_fen: int | None


class Session(BaseModel):
    """What the page needs to write: the value of the header X-CSRF-Token."""

    user_id: str
    csrf: str


class Status(BaseModel):
    """For operators: how many and how much by state, and what needs a person.

    `custody`: why the bank's last answer on a balance was none, a code; empty when there is nothing to say.
    `longest_due_s`: how long an order has waited for a sender.
    """

    stopped: bool
    states: dict[str, tuple[int, int]]
    troubles: list[str]
    custody: str
    longest_due_s: int
