"""Approvals, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from migration.domain.ports import Decision, Gate
from migration.journal import payloads, rules
from migration.journal.memory.state import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class MemoryApprovals(Memory):
    """open_gate, decide, gates."""

    def open_gate(self, fence: int, gate: str, round: int, digest: str, needed: int, requester: str) -> Gate:  # noqa: A002
        """Ask for approval of a digest."""

        def body(at: datetime) -> Mapping[str, object] | None:
            gates = self._now.gates
            known = gates.get((gate, digest))
            if known is not None and known.state != "superseded":
                return None
            older = [k for k, g in gates.items() if g.gate == gate and g.digest != digest and g.state == "pending"]
            for key in older:
                gates[key] = replace(gates[key], state="superseded")
            opened = known or Gate(gate, round, digest, needed, "pending", requester, (), at)
            gates[gate, digest] = replace(opened, state="pending")
            return payloads.gate_opened(opened, len(older))

        self._write("gate_opened", body, fence=fence)
        return self._now.gates[gate, digest]

    def decide(
        self, gate: str, digest: str, name: str, decision: Literal["approve", "reject"], reason: str, *, rehearsal: bool
    ) -> Gate:
        """Give one person's answer."""
        subject = f"gates/{gate}"
        name = rules.person(name, subject)

        def body(at: datetime) -> Mapping[str, object] | None:
            known = self._now.gates.get((gate, digest))
            if not rules.decides(known, name, decision, subject) or known is None:
                return None
            state = rules.state_after(known, decision)
            answers = (*known.decisions, Decision(name, decision, reason, rehearsal, at))
            self._now.gates[gate, digest] = replace(known, state=state, decisions=answers)
            return payloads.decided(known, name, decision, state, rehearsal=rehearsal)

        self._write("decided", body, actor=name)
        return self._now.gates[gate, digest]

    def gates(self) -> tuple[Gate, ...]:
        """All gates, oldest first."""
        return tuple(self._now.gates.values())
