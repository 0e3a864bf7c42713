"""The ports: what the stages ask of the world, as Protocols with set-wise verbs.

Each has contract tests (tests/contract) that the real adapter and the in-memory double both pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal, Protocol

import pyarrow as pa

from migration.domain.findings import Finding
from migration.domain.values import (
    Batch,
    BatchPlan,
    CheckResult,
    Event,
    FileLimits,
    Gate,
    Inquired,
    ReconciledDay,
    ResultContext,
    ResultFile,
    Right,
    Snapshot,
    StageRecord,
)


class Clock(Protocol):
    """Time for waiting and for time-stamps; never for the business date."""

    def now(self) -> datetime:
        """Now, in UTC, aware."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Legacy(Protocol):
    """The legacy platform and its snapshots."""

    def take(self) -> Snapshot:
        """Read every entity in one consistent view and store it as a new snapshot (Parquet, encrypted)."""
        ...

    def fingerprint(self) -> Mapping[str, str]:
        """Digests by entity of the source as it is now; nothing is stored."""
        ...

    def load(self, snapshot: Snapshot, entity: str) -> pa.Table:
        """One entity of a stored snapshot, in SNAPSHOT[entity]; CouldNotCheck when its digest does not verify."""
        ...

    def issues(self, snapshot: Snapshot) -> pa.Table:
        """The cells that could not be taken, in ISSUES."""
        ...


class Bank(Protocol):
    """The bank's file formats: bytes out, judged answers in. Does no I/O."""

    @property
    def limits(self) -> FileLimits:
        """What the files can carry."""
        ...

    @property
    def account_pattern(self) -> str:
        """The form of a full account number, as a regular expression."""
        ...

    def names(self, kind: str, batch_no: str, business_date: date) -> tuple[str, str]:
        """Request and result file name."""
        ...

    def encode(self, kind: str, rows: pa.Table, batch_no: str, business_date: date) -> bytes:
        """The request file, byte-exact and deterministic. `rows` as ROWS[kind]. ValueError on a row that does not fit."""
        ...

    def check(self, batch: Batch, request: bytes, result: bytes, context: ResultContext) -> pa.Table:
        """Judge a result file as a whole: ANSWERS, or ResultRefused."""
        ...


class Files(Protocol):
    """The wire: where requests go and results come from, by business date."""

    def deliver(self, name: str, business_date: date, content: bytes) -> None:
        """Put a request there: temporary name, rename, read back. A no-op when it is there with the same content.

        GateClosed(REQUEST_CONFLICT) when other content stands under the name; TransientError when it could not be done.
        """
        ...

    def result(self, name: str, business_date: date) -> ResultFile | None:
        """The result file, or None when it is not there."""
        ...

    def quarantine(self, name: str, business_date: date, content: bytes, reasons: Sequence[Finding]) -> str:
        """Move a result out of the exchange into quarantine with a note beside it; returns its place."""
        ...

    def manifest(self, name: str, facts: Mapping[str, object]) -> None:
        """Write (or overwrite) the manifest of a file sent or received in the workspace."""
        ...


class Inquiries(Protocol):
    """The query channel. Asking changes nothing at the bank and may be repeated.

    TransientError: no answer after several tries. Waiting: the bank's day cut. CouldNotCheck: a reply that cannot be
    believed (signature, echo, content).
    """

    def batch(self, batch: Batch) -> Literal["done", "processing", "absent"]:
        """How far the bank is with a file; its count and sum must be the batch's."""
        ...

    def items(self, batch: Batch, request: bytes, keys: Sequence[str], context: ResultContext) -> Inquired:
        """What came of these items of a file."""
        ...

    def held(self, accounts: pa.Table, listings: pa.ChunkedArray, holders: pa.ChunkedArray) -> Mapping[str, pa.Table]:
        """Read back what the bank holds now: HELD by entity.

        `accounts`: id_type, id_no of the persons and companies asked for; `listings`: listing numbers; `holders`: account
        numbers whose debts are asked for.
        """
        ...


class Balances(Protocol):
    """The query channel, asked for money: what lies on an account now. Errors as those of `Inquiries`."""

    def balance_fen(self, account_no: str) -> int | None:
        """The balance in fen; None when the bank does not know the account."""
        ...


class Judge(Protocol):
    """The gate between two stages: rules as data, judged on measures."""

    def judge(
        self, stage: str, measures: Mapping[str, int | None], keys: Mapping[str, Sequence[str]]
    ) -> tuple[CheckResult, ...]:
        """Judge every rule of the stage. A measure that is missing or None is `not_checked`.

        `measures` maps measure ids to exact integers; `keys` maps a measure id to failing keys.
        """
        ...


class Journal(Protocol):
    """The system of record.

    Every write is one transaction, appends an event to the hash chain, and, where a `fence` is taken, refuses
    (StaleFence) when another run has taken over since.
    """

    # -- the run
    def begin(self, cutover_id: str, kind: str) -> None:
        """Create the cutover's row if it is missing; every other verb acts on it. Other `kind`: ConfigurationError."""
        ...

    def acquire(self, actor: str) -> int:
        """Take over: a new fencing token, higher than any before."""
        ...

    # -- snapshot and corrections
    def record_snapshot(self, fence: int, snapshot: Snapshot) -> None:
        """Make this the cutover's snapshot (replaces an earlier one until `freeze`)."""
        ...

    def snapshot(self) -> Snapshot | None:
        """The current snapshot."""
        ...

    def add_corrections(self, rows: pa.Table, importer: str) -> int:
        """Append corrections (CORRECTIONS without seq and importer); all or none. Returns how many."""
        ...

    def corrections(self) -> pa.Table:
        """All corrections, in order."""
        ...

    # -- batches and items
    def plan(self, fence: int, plans: Sequence[BatchPlan], business_date: date, gate: str) -> tuple[Batch, ...]:
        """Draw the next numbers of the date's counter and write batches (`planned`) and items (`open`)."""
        ...

    def withdraw(self, fence: int, batches: Sequence[Batch]) -> None:
        """Take back batches that were planned or sealed but never delivered: they must be the last drawn."""
        ...

    def seal(self, fence: int, batch: Batch, request_name: str, content: bytes) -> Batch:
        """Write-ahead intent: name, bytes and SHA-256 are committed. Sealed again with other bytes: GateClosed."""
        ...

    def mark_delivered(self, fence: int, batch: Batch, digest: str) -> Batch:
        """The request stands at the bank under its final name; `digest` is what its gate approved."""
        ...

    def mark_quarantined(self, fence: int, batch: Batch, result_sha256: str, reasons: Sequence[Finding]) -> Batch:
        """A result was refused as a whole; a correct one is awaited."""
        ...

    def apply(self, fence: int, batch: Batch, result_name: str, content: bytes, answers: pa.Table) -> Batch:
        """Apply a whole accepted result in one transaction. `applied`, or `unknown` if any answer is unknown.

        The same content again is a no-op; other content for an applied batch: GateClosed(RESULT_CONTRADICTS).
        """
        ...

    def resolve(self, fence: int, batch: Batch, name: str, inquired: Inquired) -> Batch:
        """Record what the bank said when it was asked, in one transaction, with the replies as evidence.

        A batch that awaits its result: every row must be told of (ANSWERS_INCOMPLETE), and the records asked for stand as
        its result under `name`. A batch of unknown outcome: unknown items become ok or refused, and the batch `applied`
        once none is left that is neither known nor signed. Nothing new: a no-op. A row of `answers` without a record
        (result_record NULL) is one that the bank knows nothing of.
        """
        ...

    def inquiries(self, batch: Batch) -> tuple[tuple[bytes, bytes], ...]:
        """The records and replies of every inquiry that was recorded for a batch, oldest first."""
        ...

    def message_numbers(self) -> range:
        """Draw numbers for messages to the bank: nobody else is given them. After 999,999 they begin again."""
        ...

    def batches(self) -> tuple[Batch, ...]:
        """All batches, by business date and number."""
        ...

    def request(self, batch: Batch) -> bytes:
        """The sealed bytes."""
        ...

    def result(self, batch: Batch) -> bytes:
        """The applied result's bytes; empty when none was applied."""
        ...

    def items(self, entity: str) -> pa.Table:
        """Every attempt of every item of an entity (ITEMS)."""
        ...

    # -- exceptions
    def record_exceptions(self, fence: int, current: pa.Table) -> None:
        """Take the whole set that stands now: `current` (entity, key, code, amount_fen).

        New ones are opened, those that are gone are `mended`, signed ones stay.
        """
        ...

    def exceptions(self) -> pa.Table:
        """All exceptions (EXCEPTIONS), sorted by entity, key, code."""
        ...

    def sign(self, ids: Sequence[str], by: str, reason: str) -> None:
        """Sign open exceptions; all or none (InputRefused on an unknown id). Signing a signed one again is a no-op.

        An item in state unknown that is signed no longer holds its batch: the batch becomes `applied`.
        """
        ...

    def mark_resend(self, ids: Sequence[str], by: str, reason: str) -> None:
        """Mark refused listings or debts (code BANK_...) for the next round; all or none."""
        ...

    def resends(self) -> pa.Table:
        """Marks so far (RESENDS), each naming the refused attempt it answers."""
        ...

    # -- approvals
    def open_gate(self, fence: int, gate: str, round: int, digest: str, needed: int, requester: str) -> Gate:  # noqa: A002
        """Ask for approval of a digest; pending ones of the same gate with another digest become `superseded`.

        The same digest again returns the gate as it stands.
        """
        ...

    def decide(
        self, gate: str, digest: str, name: str, decision: Literal["approve", "reject"], reason: str, *, rehearsal: bool
    ) -> Gate:
        """One person's answer. InputRefused: no such pending gate or digest, own request, after a rejection.

        The same answer by the same person again is a no-op.
        """
        ...

    def gates(self) -> tuple[Gate, ...]:
        """All gates, oldest first.

        One whose approvals no longer suffice, because a right was revoked before everything had left, is `pending`.
        """
        ...

    def set_right(self, name: str, standing: Literal["granted", "revoked"], by: str, reason: str) -> None:
        """Grant or revoke a person's right to approve; as it stands already: a no-op. InputRefused: OWN_RIGHT."""
        ...

    def rights(self) -> tuple[Right, ...]:
        """All changes of rights, in order. While nobody was granted, everybody may approve who is not revoked."""
        ...

    # -- stages, checks, dispositions, events
    def record_stage(
        self,
        fence: int,
        stage: str,
        round: int,  # noqa: A002
        state: str,
        totals: Mapping[str, int],
        reasons: Sequence[str],
    ) -> None:
        """How far a stage of a round has come."""
        ...

    def stages(self) -> tuple[StageRecord, ...]:
        """All stage records in the order they began."""
        ...

    def record_checks(self, fence: int, stage: str, round: int, results: Sequence[CheckResult]) -> None:  # noqa: A002
        """Keep a gate's results (history stays)."""
        ...

    def checks(self) -> tuple[tuple[str, int, datetime, CheckResult], ...]:
        """Every kept result with stage, round and time, oldest first."""
        ...

    def record_dispositions(self, fence: int, entity: str, rows: pa.Table) -> None:
        """Write the dispositions that changed (key, disposition, reason).

        GateClosed(TERMINAL_CHANGED) when a terminal one would change.
        """
        ...

    def dispositions(self, entity: str) -> pa.Table:
        """key, disposition, reason; sorted by key."""
        ...

    def note(self, actor: str, kind: str, payload: Mapping[str, object]) -> None:
        """Append an event (no personal data in it)."""
        ...

    def events(self) -> tuple[Event, ...]:
        """The whole chain."""
        ...

    def head(self) -> str:
        """The digest of the chain's last event: it changes with every write, and with nothing else."""
        ...

    def verify(self) -> tuple[Finding, ...]:
        """Recompute the hash chain; empty when it holds."""
        ...


class DailyFormat(Protocol):
    """The bank's daily files: names, and bytes to entries. Does no I/O."""

    def names(self, on: date) -> tuple[str, str]:
        """EVE's and ALEVE's name; ConfigurationError(DAILY_LAYOUT) for a day whose layout is not known."""
        ...

    def read(self, what: str, content: bytes, on: date) -> tuple[pa.Table, pa.Table]:
        """Entries (daily.ENTRIES) of `EVE` or `ALEVE`, and the lines set aside: record, bytes, sha256, why."""
        ...


class RepaymentFormat(Protocol):
    """Repayment files of the settlement drill. Does no I/O."""

    def names(self, batch_no: str, business_date: date) -> tuple[str, str]:
        """Request and answer file name; ConfigurationError when the bank has no such files."""
        ...

    def encode(self, orders: pa.Table, batch_no: str, business_date: date) -> bytes:
        """The request file from settlement.ORDERS, byte-exact and deterministic."""
        ...

    def check(self, request: bytes, answer: bytes, batch_no: str, business_date: date) -> pa.Table:
        """Judge an answer file as a whole: settlement.ANSWERS in the order of the request, or ResultRefused."""
        ...


class DayBook(Protocol):
    """Days after the cutover, beside the journal's verbs: taken in once, never changed."""

    def record_day(self, fence: int, day: ReconciledDay, rows: Mapping[str, pa.Table]) -> None:
        """One transaction: the day and its rows (balance, movement, error, difference). The same again is a no-op.

        GateClosed(DAILY_CONTRADICTS) when the day is there from other files.
        """
        ...

    def days(self) -> tuple[ReconciledDay, ...]:
        """Every day taken in, in order."""
        ...

    def balances(self, before: date) -> pa.Table:
        """daily.BALANCES of every account as the days before left it."""
        ...

    def named_movements(self, before: date, names: Sequence[str]) -> pa.Table:
        """daily.MOVEMENTS of earlier days that are, or take back, `account|number`."""
        ...

    def day_rows(self, day: date, kind: str) -> pa.Table:
        """A day's `error` (file, record, bytes, sha256, why) or `difference` rows (code, subject, detail)."""
        ...
