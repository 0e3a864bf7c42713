"""What a report is made of: plain values, collected by the stages room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import pyarrow as pa

from migration.domain.values import Batch, CheckResult, Event, Gate, Snapshot, StageRecord
from migration.domain.wording import Pair
from migration.reports import codes, totals


@dataclass(frozen=True, slots=True)
class Scope:
    """What the configuration puts in scope, as far as a reader must know what was not tested."""

    transport: str  # directory | sftp
    query_channel: bool
    carry_authorisations: bool
    late_change: str
    overdue: str
    rows_per_file: int
    profile: str
    days: Sequence[date] = ()  # whose daily files (EVE, ALEVE) were taken in
    configured: str = ""  # rehearsal | production, whatever kind of report is asked for
    answers: Mapping[tuple[str, str], Pair] = field(default_factory=dict)  # (entity, the bank's code) -> what it means


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The books of the withdrawal service at one moment; int fen, fees included unless they stand beside."""

    accounts: pa.Table  # escrow_id, opening_fen, paid_fen, in_transit_fen, left_fen, frozen_fen, moved_at, differs
    movements: pa.Table  # day (in Beijing), kind, fen, times
    states: pa.Table  # state, times, amount_fen, fee_fen, free


@dataclass(frozen=True)
class Material:
    """One cutover as the journal, the snapshot and the verifier tell it. Money is int fen; no personal data but ids."""

    cutover_id: str
    kind: str  # sit | uat | rehearsal | production
    business_date: date
    made_at: datetime  # aware, UTC
    scope: Scope
    snapshot: Snapshot
    legacy: Mapping[str, pa.Table]  # the snapshot's tables, without corrections
    claim: Mapping[str, pa.Table]  # the exports
    balance: Mapping[str, object]  # balance.json
    groups: pa.Table  # merged identities: kept_user_id, members, reason, receivable_before/after, election
    exceptions: pa.Table
    corrections: pa.Table
    stages: Sequence[StageRecord]
    gates: Sequence[Gate]
    checks: Sequence[tuple[str, int, datetime, CheckResult]]
    batches: Sequence[Batch]
    items: Mapping[str, pa.Table]  # every attempt by entity: users, listings, debts, authorisations
    manifests: Mapping[str, str]  # name of a file -> SHA-256 of the manifest kept of it
    samples: Sequence[Event]  # events `sample_drawn`
    chain: Mapping[str, object]  # events, head, findings
    verification: Mapping[str, object]  # the verifier's answer as JSON
    versions: Mapping[str, str]
    done: bool
    relations: Mapping[str, str]  # rule -> how what is observed must stand to its threshold: = ≤ ≥
    drill: Mapping[str, object] | None = None  # the last settlement drill that was settled
    withdrawn: Withdrawn | None = None  # None: the books of the withdrawals were never opened
    other: Mapping[str, object] | None = None  # the figures file of another report, to be laid beside this one

    @property
    def only_rehearsed(self) -> bool:
        """A production report is asked for of what is configured as a rehearsal."""
        return self.kind == "production" and self.scope.configured == "rehearsal"

    def why(self, entity: str, code: str | None, language: str) -> str:
        """A reason code with its meaning. A debt may carry its listing's answer."""
        asked = ("debts", "listings") if entity == "debts" else (entity,)
        found = {self.scope.answers.get((one, (code or "").removeprefix("BANK_"))) for one in asked} - {None}
        return codes.reason(code, language, found.pop() if len(found) == 1 else None)

    @cached_property
    def controls(self) -> tuple[totals.Control, ...]:
        """Control totals of each entity."""
        return totals.controls(self.legacy, self.claim)

    @cached_property
    def disclosed(self) -> tuple[totals.Control, ...]:
        """The disclosed figures."""
        return totals.figures(self.legacy, self.claim, self.business_date)
