"""Items between Arrow and their table: rows to store, and the attempts read back with their batch's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.tables import ENTITY_OF, ITEMS

if TYPE_CHECKING:
    from migration.domain.values import BatchPlan

_ITEM = ("record_no", "key", "state", "code", "account_no", "activated", "authcode", "amount_fen", "row_digest",
         "result_record", "inquiry")  # fmt: skip
_BATCH = ("business_date", "batch_no", "stage", "round", "sample")
STORED: Final = pa.schema([pa.field("batch", pa.int64()), *(ITEMS.field(name) for name in _ITEM)])
"""Items as fetched: the batch by its row number."""

BATCH_COLUMNS: Final = pa.schema([pa.field("no", pa.int64()), *(ITEMS.field(name) for name in _BATCH)])
"""Batches as fetched beside them, by date and number."""


def to_store(planned: BatchPlan, cutover: int, no: int) -> pa.Table:
    """Return a plan's items as rows of journal.item, numbered from 1 in their order."""
    items, n = planned.items, planned.items.num_rows
    return pa.table(
        {
            "batch": pa.array(np.full(n, no, np.int64)),
            "record_no": pa.array(np.arange(1, n + 1, dtype=np.int32)),
            "cutover": pa.array(np.full(n, cutover, np.int32)),
            "entity": pa.repeat(pa.scalar(ENTITY_OF[planned.kind]), n),
            "key": items["key"].cast(pa.string()),
            "amount_fen": items["amount_fen"].cast(pa.int64()),
            "row_digest": items["row_digest"].cast(pa.string()),
        }
    )


def joined(stored: pa.Table, drawn: pa.Table) -> pa.Table:
    """Items with their batch's columns, in the order of dates and numbers rather than of drawing."""
    place: Any = pc.index_in(stored["batch"].combine_chunks(), value_set=drawn["no"].combine_chunks())
    order = place.to_numpy(zero_copy_only=False)
    if order.size and np.any(order[1:] < order[:-1]):
        moved: Any = pa.array(np.argsort(order, kind="stable"))
        stored, place = stored.take(moved), place.take(moved)
    columns = {name: stored[name] for name in STORED.names[1:]}
    columns |= {name: drawn[name].take(place) for name in BATCH_COLUMNS.names[1:]}
    return pa.table({name: columns[name] for name in ITEMS.names}, schema=ITEMS)
