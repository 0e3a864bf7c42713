"""The figures of a finished rehearsal: how long each stage worked and the bank answered; the assessment's estimate rests on them.

Work is what is left of a stage's time without the waits for people (from asking for an approval to its last decision)
and for the bank (from a request's delivery to the taking over of its result).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from migration.domain.tables import SNAPSHOT
from migration.domain.values import StageRecord
from migration.stages.house import House

NAME: Final = "figures.json"
"""The file under `<workspace>/reports/`."""
_APPLIED: Final = "applied"
_NOTHING: Final = timedelta(0)
_MS: Final = timedelta(milliseconds=1)
Span = tuple[datetime, datetime]


def keep(house: House) -> None:
    """Write the figures of a cutover that is done."""
    house.report(NAME, json.dumps(of(house), ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def of(house: House) -> dict[str, Any]:
    """Stage -> rows and milliseconds of work over all its rounds; files of the bank and milliseconds an answer took."""
    terms = house.terms
    people, bank = _approvals(house), _answers(house)
    stages: dict[str, dict[str, int]] = {}
    for record in house.journal.stages():
        if record.ended_at is not None:
            stage = stages.setdefault(record.stage, {"rows": 0, "work_ms": 0})
            stage["work_ms"] += _work(record, record.ended_at, [*people, *bank]) // _MS
            stage["rows"] = max(stage["rows"], _rows(house, record.stage))
    return {
        "cutover": terms.cutover_id,
        "kind": terms.kind,
        "business_date": terms.business_date.isoformat(),
        "rows": {entity: house.table(entity).num_rows for entity in SNAPSHOT},
        "stages": stages,
        "bank": {"files": len(bank), "answer_ms": sum((end - begin for begin, end in bank), _NOTHING) // _MS},
    }


def read(text: str) -> dict[str, Any]:
    """Read a kept file; ValueError when it is none."""
    found: dict[str, Any] = json.loads(text)
    try:
        numbers = [found["bank"]["files"], found["bank"]["answer_ms"], *found["rows"].values()]
        numbers += [stage[name] for stage in found["stages"].values() for name in ("rows", "work_ms")]
        named = isinstance(found["cutover"], str)
    except (KeyError, TypeError, AttributeError):
        raise ValueError(NAME) from None
    if not named or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError(NAME)
    return found


def expected(figures: Mapping[str, Any], rows: Mapping[str, int], files: int) -> dict[str, int]:
    """Seconds to expect, by proportion: `rows` is stage -> rows to come of it (a stage not named counts nothing)."""
    stages: Mapping[str, Mapping[str, int]] = figures["stages"]
    ours = sum(
        _ceil(figure["work_ms"] * rows.get(stage, 0), max(figure["rows"], 1)) for stage, figure in stages.items()
    )
    bank = figures["bank"]
    theirs = _ceil(bank["answer_ms"] * files, max(bank["files"], 1))
    return {"ours": _ceil(ours, 1000), "bank": _ceil(theirs, 1000), "whole": _ceil(ours + theirs, 1000)}


def _ceil(amount: int, by: int) -> int:
    return -(-amount // by)


def _rows(house: House, stage: str) -> int:
    """What a stage's time grows with: the items it sent, or, where it sends none, all rows of the platform."""
    sent = sum(batch.rows for batch in house.journal.batches() if batch.stage == stage)
    return sent or sum(house.table(entity).num_rows for entity in SNAPSHOT)


def _work(record: StageRecord, ended: datetime, waits: Iterable[Span]) -> timedelta:
    """The stage's time without the waits in it; waits that overlap count once."""
    work, reached = ended - record.started_at, record.started_at
    for begin, end in sorted(waits):
        begin, end = max(begin, reached), min(end, ended)  # noqa: PLW2901 - cut to what was not counted yet
        if end > begin:
            work -= end - begin
            reached = end
    return max(work, _NOTHING)


def _approvals(house: House) -> list[Span]:
    return [
        (gate.opened_at, gate.decisions[-1].at)
        for gate in house.journal.gates()
        if gate.opened_at is not None and gate.decisions
    ]


def _answers(house: House) -> list[Span]:
    taken = {event.payload["result_name"]: event.at for event in house.journal.events() if event.kind == _APPLIED}
    return [
        (batch.delivered_at, taken[batch.result_name])
        for batch in house.journal.batches()
        if batch.delivered_at is not None and batch.result_name in taken
    ]
