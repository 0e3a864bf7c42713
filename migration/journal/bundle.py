"""What an auditor gets: the journal's tables as JSON lines, the signed roots, the public keys, and the verifier.

One consistent view of the database. No names, ID numbers, phones or cards of users: what corrections changed and what people
typed as reasons is there as commitments only; bytes of files stay behind, their digests are there. Account numbers and
authorisation codes are in full: the bank has to find them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from migration.journal import verify_journal, witness
from migration.journal.sqlfiles import query
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from migration.journal.verify_journal import Found


class EvidenceVerbs(Verbs):
    """export_rows, verify_stored, damaged_contents, missing_roles, assign_rights."""

    def export_rows(self, folder: Path) -> None:
        """Write every table as `<folder>/<table>.jsonl`, and the roots as the chain has them."""

        def body(connection: Connection) -> None:
            for name in (*witness.EXPORTED, "roots"):
                with (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
                    file.writelines(f"{line}\n" for line in _stored(connection, self._cutover, name))

        self._db.read(body)

    def verify_stored(self, keys: Sequence[bytes], *, sealed: bool) -> list[Found]:
        """Do what the stand-alone verifier does, on the database; `sealed`: nothing may stand after the last root."""

        def body(connection: Connection) -> list[Found]:
            def read(name: str) -> Iterator[bytes]:
                return (line.encode() for line in _stored(connection, self._cutover, name))

            return verify_journal.Verification(read, keys, sealed=sealed).run()

        return self._db.read(body)

    def damaged_contents(self) -> tuple[str, ...]:
        """Name the kept files whose bytes are not what their batch says: `batches/<date>/<number> request`."""
        rows = self._db.read(lambda c: c.execute(query("damaged_contents"), self._own).all())
        return tuple(f"batches/{row.business_date.isoformat()}/{row.batch_no} {row.side}" for row in rows)

    def missing_roles(self) -> tuple[str, ...]:
        """Name the roles of least privilege that the server does not have."""
        return tuple(self._db.read(lambda c: c.execute(query("missing_roles")).scalars().all()))

    def assign_rights(self) -> tuple[str, ...]:
        """Make the roles and give their rights once more; returns those that could not be made."""
        return self._db.assign_rights()


def _stored(connection: Connection, cutover: int, name: str) -> Iterator[str]:
    if name != "roots":
        yield from witness.exported(connection, cutover, name)
        return
    for payload in connection.execute(query("roots"), {"cutover": cutover}).scalars():
        yield str(json.loads(payload)["line"])
