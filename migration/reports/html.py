"""Templates to pages: everything is escaped, everything is inside the one file, nothing runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


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
    return made


def _style(name: str) -> Markup:
    """A style sheet of this package, to stand in the page itself."""
    loader = environment().loader
    if loader is None:
        raise LookupError(name)
    source, _, _ = loader.get_source(environment(), name)
    return Markup(source)  # noqa: S704 - our own file


def render(template: str, values: Mapping[str, Any]) -> str:
    """One page. `chart` is our own SVG, whose texts are escaped where they are made."""
    trusted = {**values, "chart": Markup(values["chart"])} if "chart" in values else dict(values)  # noqa: S704
    return environment().get_template(template).render(trusted)
