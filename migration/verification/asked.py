"""What the bank said when it was asked, beside what its files said: read again from the recorded replies.

A reply's record takes the place of the file's for that item (a 22 that was looked up); items that the bank said it does not
know are no answers. That the records are what the replies say is a check of its own (`files.replies`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from migration.verification.evidence import Exchanged
from migration.verification.readers import EXCHANGE_OF, Reader

REPLIES: Final = pa.schema(
    [
        ("batch", pa.string()),
        ("id", pa.string()),  # user id, listing number, serial number
        ("state", pa.string()),  # S | P | N
        ("account", pa.string()),
        ("amount", pa.int64()),  # fen; NULL where the message has none
        ("authcode", pa.string()),
        ("code", pa.string()),  # NULL: the details of something that stands
        ("line", pa.int64()),
    ]
)
_AFTER: Final = 1_000_000
"""Records that no file has are numbered from here."""


def overlaid(columns: Mapping[str, pa.Array], size: int, batch: Exchanged, reader: Reader, key: str) -> pa.Table:
    """A result's records with their numbers, those of items asked about taken from the inquiries."""
    table = pa.table({**columns, "record": pa.array(range(1, size + 1), pa.int64())})
    for content, _ in batch.inquiries():
        found = reader.records(EXCHANGE_OF[batch.kind], content, answer=True)
        if found is None or not found[1]:
            continue
        asked = pa.table(dict(found[0]))
        at = pc.index_in(asked[key], value_set=table[key].combine_chunks())
        fresh = pa.array(range(_AFTER, _AFTER + asked.num_rows), pa.int64())
        numbers = pc.coalesce(table["record"].combine_chunks().take(at.combine_chunks()), fresh)
        kept = table.filter(pc.invert(pc.is_in(table[key], value_set=asked[key].combine_chunks())))
        table = pa.concat_tables([kept, asked.append_column("record", numbers)])
    return table


def replies(batch: Exchanged, reader: Reader) -> pa.Table:
    """The recorded messages about items, in order; one that cannot be read is a row without an id."""
    lines = [line for _, content in batch.inquiries() for line in content.splitlines()]
    rows = [{"batch": batch.name, "line": n, **_reply(reader, line)} for n, line in enumerate(lines)]
    return pa.Table.from_pylist(rows, REPLIES)


def _reply(reader: Reader, line: bytes) -> dict[str, Any]:
    try:
        return reader.reply(line)
    except (ValueError, KeyError, TypeError):
        return {}
