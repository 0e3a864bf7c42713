"""The document as a workbook: a sheet a section, numbers as numbers, every list whole, and no text that a spreadsheet obeys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from errno import EIO
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from migration.reports.cells import NUMBERS, figure, shown
from migration.reports.document import (
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Document,
    Mark,
    Paragraph,
    Row,
    Section,
    Table,
    Tiles,
)
from migration.reports.texts import PLACE, plain
from migration.reports.workbook_parts import Looks, chart_of, chart_rows, width_of

ROWS: Final = 1_048_576
"""Rows of a sheet; a longer list goes on in another one."""
LONG: Final = 100
"""Rows above which a table of a section with several has a sheet of its own, with its headings kept in sight."""
EXACT: Final = 10**15
"""Below this a spreadsheet shows every digit of a count of fen or things: it keeps fifteen."""
CELL: Final = 32_767
"""Characters a cell can hold."""
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_NAME: Final = re.compile(r"[\[\]:*?/\\']")
_NAME_LENGTH: Final = 31
_CHART_ROWS: Final = 18
_FROZEN: Final = 8
"""Rows that may be kept in sight; headings further down are not, or nothing else would be seen."""
_A4: Final = 9


def write(document: Document, place: Path, *, rows: int = ROWS) -> None:
    """Write the workbook; the same bytes for the same document. `rows`: of a sheet at most. OSError when there is no room."""
    book = xlsxwriter.Workbook(str(place), {**_OPTIONS, "tmpdir": str(place.parent)})
    try:
        book.set_properties({
            "title": f"{document.title} {plain(document.cutover_id)}",
            "subject": f"{document.kind_name} · {document.subtitle}",
            "author": "Cutover",
            "comments": f"{document.words['digest']} {document.digest}",
            "created": document.made_at.astimezone(PLACE).replace(tzinfo=None),
        })  # fmt: skip
        _Writer(book, document, Looks(book), rows).all()
        book.close()
    except FileCreateError as fault:
        raise OSError(EIO, "the workbook cannot be written") from fault


@dataclass(slots=True)
class _Sheet:
    """A sheet and the next free row in it."""

    sheet: Any
    name: str
    row: int = 0
    filtered: int = 0  # rows of the table that has the filter: a sheet can have one


@dataclass(slots=True)
class _Writer:
    book: Any
    document: Document
    looks: Looks
    rows: int
    names: set[str] = field(default_factory=set)

    def all(self) -> None:
        """The cover, then section by section."""
        cover = self._name(self.document.words["conclusion"])
        named = [(self._name(f"{number:02d} {s.title}"), s) for number, s in enumerate(self.document.sections, 1)]
        self._cover(cover, [name for name, _ in named])
        for name, section in named:
            self._section(name, section)

    # -- sheets

    def _name(self, wanted: str) -> str:
        """A name that a sheet may have and none has yet."""
        base = _NAME.sub(" ", plain(wanted))[:_NAME_LENGTH].strip()
        name, number = base, 1
        while name.lower() in self.names:
            number += 1
            tail = f" {number}"
            name = base[: _NAME_LENGTH - len(tail)] + tail
        self.names.add(name.lower())
        return name

    def _sheet(self, name: str, title: str, tables: list[Table]) -> _Sheet:
        """A new sheet with its title; widths have to be known before the first row is written."""
        doc, sheet = self.document, self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_paper(_A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
        about = f"{plain(doc.cutover_id)} · {doc.kind_name}".replace("&", "&&")
        # a blank after each size: what follows may begin with a figure
        sheet.set_header(f"&L&8 {about}&R&7 {doc.digest}")
        sheet.set_footer(f"&L&8 {doc.words['confidential']}&R&8 {doc.words['page'].format('&P', '&N')}")
        if doc.words[f"mark_{doc.kind}"]:
            sheet.set_tab_color("#b7791f")
        widths: dict[int, int] = {}
        for table in tables:
            for number, column in enumerate(table.columns):
                widths[number] = max(widths.get(number, 0), width_of(column))
        for number, width in widths.items():
            sheet.set_column(number, number, width)
        made = _Sheet(sheet, name)
        self._text(made, 0, title, "title")
        made.row = 2
        sheet.freeze_panes(2, 0)
        return made

    def _text(self, at: _Sheet, column: int, text: str, look: str, *, total: bool = False) -> None:
        """A text, whatever it begins with."""
        safe = plain(text)[:CELL]
        at.sheet.write_string(at.row, column, safe, self.looks.of(look, quoted=safe[:1] in set("=+-@'"), total=total))

    def _pair(self, at: _Sheet, name: str, value: str, look: str = "wrapped") -> None:
        self._text(at, 0, name, "soft")
        self._text(at, 1, value, look)
        at.row += 1

    def _cover(self, name: str, names: list[str]) -> None:
        doc = self.document
        at = self._sheet(name, doc.title, [])
        at.sheet.set_column(0, 0, 30)
        at.sheet.set_column(1, 1, 100)
        self._pair(at, doc.kind_name, doc.subtitle)
        for fact in doc.facts:
            self._pair(at, fact.name, fact.value)
        at.row += 1
        self._pair(at, doc.words["conclusion"], doc.conclusion, doc.verdict)
        for line in doc.reasons:
            self._pair(at, "", line)
        at.row += 1
        for tile in doc.tiles:
            self._pair(at, tile.name, figure(tile), tile.tone)
        at.row += 1
        self._pair(at, doc.words["digest"], doc.digest, "digest")
        self._pair(at, "", doc.words["as_text"])
        self._pair(at, "", doc.words["confidential"])
        at.row += 1
        self._text(at, 0, doc.words["contents"], "heading")
        for sheet in names:
            at.row += 1
            at.sheet.write_url(at.row, 0, f"internal:'{sheet}'!A1", self.looks.of("link"), sheet)

    # -- sections

    def _section(self, name: str, section: Section) -> None:
        tables = [block for block in section.blocks if isinstance(block, Table)]
        apart = [table for table in tables if len(tables) > 1 and len(table.rows) > LONG]
        here = [table for table in tables if table not in apart]
        own = {id(table): self._name(f"{name} {table.title}") for table in apart}
        at = self._sheet(name, section.title, here)
        for block in section.blocks:
            if id(block) in own:
                sheet = own[id(block)]
                at.sheet.write_url(at.row, 0, f"internal:'{sheet}'!A1", self.looks.of("link"), f"→ {sheet}")
                at.row += 2
            else:
                at = self._block(at, block, alone=len(tables) == 1)
        for table in apart:
            further = self._sheet(own[id(table)], f"{section.title} · {table.title}", [table])
            self._table(further, table, alone=True)

    def _block(self, at: _Sheet, block: Block, *, alone: bool) -> _Sheet:
        if isinstance(block, Table):
            return self._table(at, block, alone=alone)
        if isinstance(block, Paragraph):
            self._text(at, 0, block.text, "soft" if block.lead else block.tone)
            at.row += 1
        elif isinstance(block, Bullets):
            for line in block.lines:
                self._text(at, 0, f"• {line}", "plain")
                at.row += 1
        elif isinstance(block, Tiles):
            for tile in block.tiles:
                self._pair(at, tile.name, figure(tile), tile.tone)
        else:
            self._chart(at, block)
        at.row += 1
        return at

    def _chart(self, at: _Sheet, block: Chart) -> None:
        """The figures, and beneath them the chart that is drawn from them."""
        look = f"chart.{getattr(block, 'kind', 'fen')}"
        first = at.row
        for row in chart_rows(block):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    self._text(at, column, value, "soft")
                else:
                    at.sheet.write_number(at.row, column, value, self.looks.of(look))
            at.row += 1
        at.sheet.insert_chart(at.row, 0, chart_of(self.book, block, at.name, first, at.row - 1))
        at.row += _CHART_ROWS

    # -- tables

    def _table(self, at: _Sheet, table: Table, *, alone: bool) -> _Sheet:
        """Every row, on further sheets when one is full; the sheet that the next block goes to."""
        if table.title and not alone:
            self._text(at, 0, table.title, "heading")
            at.row += 1
        if table.note:
            self._text(at, 0, table.note, "soft")
            at.row += 1
        stem, parts = at.name, 1
        head = self._head(at, table, freeze=alone)
        for number, row in enumerate(table.rows, 1):
            if at.row >= self.rows:
                self._filter(at, table, head)
                parts += 1
                tail = f"{self.document.words['continued']} {parts}"
                at = self._sheet(
                    self._name(f"{stem[: _NAME_LENGTH - len(tail) - 1]} {tail}"), f"{stem} · {tail}", [table]
                )
                head = self._head(at, table, freeze=True)
            self._row(at, table.columns, row, total=table.total and number == len(table.rows))
            if table.tall:
                at.sheet.set_row(at.row, 40)
            at.row += 1
        self._filter(at, table, head)
        at.row += 1
        return at

    def _head(self, at: _Sheet, table: Table, *, freeze: bool) -> int:
        """The headings; their row."""
        for number, column in enumerate(table.columns):
            self._text(at, number, column.title, "head")
        head = at.row
        at.row += 1
        if freeze and at.row <= _FROZEN:
            at.sheet.freeze_panes(at.row, 0)
            at.sheet.repeat_rows(head)
        return head

    def _filter(self, at: _Sheet, table: Table, head: int) -> None:
        """Put the filter over the longest table of the sheet."""
        found = at.row - head - 1
        if found > at.filtered:
            at.sheet.autofilter(head, 0, at.row - 1, len(table.columns) - 1)
            at.filtered = found

    def _row(self, at: _Sheet, columns: Sequence[Column], row: Row, *, total: bool) -> None:
        for number, (cell, column) in enumerate(zip(row, columns, strict=True)):
            self._cell(at, number, cell, column, total=total)

    def _cell(self, at: _Sheet, number: int, cell: Cell, column: Column, *, total: bool) -> None:
        sheet, looks = at.sheet, self.looks
        if isinstance(cell, int) and abs(cell) < EXACT:
            value = cell / 100 if column.kind == "fen" else cell
            sheet.write_number(at.row, number, value, looks.of(f"cell.{column.kind}", total=total))
        elif isinstance(cell, datetime):
            local = cell.astimezone(PLACE).replace(tzinfo=None, microsecond=0)
            sheet.write_datetime(at.row, number, local, looks.of("cell.time", total=total))
        elif isinstance(cell, Mark):
            self._text(at, number, cell.word, f"cell.{cell.tone}", total=total)
        else:
            look = "cell.number" if column.kind in NUMBERS else "cell.code" if column.kind == "code" else "cell"
            self._text(at, number, shown(cell, column.kind), look, total=total)
