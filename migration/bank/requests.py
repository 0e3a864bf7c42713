"""From rows to request fields: bank-interface.md section 9, one function a record type.

Rows come as domain tables (ROWS[kind]), sorted and split. A blank that the bank requires raises `DoesNotFit`; nothing
is filled in by guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.bank.cells import Column, DoesNotFit, Mask, Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

BLANK: Final = b""
CURRENCY: Final = b"156"
ACCOUNT_USE: Final = b"2"  # ACC-TYPE is always 2
ORDER_MARK: Final = "0000"  # between the institution and the order id in SERI-NO
ID_TYPES: Final[Mapping[str, dict[str, str]]] = {
    "person": {"id_card": "01"},
    "company": {"uscc": "25", "org_code": "20"},
}
ACCOUNT_TYPES: Final[Mapping[str, bytes]] = {"person": b"0", "company": b"1"}
SEXES: Final = {"M": "1", "F": "2"}
AUTHORISATIONS: Final = {"auto_bid": "1", "auto_assign": "2"}
LAST_DAY: Final = 31  # of a month


@dataclass(frozen=True, slots=True)
class Platform:
    """What the bank agreed with the platform: constant in every file."""

    institution: str
    issuer: str
    bank_no: str


def account_fields(kind: str, rows: pa.Table) -> dict[str, Column]:
    """APPZX (批量开户) from ACCOUNT_ROWS. BUSID, TAXID, ADNO, FUCOMCODE, INFO, BUSID1 and REVERS are blank."""
    other = pc.not_equal(_text(rows, "kind"), kind)
    _require(np.asarray(pc.fill_null(other, True)), "ACCTYPE", f"is no {kind}")
    person = kind == "person"
    return {
        "IDNO": _given(rows, "id_no", "IDNO"),
        "IDTYPE": _coded(rows, "id_type", "IDTYPE", ID_TYPES[kind]),
        "NAME": _given(rows, "name", "NAME"),
        "GEN": _coded(rows, "sex", "GEN", SEXES) if person else BLANK,
        "MOPHONE": _given(rows, "phone", "MOPHONE"),
        "ACCTYPE": ACCOUNT_TYPES[kind],
        "EMAIL": _text(rows, "email"),
        "APPID": _given(rows, "key", "APPID"),
        "BUSID": BLANK,
        "TAXID": BLANK,
        "ADNO": BLANK,
        "ACC-TYPE": ACCOUNT_USE,
        "FUCOMCODE": BLANK,
        "INFO": BLANK,
        "CACCOUNT": BLANK if person else _given(rows, "corporate_account", "CACCOUNT"),
        "BUSID1": BLANK,
        "REVERS": BLANK,
    }


def listing_fields(rows: pa.Table, platform: Platform, batch_no: str) -> dict[str, Column]:
    """BIDIN (标的登记) from LISTING_ROWS. MBORROW-YN and ENTRUST-YN are 1 when that party is given."""
    interest_type, interest_day = _interest(rows)
    nominal, payee = _text(rows, "nominal_account"), _text(rows, "payee_account")
    return {
        "BANK": platform.bank_no.encode(),
        "BATCH": batch_no.encode(),
        "BIDNBR": _given(rows, "key", "BIDNBR"),
        "BID-DESC": _given(rows, "title", "BID-DESC"),
        "CARDNBR": _given(rows, "borrower_account", "CARDNBR"),
        "AMOUNT": _number(rows, "amount_fen", "AMOUNT"),
        "INTTYPE": interest_type,
        "INTPAYDAY": interest_day,
        "LOANTERM": _number(rows, "term_days", "LOANTERM"),
        "YIELD": _number(rows, "rate_e5", "YIELD"),
        "CARDNBR-SU": _text(rows, "guarantor_account"),
        "CARDNBR-MY": nominal,
        "MBORROW-YN": _flag(nominal),
        "CARDNBR-PE": payee,
        "ENTRUST-YN": _flag(payee),
        "RESERVED": BLANK,
        "TRDRESV": BLANK,
    }


def debt_fields(rows: pa.Table, platform: Platform, batch_no: str) -> dict[str, Column]:
    """BID (债权登记) from DEBT_ROWS. PRODUCT and RESE are blank."""
    interest_type, interest_day = _interest(rows)
    order = platform.institution + ORDER_MARK
    return {
        "BANK": platform.bank_no.encode(),
        "BATCH": batch_no.encode(),
        "CARDNBR": _given(rows, "holder_account", "CARDNBR"),
        "FUISSUER": platform.issuer.encode(),
        "PRODUCT": BLANK,
        "SERI-NO": pc.binary_join_element_wise(pa.scalar(order), _given(rows, "key", "SERI-NO"), ""),
        "AMOUNT": _number(rows, "amount_fen", "AMOUNT"),
        "BUYDATE": _column(rows, "acquired_on"),
        "INTDATE": _column(rows, "value_date"),
        "INTTYPE": interest_type,
        "INTPAYDAY": interest_day,
        "ENDDATE": _column(rows, "end_date"),
        "YIELD": _number(rows, "rate_e5", "YIELD"),
        "CURR": CURRENCY,
        "BIDIF": _given(rows, "listing_id", "BIDIF"),
        "RESE": BLANK,
    }


def authorisation_fields(rows: pa.Table, platform: Platform, batch_no: str) -> dict[str, Column]:
    """SIGTRAN (签约) from AUTHORISATION_ROWS. RESERVED and TRDRESV are blank."""
    granted = _column(rows, "granted_at")
    return {
        "BANK": platform.bank_no.encode(),
        "BATCH": batch_no.encode(),
        "CARDNBR": _given(rows, "holder_account", "CARDNBR"),
        "FUISSUER": platform.issuer.encode(),
        "SIG-TYPE": _coded(rows, "kind", "SIG-TYPE", AUTHORISATIONS),
        "SERI-NO": _given(rows, "key", "SERI-NO"),
        "SIG-DATE": granted.cast(pa.date32(), safe=False),
        "SIG-TIME": pc.fill_null(pc.strftime(granted.cast(pa.timestamp("s"), safe=False), format="%H%M%S"), ""),
        "RESERVED": BLANK,
        "TRDRESV": BLANK,
    }


def _interest(rows: pa.Table) -> tuple[pa.Array, pa.Array]:
    """INTTYPE and INTPAYDAY: 0 at maturity, 1 on a fixed day of the month, 2 monthly without one."""
    at_maturity = np.asarray(pc.equal(_given(rows, "repayment_method", "INTTYPE"), "at_maturity"))
    stored = _column(rows, "interest_day")
    fixed = ~at_maturity & np.asarray(pc.is_valid(stored))
    days = np.asarray(pc.fill_null(stored, 0), np.int64)
    _require(fixed & ((days < 1) | (days > LAST_DAY)), "INTPAYDAY", "is no day of a month")
    kinds = np.where(at_maturity, 0, np.where(fixed, 1, 2))
    printed = pa.array(["", *(f"{day:02d}" for day in range(1, LAST_DAY + 1))])
    return pa.array(["0", "1", "2"]).take(pa.array(kinds)), printed.take(pa.array(np.where(fixed, days, 0)))


def _flag(account: pa.Array) -> pa.Array:
    """`1` where the party is given, else `0`."""
    given = np.asarray(pc.not_equal(pc.fill_null(account, ""), ""))
    return pa.array(["0", "1"]).take(pa.array(given.astype(np.int64)))


def _coded(rows: pa.Table, column: str, field: str, codes: Mapping[str, str]) -> pa.Array:
    """Our word -> the bank's code."""
    at = pc.index_in(_text(rows, column), value_set=pa.array(list(codes), pa.string()), skip_nulls=True)
    _require(np.asarray(pc.is_null(at)), field, "is missing or not allowed here")
    return pa.array(list(codes.values())).take(at)


def _given(rows: pa.Table, column: str, field: str) -> pa.Array:
    """Return a text column without blanks."""
    values = _text(rows, column)
    _require(np.asarray(pc.equal(pc.utf8_trim(pc.fill_null(values, ""), characters=" "), "")), field, "is missing")
    return values


def _number(rows: pa.Table, column: str, field: str) -> Numbers:
    """Return an integer column without NULLs."""
    values = _column(rows, column)
    _require(np.asarray(pc.is_null(values)), field, "is missing")
    return np.asarray(values, np.int64)


def _text(rows: pa.Table, column: str) -> pa.Array:
    return _column(rows, column).cast(pa.string())


def _column(rows: pa.Table, column: str) -> pa.Array:
    return rows[column].combine_chunks()


def _require(missing: Mask, field: str, why: str) -> None:
    if missing.any():
        raise DoesNotFit(int(np.argmax(missing)) + 1, field, why)
