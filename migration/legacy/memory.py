"""The port `Legacy` in memory, for tests: rows go through the same parser, snapshots are kept as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import pyarrow as pa

from migration.domain.errors import ConfigurationError, CouldNotCheck
from migration.domain.tables import REQUIRED_ENTITIES, SNAPSHOT
from migration.domain.values import Snapshot
from migration.legacy import digests
from migration.legacy.options import Options
from migration.legacy.platform import fingerprint
from migration.legacy.reading import EntityReader, EntityReading, all_issues, sorted_table
from migration.legacy.source import locate
from migration.legacy.stored import ISSUES_NAME

Rows: TypeAlias = pa.Table | Sequence[Mapping[str, object]]
EPOCH = datetime(2017, 11, 18, tzinfo=UTC)


class MemoryLegacy:
    """A legacy platform of tables.

    A list of rows stands for a source table as a database would give it (amounts in `money_unit`); a `pa.Table` in
    SNAPSHOT[entity] is taken as parsed already (int64 fen). A required entity that is not given is missing, unless
    `complete` fills it in as empty.
    """

    def __init__(
        self,
        tables: Mapping[str, Rows],
        money_unit: str = "yuan",
        *,
        complete: bool = False,
        taken_at: datetime = EPOCH,
        options: Options | None = None,
    ) -> None:
        self._tables: dict[str, Rows] = {entity: [] for entity in REQUIRED_ENTITIES} if complete else {}
        self._tables |= tables
        self._options = options or Options(money_unit)
        self._taken_at = taken_at
        self._snapshots: dict[str, dict[str, pa.Table]] = {}

    def replace(self, entity: str, rows: Rows) -> None:
        """Change the source behind the snapshots' back (H28)."""
        self._tables[entity] = rows

    def forget(self, snapshot: Snapshot) -> None:
        """Lose a stored snapshot, as a damaged disk would."""
        self._snapshots.pop(snapshot.digest, None)

    def take(self) -> Snapshot:
        """Keep the tables as they are now."""
        readings = list(self._readings())
        stored = {reading.entity: reading.table for reading in readings}
        counts = {entity: table.num_rows for entity, table in stored.items()}
        stored[ISSUES_NAME] = all_issues([reading.issues for reading in readings])
        found = {entity: digests.entity_digest(entity, table) for entity, table in stored.items()}
        overall = digests.overall_digest(found)
        self._snapshots[overall] = stored
        return Snapshot(overall, found, counts, stored[ISSUES_NAME].num_rows, self._taken_at)

    def fingerprint(self) -> Mapping[str, str]:
        """Digests of the tables as they are now."""
        return fingerprint(self._readings())

    def load(self, snapshot: Snapshot, entity: str) -> pa.Table:
        """One kept table; CouldNotCheck(SNAPSHOT_DAMAGED) when it is not there."""
        try:
            return self._snapshots[snapshot.digest][entity]
        except KeyError:
            raise CouldNotCheck.of(
                "SNAPSHOT_DAMAGED", f"snapshots/{snapshot.digest}/{entity}", "it is not there"
            ) from None

    def issues(self, snapshot: Snapshot) -> pa.Table:
        """Return the cells that could not be taken."""
        return self.load(snapshot, ISSUES_NAME)

    def _readings(self) -> Iterator[EntityReading]:
        for entity in SNAPSHOT:
            rows = self._tables.get(entity)
            if rows is None and entity in REQUIRED_ENTITIES:
                raise ConfigurationError.of("SOURCE_ENTITY_MISSING", entity, "the source has no such table")
            if isinstance(rows, pa.Table):
                yield EntityReading(entity, [[sorted_table(entity, rows)]], [])
            else:
                yield self._read(entity, rows or ())

    def _read(self, entity: str, rows: Sequence[Mapping[str, object]]) -> EntityReading:
        reader = EntityReader(entity, self._options.money_unit, self._options)
        if rows:
            columns = list(rows[0])
            at = locate(entity, columns)
            values = {name: [row[columns[i]] for row in rows] for name, i in at.items()}
            reader.add(values, len(rows))
        return reader.finish()
