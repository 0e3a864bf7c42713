"""One seed, one schedule: several actors interleaved at every port call, faults by swarm, invariants after every step.

First a stormy part, in which everything may go wrong; then a calm one, in which an honest operator, an honest bank and a
single run must bring the cutover to its end. Only the seed decides.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

from migration.domain import corrections
from migration.domain.errors import CutoverError, InputRefused, TransientError
from migration.stages import progress
from migration.stages.engine import Engine
from migration.stages.order import ROUNDS, STAGES, STEPS
from tests.contract.platforms import Tables
from tests.simulation.faults import KINDS, swarm
from tests.simulation.invariants import Invariants, Violation, require
from tests.simulation.world import EFFECTS, Hook, SimulatedCrash, StillJournal, StillLegacy, World
from tests.support.memo import REAL, Memo
from tests.support.platform import joined, loan, person, small

ACTORS = ("runner", "desk", "bank", "second")
WEIGHTS = (10.0, 13.0, 15.0, 25.0)
"""How often each has a turn: 10, 3, 2 and 10, added up."""
STORM = 2000
"""Port calls of the stormy part, at most."""
TURNS = 15
"""Runs of the calm part, at most."""
LIES = 2
"""Spoilt results for one request, at most: a bank that lies for ever cannot be waited for."""
WITH_RULES = 100
"""Every so many seeds one runs with every rule, measure and the verifier."""
FROZEN = 120
FOCUSED = 6
"""How much likelier the one kind is that a seed must have (seeds take them in turn)."""


def platform() -> Tables:
    """Two listings, a person with two accounts (merged), and one who lends to himself."""
    twin = {**person(5), **{n: person(2)[n] for n in ("id_no", "name")}}
    return joined(
        small(2),
        {"users": [twin]},
        loan(8, "C1", {"U5": "40.00", "U2": "2.01"}),
        loan(9, "U2", {"U2": "70.00", "U3": "30.00"}),
    )


SOURCE = StillLegacy(platform())
MEASURES = Memo("measures", REAL["measures"])


class Schedule:
    """The world, its actors and the dice."""

    def __init__(self, seed: int, store: Callable[[Any], Any] = StillJournal) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.focus = list(KINDS)[seed % len(KINDS)]
        self.swarm = swarm(self.random) | {self.focus}
        self.fired: Counter[str] = Counter()
        self.measured = seed % WITH_RULES == 0
        if self.measured:  # the verifier holds a correction against what was sent before it: not settled yet
            self.swarm -= {"late_correction"}
        source = StillLegacy(platform()) if "source_changed" in self.swarm else SOURCE
        plan = self._plan()
        confidence = self.random.choice((0, 0, "0.95"))
        self.world = World(source, plan, measured=self.measured, store=store, confidence=confidence)
        self.world.terms = replace(self.world.terms, confidence=_decimal(self.world.terms.confidence))
        self.world.terms = replace(self.world.terms, rows_per_file=self.random.choice((2, 4, 9999)))
        self.invariants = Invariants(self.world)
        self.calm = self.over = False
        self.steps = 0
        self.changed = False
        self.reached: list[str] = []
        self.lies: Counter[str] = Counter()
        self.frozen: dict[str, int] = {}
        self.trail: list[str] = []
        self._known: tuple[Any, list[dict[str, Any]]] = (None, [])

    # -- dice

    def strikes(self, kind: str, chance: float) -> bool:
        """Whether this fault strikes now."""
        if kind not in self.swarm or self.calm:
            return False
        likely = min(1.0, chance * FOCUSED) if kind == self.focus else chance
        if self.random.random() >= likely:
            return False
        self.note(kind)
        return True

    def note(self, kind: str) -> None:
        self.fired[kind] += 1
        self.trail.append(f"{self.steps}: {kind}")

    def _plan(self) -> dict[str, Any]:
        """What the bank refuses, and whom it knows already."""
        plan: dict[str, Any] = {}
        refused = [
            ("user_refused", "refuse_users", ["U1", "U2", "U3", "U4", "C1"], "106"),
            ("listing_refused", "refuse_listings", ["L1", "L2", "L8"], "20"),
            ("debt_refused", "refuse_debts", ["L1D1", "L1D2", "L2D3", "L8D1"], "93"),
        ]
        for kind, name, keys, code in refused:
            if kind in self.swarm:
                plan[name] = {self.random.choice(keys): {"code": code, "times": 1}}
                self.fired[kind] += 1
        people = ["U2", "U3", "U4"]
        self.random.shuffle(people)
        for kind in ("already_open", "already_open_other"):
            if kind in self.swarm:
                plan[kind] = [people.pop()]
                self.fired[kind] += 1
        return plan

    # -- the scheduler

    def run(self) -> None:
        """The whole schedule; Violation when something does not hold."""
        counted = MEASURES if self.measured else lambda _stage, _facts: ({}, {})
        progress.measures, before = counted, progress.measures
        try:
            self._storm()
            self._calm()
        finally:
            progress.measures = before

    def _storm(self) -> None:
        actors = {"runner": self._actor(self._runner), "desk": self._actor(self._desk), "bank": self._actor(self._bank)}
        if "two_runners" in self.swarm:
            actors["second"] = self._actor(self._runner)
            self.note("two_runners")
        while self.steps < STORM:
            self.steps += 1
            name = self._turn(len(actors))
            if name != "bank" and self.strikes("frozen_past_the_lease", 0.004):
                self.frozen[name] = self.steps + FROZEN
                continue
            self._jump()
            actors[name].switch(name)
            self.invariants.after_step()
        self.over = True
        self.reached = [s.stage for s in self.world.store.stages()]
        for actor in filter(None, actors.values()):  # those that have begun
            actor.throw(SimulatedCrash)
        self.invariants.after_step()

    def _turn(self, actors: int) -> str:
        """Who goes on; who is frozen does not."""
        while True:
            name = ACTORS[bisect(WEIGHTS, self.random.random() * WEIGHTS[actors - 1], 0, actors - 1)]
            if self.frozen.get(name, 0) <= self.steps:
                return name

    @staticmethod
    def _actor(body: Callable[[str], None]) -> greenlet:
        def whole(name: str) -> None:
            try:
                while True:
                    body(name)
            except SimulatedCrash:
                return

        return greenlet(whole)

    def _jump(self) -> None:
        clock: Any = self.world.clock
        if self.strikes("clock_a_day_ahead", 0.003):
            clock._now += timedelta(days=1)
        if self.strikes("clock_a_day_back", 0.003):
            clock._now -= timedelta(days=1)

    @staticmethod
    def _yield() -> None:
        parent = getcurrent().parent
        if parent is not None:
            parent.switch()

    # -- what may happen at a port call

    def process(self) -> Hook:
        """The hook of one process: once it was killed, not even its clean-up reaches a port."""
        dead = False

        def hook(when: str, port: str, verb: str) -> None:
            nonlocal dead
            if dead or self.over:
                raise SimulatedCrash
            try:
                if when == "before":
                    self._yield()
                    self._before(port, verb)
                else:
                    self._after(port, verb)
            except SimulatedCrash:
                dead = True
                raise

        return hook

    def hook(self, when: str, port: str, verb: str) -> None:
        """The calm part: the bank answers whenever it is waited for."""
        if (when, port, verb) == ("after", "clock", "sleep"):
            self._honest()
        self.invariants.after_step()

    def _before(self, port: str, verb: str) -> None:
        writes = (port, verb) in EFFECTS
        if port == "journal" and writes:
            self._crash("crash_before_write", 0.01)
            self._fail("journal_away", 0.01, "JOURNAL_UNAVAILABLE")
        if not writes:
            self._crash("crash_while_reading", 0.001)
        if (port, verb) == ("files", "deliver"):
            self._crash("crash_before_deliver", 0.15)
            self._fail("disk_full", 0.15, "DISK_FULL")
        if (port, verb) == ("files", "manifest"):
            self._fail("manifest_fails", 0.1, "DISK_FULL")
        if (port, verb) == ("files", "quarantine"):
            self._crash("crash_in_quarantine", 0.3)

    def _after(self, port: str, verb: str) -> None:
        if port == "journal" and (port, verb) in EFFECTS:
            self._crash("crash_after_write", 0.01)
            self._fail("commit_answer_lost", 0.01, "JOURNAL_UNAVAILABLE")
        if (port, verb) == ("files", "deliver"):
            self._yield()
            self._crash("crash_after_deliver", 0.15)
            self._fail("deliver_answer_lost", 0.15, "FILE_IO")

    def _crash(self, kind: str, chance: float) -> None:
        if self.strikes(kind, chance):
            raise _Death

    def _fail(self, kind: str, chance: float, code: str) -> None:
        if self.strikes(kind, chance):
            raise TransientError.of(code, "simulated", kind)

    # -- the actors

    def _runner(self, name: str) -> None:
        """One process: a run, or what an operator clears, to its end."""
        self._yield()
        if self.strikes("code_changed", 0.05):
            self.world.terms = replace(self.world.terms, code_digest=self.random.choice("abcd") * 64)
        house = self.world.house_for("runner", self.process(), blocking=self.random.random() < 0.7)
        engine = Engine(house)
        try:
            self._drive(engine)
        except _Death:
            self.trail.append(f"{self.steps}: {name} died")
        except CutoverError as stopped:
            self.trail.append(f"{self.steps}: {name} stopped: {[r.code for r in stopped.reasons][:3]}")

    def _drive(self, engine: Engine) -> None:
        if self.strikes("stage_driven_again", 0.15):
            engine.stage(self.random.choice(STAGES))
        elif self.strikes("step_driven_again", 0.3):
            stage = self.random.choice([*STAGES, ROUNDS])
            step = self.random.choice(STEPS[stage])
            batches = engine.batches(stage, step.name) if step.mapped else []
            engine.step(stage, step.name, self.random.choice(batches) if batches else None)
        else:
            engine.run()

    def _desk(self, _name: str) -> None:
        """One thing that a person does, honest or not."""
        self._yield()
        try:
            self._people()
        except (_Death, InputRefused, TransientError):
            return
        except CutoverError as stopped:
            if stopped.reasons[0].code != "STAGE_ORDER":
                raise

    def _people(self) -> None:
        journal, dice = self._ports().journal, self.random
        gates = journal.gates()
        pending = [g for g in gates if g.state == "pending"]
        if pending and dice.random() < 0.7:
            gate = dice.choice(pending)
            journal.decide(gate.gate, gate.digest, dice.choice(("first", "second")), "approve", "", rehearsal=False)
            return
        if gates:
            self._mischief(journal, gates, pending)
        if self.strikes("late_correction", 0.1):
            self._correct()
        known = self._open(journal.exceptions())
        if known and self.strikes("signature", 0.1):
            journal.sign([dice.choice(known)["id"]], "compliance", "seen")
        again = [r for r in known if r["code"].startswith("BANK_") and r["entity"] != "users"]
        if again and self.strikes("resend", 0.5):
            journal.mark_resend([dice.choice(again)["id"]], "operations", "again")
        if self.strikes("source_changed", 0.02):
            self._change_source()

    def _open(self, exceptions: Any) -> list[dict[str, Any]]:
        """Those that are open, taken out of Arrow once."""
        if exceptions is not self._known[0]:
            self._known = (exceptions, [r for r in exceptions.to_pylist() if r["state"] == "open"])
        return self._known[1]

    def _change_source(self) -> None:
        """Another principal, or the first one again."""
        rows = platform()["debts"]
        self.changed = not self.changed
        if self.changed:
            rows[0] = {**rows[0], "interest": "1.00"}
        self.world.source.replace("debts", rows)

    def _mischief(self, journal: Any, gates: Any, pending: Any) -> None:
        """Answers that must be refused or change nothing, and honest rejections."""
        dice = self.random
        if pending and self.strikes("own_request", 0.3):
            self._refused(journal, pending[0].gate, pending[0].digest, pending[0].requester.upper())
        if self.strikes("unknown_digest", 0.3):
            self._refused(journal, gates[0].gate, "0" * 64, "first")
        old = [g for g in gates if g.state == "superseded"]
        if old and self.strikes("old_digest", 0.5):
            gate = dice.choice(old)
            self._refused(journal, gate.gate, gate.digest, "first")
        half = [g for g in pending if g.given]
        if half and self.strikes("approve_twice", 0.5):
            gate = half[0]
            after = journal.decide(gate.gate, gate.digest, f" {gate.given[0].upper()} ", "approve", "", rehearsal=False)
            require(len({n.strip().lower() for n in after.given}) == len(after.given), "R7", "one person counted twice")
        if pending and self.strikes("rejection", 0.1):
            gate = dice.choice(pending)
            journal.decide(gate.gate, gate.digest, "second", "reject", "wrong", rehearsal=False)
        shut = [g for g in gates if g.state == "rejected"]
        if shut and self.strikes("approve_after_rejection", 0.5):
            self._refused(journal, shut[0].gate, shut[0].digest, "third")

    @staticmethod
    def _refused(journal: Any, gate: str, digest: str, name: str) -> None:
        try:
            journal.decide(gate, digest, name, "approve", "", rehearsal=False)
        except InputRefused:
            return
        raise Violation(f"R7: {name} could approve {gate}")

    def _correct(self) -> None:
        """A new phone for somebody, validated as the command does, while others go on."""
        house = self._ports()
        users = house.book().users.users
        user = self.random.choice(["U1", "U2", "U3", "U4", "C1"])
        now = next(r for r in users.to_pylist() if r["user_id"] == user)["phone"]
        line = f"{user},phone,{now},{now[:3]}{(int(now[3:]) + 5000) % 10000:08d},changed,operations\n"
        rows = corrections.parse_csv("user_id,field,old,new,reason,by\n" + line)
        new = corrections.validate(rows, house.table("users"), house.journal.corrections(), users)
        house.journal.add_corrections(new, "operations")

    def _ports(self) -> Any:
        return self.world.house_for("operator", self.process())

    # -- the bank

    def _bank(self, _name: str) -> None:
        """Work through what has come; answer one request, honestly or not; take an answer away again."""
        self._yield()
        bank: Any = self.world.bank
        if not self.strikes("bank_slow", 0.5):
            bank.work()
        waiting = bank.waiting()
        if waiting:
            name = waiting[0]
            if len(waiting) > 1 and self.strikes("answers_out_of_order", 0.5):
                name = waiting[-1]
            self._answer(bank, name)
        self._take_back()

    def _answer(self, bank: Any, name: str) -> None:
        lies = sorted(k for k in self.swarm if k.startswith("lie:"))
        if lies and self.lies[name] < LIES and self.random.random() < 0.5:
            kind = self.focus if self.focus in lies else self.random.choice(lies)
            spoilt = bank.spoilt(name, kind.partition(":")[2], self.seed)
            if spoilt is not None:
                self.note(kind)
                self.lies[name] += 1
                bank.answer(name, spoilt)
                return
        clean = bank.clean(name)
        if self.strikes("result_still_growing", 0.2):
            bank.answer(name, clean[: self.random.randrange(len(clean))], age_s=0.5)
        else:
            bank.answer(name, clean)

    def _take_back(self) -> None:
        answers = self.world.wire.answers
        now = self.world.clock.now().timestamp()
        growing = [place for place, (_, written) in answers.items() if abs(now - written) <= 2]
        if growing:
            del answers[self.random.choice(growing)]
        if answers and self.strikes("result_vanishes", 0.1):
            del answers[self.random.choice(list(answers))]
        used = {(b.business_date, b.result_name) for b in self.world.store.batches() if b.result_sha256}
        there = [place for place in answers if place in used]
        if there and self.strikes("used_result_replaced", 0.1):
            place = self.random.choice(there)
            answers[place] = (answers[place][0][::-1], now - 60)

    # -- the calm

    def _calm(self) -> None:
        self.calm, self.over = True, False
        world = self.world
        world.terms = replace(world.terms, code_digest="e" * 64)  # what was rejected is mended: new digests
        self.invariants.books()
        for _ in range(TURNS):
            self._honest()
            try:
                Engine(world.house_for("runner", self.hook, ("first", "second"))).run()
            except CutoverError as stopped:
                self.trail.append(f"calm: {[f'{r.code} {r.subject}' for r in stopped.reasons][:4]}")
                if stopped.reasons[0].code == "SNAPSHOT_CHANGED":
                    self._change_source()
                self.invariants.books()
                self._settle()
                continue
            self.invariants.at_the_end()
            return
        raise Violation("liveness: an honest end was not reached")

    def _honest(self) -> None:
        bank: Any = self.world.bank
        self._drop_growing()
        bank.work()
        used = {b.request_name for b in self.world.store.batches() if b.result_sha256}
        for name in bank.waiting():
            if name not in used:
                bank.answer(name, self._last_lie(bank, name) or bank.clean(name))

    def _last_lie(self, bank: Any, name: str) -> bytes | None:
        """The one lie a seed must have and that could not be had in the storm (only debts have authorisation codes)."""
        if not self.focus.startswith("lie:") or self.fired[self.focus]:
            return None
        spoilt: bytes | None = bank.spoilt(name, self.focus.partition(":")[2], self.seed)
        if spoilt is not None:
            self.note(self.focus)
        return spoilt

    def _drop_growing(self) -> None:
        now = self.world.clock.now().timestamp()
        answers = self.world.wire.answers
        for place in [p for p, (_, written) in answers.items() if abs(now - written) <= 2]:
            del answers[place]

    def _settle(self) -> None:
        """Everything the honest operator can do: refused listings and debts once more, what is left is signed."""
        store = self.world.store
        for row in self._open(store.exceptions()):
            if self.random.random() < 0.5 and row["entity"] != "users" and row["code"].startswith("BANK_"):
                try:
                    store.mark_resend([row["id"]], "operations", "again")
                except InputRefused:
                    pass
                else:
                    continue
            store.sign([row["id"]], "compliance", "seen and accepted")


class _Death(SimulatedCrash):
    """One process was killed; its actor goes on as another one."""


def _decimal(value: Any) -> Any:
    return Decimal(value)


def simulate(seed: int, store: Callable[[Any], Any] = StillJournal) -> Counter[str]:
    """Run one seed; returns what fired. A Violation says how to see it again."""
    schedule = Schedule(seed, store)
    try:
        schedule.run()
    except BaseException as wrong:
        tail = "\n".join(schedule.trail[-40:])
        wrong.add_note(f"SEED={seed}\nreplay: make simulate SEED={seed}\nswarm: {sorted(schedule.swarm)}\n{tail}")
        raise
    return schedule.fired
