"""Authorisation codes of all windows: which stand with more than one debt. Only 8 bytes a code are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from migration.verification.workbench import Workbench

HELD: Final = """
    SELECT authcode, key FROM booked
    UNION SELECT authcode, debt_id FROM c_debts WHERE authcode IS NOT NULL"""
"""Each code with each debt it stands with, once, in the window on the table."""


class Codes:
    """A hash of each code for each debt it stands with."""

    def __init__(self) -> None:
        self._seen: list[npt.NDArray[np.uint64]] = []

    def add(self, bench: Workbench) -> None:
        """Those of the window on the table."""
        self._seen.append(bench.column(f"SELECT hash(authcode) AS code FROM ({HELD})"))

    def repeated(self) -> list[int]:
        """Hashes that stand more than once: of a code with several debts, or by an accident that a second look clears up."""
        if not self._seen:
            return []
        seen = np.sort(np.concatenate(self._seen))
        return np.unique(seen[1:][seen[1:] == seen[:-1]]).tolist()


def shared(bench: Workbench, hashes: list[int]) -> list[str]:
    """Debts that share a code, looked for in all windows once more among the codes with these hashes."""
    owners: dict[str, set[str]] = {}
    for _ in bench.windows("debts"):
        listed = ", ".join(map(str, hashes))
        for row in bench.rows(f"SELECT authcode, key FROM ({HELD}) WHERE hash(authcode) IN ({listed})"):
            owners.setdefault(row["authcode"], set()).add(row["key"])
    return sorted({key for keys in owners.values() if len(keys) > 1 for key in keys})
