"""The run's verbs: beginning, the fencing token, snapshots, corrections, events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from migration.domain.errors import CutoverError, GateClosed
from migration.domain.tables import CORRECTIONS
from migration.domain.values import Event, Snapshot
from migration.journal import chain, copying, rules
from migration.journal.sqlfiles import query, source
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from migration.domain.findings import Finding
    from migration.journal.database import Payload, Tx

GIVEN = ("user_id", "field", "old", "new", "reason", "by")


class RunVerbs(Verbs):
    """begin, acquire, snapshots, corrections, note, events, verify."""

    def begin(self, cutover_id: str, kind: str) -> None:
        """Create the cutover's row if it is missing. ConfigurationError(CUTOVER_KIND) when it has another kind."""
        self._no = self._db.begin(cutover_id, kind)
        self._id = cutover_id

    def acquire(self, actor: str) -> int:
        """Take over: a new fencing token (R5), higher than any before."""
        actor = rules.person(actor, "journal")

        def body(tx: Tx) -> Payload:
            fence = tx.connection.execute(query("take_fence"), {**tx.own, "actor": actor}).scalar_one()
            return {"fence": fence}

        written = self._db.write(self._cutover, "acquired", body, actor=actor)
        return int(str((written or {})["fence"]))

    def record_snapshot(self, fence: int, snapshot: Snapshot) -> None:
        """Make this the current snapshot; the current digest again is a no-op.

        GateClosed(SNAPSHOT_FROZEN) for another one once preflight is done.
        """

        def body(tx: Tx) -> Payload | None:
            current = tx.connection.execute(query("latest_snapshot"), tx.own).one_or_none()
            if current is not None and current.digest == snapshot.digest:
                return None
            if current is not None and tx.connection.execute(query("frozen"), tx.own).scalar_one():
                raise frozen()
            row = {
                "seq": 1 if current is None else current.seq + 1,
                "digest": snapshot.digest,
                "entity_digests": json.dumps(dict(snapshot.entity_digests)),
                "counts": json.dumps(dict(snapshot.counts)),
                "issues": snapshot.issues,
                "taken_at": snapshot.taken_at,
            }
            tx.connection.execute(query("insert_snapshot"), {**tx.own, **row})
            tx.touch("snapshot")
            return {"digest": snapshot.digest, "counts": snapshot.counts, "issues": snapshot.issues}

        self._db.write(self._cutover, "snapshot_recorded", body, fence=fence)

    def snapshot(self) -> Snapshot | None:
        """Return the current snapshot."""
        row = self._db.read(lambda c: c.execute(query("latest_snapshot"), self._own).one_or_none())
        if row is None:
            return None
        return Snapshot(row.digest, row.entity_digests, row.counts, row.issues, row.taken_at)

    def add_corrections(self, rows: pa.Table, importer: str) -> int:
        """Append corrections, all or none; `seq` goes on from the last one. Returns how many."""
        importer = rules.person(importer, "corrections")
        if rows.num_rows == 0:
            return 0
        table = rows.select(GIVEN).cast(pa.schema([CORRECTIONS.field(name) for name in GIVEN]))
        rules.check_fields(table["field"].to_pylist())
        numbered = table.append_column("row_no", pa.array(range(1, table.num_rows + 1), pa.int64()))

        def body(tx: Tx) -> Payload:
            copying.stage(tx.connection, numbered, "incoming")
            last = tx.connection.execute(query("last_correction"), tx.own).scalar_one()
            given = {**tx.own, "last": last, "importer": importer, "at": tx.at}
            tx.connection.execute(query("insert_corrections"), given)
            tx.touch("correction")
            return corrections_payload(table, last + 1, importer)

        self._db.write(self._cutover, "corrections_added", body, actor=importer)
        return int(table.num_rows)

    def corrections(self) -> pa.Table:
        """All corrections, in order (CORRECTIONS)."""
        return self._db.read(lambda c: copying.fetch(c, source("corrections"), self._own, CORRECTIONS))

    def note(self, actor: str, kind: str, payload: Mapping[str, object]) -> None:
        """Append an event. ValueError on a payload that is no plain JSON, floats among it."""
        chain.canonical(payload)
        self._db.write(self._cutover, kind, lambda _: payload, actor=actor)

    def events(self) -> tuple[Event, ...]:
        """Return the whole chain."""
        rows = self._db.read(lambda c: c.execute(query("events"), self._own).all())
        return tuple(_event(row) for row in rows)

    def head(self) -> str:
        """Return the digest of the chain's last event."""
        return str(self._db.read(lambda c: c.execute(query("head"), self._own).one().head_digest))

    def verify(self) -> tuple[Finding, ...]:
        """Recompute the hash chain, streaming; empty when it holds."""

        def body(connection: Connection) -> tuple[Finding, ...]:
            head = connection.execute(query("head"), self._own).one()
            rows = connection.execution_options(stream_results=True, max_row_buffer=1000).execute(
                query("events"), self._own
            )
            return chain.check(((_event(row), row.payload) for row in rows), head.head_seq, head.head_digest)

        return self._db.read(body)


def frozen() -> CutoverError:
    """Build the error of a snapshot that comes after preflight has passed (H28)."""
    detail = "preflight is done; another snapshot cannot replace it"
    return GateClosed.of("SNAPSHOT_FROZEN", "snapshot", detail)


def corrections_payload(rows: pa.Table, first: int, importer: str) -> Payload:
    """Return what the chain says of corrections: whose and which field, never the values."""
    pairs = zip(rows["user_id"].to_pylist(), rows["field"].to_pylist(), strict=True)
    return {
        "importer": importer,
        "first": first,
        "rows": rows.num_rows,
        "fields": [[user, field] for user, field in pairs],
    }


def _event(row: Row[tuple[object, ...]]) -> Event:
    return Event(row.seq, row.at, row.actor, row.kind, json.loads(row.payload), row.previous, row.digest)
