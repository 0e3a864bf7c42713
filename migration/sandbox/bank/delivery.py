"""Giving answers: when, spoilt or clean, at once or slowly; every writing is noted before and after."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from migration.sandbox.bank import exchange
from migration.sandbox.bank.corruptions import spoil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from migration.sandbox.bank.faults import PlanFile, Rule
    from migration.sandbox.bank.ledger import Ledger, SeenFile
    from migration.sandbox.bank.names import RequestName

_PIECES: Final = 4
_SLOW_SECONDS: Final = 2.0


class Delivery:
    """Writes answers under `folder` (the exchange directory's `in`)."""

    def __init__(
        self,
        folder: Path,
        ledger: Ledger,
        faults: PlanFile,
        announce: Callable[[str], None],
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self._folder = folder
        self._ledger = ledger
        self._faults = faults
        self._announce = announce
        self._clock = clock
        self._sleep = sleep

    def give(self, request: RequestName) -> None:
        """Write the answer if it is due: not held, and not standing there already (whole)."""
        seen = self._ledger.file(request.name)
        if seen is None or self._is_held(seen):
            return
        path = self._folder / request.folder / request.result
        resumed = self._cut_short(request)
        if path.exists() and resumed is None:
            return
        emission, fault, slow = resumed or self._begin(request, seen)
        content = self._content(request, fault)
        self._write(path, self._ledger.answer(request.name) if content is None else content, slow)
        with self._ledger.transaction():
            self._ledger.end_emission(emission)
        self._announce(f"{request.result}: written{', spoilt: ' + fault.options['how'] if fault else ''}")

    def _cut_short(self, request: RequestName) -> tuple[int, Rule | None, Rule | None] | None:
        """Return the writing that was begun and not ended, if there is one and its faults are still planned."""
        last = self._ledger.last_emission(request.name)
        if last is None or last[3]:
            return None
        fault, slow = self._rule(last[1]), self._rule(last[2])
        if (last[1] and fault is None) or (last[2] and slow is None):
            return None
        return last[0], fault, slow

    def _begin(self, request: RequestName, seen: SeenFile) -> tuple[int, Rule | None, Rule | None]:
        """Choose how the answer is given and note it before the first byte."""
        fault, content = self._spoilt(request, seen)
        slow = self._unused(request, seen, "slow", self._faults.plan.slow_write)
        with self._ledger.transaction():
            emission = self._ledger.begin_emission(
                request.name, fault.id if fault else "", slow.id if slow else "", sha256(content).hexdigest()
            )
        return emission, fault, slow

    def _write(self, path: Path, content: bytes, slow: Rule | None) -> None:
        if slow is None:
            exchange.write(path, content)
            return
        pieces = int(slow.options.get("pieces", _PIECES))
        pause = float(slow.options.get("seconds", _SLOW_SECONDS)) / max(pieces - 1, 1)
        exchange.write_slowly(path, content, pieces, lambda: self._sleep(pause))

    def _is_held(self, seen: SeenFile) -> bool:
        hours = self._faults.plan.hours
        if hours is not None and self._clock() < hours.due(seen.accepted_at):
            return True
        for rule in self._faults.plan.hold:
            if rule.options.get("released") or not rule.hits((seen.name, seen.result_name), seen.sort):
                continue
            if rule.options.get("until_released") or self._clock() < seen.accepted_at + rule.options["seconds"]:
                return True
        return False

    def _spoilt(self, request: RequestName, seen: SeenFile) -> tuple[Rule | None, bytes]:
        """Return the first corruption not used up that can be had from this answer, and its bytes; or the clean one."""
        for rule in self._faults.plan.corrupt:
            if self._unused(request, seen, "fault", (rule,)):
                content = self._content(request, rule)
                if content is not None:
                    return rule, content
        return None, self._ledger.answer(request.name)

    def _unused(self, request: RequestName, seen: SeenFile, column: str, rules: tuple[Rule, ...]) -> Rule | None:
        for rule in rules:
            if not rule.hits((seen.name, seen.result_name), seen.sort):
                continue
            per_file = request.name if rule.options.get("per_file") else None
            if self._ledger.emitted(column, rule.id, per_file) < rule.options.get("times", 1):
                return rule
        return None

    def _content(self, request: RequestName, rule: Rule | None) -> bytes | None:
        """Return the answer as this corruption makes it; None without one, or when it cannot be had."""
        if rule is None:
            return None
        return spoil(
            request.exchange,
            self._ledger.answer(request.name),
            rule.options,
            seed=self._faults.plan.seed,
            name=request.name,
            earlier=self._ledger.earlier_answer(request.name),
        )

    def _rule(self, rule_id: str) -> Rule | None:
        plan = self._faults.plan
        return next((rule for rule in (*plan.corrupt, *plan.slow_write) if rule.id == rule_id), None)
