"""REPAY files of the settlement drill: byte for byte out, judged as a whole in."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from migration.bank.repayments import JxRepayments
from migration.domain.settlement import ORDERS
from migration.domain.values import ResultRefused

DAY = date(2017, 11, 18)
FORM = JxRepayments("000187")
ROWS = [
    ("D1", "L1", "B", "6212460000000000101", "A", "6212460000000000102", 10_000, 7, "A0000000000000000001"),
    ("D2", "L1", "B", "6212460000000000101", "C", "6212460000000000103", 9_999_999_999_999, 0, "A0000000000000000002"),
]


def made() -> pa.Table:
    return pa.Table.from_pylist([dict(zip(ORDERS.names, row, strict=True)) for row in ROWS], schema=ORDERS)


def request() -> bytes:
    return FORM.encode(made(), "010001", DAY)


def answer(record: bytes, code: bytes = b"00", left: int = 0, listing: int = 0, got: int = 0, gave: int = 0) -> bytes:
    totals = f"{left:013d}{listing:013d}{got:017d}{gave:017d}".encode()
    return record[:174] + code + totals + record[174:] + b"\n"


def answers(*changes: dict) -> list[bytes]:
    records = request().split(b"\n")[:-1]
    return [answer(record, **change) for record, change in zip(records, changes or ({}, {}), strict=True)]


def check(content: bytes) -> list[dict]:
    return FORM.check(request(), content, "010001", DAY).to_pylist()


def test_names_and_bytes():
    assert FORM.names("010001", DAY) == ("3005-REPAY-000187-010001-20171118", "3005-REPAYRESP-000187-010001-20171118")
    first = request().split(b"\n")[0]
    assert first == (
        b"3005" + b"010001" + b"6212460000000000101" + b"6212460000000000102" + b"0001870000D1".ljust(40)
        + b"0000000010000" + b"0000000000007" + b"A0000000000000000001" + b"L1".ljust(40) + b" " * 60
    )  # fmt: skip
    assert len(first) == 234


def test_answers_come_in_the_order_of_the_request():
    content = b"".join(reversed(answers({"listing": 7, "got": 10_007, "gave": 10_007}, {"code": b"54"})))
    nothing = {"left_fen": 0, "listing_left_fen": 0, "received_fen": 0, "given_fen": 0}
    assert check(content) == [
        {
            "outcome": "paid",
            "code": "00",
            **nothing,
            "listing_left_fen": 7,
            "received_fen": 10_007,
            "given_fen": 10_007,
        },
        {"outcome": "other_holder", "code": "54", **nothing},
    ]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (b"51", "code_unknown"), (b"52", "other_debt"), (b"53", "other_listing"), (b"55", "other_borrower"),
        (b"56", "too_much"), (b"57", "used"), (b"99", "form"), (b"42", "other"),
    ],
)  # fmt: skip
def test_what_the_codes_mean(code, outcome):
    assert [row["outcome"] for row in check(b"".join(answers({"code": code}, {})))] == [outcome, "paid"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda a: a[0], "RESULT_ROW_MISSING"),
        (lambda a: a[0] + a[1] + a[1], "RESULT_ROW_DOUBLED"),
        (lambda a: a[0] + a[1].replace(b"0000D2", b"0000D3"), "RESULT_ROW_UNKNOWN"),
        (lambda a: a[0] + a[1][:-20], "RESULT_TRUNCATED"),
        (lambda a: a[0] + a[1].replace(b"6212460000000000103", b"6212460000000000102"), "RESULT_ECHO"),
        (lambda a: a[0] + a[1].replace(b"A0000000000000000002", b"A0000000000000000001"), "RESULT_ECHO"),
        (lambda a: a[0] + a[1].replace(b"010001", b"010002"), "RESULT_HEADER"),
        (lambda a: a[0] + a[1][:174] + b"  " + a[1][176:], "RESULT_CODE"),
        (lambda a: a[0] + a[1][:176] + b"x" + a[1][177:], "RESULT_FORMAT"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_as_a_whole(content, code):
    with pytest.raises(ResultRefused) as refused:
        check(content(answers()))
    assert refused.value.reasons[0].code == code
