"""Destruction of what is personal in the journal: destroyable, begin_destruction, destroy_contents.

The record comes first. The bytes of files, the bank's replies and the values of corrections go; digests, commitments,
events and roots stay, so the chain and every witnessed row verify as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from migration.domain.retention import BEGUN
from migration.journal import rules
from migration.journal.sqlfiles import query
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migration.journal.database import Payload, Tx

JOURNAL_EMPTIED: Final = "journal_emptied"
EMPTIED: Final = ("contents", "inquiries", "corrections")
TABLES: Final = ("batch_content", "inquiry", "correction")


class DestructionVerbs(Verbs):
    """destroyable, begin_destruction, destroy_contents."""

    def destroyable(self) -> Mapping[str, int]:
        """How many contents of files, replies of the bank and corrections hold personal values."""
        row = self._db.read(lambda c: c.execute(query("destroyable"), self._own).one())
        return {name: int(getattr(row, name)) for name in EMPTIED}

    def begin_destruction(self, name: str, record: Mapping[str, object]) -> None:
        """Record what is about to be destroyed. GateClosed: GATE_NOT_APPROVED, RETENTION_RUNNING."""
        name = rules.person(name, "destroy")
        self._db.write(self._cutover, BEGUN, lambda _: record, actor=name)

    def destroy_contents(self, name: str) -> None:
        """Take the personal values out of the journal, in one transaction; again: a no-op."""

        def body(tx: Tx) -> Payload | None:
            counts = {each: tx.connection.execute(query(f"destroy_{each}"), tx.own).rowcount for each in EMPTIED}
            if not any(counts.values()):
                return None
            tx.touch("correction")
            return counts

        self._db.write(self._cutover, JOURNAL_EMPTIED, body, actor=rules.person(name, "destroy"))
        self._db.compact(TABLES)
