"""`cutover mapping check`: whether the source yields the canonical columns and its values can be taken.

Reads a sample of every entity with the same parser as the snapshot. Samples are masked by shape (`138...` reads
`99999999999`, `张三` reads `文文`), so that the table can be shown and filed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

from migration.domain.errors import ConfigurationError
from migration.legacy import source
from migration.legacy.cells import cells, plain
from migration.legacy.entities import COLUMNS, Column
from migration.legacy.parsing import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from migration.legacy.source import Partition, View

SAMPLE: Final = 1_000
_SHOWN: Final = 24
Verdict = Literal["ok", "absent", "warning", "error"]

# Codes that close preflight (domain/tables.py, ISSUES) are errors here; the rest touch only their item.
_ITEM_ONLY: Final = frozenset({"DATE_INVALID", "VALUE_NULL", "VALUE_INVALID"})


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One canonical column as the source gives it. `column` is `*` when the entity as a whole is at fault.

    `source_type` is the server's declared type, else the kinds of values seen; `rows` were sampled, `nulls` of them
    NULL or empty; `codes` says what the parser found, `note` what to do.
    """

    entity: str
    column: str
    required: bool
    expected: str
    source_type: str
    rows: int
    nulls: int
    sample: str
    verdict: Verdict
    codes: tuple[str, ...] = ()
    note: str = ""


def check(url: str, money_unit: str, entities: Mapping[str, str], sample: int = SAMPLE) -> list[MappingRow]:
    """Check every entity; a fault in one does not hide the others.

    ConfigurationError(SOURCE_UNREACHABLE) when there is nothing to look at.
    """
    rows: list[MappingRow] = []
    for entity in COLUMNS:
        # A view of its own for each: a refused SELECT spoils a PostgreSQL transaction for those after it.
        with source.view(url, entities) as view:
            rows += _entity(view, entity, money_unit, sample)
    return rows


def mask(text: str) -> str:
    """Keep the shape of a value only: digits read 9, letters a or A, other letters 文; punctuation stays."""
    shown = "".join(_shape(character) for character in text[:_SHOWN])
    return shown + ("…" if len(text) > _SHOWN else "")


def _shape(character: str) -> str:
    if character.isdecimal():
        return "9"
    if character.isascii() and character.isalpha():
        return "A" if character.isupper() else "a"
    return "文" if unicodedata.category(character).startswith(("L", "N", "M", "C")) else character


def _entity(view: View, entity: str, money_unit: str, sample: int) -> list[MappingRow]:
    try:
        first = next(iter(islice(_closing(view.read(entity, sample)), 1)), None)
    except ConfigurationError as error:
        if error.reasons[0].code == "SOURCE_UNREACHABLE":
            raise
        return [_refused(entity, error)]
    if first is None:
        return [_nothing(entity)]
    return [_column(entity, column, first, money_unit) for column in COLUMNS[entity]]


def _closing(partitions: Iterator[Partition]) -> Iterator[Partition]:
    """Take the first partition only, and end the stream at once."""
    yield from islice(partitions, 1)


def _refused(entity: str, error: ConfigurationError) -> MappingRow:
    reason = error.reasons[0]
    subject = reason.subject.removeprefix(f"{entity}.")
    column = "*" if subject == entity else subject
    note = f"{reason.detail}; {reason.mend}"
    return MappingRow(entity, column, True, "", "", 0, 0, "", "error", (reason.code,), note)


def _nothing(entity: str) -> MappingRow:
    return MappingRow(entity, "*", False, "", "", 0, 0, "", "absent", (), "no rows: taken as empty")


def _column(entity: str, column: Column, partition: Partition, money_unit: str) -> MappingRow:
    values = partition.columns.get(column.name)
    if values is None:
        return MappingRow(
            entity, column.name, False, column.expected, "", partition.rows, partition.rows, "", "absent", (), "NULL"
        )
    found = cells(values)
    codes = tuple(sorted(parse(found, column, money_unit).faults))
    verdict: Verdict = "ok" if not codes else "warning" if _ITEM_ONLY.issuperset(codes) else "error"
    return MappingRow(
        entity=entity,
        column=column.name,
        required=column.required,
        expected=column.expected,
        source_type=partition.types.get(column.name) or _kinds(values),
        rows=partition.rows,
        nulls=found.text.null_count - int(found.unreadable.sum()),
        sample=_masked(values, column),
        verdict=verdict,
        codes=codes,
    )


def _kinds(values: Sequence[object]) -> str:
    """Name the Python types seen; SQLite declares none that it keeps to."""
    return " | ".join(sorted({type(value).__name__ for value in values if value is not None})) or "null"


def _masked(values: Sequence[object], column: Column) -> str:
    """Show the first value that is there; words of an enumeration are no secret, anything else is masked."""
    text = next((text for text in map(plain, values) if text), "")
    return text if text in column.allowed else mask(text)
