"""Both sides on one table: the snapshot, the files' records and the claim, in a DuckDB that keeps nothing on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import duckdb
import numpy as np
import pyarrow as pa

from migration.verification import asked, people
from migration.verification.evidence import Evidence, Exchanged
from migration.verification.readers import COLUMNS, EXCHANGE_OF, NUMBERS, named
from migration.verification.views import VIEWS

BATCHES: Final = pa.schema(
    [
        ("batch", pa.string()),  # date/number
        ("day", pa.date32()),
        ("batch_no", pa.string()),
        ("stage", pa.string()),
        ("round", pa.int64()),
        ("kind", pa.string()),
        ("sample", pa.bool_()),
        ("part", pa.int64()),
        ("state", pa.string()),
        ("rows", pa.int64()),
        ("sum_fen", pa.int64()),
        ("request_name", pa.string()),
        ("request_sha256", pa.string()),
        ("result_name", pa.string()),
        ("result_sha256", pa.string()),
        ("request_digest", pa.string()),  # of the bytes
        ("result_digest", pa.string()),
        ("request_records", pa.int64()),  # NULL: the bytes are no whole records
        ("result_records", pa.int64()),
    ]
)
KEYS: Final = {"a_debts": "serial", "a_authorisations": "serial"}
"""Tables whose records are joined by another field than `key`."""
ANSWERED: Final = ("applied", "unknown")
AT_ONCE: Final = 250_000
"""Rows that are inserted together."""

CLAIMED: Final = (
    "users", "listings", "debts", "residuals", "schedules", "authorisations", "notices", "batches",
)  # fmt: skip


class Workbench:
    """The tables by name: `s_*` snapshot, `person`, `q_*` requests, `a_*` answers, `batches`, `signed`, `c_*` claim."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.reader = named(evidence.profile)
        self._read: set[str] = set()  # batches whose records are on the table
        self._waiting: dict[str, list[pa.Table]] = {}
        self._connection = duckdb.connect(
            ":memory:", config={"temp_directory": "", "preserve_insertion_order": "false", "threads": "2"}
        )
        self._connection.execute("SET enable_external_access = false")
        self._load(evidence)
        for name, sql in VIEWS.items():
            self._connection.execute(f"CREATE VIEW {name} AS {sql}")

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
        return sorted(str(row[0]) if row[0] is not None else "?" for row in self._fetch(sql))

    def row(self, sql: str) -> tuple[Any, ...]:
        """The only row of a query."""
        return self._fetch(sql)[0]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows by column name."""
        found = self._execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """A query's rows, ten thousand in memory at a time."""
        found = self._execute(sql)
        while some := found.fetchmany(10_000):
            yield from some

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return self._execute(sql).fetchall()

    def _execute(self, sql: str) -> Any:
        parameters = {"business_date": self.evidence.business_date, "policy": self.evidence.overdue_policy}
        parameters |= {"pattern": self.evidence.account_pattern, "final": self.evidence.final}
        parameters |= {"carried": self.evidence.carry_authorisations}
        parameters |= {"bank": self.reader.bank, "mark": self.reader.mark}
        wanted = {name: value for name, value in parameters.items() if f"${name}" in sql}
        return self._connection.execute(sql, wanted or None)

    def change(self, sql: str, *values: object) -> None:
        """Change the copy on the table: for planted corruptions, inside `undone` only."""
        self._connection.execute(sql, list(values))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is changed inside is taken back at the end."""
        self._connection.execute("BEGIN TRANSACTION")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    # -- loading

    def _load(self, evidence: Evidence) -> None:
        for name, table in evidence.snapshot.items():
            self.put(f"s_{name}", table)
        self.put("person", people.persons(evidence.snapshot["users"], evidence.corrections))
        self.put("issues", evidence.issues)
        self.put("signed", evidence.signed)
        for name in CLAIMED:
            self.put(f"c_{name}", evidence.claim[name])
        for exchange, (request, result) in COLUMNS.items():
            self._connection.execute(f"CREATE TABLE q_{exchange} ({_ddl(request)})")
            self._connection.execute(f"CREATE TABLE a_{exchange} ({_ddl(result)})")
        self._connection.execute("ALTER TABLE a_accounts ADD COLUMN fine BOOLEAN")  # the number's last digit is right
        self.put("batches", pa.Table.from_pylist([], BATCHES))
        self.put("replies", asked.REPLIES.empty_table())
        self.take_files(evidence.exchanged)

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a table."""
        self._connection.register("incoming", table)
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")
        self._connection.unregister("incoming")

    def append(self, name: str, table: pa.Table) -> None:
        """Put rows into a table that is there, columns by name."""
        self._waiting[name] = [table]
        self._flush(name)

    def take_files(self, exchanged: Iterable[Exchanged]) -> None:
        """Read the bytes of batches; records of the same batch that were read before are replaced."""
        for batch in exchanged:
            exchange = EXCHANGE_OF.get(batch.kind)
            if batch.name in self._read:
                self._forget(batch.name, exchange)
            self._read.add(batch.name)
            facts = _facts(batch)
            if exchange is not None:
                facts["request_records"] = self._take(f"q_{exchange}", batch, facts.pop("request"))
                facts["result_records"] = self._take(f"a_{exchange}", batch, facts.pop("result"))
            facts = {name: facts.get(name) for name in BATCHES.names}
            self._insert("batches", pa.Table.from_pylist([facts], BATCHES))
        for name in list(self._waiting):
            self._flush(name)

    def _forget(self, name: str, exchange: str | None) -> None:
        for table in ("batches", "replies", *((f"q_{exchange}", f"a_{exchange}") if exchange else ())):
            self._connection.execute(f"DELETE FROM {table} WHERE batch = $1", [name])

    def _take(self, table: str, batch: Exchanged, content: bytes) -> int | None:
        answer = table.startswith("a_")
        found = self.reader.records(EXCHANGE_OF[batch.kind], content, answer=answer)
        if found is None:
            return None
        columns, size = found
        if answer and batch.state in ANSWERED:
            whole = asked.overlaid(columns, size, batch, self.reader, KEYS.get(table, "key"))
            said = asked.replies(batch, self.reader)
            if said.num_rows:
                self._insert("replies", said)
        else:
            whole = pa.table({**columns, "record": pa.array(np.arange(1, size + 1), pa.int64())})
        if whole.num_rows:
            self._insert(table, _numbered(whole, batch, accounts=table == "a_accounts"))
        return size

    def _insert(self, name: str, table: pa.Table) -> None:
        """Rows go in by the quarter million: many small inserts cost much more than a few large ones."""
        waiting = self._waiting.setdefault(name, [])
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= AT_ONCE:
            self._flush(name)

    def _flush(self, name: str) -> None:
        self._connection.register("incoming", pa.concat_tables(self._waiting.pop(name)))
        self._connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM incoming")
        self._connection.unregister("incoming")


def _ddl(names: Iterable[str]) -> str:
    columns = [f"{name} {'BIGINT' if name in NUMBERS else 'VARCHAR'}" for name in names]
    return ", ".join(["batch VARCHAR", "day DATE", "file_kind VARCHAR", "number VARCHAR", "record BIGINT", *columns])


def _numbered(records_: pa.Table, batch: Exchanged, *, accounts: bool) -> pa.Table:
    """The records with the batch they belong to; `record` is their number in the file, from 1."""
    size = records_.num_rows
    columns = {name: records_[name].combine_chunks() for name in records_.column_names}
    repeated: dict[str, Any] = {
        "batch": pa.repeat(pa.scalar(batch.name), size),
        "day": pa.repeat(pa.scalar(batch.business_date, pa.date32()), size),
        "file_kind": pa.repeat(pa.scalar(batch.kind), size),
        "number": pa.repeat(pa.scalar(batch.batch_no), size),
    }
    if accounts:
        repeated["fine"] = people.valid_numbers(columns["account"])
    return pa.table({**repeated, **columns})


def _facts(batch: Exchanged) -> dict[str, Any]:
    request = batch.request() if batch.request_sha256 else b""
    result = batch.result() if batch.result_sha256 and batch.state in ANSWERED else b""
    facts = {name: getattr(batch, name, None) for name in BATCHES.names}
    return facts | {
        "batch": batch.name,
        "day": batch.business_date,
        "request": request,
        "result": result,
        "request_digest": hashlib.sha256(request).hexdigest() if request else None,
        "result_digest": hashlib.sha256(result).hexdigest() if result else None,
    }
