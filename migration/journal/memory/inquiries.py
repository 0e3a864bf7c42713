"""What the bank said when it was asked, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from migration.domain.tables import ANSWERS, ITEMS
from migration.journal import payloads, rules
from migration.journal.inquiries import AT_ONCE
from migration.journal.memory.batches import MemoryBatches
from migration.journal.memory.exceptions import MemoryExceptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from migration.domain.values import Batch, Inquired

_LAST = 1_000_000


class MemoryInquiries(MemoryBatches, MemoryExceptions):
    """resolve, inquiries, message_numbers."""

    def resolve(self, fence: int, batch: Batch, name: str, inquired: Inquired) -> Batch:
        """Record what the bank said when it was asked."""
        digests = (rules.sha256(inquired.records), rules.sha256(inquired.replies))
        told = {row["key"]: row for row in inquired.answers.select(ANSWERS.names).to_pylist()}

        def body(_: datetime) -> Mapping[str, object] | None:
            known = self._one(batch)
            awaiting = rules.resolves(known)
            items = self._now.items[known.key]
            if awaiting and set(told) != set(items["key"].to_pylist()):
                raise rules.answers_incomplete(known)
            seq = 1 + len(self._now.inquiries.get(known.key, ()))
            rows = [_resolved(row, told.get(row["key"]), seq) for row in items.to_pylist()]
            new = [row for row, old in zip(rows, items.to_pylist(), strict=True) if row != old]
            if not new or known.state == "applied":
                return None
            self._take(known, pa.Table.from_pylist([r for r in new if r["state"] != "unknown"], ITEMS))
            self._now.items[known.key] = pa.Table.from_pylist(rows, ITEMS)
            kept = self._now.inquiries.setdefault(known.key, [])
            kept.append((inquired.records, inquired.replies))
            outcomes = payloads.count(inquired.answers["outcome"])
            if awaiting:
                self._now.contents[known.key, "result"] = inquired.records
                about: dict[str, Any] = {"result_name": name, "result_sha256": digests[0], "state": "unknown"}
                self._now.batches[known.key] = replace(known, **about)
            self._release()
            return payloads.resolved(batch, name, len(kept), digests, self._one(batch).state, outcomes)

        self._write("resolved", body, fence=fence)
        return self._one(batch)

    def inquiries(self, batch: Batch) -> tuple[tuple[bytes, bytes], ...]:
        """Return records and replies of every inquiry recorded for a batch, oldest first."""
        return tuple(self._now.inquiries.get(batch.key, ()))

    def message_numbers(self) -> range:
        """Draw a hundred numbers."""
        with self._lock:
            first = self._drawn
            self._drawn = (self._drawn + AT_ONCE) % _LAST
        return range(first, first + AT_ONCE)


def _resolved(row: dict[str, Any], told: dict[str, Any] | None, seq: int) -> dict[str, Any]:
    """An item after the inquiry; as it was when it is told nothing new."""
    if told is None or row["state"] in {"ok", "refused"} or row["state"] == told["outcome"]:
        return row
    ok = told["outcome"] == "ok"
    given = {name: told[name] if ok else None for name in ("account_no", "activated", "authcode")}
    record = told["result_record"] if row["result_record"] is None else row["result_record"]
    return {**row, **given, "state": told["outcome"], "code": told["code"], "result_record": record, "inquiry": seq}
