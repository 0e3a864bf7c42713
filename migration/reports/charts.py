"""Charts as SVG, by no library: the same picture stands in the page and in print, so its colours are in the SVG itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from migration.reports.document import Bars, Chart, Line, Step, Waterfall
from migration.reports.texts import clock, count, plain, yuan

FONT: Final = "Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, sans-serif"
INK, SOFT, RULE = "#17202e", "#5c6778", "#dfe3ea"
TONES: Final = {
    "whole": "#24406b",
    "move": "#3f7cac",
    "stay": "#8aa6bf",
    "warn": "#b7791f",
    "good": "#1d7a55",
    "bad": "#b3261e",
    "plain": "#8a94a3",
}
_WIDTH: Final = 940
_LEAST: Final = 2.0  # pixels of a bar that is not nothing


def svg(chart: Chart) -> str:
    """The picture of a chart."""
    if isinstance(chart, Waterfall):
        return waterfall(chart)
    return bars(chart) if isinstance(chart, Bars) else line(chart)


def _frame(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'aria-label="{_say(title)}" font-family="{FONT}" font-size="13">'
    )
    return "".join([head, *parts, "</svg>"])


def _say(text: str) -> str:
    return escape(plain(text), quote=True)


def _text(x: float, y: float, text: str, *, anchor: str = "middle", fill: str = INK, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{weight}>{_say(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, tone: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
        f'fill="{TONES.get(tone, TONES["plain"])}"/>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{more}/>'


# --- the waterfall -----------------------------------------------------------------------------------------------------

_TOP, _FLOOR, _GAP = 34, 244, 0.36


def waterfall(chart: Waterfall) -> str:
    """The first step is the whole; each further one takes its part away; the last is what is left."""
    steps = chart.steps
    whole = max([abs(step.fen) for step in steps] + [1])
    slot = _WIDTH / max(len(steps), 1)
    parts = [_rule(0, _FLOOR, _WIDTH, _FLOOR, INK, ' stroke-width="1.2"')]
    level = 0
    for number, step in enumerate(steps):
        before, level = (0, step.fen) if step.total else (level, level - step.fen)
        bar = _Bar(number * slot + slot * _GAP / 2, slot * (1 - _GAP), _y(max(before, level), whole))
        height = abs(_y(before, whole) - _y(level, whole))
        parts.append(bar.draw(step, max(height, _LEAST) if step.fen else 1.0))
        if number + 1 < len(steps):
            edge, end = _y(level, whole), (number + 1) * slot + slot * _GAP / 2
            parts.append(_rule(bar.x + bar.width, edge, end, edge, SOFT, ' stroke-dasharray="3 3"'))
    return _frame(chart.title, 300, parts)


def _y(fen: int, whole: int) -> float:
    return _FLOOR - (_FLOOR - _TOP) * max(fen, 0) / whole


@dataclass(frozen=True, slots=True)
class _Bar:
    x: float
    width: float
    top: float

    def draw(self, step: Step, height: float) -> str:
        """The bar with its amount above and its label below."""
        top = min(self.top, _FLOOR - height)
        middle = self.x + self.width / 2
        return (
            _rect(self.x, top, self.width, height, step.tone)
            + _text(middle, top - 8, yuan(step.fen), bold=True)
            + _text(middle, _FLOOR + 22, step.label, fill=SOFT)
        )


# --- lying bars --------------------------------------------------------------------------------------------------------

_ROW, _NAMES, _END = 27, 190, 100


def bars(chart: Bars) -> str:
    """A line a label; its series end to end, the sum behind them; a legend where there are several."""
    legend = 30 if len(chart.series) > 1 else 0
    sums = [sum(series.values[at] for series in chart.series) for at in range(len(chart.labels))]
    scale = (_WIDTH - _NAMES - _END) / max([*sums, 1])
    parts = _legend(chart) if legend else []
    for at, label in enumerate(chart.labels):
        top, x = legend + at * _ROW + 4, float(_NAMES)
        parts.append(_text(_NAMES - 12, top + 14, label, anchor="end", fill=SOFT))
        for series in chart.series:
            width = max(series.values[at] * scale, _LEAST) if series.values[at] else 0.0
            if width:
                parts.append(_rect(x, top, width, _ROW - 8, series.tone))
            x += width
        parts.append(_text(x + 8, top + 14, _value(sums[at], chart.kind), anchor="start", bold=True))
    return _frame(chart.title, legend + len(chart.labels) * _ROW + 6, parts)


def _legend(chart: Bars | Line) -> list[str]:
    parts, x = [], float(_NAMES)
    for series in chart.series:
        parts.append(_rect(x, 4, 12, 12, series.tone))
        parts.append(_text(x + 18, 15, series.name, anchor="start", fill=SOFT))
        x += 44 + sum(13 if ord(c) > 0x2E7F else 7.2 for c in series.name)  # noqa: PLR2004 - where wide characters begin
    return parts


def _value(value: int, kind: str) -> str:
    return yuan(value) if kind == "fen" else clock(value) if kind == "seconds" else count(value)


# --- lines -------------------------------------------------------------------------------------------------------------

_LEFT, _RIGHT, _HEIGHT, _LABELS = 110, 46, 260, 8  # on the right: half a date


def line(chart: Line) -> str:
    """Lines from the left to the right, with the floor at 0 and the height at the largest value."""
    most = max([value for series in chart.series for value in series.values] + [1])
    top, floor = 40.0, _HEIGHT - 34.0
    slot = (_WIDTH - _LEFT - _RIGHT) / max(len(chart.labels) - 1, 1)
    parts = _legend(chart)
    for share in (0, 1, 2, 3, 4):
        y = floor - (floor - top) * share / 4
        parts.append(_rule(_LEFT, y, _WIDTH - _RIGHT, y, INK if share == 0 else RULE))
        parts.append(_text(_LEFT - 8, y + 4, _value(most * share // 4, chart.kind), anchor="end", fill=SOFT))
    step = -(-len(chart.labels) // _LABELS) or 1
    parts += [
        _text(_LEFT + at * slot, floor + 22, label, fill=SOFT)
        for at, label in enumerate(chart.labels)
        if at % step == 0
    ]
    for series in chart.series:
        points = [(_LEFT + at * slot, floor - (floor - top) * value / most) for at, value in enumerate(series.values)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour = TONES.get(series.tone, TONES["plain"])
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return _frame(chart.title, _HEIGHT, parts)
