"""Batches and items: plan, withdraw, seal, deliver, quarantine, apply; and reading them back."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from migration.domain.errors import GateClosed
from migration.domain.tables import ANSWERS
from migration.domain.values import Batch
from migration.journal import copying, itemrows, payloads, rules
from migration.journal.approvals import gate_of
from migration.journal.sqlfiles import query, source
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pyarrow as pa
    from sqlalchemy import Connection, Row

    from migration.domain.findings import Finding
    from migration.domain.values import BatchPlan
    from migration.journal.database import Payload, Tx

FIELDS: Final = tuple(f.name for f in fields(Batch))


class BatchVerbs(Verbs):
    """plan, withdraw, seal, mark_delivered, mark_quarantined, apply, batches, request, result, items."""

    def plan(self, fence: int, plans: Sequence[BatchPlan], business_date: date, gate: str) -> tuple[Batch, ...]:
        """Draw the next numbers of the date's counter and write the batches and their items in one transaction.

        GateClosed(ITEM_ALREADY_SENT) when an item is in another batch, of unknown outcome or done.
        """
        if not plans:
            return ()

        def body(tx: Tx) -> Payload:
            here = {**tx.own, "business_date": business_date}
            last = int(tx.connection.execute(query("last_number"), here).scalar_one())
            rules.check_number(last + len(plans), f"batches/{business_date.isoformat()}")
            for number, planned in enumerate(plans, last + 1):
                row = {**here, **plan_fields(planned), "batch_no": f"{number:06d}", "gate": gate}
                no = tx.connection.execute(query("insert_batch"), row).scalar_one()
                copying.load(tx.connection, itemrows.to_store(planned, tx.cutover, no), "journal.item")
                tx.touch_batch(no, business_date, f"{number:06d}", "batch", "item")
            return payloads.planned(plans, business_date, last + 1, gate)

        written = self._db.write(self._cutover, "planned", body, fence=fence) or {}
        first = int(str(written["first"]))
        numbers = {f"{number:06d}" for number in range(first, first + len(plans))}
        return tuple(b for b in self.batches() if b.business_date == business_date and b.batch_no in numbers)

    def withdraw(self, fence: int, batches: Sequence[Batch]) -> None:
        """Take back undelivered batches, which must be the last drawn of their date: their numbers are drawn again.

        GateClosed: BATCH_DELIVERED, BATCH_NOT_LAST. Batches that are gone already are passed over.
        """

        def body(tx: Tx) -> Payload | None:
            present = [row for row in (_find(tx.connection, tx.cutover, b) for b in batches) if row is not None]
            found = sorted(present, key=lambda row: (row.business_date, row.batch_no), reverse=True)
            for row in found:
                here = {**tx.own, "business_date": row.business_date}
                last = tx.connection.execute(query("last_number"), here).scalar_one()
                check_withdrawal(batch_of(row), last)
                tx.connection.execute(query("delete_items"), {"no": row.no})
                tx.connection.execute(query("delete_batch"), {"no": row.no})
                tx.touch_batch(row.no, row.business_date, row.batch_no, "batch", "item")
            return payloads.withdrawn([batch_of(row) for row in found]) if found else None

        self._db.write(self._cutover, "withdrawn", body, fence=fence)

    def seal(self, fence: int, batch: Batch, request_name: str, content: bytes) -> Batch:
        """Write-ahead intent (R3): name, bytes and SHA-256 are committed before the first byte leaves.

        The same again is a no-op; other bytes or another name: GateClosed(SEAL_CONFLICT).
        """
        digest = rules.sha256(content)

        def body(tx: Tx) -> Payload | None:
            row = one_batch(tx.connection, tx.cutover, batch)
            if not rules.seals(batch_of(row), request_name, digest):
                return None
            keep_content(tx, row.no, "request", content, digest)
            update = {"no": row.no, "name": request_name, "sha256": digest, "bytes": len(content)}
            tx.connection.execute(query("seal_batch"), update)
            tx.touch_batch(row.no, row.business_date, row.batch_no, "batch")
            return payloads.sealed(batch, request_name, digest, len(content))

        self._db.write(self._cutover, "sealed", body, fence=fence)
        return self._again(batch)

    def mark_delivered(self, fence: int, batch: Batch, digest: str) -> Batch:
        """Record that the request stands at the bank under its final name.

        R7: its gate must have approved this digest, else GateClosed(GATE_NOT_APPROVED).

        A batch's `gate` is the gate's name, or the name, `#` and a word that tells its sets apart.
        """

        def body(tx: Tx) -> Payload | None:
            row = one_batch(tx.connection, tx.cutover, batch)
            gate = gate_of(tx.connection, tx.cutover, row.gate.split("#")[0], digest)
            if not rules.delivers(batch_of(row), digest, gate):
                return None
            tx.connection.execute(query("deliver_batch"), {"no": row.no, "at": tx.at, "digest": digest})
            tx.touch_batch(row.no, row.business_date, row.batch_no, "batch")
            return payloads.delivered(batch_of(row), digest)

        self._db.write(self._cutover, "delivered", body, fence=fence)
        return self._again(batch)

    def mark_quarantined(self, fence: int, batch: Batch, result_sha256: str, reasons: Sequence[Finding]) -> Batch:
        """Record that a result was refused as a whole; a batch with an applied result keeps its state.

        The same content again is a no-op.
        """

        def body(tx: Tx) -> Payload | None:
            row = one_batch(tx.connection, tx.cutover, batch)
            if row.state in rules.UNDELIVERED:
                raise rules.wrong_state(batch_of(row), "delivered")
            if row.quarantined_sha256 == result_sha256:
                return None
            tx.connection.execute(query("quarantine_batch"), {"no": row.no, "sha256": result_sha256})
            tx.touch_batch(row.no, row.business_date, row.batch_no, "batch")
            return payloads.quarantined(batch, result_sha256, reasons)

        self._db.write(self._cutover, "quarantined", body, fence=fence)
        return self._again(batch)

    def apply(self, fence: int, batch: Batch, result_name: str, content: bytes, answers: pa.Table) -> Batch:
        """Apply a whole accepted result in one transaction; `applied`, or `unknown` if any answer is.

        GateClosed: RESULT_CONTRADICTS, ANSWERS_INCOMPLETE, ACCOUNT_TAKEN, AUTHCODE_TAKEN, BATCH_STATE.
        """
        digest = rules.sha256(content)
        incoming = answers.select(ANSWERS.names).cast(ANSWERS)

        def body(tx: Tx) -> Payload | None:
            row = one_batch(tx.connection, tx.cutover, batch)
            if not rules.applies(batch_of(row), digest):
                return None
            copying.stage(tx.connection, incoming, "incoming")
            answered = tx.connection.execute(query("apply_answers"), {"no": row.no}).rowcount
            if answered != row.rows or incoming.num_rows != row.rows:
                raise rules.answers_incomplete(batch)
            outcomes = payloads.count(incoming["outcome"])
            state = "unknown" if outcomes.get("unknown") else "applied"
            keep_content(tx, row.no, "result", content, digest)
            update = {"no": row.no, "state": state, "name": result_name, "sha256": digest}
            tx.connection.execute(query("apply_batch"), update)
            tx.touch_batch(row.no, row.business_date, row.batch_no, "batch", "item")
            return payloads.applied(batch, result_name, digest, state, outcomes)

        self._db.write(self._cutover, "applied", body, fence=fence)
        return self._again(batch)

    def batches(self) -> tuple[Batch, ...]:
        """All batches, by business date and number."""
        rows = self._db.read(lambda c: c.execute(query("batches"), self._own).all())
        return tuple(batch_of(row) for row in rows)

    def request(self, batch: Batch) -> bytes:
        """Return the sealed bytes; empty when it is not sealed."""
        return self._content(batch, "request")

    def result(self, batch: Batch) -> bytes:
        """Return the applied result's bytes; empty when none was applied."""
        return self._content(batch, "result")

    def items(self, entity: str) -> pa.Table:
        """Every attempt of every item of an entity (ITEMS), by business date, batch and record."""

        def body(connection: Connection) -> pa.Table:
            stored = copying.fetch(connection, source("items"), {**self._own, "entity": entity}, itemrows.STORED)
            drawn = copying.fetch(connection, source("batch_columns"), self._own, itemrows.BATCH_COLUMNS)
            return itemrows.joined(stored, drawn)

        return self._db.read(body)

    def _content(self, batch: Batch, side: str) -> bytes:
        wanted = {**self._own, "business_date": batch.business_date, "batch_no": batch.batch_no, "side": side}
        found = self._db.read(lambda c: c.execute(query("content"), wanted).scalar_one_or_none())
        return b"" if found is None else bytes(found)

    def _again(self, batch: Batch) -> Batch:
        return batch_of(self._db.read(lambda c: one_batch(c, self._cutover, batch)))


def plan_fields(planned: BatchPlan) -> dict[str, object]:
    """Return a plan's columns in the batch it becomes."""
    names = ("stage", "round", "kind", "sample", "part", "sum_fen")
    return {"rows": planned.items.num_rows, **{name: getattr(planned, name) for name in names}}


def check_withdrawal(batch: Batch, last: str) -> None:
    """GateClosed when the batch was delivered, or is not the last drawn of its date."""
    if batch.state not in rules.UNDELIVERED:
        raise GateClosed.of("BATCH_DELIVERED", rules.label(batch), f"is {batch.state}; it cannot be taken back")
    if batch.batch_no != last:
        raise GateClosed.of(
            "BATCH_NOT_LAST", rules.label(batch), f"only the last number drawn ({last}) can be given back"
        )


def batch_of(row: Row[tuple[object, ...]]) -> Batch:
    """Return a batch from a row that has its columns."""
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Batch(**{name: values[name] for name in FIELDS})


def _find(connection: Connection, cutover: int, batch: Batch) -> Row[tuple[object, ...]] | None:
    wanted = {"cutover": cutover, "business_date": batch.business_date, "batch_no": batch.batch_no}
    return connection.execute(query("batch"), wanted).one_or_none()


def one_batch(connection: Connection, cutover: int, batch: Batch) -> Row[tuple[object, ...]]:
    """Return the batch's row; GateClosed(BATCH_UNKNOWN) when there is none."""
    row = _find(connection, cutover, batch)
    if row is None:
        raise rules.unknown_batch(batch)
    return row


def keep_content(tx: Tx, no: int, side: str, content: bytes, digest: str) -> None:
    """Write the bytes of a request or result."""
    row = {"no": no, "side": side, "content": content, "sha256": digest}
    tx.connection.execute(query("insert_content"), row)
