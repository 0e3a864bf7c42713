"""From the withdrawals' books to what the report shows of them."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from migration.reports.material import Withdrawn
from migration.withdrawals.running import run
from migration.withdrawals.statement import statement

ACCOUNTS: Final = pa.schema(
    [
        ("escrow_id", pa.string()),
        *((name, pa.int64()) for name in ("opening_fen", "paid_fen", "in_transit_fen", "left_fen", "frozen_fen")),
        ("moved_at", pa.timestamp("us", "UTC")),
        ("differs", pa.bool_()),
    ]
)
MOVEMENTS: Final = pa.schema([("day", pa.date32()), ("kind", pa.string()), ("fen", pa.int64()), ("times", pa.int64())])
STATES: Final = pa.schema(
    [("state", pa.string()), *((name, pa.int64()) for name in ("times", "amount_fen", "fee_fen", "free"))]
)


def reported(url: str) -> Withdrawn | None:
    """The books in this store as they stand; None when they were never opened."""
    found = run(statement(url))
    if found is None:
        return None
    lines = [{name: getattr(line, name) for name in ACCOUNTS.names} for line in found.accounts]
    moved = [dict(zip(MOVEMENTS.names, row, strict=True)) for row in found.movements]
    ended = [{name: getattr(one, name) for name in STATES.names} for one in found.states]
    return Withdrawn(
        pa.Table.from_pylist(lines, ACCOUNTS),
        pa.Table.from_pylist(moved, MOVEMENTS),
        pa.Table.from_pylist(ended, STATES),
    )
