"""A journal in which every table has rows, and the bundles an auditor got of it, early and late."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from migration.clock import FakeClock
from migration.domain.values import ReconciledDay
from migration.journal import days
from migration.journal.keys import EvidenceKey
from migration.journal.notary import ROOTS, Notary
from migration.journal.store import PostgresJournal
from tests.contract.test_journal import (
    DAY,
    NEXT,
    applied,
    approve,
    check,
    corrections_of,
    delivered,
    dispositions_of,
    exceptions_of,
    id_of,
    plan_of,
    snapshot,
)

Files = dict[str, list[bytes]]
"""Table, `event`, `cutover` or `roots` -> its lines."""


@dataclass
class Case:
    """What the auditor has: the public key and the roots handed over; and what was exported, early and at the end."""

    journal: PostgresJournal
    notary: Notary
    fence: int
    early: Files
    late: Files
    key: bytes
    handed: list[bytes]
    folder: Path

    def export(self, name: str) -> Files:
        """Export once more."""
        self.notary.export(self.folder / name)
        return files_of(self.folder / name)


def files_of(folder: Path) -> Files:
    """The lines of every file of a bundle."""
    return {path.stem: path.read_bytes().splitlines() for path in sorted(folder.glob("*.jsonl"))}


def a_day() -> dict[str, pa.Table]:
    """A day's rows, one or two of each kind."""
    account = "6212460000000000001"
    rows: dict[str, list[dict[str, Any]]] = {
        "balance": [{"account": account, "balance_fen": 700}],
        "movement": [
            {"record": n, "account": account, "tranno": f"T{n}", "amount_fen": 350, "reverses": None} for n in (1, 2)
        ],
        "error": [{"file": "EVE", "record": 9, "bytes": 3, "sha256": "c" * 64, "why": "length"}],
        "difference": [{"code": "DAILY_X", "subject": "accounts/6212****0001", "detail": "differs"}],
    }
    return {kind: pa.Table.from_pylist(rows[kind], schema=schema) for kind, schema in days.TABLES.items()}


def build(url: str, root: Path) -> Case:
    """Carry a small cutover out by hand: corrections, approvals, files, refusals, signatures; a root at every gate."""
    journal = PostgresJournal(url, FakeClock())
    journal.begin("2017-11-jx", "rehearsal")
    fence = journal.acquire("op")
    notary = Notary(journal, root)

    def seal(gate: str, digest: str = "") -> None:
        notary.seal(fence, gate, digest)

    journal.record_snapshot(fence, snapshot("s1"))
    fixed = {"user_id": "U1", "field": "phone", "old": "13800000001", "new": None, "reason": "换号", "by": "bea"}
    journal.add_corrections(corrections_of(fixed, fixed | {"field": "name", "old": "张三", "new": "李四"}), "op")
    journal.record_stage(fence, "preflight", 1, "running", {"users": 3}, ())
    journal.record_checks(fence, "preflight", 1, [check("r1"), check("r2")])
    journal.record_stage(fence, "preflight", 1, "done", {"users": 3}, ())
    seal("preflight.done")
    journal.set_right("ann", "granted", "owner", "named")
    journal.set_right("cat", "granted", "owner", "named")
    journal.set_right("cat", "revoked", "owner", "left")
    applied(journal, fence, plan_of("person", ["U1", "U2", "U3"]))
    seal("accounts", "d" * 64)
    gone = journal.plan(fence, [plan_of("company", ["U4"])], DAY, "reopen#1")
    journal.withdraw(fence, gone)
    outcomes: dict[str, Any] = {"outcome": ["ok", "refused", "unknown"], "code": ["00", "13", "22"]}
    applied(journal, fence, plan_of("listing", ["L1", "L2", "L3"]), "listings.full", **outcomes)
    journal.record_exceptions(
        fence, exceptions_of(("listings", "L2", "BANK_13", 100), ("listings", "L3", "BANK_22", 7))
    )
    notary.export(root / "early")
    early = files_of(root / "early")
    journal.sign([id_of("listings", "L3", "BANK_22")], "ann", "settled by hand")
    journal.mark_resend([id_of("listings", "L2", "BANK_13")], "ann", "lifted")
    applied(journal, fence, plan_of("debt", ["D1", "D2"]), "debts.full", NEXT)
    journal.open_gate(fence, "reconcile", 1, "e" * 64, 2, "op")
    journal.decide("reconcile", "e" * 64, "ann", "reject", "not yet", rehearsal=False)
    seal("reconcile", "e" * 64)
    delivered(journal, fence, plan_of("debt", ["D3"]), "debts.sample", NEXT)
    journal.record_dispositions(fence, "users", dispositions_of(("U1", "opened", "OPENED_S"), ("U2", "pending", None)))
    journal.record_dispositions(fence, "debts", dispositions_of(("D1", "registered", "REGISTERED")))
    journal.record_day(fence, ReconciledDay(NEXT, "EVE", "a" * 64, "ALEVE", "b" * 64, 1, 2, 0), a_day())
    approve(journal, fence, "debts.sample", "f" * 64)
    seal("debts.sample", "f" * 64)
    notary.export(root / "late")
    handed = (notary.folder / ROOTS).read_bytes().splitlines()
    key = EvidenceKey.open(root).public
    return Case(journal, notary, fence, early, files_of(root / "late"), key, handed, root)
