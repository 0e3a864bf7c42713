"""The days reconciled after the cutover: one transaction a day, never changed afterwards."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from migration.domain.daily import BALANCES, MOVEMENTS
from migration.domain.errors import GateClosed
from migration.domain.values import ReconciledDay
from migration.journal import copying
from migration.journal.sqlfiles import query, source
from migration.journal.verbs import Verbs
from migration.journal.witness import DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from migration.journal.database import Payload, Tx

ERRORS: Final = pa.schema(
    [
        ("file", pa.string()),
        ("record", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("why", pa.string()),
    ]
)
TOLD: Final = pa.schema([("code", pa.string()), ("subject", pa.string()), ("detail", pa.string())])
TABLES: Final[dict[str, pa.Schema]] = {"balance": BALANCES, "movement": MOVEMENTS, "error": ERRORS, "difference": TOLD}
"""Kind of a day's rows -> schema."""


class DayVerbs(Verbs):
    """record_day, days, balances, named_movements, day_rows."""

    def record_day(self, fence: int, day: ReconciledDay, rows: Mapping[str, pa.Table]) -> None:
        """Take a day in, once, with its rows (TABLES). GateClosed(DAILY_CONTRADICTS) when it is there with other files."""

        def body(tx: Tx) -> Payload | None:
            here = {**tx.own, **asdict(day), "at": tx.at}
            if tx.connection.execute(query("insert_day"), here).one_or_none() is None:
                check_same(next(known for known in self.days() if known.day == day.day), day)
                return None
            for kind, schema in TABLES.items():
                copying.load(
                    tx.connection, _stored(rows[kind].cast(schema), kind, tx.cutover, day.day), f"journal.day_{kind}"
                )
            tx.touch(*(f"{table}/{day.day.isoformat()}" for table in DAYS))
            return payload(day, rows)

        self._db.write(self._cutover, "day_imported", body, fence=fence)

    def days(self) -> tuple[ReconciledDay, ...]:
        """Every day taken in, in order."""
        found = self._db.read(lambda c: c.execute(query("days"), self._own).all())
        return tuple(ReconciledDay(**row._mapping) for row in found)  # noqa: SLF001 - SQLAlchemy's public name for it

    def balances(self, before: date) -> pa.Table:
        """BALANCES of every account as the days before left it."""
        here = {**self._own, "day": before.isoformat()}
        return self._db.read(lambda c: copying.fetch(c, source("day_balances"), here, BALANCES))

    def named_movements(self, before: date, names: Sequence[str]) -> pa.Table:
        """MOVEMENTS of earlier days that are, or take back, `account|number`."""
        here = {**self._own, "day": before.isoformat(), "names": ",".join(names)}
        return self._db.read(lambda c: copying.fetch(c, source("day_movements"), here, MOVEMENTS))

    def day_rows(self, day: date, kind: str) -> pa.Table:
        """Return a day's `error` or `difference` rows (TABLES)."""
        here = {**self._own, "day": day.isoformat()}
        return self._db.read(lambda c: copying.fetch(c, source(f"day_{kind}s"), here, TABLES[kind]))


def _stored(table: pa.Table, kind: str, cutover: int, day: date) -> pa.Table:
    rows = table.num_rows
    table = table.append_column("cutover", pa.array([cutover] * rows, pa.int32()))
    table = table.append_column("day", pa.array([day] * rows, pa.date32()))
    return table.append_column("no", pa.array(range(1, rows + 1), pa.int64())) if kind == "difference" else table


def check_same(known: ReconciledDay, given: ReconciledDay) -> None:
    """GateClosed(DAILY_CONTRADICTS) unless the day was taken in from these very files."""
    if (known.eve_sha256, known.aleve_sha256) != (given.eve_sha256, given.aleve_sha256):
        raise GateClosed.of(
            "DAILY_CONTRADICTS",
            given.day.isoformat(),
            "the day was taken in from other files under these names",
            "ask the bank which are true; what was taken in stands",
        )


def payload(day: ReconciledDay, rows: Mapping[str, pa.Table]) -> Payload:
    """Tell the event: names, digests and counts."""
    counts = {kind: rows[kind].num_rows for kind in TABLES}
    return {**asdict(day), "day": day.day.isoformat(), **counts}
