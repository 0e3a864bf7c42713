"""A whole cutover inside one process: the real stages, files and bank formats; journal, source and clock as given.

The sandbox bank answers whenever the run waits, so nothing sleeps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from expectations.plain import PlainJudge
from migration.bank.profile import JxProfile
from migration.bank.transport import DirectoryFiles
from migration.clock import FakeClock
from migration.domain import corrections
from migration.domain.errors import CutoverError
from migration.domain.outcome import balance, outcome
from migration.domain.ports import Bank, Files, Journal, Legacy
from migration.journal.memory import MemoryJournal
from migration.legacy.memory import MemoryLegacy
from migration.sandbox.bank import SandboxBank
from migration.stages import gather, progress
from migration.stages.engine import Engine
from migration.stages.house import House, Terms
from migration.verification import run as verification
from tests.contract.platforms import Tables

BOTH = ("first", "second")


class _BankClock(FakeClock):
    """Waiting lets the bank work; the wait itself takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.bank: SandboxBank | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.bank is not None:
            self.bank.tick()


class _Content:
    """A judge without rules, for cases that are about the lifecycle."""

    def judge(self, _stage: str, _measures: Any, _keys: Any) -> tuple[Any, ...]:
        return ()


def terms(**changes: Any) -> Terms:
    """The configuration of the rehearsals."""
    values: dict[str, Any] = {
        "cutover_id": "2017-11-jx",
        "profile": "jx",
        "kind": "rehearsal",
        "business_date": date(2017, 11, 18),
        "keep_account": (
            "election",
            "party_to_listing",
            "receivable",
            "balance",
            "last_active",
            "registered",
            "user_id",
        ),
        "overdue": "signed_exception",
        "late_change": "stop",
        "require_approvals": 2,
        "confidence": Decimal("0.95"),
        "defect_rate": Decimal("0.01"),
        "seed": 20171118,
        "rows_per_file": 9999,
        "result_timeout_s": 30,
        "config_digest": "c" * 64,
        "code_digest": "d" * 64,
        "account_pattern": r"621246\d{13}",
    }
    return Terms(**(values | changes))


class Rehearsal:
    """One cutover: run it, stop it, look at what came of it."""

    def __init__(
        self,
        root: Path,
        platform: Tables | Legacy,
        *,
        journal: Journal | None = None,
        faults: Mapping[str, Any] | None = None,
        judge: Any = None,
        verified: bool = False,
        measured: bool = False,
        inquiries: Any = None,
        bank: Bank | None = None,
        **changes: Any,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.clock = _BankClock()
        self.plan = root / "faults.json"
        self.faults(faults or {})
        self.format: Bank = bank or JxProfile("0110", "000187", "MP")
        self.bank = SandboxBank(root / "bank", root / "state", self.plan, clock=lambda: self.clock.now().timestamp())
        self.clock.bank = self.bank
        self.files: Files = DirectoryFiles(root / "bank", root / "workspace", self.clock)
        self.journal: Journal = journal if journal is not None else MemoryJournal(self.clock)
        self.source = MemoryLegacy(platform, complete=True) if isinstance(platform, dict) else platform
        self.terms = terms(**changes)
        self.measured = measured or judge is not None  # have the gates judged on real measures (a second or two a run)
        self.judge = judge if judge is not None else PlainJudge() if measured else _Content()
        self.actor = "runner"
        self.inquiries = inquiries  # the query channel; None: files only
        self.verified = verified  # have the independent verifier read everything at the end (a second or so)
        self.failpoint: Any = lambda _name: None
        self.said: list[str] = []
        self.reports: dict[str, str] = {}  # what the run kept for people: name -> text
        self.house = self._house(())

    def faults(self, plan: Mapping[str, Any]) -> None:
        """Tell the bank what to refuse or to spoil from now on."""
        self.plan.write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")

    def _house(self, approve: Sequence[str], *, blocking: bool = True) -> House:
        house = House(
            terms=self.terms,
            journal=self.journal,
            legacy=self.source,
            bank=self.format,
            files=self.files,
            judge=self.judge,
            clock=self.clock,
            actor=self.actor,
            verify=self._verify,
            inquiries=self.inquiries,
            approve_as=tuple(approve),
            blocking=blocking,
            failpoint=self.failpoint,
            report=self.reports.__setitem__,
        )
        house.tell = self.said.append
        return house

    def _verify(self) -> Mapping[str, int | None]:
        if self.verified:
            return verification.counts(gather.evidence(self.house))
        return {"given.verification.planted_unseen": 0, "given.verification.differences": 0}

    def run(self, until: str | None = None, *, approve: Sequence[str] = BOTH) -> int:
        """As `cutover run`: the exit code; the reasons are kept in `reasons`."""
        self.house = self._house(approve)
        return self._coded(lambda: Engine(self.house).run(until))

    def stage(self, name: str, *, approve: Sequence[str] = BOTH) -> int:
        """As `cutover stage`."""
        self.house = self._house(approve)
        return self._coded(lambda: Engine(self.house).stage(name))

    def engine(self, approve: Sequence[str] = BOTH) -> Engine:
        """The engine as Airflow uses it."""
        self.house = self._house(approve, blocking=False)
        return Engine(self.house)

    def _coded(self, call: Any) -> int:
        self.reasons: tuple[Any, ...] = ()
        counted = progress.measures if self.measured else lambda _stage, _facts: ({}, {})
        try:
            with patch.object(progress, "measures", counted):
                call()
        except CutoverError as stopped:
            self.reasons = stopped.reasons
            return stopped.exit_code
        return 0

    @property
    def codes(self) -> list[str]:
        """The codes of the last stop."""
        return [reason.code for reason in self.reasons]

    def correct(self, *lines: str) -> None:
        """Give a corrections file."""
        rows = corrections.parse_csv("user_id,field,old,new,reason,by\n" + "\n".join(lines) + "\n")
        house = self.house
        new = corrections.validate(rows, house.table("users"), self.journal.corrections(), house.book().users.users)
        self.journal.add_corrections(new, "operations")

    def exceptions(self, state: str = "open") -> dict[tuple[str, str], str]:
        """(entity, key) -> code of the exceptions in a state."""
        return {
            (r["entity"], r["key"]): r["code"] for r in self.journal.exceptions().to_pylist() if r["state"] == state
        }

    def sign(self, *keys: tuple[str, str]) -> None:
        """Sign the open exceptions named, or all."""
        rows = [r for r in self.journal.exceptions().to_pylist() if r["state"] == "open"]
        chosen = [r["id"] for r in rows if not keys or (r["entity"], r["key"]) in keys]
        self.journal.sign(chosen, "compliance", "seen and accepted")

    def resend(self, *keys: tuple[str, str]) -> None:
        """Mark refused items for the next round."""
        rows = [r for r in self.journal.exceptions().to_pylist() if r["state"] == "open"]
        self.journal.mark_resend([r["id"] for r in rows if (r["entity"], r["key"]) in keys], "operations", "again")

    def exports(self) -> dict[str, pa.Table]:
        """The exports as they would be written now."""
        return outcome(self.house.book(), self.journal.batches())

    def balance(self) -> dict[str, Any]:
        """The balance equation as it would be written now."""
        return balance(self.house.book()).as_json()

    def where(self, entity: str) -> dict[str, tuple[str, str | None]]:
        """Key -> (disposition, reason) of users, listings or debts."""
        table = self.exports()[entity]
        return {r[table.column_names[0]]: (r["disposition"], r["reason"]) for r in table.to_pylist()}

    def sent(self) -> dict[str, bytes]:
        """Every request file at the bank, by name."""
        return {p.name: p.read_bytes() for p in sorted((self.root / "bank" / "out").rglob("3005-*"))}
