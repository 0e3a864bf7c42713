"""One file exchange as the verifier reads it: what is recorded of it, and the records of its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.verification import asked, people
from migration.verification.evidence import Exchanged
from migration.verification.readers import EXCHANGE_OF, NUMBERS, Reader

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
        ("request_fen", pa.int64()),  # sum of the amounts; NULL where there are none
        ("strays", pa.int64()),  # records of another batch or bank
    ]
)
KEYS: Final = {"debts": "serial", "authorisations": "serial"}
"""Exchanges whose answers are joined by another field than `key`."""
ANSWERED: Final = ("applied", "unknown")


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch: its row of BATCHES, its records (none where there are no whole ones), the bank's replies about its items."""

    facts: pa.Table
    request: pa.Table | None
    result: pa.Table | None
    replies: pa.Table

    @property
    def asked(self) -> pa.Table | None:
        """Records of items the bank was asked about."""
        if self.result is None or not self.replies.num_rows:
            return None
        return self.result.filter(pc.is_in(self.result["serial"], value_set=self.replies["id"].combine_chunks()))


def take(batch: Exchanged, reader: Reader) -> Taken:
    """Read a batch whole."""
    exchange = EXCHANGE_OF.get(batch.kind)
    request = batch.request() if batch.request_sha256 else b""
    result = batch.result() if batch.result_sha256 and batch.state in ANSWERED else b""
    facts: dict[str, Any] = {name: getattr(batch, name, None) for name in BATCHES.names}
    facts |= {
        "batch": batch.name,
        "day": batch.business_date,
        "request_digest": _sha256(request),
        "result_digest": _sha256(result),
    }
    sent = answered = None
    said = asked.REPLIES.empty_table()
    if exchange is not None:
        sent, facts["request_records"] = _sent(batch, reader, request)
        answered, facts["result_records"] = _answered(batch, reader, result)
        said = asked.replies(batch, reader) if answered is not None and batch.state in ANSWERED else said
        facts["strays"] = sum(_strays(table, batch, reader) for table in (sent, answered) if table is not None)
        if sent is not None and "amount" in sent.column_names:
            facts["request_fen"] = pc.sum(sent["amount"]).as_py()
    return Taken(pa.Table.from_pylist([facts], BATCHES), sent, answered, said)


def ddl(names: Iterable[str]) -> str:
    """The columns of a table of records."""
    columns = [f"{name} {'BIGINT' if name in NUMBERS else 'VARCHAR'}" for name in names]
    return ", ".join(["batch VARCHAR", "day DATE", "file_kind VARCHAR", "number VARCHAR", "record BIGINT", *columns])


def _sha256(content: bytes) -> str | None:
    return hashlib.sha256(content).hexdigest() if content else None


def _sent(batch: Exchanged, reader: Reader, content: bytes) -> tuple[pa.Table | None, int | None]:
    found = reader.records(EXCHANGE_OF[batch.kind], content, answer=False)
    if found is None:
        return None, None
    columns, size = found
    return _numbered(pa.table({**columns, "record": pa.array(np.arange(1, size + 1), pa.int64())}), batch), size


def _answered(batch: Exchanged, reader: Reader, content: bytes) -> tuple[pa.Table | None, int | None]:
    exchange = EXCHANGE_OF[batch.kind]
    found = reader.records(exchange, content, answer=True)
    if found is None:
        return None, None
    columns, size = found
    if batch.state in ANSWERED:
        whole = asked.overlaid(columns, size, batch, reader, KEYS.get(exchange, "key"))
    else:
        whole = pa.table({**columns, "record": pa.array(np.arange(1, size + 1), pa.int64())})
    numbered = _numbered(whole, batch)
    if exchange == "accounts":
        numbered = numbered.append_column("fine", people.valid_numbers(numbered["account"].combine_chunks()))
    return numbered, size


def _numbered(records_: pa.Table, batch: Exchanged) -> pa.Table:
    """The records with the batch they belong to; `record` is their number in the file, from 1."""
    size = records_.num_rows
    repeated = {
        "batch": pa.repeat(pa.scalar(batch.name), size),
        "day": pa.repeat(pa.scalar(batch.business_date, pa.date32()), size),
        "file_kind": pa.repeat(pa.scalar(batch.kind), size),
        "number": pa.repeat(pa.scalar(batch.batch_no), size),
    }
    return pa.table({**repeated, **{name: records_[name].combine_chunks() for name in records_.column_names}})


def _strays(records_: pa.Table, batch: Exchanged, reader: Reader) -> int:
    """Records whose header is not the batch's, or whose bank is another."""
    if "header" not in records_.column_names:
        return 0
    stray = pc.or_(pc.not_equal(records_["header"], batch.batch_no), pc.not_equal(records_["bank"], reader.bank))
    return int(pc.sum(stray.cast(pa.int64())).as_py() or 0)
