"""The freeze: the legacy side must stay as the snapshot found it (H28)."""

from __future__ import annotations

from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.stages.house import House


def require_unchanged(house: House) -> None:
    """Read the source again and compare digests entity by entity; GateClosed(SNAPSHOT_CHANGED) names those that differ."""
    snapshot = house.snapshot()
    now = house.legacy.fingerprint()
    changed = [
        entity for entity in sorted(snapshot.entity_digests) if now.get(entity) != snapshot.entity_digests[entity]
    ]
    if changed:
        raise GateClosed(*(_finding(entity) for entity in changed))


def _finding(entity: str) -> Finding:
    return Finding(
        "SNAPSHOT_CHANGED",
        entity,
        "the legacy side differs from the snapshot taken at preflight",
        "undo the late change at the source, or start a new cutover with a new snapshot",
    )
