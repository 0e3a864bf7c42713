"""The hash chain of events: canonical JSON, links, and the check of a whole chain. Pure; used by both journals.

    digest = SHA-256 hex( previous digest + canonical JSON of {"actor", "at", "kind", "payload", "seq"} )

Canonical JSON: keys sorted, no blanks, UTF-8 as is. `at` is ISO 8601 in UTC with microseconds. The first event's
`previous` is 64 zeros. An auditor's verifier needs nothing but this paragraph and the standard library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from migration.domain.findings import Finding
from migration.domain.values import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

GENESIS: Final = "0" * 64
FINDINGS: Final = 20
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> str:
    """Canonical JSON. Dates become ISO text; ValueError for floats (money is never one) and for anything else."""
    return _CANONICAL.encode(_plain(value))


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int):  # bool is an int
        return value
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(part) for part in value]
    raise ValueError(f"an event's payload cannot hold a {type(value).__name__}")


def instant(at: datetime) -> str:
    """Return an aware instant as it is hashed: ISO 8601, UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def link_digest(previous: str, seq: int, at: datetime, actor: str, kind: str, payload: str) -> str:
    """Return the digest of a link, from the payload's canonical text."""
    fields = {"actor": actor, "at": instant(at), "kind": kind, "seq": seq}
    head = _CANONICAL.encode(fields)
    # "payload" sorts between "kind" and "seq": put the text in its place without parsing it again
    before, after = head.rsplit(',"seq":', 1)
    return hashlib.sha256(f'{previous}{before},"payload":{payload},"seq":{after}'.encode()).hexdigest()


def link(previous: str, seq: int, at: datetime, actor: str, kind: str, payload: str) -> Event:
    """Return the next event of a chain."""
    digest = link_digest(previous, seq, at, actor, kind, payload)
    return Event(seq, at.astimezone(UTC), actor, kind, json.loads(payload), previous, digest)


def check(events: Iterable[tuple[Event, str]], head_seq: int, head_digest: str) -> tuple[Finding, ...]:
    """Recompute a chain of (event, payload text) in order against its recorded head; empty when it holds.

    CHAIN_GAP (a number missing), CHAIN_LINK (does not point at the one before), CHAIN_DIGEST (content changed),
    CHAIN_HEAD (events missing at the end).
    """
    found: list[Finding] = []
    seq, previous = 0, GENESIS
    for event, payload in events:
        subject = f"events/{event.seq}"
        if event.seq != seq + 1:
            found.append(Finding("CHAIN_GAP", subject, f"follows event {seq}"))
        if event.previous != previous:
            found.append(Finding("CHAIN_LINK", subject, "does not carry the digest of the event before"))
        if event.digest != link_digest(event.previous, event.seq, event.at, event.actor, event.kind, payload):
            found.append(Finding("CHAIN_DIGEST", subject, "its content is not what was hashed"))
        seq, previous = event.seq, event.digest
        if len(found) >= FINDINGS:
            return tuple(found)
    if (seq, previous) != (head_seq, head_digest):
        found.append(Finding("CHAIN_HEAD", f"events/{seq}", f"the chain's recorded end is event {head_seq}"))
    return tuple(found)
