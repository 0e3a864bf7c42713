"""What sheets are made of: formats, widths, and charts that are drawn from cells beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from migration.reports.charts import INK, RULE, SOFT, TONES
from migration.reports.document import Bars, Chart, Column, Waterfall

MONEY: Final = "#,##0.00"
COUNT: Final = "#,##0"
TIME: Final = "yyyy-mm-dd hh:mm:ss"
CLOCK: Final = "[h]:mm:ss"
_BASE: Final = {"font_name": "Noto Sans CJK SC", "font_size": 10, "font_color": INK, "valign": "top"}
_CELL: Final = {"bottom": 1, "bottom_color": RULE}
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "title": {"font_size": 15, "bold": True},
    "heading": {"bold": True, "font_size": 11},
    "head": {
        "bold": True,
        "font_color": SOFT,
        "bottom": 1,
        "bottom_color": INK,
        "text_wrap": True,
        "bg_color": "#f5f7fa",
    },
    "soft": {"font_color": SOFT},
    "plain": {},
    "wrapped": {"text_wrap": True},
    "good": {"font_color": TONES["good"], "bold": True},
    "bad": {"font_color": TONES["bad"], "bold": True},
    "warn": {"font_color": "#8a5a10", "bold": True},
    "complete": {"font_color": TONES["good"], "bold": True, "font_size": 14},
    "incomplete": {"font_color": "#8a5a10", "bold": True, "font_size": 14},
    "broken": {"font_color": TONES["bad"], "bold": True, "font_size": 14},
    "link": {"font_color": TONES["whole"], "underline": 1},
    "digest": {"font_name": "DejaVu Sans Mono", "font_size": 8},
    "cell": {**_CELL, "text_wrap": True},
    "cell.code": {**_CELL, "font_name": "DejaVu Sans Mono", "font_size": 8, "text_wrap": True},
    "cell.count": {**_CELL, "num_format": COUNT},
    "cell.fen": {**_CELL, "num_format": MONEY},
    "cell.number": {**_CELL, "align": "right"},
    "cell.time": {**_CELL, "num_format": TIME, "align": "left"},
    "cell.good": {**_CELL, "font_color": TONES["good"], "bg_color": "#e6f3ec"},
    "cell.bad": {**_CELL, "font_color": TONES["bad"], "bg_color": "#fbe9e7"},
    "cell.warn": {**_CELL, "font_color": "#8a5a10", "bg_color": "#fcf1dc"},
    "cell.plain": {**_CELL, "font_color": SOFT},
    "chart.count": {"num_format": COUNT},
    "chart.fen": {"num_format": MONEY},
    "chart.seconds": {"num_format": CLOCK},
}


class Looks:
    """The formats of one workbook, each made when it is first wanted."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, bool, bool], Any] = {}

    def of(self, name: str, *, quoted: bool = False, total: bool = False) -> Any:
        """A format. `quoted`: the cell stays a text even when somebody edits it; `total`: of a row of sums."""
        wanted = (name, quoted, total)
        if wanted not in self._made:
            more = {"bold": True, "bottom": 6, "bottom_color": INK} if total else {}
            made = self._book.add_format({**_BASE, **_LOOKS[name], **more})
            if quoted:
                made.set_quote_prefix()
            self._made[wanted] = made
        return self._made[wanted]


_WIDTHS: Final = {"text": 26, "count": 12, "fen": 18, "code": 26, "time": 20, "mark": 16}
_DIGEST: Final = 30
"""A weight from which a column of codes holds digests."""
_NARROWEST: Final = 8


def width_of(column: Column) -> int:
    """Characters. A digest has a line for itself; columns of words follow their weights."""
    if column.kind == "code" and column.weight >= _DIGEST:
        return 66
    if column.kind in {"text", "code"} and column.weight:
        return max(_NARROWEST, min(60, round(column.weight * 1.3)))
    return _WIDTHS[column.kind]


def chart_rows(chart: Chart) -> list[tuple[str | float, ...]]:
    """The cells a chart is drawn from: label, then figures in the unit they are shown in."""
    if not isinstance(chart, Waterfall):
        head = ("", *(series.name for series in chart.series))
        unit = {"fen": 100, "seconds": 86_400, "count": 1}[chart.kind]
        return [head] + [
            (label, *(series.values[at] / unit for series in chart.series)) for at, label in enumerate(chart.labels)
        ]
    rows: list[tuple[str | float, ...]] = [("", "", chart.title)]
    level = 0
    for step in chart.steps:
        level = step.fen if step.total else level - step.fen
        rows.append((step.label, 0.0 if step.total else level / 100, step.fen / 100))
    return rows


def chart_of(book: Any, chart: Chart, sheet: str, first: int, last: int) -> Any:
    """The chart over the rows `first` (headings) to `last` of the sheet."""
    lying, rising = isinstance(chart, Bars), isinstance(chart, Waterfall)
    kind = "bar" if lying else "column" if rising else "line"
    made = book.add_chart({"type": kind, "subtype": "stacked"} if kind != "line" else {"type": kind})

    def cells(column: int) -> list[str | int]:
        return [sheet, first + 1, column, last, column]

    if isinstance(chart, Waterfall):
        made.add_series({"categories": cells(0), "values": cells(1), "fill": {"none": True}, "border": {"none": True}})
        points = [{"fill": {"color": TONES.get(step.tone, TONES["plain"])}} for step in chart.steps]
        made.add_series({"categories": cells(0), "values": cells(2), "points": points, "gap": 40})
    else:
        for at, series in enumerate(chart.series, 1):
            colour = TONES.get(series.tone, TONES["plain"])
            shape = {"fill": {"color": colour}} if lying else {"line": {"color": colour, "width": 2}}
            made.add_series({"name": [sheet, first, at], "categories": cells(0), "values": cells(at), **shape})
    _dress(made, chart, lying=lying, legend=_names(chart))
    return made


def _names(chart: Chart) -> Sequence[str]:
    return [] if isinstance(chart, Waterfall) else [series.name for series in chart.series]


def _dress(made: Any, chart: Chart, *, lying: bool, legend: Sequence[str]) -> None:
    made.set_title({"name": chart.title, "overlay": False, "name_font": {"size": 11, "color": INK}})
    made.set_legend({"position": "bottom"} if len(legend) > 1 else {"none": True})
    form = MONEY if isinstance(chart, Waterfall) else {"fen": MONEY, "seconds": CLOCK, "count": COUNT}[chart.kind]
    figures = {"num_format": form, "major_gridlines": {"visible": True, "line": {"color": RULE}}}
    made.set_x_axis(figures if lying else {})
    made.set_y_axis({"reverse": True} if lying else figures)
    made.set_size({"width": 900, "height": 330})
