"""Stages, the results of their gates' rules, and dispositions."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from migration.domain.errors import GateClosed
from migration.domain.findings import Finding
from migration.domain.values import CheckResult, StageRecord
from migration.journal import copying, payloads, rules
from migration.journal.sqlfiles import query, source
from migration.journal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from migration.journal.database import Payload, Tx

DISPOSITIONS: Final = pa.schema([("key", pa.string()), ("disposition", pa.string()), ("reason", pa.string())])
SHOWN: Final = 20


class StageVerbs(Verbs):
    """record_stage, stages, record_checks, checks, record_dispositions, dispositions."""

    def record_stage(
        self,
        fence: int,
        stage: str,
        round: int,  # noqa: A002 - the port's word
        state: str,
        totals: Mapping[str, int],
        reasons: Sequence[str],
    ) -> None:
        """How far a stage of a round has come: one record each, its start kept. The same again is a no-op."""
        rules.check_stage(stage, state)
        told = {"totals": dict(totals), "reasons": list(reasons)}

        def body(tx: Tx) -> Payload | None:
            here = {**tx.own, "stage": stage, "round": round}
            known = tx.connection.execute(query("stage"), here).one_or_none()
            if known is not None and (known.state, known.totals, known.reasons) == (
                state,
                told["totals"],
                told["reasons"],
            ):
                return None
            written = {name: json.dumps(value) for name, value in told.items()}
            times = {"at": tx.at, "ended_at": None if state == "running" else tx.at}
            tx.connection.execute(query("write_stage"), {**here, **written, **times, "state": state})
            tx.touch("stage")
            return {"stage": stage, "round": round, "state": state, **told}

        self._db.write(self._cutover, "stage", body, fence=fence)

    def stages(self) -> tuple[StageRecord, ...]:
        """All stage records in the order they began."""
        rows = self._db.read(lambda c: c.execute(query("stages"), self._own).all())
        return tuple(
            StageRecord(r.stage, r.round, r.state, r.totals, tuple(r.reasons), r.started_at, r.ended_at) for r in rows
        )

    def record_checks(self, fence: int, stage: str, round: int, results: Sequence[CheckResult]) -> None:  # noqa: A002
        """Keep a gate's results beside all earlier ones."""
        if not results:
            return

        def body(tx: Tx) -> Payload:
            last = tx.connection.execute(query("last_check"), tx.own).scalar_one()
            here = {**tx.own, "stage": stage, "round": round, "at": tx.at}
            rows = [{**here, **_check_fields(r), "seq": last + n} for n, r in enumerate(results, 1)]
            tx.connection.execute(query("insert_check"), rows)
            tx.touch("check_result")
            return payloads.checked(stage, round, results)

        self._db.write(self._cutover, "checked", body, fence=fence)

    def checks(self) -> tuple[tuple[str, int, datetime, CheckResult], ...]:
        """Every kept result with stage, round and time, oldest first."""
        rows = self._db.read(lambda c: c.execute(query("checks"), self._own).all())
        return tuple((r.stage, r.round, r.at, _check_result(r)) for r in rows)

    def record_dispositions(self, fence: int, entity: str, rows: pa.Table) -> None:
        """Write the dispositions that changed (key, disposition, reason; keys distinct).

        GateClosed(TERMINAL_CHANGED) naming the keys when one that is terminal would change (I7): nothing is written.
        A changed reason alone is written. Nothing changed: no event.
        """
        table = rows.select(DISPOSITIONS.names).cast(DISPOSITIONS)

        def body(tx: Tx) -> Payload | None:
            copying.stage(tx.connection, table, "incoming")
            here = {**tx.own, "entity": entity}
            terminal = {**here, "terminal": sorted(rules.TERMINAL)}
            check_terminal(entity, list(tx.connection.execute(query("terminal_changes"), terminal).scalars()))
            written = {r.disposition: r.n for r in tx.connection.execute(query("write_dispositions"), here)}
            tx.touch(f"disposition/{entity}")
            return {"entity": entity, "written": written} if written else None

        self._db.write(self._cutover, "dispositions_recorded", body, fence=fence)

    def dispositions(self, entity: str) -> pa.Table:
        """key, disposition, reason; sorted by key."""
        here = {**self._own, "entity": entity}
        return self._db.read(lambda c: copying.fetch(c, source("dispositions"), here, DISPOSITIONS))


def check_terminal(entity: str, keys: Sequence[str]) -> None:
    """GateClosed(TERMINAL_CHANGED) with a finding a key, the first of them."""
    if keys:
        detail = "its disposition is terminal and would change"
        raise GateClosed(*(Finding("TERMINAL_CHANGED", f"{entity}/{key}", detail) for key in keys[:SHOWN]))


def _check_fields(result: CheckResult) -> dict[str, object]:
    return {**asdict(result), "keys": json.dumps(list(result.keys))}


def _check_result(row: Row[tuple[object, ...]]) -> CheckResult:
    values = {f.name: row._mapping[f.name] for f in fields(CheckResult)}  # noqa: SLF001 - SQLAlchemy's public name for it
    values["keys"] = tuple(values["keys"])
    for name in ("observed", "expected"):  # numeric, for totals beyond 64 bits
        values[name] = None if values[name] is None else int(values[name])
    return CheckResult(**values)
