"""Planted corruptions: the verifier proves that it can see before it is believed (reliability.md).

Each kind is planted into rows of its own of the claim's copy or of the files' bytes; then every check is asked again. What
comes up beyond the first asking must be exactly what was planted. Kinds that cannot find free rows go into another wave.
Debts and schedules are planted into a window while it is on the table, so that only that window is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from migration.verification import library
from migration.verification.corruptions import CORRUPTIONS, Corruption
from migration.verification.evidence import Evidence, Plant
from migration.verification.ground import Ground, Planted
from migration.verification.library import Failing
from migration.verification.spec import Scope
from migration.verification.workbench import Workbench

SUMMARIES: Final = frozenset({"files.digests", "files.form", "sums.total", "sums.schedules", "balance.equation"})
"""Checks over whole files or everything: several plants change them together, so they prove nothing about one."""
SUMS: Final = frozenset({"sums.persons", "sums.listings"})
"""Checks of what is gathered from all windows of debts."""


Wave = list[tuple[Corruption, Planted]]


class Proof:
    """Plants every kind once, into the first window that has rows for it."""

    def __init__(self, bench: Workbench, evidence: Evidence) -> None:
        self._bench, self._evidence = bench, evidence
        self._found: dict[str, Plant] = {}

    @property
    def plants(self) -> tuple[Plant, ...]:
        """All kinds in their order."""
        kinds = CORRUPTIONS
        return tuple(self._found.get(k.name) or Plant(k.name, k.title_zh, k.title_en, planted=False) for k in kinds)

    def prove(self, scope: Scope, before: Failing) -> None:
        """Plant the kinds of a scope into what is on the table, ask again, compare."""
        while todo := [kind for kind in CORRUPTIONS if kind.scope == scope and kind.name not in self._found]:
            wave = self._plan(todo, before)
            if not wave:
                break
            self._found |= self._ask(scope, before, wave)

    def _plan(self, kinds: Iterable[Corruption], before: Failing) -> Wave:
        ground = Ground(self._bench, self._evidence, {key for keys in before.values() for key in keys})
        planned = ((kind, kind.plan(ground)) for kind in kinds)
        return [(kind, planted) for kind, planted in planned if planted is not None]

    def _ask(self, scope: Scope, before: Failing, wave: Wave) -> dict[str, Plant]:
        bench = self._bench
        with bench.undone():
            bench.take_back(scope)
            bench.take_files(
                [batch for _, planted in wave for batch in planted.files]
            )  # first: it reads whole files anew
            for sql, values in (change for _, planted in wave for change in planted.changes):
                bench.change(sql, *values)
            after = self._again(scope)
        fresh = {name: set(keys) - set(before.get(name, ())) for name, keys in after.items() if name not in SUMMARIES}
        wanted: dict[str, set[str]] = {}
        for _, planted in wave:
            for name, keys in planted.expected.items():
                wanted.setdefault(name, set()).update(keys)
        too_much = [f"{name} (too much)" for name, keys in fresh.items() if keys - wanted.get(name, set())]
        plants = {}
        for kind, planted in wave:
            missed = [name for name, keys in planted.expected.items() if keys - fresh.get(name, set())]
            plants[kind.name] = Plant(
                kind.name, kind.title_zh, kind.title_en, planted=True, unseen=(*missed, *too_much)
            )
        return plants

    def _again(self, scope: Scope) -> Failing:
        """Every check of the scope; of debts also the sums, of what was changed in this window alone."""
        if scope != "debts":
            return library.ask_of(self._bench, scope)
        self._bench.compare()
        self._bench.give_again()
        sums = {spec.name: self._bench.keys(spec.sql) for spec in library.SPECS if spec.name in SUMS}
        return {**library.ask_of(self._bench, scope), **sums}
