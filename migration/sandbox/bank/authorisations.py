"""SIGTRAN: authorisations for automatic bids and assignments (bank-interface.md section 5)."""

from __future__ import annotations

from typing import Final

from migration.sandbox.bank.desk import OK, Answer, Desk, is_blank, text
from migration.sandbox.bank.names import calendar_day
from migration.sandbox.bank.tables import SIGTRAN, Row

_PLATFORM_CHECK: Final = "20"
_PRINT: Final = tuple(name for name in SIGTRAN.request.names if name != "BATCH")
_CLOCK: Final = ((0, 24), (2, 60), (4, 60))


def answer(desk: Desk, record: int, row: Row) -> Answer:
    """Take an authorisation over, or say why not."""
    code = desk.planned_refusal((text(row, "SERI-NO"),), row, _PRINT) or _code(desk, row)
    if not code:
        code = OK
        account, serial, file = text(row, "CARDNBR"), text(row, "SERI-NO"), desk.request.name
        desk.ledger.add("authorisations", (serial, account, text(row, "SIG-TYPE"), file, record))
        desk.ledger.effect("authorisations", serial, file, record)
    return Answer(code, SIGTRAN.result.record({**row, "RSPCODE": code.encode()}))


def _code(desk: Desk, row: Row) -> str:
    """10 exists, 11 serial exists, 12 account missing, 14 not activated, 16 no customer, 20 form (our reading)."""
    if not _is_well_formed(desk, row):
        return _PLATFORM_CHECK
    account, serial = text(row, "CARDNBR"), text(row, "SERI-NO")
    if not account:
        return "12"
    holder = desk.holder(account)
    if holder is None:
        return "16"
    if holder.flag == "S":  # opened by the batch channel, not activated by its owner yet
        return "14"
    if desk.ledger.exists("authorisations", "serial", serial):
        return "11"
    return "10" if desk.ledger.authorised(account, text(row, "SIG-TYPE")) else ""


def _is_well_formed(desk: Desk, row: Row) -> bool:
    time = text(row, "SIG-TIME")
    return (
        text(row, "BANK") == desk.request.bank
        and text(row, "BATCH") == desk.request.batch
        and row["SIG-TYPE"] in {b"1", b"2"}
        and not is_blank(row, "SERI-NO")
        and calendar_day(text(row, "SIG-DATE")) is not None
        and row["SIG-TIME"].isdigit()
        and all(int(time[at : at + 2]) < limit for at, limit in _CLOCK)
    )
