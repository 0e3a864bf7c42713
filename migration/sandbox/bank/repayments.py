"""REPAY: repayments of a settlement drill (清偿演练), judged by the bank's books and booked in a ledger beside them.

The fields are those of the query channel's batchRepay; file, codes 51 to 57 and the running totals are the sandbox's own.
The first two digits of the batch number name the drill: each drill begins with nothing paid. The books of the migration
(customers, listings, debts, effects) are read and never written here.
"""

from __future__ import annotations

from typing import Final

from migration.sandbox.bank.desk import OK, Answer, Desk, is_blank, number, text
from migration.sandbox.bank.tables import REPAY, Row

_FORM: Final = "99"
_DRILL: Final = slice(2)
_ECHO: Final = REPAY.request.names


def answer(desk: Desk, record: int, row: Row) -> Answer:
    """Take the repayment of a record, or say why not."""
    code = _form(desk, row)
    own: dict[str, int] = {}
    if not code:
        code, own = _judge(desk, record, row)
    totals = {name: f"{own.get(name, 0):0{width}d}".encode() for name, width in REPAY.result.fields if name in _TOTALS}
    return Answer(code, REPAY.result.record({**{n: row[n] for n in _ECHO}, **totals, "RSPCODE": code.encode()}))


_TOTALS: Final = frozenset({"LEFT", "BIDLEFT", "RECEIVED", "PAID"})


def _form(desk: Desk, row: Row) -> str:
    """99 when header, numbers or a mandatory field are wrong."""
    request = desk.request
    sound = (
        text(row, "BANK") == request.bank
        and text(row, "BATCH") == request.batch
        and bool(number(row, "AMOUNT"))
        and number(row, "INTAMT") is not None
        and not any(is_blank(row, name) for name in ("CARDNBR", "FORCARDNBR", "SERI-NO", "AUTHCODE", "BIDIF"))
    )
    return "" if sound else _FORM


def _judge(desk: Desk, record: int, row: Row) -> tuple[str, dict[str, int]]:
    """Code, and the running totals where it is 00."""
    ledger, drill, code = desk.ledger, desk.request.batch[_DRILL], text(row, "AUTHCODE")
    debt = ledger.debt_of(code)
    if debt is None:
        return "51", {}
    listing = ledger.select("SELECT borrower_account FROM listings WHERE listing_id = ?", debt["listing_id"])
    principal, interest = int(row["AMOUNT"]), int(row["INTAMT"])
    wrong = (
        ("52", debt["serial"] != text(row, "SERI-NO")),
        ("53", debt["listing_id"] != text(row, "BIDIF")),
        ("54", debt["account_no"] != text(row, "FORCARDNBR")),
        ("55", [r["borrower_account"] for r in listing] != [text(row, "CARDNBR")]),
        ("57", ledger.repaid(drill, code)),
        ("56", principal > debt["amount_fen"]),
    )
    refused = next((why for why, holds in wrong if holds), "")
    if refused:
        return refused, {}
    entry = (drill, code, debt["listing_id"], text(row, "CARDNBR"), debt["account_no"], principal, interest)
    ledger.repay((*entry, desk.request.name, record))
    both = principal + interest
    settled = ledger.drilled(drill, "listing", debt["listing_id"], principal)
    return OK, {
        "LEFT": debt["amount_fen"] - principal,
        "BIDLEFT": ledger.registered_of(debt["listing_id"]) - settled,
        "RECEIVED": ledger.drilled(drill, "received", debt["account_no"], both),
        "PAID": ledger.drilled(drill, "paid", text(row, "CARDNBR"), both),
    }
