"""What a user has in bank custody, for the sum of his assets; the bank is asked where there is a way to ask."""

from __future__ import annotations

from typing import Protocol


class Custody(Protocol):
    """The bank's word on one account."""

    async def balance_fen(self, account_no: str) -> int | None:
        """The balance in fen; None when the bank could not be asked: it is then shown as unknown, never as zero."""
        ...


class NoChannel:
    """There is no query channel: nothing is known of balances in custody."""

    async def balance_fen(self, account_no: str) -> int | None:  # noqa: ARG002 - the port's form
        """Return None: unknown."""
        return None
