"""The passport (档案) of one record: where it came from, what was decided and why, what the bank said, where it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from migration.domain.values import Batch, Gate
from migration.reports import redaction
from migration.reports.texts import moment

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of one record, unmasked. Rows as in SNAPSHOT, EXPORTS, CORRECTIONS, ITEMS and EXCEPTIONS.

    `snapshot`: digest and time. `decisions`: rows with `what`. `attempts`: each attempt with its batch and the gate that
    approved it. `related`: rows or texts by heading. `history`: events (at, actor, kind, what).
    """

    entity: str
    key: str
    snapshot: tuple[str, datetime]
    source: Row | None
    decisions: Sequence[Row]
    corrections: Sequence[Row]
    attempts: Sequence[tuple[Row, Batch | None, Gate | None]]
    exceptions: Sequence[Row]
    related: Mapping[str, Sequence[Any]]
    withdrawals: Sequence[Row]
    drill: Row | None
    history: Sequence[Row]
    outcome: Row | None


def passport(life: Life) -> dict[str, Any]:
    """Masked, as plain data."""
    digest, taken_at = life.snapshot
    return {
        "entity": life.entity,
        "key": life.key,
        "snapshot": {"digest": digest, "taken_at": moment(taken_at)},
        "source": _source(life),
        "decisions": [_plain(row) for row in life.decisions],
        "corrections": [
            {
                "field": row["field"],
                "by": row["by"],
                "importer": row.get("importer"),
                "reason": redaction.free(row["reason"]),
            }
            for row in life.corrections
        ],
        "attempts": [_attempt(*attempt) for attempt in life.attempts],
        "exceptions": [
            {
                "id": row["id"],
                "code": row["code"],
                "state": row["state"],
                "amount_fen": row["amount_fen"],
                "signed_by": row["signed_by"],
                "reason": redaction.free(row["reason"]),
            }
            for row in life.exceptions
        ],
        "related": {
            name: [_plain(row) if isinstance(row, Mapping) else row for row in rows]
            for name, rows in life.related.items()
        },
        "withdrawals": [_plain(row) for row in life.withdrawals],
        "drill": life.drill,
        "history": [{**row, "at": moment(row["at"])} for row in life.history],
        "outcome": _plain(life.outcome),
    }


def _source(life: Life) -> dict[str, Any] | None:
    if life.source is None:
        return None
    kind = life.source.get("kind") or "person"
    masks = {
        "id_no": redaction.id_number,
        "phone": redaction.phone,
        "email": redaction.email,
        "corporate_account": redaction.account,
        "name": lambda text: redaction.name(text, kind),
        "title": lambda text: redaction.name(text, "company"),
        "sex": redaction.email,
    }
    return {name: masks[name](value) if name in masks else _cell(value) for name, value in life.source.items()}


def _plain(row: Row | None) -> dict[str, Any] | None:
    """A row of ours; accounts by their last four."""
    if row is None:
        return None
    return {
        name: (redaction.account(value) or None) if name in _ACCOUNTS else _cell(value) for name, value in row.items()
    }


_ACCOUNTS: Final = frozenset({"account_no", "borrower_account", "holder_account"})


def _cell(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo:
        return moment(value)
    return value if value is None or isinstance(value, str | int | bool | list) else str(value)


def _attempt(row: Row, batch: Batch | None, gate: Gate | None) -> dict[str, Any]:
    return {
        "batch": f"{row['business_date']}/{row['batch_no']}",
        "stage": row["stage"],
        "round": row["round"],
        "sample": row["sample"],
        "record": row["record_no"],
        "state": row["state"],
        "answer": row["code"],
        "account": redaction.account(row["account_no"]) or None,
        "authcode": row["authcode"],
        "request": batch and batch.request_name,
        "request_sha256": batch and batch.request_sha256,
        "result": batch and (batch.result_name or None),
        "result_sha256": batch and (batch.result_sha256 or None),
        "result_record": row.get("result_record"),
        "inquiry": row.get("inquiry"),
        "delivered_at": batch and moment(batch.delivered_at),
        "gate": gate and gate.gate,
        "digest": gate and gate.digest,
        "approved_by": [f"{d.name} {moment(d.at)}" for d in gate.decisions if d.decision == "approve"] if gate else [],
    }
