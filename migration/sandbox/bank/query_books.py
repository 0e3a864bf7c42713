"""What the bank answers to a question, out of its books. Bodies only; `query_desk` adds header and signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from migration.sandbox.bank import names, numbers
from migration.sandbox.bank.tables import Exchange, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from migration.sandbox.bank.ledger import Ledger

Body = dict[str, Any]
ABSENT: Final[Body] = {"state": "N"}
_PLAIN: Final = {
    "accounts": {
        "accountId": "CARDNBR",
        "idNo": "IDNO",
        "idType": "IDTYPE",
        "flag": "FLAG",
        "errCode": "ERRCODE",
        "name": "NAME",
        "acctType": "ACCTYPE",
        "mobile": "MOPHONE",
    },
    "listings": {
        "productDesc": "BID-DESC",
        "accountId": "CARDNBR",
        "name": "NAME",
        "loanTerm": "LOANTERM",
        "inputDate": "INPDATE",
        "suretyAccountId": "CARDNBR-SU",
        "nominalAccountId": "CARDNBR-MY",
        "payeeAccountId": "CARDNBR-PE",
        "rspCode": "RSPCODE",
    },
    "debts": {
        "accountId": "CARDNBR",
        "issuer": "FUISSUER",
        "name": "NAME",
        "dealDate": "DEALDATE",
        "rspCode": "RSPCODE",
        "authCode": "AUTHCODE",
        "productId": "BIDIF",
    },
    "authorisations": {"accountId": "CARDNBR", "rspCode": "RSPCODE"},
}


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals."""
    return f"{fen // 100}.{fen % 100:02d}"


def batch(ledger: Ledger, asked: Body) -> Body:
    """batchQuery: how far the bank is with a file; count of records and sum of what was asked for."""
    found = _answer(ledger, asked)
    if found is None:
        return ABSENT
    _, rows = found
    total = sum(int(row.get("AMOUNT", b"0")) for row in rows)
    return {"state": "S", "txCounts": str(len(rows)), "txAmount": yuan(total), "currency": "156"}


def status(ledger: Ledger, asked: Body) -> Body:
    """transactionStatusQuery: what was answered for one item of a file."""
    found = _answer(ledger, asked)
    if found is None:
        return ABSENT
    exchange, rows = found
    wanted = str(asked.get("itemId"))
    row = next((row for row in rows if _text(row[exchange.key]) == wanted), None)
    if row is None:
        return ABSENT
    body = {name: _text(row[field]) for name, field in _PLAIN[exchange.kind].items()}
    if "AMOUNT" in row:
        body |= {"txAmount": yuan(int(row["AMOUNT"])), "currency": "156"}
    return {"state": "S", **body}


def listing(ledger: Ledger, asked: Body) -> Body:
    """debtDetailsQuery: a listing as it is registered."""
    rows = ledger.select("SELECT * FROM listings WHERE listing_id = ?", str(asked.get("productId")))
    if not rows:
        return ABSENT
    row = rows[0]
    owner = ledger.customer("account_no", row["borrower_account"])
    return {
        "state": "S",
        "productDesc": row["title"],
        "accountId": row["borrower_account"],
        "name": owner.name if owner else "",
        "txAmount": yuan(row["amount_fen"]),
        "currency": "156",
        "loanTerm": f"{row['term_days']:04d}",
        "inputDate": row["file"][-8:],
        "intType": row["int_type"],
        "intPayDay": row["pay_day"],
        "yield": f"{row['rate_e5']:08d}",
        "suretyAccountId": row["guarantor_account"],
        "nominalAccountId": row["nominal_account"],
        "payeeAccountId": row["payee_account"],
    }


def holder(ledger: Ledger, asked: Body) -> Body:
    """creditDetailsQuery: a page of the debts that an account holds, by serial number."""
    size, page = int(asked["pageSize"]), int(asked["pageNum"])
    account = str(asked.get("accountId"))
    total = ledger.select("SELECT count(*) AS n FROM debts WHERE account_no = ?", account)[0]["n"]
    rows = ledger.select(
        "SELECT * FROM debts WHERE account_no = ? ORDER BY serial LIMIT ? OFFSET ?", account, size, (page - 1) * size
    )
    items = [
        {
            "orderId": row["serial"],
            "productId": row["listing_id"],
            "txAmount": yuan(row["amount_fen"]),
            "currency": "156",
            "authCode": row["authcode"],
            "endDate": row["end_date"],
        }
        for row in rows
    ]
    return {"state": "S", "totalItems": str(total), "items": items}


def account(ledger: Ledger, asked: Body) -> Body:
    """accountIdQuery: the customer with this ID number, by whatever channel he came."""
    identity = numbers.identity(str(asked["idType"]).encode(), str(asked["idNo"]).encode())
    return _customer(ledger, "identity", identity or "")


def by_mobile(ledger: Ledger, asked: Body) -> Body:
    """Answer accountQueryByMobile: the customer with this phone number."""
    return _customer(ledger, "phone", str(asked.get("mobile")))


def balance(ledger: Ledger, asked: Body) -> Body:
    """balanceQuery: what the days after the cutover left on an account; nothing is held back."""
    known = ledger.customer("account_no", str(asked.get("accountId")))
    if known is None:
        return ABSENT
    held = yuan(ledger.balance(known.account_no))
    return {"state": "S", "availBal": held, "currBal": held, "currency": "156"}


QUESTIONS: Final[dict[str, Callable[[Ledger, Body], Body]]] = {
    "batchQuery": batch,
    "transactionStatusQuery": status,
    "debtDetailsQuery": listing,
    "creditDetailsQuery": holder,
    "accountIdQuery": account,
    "accountQueryByMobile": by_mobile,
    "balanceQuery": balance,
}


def _customer(ledger: Ledger, column: str, value: str) -> Body:
    known = ledger.customer(column, value)
    if known is None:
        return ABSENT
    return {
        "state": "S",
        "accountId": known.account_no,
        "idNo": known.id_no,
        "name": known.name,
        "mobile": known.phone,
        "activated": "1" if known.flag == "N" else "0",
    }


def _answer(ledger: Ledger, asked: Body) -> tuple[Exchange, list[Row]] | None:
    """The clean answer to a file, whether or not its result was written."""
    request = names.parse(str(asked.get("fileName")))
    if request is None or ledger.file(request.name) is None:
        return None
    content = ledger.answer(request.name)
    eol = b"\r\n" if content.endswith(b"\r\n") else b"\n"
    return request.exchange, list(request.exchange.result.rows(content, eol))


def _text(value: bytes) -> str:
    return value.decode("gbk").rstrip(" ")
