"""Listings and debts: a small sample first, then the full rest."""

from __future__ import annotations

import pyarrow as pa

from migration.domain.columns import equals
from migration.domain.errors import GateClosed, OutcomeUnknown
from migration.domain.findings import Finding
from migration.stages import exchange, exchanges, freeze, inquire, people, progress, sample_notes
from migration.stages.exchange import Exchange
from migration.stages.house import House

SHOWN = 20


def plan_sample(house: House, stage: str, round_no: int) -> None:
    """Draw the sample; again, from what was not sent, after one that failed and was mended. First round only."""
    if progress.done(house, stage, round_no):
        return
    progress.require_before(house, stage, round_no)
    progress.start(house, stage, round_no)
    freeze.require_unchanged(house)
    people.late_results(house)
    if round_no > 1 or _full(house, stage, round_no).batches(house):
        return
    last = _sample(house, stage, round_no).last_set(house)
    failed = bool(last) and _not_ok(house, last, stage).num_rows > 0
    if failed:
        _require_mended(house, stage, last)
    if failed or not last or any(b.state in exchange.UNDELIVERED for b in last):
        planned = exchange.plan(house, _sample(house, stage, round_no, redraw=failed))
        sample_notes.keep(house, stage, round_no, planned)


def approve_sample(house: House, stage: str, round_no: int) -> None:
    """One person approves the sample before it is delivered."""
    exchange.approve(house, _sample(house, stage, round_no))


def deliver_sample(house: House, stage: str, round_no: int, only: str | None = None) -> None:
    """Send the sample."""
    exchange.deliver(house, _sample(house, stage, round_no), only)


def collect_sample(house: House, stage: str, round_no: int, only: str | None = None) -> None:
    """Wait for the sample's answers; any that is not a success fails it."""
    spec = _sample(house, stage, round_no)
    try:
        exchange.collect(house, spec, only=only)
    finally:
        house.keep_exceptions(house.book())
    _require_mended(house, stage, spec.last_set(house))
    if spec.last_set(house) and not _full(house, stage, round_no).batches(house):
        progress.judge_sample(house, stage, round_no)


def plan_full(house: House, stage: str, round_no: int) -> None:
    """Plan and seal the rest. Nothing of it is planned before the sample has passed."""
    if progress.done(house, stage, round_no):
        return
    progress.require_begun(house, stage, round_no)
    _require_sample_passed(house, stage, round_no)
    exchange.plan(house, _full(house, stage, round_no))


def approve_full(house: House, stage: str, round_no: int) -> None:
    """Two persons (by configuration) approve the full set, on the strength of the sample's results."""
    if not progress.done(house, stage, round_no):
        exchange.approve(house, _full(house, stage, round_no))


def deliver_full(house: House, stage: str, round_no: int, only: str | None = None) -> None:
    """Send the full set."""
    exchange.deliver(house, _full(house, stage, round_no), only)


def collect_full(house: House, stage: str, round_no: int, only: str | None = None) -> None:
    """Wait for the answers. A refusal is an open exception; an unknown outcome stops here until it is resolved or signed."""
    try:
        exchange.collect(house, _full(house, stage, round_no), only=only)
    finally:
        house.keep_exceptions(house.book())
    require_known(house, stage)
    if stage == "debts":
        require_known(house, "authorisations")


def gate(house: House, stage: str, round_no: int) -> None:
    """Judge the stage, unless it is done."""
    if progress.done(house, stage, round_no):
        return
    progress.require_begun(house, stage, round_no)
    spec = _full(house, stage, round_no)
    _require_sample_passed(house, stage, round_no)
    exchange.require_delivered(house, spec)
    if spec.approve_empty:
        exchange.approve(house, spec)
    progress.finish(house, stage, round_no)


def require_known(house: House, entity: str) -> None:
    """OutcomeUnknown while an item's outcome is neither signed nor known to the bank, which is asked if it can be."""
    if house.inquiries is not None and any(b.state == "unknown" for b in house.journal.batches()):
        inquire.resolve_unknown(house, entity)
        house.keep_exceptions(house.book())
    known = house.open_exceptions()
    items = house.items(entity)
    unknown = set(items.filter(pa.array(equals(items["state"], "unknown")))["key"].to_pylist())
    rows = [r for r in known.to_pylist() if r["entity"] == entity and r["key"] in unknown]
    if rows:
        raise OutcomeUnknown(
            *(
                Finding(
                    "OUTCOME_UNKNOWN",
                    f"{entity}/{r['key']}",
                    f"the bank answered {r['code'].removeprefix('BANK_')}: what it holds is not known",
                    f"ask the bank; then cutover exceptions --sign {r['id']} --as NAME --reason TEXT",
                )
                for r in rows[:SHOWN]
            )
        )


def _sample(house: House, stage: str, round_no: int, *, redraw: bool = False) -> Exchange:
    return exchanges.sample(house, stage, round_no, redraw=redraw)


def _full(house: House, stage: str, round_no: int) -> Exchange:
    sampled = _sample(house, stage, round_no).batches(house) if round_no == 1 else ()
    bare = exchanges.full(stage, round_no, sampled, approve_empty=False)
    empty = bool(sampled) and not bare.batches(house)
    return exchanges.full(stage, round_no, sampled, approve_empty=empty)


def _not_ok(house: House, batches: tuple[object, ...], stage: str) -> pa.Table:
    numbers = {exchange.batch_id(b) for b in batches}  # type: ignore[arg-type]
    items = house.items(stage)
    sampled = items.filter(pa.array(equals(items["state"], "refused", "unknown")))
    return sampled.filter(
        pa.array(
            [
                f"{d}/{n}" in numbers
                for d, n in zip(sampled["business_date"].to_pylist(), sampled["batch_no"].to_pylist(), strict=True)
            ],
            pa.bool_(),
        )
    )


def _require_mended(house: House, stage: str, last: tuple[object, ...]) -> None:
    bad = exchanges.unmended(house, last, stage)  # type: ignore[arg-type]
    if not bad.num_rows:
        return
    house.keep_exceptions(house.book())  # a run killed right after the answers were applied has not
    if equals(bad["state"], "unknown").any():
        require_known(house, stage)
        bad = exchanges.unmended(house, last, stage)  # type: ignore[arg-type]
    if not bad.num_rows:
        return
    rows = bad.to_pylist()
    raise GateClosed(
        Finding(
            "SAMPLE_FAILED",
            f"{stage}.sample",
            f"{len(rows)} of the sample were refused; nothing of the full set is sent",
            "sign each or mark it with --resend, then run again: a new sample is drawn",
        ),
        *(Finding(f"BANK_{r['code']}", f"{stage}/{r['key']}", "refused in the sample") for r in rows[:SHOWN]),
    )


def _require_sample_passed(house: House, stage: str, round_no: int) -> None:
    if round_no > 1:
        return
    spec = _sample(house, stage, round_no)
    exchange.require_delivered(house, spec)
    _require_mended(house, stage, spec.batches(house))
    if (
        _not_ok(house, spec.last_set(house), stage).num_rows
        and exchanges.ready_now(house.book(), stage, round_no).any()
    ):
        raise GateClosed.of(
            "SAMPLE_FAILED", f"{stage}.sample", "a new sample must pass before the full set", f"cutover stage {stage}"
        )
