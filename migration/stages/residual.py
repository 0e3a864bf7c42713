"""Residual balances (遗留余额): published for withdrawal, each with the person entitled to it."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from migration.domain.errors import Waiting
from migration.domain.findings import Finding
from migration.domain.outcome import residuals
from migration.stages import freeze, people, progress, registers
from migration.stages.exchange import UNANSWERED
from migration.stages.house import House


def require_settled(house: House) -> None:
    """Shut until every exception is mended or signed, every outcome known and every result in."""
    for entity in ("listings", "debts", "authorisations"):
        registers.require_known(house, entity)
    reasons = [*_exceptions(house), *_awaited(house)]
    if reasons:
        raise Waiting(*reasons)


def _exceptions(house: House) -> list[Finding]:
    rows = house.open_exceptions().to_pylist()
    counts = Counter((r["entity"], r["code"]) for r in rows)
    return [
        Finding(
            "EXCEPTION_OPEN",
            f"{entity} {code}",
            f"{count} neither mended nor signed",
            "cutover exceptions; then corrections, --resend or --sign",
        )
        for (entity, code), count in sorted(counts.items())
    ]


def _awaited(house: House) -> list[Finding]:
    left = [b for b in house.journal.batches() if b.state in UNANSWERED]
    return [
        Finding(
            "RESULT_MISSING",
            b.request_name,
            f"{b.rows} row(s) not answered yet",
            "run again when the bank has answered",
        )
        for b in left
    ]


def run(house: House) -> None:
    """Publish every escrow account."""
    progress.require_before(house, "residual", 1)
    if progress.done(house, "residual"):
        return
    freeze.require_unchanged(house)
    people.late_results(house)
    book = house.book()
    house.keep_exceptions(book)
    require_settled(house)
    progress.start(house, "residual", 1)
    table = residuals(book)
    rows = pa.table({"key": table["escrow_id"], "disposition": table["status"], "reason": table["entitled_user_id"]})
    house.failpoint("residual.before_publish")
    house.journal.record_dispositions(house.fence, "residuals", rows)
    house.failpoint("residual.after_publish")
    progress.finish(house, "residual", 1)
