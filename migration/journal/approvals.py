"""Approvals: gates bound to a digest, answered by persons (R7)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from migration.domain.values import Decision, Gate, Right
from migration.journal import payloads, rules
from migration.journal.sqlfiles import query
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from migration.journal.database import Payload, Tx


class ApprovalVerbs(Verbs):
    """open_gate, decide, gates, set_right, rights."""

    def open_gate(self, fence: int, gate: str, round: int, digest: str, needed: int, requester: str) -> Gate:  # noqa: A002
        """Ask for approval of a digest; pending ones of the same gate with another digest become `superseded`.

        The same digest again returns the gate as it stands, first requester and number needed included. One that was
        superseded becomes pending again: answers are bound to their digest, so those given still count.
        """

        def body(tx: Tx) -> Payload | None:
            known = gate_of(tx.connection, tx.cutover, gate, digest)
            if known is not None and known.state != "superseded":
                return None
            here = {**tx.own, "gate": gate, "digest": digest}
            superseded = tx.connection.execute(query("supersede_gates"), here).rowcount
            if known is None:
                asked = {"round": round, "needed": needed, "requester": requester, "at": tx.at}
                key = {"requester_key": rules.person_key(requester)}
                tx.connection.execute(query("insert_gate"), {**here, **asked, **key})
            else:
                _move(tx, gate, digest, "pending")
            tx.touch("gate")
            opened = Gate(gate, round, digest, needed, "pending", requester) if known is None else known
            return payloads.gate_opened(opened, superseded)

        self._db.write(self._cutover, "gate_opened", body, fence=fence)
        return self._gate(gate, digest)

    def decide(
        self, gate: str, digest: str, name: str, decision: Literal["approve", "reject"], reason: str, *, rehearsal: bool
    ) -> Gate:
        """One person's answer; the same again is a no-op. The first rejection rejects, for good.

        The database moves the gate (`decision_counts`). InputRefused: NAME_EMPTY, NAME_CHARACTERS, codes of `rules.decides`.
        """
        subject = f"gates/{gate}"
        name = rules.person(name, subject)

        def body(tx: Tx) -> Payload | None:
            known = gate_of(tx.connection, tx.cutover, gate, digest)
            forbidden = rehearsal and tx.kind == "production"
            rights = _rights(tx.connection, tx.cutover)
            if not rules.decides(known, name, decision, subject, rights, rehearsal=forbidden) or known is None:
                return None
            state = rules.state_after(known, decision)
            row = tx.connection.execute(query("gate"), {**tx.own, "gate": gate, "digest": digest}).one()
            answer = {"name": name, "name_key": rules.person_key(name), "decision": decision, "reason": reason}
            about = {"no": row.no, "seq": len(known.decisions) + 1, "rehearsal": rehearsal, "at": tx.at}
            tx.connection.execute(query("insert_decision"), {**answer, **about})
            tx.touch("gate", "decision")
            return payloads.decided(known, name, decision, state, rehearsal=rehearsal)

        self._db.write(self._cutover, "decided", body, actor=name)
        return self._gate(gate, digest)

    def gates(self) -> tuple[Gate, ...]:
        """All gates, oldest first, each with its answers in order."""
        return self._db.read(lambda c: _gates(c, self._cutover))

    def set_right(self, name: str, standing: Literal["granted", "revoked"], by: str, reason: str) -> None:
        """Grant or revoke a person's right to approve; as it stands already: a no-op.

        InputRefused: NAME_EMPTY, NAME_CHARACTERS, REASON_EMPTY, OWN_RIGHT.
        """
        name, by = rules.person(name, "approvers"), rules.person(by, "approvers")
        reason = rules.reason_given(reason, "approvers")

        def body(tx: Tx) -> Payload | None:
            if not rules.sets_right(_rights(tx.connection, tx.cutover), name, standing, by):
                return None
            row = {"name": name, "name_key": rules.person_key(name), "standing": standing, "by": by, "reason": reason}
            tx.connection.execute(query("insert_right"), {**tx.own, **row, "at": tx.at})
            tx.touch("approver")
            return payloads.right_set(name, standing, by)

        self._db.write(self._cutover, "approver_set", body, actor=by)

    def rights(self) -> tuple[Right, ...]:
        """Return all changes of rights, in order."""
        return self._db.read(lambda c: _rights(c, self._cutover))

    def _gate(self, gate: str, digest: str) -> Gate:
        return next(g for g in self.gates() if (g.gate, g.digest) == (gate, digest))


def gate_of(connection: Connection, cutover: int, gate: str, digest: str) -> Gate | None:
    """Return the gate of that name and digest, with its answers."""
    return next((g for g in _gates(connection, cutover) if (g.gate, g.digest) == (gate, digest)), None)


def _gates(connection: Connection, cutover: int) -> tuple[Gate, ...]:
    answers: dict[int, list[Row[tuple[object, ...]]]] = defaultdict(list)
    for row in connection.execute(query("decisions"), {"cutover": cutover}):
        answers[row.gate].append(row)
    rows = connection.execute(query("gates"), {"cutover": cutover}).all()
    return tuple(rules.effective(_gate_from(row, answers[row.no])) for row in rows)


def _gate_from(row: Row[tuple[object, ...]], answers: Sequence[Row[tuple[object, ...]]]) -> Gate:
    """A gate of which everything has left keeps its approvals, whatever became of their givers' rights."""
    given = (Decision(a.name, a.decision, a.reason, a.rehearsal, a.at, row.used or not a.lapsed) for a in answers)
    return Gate(row.gate, row.round, row.digest, row.needed, row.state, row.requester, tuple(given), row.opened_at)


def _rights(connection: Connection, cutover: int) -> tuple[Right, ...]:
    rows = connection.execute(query("rights"), {"cutover": cutover})
    return tuple(Right(row.name, row.standing, row.by, row.reason, row.at) for row in rows)


def _move(tx: Tx, gate: str, digest: str, state: str) -> None:
    row = tx.connection.execute(query("gate"), {**tx.own, "gate": gate, "digest": digest}).one()
    tx.connection.execute(query("move_gate"), {"no": row.no, "state": state})
