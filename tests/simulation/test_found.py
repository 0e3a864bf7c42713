"""What the simulation found: each a way in which a kill or a stop once left a cutover that could not go on, or went too far."""

from __future__ import annotations

import pytest

from migration.domain.errors import GateClosed
from migration.stages.engine import Engine
from tests.simulation.schedule import platform, simulate
from tests.simulation.world import SimulatedCrash, StillLegacy, World
from tests.support.rehearsal import BOTH


class Case(World):
    """The bank answers whenever it is waited for; the process can be killed after the n-th call of a verb."""

    def __init__(self, kill_in: int = 0, verb=("journal", "apply"), **named):
        plan = named.pop("plan")
        super().__init__(StillLegacy(platform()), plan, measured=False, **named)
        self.kill_in, self.verb = kill_in, verb
        self.dead = False
        self.hook = self._hook

    def _hook(self, when, port, verb):
        if self.dead:
            raise SimulatedCrash
        if (when, port, verb) == ("after", "clock", "sleep"):
            self.bank.work()
            for name in self.bank.waiting():
                self.bank.answer(name, self.bank.clean(name))
        if when == "after" and (port, verb) == self.verb:
            self.kill_in -= 1
            if self.kill_in == 0:
                self.dead = True
                raise SimulatedCrash


def test_killed_right_after_a_failing_sample_was_applied_it_can_still_be_mended():
    """The refusal had not been kept as an exception yet: nobody could sign it, and the sample stayed failed for ever."""
    case = Case(3, plan={"refuse_listings": {"L1": "20"}})
    with pytest.raises(SimulatedCrash):
        case.run()
    case.dead = False
    assert case.run() == 3
    assert case.codes == ["SAMPLE_FAILED", "BANK_20"]
    assert case.exceptions()["listings", "L1"] == "BANK_20"
    case.sign()
    assert case.run() == 0, case.reasons


def test_a_failed_sample_that_took_everything_goes_on_once_its_refusal_is_marked():
    """The item marked for the next round counted as waiting for a new sample, which could only be empty."""
    case = Case(plan={"refuse_listings": {"L1": {"code": "20", "times": 1}}})
    assert case.run() == 3
    case.resend(("listings", "L1"))
    case.run()
    case.sign(("debts", "L9D1"))
    assert case.run() == 0, case.reasons
    assert case.where("listings")["L1"] == ("registered", "REGISTERED")


def test_the_full_set_of_debts_waits_for_a_new_sample():
    """A single step driven by hand once planned the full set on a mended sample that had not been drawn again."""
    probe = Case(plan={}, confidence=0)
    probe.run()
    drawn = [r["key"] for r in probe.store.items("debts").to_pylist() if r["sample"]]
    case = Case(plan={"refuse_debts": {drawn[0]: "93"}}, confidence=0)
    assert case.run() == 3
    case.sign()
    with pytest.raises(GateClosed) as stopped:
        Engine(case.house_for("runner", case.hook, BOTH)).step("debts", "plan_full")
    assert stopped.value.reasons[0].code == "SAMPLE_FAILED"
    assert case.run() == 0, case.reasons


@pytest.mark.parametrize(
    ("stage", "step"),
    [
        ("accounts", "gate"),
        ("reopen", "gate"),
        ("listings", "plan_full"),
        ("listings", "gate"),
        ("debts", "gate"),
        ("reconcile", "finish"),
    ],
)
def test_a_step_before_its_stage_has_begun_proves_nothing(stage, step):
    """Driven by hand before anything was planned, gates found nothing unsent, and the cutover was done with nobody moved."""
    case = Case(plan={})
    case.run("identities")
    with pytest.raises(GateClosed) as stopped:
        Engine(case.house_for("runner", case.hook, BOTH)).step(stage, step)
    assert stopped.value.reasons[0].code == "STAGE_ORDER"
    assert {s.stage for s in case.store.stages()} == {"preflight", "identities"}
    case.run()
    case.sign()
    assert case.run() == 0, case.reasons


def test_a_stage_called_too_early_has_not_begun():
    """Its stop was kept as if it had, and preflight then refused to take the first snapshot for ever."""
    case = Case(plan={})
    assert case.stage("identities") == 3
    assert case.codes == ["STAGE_ORDER"]
    assert case.store.stages() == ()
    case.run()
    case.sign()
    assert case.run() == 0, case.reasons


def test_a_file_that_has_left_is_not_taken_back_when_the_data_change():
    """Killed between the rename and its record, the batch counted as never sent: a correction made another file of its number."""
    case = Case(1, ("files", "deliver"), plan={})
    with pytest.raises(SimulatedCrash):
        case.run()
    case.dead = False
    sent = case.sent()
    case.correct("U2,phone,13800000002,13811112222,changed,operations")
    case.run()
    case.sign()
    assert case.run() == 0, case.reasons
    assert sent.items() <= case.sent().items()
    assert case.where("users")["U2"] == ("opened", "OPENED_S")


@pytest.mark.parametrize("seed", [8004, 9300])
def test_schedules_that_once_failed(seed):
    """8004: gates before their stages had begun. 9300: the verifier planted a debt as loaded twice into a file that had had it."""
    assert simulate(seed)
