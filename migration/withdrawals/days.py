"""The house's day: the escrow's reversals first, then every account must close. The same for the command and for Airflow."""

from __future__ import annotations

from datetime import date

from migration.domain.errors import GateClosed
from migration.withdrawals.books import Books, Line, closed
from migration.withdrawals.escrow_http import EscrowOverHttp
from migration.withdrawals.service import Plant

SUMS = ("opening_fen", "paid_fen", "in_transit_fen", "left_fen", "frozen_fen", "difference_fen")
SHOWN = 50
"""Findings that a closed gate carries."""


def reversals(plant: Plant, day: date) -> dict[str, int]:
    """Take a day's reversals in, once. Waiting while there is no file, GateClosed when it cannot be believed."""

    async def verb(books: Books) -> int:
        gateway = EscrowOverHttp(plant.escrow_url)
        try:
            return await books.reverse(day, gateway)
        finally:
            await gateway.close()

    return {"reversed": plant.house(verb)}


def ledger(plant: Plant) -> dict[str, int]:
    """Totals in fen over all accounts; GateClosed(LEDGER_OPEN) when one does not close."""
    lines = plant.house(Books.ledger)
    require_closed(lines)
    return {"accounts": len(lines), **totals(lines)}


def totals(lines: tuple[Line, ...]) -> dict[str, int]:
    """Each column's sum in fen."""
    return {name: sum(getattr(line, name) for line in lines) for name in SUMS}


def require_closed(lines: tuple[Line, ...]) -> None:
    """The gate."""
    found = closed(lines)
    if found:
        raise GateClosed(*found[:SHOWN])
