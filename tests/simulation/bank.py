"""The bank of the simulation: the sandbox bank's counters over books in memory; it answers when it is told to, and may lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files as resources
from typing import Any

from migration.bank.memory import MemoryFiles
from migration.sandbox.bank import exchange, faults, names, server
from migration.sandbox.bank.corruptions import spoil
from migration.sandbox.bank.desk import Desk, Profile
from migration.sandbox.bank.ledger import Ledger, SeenFile


class MemoryLedger(Ledger):
    """The bank's books without a disk."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._db.executescript(resources("migration.sandbox.bank").joinpath("schema.sql").read_text("utf-8"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._db.execute(sql))


class SimBank:
    """`work` counts what has come; `answer` puts a result into the exchange, clean or spoilt."""

    def __init__(self, files: MemoryFiles, plan: Mapping[str, Any]) -> None:
        self.files = files
        self.ledger = MemoryLedger()
        self.plan = faults.parse(dict(plan))
        self.days: dict[str, Any] = {}  # request name -> its day, once worked through
        self._results: dict[str, str] = {}  # request name -> the name of its result
        self.told: dict[str, set[str]] = {}  # name of a result -> the SHA-256 of every content it was told with
        self.contradicted: list[str] = []

    def work(self) -> int:
        """Work through every new request, in the order of the batch numbers; returns how many."""
        new = [(day, name) for day, name in self.files.sent if name not in self.days]
        for day, name in sorted(new, key=lambda found: (found[0], names.parse(found[1]).batch)):  # type: ignore[union-attr]
            self._work(name, self.files.sent[day, name])
            self.days[name] = day
        return len(new)

    def _work(self, name: str, content: bytes) -> None:
        request = names.parse(name)
        assert request is not None
        rows, eol = exchange.rows_of(request.exchange.request, content, None)
        with self.ledger.transaction():
            desk = Desk(self.ledger, self.plan, Profile(), request, rows[0])
            counter = server._COUNTERS[request.exchange.kind]
            result = b"".join(counter(desk, n, row).record + eol for n, row in enumerate(rows, start=1))
            self._results[name] = request.result
            seen = SeenFile(name, sha256(content).hexdigest(), server._sort(request, rows[0]), request.result, 0.0)
            self.ledger.add_file(seen, request.exchange.kind, len(rows), result)

    def waiting(self) -> list[str]:
        """Requests worked through whose result does not lie in the exchange, in order."""
        return [n for n, day in self.days.items() if (day, self._results[n]) not in self.files.answers]

    def clean(self, name: str) -> bytes:
        return self.ledger.answer(name)

    def spoilt(self, name: str, how: str, seed: int) -> bytes | None:
        """The answer as this corruption makes it; None when it cannot be had from it."""
        request = names.parse(name)
        assert request is not None
        earlier = self.ledger.earlier_answer(name)
        options = {"how": how, "record": "any"}
        return spoil(request.exchange, self.clean(name), options, seed=seed, name=name, earlier=earlier)

    def answer(self, name: str, content: bytes, age_s: float = 60.0) -> None:
        result = self._results[name]
        self.told.setdefault(result, set()).add(sha256(content).hexdigest())
        self.files.answer(result, self.days[name], content, age_s)
