"""Why a result file is refused: findings by record number, capped, without any value of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from migration.domain.findings import Finding
from migration.domain.values import ResultRefused

if TYPE_CHECKING:
    from migration.bank.cells import Mask

CAP: Final = 20
"""Findings listed one by one; the rest are counted in one more (RESULT_MORE)."""
MEND: Final = "ask the bank for a correct file under the same name"


class Reasons:
    """Collects what is wrong with one file. `name` is the file's name; records count from 1."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._listed: list[Finding] = []
        self._more = 0

    @property
    def room(self) -> int:
        """How many findings more are listed one by one."""
        return CAP - len(self._listed)

    def where(self, bad: Mask, code: str, detail: str, name: str = "") -> None:
        """Add a finding for each record where `bad` holds (of another file when `name` is given)."""
        rows = np.flatnonzero(bad)
        listed = rows[: self.room]
        self._listed += [Finding(code, f"{name or self._name}#{row + 1}", detail, MEND) for row in listed]
        self._more += len(rows) - len(listed)

    def whole(self, code: str, detail: str) -> None:
        """Add a finding about the file as such."""
        self._listed.append(Finding(code, self._name, detail, MEND))

    def stop(self, *, incomplete: bool = False) -> None:
        """Refuse the file if anything was found."""
        if not self._listed:
            return
        more = (Finding("RESULT_MORE", self._name, f"and {self._more} more"),) if self._more else ()
        raise ResultRefused(*self._listed, *more, incomplete=incomplete)
