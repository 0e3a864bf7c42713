"""The days reconciled after the cutover, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from migration.domain.daily import BALANCES, MOVEMENTS
from migration.journal.days import TABLES, check_same, payload
from migration.journal.memory.state import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from migration.domain.values import ReconciledDay


class MemoryDays(Memory):
    """record_day, days, balances, named_movements, day_rows."""

    def record_day(self, fence: int, day: ReconciledDay, rows: Mapping[str, pa.Table]) -> None:
        """Take a day in, once."""

        def body(_: datetime) -> Mapping[str, object] | None:
            held = self._now.days
            if day.day in held:
                check_same(held[day.day][0], day)
                return None
            held[day.day] = (day, {kind: rows[kind].cast(schema) for kind, schema in TABLES.items()})
            return payload(day, rows)

        self._write("day_imported", body, fence=fence)

    def days(self) -> tuple[ReconciledDay, ...]:
        """Every day taken in, in order."""
        return tuple(self._now.days[day][0] for day in sorted(self._now.days))

    def balances(self, before: date) -> pa.Table:
        """BALANCES of every account as the days before left it."""
        found: dict[str, int] = {}
        for table in self._earlier(before, "balance"):
            found |= dict(zip(table["account"].to_pylist(), table["balance_fen"].to_pylist(), strict=True))
        rows = [{"account": account, "balance_fen": found[account]} for account in sorted(found, key=str.encode)]
        return pa.Table.from_pylist(rows, schema=BALANCES)

    def named_movements(self, before: date, names: Sequence[str]) -> pa.Table:
        """MOVEMENTS of earlier days that are, or take back, `account|number`."""
        every = [row for table in self._earlier(before, "movement") for row in table.to_pylist()]
        wanted = set(names)
        chosen = [r for r in every if wanted & {f"{r['account']}|{r['tranno']}", f"{r['account']}|{r['reverses']}"}]
        return pa.Table.from_pylist(chosen, schema=MOVEMENTS)

    def day_rows(self, day: date, kind: str) -> pa.Table:
        """Return a day's rows of a kind."""
        return self._now.days[day][1][kind] if day in self._now.days else TABLES[kind].empty_table()

    def _earlier(self, before: date, kind: str) -> list[pa.Table]:
        return [self._now.days[day][1][kind] for day in sorted(self._now.days) if day < before]
