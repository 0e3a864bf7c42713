"""The room's SQL, kept in .sql files; a query stands under its `-- name:` line."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def schema() -> str:
    """Return the statements that make the schema."""
    return _read("schema.sql")


@cache
def query(name: str) -> str:
    """Return a named query, with $1, $2 … for its values."""
    parts = _NAME.split(_read("queries.sql"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))[name].strip()


def _read(name: str) -> str:
    return files("migration.withdrawals").joinpath("sql", name).read_text(encoding="utf-8")
