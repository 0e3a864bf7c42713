"""The document as one HTML page: everything is escaped, everything is inside the one file, nothing runs."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from migration.reports import cells, charts, texts
from migration.reports.document import Bars, Block, Chart, Document, Line, Waterfall


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
    }
    return made


def _form(block: Block) -> str:
    """Which macro draws it."""
    return "chart" if isinstance(block, Waterfall | Bars | Line) else type(block).__name__.lower()


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
