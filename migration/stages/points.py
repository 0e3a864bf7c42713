"""The map of points of no return: for every stage what can be undone, how, until when, and where the cutover stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from migration.domain.ports import Journal
from migration.domain.values import Batch
from migration.stages.exchange import LEAVING, UNDELIVERED, batch_id

Standing = Literal["free", "leaving", "past"]


@dataclass(frozen=True, slots=True)
class Point:
    """One line of the map. `standing`: free (can be undone), leaving (a file may stand at the bank), past."""

    gate: str
    standing: Standing
    until_zh: str
    until_en: str
    how_zh: str
    how_en: str


_ALWAYS = (
    "随时",
    "always",
    "尚无文件送出：换新的 cutover.id 重来",
    "nothing has left: begin again under a new cutover.id",
)
_ACCOUNTS = ("首份文件送达银行之前", "until the first file is delivered", "驳回，或换新的 id；其后只有银行能销户")
_SAMPLE = ("样本文件送达之前", "until the sample is delivered", "驳回；其后只有银行能撤销样本，其余仍可撤")
_FULL = ("首个分包送达之前", "until the first part is delivered", "驳回后更正；其后只能向前")
_MAP: Final[tuple[tuple[str, str, str, str, str], ...]] = (
    ("preflight", *_ALWAYS),
    ("identities", *_ALWAYS),
    ("accounts", *_ACCOUNTS, "reject, or a new id; afterwards only the bank can close accounts"),
    ("reopen", *_ACCOUNTS, "reject, or a new id; afterwards only the bank can close accounts"),
    ("listings.sample", *_SAMPLE, "reject; afterwards only the bank can withdraw the sample, the rest is free"),
    ("listings.full", *_FULL, "reject, then correct; afterwards only forward"),
    ("debts.sample", *_SAMPLE, "reject; afterwards only the bank can withdraw the sample, the rest is free"),
    ("debts.full", *_FULL, "reject, then correct; afterwards only forward: the point of no return of the night"),
    (
        "residual",
        "导出交付平台之前",
        "until the export is handed over",
        "消除原因后重跑",
        "mend the cause, run again",
    ),
    (
        "reconcile",
        "第二人审批之前",
        "until the second approval",
        "驳回；签毕即关闭",
        "reject; once signed it is closed",
    ),
)


def of(journal: Journal) -> tuple[Point, ...]:
    """Return the map as the journal has it now."""
    batches = journal.batches()
    leaving = {str(event.payload["batch"]) for event in journal.events() if event.kind == LEAVING}
    signed = {gate.gate for gate in journal.gates() if gate.state == "approved"}
    return tuple(Point(gate, _standing(gate, batches, leaving, signed), *words) for gate, *words in _MAP)


def _standing(gate: str, batches: tuple[Batch, ...], leaving: set[str], signed: set[str]) -> Standing:
    """A file that was about to leave may stand at the bank: from then on the set is never taken back."""
    if gate == "reconcile":
        return "past" if gate in signed else "free"
    mine = [batch for batch in batches if batch.gate.split("#")[0] == gate]
    if any(batch.state not in UNDELIVERED for batch in mine):
        return "past"
    return "leaving" if any(batch_id(batch) in leaving for batch in mine) else "free"
