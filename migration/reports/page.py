"""The document as one HTML page: everything is escaped, everything is inside the one file, nothing runs."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from migration.reports import cells, charts, texts
from migration.reports.document import Bars, Block, Chart, Document, Line, Table, Waterfall


def render(document: Document) -> str:
    """The page of a document."""
    return environment().get_template("report.html.j2").render(doc=document)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Strict: a name that is not given is an error, not a blank."""
    made = Environment(
        loader=PackageLoader("migration.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = _style
    made.filters |= {
        "form": _form,
        "shown": cells.shown,
        "figure": cells.figure,
        "plain": texts.plain,
        "count": texts.count,
        "picture": _picture,
        "shares": _shares,
    }
    return made


def _form(block: Block) -> str:
    """Which macro draws it."""
    return "chart" if isinstance(block, Waterfall | Bars | Line) else type(block).__name__.lower()


def _shares(table: Table) -> list[int]:
    """Hundredths of the line for columns of words; 0: as wide as its figures."""
    words = [column.weight if column.kind in {"text", "code"} else 0 for column in table.columns]
    whole = sum(column.weight or _FIGURES for column in table.columns)
    return [100 * weight // whole for weight in words]


_FIGURES: Final = 10
"""The weight of a column of figures that has none of its own."""


def _picture(chart: Chart) -> Markup:
    """Our own SVG; its texts are escaped where it is made."""
    return Markup(charts.svg(chart))  # noqa: S704


def _style(name: str) -> Markup:
    """A style sheet of this package, to stand in the page itself."""
    loader = environment().loader
    if loader is None:
        raise LookupError(name)
    source, _, _ = loader.get_source(environment(), name)
    return Markup(source)  # noqa: S704 - our own file
