"""The passport (档案) of one record: where it came from, what was decided and why, what the bank said, where it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from migration.domain.ports import Batch, Gate
from migration.reports import codes, redaction
from migration.reports.texts import moment, yuan

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of one record, unmasked. Rows as in SNAPSHOT, EXPORTS, CORRECTIONS, ITEMS and EXCEPTIONS.

    `attempts`: each attempt with its batch and the gate that approved it. `related`: other rows worth naming, by
    heading (merged accounts, escrow accounts, debts of a listing), as finished texts.
    """

    entity: str
    key: str
    source: Row | None
    outcome: Row | None
    corrections: Sequence[Row]
    attempts: Sequence[tuple[Row, Batch | None, Gate | None]]
    exceptions: Sequence[Row]
    related: Mapping[str, Sequence[str]]


_MONEY: Final = frozenset({"amount", "principal", "interest", "bonus_interest", "available", "frozen"})


def passport(life: Life) -> dict[str, Any]:
    """Masked, as plain data."""
    return {
        "entity": life.entity,
        "key": life.key,
        "source": _source(life),
        "outcome": _plain(life.outcome),
        "corrections": [
            {"field": row["field"], "by": row["by"], "reason": redaction.free(row["reason"])}
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
        "related": {name: list(texts) for name, texts in life.related.items()},
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
    """The outcome; accounts by their last four."""
    if row is None:
        return None
    return {name: redaction.account(value) if name in _ACCOUNTS else _cell(value) for name, value in row.items()}


_ACCOUNTS: Final = frozenset({"account_no", "borrower_account", "holder_account"})


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


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
        "delivered_at": batch and moment(batch.delivered_at),
        "gate": gate and gate.gate,
        "digest": gate and gate.digest,
        "approved_by": [f"{d.name} {moment(d.at)}" for d in gate.decisions if d.decision == "approve"] if gate else [],
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The same for reading."""
    yield f"{found['entity']}/{found['key']}"
    yield ""
    yield "source 存量"
    yield from _pairs(found["source"])
    if found["corrections"]:
        yield "corrections 更正"
        for row in found["corrections"]:
            yield f"  {row['field']}: {row['reason']} ({row['by']})"
    if found["attempts"]:
        yield "sent 发送"
        for row in found["attempts"]:
            yield from _sent(row)
    if found["exceptions"]:
        yield "exceptions 例外"
        for row in found["exceptions"]:
            signed = f", {row['signed_by']}: {row['reason']}" if row["signed_by"] else ""
            yield f"  {row['id']} {codes.reason(row['code'], 'zh')} [{row['state']}{signed}] {yuan(row['amount_fen'])}"
    for name, texts in found["related"].items():
        if texts:
            yield f"{name}: {', '.join(texts)}"
    yield "now 现状"
    yield from _pairs(found["outcome"])


def _pairs(row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is None:
        yield "  – not there 不存在"
        return
    for name, value in row.items():
        if value is not None and value != "":
            money = name in _MONEY or name.endswith("_fen")
            said = codes.reason(value, "zh") if name == "reason" else value
            yield f"  {name}: {yuan(value) if money else said}"


def _sent(row: Mapping[str, Any]) -> Iterator[str]:
    sample = ", sample" if row["sample"] else ""
    yield f"  {row['batch']} {row['stage']} round {row['round']}{sample}: record {row['record']} of {row['request']}"
    yield f"    request  SHA-256 {row['request_sha256']}"
    if row["result"]:
        yield f"    answer   {row['answer']} ({row['state']}) in {row['result']}"
        yield f"    result   SHA-256 {row['result_sha256']}"
    else:
        yield "    answer   awaited"
    if row["gate"]:
        yield f"    approved {row['gate']}: {'; '.join(row['approved_by'])}"
