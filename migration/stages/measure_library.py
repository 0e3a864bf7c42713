"""The measures' SQL, read from `sql/*.sql` into named queries.

A file is a row of sections. Each begins with a header comment and goes on to the next one:

    -- macro: NAME     a statement run once at the start
    -- view: NAME      a SELECT other queries may name; made when first needed
    -- table: NAME     the same, kept as a table because it is dear to compute or often read
    -- total: ID       a measure: one integer (count, or sum in fen)
    -- keys: ID        a measure: the failing keys, one text column; its value is how many there are
    -- each: A B C     the section after it is repeated, `{}` standing for each word
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["macro", "view", "table", "total", "keys"]

FILES: Final = ("macros", "preflight", "users", "exchange", "listings", "debts", "balance")
_HEADER: Final = re.compile(r"^-- (macro|view|table|total|keys|each): (.+)$")
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_COMMENT: Final = re.compile(r"--[^\n]*")
_PARAMETER: Final = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Query:
    """One section. `words` are the names it may depend on, `parameters` the values it binds."""

    kind: Kind
    name: str
    sql: str
    words: frozenset[str]
    parameters: frozenset[str]


def _query(kind: str, name: str, body: str) -> Query:
    bare = _LITERAL.sub("''", _COMMENT.sub("", body))
    return Query(
        kind=cast("Kind", kind),
        name=name.strip(),
        sql=body.strip().removesuffix(";"),
        words=frozenset(re.findall(r"\w+", bare)) - {name.strip()},
        parameters=frozenset(_PARAMETER.findall(bare)),
    )


def _sections(text: str) -> Iterator[tuple[str, str, list[str], str]]:
    """Yield (kind, name, words of `each`, body) in the order of the file."""
    kind, name, body = "", "", list[str]()
    each, repeated = list[str](), list[str]()
    for line in text.splitlines():
        header = _HEADER.match(line)
        if header is None:
            body.append(line)
            continue
        if kind:
            yield kind, name, repeated, "\n".join(body)
        if header[1] == "each":
            kind, each = "", each + header[2].split()
        else:
            kind, name, repeated, each = header[1], header[2], each or [""], []
        body = []
    if kind:
        yield kind, name, repeated, "\n".join(body)


def parse(text: str) -> tuple[Query, ...]:
    """All queries of one file's text; `each` sections spelt out."""
    return tuple(
        _query(kind, name.replace("{}", word), body.replace("{}", word))
        for kind, name, words, body in _sections(text)
        for word in words
    )


@cache
def library() -> dict[str, Query]:
    """Every query by its name. ValueError when a name stands twice."""
    queries: dict[str, Query] = {}
    folder = resources.files("migration.stages") / "sql"
    for file in FILES:
        for query in parse((folder / f"{file}.sql").read_text(encoding="utf-8")):
            if query.name in queries:
                raise ValueError(f"the measure library names {query.name} twice")
            queries[query.name] = query
    return queries
