"""The port `Legacy` over a real database, and over the workspace for its stored snapshots."""

from __future__ import annotations

import gc
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from migration.domain.tables import SNAPSHOT
from migration.legacy import digests, source
from migration.legacy.cells import Cells, joined, raw
from migration.legacy.options import Options
from migration.legacy.plausible import Plausible
from migration.legacy.reading import EntityReader, EntityReading, OutOfOrder, all_issues
from migration.legacy.snapshot import SnapshotStore, make_folder, not_stored
from migration.legacy.stored import ISSUES_NAME, folder_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from migration.domain.ports import Clock
    from migration.domain.values import Snapshot
    from migration.legacy.source import Partition
    from migration.legacy.vault import Vault


Fetched = tuple[dict[str, list[Cells]], int]
"""Canonical column -> its cells in stretches, and the number of rows."""

PARSED: Final = 65_536
"""Rows parsed at a time, at least."""


class LegacyPlatform:
    """The legacy platform's database (any SQLAlchemy URL) and its snapshots under the workspace.

    `money_unit` is `yuan` or `fen`; `entities` maps an entity to the SELECT that replaces the default one; `options`
    says how columns are written (its money unit is not looked at); `fast` allows a fast path where there is one.
    """

    def __init__(
        self,
        url: str,
        money_unit: str,
        entities: Mapping[str, str],
        workspace: Path,
        vault: Vault,
        clock: Clock,
        options: Options | None = None,
        *,
        fast: bool = True,
    ) -> None:
        given = options or Options()
        self._url = url
        self._options = Options(money_unit, given.values, given.formats)
        self._entities = dict(entities)
        self._aside = folder_of(workspace)
        self._fast = fast
        self._store = SnapshotStore(workspace, vault, clock)

    def take(self) -> Snapshot:
        """Read every entity in one consistent view and store it as a new snapshot (Parquet, encrypted).

        ConfigurationError as `source.View.read`; GateClosed(MAPPING_UNITS, MAPPING_TYPE) when the rows as a whole show
        that a column is mapped wrongly; TransientError(SNAPSHOT_NOT_STORED).
        """
        with closing(self._readings(Plausible(self._options))) as readings:
            return self._store.write(readings)

    def fingerprint(self) -> Mapping[str, str]:
        """Digests by entity (and of the issues) of the source as it is now; nothing is stored."""
        with not_stored(), closing(self._readings(None)) as readings:
            return fingerprint(readings)

    def load(self, snapshot: Snapshot, entity: str) -> pa.Table:
        """One entity of a stored snapshot, in SNAPSHOT[entity]; CouldNotCheck(SNAPSHOT_DAMAGED)."""
        return self._store.load(snapshot, entity)

    def issues(self, snapshot: Snapshot) -> pa.Table:
        """Return the cells that could not be taken, in ISSUES; CouldNotCheck(SNAPSHOT_DAMAGED)."""
        return self._store.load(snapshot, ISSUES_NAME)

    def _readings(self, judged: Plausible | None) -> Generator[EntityReading]:
        make_folder(self._aside)
        with source.view(self._url, self._entities, fast=self._fast) as view, ThreadPoolExecutor(1) as worker:
            for entity in SNAPSHOT:
                reader = EntityReader(entity, self._options.money_unit, self._options, self._aside)
                try:
                    found = reading(reader, view, worker)
                    yield found if judged is None else judged.watched(found, reader.seen)
                finally:
                    reader.close()
        if judged is not None:
            judged.require()


def reading(reader: EntityReader, view: source.View, worker: ThreadPoolExecutor) -> EntityReading:
    """Read an entity as its pieces are asked for: straight on while its rows come in order, else after sorting them all."""
    noted: list[pa.Table] = []

    def straight() -> Iterator[pa.Table]:
        yield from _parsed(reader, view, worker)
        if not reader.straight:
            raise OutOfOrder
        noted.extend(reader.noted)

    def sorted_first() -> Iterator[pa.Table]:
        yield from reader.finish(noted).pieces()

    return EntityReading(reader.entity, (straight(), sorted_first()), noted)


def _parsed(reader: EntityReader, view: source.View, worker: ThreadPoolExecutor) -> Iterator[pa.Table]:
    """Return the pieces that came in order: while the driver fetches, what it fetched before is parsed beside.

    Few rows are fetched at a time, so that the driver's objects are still in the processor's cache when they become
    Arrow columns; many are parsed at a time.
    """
    working: Future[pa.Table | None] | None = None
    for parts, rows in _uncollected(_gathered(view.read(reader.entity))):
        before = working.result() if working is not None else None
        working = worker.submit(_add, reader, parts, rows)
        if before is not None:
            yield before
    last = working.result() if working is not None else None
    if last is not None:
        yield last


def _uncollected(fetched: Iterator[Fetched]) -> Iterator[Fetched]:
    """A driver's millions of short-lived objects are no cycles: looking for such would take a third of the time."""
    while True:
        collecting = gc.isenabled()
        gc.disable()
        try:
            some = next(fetched, None)
        finally:
            if collecting:
                gc.enable()
        if some is None:
            return
        yield some


def _add(reader: EntityReader, parts: Mapping[str, list[Cells]], rows: int) -> pa.Table | None:
    return reader.add({name: joined(some) for name, some in parts.items()}, rows)


def _gathered(partitions: Iterator[Partition]) -> Iterator[Fetched]:
    """Make Arrow columns at once, and gather them until they are worth a round of parsing."""
    parts: dict[str, list[Cells]] = {}
    rows = 0
    for partition in partitions:
        for name, values in partition.columns.items():
            parts.setdefault(name, []).append(values if isinstance(values, Cells) else raw(values))
        rows += partition.rows
        if rows >= PARSED:
            yield parts, rows
            parts, rows = {}, 0
    if rows:
        yield parts, rows


def fingerprint(readings: Iterator[EntityReading]) -> Mapping[str, str]:
    """Digests of entities as they are read, the issues last."""
    found: dict[str, str] = {}
    issues: list[pa.Table] = []
    for some in readings:
        found[some.entity] = some.given_to(partial(digests.digest_of, some.entity))
        issues.append(some.issues)
    found[ISSUES_NAME] = digests.entity_digest(ISSUES_NAME, all_issues(issues))
    return found
