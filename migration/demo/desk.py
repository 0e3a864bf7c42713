"""The people of the rehearsal: who approves, corrects, signs and has things sent again, as `sample_data/` says.

They act through the journal and the command line, as people do, and only when the run waits for them. Everything they
do is safe to repeat: an approval, a signature or a corrections file given twice changes nothing.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from migration.domain.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from migration.domain.ports import Journal
    from migration.domain.values import Gate

APPROVERS: Final = ("审批员一", "审批员二")
"""Roles, not persons; two, since money wants two (contract.md `require_approvals`)."""

CLERK: Final = "运营录入员"
PREFLIGHT_CODES: Final = frozenset({"ORPHAN", "FIELD_INVALID"})
"""Exceptions that keep preflight shut until they are signed (domain.md, Hazards)."""


class Verbs(Protocol):
    """The command line, as a person at the keyboard uses it."""

    def __call__(self, *words: str) -> str:
        """Run `cutover WORDS...`; returns what it printed. CutoverError when its exit code is not 0."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One row of signatures.csv or resends.csv."""

    entity: str
    key: str
    code: str
    name: str
    reason: str


@dataclass
class Desk:
    """What the people do when the run waits. `say` is told of every act, without personal data."""

    journal: Journal
    verbs: Verbs
    sample: Path
    say: Callable[[str], None]
    approvers: Sequence[str] = APPROVERS
    handed_in: set[str] = field(default_factory=set)

    def attend(self, waiting: Sequence[str]) -> None:
        """Act on what waits: task ids like `accounts.approve`."""
        if waiting:
            self.approve()
        if "preflight.run" in waiting:
            self.sign(only=PREFLIGHT_CODES)
        if "rounds.settle" in waiting and not self._pending():
            self.correct("corrections2.csv")
            self.resend()
            self.sign()

    def approve(self) -> None:
        """Approve what is pending, by as many people as it needs."""
        for gate in self._pending():
            for name in [who for who in self.approvers if who not in gate.given][: gate.needed - len(gate.given)]:
                self._approve(gate, name)

    def _approve(self, gate: Gate, name: str) -> None:
        try:
            self.journal.decide(gate.gate, gate.digest, name, "approve", "演练 rehearsal", rehearsal=True)
        except InputRefused as refused:
            if {reason.code for reason in refused.reasons} != {"GATE_SUPERSEDED"}:
                raise
            return  # asked again with another digest meanwhile: the next look sees that one
        self.say(f"批准 approved: {gate.gate} ({gate.digest[:12]}) — {name}")

    def correct(self, file: str) -> None:
        """Hand in a corrections file, once; one that is not there is not needed."""
        path = self.sample / file
        if file in self.handed_in or not path.exists():
            return
        self.verbs("corrections", str(path), "--as", CLERK)
        self.handed_in.add(file)
        self.say(f"更正 corrections handed in: {file}")

    def sign(self, only: frozenset[str] | None = None) -> None:
        """Sign the open exceptions that signatures.csv names (of these codes only)."""
        self._answer("signatures.csv", only, self.journal.sign, "签署 signed")

    def resend(self) -> None:
        """Mark for the next round what resends.csv names."""
        marked = {(row["entity"], row["key"]) for row in self.journal.resends().to_pylist()}
        self._answer("resends.csv", None, self.journal.mark_resend, "重送 sent again", skip=marked)

    def _answer(
        self,
        file: str,
        only: frozenset[str] | None,
        act: Callable[[Sequence[str], str, str], None],
        word: str,
        skip: Collection[tuple[str, str]] = (),
    ) -> None:
        standing = {
            (row["entity"], row["key"], row["code"]): row["id"]
            for row in self.journal.exceptions().to_pylist()
            if row["state"] == "open"
        }
        done = 0
        for row in read(self.sample / file):
            known = standing.get((row.entity, row.key, row.code))
            if known is None or (only is not None and row.code not in only) or (row.entity, row.key) in skip:
                continue
            act([known], row.name, row.reason)
            done += 1
        if done:
            self.say(f"{word}: {done} ({file})")

    def _pending(self) -> list[Gate]:
        return [gate for gate in self.journal.gates() if gate.state == "pending"]


def read(file: Path) -> list[Signature]:
    """Read a file of signatures or re-sends; an absent one has no rows."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        names = ("entity", "key", "code", "name", "reason")
        return [Signature(*(row[name] for name in names)) for row in csv.DictReader(stream)]
