"""How far the cutover has come, as the journal tells it: stages done, the current round."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from migration.domain.book import Book
from migration.domain.columns import fen
from migration.domain.errors import GateClosed
from migration.domain.outcome import balance, outcome
from migration.stages.gates import judge
from migration.stages.house import ENTITIES, House
from migration.stages.measures import MeasureInput, measures
from migration.stages.order import STAGES

Measures = dict[str, int | None]
Keys = dict[str, list[str]]

ROUND_STAGES = ("reopen", "listings", "debts")
"""Stages that every further round goes through again."""


def done(house: House, stage: str, round_no: int = 1) -> bool:
    """Whether a stage of a round is complete."""
    return any(s.state == "done" and (s.stage, s.round) == (stage, round_no) for s in house.journal.stages())


def current_round(house: House) -> int:
    """The latest round that has begun; 1 before any has."""
    begun = [s.round for s in house.journal.stages()] + [b.round for b in house.journal.batches()]
    return max(begun, default=1)


def round_complete(house: House, round_no: int) -> bool:
    """Whether the round has been through debts."""
    return done(house, "debts", round_no)


def require_before(house: House, stage: str, round_no: int) -> None:
    """GateClosed(STAGE_ORDER) unless every stage before it is done."""
    for earlier in STAGES[: STAGES.index(stage)]:
        number = round_no if earlier in ROUND_STAGES and stage in ROUND_STAGES else 1
        if not done(house, earlier, number):
            raise GateClosed.of(
                "STAGE_ORDER", stage, f"{earlier} (round {number}) is not done", f"cutover stage {earlier}"
            )


def require_begun(house: House, stage: str, round_no: int) -> None:
    """GateClosed(STAGE_ORDER) unless it is this stage's turn and it has begun: of a set never planned nothing is unsent."""
    require_before(house, stage, round_no)
    if not any((s.stage, s.round) == (stage, round_no) for s in house.journal.stages()):
        raise GateClosed.of("STAGE_ORDER", stage, f"round {round_no} of it has not begun", f"cutover stage {stage}")


def totals(book: Book, stage: str) -> dict[str, int]:
    """Counts and sums in fen by disposition, for the stage's record."""
    if stage == "preflight":
        return {entity: book.tables[entity].num_rows for entity in ("users", "listings", "debts")}
    found: dict[str, int] = {}
    if stage in {"identities", "accounts", "reopen"}:
        _count(found, "users", book.users.users["disposition"])
    if stage in {"listings", "reconcile"}:
        _count(found, "listings", book.listings.disposition, book.listings.outstanding)
    if stage in {"debts", "reconcile"}:
        open_fen = np.where(book.debts.live, book.debts.principal, 0)
        _count(found, "debts", book.debts.disposition, open_fen)
    if stage in {"residual", "reconcile"}:
        accounts = book.tables["escrow_accounts"]
        cash = fen(accounts["available"]) + fen(accounts["frozen"])
        found |= {"residuals": int((cash > 0).sum()), "residuals_fen": int(cash.sum())}
    if stage == "reconcile":
        found["difference_fen"] = balance(book).difference_fen
    return found


def _count(
    found: dict[str, int], entity: str, words: pa.ChunkedArray | pa.Array, amounts: np.ndarray | None = None
) -> None:
    texts = np.array(words.to_pylist(), object)
    found[entity] = len(texts)
    for word in sorted(set(texts.tolist())):
        found[f"{entity}_{word}"] = int((texts == word).sum())
        if amounts is not None:
            found[f"{entity}_{word}_fen"] = int(amounts[texts == word].sum())


def start(house: House, stage: str, round_no: int) -> None:
    """Note that the stage has begun."""
    if not any((s.stage, s.round) == (stage, round_no) for s in house.journal.stages()):
        house.journal.record_stage(house.fence, stage, round_no, "running", {}, ())
        house.failpoint(f"{stage}.after_start")


def finish(house: House, stage: str, round_no: int, extra: Mapping[str, int | None] | None = None) -> None:
    """Close the stage: keep exceptions and dispositions, judge the gate on independent measures, record the totals."""
    book = house.book()
    house.keep_exceptions(book)
    tables = outcome(book, house.journal.batches())
    judge(house, stage, round_no, *measure(house, stage, book, tables, extra or {}))
    for entity, name in _DECIDED.get(stage, ()):
        table = tables[entity]
        rows = pa.table({"key": table[name], "disposition": table["disposition"], "reason": table["reason"]})
        house.journal.record_dispositions(house.fence, entity, rows)
        house.failpoint(f"{stage}.after_dispositions")
    house.failpoint(f"{stage}.before_done")
    house.journal.record_stage(house.fence, stage, round_no, "done", totals(book, stage), ())
    house.failpoint(f"{stage}.after_done")
    house.seal(house.fence, f"{stage}.done", "")
    house.failpoint(f"{stage}.after_root")
    house.tell(f"{stage}: done")


def judge_sample(house: House, stage: str, round_no: int) -> None:
    """The gate between a sample and its full set."""
    book = house.book()
    tables = outcome(book, house.journal.batches())
    judge(house, f"{stage}.sample", round_no, *measure(house, f"{stage}.sample", book, tables, {}))
    house.seal(house.fence, f"{stage}.sample.passed", "")


_USERS, _LISTINGS, _DEBTS = ("users", "user_id"), ("listings", "listing_id"), ("debts", "debt_id")
_DECIDED = {
    "accounts": (_USERS,),
    "reopen": (_USERS,),
    "listings": (_LISTINGS,),
    "debts": (_DEBTS,),
    "reconcile": (_USERS, _LISTINGS, _DEBTS),
}


def measure(
    house: House, stage: str, book: Book, tables: Mapping[str, pa.Table], given: Mapping[str, int | None]
) -> tuple[Measures, Keys]:
    """The stage's measures, counted by an independent query path over everything that is known."""
    terms, journal = house.terms, house.journal
    facts = MeasureInput(
        business_date=terms.business_date,
        snapshot=book.tables,
        items={entity: house.items(entity) for entity in ENTITIES},
        book={entity: tables[entity] for entity in ("users", "listings", "debts", "residuals")},
        issues=house.table("issues"),
        batches=tables["batches"],
        exceptions=journal.exceptions(),
        resends=journal.resends(),
        recorded_counts=house.snapshot().counts,
        overdue_policy=terms.overdue,
        account_pattern=terms.account_pattern,
        rows_per_file=terms.rows_per_file,
        given=given,
    )
    return measures(stage, facts)
