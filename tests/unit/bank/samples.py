"""The golden files' content as rows, and small tools to change a result."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa

from migration.bank.layouts import layout
from migration.bank.profile import RECORD_TYPES, JxProfile
from migration.domain.tables import ROWS
from migration.domain.values import Batch, ResultContext

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "bank"
DAY = date(2017, 11, 18)
FIRST, SECOND, THIRD = "6212460000000000016", "6212460000000000024", "6212460000000000032"
PERSONS = [
    {
        "key": "000017",
        "kind": "person",
        "name": "张三丰",
        "id_type": "id_card",
        "id_no": "11010119900307133X",
        "sex": "M",
        "phone": "13800138000",
        "email": "zsf@example.com",
        "corporate_account": None,
        "amount_fen": 0,
    },
    {
        "key": "U-2",
        "kind": "person",
        "name": "阿依古丽·亅乗",
        "id_type": "id_card",
        "id_no": "440301198512120026",
        "sex": "F",
        "phone": "13912345678",
        "email": None,
        "corporate_account": None,
        "amount_fen": 0,
    },
    {
        "key": "U-3",
        "kind": "person",
        "name": "王五",
        "id_type": "id_card",
        "id_no": "310101197001010019",
        "sex": "M",
        "phone": "15000000003",
        "email": None,
        "corporate_account": None,
        "amount_fen": 0,
    },
]
COMPANIES = [
    {
        "key": "C-1",
        "kind": "company",
        "name": "华夏（北京）贸易有限公司",
        "id_type": "uscc",
        "id_no": "91110000600037341L",
        "sex": None,
        "phone": "13600000004",
        "email": None,
        "corporate_account": "11001234567890123456",
        "amount_fen": 0,
    }
]
LISTINGS = [
    {
        "key": "L001",
        "title": "车辆抵押借款·一期",
        "borrower_account": FIRST,
        "amount_fen": 1_200_000,
        "repayment_method": "equal_instalment",
        "interest_day": 8,
        "term_days": 365,
        "rate_e5": 1_500_000,
        "guarantor_account": THIRD,
        "nominal_account": None,
        "payee_account": SECOND,
    },
    {
        "key": "L002",
        "title": "到期还本",
        "borrower_account": SECOND,
        "amount_fen": 10_050,
        "repayment_method": "at_maturity",
        "interest_day": 8,
        "term_days": 30,
        "rate_e5": 1_250_000,
        "guarantor_account": None,
        "nominal_account": FIRST,
        "payee_account": None,
    },
    {
        "key": "L003",
        "title": "按月付息",
        "borrower_account": FIRST,
        "amount_fen": 999_999_999_999,
        "repayment_method": "interest_monthly",
        "interest_day": None,
        "term_days": 9_999,
        "rate_e5": 1,
        "guarantor_account": None,
        "nominal_account": None,
        "payee_account": None,
    },
]
DEBTS = [
    {
        "key": "D0000001",
        "holder_account": FIRST,
        "amount_fen": 108_309,
        "acquired_on": date(2017, 3, 1),
        "value_date": date(2017, 3, 1),
        "repayment_method": "equal_instalment",
        "interest_day": 8,
        "end_date": date(2018, 3, 1),
        "rate_e5": 1_500_000,
        "listing_id": "L001",
    },
    {
        "key": "D0000002",
        "holder_account": SECOND,
        "amount_fen": 1,
        "acquired_on": date(2017, 11, 17),
        "value_date": date(2017, 3, 1),
        "repayment_method": "at_maturity",
        "interest_day": None,
        "end_date": DAY,
        "rate_e5": 1,
        "listing_id": "L002",
    },
]
CONTENT = {"person": PERSONS, "company": COMPANIES, "listing": LISTINGS, "debt": DEBTS}
BATCH_NO = {"person": "000001", "company": "000002", "listing": "000003", "debt": "000004"}
SAMPLED = ("person", "listing", "debt")


def profile(**changes) -> JxProfile:
    return JxProfile(**({"product": "0110", "institution": "000187", "issuer": "MP"} | changes))


def rows(kind: str, content=None) -> pa.Table:
    return pa.Table.from_pylist(CONTENT[kind] if content is None else content, schema=ROWS[kind])


def batch(kind: str) -> Batch:
    stage = {"listing": "listings", "debt": "debts"}.get(kind, "accounts")
    count = len(CONTENT[kind])
    return Batch(DAY, BATCH_NO[kind], stage, 1, kind, sample=False, part=1, rows=count, sum_fen=0, state="delivered")


def names(kind: str) -> tuple[str, str]:
    return profile().names(kind, BATCH_NO[kind], DAY)


def request(kind: str) -> bytes:
    return (GOLDEN / names(kind)[0]).read_bytes()


def result(kind: str) -> bytes:
    return (GOLDEN / names(kind)[1]).read_bytes()


def context(names=(), taken=(), authcodes=(), confirmed=()) -> ResultContext:
    return ResultContext(
        names=pa.table({"account_no": _text(a for a, _ in names), "name": _text(b for _, b in names)}),
        taken=pa.table({"account_no": _text(a for a, _ in taken), "user_id": _text(b for _, b in taken)}),
        authcodes=pa.chunked_array([_text(authcodes)], pa.string()),
        confirmed=pa.chunked_array([_text(confirmed)], pa.string()),
    )


def _text(values) -> pa.Array:
    return pa.array(list(values), pa.string())


def check(kind: str, content: bytes, **facts) -> pa.Table:
    return profile().check(batch(kind), request(kind), content, context(**facts))


def changed(kind: str, record: int, field: str, value: str | bytes, content: bytes | None = None) -> bytes:
    """The golden result with one field (of a record counted from 1) replaced."""
    shape = layout(RECORD_TYPES[kind].result, DAY)
    content = result(kind) if content is None else content
    raw = value if isinstance(value, bytes) else value.encode("gbk")
    start = (record - 1) * (shape.width + 1) + shape[field].start
    return content[:start] + raw.ljust(shape[field].width) + content[start + shape[field].width :]


def records(kind: str) -> list[bytes]:
    return result(kind).splitlines(keepends=True)
