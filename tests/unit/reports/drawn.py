"""Reads a pack as somebody else would: the cells of the page, of the workbook and of the printed pages, as plain values."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser

import openpyxl
import typst

from migration.reports import paper


class _Cells(HTMLParser):
    """Cells by section and table."""

    def __init__(self):
        super().__init__()
        self.found, self.section, self.row, self.cell = {}, None, None, None

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self.section = dict(attrs)["id"]
            self.found[self.section] = []
        elif tag == "table" and self.section:
            self.found[self.section].append([])
        elif tag == "tr":
            self.row = []
        elif tag in {"td", "th"}:
            self.cell = []

    def handle_endtag(self, tag):
        if tag in {"td", "th"} and self.cell is not None:
            self.row.append("".join(self.cell))
            self.cell = None
        elif tag == "tr" and self.row is not None:
            self.found[self.section][-1].append(self.row)

    def handle_data(self, text):
        if self.cell is not None:
            self.cell.append(text)


def of_page(place):
    """Section id -> tables -> rows of texts, headings first."""
    reader = _Cells()
    reader.feed(place.read_text(encoding="utf-8"))
    return reader.found


def of_workbook(place):
    """Sheet -> rows of values."""
    book = openpyxl.load_workbook(io.BytesIO(place.read_bytes()))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def of_print(document):
    """Tables -> rows of texts, as the typesetter has them after it has read the template."""
    data = json.dumps(paper.data(document), ensure_ascii=False)
    found = json.loads(json.dumps(_query(data)))
    return [_rows(table) for table in found]


def _query(data):
    answer = typst.query(paper._template(), "table", sys_inputs={"data": data}, font_paths=paper._fonts())
    return json.loads(answer) if isinstance(answer, (str, bytes)) else answer


def _rows(table):
    columns = len(table["columns"])
    cells = [_text(cell) for child in table["children"] for cell in _cells(child)]
    return [cells[at : at + columns] for at in range(0, len(cells), columns)]


def _cells(child):
    return child["children"] if child["func"] == "header" else [child]


def _text(node):
    if isinstance(node, list):
        return "".join(_text(one) for one in node)
    if not isinstance(node, dict):
        return ""
    if node.get("func") == "text":
        return node["text"]
    if node.get("func") == "linebreak":
        return "\n"
    if node.get("func") == "space":
        return " "
    return "".join(_text(node.get(name)) for name in ("body", "child", "children"))
