"""What the bank said when it was asked: resolve, inquiries, message_numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from migration.domain.tables import ANSWERS
from migration.journal import copying, payloads, rules
from migration.journal.batches import BatchVerbs, batch_of, keep_content, one_batch
from migration.journal.sqlfiles import query

if TYPE_CHECKING:
    from migration.domain.values import Batch, Inquired
    from migration.journal.database import Payload, Tx

AT_ONCE: Final = 100
"""Message numbers drawn together (the sequence's increment)."""


class InquiryVerbs(BatchVerbs):
    """resolve, inquiries, message_numbers."""

    def resolve(self, fence: int, batch: Batch, name: str, inquired: Inquired) -> Batch:
        """Record what the bank said when it was asked, with the replies as evidence.

        GateClosed: ANSWERS_INCOMPLETE, ACCOUNT_TAKEN, AUTHCODE_TAKEN, BATCH_STATE (not delivered).
        """
        digests = (rules.sha256(inquired.records), rules.sha256(inquired.replies))
        incoming = inquired.answers.select(ANSWERS.names).cast(ANSWERS)

        def body(tx: Tx) -> Payload | None:
            row = one_batch(tx.connection, tx.cutover, batch)
            awaiting = rules.resolves(batch_of(row))
            if row.state == "applied":
                return None
            seq = 1 + int(tx.connection.execute(query("last_inquiry"), {"no": row.no}).scalar_one())
            copying.stage(tx.connection, incoming, "incoming")
            told = tx.connection.execute(query("resolve_items"), {"no": row.no, "seq": seq}).rowcount
            if awaiting and (told != row.rows or incoming.num_rows != row.rows):
                raise rules.answers_incomplete(batch)
            if not told:
                return None
            _keep(tx, row.no, seq, inquired, digests)
            outcomes = payloads.count(incoming["outcome"])
            if awaiting:
                state = "unknown" if outcomes.get("unknown") else "applied"
                keep_content(tx, row.no, "result", inquired.records, digests[0])
                update = {"no": row.no, "state": state, "name": name, "sha256": digests[0]}
                tx.connection.execute(query("apply_batch"), update)
            for freed in tx.connection.execute(query("release_batches"), tx.own).all():
                tx.touch_batch(freed.no, freed.business_date, freed.batch_no, "batch")
            tx.touch_batch(row.no, row.business_date, row.batch_no, "batch", "item")
            state = one_batch(tx.connection, tx.cutover, batch).state
            return payloads.resolved(batch, name, seq, digests, state, outcomes)

        self._db.write(self._cutover, "resolved", body, fence=fence)
        return self._again(batch)

    def inquiries(self, batch: Batch) -> tuple[tuple[bytes, bytes], ...]:
        """Return records and replies of every inquiry recorded for a batch, oldest first."""
        wanted = {**self._own, "business_date": batch.business_date, "batch_no": batch.batch_no}
        rows = self._db.read(lambda c: c.execute(query("inquiries"), wanted).all())
        return tuple((bytes(row.records), bytes(row.replies)) for row in rows)

    def message_numbers(self) -> range:
        """Draw a hundred numbers; a sequence never gives one twice until it begins again."""
        first = int(self._db.read(lambda c: c.execute(query("message_number")).scalar_one()))
        return range(first, first + AT_ONCE)


def _keep(tx: Tx, no: int, seq: int, inquired: Inquired, digests: tuple[str, str]) -> None:
    row = {
        "no": no,
        "seq": seq,
        "records": inquired.records,
        "replies": inquired.replies,
        "records_sha256": digests[0],
        "replies_sha256": digests[1],
        "at": tx.at,
    }
    tx.connection.execute(query("insert_inquiry"), row)
