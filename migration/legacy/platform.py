"""The port `Legacy` over a real database, and over the workspace for its stored snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migration.domain.tables import SNAPSHOT
from migration.legacy import digests, source
from migration.legacy.reading import EntityReader, EntityReading, all_issues
from migration.legacy.snapshot import ISSUES_NAME, SnapshotStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from migration.domain.ports import Clock, Snapshot
    from migration.legacy.vault import Vault


class LegacyPlatform:
    """The legacy platform's database (any SQLAlchemy URL) and its snapshots under the workspace.

    `money_unit` is `yuan` or `fen`; `entities` maps an entity to the SELECT that replaces the default one.
    """

    def __init__(
        self, url: str, money_unit: str, entities: Mapping[str, str], workspace: Path, vault: Vault, clock: Clock
    ) -> None:
        self._url = url
        self._money_unit = money_unit
        self._entities = dict(entities)
        self._store = SnapshotStore(workspace, vault, clock)

    def take(self) -> Snapshot:
        """Read every entity in one consistent view and store it as a new snapshot (Parquet, encrypted).

        ConfigurationError as `source.View.read`; TransientError(SNAPSHOT_NOT_STORED).
        """
        return self._store.write(self._readings())

    def fingerprint(self) -> Mapping[str, str]:
        """Digests by entity (and of the issues) of the source as it is now; nothing is stored."""
        return fingerprint(self._readings())

    def load(self, snapshot: Snapshot, entity: str) -> pa.Table:
        """One entity of a stored snapshot, in SNAPSHOT[entity]; CouldNotCheck(SNAPSHOT_DAMAGED)."""
        return self._store.load(snapshot, entity)

    def issues(self, snapshot: Snapshot) -> pa.Table:
        """Return the cells that could not be taken, in ISSUES; CouldNotCheck(SNAPSHOT_DAMAGED)."""
        return self._store.load(snapshot, ISSUES_NAME)

    def _readings(self) -> Iterator[EntityReading]:
        with source.view(self._url, self._entities) as view:
            for entity in SNAPSHOT:
                reader = EntityReader(entity, self._money_unit)
                for partition in view.read(entity):
                    reader.add(partition.columns, partition.rows)
                yield reader.finish()


def fingerprint(readings: Iterator[EntityReading]) -> Mapping[str, str]:
    """Digests of entities as they are read, the issues last."""
    found: dict[str, str] = {}
    issues: list[pa.Table] = []
    for reading in readings:
        found[reading.entity] = digests.entity_digest(reading.entity, reading.table)
        issues.append(reading.issues)
    found[ISSUES_NAME] = digests.entity_digest(ISSUES_NAME, all_issues(issues))
    return found
