"""Numbers that look real and check: ID numbers (GB 11643), credit codes (GB 32100), phones, cards. All invented.

Uniqueness comes from arithmetic, not from memory: an index is mapped through a bijection (multiplication by a number
coprime to the range), so two indices never share an ID or a phone.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from .mix import Ints

REGIONS = (
    110105,
    310104,
    440106,
    330102,
    320102,
    420106,
    510104,
    370102,
    610103,
    350102,
    210102,
    410105,
    430103,
    340102,
)
ABOLISHED_REGION = 310103
"""Luwan, merged into Huangpu in 2011: numbers issued there stay valid."""
_REGION_OF_X = 110108
_FIRST_BIRTH = date(1950, 1, 1)
_BIRTH_DAYS = 17_500  # up to the end of 1997: all of age at any business date from 2016 on
_SEQUENCES = 999
_ID_SPACE = len(REGIONS) * _BIRTH_DAYS * _SEQUENCES
_ID_STEP = 104_395_301  # prime and no factor of the space
_MOBILE_PREFIXES = (130, 131, 133, 135, 136, 137, 138, 139, 150, 151, 152, 155, 158, 159, 176, 177, 180, 185, 186, 189)
_MOBILE_SPACE = len(_MOBILE_PREFIXES) * 10**8
_MOBILE_STEP = 1_299_709 * 769
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_DAYS = [int((_FIRST_BIRTH + timedelta(days=n)).strftime("%Y%m%d")) for n in range(_BIRTH_DAYS)]


def id_with_check(first17: str) -> str:
    """An 18-digit ID number from its first 17 digits."""
    total = sum(int(d) * w for d, w in zip(first17, _ID_WEIGHTS, strict=True))
    return first17 + _ID_CHECKS[total % 11]


def id_numbers(index: Ints, seed: int) -> list[str]:
    """One distinct valid ID number an index; births 1950-1997."""
    n = (index * _ID_STEP + seed * 7_919) % _ID_SPACE
    region = np.array(REGIONS, dtype=np.int64)[n % len(REGIONS)]
    n //= len(REGIONS)
    day = np.array(_DAYS, dtype=np.int64)[n % _BIRTH_DAYS]
    first17 = region * 10**11 + day * 1000 + (n // _BIRTH_DAYS) + 1
    total = np.zeros_like(first17)
    for place, weight in enumerate(_ID_WEIGHTS):
        total += (first17 // 10 ** (16 - place)) % 10 * weight
    return [f"{head}{_ID_CHECKS[check]}" for head, check in zip(first17.tolist(), (total % 11).tolist(), strict=True)]


def with_birth(ordinal: int, born: date) -> str:
    """A valid number of somebody born on `born`; distinct for ordinals below 13,986."""
    region, sequence = REGIONS[ordinal % len(REGIONS)], ordinal // len(REGIONS) % _SEQUENCES + 1
    return id_with_check(f"{region}{born:%Y%m%d}{sequence:03d}")


def ending_in_x(id_no: str) -> str:
    """A number of the same birth date whose check character is X, in a region no other number uses."""
    sequence = int(id_no[14:17])
    return next(
        number
        for step in range(1000)
        if (number := id_with_check(f"{_REGION_OF_X}{id_no[6:14]}{(sequence + step) % 1000:03d}")).endswith("X")
    )


def fifteen(id_no: str) -> str:
    """The old 15-digit form of an 18-digit number of somebody born in the 1900s."""
    return id_no[:6] + id_no[8:17]


def spoiled(number: str) -> str:
    """The same number with its last character wrong."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")


def phones(index: Ints, seed: int) -> list[str]:
    """One distinct mainland mobile number an index."""
    n = (index * _MOBILE_STEP + seed * 104_729) % _MOBILE_SPACE
    prefix = np.array(_MOBILE_PREFIXES, dtype=np.int64)[n % len(_MOBILE_PREFIXES)]
    return [str(p) for p in (prefix * 10**8 + n // len(_MOBILE_PREFIXES)).tolist()]


def org_code(number: int) -> str:
    """A 9-character organisation code (GB 11714) from a number below 10**8."""
    head = f"{number % 10**8:08d}"
    check = 11 - sum(int(d) * w for d, w in zip(head, _ORG_WEIGHTS, strict=True)) % 11
    return head + {10: "X", 11: "0"}.get(check, str(check))


def credit_code(number: int) -> str:
    """A unified social credit code (GB 32100) from a number below 10**8."""
    head = f"91{REGIONS[number % len(REGIONS)]}{org_code(number)}"
    total = sum(_USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(head))
    return head + _USCC_ALPHABET[-total % 31]


def company_numbers(index: Ints, seed: int) -> list[int]:
    """One distinct number below 10**8 an index, for the two functions above."""
    return [int(n) for n in ((index * 15_485_863 + seed * 31) % 10**8).tolist()]


def cards(index: Ints) -> list[str]:
    """A 19-digit bank card number an index (no check digit: the legacy side never checked them)."""
    return [f"62170011{n:011d}" for n in ((index * 2_147_483_647) % 10**11).tolist()]
