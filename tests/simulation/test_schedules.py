"""A few schedules in every run of the tests; `make simulate SEEDS=10000` for many, `make simulate SEED=7` for one again."""

from __future__ import annotations

import gc
import os
from collections import Counter
from functools import partial

import pytest

from migration.journal.memory.batches import MemoryBatches
from tests.simulation.faults import KINDS
from tests.simulation.invariants import Violation
from tests.simulation.schedule import Schedule, simulate
from tests.simulation.world import RealJournal
from tests.support import memo

RARE = (150, 159, 169, 193)
"""Seeds beyond the first ones in which the rarest kinds of fault strike."""

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "130"))


@pytest.fixture(scope="module", autouse=True)
def _remembered():
    memo.install()
    gc.disable()  # looking for what few schedules leave takes a tenth of the time
    yield
    gc.enable()
    memo.remove()


def test_many_schedules_hold_and_every_kind_of_fault_struck():
    fired: Counter[str] = Counter()
    for seed in (*range(1, SEEDS + 1), *RARE):
        fired += simulate(seed)
    assert len(KINDS) >= 40
    assert sorted(set(KINDS) - set(fired)) == []


def test_a_seed_is_one_schedule():
    one, two = Schedule(3), Schedule(3)
    one.run()
    two.run()
    assert one.trail == two.trail
    assert one.world.store.head() == two.world.store.head()
    assert one.world.sent() == two.world.sent()


def test_a_schedule_on_the_journal_of_production(pg_url):
    """The same dice and the same stages: only what a clock or a key in the database makes may differ."""
    memory, real = Schedule(3), Schedule(3, partial(RealJournal, pg_url))
    memory.run()
    real.run()
    real.world.store.close()
    assert real.trail == memory.trail
    assert real.world.sent() == memory.world.sent()
    assert real.world.effects() == memory.world.effects()


def test_a_file_that_left_without_its_approval_is_seen_on_the_wire(monkeypatch):
    monkeypatch.setattr("migration.stages.gates.require_approval", lambda *_: None)
    with pytest.raises(Violation, match=r"R7: .* is not approved"):
        simulate(1)


def test_a_result_that_is_kept_otherwise_than_the_bank_told_it_is_seen(monkeypatch):
    apply = MemoryBatches.apply

    def with_a_byte_more(self, fence, batch, name, content, answers):
        return apply(self, fence, batch, name, content + b" ", answers)

    monkeypatch.setattr(MemoryBatches, "apply", with_a_byte_more)
    with pytest.raises(Violation, match=r"I5: .* the bank never said so"):
        simulate(1)


def test_a_violation_says_how_to_see_it_again(monkeypatch):
    def broken(_: object) -> None:
        raise Violation("I6: planted")

    monkeypatch.setattr("tests.simulation.invariants.Invariants.books", broken)
    with pytest.raises(Violation) as wrong:
        simulate(4)
    assert "make simulate SEED=4" in wrong.value.__notes__[0]
