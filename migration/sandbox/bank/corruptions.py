"""Corruptions of a result file: the answer lies, the bank's own books do not (reliability.md, `Files` and `Bank`)."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any, Final

from migration.sandbox.bank.damage import GBK_LEAD, Damage
from migration.sandbox.bank.numbers import luhn_digit

if TYPE_CHECKING:
    from collections.abc import Callable

    from migration.sandbox.bank.tables import Exchange

_ECHO: Final = {
    "accounts": "MOPHONE",
    "listings": "AMOUNT",
    "debts": "AMOUNT",
    "authorisations": "SIG-DATE",
    "repayments": "AMOUNT",
}
_TEXT: Final = {
    "accounts": "NAME",
    "listings": "BID-DESC",
    "debts": "NAME",
    "authorisations": "RESERVED",
    "repayments": "RESE",
}
_OTHER_CODE: Final = {"accounts": "F106", "listings": "20", "debts": "99", "authorisations": "20", "repayments": "99"}
_BIG_LINE: Final = 3


def spoil(
    exchange: Exchange, clean: bytes, options: dict[str, Any], *, seed: int, name: str, earlier: bytes | None
) -> bytes | None:
    """Return the spoilt file, the same for the same seed; None when this corruption cannot be had from this file."""
    eol = b"\r\n" if clean.endswith(b"\r\n") else b"\n"
    records = [
        clean[at : at + exchange.result.length] for at in range(0, len(clean), exchange.result.length + len(eol))
    ]
    random = Random(sha256(f"{seed}|{name}|{options['how']}".encode()).hexdigest())  # noqa: S311 - reproducible faults
    wanted = options.get("record", 1)
    at = random.randrange(len(records)) if wanted == "any" else (int(wanted) - 1) % len(records)
    damage = Damage(exchange, records, eol, at, options, random, earlier)
    needs_good, spoiler = HOWS[options["how"]]
    if needs_good:
        good = damage.good()
        if not good:
            return None
        damage.at = good[0]
    spoilt = spoiler(damage)
    return None if spoilt == clean else spoilt


def _echo(d: Damage) -> bytes:
    return d.flip(d.options.get("field") or _ECHO[d.exchange.kind])


def _truncate(d: Damage) -> bytes:
    whole = d.whole()
    return whole[: -int(d.options.get("bytes", d.exchange.result.length // 2))]


def _double(d: Damage) -> bytes:
    d.records.insert(d.at, d.records[d.at])
    return d.whole()


def _missing(d: Damage) -> bytes:
    del d.records[d.at]
    return d.whole()


def _unknown(d: Damage) -> bytes:
    """One record more, about a key that was never sent."""
    d.records.insert(d.at, d.records[d.at])
    return d.put(d.exchange.key, b"ZZ" + d.get(d.exchange.key).rstrip(b" ")[2:] + b"ZZ")


def _account(d: Damage) -> bytes:
    return d.flip("CARDNBR")  # the last digit is the Luhn digit


def _account_prefix(d: Damage) -> bytes:
    body = "622888" + d.get("CARDNBR").decode("ascii")[6:18]
    return d.put("CARDNBR", (body + luhn_digit(body)).encode())


def _account_short(d: Damage) -> bytes:
    body = d.get("CARDNBR").decode("ascii")[:17]
    return d.put("CARDNBR", (body + luhn_digit(body)).encode())


def _account_blank(d: Damage) -> bytes:
    return d.put("CARDNBR", b"")


def _twice(field: str) -> Callable[[Damage], bytes | None]:
    """Give the record meant the value of another good record."""

    def spoiler(d: Damage) -> bytes | None:
        others = [at for at in d.good() if d.get(field, at) != d.get(field)]
        return d.put(field, d.get(field, others[0])) if others and d.get(field).strip() else None

    return spoiler


def _code(d: Damage) -> bytes:
    """Refuse where the books hold a success. `code` for accounts: flag and error code, as `F106`."""
    code = str(d.options.get("code") or _OTHER_CODE[d.exchange.kind]).encode()
    if d.exchange.kind != "accounts":
        return d.put("RSPCODE", code)
    d.put("FLAG", code[:1])
    d.put("CARDNBR", b"")
    return d.put("ERRCODE", code[1:])


def _code22(d: Damage) -> bytes | None:
    return d.put("RSPCODE", b"22") if d.exchange.kind == "listings" else None


def _blank_code(d: Damage) -> bytes:
    return d.put(d.exchange.code, b"")


def _blank_authcode(d: Damage) -> bytes | None:
    return d.put("AUTHCODE", b"") if d.exchange.kind == "debts" else None


def _authcode_twice(d: Damage) -> bytes | None:
    return _twice("AUTHCODE")(d) if d.exchange.kind == "debts" else None


def _header(d: Damage) -> bytes:
    """Another batch's header; account files have none: the record says company for person, or the other way round."""
    return _acctype(d) or d.flip(d.options.get("field") or "BATCH")


def _acctype(d: Damage) -> bytes | None:
    if d.exchange.kind != "accounts":
        return None
    return d.put("ACCTYPE", b"1" if d.get("ACCTYPE") == b"0" else b"0")


def _encoding(d: Damage) -> bytes:
    """Half a GBK character at the edge of a text field."""
    field = d.options.get("field") or _TEXT[d.exchange.kind]
    return d.put(field, d.get(field)[:-1] + bytes([GBK_LEAD]))


def _nul(d: Damage) -> bytes:
    field = d.options.get("field") or _TEXT[d.exchange.kind]
    return d.put(field, d.get(field)[:-1] + b"\0")


def _bom(d: Damage) -> bytes:
    return b"\xef\xbb\xbf" + d.whole()


def _lone_cr(d: Damage) -> bytes:
    """End the record meant with CR alone."""
    head = b"".join(record + d.eol for record in d.records[: d.at])
    tail = b"".join(record + d.eol for record in d.records[d.at + 1 :])
    return head + d.records[d.at] + b"\r" + tail


def _mixed_eol(d: Damage) -> bytes | None:
    """End the last record as the others do not."""
    if len(d.records) == 1:
        return None
    other = b"\n" if d.eol == b"\r\n" else b"\r\n"
    return d.whole()[: -len(d.eol)] + other


def _fullwidth(d: Damage) -> bytes:
    """Put a full-width digit into a numeric field, two bytes wide, so that the record's length stays."""
    field = d.options.get("field") or _ECHO[d.exchange.kind]
    return d.put(field, "０".encode("gbk") + d.get(field)[2:])


def _longer(d: Damage) -> bytes:
    d.records[d.at] += b" " * _BIG_LINE
    return d.whole()


def _empty(_d: Damage) -> bytes:
    return b""


def _reorder(d: Damage) -> bytes:
    """Harmless by rule: every row is there, in another order."""
    d.random.shuffle(d.records)
    return d.whole()


def _replay(d: Damage) -> bytes | None:
    """Give an older answer of the same kind under this name."""
    return d.earlier


HOWS: Final[dict[str, tuple[bool, Callable[[Damage], bytes | None]]]] = {
    "echo": (True, _echo),
    "truncate": (False, _truncate),
    "double": (False, _double),
    "missing": (False, _missing),
    "unknown": (False, _unknown),
    "account": (True, _account),
    "account_prefix": (True, _account_prefix),
    "account_short": (True, _account_short),
    "account_blank": (True, _account_blank),
    "account_twice": (True, _twice("CARDNBR")),
    "code": (True, _code),
    "code22": (True, _code22),
    "blank_code": (False, _blank_code),
    "blank_authcode": (True, _blank_authcode),
    "authcode_twice": (True, _authcode_twice),
    "header": (False, _header),
    "acctype": (False, _acctype),
    "encoding": (False, _encoding),
    "nul": (False, _nul),
    "bom": (False, _bom),
    "lone_cr": (False, _lone_cr),
    "mixed_eol": (False, _mixed_eol),
    "fullwidth": (False, _fullwidth),
    "longer": (False, _longer),
    "empty": (False, _empty),
    "reorder": (False, _reorder),
    "replay": (False, _replay),
}
"""How -> whether it needs a record with a good answer, and the spoiler (None: not to be had from this file)."""
