"""`cutover mapping check`: whether the source yields the canonical columns and its values can be taken.

Reads a sample of every entity with the same parser as the snapshot, and asks the database about all rows what a sample
cannot show: codes that occur seldom, keys that occur twice. Samples are masked by shape (`138...` reads `99999999999`,
`张三` reads `文文`), so that the table can be shown and filed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from migration.domain.errors import ConfigurationError, CutoverError, GateClosed
from migration.domain.findings import Finding
from migration.domain.tables import KEYS
from migration.legacy import source
from migration.legacy.cells import Cells, cells
from migration.legacy.entities import COLUMNS, KEYLESS, Column
from migration.legacy.options import Options
from migration.legacy.parsing import Parsed, parse
from migration.legacy.plausible import Plausible, hint
from migration.legacy.reading import EntityReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from migration.legacy.source import Partition

SAMPLE: Final = 1_000
_SHOWN: Final = 24
_CODES: Final = 200
"""Different values of an enumeration that are looked at; an enumeration has fewer."""

_LISTINGS: Final = 100
"""Listings of the sample whose periods and debts are read whole, to compare their sums."""

Verdict = Literal["ok", "absent", "warning", "error"]

# Codes that close preflight (domain/tables.py, ISSUES) are errors here; the rest touch only their item.
_ITEM_ONLY: Final = frozenset({"DATE_INVALID", "VALUE_NULL", "VALUE_INVALID"})
_CONFIGURATION: Final = ("SOURCE_", "CONFIG_")
_HARMLESS: Final = re.compile(r"-?[0-9]{1,3}|[A-Za-z]{1,2}|[A-Z][A-Z_]{1,19}")
_KEY: Final = re.compile(r"[0-9A-Za-z]{1,40}")
_MENDS: Final = {
    "MONEY_DECIMALS": "amounts have more decimals than the unit: look at legacy.money_unit, round at the source",
    "MONEY_FLOAT": "a binary float holds no exact amount: make the column DECIMAL or text at the source",
    "MONEY_FORMAT": "map a column of amounts, or convert it in the SELECT",
    "MONEY_NEGATIVE": "an amount is below zero: mend the row at the source",
    "MONEY_NULL": "give an amount, or COALESCE(column, 0) where nothing means 0",
    "MONEY_NAN": "mend the row at the source",
    "KEY_NULL": "a key is missing: an outer join in the SELECT, or a row to mend at the source",
    "KEY_DUPLICATE": "does the SELECT join a table with several rows for one key? aggregate it before the join",
    "NUMBER_FORMAT": "map a column of whole numbers",
    "VALUE_NULL": "a value is wanted in every row",
    "DATE_INVALID": "impossible dates touch only their row; 0000-00-00 for `never` can be mapped to nothing",
}


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One canonical column as the source gives it. `column` is `*` when the entity as a whole is at fault.

    `source_type` is the server's declared type, else the kinds of values seen; `rows` were sampled, `nulls` of them
    NULL or empty; `codes` says what was found, `note` what was seen and what to do.
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


def check(
    url: str,
    money_unit: str,
    entities: Mapping[str, str],
    sample: int = SAMPLE,
    options: Options | None = None,
) -> list[MappingRow]:
    """Check every entity; a fault in one does not hide the others.

    ConfigurationError(SOURCE_UNREACHABLE) when there is nothing to look at.
    """
    given = options or Options()
    looked = _Look(url, entities, Options(money_unit, given.values, given.formats), sample)
    rows = [row for entity in COLUMNS for row in looked.entity(entity)]
    return [_with(row, looked.findings()) for row in rows]


def require(rows: Iterable[MappingRow]) -> None:
    """ConfigurationError (exit 2) for what the source does not have, GateClosed (exit 3) for values that stop the run."""
    wrong = [row for row in rows if row.verdict == "error"]
    found = [Finding(row.codes[0], _subject(row), _detail(row)) for row in wrong]
    if any(finding.code.startswith(_CONFIGURATION) for finding in found):
        raise ConfigurationError(*found)
    if found:
        raise GateClosed(*found)


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


class _Look:
    """One look at a source."""

    def __init__(self, url: str, entities: Mapping[str, str], options: Options, sample: int) -> None:
        self._url = url
        self._entities = entities
        self._options = options
        self._sample = sample
        self._plausible = Plausible(options)
        self._listings: list[str] = []

    def entity(self, entity: str) -> list[MappingRow]:
        """Look at a sample, then ask about all rows. A view for each: a refused question spoils a transaction."""
        try:
            with source.view(self._url, self._entities, fast=False) as view:
                first = next(view.read(entity, self._sample), None)
        except ConfigurationError as error:
            if error.reasons[0].code == "SOURCE_UNREACHABLE":
                raise
            return [_refused(entity, error)]
        if first is None:
            return [_nothing(entity)]
        rows = [self._column(entity, column, first) for column in COLUMNS[entity]]
        return self._asked(entity, first, rows)

    def findings(self) -> Mapping[str, Finding]:
        """What is wrong with columns as a whole, by `entity.column`."""
        return {finding.subject: finding for finding in self._plausible.findings()}

    def _column(self, entity: str, column: Column, partition: Partition) -> MappingRow:
        values = partition.columns.get(column.name)
        if values is None:
            rows = partition.rows
            return MappingRow(entity, column.name, False, column.expected, "", rows, rows, "", "absent", (), "NULL")
        found, parsed = self._parsed(entity, column, values)
        codes = tuple(sorted(parsed.faults))
        return MappingRow(
            entity=entity,
            column=column.name,
            required=column.required,
            expected=column.expected,
            source_type=partition.types.get(column.name) or _kinds(values),
            rows=partition.rows,
            nulls=found.text.null_count - int(found.unreadable.sum()),
            sample=_masked(found, column),
            verdict=_verdict(codes),
            codes=codes,
            note=_note(entity, column, found, parsed),
        )

    def _parsed(self, entity: str, column: Column, values: Any) -> tuple[Cells, Parsed]:
        found = self._options.prepare(cells(values), entity, column.name, column.role)
        how = self._options.format(entity, column.name, column.role)
        return found, parse(found, column, self._options.money_unit, how)

    def _asked(self, entity: str, first: Partition, rows: list[MappingRow]) -> list[MappingRow]:
        """Ask the database about all rows; what it refuses is judged by the sample alone, and the table says so."""
        try:
            with source.view(self._url, self._entities, fast=False) as view:
                rows = [self._all_codes(view, first, row) for row in rows]
                rows = [_doubled(view, first, row) for row in rows]
                self._compare(view, entity, first)
        except CutoverError as error:
            if error.reasons[0].code == "SOURCE_UNREACHABLE":
                raise
            return [replace(rows[0], note=f"{rows[0].note} (judged by {first.rows} rows)".strip()), *rows[1:]]
        return rows

    def _all_codes(self, view: source.View, first: Partition, row: MappingRow) -> MappingRow:
        column = _named(row)
        if column.role != "choice" or column.name not in first.names:
            return row
        name = view.quoted(first.names[column.name])
        sql = f"SELECT {name} FROM {{rows}} GROUP BY {name} ORDER BY COUNT(*) DESC LIMIT {_CODES}"
        found, parsed = self._parsed(row.entity, column, [value for (value,) in view.ask(row.entity, sql)])
        codes = tuple(sorted(parsed.faults))
        return replace(row, codes=codes, verdict=_verdict(codes), note=_note(row.entity, column, found, parsed))

    def _compare(self, view: source.View, entity: str, first: Partition) -> None:
        """Give the judge of units the sample, and of some listings every period and debt rather than the first rows."""
        self._plausible.note(entity, self._read(entity, first.columns, first.rows).seen)
        if entity == "listings":
            some = {name: values[:_LISTINGS] for name, values in _values(first).items()}
            self._plausible.see(entity, self._read(entity, some, len(some["listing_id"])).finish().table)
            raw = cells(some["listing_id"]).text.to_pylist()
            self._listings = [key for key in raw if key and _KEY.fullmatch(key)]
        elif entity in {"schedules", "debts"} and self._listings:
            keys = ", ".join(f"'{key}'" for key in self._listings)
            names = ", ".join(view.quoted(name) for name in first.names.values())
            where = f"{view.quoted(first.names['listing_id'])} IN ({keys})"
            found = view.ask(entity, f"SELECT {names} FROM {{rows}} WHERE {where}")
            if found:
                columns = dict(zip(first.names, zip(*found, strict=True), strict=True))
                self._plausible.see(entity, self._read(entity, columns, len(found)).finish().table)

    def _read(self, entity: str, columns: Mapping[str, Any], rows: int) -> EntityReader:
        reader = EntityReader(entity, self._options.money_unit, self._options)
        reader.add(columns, rows)
        return reader


def _values(partition: Partition) -> dict[str, Sequence[object]]:
    """The driver's values; a view without fast path has no other."""
    return {name: values for name, values in partition.columns.items() if not isinstance(values, Cells)}


def _doubled(view: source.View, first: Partition, row: MappingRow) -> MappingRow:
    """Count the keys that stand in more than one row, at the first column of the key."""
    keys = KEYS[row.entity]
    if row.entity in KEYLESS or row.column != keys[0]:
        return row
    names = ", ".join(view.quoted(first.names[key]) for key in keys)
    grouped = f"SELECT {names} FROM {{rows}} GROUP BY {names} HAVING COUNT(*) > 1"
    [(count,)] = view.ask(row.entity, f"SELECT COUNT(*) FROM ({grouped}) AS doubled")
    if not int(count):
        return row
    note = (
        f"{count} keys ({'/'.join(keys)}) stand in more than one row; expected one row a key; {_MENDS['KEY_DUPLICATE']}"
    )
    return replace(row, codes=("KEY_DUPLICATE", *row.codes), verdict="error", note=note)


def _with(row: MappingRow, findings: Mapping[str, Finding]) -> MappingRow:
    """Add what the judge found about the column as a whole, before what single values showed."""
    found = findings.get(f"{row.entity}.{row.column}")
    if found is None:
        return row
    note = f"{found.detail}; {found.mend}"
    return replace(row, codes=(found.code, *row.codes), verdict="error", note=note)


def _named(row: MappingRow) -> Column:
    return next(column for column in COLUMNS[row.entity] if column.name == row.column)


def _subject(row: MappingRow) -> str:
    return row.entity if row.column == "*" else f"{row.entity}.{row.column}"


def _detail(row: MappingRow) -> str:
    expected = f"; expected {row.expected}" if row.expected and "expected" not in row.note else ""
    return f"{row.note or ', '.join(row.codes)}{expected}"


def _verdict(codes: Sequence[str]) -> Verdict:
    return "ok" if not codes else "warning" if _ITEM_ONLY.issuperset(codes) else "error"


def _note(entity: str, column: Column, found: Cells, parsed: Parsed) -> str:
    """What was seen, and what to do about the first code."""
    if not parsed.faults:
        return ""
    code, at = next(iter(parsed.faults.items()))
    refused = [text for text in found.text.take(at).to_pylist() if text]
    if column.role == "choice":
        codes = list(dict.fromkeys(text if _HARMLESS.fullmatch(text) else mask(text) for text in refused))[:10]
        empty = ["NULL"] if len(refused) < len(at) else []
        place = f"legacy.values.{entity}.{column.name}"
        return f"not mapped: {', '.join(codes + empty)}; expected {column.expected}; give each a word under {place}"
    seen = f"{len(at)} of {len(found)} values"
    mend = hint(entity, column, refused[:3]) or _MENDS.get(code, f"look at the SELECT of {entity}")
    return f"{seen}; expected {column.expected}; {mend}"


def _refused(entity: str, error: ConfigurationError) -> MappingRow:
    reason = error.reasons[0]
    subject = reason.subject.removeprefix(f"{entity}.")
    column = "*" if subject == entity else subject
    note = f"{reason.detail}; {reason.mend}"
    return MappingRow(entity, column, True, "", "", 0, 0, "", "error", (reason.code,), note)


def _nothing(entity: str) -> MappingRow:
    return MappingRow(entity, "*", False, "", "", 0, 0, "", "absent", (), "no rows: taken as empty")


def _kinds(values: Any) -> str:
    """Name the Python types seen; SQLite declares none that it keeps to."""
    return " | ".join(sorted({type(value).__name__ for value in values if value is not None})) or "null"


def _masked(found: Cells, column: Column) -> str:
    """Show the first value that is there; words of an enumeration are no secret, anything else is masked."""
    text = next((text for text in found.text.to_pylist() if text), "")
    return text if text in column.allowed else mask(text)
