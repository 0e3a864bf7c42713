"""Planted corruptions: the verifier proves that it can see before it is believed (reliability.md).

Each kind is planted into rows of its own of the claim's copy or of the files' bytes; then every check is asked again. What
comes up beyond the first asking must be exactly what was planted. Kinds that cannot find free rows go into another wave.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from migration.verification.corruptions import CORRUPTIONS, Corruption
from migration.verification.evidence import Evidence, Plant
from migration.verification.ground import Ground, Planted
from migration.verification.library import Failing, ask
from migration.verification.workbench import Workbench

SUMMARIES: Final = frozenset({"files.digests", "files.form", "sums.total", "sums.schedules", "balance.equation"})
"""Checks over whole files or everything: several plants change them together, so they prove nothing about one."""


def prove(bench: Workbench, evidence: Evidence, before: Failing) -> tuple[Plant, ...]:
    """Plant every kind, ask again, compare."""
    found: dict[str, Plant] = {}
    todo = list(CORRUPTIONS)
    while todo:
        wave = _plan(bench, evidence, before, todo)
        if not wave:
            break
        found |= _ask(bench, before, wave)
        todo = [kind for kind in todo if kind.name not in found]
    return tuple(found.get(k.name) or Plant(k.name, k.title_zh, k.title_en, planted=False) for k in CORRUPTIONS)


Wave = list[tuple[Corruption, Planted]]


def _plan(bench: Workbench, evidence: Evidence, before: Failing, kinds: Iterable[Corruption]) -> Wave:
    ground = Ground(bench, evidence, {key for keys in before.values() for key in keys})
    planned = ((kind, kind.plan(ground)) for kind in kinds)
    return [(kind, planted) for kind, planted in planned if planted is not None]


def _ask(bench: Workbench, before: Failing, wave: Wave) -> dict[str, Plant]:
    with bench.undone():
        bench.take_files([batch for _, planted in wave for batch in planted.files])  # first: it reads whole files anew
        for sql, values in (change for _, planted in wave for change in planted.changes):
            bench.change(sql, *values)
        after = ask(bench)
    fresh = {name: set(keys) - set(before[name]) for name, keys in after.items() if name not in SUMMARIES}
    wanted: dict[str, set[str]] = {}
    for _, planted in wave:
        for name, keys in planted.expected.items():
            wanted.setdefault(name, set()).update(keys)
    too_much = [f"{name} (too much)" for name, keys in fresh.items() if keys - wanted.get(name, set())]
    plants = {}
    for kind, planted in wave:
        missed = [name for name, keys in planted.expected.items() if keys - fresh.get(name, set())]
        plants[kind.name] = Plant(kind.name, kind.title_zh, kind.title_en, planted=True, unseen=(*missed, *too_much))
    return plants
