"""How the configuration says a source column is written: formats and value maps (contract.md section 1; docs/mapping.md).

A column is first brought to plain text, then its `[legacy.values.ENTITY.COLUMN]` map is applied (a code of the source
-> what the contract calls it), then it is read by its `[legacy.formats.ENTITY] COLUMN = "..."`. Nothing is guessed:
without either key a column is read as contract.md section 2 has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa

from migration.domain.errors import ConfigurationError
from migration.domain.findings import Finding
from migration.legacy import arrows
from migration.legacy.cells import Cells
from migration.legacy.entities import COLUMNS, Role

FORMATS: Final[Mapping[Role, tuple[str, ...]]] = MappingProxyType(
    {
        "text": ("utf8", "utf8_in_latin1", "gbk_in_latin1", "zerofill"),
        "money": ("yuan", "fen"),
        "rate": ("percent", "fraction", "basis_points"),
        "day": ("local", "utc", "unix_s", "unix_ms", "compact"),
        "instant": ("local", "utc", "unix_s", "unix_ms", "compact"),
        "number": (),
        "choice": (),
    }
)
"""Role -> the formats a column of that role may be given; the first is the default. `zerofill` is `zerofill:N`."""

_CHARSETS: Final = {"utf8_in_latin1": "utf-8", "gbk_in_latin1": "gbk"}
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def allowed(role: Role, name: str) -> bool:
    """Whether a column of this role can be given the format."""
    plain, colon, width = name.partition(":")
    if plain == "zerofill":
        return role == "text" and bool(colon) and width.isascii() and width.isdigit() and 0 < int(width) <= 60  # noqa: PLR2004
    return not colon and plain in FORMATS[role]


@dataclass(frozen=True, slots=True)
class Options:
    """`values`: entity -> column -> code in the source -> word; `formats`: entity -> column -> format name."""

    money_unit: str = "yuan"
    values: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=lambda: _NOTHING)
    formats: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NOTHING)

    def format(self, entity: str, column: str, role: Role) -> str:
        """Return the column's format; the default of its role when none is given."""
        given = self.formats.get(entity, _NOTHING).get(column)
        return str(given or (self.money_unit if role == "money" else next(iter(FORMATS[role]), "")))

    def mapped(self, entity: str, column: str) -> Mapping[str, str]:
        """Return the column's value map; empty when there is none."""
        return self.values.get(entity, _NOTHING).get(column, _NOTHING)

    def prepare(self, cells: Cells, entity: str, column: str, role: Role) -> Cells:
        """Undo a wrong character set, map codes, fill up with zeros: all that comes before parsing."""
        how = self.format(entity, column, role)
        if how in _CHARSETS:
            cells = _recoded(cells, _CHARSETS[how])
        mapped = self.mapped(entity, column)
        if mapped:
            cells = _mapped(cells, mapped)
        if how.startswith("zerofill:"):
            filled = arrows.compute.utf8_lpad(cells.text, width=int(how.partition(":")[2]), padding="0")
            cells = Cells(filled, cells.floats, cells.unreadable)
        return cells


def options(
    money_unit: str, values: Mapping[str, Mapping[str, Mapping[str, str]]], formats: Mapping[str, Mapping[str, str]]
) -> Options:
    """Options of a configuration; ConfigurationError(CONFIG_VALUE) for a format that its column cannot have."""
    roles = {(entity, column.name): column.role for entity, columns in COLUMNS.items() for column in columns}
    wrong = [
        Finding("CONFIG_VALUE", f"legacy.formats.{entity}.{column}", _choose(roles[entity, column]), f"it is {name!r}")
        for entity, columns in formats.items()
        for column, name in columns.items()
        if not allowed(roles[entity, column], name)
    ]
    if wrong:
        raise ConfigurationError(*wrong)
    return Options(money_unit, values, formats)


def _choose(role: Role) -> str:
    names = ", ".join(name if name != "zerofill" else "zerofill:N" for name in FORMATS[role])
    return f"no such format for this column; expected one of {names}" if names else "this column takes no format"


def _mapped(cells: Cells, codes: Mapping[str, str]) -> Cells:
    """Replace whole values; the code "" stands for NULL, the word "" makes NULL. What is not listed stays as it is."""
    words = pa.array([word or None for word in codes.values()], pa.string())
    at = arrows.compute.index_in(arrows.compute.fill_null(cells.text, ""), value_set=pa.array(list(codes), pa.string()))
    hit = arrows.compute.is_valid(at)
    if cells.unreadable.any():
        hit = arrows.compute.and_(hit, pa.array(~cells.unreadable))
    return Cells(arrows.compute.if_else(hit, words.take(at), cells.text), cells.floats, cells.unreadable)


def _recoded(cells: Cells, charset: str) -> Cells:
    """Text whose bytes were stored under the wrong name: back to bytes, then decoded as what they are."""
    given = cells.text.to_pylist()
    mended = [None if text is None else _redecoded(text, charset) for text in given]
    lost = np.fromiter(
        (new is None and old is not None for old, new in zip(given, mended, strict=True)), dtype=bool, count=len(given)
    )
    return Cells(arrows.empty_to_null(pa.array(mended, pa.string())), cells.floats, cells.unreadable | lost)


def _redecoded(text: str, charset: str) -> str | None:
    if text.isascii():
        return text
    try:
        return b"".join(map(_byte, text)).decode(charset)
    except UnicodeError:
        return None


def _byte(character: str) -> bytes:
    """MySQL's `latin1` is cp1252 with its five gaps filled by the control characters of ISO 8859-1."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
