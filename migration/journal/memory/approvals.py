"""Approvals, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from migration.domain.values import Decision, Gate, Right
from migration.journal import payloads, rules
from migration.journal.memory.state import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class MemoryApprovals(Memory):
    """open_gate, decide, gates, set_right, rights."""

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
        return self._counted(self._now.gates[gate, digest])

    def decide(
        self, gate: str, digest: str, name: str, decision: Literal["approve", "reject"], reason: str, *, rehearsal: bool
    ) -> Gate:
        """Give one person's answer."""
        subject = f"gates/{gate}"
        name = rules.person(name, subject)

        def body(at: datetime) -> Mapping[str, object] | None:
            known = self._gate(gate, digest)
            forbidden = rehearsal and self._now.kind == "production"
            if (
                not rules.decides(known, name, decision, subject, self._now.rights, rehearsal=forbidden)
                or known is None
            ):
                return None
            state = rules.state_after(known, decision)
            kept = self._now.gates[gate, digest]
            answers = (*kept.decisions, Decision(name, decision, reason, rehearsal, at))
            self._now.gates[gate, digest] = replace(kept, state=state, decisions=answers)
            return payloads.decided(known, name, decision, state, rehearsal=rehearsal)

        self._write("decided", body, actor=name)
        return self._counted(self._now.gates[gate, digest])

    def gates(self) -> tuple[Gate, ...]:
        """All gates, oldest first."""
        return tuple(self._counted(gate) for gate in self._now.gates.values())

    def set_right(self, name: str, standing: Literal["granted", "revoked"], by: str, reason: str) -> None:
        """Grant or revoke a person's right to approve."""
        name, by = rules.person(name, "approvers"), rules.person(by, "approvers")
        reason = rules.reason_given(reason, "approvers")

        def body(at: datetime) -> Mapping[str, object] | None:
            if not rules.sets_right(self._now.rights, name, standing, by):
                return None
            self._now.rights.append(Right(name, standing, by, reason, at))
            if standing == "revoked":
                key = rules.person_key(name)
                told = [(g, d) for g in self._now.gates.values() for d in g.decisions]
                self._now.lapsed |= {(g.gate, g.digest, key) for g, d in told if rules.person_key(d.name) == key}
            return payloads.right_set(name, standing, by)

        self._write("approver_set", body, actor=by)

    def rights(self) -> tuple[Right, ...]:
        """Return all changes of rights, in order."""
        return tuple(self._now.rights)
