"""What a reply of the query channel says about an item, in the layout of the result file that would have said it.

So a reply is judged by the very rules that a file is judged by. Amounts come as decimal yuan with their currency.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, Literal

from migration.bank.cells import ENCODING
from migration.bank.query import Reply, unreadable
from migration.bank.yuan import fen_of
from migration.domain.errors import CouldNotCheck
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from migration.bank.layouts import Field, Layout
    from migration.domain.values import ResultRefused

STATES: Final[Mapping[str, Literal["done", "processing", "absent"]]] = {"S": "done", "P": "processing", "N": "absent"}
CURRENCY: Final = "156"
DIGITS: Final = 18  # what int64 carries

_ACCOUNT: Final = {
    "CARDNBR": "accountId",
    "IDNO": "idNo",
    "IDTYPE": "idType",
    "FLAG": "flag",
    "ERRCODE": "errCode",
    "NAME": "name",
    "ACCTYPE": "acctType",
    "MOPHONE": "mobile",
}
_LISTING: Final = {
    "BID-DESC": "productDesc",
    "CARDNBR": "accountId",
    "NAME": "name",
    "AMOUNT": "txAmount",
    "LOANTERM": "loanTerm",
    "INPDATE": "inputDate",
    "CARDNBR-SU": "suretyAccountId",
    "CARDNBR-MY": "nominalAccountId",
    "CARDNBR-PE": "payeeAccountId",
    "RSPCODE": "rspCode",
}
_DEBT: Final = {
    "CARDNBR": "accountId",
    "FUISSUER": "issuer",
    "AMOUNT": "txAmount",
    "NAME": "name",
    "DEALDATE": "dealDate",
    "RSPCODE": "rspCode",
    "AUTHCODE": "authCode",
    "BIDIF": "productId",
}
TOLD: Final[Mapping[str, Mapping[str, str]]] = {
    "person": _ACCOUNT,
    "company": _ACCOUNT,
    "listing": _LISTING,
    "debt": _DEBT,
    "authorisation": {"CARDNBR": "accountId", "RSPCODE": "rspCode"},
}
"""Batch kind -> field of the result record -> field of the reply. Fields not told of are taken from what was sent."""


def record(kind: str, shape: Layout, sent: Mapping[str, bytes], reply: Reply, code: str | None) -> bytes:
    """One record of the result file without line ending. `sent`: the request's fields as bytes; `code` replaces RSPCODE.

    QUERY_REPLY when a field does not fit, QUERY_CONTRADICTS when the currency is another one.
    """
    names = TOLD[kind]
    return b"".join(_field(each, names.get(each.name), sent, reply, code) for each in shape.fields)


def _field(each: Field, name: str | None, sent: Mapping[str, bytes], reply: Reply, code: str | None) -> bytes:
    if name is None:  # not told of: as it was sent, else blank
        return sent.get(each.name, b"").ljust(each.width)
    if code is not None and each.name in {"RSPCODE", "INPDATE"}:  # details tell of another day than the batch's
        value = code if each.name == "RSPCODE" else ""
    else:
        value = reply.get(name)
    if each.name == "AMOUNT":
        value = str(amount(reply, name))
    if each.kind == "number":
        content = str(digits(reply, value)).rjust(each.width, "0").encode()
    elif each.kind == "date" and value:
        content = calendar_day(reply, value).isoformat().replace("-", "").encode()
    else:
        content = _encoded(reply, value).ljust(each.width)
    if len(content) != each.width:
        raise unreadable(reply.about, "has a field that no record can carry")
    return content


def _encoded(reply: Reply, value: str) -> bytes:
    try:
        return value.encode(ENCODING)
    except UnicodeEncodeError:
        raise unreadable(reply.about, "has a field that no record can carry") from None


def state(reply: Reply) -> Literal["done", "processing", "absent"]:
    """S, P or N."""
    found = STATES.get(reply.get("state"))
    if found is None:
        raise unreadable(reply.about, "has a state that is none of S, P, N")
    return found


def amount(reply: Reply, name: str) -> int:
    """An amount in fen; QUERY_CONTRADICTS when its currency is not ours."""
    if reply.get("currency") != CURRENCY:
        raise contradicts(reply.about, "currency", f"is not {CURRENCY}")
    try:
        return fen_of(reply.get(name))
    except ValueError:
        raise unreadable(reply.about, f"field {name} is no amount in yuan") from None


def digits(reply: Reply, value: str) -> int:
    """A whole number of ASCII digits."""
    if not (value.isascii() and value.isdigit()) or len(value) > DIGITS:
        raise unreadable(reply.about, "has a number that is none")
    return int(value)


def calendar_day(reply: Reply, value: str) -> date:
    """YYYYMMDD."""
    digits(reply, value)
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        raise unreadable(reply.about, "has a date that is none") from None


def contradicts(tx_code: str, subject: str, why: str, refused: ResultRefused | None = None) -> CouldNotCheck:
    """Build the error of a signed reply that says something else than what was sent: no answer at all."""
    mend = "ask the bank; nothing was recorded"
    return CouldNotCheck(
        Finding("QUERY_CONTRADICTS", subject, f"{tx_code}: {why}", mend), *(refused.reasons if refused else ())
    )
