"""One line of a corrections file, and what each field can hold."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from migration.domain.findings import Finding
from migration.domain.tables import ENUMERATIONS

FILE: Final = "corrections.csv"
"""How findings name the file; who knows its name puts that in place."""
FIELDS: Final = ("name", "id_type", "id_no", "phone", "sex", "email", "corporate_account", "verified_at")
REQUIRED: Final = frozenset({"name", "id_type", "id_no", "phone"})

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MEND: Final = "mend the file; nothing of it was applied"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file (the header is line 1); an empty cell is None."""

    user_id: str | None
    field: str | None
    old: str | None
    new: str | None
    reason: str | None
    by: str | None
    line: int

    def as_dict(self) -> dict[str, Any]:
        """Give the cells by column."""
        return asdict(self)

    def finding(self, code: str, detail: str) -> Finding:
        """Say what is wrong with this line, never with which value."""
        return at_line(code, self.line, detail)


def at_line(code: str, line: int, detail: str) -> Finding:
    """Build a finding about a line of the file."""
    return Finding(code, f"{FILE}:{line}", detail, _MEND)


def as_instant(text: str | None) -> datetime | None:
    """Read an ISO date or instant without zone; None for anything else."""
    if text is None or not _INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def given(text: str | None) -> bool:
    """Tell whether a cell says anything; NUL cannot be kept."""
    return text is not None and bool(text.strip()) and "\x00" not in text


def can_hold(field: str, new: str | None) -> bool:
    """Tell whether a field can hold the value at all; what it means is tested when the user is next decided."""
    if new is None:
        return field not in REQUIRED
    if field == "verified_at":
        return as_instant(new) is not None
    allowed = ENUMERATIONS.get(("users", field))
    return not _CONTROL.search(new) and (allowed is None or new in allowed)
