"""The records of the bank's files as the interface document gives them: name and width in GBK bytes, in order.

Written down a second time from the document (bank-interface.md sections 2 to 5); the code that makes the files has its own.
The names are the verifier's own words (readers.COLUMNS).
Names in capitals stay unread. `n` marks digits that are read as an integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Field:
    """A field to be read: where it lies and whether it is a number."""

    name: str
    start: int
    width: int
    number: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A record: its width without the line ending, and the fields that are read."""

    width: int
    fields: tuple[Field, ...]


def _layout(width: int, text: str) -> Layout:
    """From `name width` or `name width n` a line; upper-case names are passed over."""
    fields: list[Field] = []
    at = 0
    for part in text.split(";"):
        name, size, *kind = part.split()
        if not name.isupper():
            fields.append(Field(name, at, int(size), bool(kind)))
        at += int(size)
    if at != width:
        raise AssertionError(f"widths add up to {at}, not {width}")
    return Layout(width, tuple(fields))


_ACCOUNT_REQUEST: Final = _layout(
    433,
    "id_no 18; id_type 2; name 60; sex 1; phone 12; acctype 1; email 40; key 60; BUSID 9; TAXID 30; ADNO 20;"
    "card_type 1; FUCOMCODE 2; INFO 100; corporate 42; BUSID1 18; REVERS 17",
)
_ACCOUNT_RESULT: Final = _layout(
    364,
    "account 19; id_no 18; id_type 2; flag 1; code 3; name 60; acctype 1; key 60; phone 12; INFO 100; REVERS 88",
)
_LISTING_REQUEST: Final = _layout(
    416,
    "bank 4; header 6; key 40; title 60; account 19; amount 13 n; int_type 1; int_day 2; term 4 n; yield 8 n;"
    "guarantor 19; nominal 19; nominal_yn 1; payee 19; entrust_yn 1; RESERVED 100; TRDRESV 100",
)
_LISTING_RESULT: Final = _layout(
    473,
    "bank 4; header 6; key 40; title 60; account 19; name 60; amount 13 n; term 4 n; INPDATE 8; guarantor 19;"
    "nominal 19; payee 19; code 2; RESERVED 100; TRDRESV 100",
)
_DEBT_REQUEST: Final = _layout(
    230,
    "bank 4; header 6; account 19; issuer 4; PRODUCT 6; serial 40; amount 13 n; bought 8; value 8; int_type 1;"
    "int_day 2; end_date 8; yield 8 n; currency 3; listing 40; RESE 60",
)
_DEBT_RESULT: Final = _layout(
    282,
    "bank 4; header 6; account 19; issuer 4; PRODUCT 6; serial 40; amount 13 n; name 60; DEALDATE 8; code 2;"
    "authcode 20; listing 40; RESE 60",
)
_AUTHORISATION_REQUEST: Final = _layout(
    288,
    "bank 4; header 6; account 19; issuer 4; type 1; serial 40; granted 14; RESERVED 100; TRDRESV 100",
)
_AUTHORISATION_RESULT: Final = _layout(
    290,
    "bank 4; header 6; account 19; issuer 4; type 1; serial 40; granted 14; code 2; RESERVED 100; TRDRESV 100",
)
LAYOUTS: Final[dict[str, tuple[Layout, Layout]]] = {
    "accounts": (_ACCOUNT_REQUEST, _ACCOUNT_RESULT),
    "listings": (_LISTING_REQUEST, _LISTING_RESULT),
    "debts": (_DEBT_REQUEST, _DEBT_RESULT),
    "authorisations": (_AUTHORISATION_REQUEST, _AUTHORISATION_RESULT),
}
"""Exchange -> request record, result record."""
