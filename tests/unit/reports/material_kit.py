"""A report's material from the verifier's small world, with a journal's worth of records written by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from migration.domain.merging import GROUPS
from migration.domain.tables import CORRECTIONS, EXCEPTIONS, ITEMS
from migration.domain.values import Batch, CheckResult, Decision, Event, Gate, Snapshot, StageRecord
from migration.reports.material import Material, Scope
from migration.verification.run import verify
from tests.unit.verification.small_world import DAY, World

AT = datetime(2017, 11, 18, 1, 2, 3, tzinfo=UTC)
SCOPE = Scope("directory", query_channel=False, carry_authorisations=False, late_change="stop",
              overdue="signed_exception", rows_per_file=9_999, profile="jx",
              answers={("users", "106"): ("手机号已被使用", "phone taken")})  # fmt: skip


def _rule(number: int, outcome: str, severity: str = "blocking") -> CheckResult:
    return CheckResult(f"DEB-{number:03d}", "debts", severity, "domain.md", "engineering", "residual", f"规则{number}",
                       f"rule {number}", outcome, 0, 0, int(outcome != "passed"))  # fmt: skip


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


def material(**other: Any) -> Material:
    """A finished cutover; keyword arguments replace parts."""
    evidence = World().evidence()
    batches = tuple(
        Batch(
            **{name: getattr(e, name) for name in ("business_date", "batch_no", "stage", "round", "kind", "sample", "part",
                                                   "rows", "sum_fen", "state", "request_name", "request_sha256",
                                                   "result_name", "result_sha256")}
        )
        for e in evidence.exchanged
    )  # fmt: skip
    signed = {"id": "X0123456789ab", "entity": "users", "key": "P7", "code": "BANK_106", "state": "signed",
              "amount_fen": 700_000, "signed_by": "compliance-1", "reason": "手机 13800000007 停用"}  # fmt: skip
    sample = {"stage": "debts", "round": 1, "files": [[f"{DAY}/000005", "x"]], "population": 8, "defects": 1, "size": 8,
              "drawn": 2, "coverage": {"method=at_maturity": [4, 2], "company=True": [1, 0]}, "confidence": "0.95",
              "defect_rate": "0.01", "seed": 20171118}  # fmt: skip
    item = {"key": "D1", "state": "ok", "business_date": DAY, "batch_no": "000005", "record_no": 1, "round": 1}
    refusal = {"state": "refused", "business_date": DAY, "round": 1}
    items = {
        "users": [{**refusal, "key": "P7", "code": "106", "batch_no": "000001", "record_no": 7}],
        "debts": [item, {**item, **refusal, "key": "D2", "code": "14", "record_no": 2}],
    }
    decisions = (
        Decision("li", "approve", "looked at it", False, AT),
        Decision("wang", "approve", "rehearsal", True, AT),
    )
    parts: dict[str, Any] = {
        "cutover_id": "2017-11-jx",
        "kind": "rehearsal",
        "business_date": DAY,
        "made_at": AT,
        "scope": SCOPE,
        "snapshot": Snapshot("d" * 64, {"users": "e" * 64}, {}, 0, AT),
        "legacy": evidence.snapshot,
        "claim": evidence.claim,
        "balance": evidence.balance,
        "groups": _table([{"kept_user_id": "P1", "members": 2, "reason": "election", "receivable_before": 800_010,
                           "receivable_after": 800_010, "election": True}], GROUPS),
        "exceptions": _table([signed, {**signed, "id": "X2", "code": "NAME_CONFLICT", "state": "mended"}], EXCEPTIONS),
        "corrections": _table([{"user_id": "P8", "field": "phone", "old": "old", "new": "13800000008", "reason": "换号",
                                "by": "operations-1", "seq": 1}], CORRECTIONS),
        "stages": (StageRecord("debts", 1, "done", {"debts": 10, "debts_registered": 8, "debts_registered_fen": 3_800_010},
                               (), AT, AT), StageRecord("residual", 1, "waiting", {}, ("EXCEPTION_OPEN x",), AT, None)),
        "gates": (Gate("reconcile", 1, "f" * 64, 2, "approved", "runner", decisions, AT),),
        "checks": (("debts", 1, AT, _rule(1, "failed")), ("debts", 1, AT, _rule(1, "passed")),
                   ("debts", 1, AT, _rule(2, "failed", "warning"))),
        "batches": batches,
        "items": {name: _table(items.get(name, []), ITEMS) for name in ("users", "listings", "debts", "authorisations")},
        "manifests": {batches[0].request_name: "b" * 64},
        "samples": (Event(7, AT, "runner", "sample_drawn", sample, "", ""),),
        "chain": {"events": 7, "head": "a" * 64, "breaks": 0},
        "verification": verify(evidence).as_json(),
        "versions": {"python": "3.11", "code": "c" * 64},
        "done": True,
        "relations": {"DEB-002": "≤"},
    }  # fmt: skip
    return Material(**{**parts, **other})
