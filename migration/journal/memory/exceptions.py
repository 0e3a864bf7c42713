"""Exceptions, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.tables import ENTITY_OF, EXCEPTIONS, RESENDS
from migration.journal import rules
from migration.journal.exceptions import CURRENT
from migration.journal.memory.state import Held, Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime


class MemoryExceptions(Memory):
    """record_exceptions, exceptions, sign, mark_resend, resends."""

    def record_exceptions(self, fence: int, current: pa.Table) -> None:
        """Take `current` as all that stands now."""
        rows = current.select(CURRENT.names).cast(CURRENT).to_pylist()
        standing = {rules.exception_id(r["entity"], r["key"], r["code"]): r for r in rows}

        def body(_: datetime) -> Mapping[str, object] | None:
            held = self._now.exceptions
            changed = {"opened": 0, "reopened": 0, "revalued": 0, "mended": 0}
            for wanted, row in standing.items():
                word = _change(held.get(wanted), row["amount_fen"])
                if word:
                    held[wanted] = Held(**row, state="open")
                    changed[word] += 1
            for known, one in held.items():
                if one.state == "open" and known not in standing:
                    one.state = "mended"
                    changed["mended"] += 1
            now = {word: sum(h.state == word for h in held.values()) for word in ("open", "signed")}
            return {**changed, **now} if any(changed.values()) else None

        self._write("exceptions_recorded", body, fence=fence)

    def exceptions(self) -> pa.Table:
        """All exceptions (EXCEPTIONS), sorted by entity, key, code."""
        held = sorted(self._now.exceptions.items(), key=lambda e: (e[1].entity, e[1].key, e[1].code))
        rows = [{"id": known, **{n: getattr(h, n) for n in EXCEPTIONS.names[1:]}} for known, h in held]
        return pa.Table.from_pylist(rows, schema=EXCEPTIONS)

    def sign(self, ids: Sequence[str], by: str, reason: str) -> None:
        """Sign exceptions, all or none."""
        by, reason = rules.person(by, "exceptions"), rules.reason_given(reason, "exceptions")

        def body(_: datetime) -> Mapping[str, object] | None:
            held = self._now.exceptions
            todo = sorted({i for i in ids if rules.check_sign(i, held[i].state if i in held else None)})
            for wanted in todo:
                held[wanted].state, held[wanted].signed_by, held[wanted].reason = "signed", by, reason
            return {"ids": todo, "by": by, "released": self._release()} if todo else None

        self._write("signed", body, actor=by)

    def mark_resend(self, ids: Sequence[str], by: str, reason: str) -> None:
        """Mark refused listings or debts for the next round, all or none."""
        by, reason = rules.person(by, "exceptions"), rules.reason_given(reason, "exceptions")

        def body(_: datetime) -> Mapping[str, object] | None:
            marks = {i: self._mark(i) for i in sorted(set(ids))}
            new = {i: mark for i, mark in marks.items() if mark not in self._now.resends}
            self._now.resends.update(dict.fromkeys(new.values(), by))
            return {"ids": list(new), "by": by} if new else None

        self._write("resend_marked", body, actor=by)

    def resends(self) -> pa.Table:
        """Return the marks so far (RESENDS), in the order they were given."""
        rows = [
            {"entity": entity, "key": key, "after_date": day, "after_batch": number, "by": by}
            for (entity, key, (day, number)), by in self._now.resends.items()
        ]
        return pa.Table.from_pylist(rows, schema=RESENDS)

    def _mark(self, wanted: str) -> tuple[str, str, tuple[date, str]]:
        held = self._now.exceptions.get(wanted)
        if held is None:
            rules.check_resend(wanted, None, "", "", None)
            raise AssertionError  # pragma: no cover - refused above
        batch, state = self._latest(held.entity, held.key)
        rules.check_resend(wanted, held.state, held.entity, held.code, state)
        assert batch is not None  # noqa: S101 - check_resend asks for a refused attempt
        return (held.entity, held.key, batch)

    def _latest(self, entity: str, key: str) -> tuple[tuple[date, str] | None, str | None]:
        """Return the batch and state of an item's latest attempt."""
        for batch in sorted(
            (b for b in self._now.batches if entity == ENTITY_OF[self._now.batches[b].kind]), reverse=True
        ):
            rows = self._now.items[batch]
            at: Any = pc.index(rows["key"], pa.scalar(key))
            if at.as_py() >= 0:
                return batch, rows["state"][at.as_py()].as_py()
        return None, None

    def _release(self) -> list[str]:
        """Let batches go whose unknown items are all signed."""
        now = self._now
        signed = {(h.entity, h.key) for h in now.exceptions.values() if h.state == "signed"}
        unknown = [batch for batch in now.batches.values() if batch.state == "unknown"]
        free = sorted(b.key for b in unknown if signed.issuperset(_unknown(ENTITY_OF[b.kind], now.items[b.key])))
        for key in free:
            now.batches[key] = replace(now.batches[key], state="applied")
        return [rules.label(now.batches[key]) for key in free]


def _unknown(entity: str, items: pa.Table) -> set[tuple[str, str]]:
    rows = zip(items["key"].to_pylist(), items["state"].to_pylist(), strict=True)
    return {(entity, str(key)) for key, state in rows if state == "unknown"}


def _change(held: Held | None, amount_fen: int | None) -> str:
    """Tell how an exception that stands changes what is held: opened, reopened, revalued, or not at all."""
    if held is None:
        return "opened"
    if held.state == "mended":
        return "reopened"
    return "revalued" if held.state == "open" and held.amount_fen != amount_fen else ""
