"""Destruction: asked for, approved, recorded, then carried out; never before the last day of retention. Converging.

The record (`destruction_begun`) is committed before anything goes: what (names, digests, counts), who, by which rule, what
is out of reach. A rehearsal is a copy and no record of a contract: it may go at any time, with the same approvals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from typing import Any, Final, Protocol

from migration.domain.errors import GateClosed
from migration.domain.retention import BEGUN, REHEARSAL, RULE, Retention, retention
from migration.domain.tables import SNAPSHOT
from migration.domain.values import Event
from migration.stages import gates
from migration.stages.house import House

GATE: Final = "destroy"
DONE: Final = "destroyed"
LEFT: Final = (
    "exchange folders and the bank's copies",
    "exports that were handed out",
    "backups, disk snapshots and write-ahead logs of the database",
    "user ids, account numbers and authorisation codes in the journal",
    "the withdrawal service's own tables",
)
"""What no command of ours reaches."""


class Store(Protocol):
    """The journal's part."""

    def destroyable(self) -> Mapping[str, int]:
        """Counts of what is personal."""
        ...

    def begin_destruction(self, name: str, record: Mapping[str, object]) -> None:
        """Record it."""
        ...

    def destroy_contents(self, name: str) -> None:
        """Empty the journal of it."""
        ...


class Remains(Protocol):
    """The workspace's part."""

    @property
    def elsewhere(self) -> bool:
        """Whether the data key is kept by somebody else."""
        ...

    def files(self) -> Sequence[Mapping[str, object]]:
        """What would go."""
        ...

    def destroy(self) -> None:
        """Let it go."""
        ...


def clock(house: House) -> Retention:
    """How long what this cutover holds is kept."""
    return retention({entity: house.table(entity) for entity in SNAPSHOT}, house.terms.business_date)


def begun(events: Sequence[Event]) -> Mapping[str, Any] | None:
    """The record of a destruction, once there is one."""
    return next((event.payload for event in events if event.kind == BEGUN), None)


def require_there(events: Sequence[Event]) -> None:
    """GateClosed(DATA_DESTROYED) once a destruction was begun: what is asked for is no longer there."""
    record = begun(events)
    if record is not None:
        detail = f"what it holds of people was destroyed from {record['destroyed_on']} on ({record['rule']})"
        raise GateClosed.of("DATA_DESTROYED", "cutover", detail, "see: cutover journal verify, cutover destroy --json")


def destroy(house: House, store: Store, remains: Remains, key_id: str, name: str, reason: str) -> Mapping[str, Any]:
    """Go on with a destruction: ask for it, or carry it out once it is approved; what the journal says of it.

    GateClosed: RETENTION_RUNNING, REJECTED. Waiting: APPROVAL_MISSING.
    """
    events = house.journal.events()
    record = begun(events)
    if record is None:
        found = require_due(house)
        house.take_over()
        record = _approved(house, found, store, remains, key_id, reason)
        store.begin_destruction(name, record)
    house.failpoint("destroy.begun")
    remains.destroy()
    house.failpoint("destroy.workspace")
    store.destroy_contents(name)
    house.failpoint("destroy.journal")
    if not any(event.kind == DONE for event in events):
        house.journal.note(name, DONE, {"digest": record["digest"], "files": len(record["files"])})
        house.seal(house.fence or house.journal.acquire(house.actor), GATE, f"{record['digest']}/done")
    return record


def require_due(house: House) -> Retention:
    """GateClosed(RETENTION_RUNNING) up to and including the last day; a rehearsal is always due."""
    found, today = clock(house), _today(house)
    if house.terms.kind == "production" and found.keep_until >= today:
        raise GateClosed.of(
            "RETENTION_RUNNING",
            "cutover",
            f"its records are kept up to and including {found.keep_until} ({RULE}); today is {today} (UTC)",
            "see: cutover retention",
        )
    return found


def _today(house: House) -> date:
    return house.clock.now().astimezone(UTC).date()


def _approved(
    house: House, found: Retention, store: Store, remains: Remains, key_id: str, reason: str
) -> dict[str, Any]:
    what = {
        "rule": RULE if house.terms.kind == "production" else REHEARSAL,
        "keep_until": found.keep_until.isoformat(),
        "undated_listings": found.undated,
        "snapshot": house.snapshot().digest,
        "files": list(remains.files()),
        "journal": dict(store.destroyable()),
        "data_key": key_id,
        "data_key_elsewhere": remains.elsewhere,
        "left": list(LEFT),
    }
    digest = gates.digest_of(house, GATE, 1, what)
    gates.require_approval(house, GATE, 1, digest)
    given = next(gate.given for gate in house.journal.gates() if (gate.gate, gate.digest) == (GATE, digest))
    return {
        **what,
        "digest": digest,
        "reason": reason,
        "approved_by": list(given),
        "destroyed_on": _today(house).isoformat(),
    }
