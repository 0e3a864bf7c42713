"""What the gates are judged on: exact integers and failing keys, by a query path of its own.

DuckDB reads the Arrow tables as they are and computes each measure anew from the clauses; nothing is shared with the
code that decides. Counts are rows, sums are fen (HUGEINT, so that no sum can overflow), keys are ids and never values.
A measure whose table or parameter is not known, or that could not be computed, is None: the gate then says
`not_checked`, which is no pass (reliability.md R11).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb
import pyarrow as pa

from expectations import rules_of
from migration.domain.tables import SNAPSHOT
from migration.stages.measure_library import Query, library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

KEYS_SHOWN: Final = 20
"""At most so many failing keys are carried with a measure; its value counts them all."""

_LOG = logging.getLogger(__name__)
_RECORDED: Final = pa.schema([pa.field("entity", pa.string()), pa.field("rows", pa.int64())])


@dataclass(frozen=True)
class MeasureInput:
    """What the measures are computed from. A table that is missing or None is not yet known.

    `snapshot`: entity -> SNAPSHOT[entity], `users` with the corrections applied. `items`: entity (users, listings,
    debts, authorisations) -> ITEMS. `book`: users, listings, debts, residuals -> EXPORTS with interim dispositions
    (`pending`, `blocked`). `batches` as EXPORTS["batches"]. `account_pattern` is the bank's form of a full account
    number as a regular expression. `recorded_counts`: rows by entity as recorded when the snapshot was taken.
    `given`: measures that only the caller can make (ids beginning with `given.`).
    """

    business_date: date
    snapshot: Mapping[str, pa.Table | None] = field(default_factory=dict)
    items: Mapping[str, pa.Table | None] = field(default_factory=dict)
    book: Mapping[str, pa.Table | None] = field(default_factory=dict)
    issues: pa.Table | None = None
    batches: pa.Table | None = None
    exceptions: pa.Table | None = None
    resends: pa.Table | None = None
    recorded_counts: Mapping[str, int] | None = None
    overdue_policy: str | None = None
    account_pattern: str | None = None
    rows_per_file: int | None = None
    given: Mapping[str, int | None] = field(default_factory=dict)

    def tables(self) -> dict[str, pa.Table]:
        """Return the known tables under the names the SQL uses."""
        named: dict[str, pa.Table | None] = {
            **{f"legacy_{name}": table for name, table in self.snapshot.items()},
            **{f"item_{name}": table for name, table in self.items.items()},
            **{f"book_{name}": table for name, table in self.book.items()},
            "issues": self.issues,
            "batches": self.batches,
            "exceptions": self.exceptions,
            "resends": self.resends,
            "recorded_counts": _recorded(self.recorded_counts),
        }
        return {name: table for name, table in named.items() if table is not None}

    def parameters(self) -> dict[str, Any]:
        """Return the known values the SQL may bind."""
        values = {
            "business_date": self.business_date,
            "overdue_policy": self.overdue_policy,
            "account_pattern": self.account_pattern,
            "rows_per_file": self.rows_per_file,
        }
        return {name: value for name, value in values.items() if value is not None}


def _recorded(counts: Mapping[str, int] | None) -> pa.Table | None:
    if counts is None:
        return None
    return pa.table({"entity": list(counts), "rows": list(counts.values())}, schema=_RECORDED)


_SOURCES: Final = frozenset(
    [f"legacy_{name}" for name in SNAPSHOT]
    + [f"item_{name}" for name in ("users", "listings", "debts", "authorisations")]
    + [f"book_{name}" for name in ("users", "listings", "debts", "residuals")]
    + ["issues", "batches", "exceptions", "resends", "recorded_counts"]
)
"""The tables the SQL may name; the library's views and tables are made from them."""


class _Measurer:
    """One in-memory DuckDB over the given tables: a single thread, a memory limit, and nothing written to disk."""

    def __init__(self, facts: MeasureInput, memory_limit: str) -> None:
        self._parameters = facts.parameters()
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": "1",
                "memory_limit": memory_limit,
                "temp_directory": "",  # spilling would leave keys on disk unencrypted
                "preserve_insertion_order": "false",
            },
        )
        self._connection.execute("SET enable_external_access = false")
        tables = facts.tables()
        for name, table in tables.items():
            self._connection.register(name, table)
        # name -> is it there: tables from the start, views and tables of the library once made
        self._known = dict.fromkeys(tables, True)
        for query in library().values():
            if query.kind == "macro":
                self._connection.execute(query.sql)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _ready(self, query: Query) -> bool:
        """Whether all that the query names is there; makes the views and tables it wants."""
        return query.parameters <= self._parameters.keys() and all(
            self._has(word) for word in sorted(query.words) if self._is_relation(word)
        )

    @staticmethod
    def _is_relation(word: str) -> bool:
        made = library().get(word)
        return word in _SOURCES or (made is not None and made.kind in {"view", "table"})

    def _has(self, name: str) -> bool:
        if name not in self._known:
            query = library().get(name)
            self._known[name] = query is not None and self._ready(query) and self._make(query)
        return self._known[name]

    def _make(self, query: Query) -> bool:
        self._connection.execute(f"CREATE TEMP {query.kind} {query.name} AS {query.sql}")
        return True

    def measure(self, name: str) -> tuple[int | None, list[str]]:
        """One measure: its value (None when it cannot be made) and its failing keys."""
        query = library().get(name)
        if query is None or query.kind not in {"total", "keys"}:
            return None, []
        try:
            return self._run(query) if self._ready(query) else (None, [])
        except (duckdb.Error, OverflowError, MemoryError) as error:
            # The message may quote a cell, so only its kind is told.
            _LOG.warning("measure %s could not be made: %s", name, type(error).__name__)
            return None, []

    def _run(self, query: Query) -> tuple[int | None, list[str]]:
        bound = {name: self._parameters[name] for name in query.parameters}
        sql = query.sql
        if query.kind == "keys":
            sql = f"SELECT count(*), min(coalesce(key, '?'), {KEYS_SHOWN}) FROM (\n{sql}\n) AS failing(key)"
        row = self._connection.execute(sql, bound or None).fetchone()
        if row is None or not isinstance(row[0], int):
            return None, []
        return row[0], list(row[1] or ()) if query.kind == "keys" else []


def measure_ids(stage: str) -> tuple[str, ...]:
    """Return the measures the rules of a gate look at, sorted."""
    return tuple(sorted({name for rule in rules_of(stage) for name in rule.measures}))


def measures(
    stage: str, facts: MeasureInput, memory_limit: str = "2GB"
) -> tuple[dict[str, int | None], dict[str, list[str]]]:
    """Every measure of a gate, and the failing keys (sorted, at most KEYS_SHOWN) of those that have any."""
    values: dict[str, int | None] = {}
    keys: dict[str, list[str]] = {}
    with _Measurer(facts, memory_limit) as measurer:
        for name in measure_ids(stage):
            if name.startswith("given."):
                values[name] = facts.given.get(name)
                continue
            values[name], failing = measurer.measure(name)
            if failing:
                keys[name] = failing
    return values, keys
