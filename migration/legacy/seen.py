"""What was seen of a column while it was read: enough to tell a wrong mapping from a few bad rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from migration.legacy import arrows

if TYPE_CHECKING:
    from migration.legacy.cells import Cells
    from migration.legacy.parsing import Parsed

KEPT: Final = 2_000


@dataclass(slots=True)
class Seen:
    """Cells that hold something, those of them that could not be taken, those written with a decimal point.

    `taken` are the values of the first cells that could be taken (of an amount: fen), `refused` the first that could not.
    """

    present: int = 0
    bad: int = 0
    pointed: int = 0
    taken: list[Any] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def count(self, cells: Cells, parsed: Parsed) -> None:
        """Add one partition; a few cheap passes over the column, and none once enough was seen."""
        if len(self.taken) >= KEPT:
            return
        present = arrows.mask_of(arrows.compute.is_valid(cells.text)) | cells.unreadable
        lost = present & ~arrows.mask_of(arrows.compute.is_valid(parsed.values))
        self.present += int(present.sum())
        self.bad += int(lost.sum())
        pointed = arrows.compute.sum(arrows.compute.match_substring(cells.text, ".")).as_py()
        self.pointed += int(pointed or 0)
        self.taken += parsed.values.drop_null()[: KEPT - len(self.taken)].to_pylist()
        if len(self.refused) < 3:  # noqa: PLR2004 - a hint needs no more
            rows = np.flatnonzero(lost & ~cells.unreadable)[:3]
            self.refused += [text for text in cells.text.take(rows).to_pylist() if text]
