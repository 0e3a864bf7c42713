"""The profile: requests as JSON lines in UTF-8, results judged as a whole."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pyarrow as pa

from migration.bank.profiles import Adapter, Surroundings
from migration.domain.findings import Finding
from migration.domain.tables import ANSWERS, ROWS
from migration.domain.values import Batch, FileLimits, ResultContext, ResultRefused
from migration.sections import Bank as Settings

OUTCOMES = {"to_activate": ("ok", False), "active": ("ok", True), "booked": ("ok", None), "declined": ("refused", None)}


class TinyBank:
    """Port `Bank`. `house`: four letters that name the platform."""

    limits = FileLimits(encoding="utf-8")
    account_pattern = "8800[0-9]{12}"

    def __init__(self, house: str) -> None:
        self._house = house

    def names(self, kind: str, batch_no: str, business_date: date) -> tuple[str, str]:
        """TINY-ask-listing-000003-20171118."""
        ask, tell = (f"TINY-{way}-{kind}-{batch_no}-{business_date:%Y%m%d}" for way in ("ask", "tell"))
        return ask, tell

    def encode(self, kind: str, rows: pa.Table, batch_no: str, business_date: date) -> bytes:
        """A line a row; what is not there is left out."""
        if not rows.schema.equals(ROWS[kind]):
            msg = f"rows of a {kind} file must have the columns of ROWS[{kind!r}]"
            raise ValueError(msg)
        head = {"house": self._house, "batch": batch_no, "day": business_date}
        lines = [_line(head | {k: v for k, v in row.items() if v is not None}) for row in rows.to_pylist()]
        return b"".join(lines)

    def check(self, batch: Batch, request: bytes, result: bytes, context: ResultContext) -> pa.Table:
        """Every line sent is echoed whole, once, with an outcome this bank has."""
        name = self.names(batch.kind, batch.batch_no, batch.business_date)[1]
        try:
            told = [json.loads(line) for line in result.decode().splitlines()]
            answers = {one["asked"]["key"]: (at, one) for at, one in enumerate(told, 1)}
        except (ValueError, KeyError, TypeError) as fault:
            raise ResultRefused(Finding("RESULT_FORMAT", name, "not the lines that this bank writes")) from fault
        asked = [json.loads(line) for line in request.decode().splitlines()]
        if len(told) != len(asked) or set(answers) != {one["key"] for one in asked}:
            raise ResultRefused(Finding("RESULT_MISSING", name, "not every line sent is answered once"))
        owners = dict(zip(*(context.names[column].to_pylist() for column in ("account_no", "name")), strict=True))
        rows = []
        for record_no, sent in enumerate(asked, 1):
            at, one = answers[sent["key"]]
            if not _sound(batch.kind, sent, one, owners, self.account_pattern):
                raise ResultRefused(Finding("RESULT_ECHO", f"{name}#{at}", "is not the answer to what was sent"))
            rows.append(_answer(record_no, at, sent["key"], one))
        return pa.Table.from_pylist(rows, ANSWERS)


def _sound(kind: str, sent: dict[str, Any], one: dict[str, Any], owners: dict[str, str], accounts: str) -> bool:
    if one["asked"] != sent or one.get("outcome") not in OUTCOMES:
        return False
    if one["outcome"] == "declined":
        return bool(one.get("why"))
    if kind in {"person", "company"}:
        return re.fullmatch(accounts, one.get("account", "")) is not None
    holder = sent["borrower_account"] if kind == "listing" else sent["holder_account"]
    return one.get("owner") == owners.get(holder) and (kind != "debt" or bool(one.get("receipt")))


def _answer(record_no: int, at: int, key: str, one: dict[str, Any]) -> dict[str, Any]:
    outcome, activated = OUTCOMES[one["outcome"]]
    return {
        "record_no": record_no,
        "result_record": at,
        "key": key,
        "outcome": outcome,
        "code": one.get("why", one["outcome"]),
        "account_no": one.get("account"),
        "activated": activated,
        "authcode": one.get("receipt"),
    }


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, default=str, sort_keys=True).encode() + b"\n"


def open_bank(settings: Settings, _around: Surroundings) -> Adapter:
    """What the entry point names: no questions, no daily files."""
    return Adapter(TinyBank(settings.product), None)
