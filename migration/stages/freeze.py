"""The freeze: the legacy side must stay as the snapshot found it (H28)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from migration.domain import changes
from migration.domain.changes import Change
from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.domain.values import Snapshot
from migration.stages import delta
from migration.stages.house import House

SHOWN: Final = 20
CHANGED: Final = "source_changed"
"""Event: a stage found the source changed; which rows, by key."""


def require_unchanged(house: House) -> None:
    """Read the source again and compare it with the snapshot; what changed since is listed by key.

    GateClosed(SNAPSHOT_CHANGED); by the policy `delta` late repayments of what was not sent yet are taken over instead.
    """
    snapshot = house.snapshot()
    now = house.legacy.fingerprint()
    if all(now.get(entity) == digest for entity, digest in snapshot.entity_digests.items()):
        return
    fresh = house.legacy.take()
    found = between(house, snapshot, fresh)
    if not found:
        return  # taken back between the two readings
    if delta.applies(house):
        delta.adopt(house, snapshot, fresh, found)
        return
    _note(house, snapshot, fresh, found)
    raise GateClosed(*(finding(change) for change in found))


def between(house: House, before: Snapshot, after: Snapshot) -> list[Change]:
    """The entities that differ, with the keys of what changed, is new or gone."""
    found = []
    for entity in sorted(before.entity_digests):
        if after.entity_digests.get(entity) == before.entity_digests[entity]:
            continue
        if entity == "issues":
            pair = house.legacy.issues(before), house.legacy.issues(after)
        else:
            pair = house.legacy.load(before, entity), house.legacy.load(after, entity)
        found.append(changes.compare(entity, *pair))
    return found


def finding(change: Change) -> Finding:
    """One line an entity: counts, and the keys of the first rows."""
    parts = []
    for word, keys in (("changed", change.changed), ("new", change.added), ("gone", change.gone)):
        if len(keys):
            shown = ", ".join(keys.slice(0, SHOWN).to_pylist())
            parts.append(f"{len(keys)} {word}: {shown}{' …' if len(keys) > SHOWN else ''}")
    return Finding(
        "SNAPSHOT_CHANGED",
        change.entity,
        f"the legacy side differs from the snapshot taken at preflight ({'; '.join(parts)})",
        "undo the late change at the source, or start a new cutover with a new snapshot",
    )


def _note(house: House, before: Snapshot, after: Snapshot, found: Sequence[Change]) -> None:
    """Keep what changed in the chain, once for a state of the source."""
    if any(e.kind == CHANGED and e.payload.get("to") == after.digest for e in house.journal.events()):
        return
    payload = {"from": before.digest, "to": after.digest, "entities": delta.described(found)}
    house.journal.note(house.actor, CHANGED, payload)
