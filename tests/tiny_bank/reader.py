"""The verifier's reader: the same lines, read by somebody else, into the verifier's words."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from migration.verification.readers import COLUMNS, NUMBERS

ID_TYPES = {"id_card": "01", "uscc": "25", "org_code": "20"}
FLAGS = {"to_activate": "S", "active": "N", "declined": "F"}
SAME = {"batch": "header", "house": "bank", "amount_fen": "amount", "term_days": "term", "rate_e5": "yield"}
DAYS = {"acquired_on": "bought", "value_date": "value", "end_date": "end_date"}
PARTIES = {"guarantor_account": "guarantor", "nominal_account": "nominal", "payee_account": "payee"}


class TinyReader:
    """Reads JSON lines."""

    bank = "0110"
    mark = ""

    def records(self, exchange: str, content: bytes, *, answer: bool) -> tuple[dict[str, pa.Array], int] | None:
        try:
            lines = [json.loads(line) for line in content.decode().splitlines()]
            rows = [_told(line) if answer else _asked(line) for line in lines]
        except (ValueError, KeyError, TypeError):
            return None
        names = COLUMNS[exchange][int(answer)]
        kinds = {name: pa.int64() if name in NUMBERS else pa.string() for name in names}
        return {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()}, len(rows)

    def reply(self, line: bytes) -> dict[str, Any]:
        raise ValueError(len(line))  # this bank is never asked

    def spoilt(self, how: str, content: bytes, record: int) -> bytes:
        lines = [json.loads(line) for line in content.splitlines()]
        row = lines[record - 1]
        if how == "amount_moved":
            row["amount_fen"], row["rate_e5"] = divmod(row["amount_fen"], 10)
        elif how == "name_padded":
            row["name"] = " " + row["name"]
        else:
            row["end_date"] = row["end_date"][:-1] + ("1" if row["end_date"].endswith("0") else "0")
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _asked(line: dict[str, Any]) -> dict[str, Any]:
    row = {"key": line["key"], "serial": line["key"], "mark": "", "issuer": "", "currency": "156", "card_type": "2"}
    row |= {name: line[theirs] for theirs, name in SAME.items() if theirs in line}
    row |= {name: line[theirs].replace("-", "") for theirs, name in DAYS.items() if theirs in line}
    row |= {name: line.get(theirs, "") for theirs, name in PARTIES.items()}
    row |= {name: line.get(name, "") for name in ("id_no", "name", "phone", "email", "title")}
    row["account"] = line.get("borrower_account", line.get("holder_account"))
    row["listing"] = line.get("listing_id")
    row["id_type"] = ID_TYPES.get(line.get("id_type", ""))
    row["sex"] = {"M": "1", "F": "2"}.get(line.get("sex", ""), "")
    row["acctype"] = "1" if line.get("kind") == "company" else "0"
    row["corporate"] = line.get("corporate_account", "")
    row["nominal_yn"], row["entrust_yn"] = ("1" if row[name] else "0" for name in ("nominal", "payee"))
    row["int_type"] = _interest(line)
    row["int_day"] = f"{line['interest_day']:02}" if row["int_type"] == "1" else ""
    return row


def _interest(line: dict[str, Any]) -> str:
    if line.get("repayment_method") == "at_maturity":
        return "0"
    return "1" if "interest_day" in line else "2"


def _told(line: dict[str, Any]) -> dict[str, Any]:
    row = _asked(line["asked"])
    if "kind" in line["asked"]:  # of a user; a listing and a debt have none
        return row | {"flag": FLAGS[line["outcome"]], "code": "000", "account": line.get("account", "")}
    done = line["outcome"] == "booked"
    return row | {"code": "00" if done else line["why"], "name": line.get("owner"), "authcode": line.get("receipt", "")}
