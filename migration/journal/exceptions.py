"""Exceptions: what stands now, signatures, marks for sending again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from migration.domain.tables import EXCEPTIONS, RESENDS
from migration.journal import copying, rules
from migration.journal.sqlfiles import query, source
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from migration.journal.database import Payload, Tx

CURRENT: Final = pa.schema([EXCEPTIONS.field(name) for name in ("entity", "key", "code", "amount_fen")])


class ExceptionVerbs(Verbs):
    """record_exceptions, exceptions, sign, mark_resend, resends."""

    def record_exceptions(self, fence: int, current: pa.Table) -> None:
        """Take `current` (entity, key, code, amount_fen; rows distinct) as all that stands now.

        New ones open, those gone are `mended`, mended ones that came back open again, signed ones stay.
        Nothing changed: no event.
        """
        rows = current.select(CURRENT.names).cast(CURRENT)

        def body(tx: Tx) -> Payload | None:
            copying.stage(tx.connection, rows, "incoming")
            steps = ("reopen_exceptions", "open_exceptions", "revalue_exceptions", "mend_exceptions")
            reopened, opened, revalued, mended = (tx.connection.execute(query(s), tx.own).rowcount for s in steps)
            if not (reopened or opened or revalued or mended):
                return None
            now = tx.connection.execute(query("count_exceptions"), tx.own).one()
            tx.touch("exception")
            changed = {"opened": opened, "reopened": reopened, "revalued": revalued, "mended": mended}
            return {**changed, "open": now.open, "signed": now.signed}

        self._db.write(self._cutover, "exceptions_recorded", body, fence=fence)

    def exceptions(self) -> pa.Table:
        """All exceptions (EXCEPTIONS), sorted by entity, key, code."""
        return self._db.read(lambda c: copying.fetch(c, source("exceptions"), self._own, EXCEPTIONS))

    def sign(self, ids: Sequence[str], by: str, reason: str) -> None:
        """Sign exceptions, all or none; final. One signed before is passed over.

        A batch of unknown outcome none of whose unknown items is without a signature becomes `applied`.
        InputRefused: NAME_EMPTY, REASON_EMPTY, EXCEPTION_UNKNOWN, EXCEPTION_MENDED.
        """
        by, reason = rules.person(by, "exceptions"), rules.reason_given(reason, "exceptions")

        def body(tx: Tx) -> Payload | None:
            known = _named(tx, ids)
            todo = sorted({i for i in ids if rules.check_sign(i, known[i].state if i in known else None)})
            if not todo:
                return None
            tx.connection.execute(query("sign_exceptions"), {**tx.own, "ids": todo})
            given = {**tx.own, "ids": todo, "by": by, "reason": reason, "at": tx.at}
            tx.connection.execute(query("insert_signatures"), given)
            released = tx.connection.execute(query("release_batches"), tx.own).all()
            tx.touch("exception", "signature")
            for row in released:
                tx.touch_batch(row.no, row.business_date, row.batch_no, "batch")
            freed = sorted(f"batches/{row.business_date.isoformat()}/{row.batch_no}" for row in released)
            return {"ids": todo, "by": by, "released": freed}

        self._db.write(self._cutover, "signed", body, actor=by)

    def mark_resend(self, ids: Sequence[str], by: str, reason: str) -> None:
        """Mark refused listings or debts for the next round, all or none; each mark answers the latest attempt.

        One marked before is passed over. InputRefused: EXCEPTION_UNKNOWN, SIGNED_FINAL, EXCEPTION_MENDED,
        RESEND_NOT_POSSIBLE.
        """
        by, reason = rules.person(by, "exceptions"), rules.reason_given(reason, "exceptions")

        def body(tx: Tx) -> Payload | None:
            known = _named(tx, ids)
            for wanted in ids:
                row = known.get(wanted)
                if row is None:
                    rules.check_resend(wanted, None, "", "", None)
                else:
                    rules.check_resend(wanted, row.state, row.entity, row.code, row.latest)
            marked = [i for i in sorted(set(ids)) if _mark(tx, known[i], by, reason)]
            tx.touch("resend")
            return {"ids": marked, "by": by} if marked else None

        self._db.write(self._cutover, "resend_marked", body, actor=by)

    def resends(self) -> pa.Table:
        """Return the marks so far (RESENDS), in the order they were given."""
        return self._db.read(lambda c: copying.fetch(c, source("resends"), self._own, RESENDS))


def _named(tx: Tx, ids: Sequence[str]) -> dict[str, Row[tuple[object, ...]]]:
    """Return the named exceptions with the state and batch of their item's latest attempt, by id."""
    rows = tx.connection.execute(query("named_exceptions"), {**tx.own, "ids": list(ids)})
    return {row.id: row for row in rows}


def _mark(tx: Tx, row: Row[tuple[object, ...]], by: str, reason: str) -> bool:
    mark = {"exception": row.id, "entity": row.entity, "key": row.key, "after": row.batch}
    given = {**tx.own, **mark, "by": by, "reason": reason, "at": tx.at}
    return tx.connection.execute(query("insert_resend"), given).one_or_none() is not None
