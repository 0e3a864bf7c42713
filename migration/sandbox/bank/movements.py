"""One entry of a customer's account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of an account. `fen` is signed; `reverses` the number of the withdrawal taken back, or empty."""

    day: str
    tranno: str
    account: str
    kind: str
    fen: int
    balance: int
    reverses: str
    order_no: str
    other: str
