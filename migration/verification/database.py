"""A DuckDB that keeps nothing on disk, asked with the terms of the cutover."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import duckdb
import pyarrow as pa

from migration.verification.evidence import Evidence
from migration.verification.readers import named

AT_ONCE: Final = 250_000
"""Rows that are inserted together."""


class Database:
    """Tables from Arrow, queries with $business_date, $policy, $pattern, $final, $carried, $bank and $mark."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.reader = named(evidence.profile)
        self._waiting: dict[str, list[pa.Table]] = {}
        self._connection = duckdb.connect(
            ":memory:", config={"temp_directory": "", "preserve_insertion_order": "false", "threads": "2"}
        )
        self._connection.execute("SET enable_external_access = false")

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- asking

    def keys(self, sql: str) -> list[str]:
        """The first column of a query, sorted, NULL as `?`."""
        return sorted(str(row[0]) if row[0] is not None else "?" for row in self.execute(sql).fetchall())

    def row(self, sql: str) -> tuple[Any, ...]:
        """The only row of a query."""
        found: tuple[Any, ...] = self.execute(sql).fetchall()[0]
        return found

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows by column name."""
        found = self.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def column(self, sql: str) -> Any:
        """The only column of a query as a numpy array."""
        return next(iter(self.execute(sql).fetchnumpy().values()))

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """A query's rows, ten thousand in memory at a time."""
        found = self.execute(sql)
        while some := found.fetchmany(10_000):
            yield from some

    def table(self, sql: str) -> pa.Table:
        """A query's rows as Arrow."""
        return self._connection.sql(sql).to_arrow_table()

    def execute(self, sql: str) -> Any:
        """A statement with the terms it names."""
        parameters = {"business_date": self.evidence.business_date, "policy": self.evidence.overdue_policy}
        parameters |= {"pattern": self.evidence.account_pattern, "final": self.evidence.final}
        parameters |= {"carried": self.evidence.carry_authorisations}
        parameters |= {"bank": self.reader.bank, "mark": self.reader.mark}
        wanted = {name: value for name, value in parameters.items() if f"${name}" in sql}
        return self._connection.execute(sql, wanted or None)

    # -- changing the copy, for planted corruptions

    def change(self, sql: str, *values: object) -> None:
        """Change the copy on the table: inside `undone` only."""
        self._connection.execute(sql, list(values))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is changed inside is taken back at the end."""
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    # -- putting in

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a table."""
        self._connection.register("incoming", table)
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
        self._connection.unregister("incoming")

    def append(self, name: str, table: pa.Table) -> None:
        """Put rows into a table that is there, columns by name."""
        self._waiting.setdefault(name, []).append(table)
        self._flush(name)

    def flush(self) -> None:
        """Put in whatever waits."""
        for name in list(self._waiting):
            self._flush(name)

    def insert(self, name: str, table: pa.Table | None) -> None:
        """Rows go in by the quarter million: many small inserts cost much more than a few large ones."""
        if table is None or not table.num_rows:
            return
        waiting = self._waiting.setdefault(name, [])
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= AT_ONCE:
            self._flush(name)

    def _flush(self, name: str) -> None:
        self._connection.register("incoming", pa.concat_tables(self._waiting.pop(name)))
        self._connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
        self._connection.unregister("incoming")
