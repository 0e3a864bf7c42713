"""Roots: at every gate, a Merkle root over the chain so far, signed, as one line of canonical JSON.

    {"at", "counts", "cutover", "gate", "gate_digest", "head", "key", "kind", "n", "previous", "root", "signature", "size"}

`size` events are covered; `head` is the digest of the last of them; `previous` is the SHA-256 of the line before (64 zeros
for the first); `signature` is Ed25519 over the same JSON without it. The line itself is an event of the chain (`root`), so
that the file of roots can be compared with the chain, and the chain with the file.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from migration.journal import chain, merkle
from migration.journal.sqlfiles import query
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migration.journal.database import Payload, Tx
    from migration.journal.keys import EvidenceKey


class RootVerbs(Verbs):
    """add_root, root_lines, accept_roots, accepted_key."""

    def add_root(self, fence: int | None, gate: str, gate_digest: str, key: EvidenceKey) -> None:
        """Seal what has happened so far under a signed root. Nothing happened since the last one: a no-op.

        Without a fence nothing is risked: a root says what stands there, whoever asks for it.
        """

        def body(tx: Tx) -> Payload | None:
            head = tx.connection.execute(query("head"), tx.own).one()
            found = tx.connection.execute(query("last_root"), tx.own).one_or_none()
            before: Mapping[str, Any] = {} if found is None else json.loads(found.payload)
            if found is not None and found.seq == head.head_seq:
                return None
            size = int(before.get("size", 0))
            new = tx.connection.execute(query("digests_after"), {**tx.own, "size": size}).scalars().all()
            peaks, size = merkle.grown(before.get("peaks", []), size, new)
            record = {
                **_about(tx, self._id, before),
                "gate": gate,
                "gate_digest": gate_digest,
                "head": head.head_digest,
                "key": key.name,
                "root": merkle.root(peaks),
                "size": size,
            }
            return {"line": _signed(record, key), "peaks": peaks, "size": size, "n": record["n"]}

        self._db.write(self._cutover, "root", body, fence=fence)

    def root_lines(self) -> tuple[str, ...]:
        """Return the signed lines as the chain has them, oldest first."""
        rows = self._db.read(lambda c: c.execute(query("roots"), self._own).scalars().all())
        return tuple(json.loads(row)["line"] for row in rows)

    def accept_roots(self, actor: str, reason: str, key: str) -> None:
        """Note that somebody had the file of roots written anew, or took another key into use."""
        self._db.write(self._cutover, "roots_restored", lambda _: {"key": key, "reason": reason}, actor=actor)

    def accepted_key(self) -> str | None:
        """Return the name of the key that was last accepted in place of another."""
        row = self._db.read(lambda c: c.execute(query("keys_accepted"), self._own).scalar_one_or_none())
        return None if row is None else str(json.loads(row)["key"])


def _about(tx: Tx, cutover_id: str, before: Mapping[str, Any]) -> dict[str, object]:
    counts = dict(tx.connection.execute(query("root_counts"), tx.own).one()._mapping)  # noqa: SLF001 - its public name
    line = before.get("line")
    return {
        "at": chain.instant(tx.at),
        "counts": counts,
        "cutover": cutover_id,
        "kind": tx.kind,
        "n": int(before.get("n", 0)) + 1,
        "previous": chain.GENESIS if line is None else hashlib.sha256(line.encode()).hexdigest(),
    }


def _signed(record: Mapping[str, object], key: EvidenceKey) -> str:
    signature = key.sign(chain.canonical(record).encode())
    return chain.canonical({**record, "signature": signature})
