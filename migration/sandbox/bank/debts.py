"""BID: debt registration (bank-interface.md section 4)."""

from __future__ import annotations

import re
from typing import Final

from migration.sandbox.bank.desk import OK, Answer, Desk, is_blank, is_gbk, number, text
from migration.sandbox.bank.names import calendar_day
from migration.sandbox.bank.numbers import authcode
from migration.sandbox.bank.tables import BID, Row

_INVALID_ACCOUNT: Final = "14"
_OTHER: Final = "99"
_SERIAL: Final = re.compile(r"[0-9A-Z]{6}0000[0-9A-Za-z]{1,30}")
_ORDER: Final = slice(10, None)
_PRINT: Final = tuple(name for name in BID.request.names if name != "BATCH")
_ECHO: Final = tuple(name for name in BID.result.names if name not in {"NAME", "DEALDATE", "RSPCODE", "AUTHCODE"})


def answer(desk: Desk, record: int, row: Row) -> Answer:
    """Register the debt of a record, or say why not."""
    serial = text(row, "SERI-NO")
    granted = authcode(serial)
    code = desk.planned_refusal((serial[_ORDER], text(row, "BIDIF")), row, _PRINT) or _code(desk, row, serial)
    if not code:
        code = OK if _register(desk, record, row, serial, granted) else _OTHER
    holder = desk.holder(text(row, "CARDNBR"))
    own = {
        "NAME": holder.name.encode("gbk") if holder else b"",
        "DEALDATE": desk.request.day_text.encode(),
        "RSPCODE": code.encode(),
        "AUTHCODE": granted.encode() if code == OK else b"",
    }
    return Answer(code, BID.result.record({**{name: row[name] for name in _ECHO}, **own}))


def _code(desk: Desk, row: Row, serial: str) -> str:
    """Return the code a record deserves, before a doubled serial is looked for; empty when all is well."""
    if not _is_well_formed(desk, row, serial):
        return _OTHER
    account = text(row, "CARDNBR")
    if desk.is_platform(account) or desk.holder(account) is None:
        return _INVALID_ACCOUNT
    return "" if _dates_stand(desk, row) and _listing_stands(desk, row) else _OTHER


def _is_well_formed(desk: Desk, row: Row, serial: str) -> bool:
    """Header, serial, amount, rate and currency. The amount must be above zero."""
    profile, request = desk.profile, desk.request
    return (
        text(row, "BANK") == request.bank
        and text(row, "BATCH") == request.batch
        and text(row, "FUISSUER") == (profile.issuer or text(row, "FUISSUER"))
        and not is_blank(row, "FUISSUER")
        and is_blank(row, "PRODUCT")
        and _SERIAL.fullmatch(serial) is not None
        and serial.startswith(profile.institution or "")
        and bool(number(row, "AMOUNT"))
        and number(row, "YIELD") is not None
        and row["CURR"] == b"156"
        and is_gbk(row, ("RESE",))
    )


def _dates_stand(desk: Desk, row: Row) -> bool:
    """Real days; the value date not after the bank's date, the maturity not before it."""
    buy, value, end = (calendar_day(text(row, name)) for name in ("BUYDATE", "INTDATE", "ENDDATE"))
    if buy is None or value is None or end is None:
        return False
    return value <= desk.request.day <= end


def _listing_stands(desk: Desk, row: Row) -> bool:
    """Tell whether the listing is registered and pays interest as the debt says."""
    return desk.listing(text(row, "BIDIF")) == (text(row, "INTTYPE"), text(row, "INTPAYDAY"))


def _register(desk: Desk, record: int, row: Row, serial: str, granted: str) -> bool:
    """Write the debt into the books; False when its serial is taken."""
    file = desk.request.name
    values = (
        serial,
        serial[_ORDER],
        text(row, "CARDNBR"),
        text(row, "BIDIF"),
        int(row["AMOUNT"]),
        text(row, "BUYDATE"),
        text(row, "INTDATE"),
        text(row, "ENDDATE"),
        int(row["YIELD"]),
        granted,
        file,
        record,
    )
    if not desk.ledger.add("debts", values):
        return False
    desk.ledger.effect("debts", serial, file, record)
    return True
