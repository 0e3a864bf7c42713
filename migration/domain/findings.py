"""Findings: what is wrong with the data, apart from errors (what could not be done)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one item.

    `code` is stable (docs/codes.md has a paragraph for each), `subject` names what it concerns by key
    (`debts/D000123`, `bank.rows_per_file`), never by personal data; `detail` says what was seen and
    what was expected; `mend` says what to do.
    """

    code: str
    subject: str
    detail: str
    mend: str = ""

    def __str__(self) -> str:
        """One line, the stable code first, as printed on standard error."""
        mend = f" -> {self.mend}" if self.mend else ""
        return f"{self.code} {self.subject}: {self.detail}{mend}"
