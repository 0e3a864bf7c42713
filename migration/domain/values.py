"""What travels through the ports: batches, gates, decisions, check results, events, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import pyarrow as pa

from migration.domain.findings import Finding

BatchState = Literal["planned", "sealed", "delivered", "answered", "applied", "quarantined", "unknown"]
GateState = Literal["pending", "approved", "rejected", "superseded"]
Severity = Literal["info", "warning", "blocking"]


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What the bank's files can carry; filled in by the bank profile, used by the domain's decisions."""

    encoding: str = "gbk"
    name_bytes: int = 60
    title_bytes: int = 60
    email_bytes: int = 40
    corporate_account_bytes: int = 42
    id_bytes: int = 18
    user_id_chars: int = 60
    listing_id_pattern: str = r"[0-9A-Za-z]{1,40}"
    debt_id_pattern: str = r"[0-9A-Za-z]{1,30}"
    rate_decimals: int = 5
    rate_e5_max: int = 99_999_999
    term_max: int = 9_999
    amount_fen_max: int = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One frozen reading of the legacy platform. Digests are SHA-256 hex over the plain content, by entity."""

    digest: str
    entity_digests: Mapping[str, str]
    counts: Mapping[str, int]
    issues: int
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch to be: the journal draws its number.

    `items` has the columns key (text), amount_fen (int64) and row_digest (text: of the row's content, kept with it).
    """

    stage: str
    round: int
    kind: str  # person | company | listing | debt | authorisation
    sample: bool
    part: int  # from 1
    items: pa.Table
    sum_fen: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One file exchange as the journal knows it."""

    business_date: date
    batch_no: str  # six digits
    stage: str
    round: int
    kind: str
    sample: bool
    part: int
    rows: int
    sum_fen: int
    state: BatchState
    request_name: str = ""
    request_sha256: str = ""
    request_bytes: int = 0
    result_name: str = ""  # filled when a result was accepted
    result_sha256: str = ""
    delivered_at: datetime | None = None
    gate: str = ""  # the gate its delivery hangs on
    digest: str = ""  # the digest that gate approved, written when delivered

    @property
    def key(self) -> tuple[date, str]:
        """Identity within a cutover."""
        return (self.business_date, self.batch_no)


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's answer at a gate."""

    name: str
    decision: Literal["approve", "reject"]
    reason: str
    rehearsal: bool
    at: datetime
    stands: bool = True  # false once the giver's right was revoked before what was approved had left


@dataclass(frozen=True, slots=True)
class Right:
    """A change of a person's right to approve. The last one of a person counts."""

    name: str
    standing: Literal["granted", "revoked"]
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Gate:
    """An approval gate: bound to the digest of data, configuration and code version."""

    gate: str
    round: int
    digest: str
    needed: int
    state: GateState
    requester: str
    decisions: tuple[Decision, ...] = ()
    opened_at: datetime | None = None

    @property
    def given(self) -> tuple[str, ...]:
        """Names of those who approved, in order; without approvals that no longer count."""
        return tuple(d.name for d in self.decisions if d.decision == "approve" and d.stands)


@dataclass(frozen=True, slots=True)
class StageRecord:
    """How far a stage of a round has come. `totals` are counts and sums in fen, by name."""

    stage: str
    round: int
    state: Literal["running", "done", "closed", "waiting"]
    totals: Mapping[str, int]
    reasons: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one rule found at a gate. `keys` are failing keys (never values), capped; `failures` is the full count."""

    rule_id: str
    entity: str
    severity: Severity
    clause: str
    owner: str
    blocks: str
    title_zh: str
    title_en: str
    outcome: Literal["passed", "failed", "not_checked"]
    observed: int | None
    expected: int | None
    failures: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One link of the journal's hash chain."""

    seq: int
    at: datetime
    actor: str
    kind: str
    payload: Mapping[str, object]
    previous: str  # SHA-256 hex of the link before
    digest: str


@dataclass(frozen=True, slots=True)
class ReconciledDay:
    """A day after the cutover that was taken in from the bank's two files."""

    day: date
    eve_name: str
    eve_sha256: str
    aleve_name: str
    aleve_sha256: str
    eve_rows: int
    aleve_rows: int
    reversals: int


@dataclass(frozen=True, slots=True)
class ResultContext:
    """What a result file is judged against, beside the request's own bytes."""

    names: pa.Table  # account_no, name: who the bank must name for an account it echoes
    taken: pa.Table  # account_no, user_id: numbers already given to users
    authcodes: pa.ChunkedArray  # authorisation codes already applied, in other batches
    confirmed: pa.ChunkedArray  # keys of this entity our journal already holds a success for


@dataclass(frozen=True, slots=True)
class Inquired:
    """What the bank said, asked item by item; judged by the rules that a result file is judged by.

    `answers`: one row for each item whose outcome is now known (ANSWERS; record_no of the request file, result_record of
    `records`). `records`: the replies in the layout of the result file. `replies`: the messages as they came, one a line.
    """

    answers: pa.Table
    records: bytes = field(repr=False)
    replies: bytes = field(repr=False)
    processing: tuple[str, ...] = ()  # keys: the bank is at it
    absent: tuple[str, ...] = ()  # keys: the bank knows nothing of it
    differing: tuple[Finding, ...] = ()  # the bank holds the key with other content than was sent: stays unknown


class ResultRefused(Exception):
    """A result file breaks a rule: the whole of it is quarantined. Findings name record numbers and codes only."""

    def __init__(self, *reasons: Finding, incomplete: bool = False) -> None:
        self.reasons = reasons
        self.incomplete = incomplete  # true when the size is no whole number of records (it may still be growing)
        super().__init__("\n".join(str(r) for r in reasons))


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result as found. `settled` is false while it may still be growing."""

    content: bytes = field(repr=False)
    settled: bool
