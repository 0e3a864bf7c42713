"""Digests of a snapshot's plain content: the same from SQLite, PostgreSQL and MariaDB, and from the stored files.

An auditor can recompute them. The content of an entity is, in UTF-8: a first line with its name and its columns
(`debts:debt_id,listing_id,...`) and a line feed; then, row by row in the stored order and column by column, each cell
as a netstring `LENGTH:TEXT,` with the length in bytes, or `-,` for NULL. Money is fen; dates are `YYYY-MM-DD`,
instants `YYYY-MM-DD HH:MM:SS.ffffff`. The digest is SHA-256 over that; the snapshot's is SHA-256 over the lines
`entity:digest` + line feed, sorted.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from migration.legacy.arrows import compute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK: Final = 65_536
"""Rows hashed (and stored) at a time."""


def entity_digest(entity: str, table: pa.Table) -> str:
    """SHA-256 (hex) over an entity's plain content; peak memory is that of one chunk of text."""
    found = hashlib.sha256(f"{entity}:{','.join(table.column_names)}\n".encode())
    for batch in chunks(table):
        found.update(_content(batch))
    return found.hexdigest()


def overall_digest(entities: Mapping[str, str]) -> str:
    """SHA-256 (hex) over the digests of all entities, the issues among them."""
    lines = "".join(f"{entity}:{digest}\n" for entity, digest in sorted(entities.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def chunks(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Cut the table into pieces of CHUNK rows."""
    yield from table.combine_chunks().to_batches(max_chunksize=CHUNK)


def _content(batch: pa.RecordBatch) -> memoryview:
    """Write the rows as one buffer of text: Arrow keeps the values of a column of strings end to end."""
    columns = [_netstrings(column) for column in batch.columns]
    rows = compute.binary_join_element_wise(*columns, pa.scalar("", pa.large_string()))
    _, offsets, values = rows.buffers()
    if values is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype=np.int64)
    return memoryview(values)[int(ends[rows.offset]) : int(ends[rows.offset + len(rows)])]


def _netstrings(column: Any) -> Any:
    text = column.cast(pa.large_string())
    length = compute.binary_length(text).cast(pa.large_string())
    cell = compute.binary_join_element_wise(
        compute.binary_join_element_wise(length, text, pa.scalar(":", pa.large_string())),
        pa.scalar("", pa.large_string()),
        pa.scalar(",", pa.large_string()),
    )
    return compute.fill_null(cell, "-,")
