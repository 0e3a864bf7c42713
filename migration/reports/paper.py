"""The document as pages to print: PDF by typst, with the font that comes as a package. No text of it is ever markup."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import typst
from noto_cjk_sans_otc import FONT_PATH

from migration.reports.cells import figure, shown
from migration.reports.charts import svg
from migration.reports.document import (
    Bars,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Line,
    Mark,
    Paragraph,
    Row,
    Section,
    Table,
    Tile,
    Tiles,
    Waterfall,
)
from migration.reports.texts import count, plain

_LONG: Final = re.compile(r"[!-~]{22,}")
"""Runs that no line would end in."""
_PIECE: Final = 6
"""Characters of such a run that stay together."""
_FIXED: Final = frozenset({"count", "fen", "time", "mark"})
"""Kinds whose column is as wide as what stands in it; the others share what is left."""
_SHARE: Final = {"text": 20, "code": 20}
_EM: Final = 4.3
"""Points of half a letter's height in a table, nearly: the width of a figure."""
_INSET: Final = 9
_WIDE: Final = 0x2E7F


def render(document: Document) -> bytes:
    """The PDF; the same bytes for the same document."""
    return typst.compile(
        _template(),
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(data(document), ensure_ascii=False)},
        timestamp=int(document.made_at.timestamp()),
        pdf_tags=False,  # five times the size; the page is there for readers who are read to
        format="pdf",
    )


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The font of the package and what typst itself brings; nothing of the machine, so that pages are the same anywhere."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(Path(str(FONT_PATH)).parent)])


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (resources.files("migration.reports") / "templates" / "report.typ").read_bytes()


def data(document: Document) -> dict[str, Any]:
    """What the template is given: texts and numbers only."""
    return {
        "language": document.language,
        "title": document.title,
        "subtitle": document.subtitle,
        "cutover_id": plain(document.cutover_id),
        "kind_name": document.kind_name,
        "mark": document.words[f"mark_{document.kind}"],
        "verdict": document.verdict,
        "conclusion": document.conclusion,
        "reasons": [runs(line) for line in document.reasons],
        "facts": [{"name": fact.name, "value": runs(fact.value)} for fact in document.facts],
        "tiles": [_tile(tile) for tile in document.tiles],
        "digest": document.digest,
        "words": dict(document.words),
        "count": len(document.sections),
        "groups": [
            {"wide": wide, "sections": [_section(section, document) for section in sections]}
            for wide, sections in groupby(document.sections, key=lambda section: section.wide)
        ],
    }


def runs(text: str) -> str | list[list[str | list[str]]]:
    """The text as it is when lines may end in it; else its lines, each a list of texts and of runs in pieces."""
    safe = plain(text)
    if "\n" not in safe and not _LONG.search(safe):
        return safe
    return [_line(line) for line in safe.split("\n")]


def _line(line: str) -> list[str | list[str]]:
    found: list[str | list[str]] = []
    end = 0
    for run in _LONG.finditer(line):
        found.append(line[end : run.start()])
        found.append([run[0][at : at + _PIECE] for at in range(0, len(run[0]), _PIECE)])
        end = run.end()
    return [*found, line[end:]]


def _tile(tile: Tile) -> dict[str, Any]:
    return {"name": tile.name, "value": figure(tile), "tone": tile.tone}


def _section(section: Section, document: Document) -> dict[str, Any]:
    return {
        "title": section.title,
        "page": section.page,
        "blocks": [_block(block, document) for block in section.blocks],
    }


def _block(block: Block, document: Document) -> dict[str, Any]:
    if isinstance(block, Table):
        return _table(block, document)
    if isinstance(block, Waterfall | Bars | Line):
        return {"form": "chart", "svg": svg(block), "tall": isinstance(block, Bars) and len(block.labels) > _TALL}
    if isinstance(block, Tiles):
        return {"form": "tiles", "tiles": [_tile(tile) for tile in block.tiles]}
    if isinstance(block, Bullets):
        return {"form": "bullets", "lines": [runs(line) for line in block.lines]}
    return _paragraph(block)


_TALL: Final = 10
"""Labels above which lying bars are drawn smaller."""


def _paragraph(block: Paragraph) -> dict[str, Any]:
    return {"form": "paragraph", "text": runs(block.text), "tone": block.tone, "lead": block.lead}


def _table(table: Table, document: Document) -> dict[str, Any]:
    rows = table.first()
    return {
        "form": "table",
        "title": runs(table.title),
        "note": runs(table.note),
        "total": table.total,
        "tall": table.tall,
        "narrow": table.narrow,
        "columns": [_column(column, at, rows) for at, column in enumerate(table.columns)],
        "rows": [[_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in rows],
        "more": document.words["more"].format(count(table.more)) if table.more else "",
    }


def _cell(cell: Cell, column: Column) -> Any:
    text = runs(shown(cell, column.kind))
    return {"word": text, "tone": cell.tone} if isinstance(cell, Mark) else text


def _column(column: Column, at: int, rows: Sequence[Row]) -> dict[str, Any]:
    """`fixed` points, or 0 and a `share` of the rest of the line."""
    fixed = 0.0
    if column.kind in _FIXED:
        longest = max((_width(shown(row[at], column.kind)) for row in rows), default=0)
        words = max((_width(word) for word in _words(column.title)), default=0)
        fixed = max(longest, words) * _EM + _INSET
    return {
        "title": column.title,
        "kind": column.kind,
        "fixed": fixed,
        "share": column.weight or _SHARE.get(column.kind, 0),
    }


def _words(title: str) -> list[str]:
    """The parts of a heading that stay together: a Chinese one may end its line after any two characters."""
    if len(title) <= _SHORT and title.isascii():
        return [title]
    return [word if word.isascii() else word[:3] for word in title.split()]


_SHORT: Final = 10
"""Letters of a heading that stays on one line."""


def _width(text: str) -> int:
    """How many figures wide."""
    return sum(2 if ord(character) > _WIDE else 1 for character in text)
