"""From the cutover's hand-over to opened accounts: export `residuals`, export `users`, and the card bound at the old escrow."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from migration.withdrawals.books import Opening


def openings(residuals: pa.Table, escrow_accounts: pa.Table) -> Iterator[Opening]:
    """One an escrow account. `residuals` as EXPORTS, `escrow_accounts` as SNAPSHOT; amounts in fen."""
    keys, cards, banks = (escrow_accounts[name].to_pylist() for name in ("escrow_id", "bound_card", "bound_bank"))
    bound = dict(zip(keys, zip(cards, banks, strict=True), strict=True))
    for row in residuals.to_pylist():
        card, bank = bound[row["escrow_id"]]
        yield Opening(
            escrow_id=row["escrow_id"],
            user_id=row["entitled_user_id"],
            legacy_user_id=row["legacy_user_id"],
            available_fen=row["available_fen"],
            frozen_fen=row["frozen_fen"],
            card=card or "",
            bank=bank or "",
        )


def holders(users: pa.Table) -> Iterator[tuple[str, str, bool]]:
    """The users who have an account in custody: user_id, account_no, activated. `users` as EXPORTS."""
    columns = (users[name].to_pylist() for name in ("user_id", "account_no", "activated"))
    for user_id, account_no, activated in zip(*columns, strict=True):
        if account_no:
            yield user_id, account_no, bool(activated)
