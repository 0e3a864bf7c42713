"""The exchanges of this cutover: what each selects, and what its approval rests on."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from migration.domain.attempts import attempt_of, batch_of
from migration.domain.book import Book
from migration.domain.columns import Mask, equals, mask, member
from migration.domain.sampling import SamplePlan, draw
from migration.domain.strata import debt_strata, listing_strata
from migration.domain.values import Batch
from migration.stages import sample_keys
from migration.stages.exchange import Exchange, Rows, batch_id
from migration.stages.house import House


def accounts(round_no: int, stage: str) -> Exchange:
    """Accounts and re-open: persons and companies in files of their own."""
    return Exchange(stage, stage, round_no, sample=False, select=_people, bound={})


def _people(book: Book) -> Rows:
    persons, companies = book.users.account_rows()
    return {"person": persons, "company": companies}


def sample(house: House, stage: str, round_no: int, *, redraw: bool) -> Exchange:
    """The sample of listings or debts (first round only)."""

    def select(book: Book) -> Rows:
        ready = ready_now(book, stage, round_no)
        drawn, _ = sample_of(house, book, stage, round_no)
        chosen = ready.copy()
        chosen[ready] = drawn
        return _rows(book, stage, chosen)

    by_hand = sample_keys.added(house, stage)
    bound = {"added": by_hand} if by_hand else {}
    return Exchange(stage, f"{stage}.sample", round_no, sample=True, select=select, bound=bound, redraw=redraw)


def full(stage: str, round_no: int, sampled: Sequence[Batch], *, approve_empty: bool) -> Exchange:
    """The rest of listings or debts; its approval rests on the sample's results too.

    Authorisations that are carried over leave with the debts, after them, under the same approval: they have no gate of
    their own (bank-interface.md section 9).
    """
    results = [[b.request_name, b.result_name, b.result_sha256] for b in sampled]
    return Exchange(
        stage,
        f"{stage}.full",
        round_no,
        sample=False,
        select=lambda book: _rows(book, stage, ready_now(book, stage, round_no)) | _beside(book, stage),
        bound={"sample": results},
        approve_empty=approve_empty,
    )


def sample_of(house: House, book: Book, stage: str, round_no: int) -> tuple[Mask, SamplePlan]:
    """The sample over what may be sent now, with the plan that it was drawn by."""
    ready = ready_now(book, stage, round_no)
    keys = _keys(book, stage).filter(pa.array(ready))
    strata = listing_strata(book, ready) if stage == "listings" else debt_strata(book, ready)
    terms = house.terms
    return draw(
        keys,
        stage,
        strata,
        seed=terms.seed,
        confidence=terms.confidence,
        defect_rate=terms.defect_rate,
        added=sample_keys.among(house, stage, keys),
    )


def ready_now(book: Book, stage: str, round_no: int) -> Mask:
    """What may be sent in this round; an item marked for re-sending goes into the next one."""
    side = book.listings if stage == "listings" else book.debts
    return side.sendable & (side.attempts.round < round_no)


def _beside(book: Book, stage: str) -> dict[str, pa.Table]:
    return {"authorisation": book.authorisations.rows()} if stage == "debts" else {}


def _keys(book: Book, stage: str) -> pa.Array:
    return book.listings.listing_id if stage == "listings" else book.debts.debt_id


def _rows(book: Book, stage: str, chosen: Mask) -> dict[str, pa.Table]:
    rows = book.listings.rows(chosen) if stage == "listings" else book.debts.rows(chosen)
    return {"listing" if stage == "listings" else "debt": rows}


def unmended(house: House, batches: Sequence[Batch], entity: str) -> pa.Table:
    """Items of these batches that the bank did not take and nobody has signed or marked for the next round."""
    items = house.items(entity)
    numbers = pa.array([batch_id(b) for b in batches], pa.string())
    bad = items.filter(pa.array(member(batch_of(items), numbers) & ~equals(items["state"], "ok", "open")))
    known = house.journal.exceptions()
    signed = known.filter(pa.array(equals(known["entity"], entity) & equals(known["state"], "signed")))["key"]
    marks = house.journal.resends()
    marks = marks.filter(pa.array(equals(marks["entity"], entity)))
    marked = attempt_of(marks["key"], marks["after_date"], marks["after_batch"])
    resent = member(attempt_of(bad["key"], bad["business_date"], bad["batch_no"]), marked)
    return bad.filter(pa.array(~(member(bad["key"], signed) | resent)))


def anything_ready(book: Book) -> bool:
    """Whether a further round would have something to send."""
    people = mask(book.users.users["sendable"])
    sides = (book.listings, book.debts, book.authorisations)
    return bool(people.any() or any(side.sendable.any() for side in sides))
