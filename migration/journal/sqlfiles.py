"""Named queries and migrations, kept as .sql files beside this module.

A query file holds several queries, each under a line `-- name: the_name`; values are bound as `:value`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from sqlalchemy import TextClause, text

_NAME: Final = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_MIGRATION: Final = re.compile(r"^(\d{4})_(\w+)\.sql$")


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    content: str


@cache
def source(name: str) -> str:
    """Return the text of a named query."""
    return _queries()[name]


@cache
def query(name: str) -> TextClause:
    """Return a named query, ready to be executed."""
    return text(source(name))


@cache
def _queries() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(files("migration.journal").joinpath("sql").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.split(file.read_text(encoding="utf-8"))
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"query {name} stands twice")
            found[name] = body.strip()
    return found


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations, in order; their versions run from 1 without a gap."""
    found = []
    for file in files("migration.journal").joinpath("sql", "migrations").iterdir():
        named = _MIGRATION.match(file.name)
        if named is not None:
            found.append(Migration(int(named[1]), named[2], file.read_text(encoding="utf-8")))
    found.sort()
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise ValueError("the migrations' versions must run from 1 without a gap")
    return tuple(found)
