"""The engine: the stages in order, for the command line and for Airflow alike. Every call is safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from migration.domain.errors import ConfigurationError, CutoverError
from migration.stages import (
    daily,
    exchanges,
    identities,
    people,
    preflight,
    progress,
    reconcile,
    registers,
    residual,
    results,
)
from migration.stages.exchange import UNANSWERED, batch_id
from migration.stages.house import House
from migration.stages.order import ROUNDS, STAGES, STEPS

Call = Callable[[House, str, int, str | None], None]


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step leaves behind: counts and sums in fen, the batches it was about, their digests, lines for the log."""

    totals: dict[str, int] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def _only(call: Callable[[House], None]) -> Call:
    return lambda house, _stage, _round, _batch: call(house)


def _plain(call: Callable[[House, str, int], None]) -> Call:
    return lambda house, stage, round_no, _batch: call(house, stage, round_no)


def _each(call: Callable[[House, str, int, str | None], None]) -> Call:
    return call


_PEOPLE: dict[str, Call] = {
    "plan": _plain(people.plan),
    "approve": _plain(people.approve),
    "deliver": _each(people.deliver),
    "collect": _each(people.collect),
    "gate": _plain(people.gate),
}
_REGISTERS: dict[str, Call] = {
    "plan_sample": _plain(registers.plan_sample),
    "approve_sample": _plain(registers.approve_sample),
    "deliver_sample": _each(registers.deliver_sample),
    "collect_sample": _each(registers.collect_sample),
    "plan_full": _plain(registers.plan_full),
    "approve_full": _plain(registers.approve_full),
    "deliver_full": _each(registers.deliver_full),
    "collect_full": _each(registers.collect_full),
    "gate": _plain(registers.gate),
}
CALLS: dict[str, dict[str, Call]] = {
    "preflight": {"run": _only(preflight.run)},
    "identities": {"run": _only(identities.run)},
    "accounts": _PEOPLE,
    "reopen": _PEOPLE,
    "listings": _REGISTERS,
    "debts": _REGISTERS,
    "residual": {"run": _only(residual.run)},
    "reconcile": {"run": _only(reconcile.run), "approve": _only(reconcile.approve), "finish": _only(reconcile.finish)},
}


Beyond = Callable[[str], dict[str, int]]
"""A step of a day after the cutover, on books of its own: the day (ISO) to totals."""


class Engine:
    """Drives one cutover through its stages on the ports of a house."""

    def __init__(
        self,
        house: House,
        close: Callable[[], None] = lambda: None,
        days: daily.Desk | None = None,
        beyond: Mapping[tuple[str, str], Beyond] | None = None,
    ) -> None:
        self.house = house
        self.beyond = beyond or {}
        self.days = days
        self.close = close  # gives back what stands behind the ports

    # -- whole runs

    def run(self, until: str | None = None) -> None:
        """All stages in order, `until` inclusive; further rounds while there is something to send."""
        wanted = STAGES[: STAGES.index(until) + 1] if until else STAGES
        self.house.take_over()
        results.unchanged(self.house)
        for stage in wanted[:3]:
            self._stage(stage, 1)
        self._rounds([s for s in wanted if s in progress.ROUND_STAGES])
        for stage in wanted[6:]:
            self._stage(stage, 1)

    def _rounds(self, stages: list[str]) -> None:
        """The current round as far as it is wanted, then further ones while one is complete and another has work."""
        if not stages:
            return
        number = progress.current_round(self.house)
        while True:
            for stage in stages:
                self._stage(stage, number)
            if not self._another(number):
                return
            number += 1

    def _another(self, number: int) -> bool:
        if not progress.round_complete(self.house, number):
            return False
        people.late_results(self.house)
        return not progress.done(self.house, "residual") and exchanges.anything_ready(self.house.book())

    def stage(self, name: str) -> None:
        """One stage of the round that is under way (a stage of rounds begins the next one when there is work for it)."""
        self.house.take_over()
        results.unchanged(self.house)
        self._stage(name, self._round_of(name))

    def _round_of(self, stage: str) -> int:
        if stage not in progress.ROUND_STAGES:
            return 1
        number = progress.current_round(self.house)
        return number + 1 if stage == "reopen" and self._another(number) else number

    def _stage(self, stage: str, round_no: int) -> None:
        if progress.done(self.house, stage, round_no) and stage != "preflight":
            return
        self.house.tell(f"{stage}: round {round_no}" if round_no > 1 else f"{stage}: begins")
        try:
            for step in STEPS[stage]:
                CALLS[stage][step.name](self.house, stage, round_no, None)
        except CutoverError as stopped:
            self._note_stop(stage, round_no, stopped)
            raise

    def _note_stop(self, stage: str, round_no: int, stopped: CutoverError) -> None:
        """Keep why the stage stopped, for `cutover status`; never hides the stop itself.

        What is done stays done, what has not begun has not: a preflight that finds the source changed afterwards must
        not take the change for granted the next time (H28).
        """
        state = {3: "closed", 4: "waiting", 5: "closed"}.get(stopped.exit_code)
        early = any(r.code == "STAGE_ORDER" for r in stopped.reasons)  # called too early, it has not begun
        if state and not early and not progress.done(self.house, stage, round_no):
            codes = [f"{r.code} {r.subject}" for r in stopped.reasons[:20]]
            self.house.journal.record_stage(self.house.fence, stage, round_no, state, {}, codes)

    # -- single steps, for Airflow

    def step(self, stage: str, step: str, batch: str | None = None) -> StepReport:
        """One converging step. Raises Waiting where the command line would wait."""
        house = self.house
        beyond = self.beyond.get((stage, step))
        if beyond is not None and batch is not None:  # after the cutover: its own books, not the journal's fence
            return StepReport(beyond(batch), [], {}, [])
        house.take_over()
        lines: list[str] = []
        house.tell = lines.append
        if (stage, step) == (daily.STAGE, "take") and self.days is not None and batch is not None:
            done = daily.run(house, self.days, daily.day_of(batch))
            return StepReport({"entries": done.aleve_rows, "reversals": done.reversals}, [], {}, lines)
        if stage == ROUNDS:
            self._settle()
            return self._report("debts", lines)
        if stage not in CALLS or step not in CALLS[stage]:
            raise ConfigurationError.of(
                "STEP_UNKNOWN", f"{stage}.{step}", "no such step", f"one of {', '.join(CALLS.get(stage, STEPS))}"
            )
        if step == STEPS[stage][0].name:
            results.unchanged(house)
        round_no = self._step_round(stage)
        try:
            CALLS[stage][step](house, stage, round_no, batch)
        except CutoverError as stopped:
            self._note_stop(stage, round_no, stopped)
            raise
        return self._report(stage, lines)

    def _step_round(self, stage: str) -> int:
        """The first pass of a run is the round under way; further ones belong to `settle`."""
        if stage not in progress.ROUND_STAGES:
            return 1
        return progress.current_round(self.house)

    def _settle(self) -> None:
        """Drive further rounds until no exception is open; Waiting while there is one and nothing can be sent."""
        self._rounds(list(progress.ROUND_STAGES))
        residual.require_settled(self.house)

    def batches(self, stage: str, step: str) -> list[str]:
        """The batches that a mapped step runs over."""
        sample = step.endswith("_sample")
        number = self._step_round(stage)
        mine = [b for b in self.house.journal.batches() if (b.stage, b.round, b.sample) == (stage, number, sample)]
        return [batch_id(b) for b in mine if b.state in {"sealed", *UNANSWERED, "applied", "unknown"}]

    def _report(self, stage: str, lines: list[str]) -> StepReport:
        journal = self.house.journal
        number = self._step_round(stage)
        record = next((s for s in reversed(journal.stages()) if s.stage == stage), None)
        mine = [b for b in journal.batches() if (b.stage, b.round) == (stage, number)]
        digests = {batch_id(b): b.request_sha256 for b in mine}
        return StepReport(dict(record.totals) if record else {}, [batch_id(b) for b in mine], digests, lines)
