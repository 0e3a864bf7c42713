"""Changing the data key, converging: killed anywhere and called again it ends the same, and all stays readable meanwhile.

The journal is told beforehand which key follows which (`data_key_rotating`) and, once every snapshot lies under the new one
only, that it is done (`data_key_rotated`): key ids and digests, never a key. From then on no other key is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from migration.domain.errors import ConfigurationError, CouldNotCheck
from migration.domain.findings import Finding
from migration.domain.ports import Journal
from migration.domain.values import Event
from migration.stages.house import Tell

ROTATING: Final = "data_key_rotating"
ROTATED: Final = "data_key_rotated"


class Keys(Protocol):
    """The data keys and what lies under them; key ids only."""

    def held(self) -> AbstractContextManager[None]:
        """Keep others out."""
        ...

    @property
    def present(self) -> str:
        """The key in use."""
        ...

    def coming(self) -> str:
        """The key that comes."""
        ...

    def copy(self) -> Mapping[str, Mapping[str, str]]:
        """Write everything under the coming key, too: snapshot -> file -> SHA-256."""
        ...

    def switch(self) -> None:
        """Take the coming key into use."""
        ...

    def sweep(self) -> tuple[str, ...]:
        """Remove what lies under other keys; snapshots of which no copy verifies under the key in use."""
        ...


def rotate(journal: Journal, keys: Keys, name: str, reach: Tell) -> dict[str, Any]:
    """Bring everything under a new data key; what `data_key_rotated` says.

    ConfigurationError: DATA_KEY_NOT_CURRENT, DATA_KEY_RETIRED (it was in use before), what `coming` refuses.
    CouldNotCheck(SNAPSHOT_DAMAGED): the cutover's snapshot cannot be read, or was not written under the new key yet and
    the old one is not given.
    """
    with keys.held():
        events = journal.events()
        require_current(events, keys.present)
        under_way = _under_way(events)
        if under_way is None or keys.present != under_way["to"]:
            under_way = _begun(journal, keys, events, under_way, name)
            reach("keys.begun")
        journal.acquire(name)  # a run under way read with the old key: it stops at its next write
        copies = keys.copy()
        _require_snapshot(journal, copies)
        reach("keys.copied")
        if keys.present != under_way["to"]:
            keys.switch()
        reach("keys.switched")
        left = keys.sweep()
        reach("keys.swept")
        done = {**under_way, "snapshots": copies, "unreadable": list(left)}
        journal.note(name, ROTATED, done)
        return done


def require_current(events: Sequence[Event], key_id: str) -> None:
    """ConfigurationError(DATA_KEY_NOT_CURRENT) when the journal knows that another data key is in use."""
    done = [event for event in events if event.kind == ROTATED]
    under_way = _under_way(events)
    wanted = {str(done[-1].payload["to"])} if done else set()
    if under_way is not None:
        wanted = {str(under_way["from"]), str(under_way["to"])}
    if wanted and key_id not in wanted:
        raise ConfigurationError.of(
            "DATA_KEY_NOT_CURRENT",
            f"data key {key_id}",
            f"is not in use (any more); the journal names {' or '.join(sorted(wanted))}",
            "give that one; an old key is good for old backups only",
        )


def _begun(
    journal: Journal, keys: Keys, events: Sequence[Event], under_way: Mapping[str, object] | None, name: str
) -> Mapping[str, object]:
    """Tell the journal what is about to be done, unless it knows."""
    intent = {"from": keys.present, "to": keys.coming()}
    if intent["to"] in {event.payload["from"] for event in events if event.kind == ROTATED}:
        detail = "was in use before and was given up"
        raise ConfigurationError.of("DATA_KEY_RETIRED", f"data key {intent['to']}", detail, "give another one")
    if intent != under_way:
        journal.note(name, ROTATING, intent)
    return intent


def _under_way(events: Sequence[Event]) -> Mapping[str, object] | None:
    """The change that was begun and is not done."""
    last = [event for event in events if event.kind in {ROTATING, ROTATED}][-1:]
    return last[0].payload if last and last[0].kind == ROTATING else None


def _require_snapshot(journal: Journal, copies: Mapping[str, object]) -> None:
    snapshot = journal.snapshot()
    if snapshot is not None and snapshot.digest not in copies:
        raise CouldNotCheck(
            Finding(
                "SNAPSHOT_DAMAGED",
                f"snapshots/{snapshot.digest}",
                "it cannot be read under the data key given; nothing was switched",
                "give the key it was written with (and the new one as CUTOVER_DATA_KEY_NEW), or restore it",
            )
        )
