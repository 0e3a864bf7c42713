"""One entity, from partitions of driver values to a sorted table in its canonical schema and the list of its issues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.domain.tables import ISSUES, KEYS, SNAPSHOT
from migration.legacy.arrows import compute, mask_of
from migration.legacy.cells import cells, nothing
from migration.legacy.entities import COLUMNS, KEYLESS
from migration.legacy.parsing import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ISSUES_ORDER: Final = ("entity", "key", "column", "code")
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EntityReading:
    """`table` as SNAPSHOT[entity], sorted by key as UTF-8 bytes; `issues` as ISSUES, sorted, without repetitions."""

    entity: str
    table: pa.Table
    issues: pa.Table


class EntityReader:
    """Takes an entity partition by partition; Python objects live no longer than their partition."""

    def __init__(self, entity: str, money_unit: str) -> None:
        self._entity = entity
        self._money_unit = money_unit
        self._batches: list[pa.RecordBatch] = []
        self._faults: list[tuple[str, str, Rows]] = []  # column, code, rows in the order of reading
        self._rows = 0

    def add(self, columns: Mapping[str, Sequence[object]], rows: int) -> None:
        """Take one partition: canonical column -> its values. A nullable column may be absent."""
        arrays = []
        for column in COLUMNS[self._entity]:
            values = columns.get(column.name)
            parsed = parse(nothing(rows) if values is None else cells(values), column, self._money_unit)
            arrays.append(parsed.values)
            self._faults += [(column.name, code, at + self._rows) for code, at in parsed.faults.items()]
        self._batches.append(pa.record_batch(arrays, schema=SNAPSHOT[self._entity]))
        self._rows += rows

    def finish(self) -> EntityReading:
        """Sort, name the rows by their keys, and find doubled keys."""
        unsorted = pa.Table.from_batches(self._batches, schema=SNAPSHOT[self._entity]).combine_chunks()
        self._batches.clear()
        order = _order(unsorted, self._entity)
        table = unsorted.take(order).combine_chunks()
        place = np.empty(self._rows, dtype=np.int64)  # row as read -> row as sorted
        place[order] = np.arange(self._rows)
        faults = [(column, code, place[rows]) for column, code, rows in self._faults]
        if self._entity not in KEYLESS:
            faults.append(("/".join(KEYS[self._entity]), "KEY_DUPLICATE", _repeated(table, KEYS[self._entity])))
        return EntityReading(self._entity, table, _issues(self._entity, table, faults))


def sorted_table(entity: str, table: pa.Table) -> pa.Table:
    """Return a canonical table in the order of the snapshot."""
    table = table.select(SNAPSHOT[entity].names).cast(SNAPSHOT[entity]).combine_chunks()
    return table.take(_order(table, entity)).combine_chunks()


def all_issues(tables: Sequence[pa.Table]) -> pa.Table:
    """Join the issues of all entities in one sorted table."""
    joined = pa.concat_tables([ISSUES.empty_table(), *tables]).combine_chunks()
    return joined.sort_by([(name, "ascending") for name in ISSUES_ORDER])


def _order(table: pa.Table, entity: str) -> npt.NDArray[np.int64]:
    """Row numbers in key order (strings compare as bytes, NULL last).

    Only where keys repeat or are missing do the
    other columns decide, so that the order never depends on how the database returned the rows.
    """
    keys = KEYS[entity]
    order = _sort(table, keys)
    in_order = table.select(keys).take(order)
    settled = not len(_repeated(in_order, keys)) and not any(in_order[name].null_count for name in keys)
    return order if settled else _sort(table, (*keys, *(n for n in table.column_names if n not in keys)))


def _sort(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.int64]:
    found = compute.sort_indices(table, sort_keys=[(name, "ascending") for name in names])  # NULL at the end
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _repeated(table: pa.Table, keys: Sequence[str]) -> Rows:
    """Rows of a sorted table whose whole key equals that of the row before."""
    if table.num_rows < 2:  # noqa: PLR2004 - a pair is needed
        return np.empty(0, dtype=np.int64)
    same = np.ones(table.num_rows - 1, dtype=bool)
    for name in keys:
        column = table[name].combine_chunks()
        same &= mask_of(compute.equal(column.slice(1), column.slice(0, table.num_rows - 1)))
    return np.flatnonzero(same) + 1


def _issues(entity: str, table: pa.Table, faults: Sequence[tuple[str, str, Rows]]) -> pa.Table:
    parts = [_named(entity, table, column, code, rows) for column, code, rows in faults if len(rows)]
    joined = pa.concat_tables([ISSUES.empty_table(), *parts])
    distinct = joined.group_by(list(ISSUES_ORDER)).aggregate([]).select(list(ISSUES_ORDER)).cast(ISSUES)
    return distinct.sort_by([(name, "ascending") for name in ISSUES_ORDER])


def _named(entity: str, table: pa.Table, column: str, code: str, rows: Rows) -> pa.Table:
    """ISSUES rows: the key's parts joined by `/`, or `row N` (from 1, of the sorted entity) when a part is NULL."""
    keys = [table[name].take(rows).cast(pa.string()) for name in KEYS[entity]]
    joined = compute.binary_join_element_wise(*keys, "/") if len(keys) > 1 else keys[0]
    numbers = compute.binary_join_element_wise("row", pa.array(rows + 1).cast(pa.string()), " ")
    constant = [pa.repeat(pa.scalar(text, pa.string()), len(rows)) for text in (entity, column, code)]
    key = compute.fill_null(joined, numbers)
    return pa.table([constant[0], key, constant[1], constant[2]], schema=ISSUES)
