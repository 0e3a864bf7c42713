"""SIGTRAN and SIGRES: the request byte for byte, the answer judged as a whole (bank-interface.md section 5)."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest

from migration.bank.cells import DoesNotFit
from migration.bank.layouts import layout
from migration.domain.tables import ROWS
from migration.domain.values import Batch, ResultRefused
from tests.unit.bank.samples import FIRST, SECOND, context, profile

DAY = date(2017, 11, 18)
ROWS_SENT = [
    {"key": "S1", "holder_account": FIRST, "amount_fen": 0, "kind": "auto_bid", "granted_at": datetime(2017, 1, 5, 9, 30)},
    {"key": "S2", "holder_account": SECOND, "amount_fen": 0, "kind": "auto_assign", "granted_at": datetime(2016, 2, 29, 23, 59, 59, 999_999)},
]  # fmt: skip
BATCH = Batch(DAY, "000005", "debts", 1, "authorisation", sample=False, part=1, rows=2, sum_fen=0, state="delivered")


def table(rows=ROWS_SENT) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=ROWS["authorisation"])


def request() -> bytes:
    return profile().encode("authorisation", table(), "000005", DAY)


def result(*codes: str, **changes: str) -> bytes:
    """Every record echoed with its code; `changes` overwrite fields of the second record."""
    shape, answer = layout("SIGTRAN", DAY), layout("SIGRES", DAY)
    lines = []
    for line, code in zip(request().splitlines(), codes, strict=True):
        fields = {each.name: line[each.start : each.stop] for each in shape.fields} | {"RSPCODE": code.encode()}
        if lines:
            fields |= {name.replace("_", "-"): value.encode() for name, value in changes.items()}
        lines.append(b"".join(fields[each.name].ljust(each.width) for each in answer.fields) + b"\n")
    return b"".join(lines)


def check(content: bytes, **facts):
    return profile().check(BATCH, request(), content, context(**facts))


def test_the_request_is_written_field_by_field():
    first, second = request().decode("ascii").splitlines()
    assert first == f"3005000005{FIRST}MP  1{'S1':40}20170105093000{'':200}"
    assert second == f"3005000005{SECOND}MP  2{'S2':40}20160229235959{'':200}"


@pytest.mark.parametrize("gap", ["holder_account", "granted_at", "kind"])
def test_a_blank_that_the_bank_requires_is_refused(gap):
    with pytest.raises(DoesNotFit, match="record 2"):
        profile().encode("authorisation", table([ROWS_SENT[0], ROWS_SENT[1] | {gap: None}]), "000005", DAY)


@pytest.mark.parametrize("code", ["10", "12", "14", "16"])
def test_what_the_bank_refuses_is_refused_and_the_rest_stands(code):
    rows = check(result("00", code)).to_pylist()
    assert [(r["key"], r["outcome"], r["code"]) for r in rows] == [("S1", "ok", "00"), ("S2", "refused", code)]
    assert {r["account_no"] for r in rows} == {r["authcode"] for r in rows} == {None}


def test_serial_exists_is_ours_only_when_the_journal_holds_it():
    assert check(result("00", "11"))["outcome"].to_pylist() == ["ok", "unknown"]
    assert check(result("00", "11"), confirmed=["S2"])["outcome"].to_pylist() == ["ok", "ok"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("CARDNBR", FIRST, "RESULT_ECHO"),
        ("FUISSUER", "XX", "RESULT_ECHO"),
        ("SIG_TYPE", "1", "RESULT_ECHO"),
        ("SIG_DATE", "20160228", "RESULT_ECHO"),
        ("SIG_TIME", "235958", "RESULT_ECHO"),
        ("RESERVED", "x", "RESULT_ECHO"),
        ("TRDRESV", "x", "RESULT_ECHO"),
        ("BATCH", "000006", "RESULT_HEADER"),
        ("BANK", "3006", "RESULT_HEADER"),
        ("SERI_NO", "S3", "RESULT_ROW_UNKNOWN"),
        ("SIG_DATE", "20160230", "RESULT_FORMAT"),
        ("RSPCODE", "", "RESULT_CODE"),
    ],
)
def test_one_field_otherwise_refuses_the_file(field, value, code):
    with pytest.raises(ResultRefused) as caught:
        check(result("00", "00", **{field: value}))
    assert caught.value.reasons[0].code == code
    assert caught.value.reasons[0].subject.endswith("SIGRES-000005-20171118#2")


def test_cut_at_every_byte_it_is_refused():
    whole = result("00", "14")
    for length in range(len(whole)):
        with pytest.raises(ResultRefused):
            check(whole[:length])
