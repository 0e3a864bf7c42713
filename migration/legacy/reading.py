"""One entity, from partitions of driver values to a sorted table in its canonical schema and the list of its issues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from migration.domain.tables import ISSUES, KEYS, SNAPSHOT
from migration.legacy.arrows import compute, mask_of
from migration.legacy.cells import Cells, cells, nothing
from migration.legacy.entities import COLUMNS, KEYLESS, Column
from migration.legacy.options import Options
from migration.legacy.parsing import parse
from migration.legacy.runs import Runs
from migration.legacy.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")
ISSUES_ORDER: Final = ("entity", "key", "column", "code")
Rows = npt.NDArray[np.int64]


RUN_BYTES: Final = 24 << 20
"""Arrow bytes of an entity that are held, and sorted, at a time when there is a folder to put them aside in."""

_AT: Final = "@"
"""An extra column while sorting: the row as it was read, which the faults refer to."""

Fault = tuple[str, str, Rows]
"""Column, code, rows in the order of reading (ascending)."""


class OutOfOrder(Exception):
    """A row came after one of a greater key: the pieces so far are void, and are given once more, in order."""


class EntityReading:
    """One entity, sorted by key as UTF-8 bytes, in pieces as SNAPSHOT[entity]: read once, then `issues` are known.

    No key is divided between two pieces. `ways` are the ways to come by the pieces; all but the last may break off
    with OutOfOrder.
    """

    def __init__(self, entity: str, ways: Iterable[Iterable[pa.Table]], issues: list[pa.Table]) -> None:
        self.entity = entity
        self._ways = iter(ways)
        self._pieces: Iterator[pa.Table] | None = None
        self._noted = issues

    def pieces(self) -> Iterator[pa.Table]:
        """Return the rows, piece by piece; only once, and once more after OutOfOrder."""
        self._pieces = iter(next(self._ways))
        return self._pieces

    def given_to(self, taker: Callable[[Iterator[pa.Table]], T]) -> T:
        """Return what the taker makes of the pieces; it begins anew when they turn out not to come in order."""
        while True:
            try:
                return taker(self.pieces())
            except OutOfOrder:
                continue

    def watched(self, begin: Callable[[], None], see: Callable[[pa.Table], None]) -> EntityReading:
        """Return the same reading, shown to `see` as it goes by; `begin` is called whenever it begins."""

        def shown(way: Iterable[pa.Table]) -> Iterator[pa.Table]:
            begin()
            for piece in way:
                see(piece)
                yield piece

        return EntityReading(self.entity, map(shown, self._ways), self._noted)

    @property
    def table(self) -> pa.Table:
        """All rows at once."""
        pieces = self.given_to(list)
        return pa.concat_tables([SNAPSHOT[self.entity].empty_table(), *pieces]).combine_chunks()

    @property
    def issues(self) -> pa.Table:
        """Issues as ISSUES, sorted, without repetitions; what is still to be read is read for them."""
        if self._pieces is None:
            self.given_to(_drained)
        else:
            _drained(self._pieces)
        joined = pa.concat_tables([ISSUES.empty_table(), *self._noted])
        distinct = joined.group_by(list(ISSUES_ORDER)).aggregate([]).select(list(ISSUES_ORDER)).cast(ISSUES)
        return distinct.sort_by([(name, "ascending") for name in ISSUES_ORDER])


def _drained(pieces: Iterator[pa.Table]) -> None:
    for _ in pieces:
        pass


class EntityReader:
    """Takes an entity partition by partition; Python objects live no longer than their partition.

    `aside` is a folder of mode 0700 for what does not fit in memory; None keeps everything in memory.
    """

    def __init__(self, entity: str, money_unit: str, options: Options | None = None, aside: Path | None = None) -> None:
        self.entity = entity
        self._options = options or Options(money_unit)
        self._aside = aside
        self._schema = SNAPSHOT[entity].append(pa.field(_AT, pa.int64()))
        self._runs: Runs | None = None
        self._batches: list[pa.RecordBatch] = []
        self._held = 0
        self._faults: dict[tuple[str, str], list[Rows]] = {}
        self._rows = 0
        self._last = self._schema.empty_table()
        self.straight = True
        self.noted: list[pa.Table] = []
        self.seen: dict[str, Seen] = {column.name: Seen() for column in COLUMNS[entity]}

    def add(self, columns: Mapping[str, Sequence[object] | Cells], rows: int) -> pa.Table | None:
        """Take one partition: canonical column -> its values. A nullable column may be absent.

        Returns it as a piece of the whole as long as all rows came in order (`straight`).
        """
        arrays: list[Any] = []
        faults: list[Fault] = []
        for column in COLUMNS[self.entity]:
            found = self._prepared(column, columns.get(column.name), rows)
            how = self._options.format(self.entity, column.name, column.role)
            parsed = parse(found, column, self._options.money_unit, how)
            arrays.append(parsed.values)
            for code, at in parsed.faults.items():
                faults.append((column.name, code, at + self._rows))
            if column.role not in {"text", "choice"}:
                self.seen[column.name].count(found, parsed)
        arrays.append(pa.array(np.arange(self._rows, self._rows + rows)))
        batch = pa.record_batch(arrays, schema=self._schema)
        straight = self._took(pa.Table.from_batches([batch]), faults)
        self._batches.append(batch)
        self._held += batch.nbytes
        self._rows += rows
        if self._aside is not None and self._held >= RUN_BYTES:
            self._put_aside()
        return straight

    def _took(self, piece: pa.Table, faults: Sequence[Fault]) -> pa.Table | None:
        """Note the faults of a partition; while all rows came in order they can be named at once."""
        for column, code, rows in faults:
            self._faults.setdefault((column, code), []).append(rows)
        self.straight = self.straight and self._follows(piece)
        if not self.straight:
            self.noted.clear()
            return None
        for column, code, rows in faults:
            self.noted.append(_named(self.entity, piece, column, code, rows - self._rows, self._rows))
        return piece.drop_columns([_AT])

    def _follows(self, piece: pa.Table) -> bool:
        """Whether the piece is in order, and all of it after what came before."""
        border = pa.concat_tables([self._last, piece.slice(0, 1)])
        self._last = piece.slice(piece.num_rows - 1) if piece.num_rows else self._last
        keys = KEYS[self.entity]
        return _ascending(border, keys) and _ascending(piece, keys)

    def finish(self, noted: list[pa.Table] | None = None) -> EntityReading:
        """Sort, name the rows by their keys, and find doubled keys; issues go to `noted`."""
        issues = [] if noted is None else noted
        faults = [(column, code, np.concatenate(rows)) for (column, code), rows in self._faults.items()]
        return EntityReading(self.entity, [self._finished(issues, faults)], issues)

    def close(self) -> None:
        """Give back what was put aside."""
        if self._runs is not None:
            self._runs.close()

    def _prepared(self, column: Column, values: Sequence[object] | Cells | None, rows: int) -> Cells:
        found = values if isinstance(values, Cells) else nothing(rows) if values is None else cells(values)
        return self._options.prepare(found, self.entity, column.name, column.role)

    def _sorted(self) -> pa.Table:
        held = pa.Table.from_batches(self._batches, schema=self._schema).combine_chunks()
        self._batches.clear()
        self._held = 0
        return held if self.straight else in_order(self.entity, held)

    def _put_aside(self) -> None:
        if self._runs is None and self._aside is not None:
            self._runs = Runs(self._aside, self._schema, KEYS[self.entity])
        if self._runs is not None:
            self._runs.put(self._sorted())

    def _finished(self, issues: list[pa.Table], faults: Sequence[Fault]) -> Iterator[pa.Table]:
        before = 0
        for piece in self._in_order():
            issues += self._told(piece, faults, before)
            before += piece.num_rows
            yield piece.drop_columns([_AT])
        self.close()

    def _in_order(self) -> Iterator[pa.Table]:
        if self._runs is None:
            yield self._sorted()
            return
        if self._batches:
            self._put_aside()
        for piece in self._runs.merged():
            yield in_order(self.entity, piece.combine_chunks())

    def _told(self, piece: pa.Table, faults: Sequence[Fault], before: int) -> Iterator[pa.Table]:
        """ISSUES of a piece; `before` rows of the entity come before it."""
        at = np.asarray(piece[_AT].to_numpy())
        for column, code, rows in faults:
            place = np.minimum(np.searchsorted(rows, at), len(rows) - 1)
            yield _named(self.entity, piece, column, code, np.flatnonzero(rows[place] == at), before)
        if self.entity not in KEYLESS:
            keys = KEYS[self.entity]
            yield _named(self.entity, piece, "/".join(keys), "KEY_DUPLICATE", _repeated(piece, keys), before)


def in_order(entity: str, table: pa.Table) -> pa.Table:
    """Return the rows in the order of the snapshot; rows that come so already are left where they are."""
    return table if _ascending(table, KEYS[entity]) else table.take(_order(table, entity)).combine_chunks()


def sorted_table(entity: str, table: pa.Table) -> pa.Table:
    """Return a canonical table in the order of the snapshot."""
    return in_order(entity, table.select(SNAPSHOT[entity].names).cast(SNAPSHOT[entity]).combine_chunks())


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
    return order if settled else _sort(table, (*keys, *(n for n in SNAPSHOT[entity].names if n not in keys)))


def _sort(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.int64]:
    found = compute.sort_indices(table, sort_keys=[(name, "ascending") for name in names])  # NULL at the end
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _ascending(table: pa.Table, keys: Sequence[str]) -> bool:
    """Whether each row's key is greater than that of the row before (a missing key is not)."""
    pairs = table.num_rows - 1
    if pairs < 0 or any(table[name].null_count for name in keys):
        return pairs < 0
    later, level = np.zeros(pairs, dtype=bool), np.ones(pairs, dtype=bool)
    for name in keys:
        column = table[name].combine_chunks()
        one, other = column.slice(0, pairs), column.slice(1)
        later |= level & mask_of(compute.less(one, other))
        level &= mask_of(compute.equal(one, other))
    return bool(later.all())


def _repeated(table: pa.Table, keys: Sequence[str]) -> Rows:
    """Rows of a sorted table whose whole key equals that of the row before."""
    if table.num_rows < 2:  # noqa: PLR2004 - a pair is needed
        return np.empty(0, dtype=np.int64)
    same = np.ones(table.num_rows - 1, dtype=bool)
    for name in keys:
        column = table[name].combine_chunks()
        same &= mask_of(compute.equal(column.slice(1), column.slice(0, table.num_rows - 1)))
    return np.flatnonzero(same) + 1


def _named(entity: str, table: pa.Table, column: str, code: str, rows: Rows, before: int) -> pa.Table:
    """ISSUES rows: the key's parts joined by `/`, or `row N` (from 1, of the sorted entity) when a part is NULL."""
    keys = [table[name].take(rows).cast(pa.string()) for name in KEYS[entity]]
    joined = compute.binary_join_element_wise(*keys, "/") if len(keys) > 1 else keys[0]
    numbers = compute.binary_join_element_wise("row", pa.array(rows + before + 1).cast(pa.string()), " ")
    constant = [pa.repeat(pa.scalar(text, pa.string()), len(rows)) for text in (entity, column, code)]
    key = compute.fill_null(joined, numbers)
    return pa.table([constant[0], key, constant[1], constant[2]], schema=ISSUES)
