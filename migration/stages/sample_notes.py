"""Keeps what a sample was drawn by: after the fact the book has moved on, and the report must show the plan."""

from __future__ import annotations

from collections.abc import Sequence

from migration.domain.values import Batch
from migration.stages import exchanges
from migration.stages.exchange import UNDELIVERED, batch_id
from migration.stages.house import House

EVENT = "sample_drawn"


def keep(house: House, stage: str, round_no: int, planned: Sequence[Batch]) -> None:
    """Note N, D, n, what was drawn and what each stratum has of it; once for the same files."""
    if not planned or any(batch.state not in UNDELIVERED for batch in planned):
        return
    files = [[batch_id(batch), batch.request_sha256] for batch in planned]
    if any(event.kind == EVENT and event.payload.get("files") == files for event in house.journal.events()):
        return
    _, plan = exchanges.sample_of(house, house.book(without=planned), stage, round_no)
    terms = house.terms
    house.journal.note(
        house.actor,
        EVENT,
        {
            "stage": stage,
            "round": round_no,
            "files": files,
            "population": plan.population,
            "defects": plan.defects,
            "size": plan.size,
            "drawn": plan.drawn,
            "coverage": {name: list(counts) for name, counts in plan.coverage.items()},
            "confidence": str(terms.confidence),
            "defect_rate": str(terms.defect_rate),
            "seed": terms.seed,
        },
    )
