"""What the events of the chain say: counts, sums, digests, keys and names of who decided. No personal data (R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow.compute as pc

from migration.journal import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from migration.domain.findings import Finding
    from migration.domain.values import Batch, BatchPlan, CheckResult, Gate

REASONS: Final = 20

Payload = dict[str, object]


def count(words: Any) -> dict[str, int]:
    """Count how often each word stands in a column."""
    counted: Any = pc.value_counts(words)
    return {str(pair["values"]): int(pair["counts"]) for pair in counted.to_pylist()}


def planned(plans: Sequence[BatchPlan], business_date: date, first: int, gate: str) -> Payload:
    """Numbers drawn."""
    drawn = [
        {
            "batch_no": f"{number:06d}",
            "stage": p.stage,
            "round": p.round,
            "kind": p.kind,
            "sample": p.sample,
            "part": p.part,
            "rows": p.items.num_rows,
            "sum_fen": p.sum_fen,
        }
        for number, p in enumerate(plans, first)
    ]
    return {"business_date": business_date, "first": first, "gate": gate, "batches": drawn}


def withdrawn(batches: Sequence[Batch]) -> Payload:
    """Numbers given back."""
    return {"batches": [rules.label(batch) for batch in batches]}


def sealed(batch: Batch, name: str, digest: str, size: int) -> Payload:
    """Return the intent: what will leave."""
    about = {"rows": batch.rows, "sum_fen": batch.sum_fen, "stage": batch.stage, "round": batch.round}
    return {"batch": rules.label(batch), "request_name": name, "request_sha256": digest, "bytes": size, **about}


def delivered(batch: Batch, digest: str) -> Payload:
    """Return what left, and which approval it rests on."""
    return {"batch": rules.label(batch), "request_sha256": batch.request_sha256, "gate": batch.gate, "digest": digest}


def quarantined(batch: Batch, digest: str, reasons: Sequence[Finding]) -> Payload:
    """Why a result was refused."""
    told = [[r.code, r.subject, r.detail] for r in reasons[:REASONS]]
    return {"batch": rules.label(batch), "result_sha256": digest, "reasons": told, "count": len(reasons)}


def applied(batch: Batch, name: str, digest: str, state: str, outcomes: Mapping[str, int]) -> Payload:
    """Return what the bank answered."""
    told = {"outcomes": outcomes, "state": state}
    return {"batch": rules.label(batch), "result_name": name, "result_sha256": digest, **told}


def resolved(
    batch: Batch, name: str, seq: int, digests: tuple[str, str], state: str, outcomes: Mapping[str, int]
) -> Payload:
    """Return what the bank said when it was asked."""
    told = {"outcomes": outcomes, "state": state, "records_sha256": digests[0], "replies_sha256": digests[1]}
    return {"batch": rules.label(batch), "result_name": name, "inquiry": seq, **told}


def gate_opened(gate: Gate, superseded: int) -> Payload:
    """Return what approval is asked for."""
    about = {"round": gate.round, "needed": gate.needed, "requester": gate.requester, "superseded": superseded}
    return {"gate": gate.gate, "digest": gate.digest, **about}


def decided(gate: Gate, name: str, decision: str, state: str, *, rehearsal: bool) -> Payload:
    """Who answered what; the reason stays out, being free text."""
    about = {"name": name, "decision": decision, "state": state, "rehearsal": rehearsal}
    return {"gate": gate.gate, "digest": gate.digest, **about}


def right_set(name: str, standing: str, by: str) -> Payload:
    """Whose right to approve was changed by whom; the reason stays out, being free text."""
    return {"name": name, "standing": standing, "by": by}


def checked(stage: str, round_no: int, results: Sequence[CheckResult]) -> Payload:
    """How the rules came out."""
    outcomes = {word: sum(r.outcome == word for r in results) for word in ("passed", "failed", "not_checked")}
    failed = [r.rule_id for r in results if r.outcome != "passed"]
    return {"stage": stage, "round": round_no, "outcomes": outcomes, "not_passed": failed}
