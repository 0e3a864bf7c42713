"""The canonical columns of the legacy platform (contract.md section 2): how each is read, and what is wrong with it.

Everything here is data: the reader (`parsing`, `reading`), the mapping check and the error messages all follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

from migration.domain.tables import DATE, ENUMERATIONS, INSTANT, KEYS, NULLABLE, SNAPSHOT

Role = Literal["text", "choice", "money", "number", "rate", "day", "instant"]

MONEY: Final[dict[str, frozenset[str]]] = {
    "escrow_accounts": frozenset({"available", "frozen"}),
    "listings": frozenset({"amount"}),
    "schedules": frozenset({"principal", "interest", "principal_paid", "interest_paid"}),
    "debts": frozenset({"principal", "interest", "bonus_interest"}),
    "in_flight": frozenset({"amount"}),
}
"""Entity -> columns in `legacy.money_unit`; int64 fen once read."""

RATES: Final = frozenset({("listings", "annual_rate")})
KEYLESS: Final = frozenset({"elections"})
"""Entities without a key of their own: doubled or incomplete rows are the domain's findings (ties, invalid ones)."""

INTEREST_DAY: Final = (1, 31)

EXPECTED: Final[dict[Role, str]] = {
    "text": "text",
    "choice": "one of the allowed words",
    "money": "an exact decimal or integer amount, never a float",
    "number": "a whole number",
    "rate": "a number, percent a year",
    "day": "a date, YYYY-MM-DD",
    "instant": "a date and time, YYYY-MM-DD HH:MM:SS",
}
"""What a column should hold, in the words of the error messages."""


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column.

    `null_code` is the ISSUES code of a NULL (None = NULL is fine), `bad_code` that of a value that cannot be taken.
    `bounds` are inclusive, for numbers. `required` says whether the source must have the column at all.
    """

    name: str
    role: Role
    null_code: str | None
    bad_code: str
    required: bool
    allowed: frozenset[str] = frozenset()
    bounds: tuple[int, int] | None = None

    @property
    def expected(self) -> str:
        """What the column should hold."""
        return " | ".join(sorted(self.allowed)) if self.allowed else EXPECTED[self.role]


def _role(entity: str, field: pa.Field[Any]) -> Role:
    if field.name in MONEY.get(entity, frozenset()):
        return "money"
    if (entity, field.name) in ENUMERATIONS:
        return "choice"
    if (entity, field.name) in RATES:
        return "rate"
    by_type: dict[object, Role] = {DATE: "day", INSTANT: "instant", pa.int64(): "number"}
    return by_type.get(field.type, "text")


_BAD: Final[dict[Role, str]] = {
    "text": "VALUE_INVALID",  # bytes that are no UTF-8
    "choice": "VALUE_NOT_ALLOWED",
    "money": "MONEY_FORMAT",
    "number": "VALUE_INVALID",
    "rate": "VALUE_INVALID",
    "day": "DATE_INVALID",
    "instant": "DATE_INVALID",
}
_NULL: Final[dict[Role, str]] = {"choice": "VALUE_NOT_ALLOWED", "money": "MONEY_NULL"}

# What differs from the rule of its role. A verified user's missing or odd ID type is the item's affair (domain.md,
# cohorts), and an unverified one often has none; a stored sex is only a hint, the 17th digit decides (H9).
_EXCEPTIONS: Final[dict[tuple[str, str], tuple[str | None, str]]] = {
    ("users", "id_type"): ("VALUE_NULL", "VALUE_NOT_ALLOWED"),
    ("users", "sex"): (None, "VALUE_INVALID"),
    ("schedules", "period"): ("KEY_NULL", "NUMBER_FORMAT"),
}


def _column(entity: str, field: pa.Field[Any]) -> Column:
    role = _role(entity, field)
    nullable = field.name in NULLABLE.get(entity, frozenset())
    is_key = entity not in KEYLESS and field.name in KEYS[entity]
    null_code = None if nullable else "KEY_NULL" if is_key else _NULL.get(role, "VALUE_NULL")
    null_code, bad_code = _EXCEPTIONS.get((entity, field.name), (null_code, _BAD[role]))
    return Column(
        name=field.name,
        role=role,
        null_code=null_code,
        bad_code=bad_code,
        required=not nullable,
        allowed=ENUMERATIONS.get((entity, field.name), frozenset()),
        bounds=INTEREST_DAY if field.name == "interest_day" else None,
    )


COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    entity: tuple(_column(entity, field) for field in schema) for entity, schema in SNAPSHOT.items()
}
"""Entity -> its canonical columns in the order of SNAPSHOT[entity]."""
