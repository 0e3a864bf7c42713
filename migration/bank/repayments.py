"""Repayment files of profile `jx` (批次还款), for the settlement drill: names, requests, the whole-file check of answers.

The bank's own repayments go over its query channel (batchRepay); the fields are taken from there, the file is our
convention and only the sandbox bank answers it. A batch number is the drill (2 digits) and the part (4 digits).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank import codec, results
from migration.bank.cells import Column, Numbers
from migration.bank.layouts import layout
from migration.bank.names import day, parameter
from migration.bank.profile import LINE_ENDINGS
from migration.bank.reasons import Reasons
from migration.bank.requests import BLANK, ORDER_MARK
from migration.domain.settlement import ANSWERS, PAID, USED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

OUTCOMES: Final[Mapping[str, str]] = {
    "00": PAID,
    "51": "code_unknown",
    "52": "other_debt",
    "53": "other_listing",
    "54": "other_holder",
    "55": "other_borrower",
    "56": "too_much",
    "57": USED,
    "99": "form",
}
OTHER: Final = "other"
ECHO: Final = ("CARDNBR", "FORCARDNBR", "AMOUNT", "INTAMT", "AUTHCODE", "BIDIF", "RESE")


class JxRepayments:
    """Port `RepaymentFormat`. `institution` 6 digits or letters, `bank_no` 4 digits; `line_ending` lf | crlf."""

    def __init__(self, institution: str, bank_no: str = "3005", line_ending: str = "lf") -> None:
        self._institution = parameter("institution", institution, "[0-9A-Z]{6}")
        self._bank_no = parameter("bank_no", bank_no, "[0-9]{4}")
        self._line_ending = LINE_ENDINGS[parameter("line_ending", line_ending, "lf|crlf")]

    def names(self, batch_no: str, business_date: date) -> tuple[str, str]:
        """Request and answer file name."""
        tail = f"{self._institution}-{batch_no}-{day(business_date)}"
        return f"{self._bank_no}-REPAY-{tail}", f"{self._bank_no}-REPAYRESP-{tail}"

    def encode(self, orders: pa.Table, batch_no: str, business_date: date) -> bytes:
        """Write a request from settlement.ORDERS; DoesNotFit is a ValueError."""
        columns: dict[str, Column] = {
            "BANK": self._bank_no.encode(),
            "BATCH": batch_no.encode(),
            "CARDNBR": _text(orders, "borrower_account"),
            "FORCARDNBR": _text(orders, "holder_account"),
            "SERI-NO": pc.binary_join_element_wise(self._institution + ORDER_MARK, _text(orders, "debt_id"), ""),
            "AMOUNT": _numbers(orders, "principal_fen"),
            "INTAMT": _numbers(orders, "interest_fen"),
            "AUTHCODE": _text(orders, "authcode"),
            "BIDIF": _text(orders, "listing_id"),
            "RESE": BLANK,
        }
        return codec.encode(layout("REPAY", business_date), columns, orders.num_rows, self._line_ending)

    def check(self, request: bytes, answer: bytes, batch_no: str, business_date: date) -> pa.Table:
        """Judge an answer file as a whole: settlement.ANSWERS in the order of the request, or ResultRefused."""
        sent = codec.cut(layout("REPAY", business_date), request, self._line_ending)
        request_name, name = self.names(batch_no, business_date)
        reasons = Reasons(name)
        answered = results.read(layout("REPAYRESP", business_date), answer, reasons)
        results.header(answered, {"BANK": self._bank_no.encode(), "BATCH": batch_no.encode()}, reasons)
        reasons.stop()
        pair = results.join(sent, answered, "SERI-NO", request_name, reasons)
        results.echo(pair, ECHO, reasons)
        codes = pair.answered.text("RSPCODE")
        reasons.where(np.asarray(pc.equal(codes, "")), "RESULT_CODE", "field RSPCODE is blank")
        reasons.stop()
        at = pc.index_in(codes, value_set=pa.array(OUTCOMES))
        outcomes = pc.fill_null(pa.array(list(OUTCOMES.values()), pa.string()).take(at), OTHER)
        table = pa.table(
            {
                "outcome": outcomes,
                "code": codes,
                **{name: pa.array(_read(pair.answered, field)) for name, field in _AMOUNTS.items()},
            },
            schema=ANSWERS,
        )
        return table.take(pa.array(np.argsort(pair.record)))


_AMOUNTS: Final = {"left_fen": "LEFT", "listing_left_fen": "BIDLEFT", "received_fen": "RECEIVED", "given_fen": "PAID"}


def _read(records: codec.Records, name: str) -> Numbers:
    return codec.read_numbers(records.cut(name), records.layout[name])


def _text(orders: pa.Table, name: str) -> pa.Array:
    return orders[name].combine_chunks()


def _numbers(orders: pa.Table, name: str) -> Numbers:
    found: Numbers = orders[name].to_numpy()
    return found
