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

from migration.domain.tables import SNAPSHOT
from migration.legacy.arrows import compute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CHUNK: Final = 65_536
"""Rows hashed (and stored) at a time."""


class Digester:
    """The digest of an entity as its rows come by; `columns` are their names, in order."""

    def __init__(self, entity: str, columns: Sequence[str]) -> None:
        self._found = hashlib.sha256(f"{entity}:{','.join(columns)}\n".encode())

    def add(self, table: pa.Table) -> None:
        """Add the next rows; peak memory is that of one chunk of text."""
        for batch in chunks(table):
            self._found.update(_content(batch))

    def hex(self) -> str:
        """SHA-256 (hex) of what came by."""
        return self._found.hexdigest()


def entity_digest(entity: str, table: pa.Table) -> str:
    """SHA-256 (hex) over an entity's plain content."""
    digester = Digester(entity, table.column_names)
    digester.add(table)
    return digester.hex()


def digest_of(entity: str, pieces: Iterable[pa.Table]) -> str:
    """SHA-256 (hex) over an entity's plain content, as its pieces come."""
    digester = Digester(entity, SNAPSHOT[entity].names)
    for piece in pieces:
        digester.add(piece)
    return digester.hex()


def overall_digest(entities: Mapping[str, str]) -> str:
    """SHA-256 (hex) over the digests of all entities, the issues among them."""
    lines = "".join(f"{entity}:{digest}\n" for entity, digest in sorted(entities.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def chunks(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """Cut the table into pieces of CHUNK rows."""
    yield from table.combine_chunks().to_batches(max_chunksize=CHUNK)


def _content(batch: pa.RecordBatch) -> memoryview:
    """Write the rows as one buffer of text: Arrow keeps the values of a column of strings end to end."""
    parts: list[Any] = []
    for column in batch.columns:
        parts += _netstring(column, "," if parts else "")
    rows = compute.binary_join_element_wise(*parts, pa.scalar(",", pa.large_string()), pa.scalar("", pa.large_string()))
    _, offsets, values = rows.buffers()
    if values is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, dtype=np.int64)
    return memoryview(values)[int(ends[rows.offset]) : int(ends[rows.offset + len(rows)])]


def _netstring(column: Any, comma: str) -> tuple[Any, Any]:
    """The comma of the cell before, length and colon; then the text. For NULL a hyphen and nothing."""
    text = column.cast(pa.large_string())
    size = compute.fill_null(compute.binary_length(text).cast(pa.int64()), -1)
    longest = compute.max(size).as_py() or 0
    heads = [f"{comma}-", *(f"{comma}{number}:" for number in range(max(longest, 0) + 1))]
    if column.null_count:
        text = compute.fill_null(text, "")
    return pa.array(heads, pa.large_string()).take(compute.add(size, 1)), text
