"""How one cell reads: the same words and figures in the page and in print."""

from __future__ import annotations

from datetime import datetime

from migration.reports.document import Cell, ColumnKind, Mark, Tile
from migration.reports.texts import count, moment, plain, yuan

NUMBERS = frozenset({"count", "fen"})
"""Kinds that stand at the right, figure under figure."""


def shown(cell: Cell, kind: ColumnKind) -> str:
    """The cell as a text that has no power over the page it stands in."""
    if isinstance(cell, Mark):
        return plain(cell.word)
    if cell is None:
        return "–" if kind in NUMBERS else ""
    if isinstance(cell, datetime):
        return moment(cell)
    if isinstance(cell, int):
        return yuan(cell) if kind == "fen" else count(cell)
    return plain(cell)


def figure(tile: Tile) -> str:
    """The value of a tile."""
    return yuan(tile.value) if tile.kind == "fen" else count(tile.value)
