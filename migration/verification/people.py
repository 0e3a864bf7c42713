"""The users as they had to be sent: corrections applied, ID numbers, names and phones normalised, worked out anew.

Source: domain.md "Merging identities", bank-interface.md section 9.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PERSON: Final = pa.schema(
    [
        ("user_id", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("verified", pa.bool_()),
        ("id_no", pa.string()),  # normalised; persons have 18 digits
        ("id_code", pa.string()),  # the file's letters for its type; NULL when the file cannot carry it
        ("name", pa.string()),  # as stored
        ("folded", pa.string()),  # as names are compared
        ("phone", pa.string()),  # 11 digits
        ("sex", pa.string()),  # 1 | 2 from the 17th digit, empty for companies
        ("email", pa.string()),  # empty when it cannot be carried
        ("corporate", pa.string()),  # companies only, else empty
    ]
)

_FIELDS: Final = ("name", "id_type", "id_no", "phone", "sex", "email", "corporate_account", "verified_at")
_WIDE: Final = {0xFF01 + at: 0x21 + at for at in range(94)} | {0x3000: 0x20}
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_ID_CODES: Final = {"id_card": "01", "id_card_15": "01", "uscc": "25", "org_code": "20"}
_OLD_ID, _EMAIL = 15, 40


def corrected(users: pa.Table, corrections: pa.Table) -> pa.Table:
    """The users with the latest correction of each cell in it."""
    latest: dict[str, dict[str, Any]] = {field: {} for field in _FIELDS}
    for row in corrections.sort_by("seq").select(["user_id", "field", "new"]).to_pylist():
        latest[row["field"]][row["user_id"]] = row["new"]
    for field, newest in latest.items():
        if newest:
            users = _replaced(users, field, newest)
    return users


def _replaced(users: pa.Table, field: str, newest: dict[str, Any]) -> pa.Table:
    at = users.schema.get_field_index(field)
    column = users.column(at)
    ids = users["user_id"].to_pylist()
    values = [newest.get(user, old) for user, old in zip(ids, column.to_pylist(), strict=True)]
    if field == "verified_at":
        values = [_instant(value) for value in values]
    return users.set_column(at, users.schema.field(at), pa.array(values, column.type))


def _instant(value: str | datetime | None) -> datetime | None:
    if not value or isinstance(value, datetime):
        return value or None
    if "T" in value or " " in value:
        return datetime.fromisoformat(value)
    return datetime.combine(date.fromisoformat(value), datetime.min.time())


def persons(users: pa.Table, corrections: pa.Table) -> pa.Table:
    """PERSON, row for row, from SNAPSHOT users."""
    now = corrected(users, corrections).combine_chunks()
    text = {name: now[name].combine_chunks() for name in ("kind", "id_type", "id_no", "name", "phone", "email")}
    is_person = pc.equal(text["kind"], "person")
    ids = _ids(text["id_no"], text["id_type"])
    empty = pa.scalar("", pa.string())
    columns: dict[str, Any] = {
        "user_id": now["user_id"],
        "kind": now["kind"],
        "status": now["status"],
        "verified": pc.is_valid(now["verified_at"]),
        "id_no": ids,
        "id_code": _each(text["id_type"], _ID_CODES.get),
        "name": text["name"],
        "folded": _each(text["name"], fold),
        "phone": _each(text["phone"], phone_of),
        "sex": pc.if_else(is_person, _sexes(ids), empty),
        "email": pc.fill_null(_each(text["email"], _email), ""),
        "corporate": pc.if_else(is_person, empty, pc.fill_null(now["corporate_account"].combine_chunks(), "")),
    }
    return pa.table({name: columns[name] for name in PERSON.names}, schema=PERSON)


def _each(column: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    """`change` once for every distinct value; NULL stays NULL."""
    coded = column.dictionary_encode()
    made = [change(value) for value in coded.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(coded.indices)


def _ids(numbers: pa.Array, kinds: pa.Array) -> pa.Array:
    cards = pc.is_in(kinds, value_set=pa.array(["id_card", "id_card_15"]))
    plain = _each(numbers, squeeze)
    return pc.if_else(cards, _each(plain, lengthen), plain)


def squeeze(number: str) -> str | None:
    """Without blanks, half-width, `x` as `X`; None for nothing."""
    return "".join(number.translate(_WIDE).split()).replace("x", "X") or None


def lengthen(number: str) -> str:
    """15 digits become 18: the century, then the check character (GB 11643)."""
    if len(number) != _OLD_ID or not (number.isascii() and number.isdigit()):
        return number
    long = number[:6] + "19" + number[6:]
    total = sum(int(digit) * weight for digit, weight in zip(long, _WEIGHTS, strict=True))
    return long + _CHECK[total % 11]


def fold(name: str) -> str:
    """How names are compared: NFC, half-width, no blanks."""
    return "".join(unicodedata.normalize("NFC", name).translate(_WIDE).split())


def phone_of(phone: str) -> str:
    """Without blanks and the country's prefix."""
    plain = "".join(phone.split())
    return plain.removeprefix("+86") if plain.startswith("+86") else plain.removeprefix("0086")


def _sexes(ids: pa.Array) -> pa.Array:
    odd = pc.is_in(pc.utf8_slice_codeunits(ids, 16, 17), value_set=pa.array(list("13579")))
    return pc.if_else(odd, "1", "2")


def _email(text: str) -> str:
    """As it can be carried: encodable, at most 40 bytes, no control characters; else empty."""
    try:
        fits = len(text.encode("gbk")) <= _EMAIL and not any(unicodedata.category(c) == "Cc" for c in text)
    except UnicodeEncodeError:
        fits = False
    return text.rstrip(" ") if fits and text.strip() else ""


def valid_numbers(numbers: pa.Array) -> pa.Array:
    """Where a card number's last digit is right (Luhn); NULL and anything but digits is False."""
    coded = numbers.dictionary_encode()
    fine = np.array([_luhn(value) for value in coded.dictionary.to_pylist()], np.bool_)
    return pc.fill_null(pa.array(fine).take(coded.indices), False)


def _luhn(number: str) -> bool:
    if not (number.isascii() and number.isdigit()):
        return False
    odd = sum(map(int, number[-1::-2]))
    return (odd + sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])) % 10 == 0
