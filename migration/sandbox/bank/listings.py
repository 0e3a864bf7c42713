"""BIDIN: listing registration (bank-interface.md section 3).

The interface names ranges (01-07, 26-31, 32-38, 41, 50-55); which code of a range stands for what is this sandbox's
own reading and written down in docs/sandbox-bank.md.
"""

from __future__ import annotations

import re
from typing import Final

from migration.sandbox.bank.desk import OK, Answer, Desk, is_blank, is_gbk, number, text
from migration.sandbox.bank.tables import BIDIN, Row

_MANDATORY: Final = (
    ("01", "BANK"),
    ("02", "BATCH"),
    ("03", "BIDNBR"),
    ("04", "BID-DESC"),
    ("05", "CARDNBR"),
    ("06", "AMOUNT"),
    ("07", "INTTYPE"),
    ("09", "LOANTERM"),
    ("10", "YIELD"),
)
_NUMERIC: Final = (("06", "AMOUNT", 1), ("09", "LOANTERM", 1), ("10", "YIELD", 0))
_PARTIES: Final = (("26", "CARDNBR-SU"), ("32", "CARDNBR-MY"), ("50", "CARDNBR-PE"))
_FLAGS: Final = (("MBORROW-YN", "CARDNBR-MY", "46", "48"), ("ENTRUST-YN", "CARDNBR-PE", "45", "41"))
_NUMBER: Final = re.compile(rb"[0-9A-Za-z]{1,40}")
_MONTHLY_FIXED: Final = b"1"
_DAYS: Final = frozenset(f"{day:02d}".encode() for day in range(1, 32))
_PRINT: Final = tuple(name for name in BIDIN.request.names if name != "BATCH")
_ECHO: Final = tuple(name for name in BIDIN.result.names if name not in {"NAME", "INPDATE", "RSPCODE"})


def answer(desk: Desk, record: int, row: Row) -> Answer:
    """Register the listing of a record, or say why not."""
    code = desk.planned_refusal((text(row, "BIDNBR"),), row, _PRINT) or _form(row) or _facts(desk, row)
    if not code:
        code = OK if _register(desk, record, row) else "22"
    borrower = desk.holder(text(row, "CARDNBR"))
    own = {
        "NAME": borrower.name.encode("gbk") if borrower else b"",
        "INPDATE": desk.request.day_text.encode(),
        "RSPCODE": code.encode(),
    }
    return Answer(code, BIDIN.result.record({**{name: row[name] for name in _ECHO}, **own}))


def _form(row: Row) -> str:
    """Find what the record by itself deserves: mandatory fields, numbers, interest."""
    for code, name in _MANDATORY:
        if is_blank(row, name):
            return code
    if _NUMBER.fullmatch(row["BIDNBR"].rstrip(b" ")) is None:
        return "03"
    if not is_gbk(row, ("BID-DESC",)):
        return "04"
    for code, name, least in _NUMERIC:
        value = number(row, name)
        if value is None or value < least:
            return code
    if row["INTTYPE"] not in {b"0", b"1", b"2"}:
        return "23"
    fixed = row["INTTYPE"] == _MONTHLY_FIXED
    right = row["INTPAYDAY"] in _DAYS if fixed else is_blank(row, "INTPAYDAY")
    return "" if right else "24"


def _facts(desk: Desk, row: Row) -> str:
    """Compare with the file's name and the bank's books."""
    return _header(desk, row) or _borrower(desk, row) or _parties(desk, row)


def _header(desk: Desk, row: Row) -> str:
    if text(row, "BANK") != desk.request.bank:
        return "11"
    if text(row, "BATCH") != desk.request.batch:
        return "12"
    ours = desk.profile.institution in {None, desk.request.party}
    return "" if ours and is_gbk(row, ("RESERVED", "TRDRESV")) else "20"


def _borrower(desk: Desk, row: Row) -> str:
    account = text(row, "CARDNBR")
    if desk.is_platform(account):
        return "39"
    if not account.startswith(desk.profile.prefix):
        return "14"
    return "" if desk.holder(account) else "13"


def _parties(desk: Desk, row: Row) -> str:
    """Guarantor, nominal borrower and payee: known to the bank, not the platform, and flagged when given."""
    for unknown, name in _PARTIES:
        account = text(row, name)
        if account and desk.is_platform(account):
            return "39"
        if account and desk.holder(account) is None:
            return unknown
    for flag, name, invalid, mismatch in _FLAGS:
        if row[flag] not in {b"0", b"1"}:
            return invalid
        if (row[flag] == b"1") == is_blank(row, name):
            return mismatch
    return ""


def _register(desk: Desk, record: int, row: Row) -> bool:
    """Write the listing into the books; False when it is there already."""
    file = desk.request.name
    values = (
        text(row, "BIDNBR"),
        text(row, "BID-DESC"),
        text(row, "CARDNBR"),
        int(row["AMOUNT"]),
        text(row, "INTTYPE"),
        text(row, "INTPAYDAY"),
        int(row["LOANTERM"]),
        int(row["YIELD"]),
        text(row, "CARDNBR-SU"),
        text(row, "CARDNBR-MY"),
        text(row, "CARDNBR-PE"),
        file,
        record,
    )
    if not desk.ledger.add("listings", values):
        return False
    desk.ledger.effect("listings", text(row, "BIDNBR"), file, record)
    return True
