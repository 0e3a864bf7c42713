"""The balance equation as a waterfall: it begins with what was there and must end at nothing. Inline SVG, no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from migration.reports.texts import yuan

_WIDTH, _HEIGHT, _TOP, _FLOOR = 940, 300, 34, 244
_GAP: Final = 0.36
_LEAST: Final = 2.0  # pixels of a bar that is not nothing


@dataclass(frozen=True, slots=True)
class Step:
    """A bar. `total`: it stands on the ground (the beginning, the end); else it takes `fen` away."""

    label: str
    fen: int
    tone: str
    total: bool = False


def waterfall(steps: Sequence[Step], title: str) -> str:
    """The SVG. The first step is the whole; each further one takes its part away; the last is what is left."""
    whole = max([abs(step.fen) for step in steps] + [1])
    slot = _WIDTH / max(len(steps), 1)
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">',
        f'<line x1="0" y1="{_FLOOR}" x2="{_WIDTH}" y2="{_FLOOR}" class="floor"/>',
    ]
    level = 0
    for number, step in enumerate(steps):
        before, level = (0, step.fen) if step.total else (level, level - step.fen)
        bar = _Bar(number * slot + slot * _GAP / 2, slot * (1 - _GAP), _y(max(before, level), whole))
        height = abs(_y(before, whole) - _y(level, whole))
        height = max(height, _LEAST) if step.fen else 1.0
        parts.append(bar.draw(step, height))
        if number + 1 < len(steps):
            edge = _y(level, whole)
            parts.append(
                f'<line x1="{bar.x + bar.width:.1f}" y1="{edge:.1f}" x2="{(number + 1) * slot + slot * _GAP / 2:.1f}" '
                f'y2="{edge:.1f}" class="link"/>'
            )
    return "".join([*parts, "</svg>"])


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
            f'<rect x="{self.x:.1f}" y="{top:.1f}" width="{self.width:.1f}" height="{height:.1f}" rx="2" '
            f'class="bar {escape(step.tone)}"/>'
            f'<text x="{middle:.1f}" y="{top - 8:.1f}" class="amount">{yuan(step.fen)}</text>'
            f'<text x="{middle:.1f}" y="{_FLOOR + 22}" class="label">{escape(step.label)}</text>'
        )
