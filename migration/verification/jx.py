"""The reader for the files of profile `jx`: fixed-width GBK records, and the query channel's messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pyarrow.compute as pc

from migration.verification import records
from migration.verification.layouts import LAYOUTS
from migration.verification.readers import Columns, Spoil

ASKED_FOR: Final = {"transactionStatusQuery": "itemId", "debtDetailsQuery": "productId"}
MARK: Final = 10
"""A debt's serial number begins with six characters for the platform and four zeros."""
_YUAN: Final = re.compile(r"([0-9]+)\.([0-9]{2})", re.ASCII)


class JxReader:
    """Reads by the tables of `layouts.py`."""

    bank = "3005"
    mark = "[0-9A-Z]{6}0000"

    def records(self, exchange: str, content: bytes, *, answer: bool) -> tuple[Columns, int] | None:
        """Every field that is read, a debt's serial number also in its two parts."""
        found = records.columns(content, LAYOUTS[exchange][int(answer)])
        if found is None or exchange != "debts":
            return found
        columns, size = found
        columns["key"] = pc.utf8_slice_codeunits(columns["serial"], MARK)
        if not answer:
            columns["mark"] = pc.utf8_slice_codeunits(columns["serial"], 0, MARK)
        return columns, size

    def reply(self, line: bytes) -> dict[str, Any]:
        """One message as it came."""
        message = json.loads(line)
        amount = _YUAN.fullmatch(message["txAmount"]) if "txAmount" in message else None
        return {
            "id": message[ASKED_FOR[message["txCode"]]],
            "state": message["state"],
            "account": message.get("accountId"),
            "amount": int(amount[1]) * 100 + int(amount[2]) if amount else None,
            "authcode": message.get("authCode"),
            "code": message.get("rspCode", message.get("errCode")),
        }

    def spoilt(self, how: Spoil, content: bytes, record: int) -> bytes:
        """The record is cut out by its width, with whatever line ending the file has."""
        exchange, edit = _SPOILS[how]
        width = LAYOUTS[exchange][0].width
        stride = width + (2 if content[width : width + 2] == b"\r\n" else 1)
        at = (record - 1) * stride
        return content[:at] + edit(content[at : at + width]) + content[at + width :]


def _amount_moved(record: bytes) -> bytes:
    """Every digit of amount and purchase date one place to the left, over the border of the fields."""
    return record[:79] + record[80:100] + record[79:80] + record[100:]


def _name_padded(record: bytes) -> bytes:
    return record[:20] + b" " + record[20:79] + record[80:]


def _end_shifted(record: bytes) -> bytes:
    """A day earlier (later, where the day ends in 0)."""
    last = record[118] - 48
    return record[:118] + str(last - 1 if last else 1).encode() + record[119:]


_SPOILS: Final[dict[Spoil, tuple[str, Callable[[bytes], bytes]]]] = {
    "amount_moved": ("debts", _amount_moved),
    "name_padded": ("accounts", _name_padded),
    "end_shifted": ("debts", _end_shifted),
}
