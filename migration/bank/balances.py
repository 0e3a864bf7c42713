"""Port `Balances` for profile `jx`: balanceQuery, what lies on one account now (bank-interface.md section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from migration.bank import told

if TYPE_CHECKING:
    from migration.bank.query import QueryClient

BALANCE_QUERY: Final = "balanceQuery"


class JxBalances:
    """Asks one account at a time. The reply has currBal (all that lies there) and availBal (what of it may be used now)."""

    def __init__(self, client: QueryClient) -> None:
        self._client = client

    def balance_fen(self, account_no: str) -> int | None:
        """All that lies there (currBal) in fen; None when the bank knows no such account or is not done with it.

        QUERY_CONTRADICTS when more may be used than lies there, or the currency is another one.
        """
        reply = self._client.ask(BALANCE_QUERY, {"accountId": account_no})
        if told.state(reply) != "done":
            return None
        current, available = told.amount(reply, "currBal"), told.amount(reply, "availBal")
        if available > current:
            raise told.contradicts(BALANCE_QUERY, "accounts", "availBal is above currBal")
        return current
