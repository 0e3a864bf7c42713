"""Numbers the bank checks (ID cards, company codes, phones) and numbers it gives (accounts, authorisation codes)."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from migration.sandbox.bank.names import calendar_day

if TYPE_CHECKING:
    from datetime import date

ID_CARD: Final = b"01"
ID_CARD_15: Final = b"02"
ORGANISATION_CODE: Final = b"20"
CREDIT_CODE: Final = b"25"
PERSON_TYPES: Final = frozenset({ID_CARD, ID_CARD_15})
COMPANY_TYPES: Final = frozenset({ORGANISATION_CODE, CREDIT_CODE})
FULL_AGE: Final = 18

_CARD_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD_CHECKS: Final = "10X98765432"
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_PHONE: Final = re.compile(rb"1[3-9][0-9]{9}")


def card_check(first17: str) -> str:
    """Return the check character of an 18-digit ID card (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_CARD_WEIGHTS, first17, strict=True))
    return _CARD_CHECKS[total % 11]


def identity(id_type: bytes, id_no: bytes) -> str | None:
    """Return the one form under which the bank knows an ID; None when type or number is invalid.

    15-digit cards (15位身份证) are known by their 18-digit form, organisation codes without hyphen.
    """
    text = id_no.decode("ascii", "replace")
    if id_type == ID_CARD:
        return text if re.fullmatch(r"[0-9]{17}[0-9X]", text) and card_check(text[:17]) == text[17] else None
    if id_type == ID_CARD_15:
        longer = f"{text[:6]}19{text[6:]}"
        return longer + card_check(longer) if re.fullmatch(r"[0-9]{15}", text) else None
    if id_type == CREDIT_CODE:
        return text if _credit_code(text) else None
    if id_type == ORGANISATION_CODE:
        short = text.replace("-", "", 1) if re.fullmatch(r"[0-9A-Z]{8}-[0-9X]", text) else text
        return short if _organisation_code(short) else None
    return None


def _credit_code(text: str) -> bool:
    """Unified social credit code (统一社会信用代码), GB 32100."""
    if re.fullmatch(f"[{_CREDIT_ALPHABET}]{{18}}", text) is None:
        return False
    total = sum(w * _CREDIT_ALPHABET.index(c) for w, c in zip(_CREDIT_WEIGHTS, text, strict=False))
    return _CREDIT_ALPHABET[-total % 31] == text[17]


def _organisation_code(text: str) -> bool:
    """Organisation code (组织机构代码), GB 11714, without hyphen."""
    if re.fullmatch(r"[0-9A-Z]{8}[0-9X]", text) is None:
        return False
    total = sum(weight * int(char, 36) for weight, char in zip(_ORGANISATION_WEIGHTS, text, strict=False))
    return "0123456789X"[-total % 11] == text[8]


def birth_date(card: str) -> date | None:
    """Return the birth date in an 18-digit ID; None when there is no such day."""
    return calendar_day(card[6:14])


def sex_of(card: str) -> bytes:
    """GEN as the 17th digit has it: odd `1` male, even `2` female."""
    return b"1" if int(card[16]) % 2 else b"2"


def is_adult(birth: date, day: date) -> bool:
    """Whether somebody is 18 on `day`, by the exact date."""
    age = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    return age >= FULL_AGE


def is_mobile(phone: bytes) -> bool:
    """Whether this is a mainland mobile number of 11 digits."""
    return _PHONE.fullmatch(phone) is not None


def luhn_digit(body: str) -> str:
    """Return the Luhn check digit for a string of digits."""
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def account_number(prefix: str, origin: str) -> str:
    """Return a 19-digit account number: prefix, 12 digits from SHA-256 of `origin`, Luhn digit."""
    body = prefix + f"{int(sha256(origin.encode()).hexdigest(), 16) % 10**12:012d}"
    return body + luhn_digit(body)


def authcode(serial: str) -> str:
    """Return the authorisation code of a debt: `A` and 19 upper-case hex digits of SHA-256 of `authcode|<SERI-NO>`."""
    return "A" + sha256(f"authcode|{serial}".encode()).hexdigest()[:19].upper()
