"""Where corruptions are planted: sound rows, each used by one plant of a wave, with persons and listings kept apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from migration.verification.evidence import Evidence, Exchanged
from migration.verification.readers import Spoil
from migration.verification.workbench import Workbench

CANDIDATES: Final = 2_000
"""So many rows of a kind are looked at for free ones."""

Row = dict[str, Any]
OF_DEBT: Final = ("debt_id", "listing_id", "holder_user_id")


@dataclass(slots=True)
class Planted:
    """One corruption in the making: changes of the claim, changed files, and what must come up."""

    changes: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    files: list[Exchanged] = field(default_factory=list)
    expected: dict[str, set[str]] = field(default_factory=dict)

    def expect(self, check: str, *keys: str) -> None:
        """The check must name these keys."""
        self.expected.setdefault(check, set()).update(keys)

    def sums(self, rows: Iterable[Row], deltas: Iterable[tuple[int, int, int]]) -> None:
        """Expect the sums by person and listing where the changes of (principal, interest, bonus) do not cancel."""
        for check, column in (("sums.persons", "holder_user_id"), ("sums.listings", "listing_id")):
            net: dict[str, list[int]] = {}
            for row, delta in zip(rows, deltas, strict=True):
                total = net.setdefault(row[column], [0, 0, 0])
                total[:] = [a + b for a, b in zip(total, delta, strict=True)]
            for key, total in net.items():
                if any(total):
                    self.expect(check, key)


class Ground:
    """Where corruptions are planted: rows that are sound, each used once in a wave, with persons and listings apart."""

    def __init__(self, bench: Workbench, evidence: Evidence, spoilt: set[str]) -> None:
        self._bench, self._evidence = bench, evidence
        self._used: set[object] = set(spoilt)
        self._debts: dict[tuple[str, str], list[Row]] = {}

    def rows(self, sql: str) -> list[Row]:
        """Candidates of a kind."""
        return self._bench.rows(f"{sql} LIMIT {CANDIDATES}")

    def debts(self, order: str = "debt_id", where: str = "true") -> list[Row]:
        """Registered debts with the file record they came from, in an order that brings together what is looked for."""
        if (order, where) not in self._debts:
            self._debts[order, where] = self.rows(f"""
                SELECT c.debt_id, c.listing_id, c.legacy_lender_id, c.holder_user_id, c.holder_account, c.principal_fen,
                       c.interest_fen, c.authcode, a.batch, a.record AS answer, q.record
                FROM c_debts c JOIN booked a ON a.key = c.debt_id
                JOIN debt_requests q ON q.batch = a.batch AND q.key = c.debt_id
                WHERE c.disposition = 'registered' AND {where} ORDER BY c.{order}, c.debt_id""")
        return self._debts[order, where]

    def free(self, *names: object) -> bool:
        """Whether none of these is spoilt or used."""
        return not self._used.intersection(names)

    def use(self, *names: object) -> None:
        """No other plant of this wave touches these."""
        self._used.update(names)

    def one(self, rows: Iterable[Row], *columns: str, fits: Callable[[Row], bool] = lambda _: True) -> Row | None:
        """The first free row; its `columns` are used up."""
        for row in rows:
            names = [row[column] for column in columns]
            if self.free(*names) and fits(row):
                self.use(*names)
                return row
        return None

    def debt(self, fits: Callable[[Row], bool] = lambda _: True) -> Row | None:
        """A free registered debt."""
        return self.one(self.debts(), *OF_DEBT, fits=fits)

    def pair(self, fits: Callable[[Row, Row], bool], order: str = "listing_id") -> tuple[Row, Row] | None:
        """Two free registered debts that fit each other, neighbours in an order."""
        free = [row for row in self.debts(order) if self.free(*(row[column] for column in OF_DEBT))]
        for first, second in itertools.pairwise(free):
            if fits(first, second):
                self.use(*(row[column] for row in (first, second) for column in OF_DEBT))
                return first, second
        return None

    def edited(self, name: str, record: int, how: Spoil) -> Exchanged:
        """The batch with one record of its request spoilt (readers.Spoil); file by file only one plant."""
        batch = next(b for b in self._evidence.exchanged if b.name == name)
        spoilt = self._bench.reader.spoilt(how, batch.request(), record)
        return replace(batch, request=lambda: spoilt)
