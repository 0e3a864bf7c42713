"""Whether a reading as a whole is plausible: wrong units and wrong types give themselves away over many rows.

A single odd row is its own affair (domain.md, H24); what is told here is wrong with a column, and only when no honest
platform could look like it. Findings name entity and column, what was seen and what was expected; never a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.legacy.arrows import compute
from migration.legacy.entities import COLUMNS, MONEY, Column
from migration.legacy.options import Options
from migration.legacy.reading import EntityReading
from migration.legacy.seen import Seen

ENOUGH: Final = 20
"""Fewer values than this prove nothing."""

_LISTINGS: Final = 1_000
"""Listings whose sums are compared."""

_MOST: Final = 0.9
_FEN: Final = 100
_INTEREST: Final = (("schedules", "interest"), ("debts", "interest"))
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_HINTS: Final = (
    (re.compile(r"\d{9,10}"), "unix_s"),
    (re.compile(r"\d{12,13}"), "unix_ms"),
    (re.compile(r"(?:19|20)\d{6}(?:\d{6})?"), "compact"),
)
_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "listings": ("amount",),
    "schedules": ("lent", "left"),
    "debts": ("owed",),
}
"""Entity -> the sums that are taken of it."""
_OF_DATES: Final = frozenset({"day", "instant"})


@dataclass(slots=True)
class Plausible:
    """Watches readings on their way to the snapshot, then judges."""

    options: Options
    _seen: dict[str, Mapping[str, Seen]] = field(default_factory=dict)
    _sums: dict[str, dict[str, int]] = field(default_factory=dict)

    def watched(self, reading: EntityReading, seen: Mapping[str, Seen]) -> EntityReading:
        """The same reading, looked at as it goes by."""
        entity = reading.entity
        self.note(entity, seen)
        return reading.watched(lambda: self._forget(entity), lambda piece: self.see(entity, piece))

    def _forget(self, entity: str) -> None:
        """A reading that begins again is counted once."""
        for name in _OF.get(entity, ()):
            self._sums.pop(name, None)

    def note(self, entity: str, seen: Mapping[str, Seen]) -> None:
        """Take what was seen of an entity's columns; it may still be growing."""
        self._seen[entity] = seen

    def see(self, entity: str, piece: pa.Table) -> None:
        """Take the sums of the first listings from a piece of a reading."""
        if entity == "listings" and "amount" not in self._sums:
            self._sums["amount"] = _pairs(piece["listing_id"][:_LISTINGS], piece["amount"][:_LISTINGS])
        elif entity == "schedules":
            self._add("lent", piece, piece["principal"])
            self._add("left", piece, compute.subtract(piece["principal"], piece["principal_paid"]))
        elif entity == "debts":
            self._add("owed", piece, compute.if_else(compute.equal(piece["status"], "open"), piece["principal"], 0))

    def require(self) -> None:
        """GateClosed(MAPPING_TYPE, MAPPING_UNITS) with everything found."""
        found = self.findings()
        if found:
            raise GateClosed(*found)

    def findings(self) -> list[Finding]:
        """What is wrong with whole columns."""
        found = [
            finding
            for entity, columns in self._seen.items()
            for column in COLUMNS[entity]
            for finding in judged(entity, column, columns[column.name], self.options)
        ]
        return found + self._whole_yuan() + self._ratios()

    def _whole_yuan(self) -> list[Finding]:
        """Integers all over, read as yuan: interest is never whole in so many rows."""
        counted = [
            self._seen[entity][name]
            for entity, names in MONEY.items()
            for name in names
            if entity in self._seen and self.options.format(entity, name, "money") == "yuan"
        ]
        interest = [
            value
            for entity, name in _INTEREST
            if entity in self._seen and self.options.format(entity, name, "money") == "yuan"
            for value in self._seen[entity][name].taken
            if value
        ]
        if any(seen.pointed for seen in counted) or len(set(interest)) < ENOUGH:
            return []
        return [
            Finding(
                "MAPPING_UNITS",
                "schedules.interest",
                f"every amount is a whole number of yuan, the interest of {len(interest)} rows too; "
                "expected yuan with two decimals: these are most likely fen",
                'set legacy.money_unit = "fen" (or "fen" for single columns under legacy.formats)',
            )
        ]

    def _ratios(self) -> list[Finding]:
        """Sums that must be equal, and are a hundred times one another."""
        pairs = (
            ("amount", "lent", "listings.amount", "the principal of its schedule (schedules.principal)"),
            ("left", "owed", "debts.principal", "the principal left in its schedule (schedules.principal)"),
        )
        found = []
        for one, other, subject, against in pairs:
            a, b = self._sums.get(one, {}), self._sums.get(other, {})
            both = [(a[key], b[key]) for key in a.keys() & b.keys() if a[key] and b[key]]
            times = sum(x == y * _FEN or y == x * _FEN for x, y in both)
            if len(both) >= ENOUGH // 2 and times > _MOST * len(both):
                found.append(
                    Finding(
                        "MAPPING_UNITS",
                        subject,
                        f"a hundred times off {against} in {times} of {len(both)} listings; expected the same unit",
                        'say under legacy.formats which of the columns is "yuan" and which "fen"',
                    )
                )
        return found

    def _add(self, name: str, piece: pa.Table, values: Any) -> None:
        wanted = self._sums.get("amount")
        if not wanted:
            return
        ours = compute.is_in(piece["listing_id"], value_set=pa.array(list(wanted), pa.string()))
        rows = pa.table({"key": piece["listing_id"], "value": values}).filter(ours)
        sums = rows.group_by("key").aggregate([("value", "sum")])
        total = self._sums.setdefault(name, {})
        for key, value in _pairs(sums["key"], sums["value_sum"]).items():
            total[key] = total.get(key, 0) + value


def judged(entity: str, column: Column, seen: Seen, options: Options) -> list[Finding]:
    """What one column's values say about its mapping."""
    if seen.present < ENOUGH:
        return []
    subject, how = f"{entity}.{column.name}", options.format(entity, column.name, column.role)
    if column.role == "rate":
        return _rates(subject, seen, how)
    if seen.bad < _MOST * seen.present and not (column.role == "money" and 2 * seen.bad > seen.present):
        return []
    if column.role == "money" and how == "fen" and seen.refused and all("." in text for text in seen.refused):
        return [
            Finding(
                "MAPPING_UNITS",
                subject,
                f"{seen.bad} of {seen.present} amounts have decimals; expected whole fen: these are most likely yuan",
                'set legacy.money_unit = "yuan" (or "yuan" for this column under legacy.formats)',
            )
        ]
    if column.role in {"text", "choice"} or any(_DATE.match(text) for text in seen.refused):
        return []
    return [
        Finding(
            "MAPPING_TYPE",
            subject,
            f"{seen.bad} of {seen.present} values cannot be read; expected {column.expected}",
            hint(entity, column, seen.refused) or f"map another column, or convert it under legacy.entities.{entity}",
        )
    ]


def hint(entity: str, column: Column, refused: list[str]) -> str:
    """Which format the refused values look like."""
    if column.role in _OF_DATES and refused:
        for shape, name in _HINTS:
            if all(shape.fullmatch(text) for text in refused):
                return f'set legacy.formats.{entity}.{column.name} = "{name}"'
    return ""


def _rates(subject: str, seen: Seen, how: str) -> list[Finding]:
    rates = [float(value) for value in seen.taken if float(value)]
    if len(rates) < ENOUGH:
        return []
    if max(rates) < 1 and how == "percent":
        detail, mend = (
            f"all of {len(rates)} rates are below 1 percent a year",
            f'set legacy.formats.{subject} = "fraction"',
        )
    elif min(rates) >= _FEN:
        detail, mend = (
            f"all of {len(rates)} rates are above 100 percent a year",
            f'set legacy.formats.{subject} = "basis_points"',
        )
    else:
        return []
    return [Finding("MAPPING_UNITS", subject, f"{detail}; expected percent (12.5 = 12.5 %)", mend)]


def _pairs(keys: Any, values: Any) -> dict[str, int]:
    return {k: v for k, v in zip(keys.to_pylist(), values.to_pylist(), strict=True) if k is not None and v is not None}
