"""The settlement drill (清偿演练): on a rehearsal's sandbox bank every registered debt is paid off with what was stored.

Not a stage of the cutover: it comes after `reconcile` and changes nothing of it. Repayment files go the way of all files;
the bank judges them by its own books and books them in a ledger beside them. Every code is sent a second time and must be
refused then. It converges: a drill that was begun is continued with the same files, one that is settled is told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa

from migration.domain.columns import fen
from migration.domain.errors import ConfigurationError, GateClosed, Waiting
from migration.domain.findings import Finding
from migration.domain.outcome import outcome
from migration.domain.ports import Journal, RepaymentFormat
from migration.domain.settlement import ANSWERS, Settled, orders, settled
from migration.domain.values import ResultRefused
from migration.stages import progress
from migration.stages.house import House

STAGE: Final = "drill"
SENT, SETTLED = "drill_sent", "drill_settled"
"""Events: what is about to be sent, with its digests; what came of it."""

DRILLS, PARTS = 99, 9_999
SHOWN: Final = 20
KEPT: Final = 1_000
"""So many findings, and so many of each side's differences, are kept; all are counted."""


@dataclass(frozen=True, slots=True)
class _File:
    """One repayment file: which orders, in which pass."""

    batch_no: str
    start: int
    rows: int
    second: bool


def settle(house: House, form: RepaymentFormat, *, again: bool = False) -> Mapping[str, Any]:
    """Carry the drill out, from where it stands; its result. `again`: a new one when the last is settled.

    ConfigurationError(DRILL_PRODUCTION, DRILL_CHANGED, DRILL_LIMIT); GateClosed: STAGE_ORDER, RESULT_QUARANTINED, and
    DRILL_DIFFERS with its findings; Waiting(DRILL_WAITS).
    """
    if house.terms.kind == "production":
        raise ConfigurationError.of(
            "DRILL_PRODUCTION", STAGE, "it pays loans off: never in production", "a rehearsal with a sandbox bank"
        )
    if not progress.done(house, "reconcile"):
        raise GateClosed.of("STAGE_ORDER", STAGE, "the cutover is not reconciled yet", "cutover run")
    number, done = _standing(house.journal)
    if done is None or again:
        number = number + 1 if done is not None or not number else number
        done = _carry_out(house, form, number)
    _stop_at_differences(done)
    return done


def latest(journal: Journal) -> Mapping[str, Any] | None:
    """The result of the last drill that was settled; None before any was."""
    found = [event.payload for event in journal.events() if event.kind == SETTLED]
    return found[-1] if found else None


def _standing(journal: Journal) -> tuple[int, Mapping[str, Any] | None]:
    """The number of the last drill that was begun (0: none), and its result if it is settled."""
    begun = max((_number(e.payload) for e in journal.events() if e.kind == SENT), default=0)
    last = latest(journal)
    return begun, last if last is not None and _number(last) == begun else None


def _number(payload: Mapping[str, Any]) -> int:
    return int(payload["drill"])


def _carry_out(house: House, form: RepaymentFormat, number: int) -> Mapping[str, Any]:
    house.take_over()
    claim = outcome(house.book(), house.journal.batches())
    snapshot = {entity: house.table(entity) for entity in ("debts", "listings")}
    ordered = orders(claim, snapshot)
    files = list(_files(number, ordered.num_rows, house.terms.rows_per_file))
    _note(house, form, number, ordered, files)
    answers: dict[bool, pa.Table] = {}
    digests: list[dict[str, object]] = []
    for second in (False, True):  # the second use leaves when the first is answered
        mine = [file for file in files if file.second == second]
        for file in mine:
            house.files.deliver(
                _name(house, form, file), house.terms.business_date, _content(house, form, ordered, file)
            )
            house.failpoint("drill.after_deliver")
        tables = [_taken(house, form, ordered, file, digests) for file in mine]
        answers[second] = pa.concat_tables([ANSWERS.empty_table(), *tables]).combine_chunks()
    found = settled(ordered, answers[False], answers[True], claim, snapshot)
    result = _told(number, found, digests)
    house.failpoint("drill.before_settled")
    house.journal.note(house.actor, SETTLED, result)
    house.failpoint("drill.after_settled")
    house.seal(house.fence, "drill.done", "")
    house.tell(f"{STAGE} {number}: {found.counts['paid']} of {found.counts['debts']} debts paid off")
    return result


def _files(number: int, rows: int, limit: int) -> Iterator[_File]:
    """Every file of a drill: all orders once, then all a second time."""
    starts = range(0, rows, limit)
    if number > DRILLS or 2 * len(starts) > PARTS:
        raise ConfigurationError.of(
            "DRILL_LIMIT", f"{STAGE} {number}", f"at most {DRILLS} drills of {PARTS} files", "a cutover of its own"
        )
    for at, start in enumerate((*starts, *starts)):
        yield _File(f"{number:02d}{at + 1:04d}", start, min(limit, rows - start), second=at >= len(starts))


def _name(house: House, form: RepaymentFormat, file: _File) -> str:
    return form.names(file.batch_no, house.terms.business_date)[0]


def _content(house: House, form: RepaymentFormat, ordered: pa.Table, file: _File) -> bytes:
    return form.encode(ordered.slice(file.start, file.rows), file.batch_no, house.terms.business_date)


def _note(house: House, form: RepaymentFormat, number: int, ordered: pa.Table, files: list[_File]) -> None:
    """Commit what is about to leave, before its first byte does. ConfigurationError(DRILL_CHANGED) when it differs."""
    planned = {
        "drill": number,
        "debts": ordered.num_rows,
        "principal_fen": int(fen(ordered["principal_fen"]).sum()),
        "interest_fen": int(fen(ordered["interest_fen"]).sum()),
        "files": [
            {
                "name": _name(house, form, file),
                "rows": file.rows,
                "sha256": hashlib.sha256(_content(house, form, ordered, file)).hexdigest(),
            }
            for file in files
        ],
    }
    known = [e.payload for e in house.journal.events() if e.kind == SENT and _number(e.payload) == number]
    if not known:
        house.journal.note(house.actor, SENT, planned)
        house.failpoint("drill.after_sent")
    elif known[0] != planned:
        raise ConfigurationError.of(
            "DRILL_CHANGED", f"{STAGE} {number}", "it was begun with other files", "the configuration as it was then"
        )


def _taken(
    house: House, form: RepaymentFormat, ordered: pa.Table, file: _File, digests: list[dict[str, object]]
) -> pa.Table:
    """Wait for a file's answer and judge it as a whole."""
    on = house.terms.business_date
    name = form.names(file.batch_no, on)[1]
    since = house.clock.now()
    while True:
        found = house.files.result(name, on)
        if found is not None:
            try:
                answers = form.check(_content(house, form, ordered, file), found.content, file.batch_no, on)
            except ResultRefused as refused:
                if found.settled:
                    _quarantine(house, name, found.content, refused)
            else:
                digests.append({"name": name, "sha256": hashlib.sha256(found.content).hexdigest()})
                house.failpoint("drill.after_answer")
                return answers
        _wait(house, name, house.terms.result_timeout_s - (house.clock.now() - since).total_seconds())


def _wait(house: House, name: str, left: float) -> None:
    if left <= 0 or not house.blocking:
        raise Waiting.of("DRILL_WAITS", name, "the bank has not answered", "a sandbox bank must be running; then again")
    house.tell("waiting for the bank's answers to the repayments")
    house.clock.sleep(min(house.terms.poll_s, left))


def _quarantine(house: House, name: str, content: bytes, refused: ResultRefused) -> None:
    house.files.quarantine(name, house.terms.business_date, content, refused.reasons)
    raise GateClosed(
        Finding(
            "RESULT_QUARANTINED", name, "its answers are not counted", "put the correct file in its place and run again"
        ),
        *refused.reasons,
    ) from refused


def _told(number: int, found: Settled, digests: list[dict[str, object]]) -> Mapping[str, Any]:
    """The result as it is kept: counts, sums in fen, findings by key. No account numbers."""
    return {
        "drill": number,
        **found.counts,
        "refused": dict(found.refused),
        "findings": len(found.findings),
        "named": [asdict(finding) for finding in found.findings[:KEPT]],
        "off": {
            side: {"rows": len(rows), "named": [dict(r) for r in rows[:KEPT]]} for side, rows in found.sides.items()
        },
        "answers": digests,
    }


def _stop_at_differences(done: Mapping[str, Any]) -> None:
    if not done["findings"] and not done["off_fen"]:
        return
    raise GateClosed(
        Finding(
            "DRILL_DIFFERS",
            f"{STAGE} {done['drill']}",
            f"{done['findings']} finding(s), {done['off_fen']} fen off",
            "clear each with the bank, then cutover drill settle --again",
        ),
        *(Finding(**row) for row in done["named"][:SHOWN]),
    )
