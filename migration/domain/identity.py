"""Who somebody is: ID numbers (证件号码), names and mobile phones, normalised and validated by the column.

Whole columns go in, whole columns and masks come out; Arrow does the regular part, only what is irregular goes through
Python. Nothing here ever changes a name: names are sent as stored or not at all.

Source: domain.md "Merging identities", hazards H3, H4, H7, H8; bank-interface.md section 9 (APPZX).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain.checksums import with_check_character
from migration.domain.columns import Mask, flat, mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ID_CARDS: Final = ("id_card", "id_card_15")
CHUNK: Final = 65_536  # rows that become Python objects at a time

_HALF_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_PHONE: Final = r"^1[3-9][0-9]{9}$"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


# --- ID numbers


def half_width(text: str) -> str:
    """Turn full-width ASCII (全角) into half-width (半角)."""
    return text.translate(_HALF_WIDTH)


def normalise_id(number: str | None, id_type: str | None) -> str | None:
    """Give the form in which ID numbers are compared and sent; None for NULL and for nothing but blanks.

    Whitespace goes, full-width becomes half-width, x becomes X; an ID card of 15 digits gets its 18 (H3, H4).
    """
    if number is None:
        return None
    plain = "".join(half_width(number).split()).replace("x", "X")
    if id_type in ID_CARDS and re.fullmatch("[0-9]{15}", plain):
        return with_check_character(f"{plain[:6]}19{plain[6:]}")
    return plain or None


def normalise_ids(numbers: pa.Array, id_types: pa.Array) -> pa.Array:
    """`normalise_id` over columns."""
    irregular = ~_matches(numbers, "^([0-9A-Z]{1,14}|[0-9A-Z]{16,})$", null=True)
    at = pa.array(np.flatnonzero(irregular))
    pairs = zip(numbers.take(at).to_pylist(), id_types.take(at).to_pylist(), strict=True)
    return _replace(numbers, irregular, [normalise_id(number, id_type) for number, id_type in pairs])


# --- names and other texts


def fold_name(name: str) -> str:
    """Give the form in which names are compared, never sent: NFC, no spaces, half-width. Nothing else is folded."""
    return "".join(half_width(unicodedata.normalize("NFC", name)).split())


def unencodable(texts: pa.Array, encoding: str, limit: int) -> Mask:
    """Texts that the file's encoding cannot carry, or that are longer than `limit` bytes (H7, H8)."""

    def lost(text: str) -> bool:
        try:
            return len(text.encode(encoding)) > limit
        except UnicodeEncodeError:
            return True

    return _test(texts, _common(encoding, limit), lost, null=False)


def malformed(texts: pa.Array, encoding: str, limit: int) -> Mask:
    """Texts that could not come back as they were sent: NULL, blank, a trailing space, control characters, not NFC."""

    def bad(text: str) -> bool:
        return (
            not text.strip()
            or text.endswith(" ")
            or bool(_CONTROL.search(text))
            or not unicodedata.is_normalized("NFC", text)
        )

    return _test(texts, _common(encoding, limit), bad, null=True)


def outside_gb2312(texts: pa.Array) -> Mask:
    """Texts with a character outside GB2312; NULL is not."""

    def outside(text: str) -> bool:
        try:
            text.encode("gb2312")
        except UnicodeEncodeError:
            return True
        return False

    return _test(texts, "^[ -~]*$", outside, null=False)


def carried_emails(emails: pa.Array, encoding: str, limit: int) -> tuple[pa.Array, Mask]:
    """Keep the addresses that fit the file; also where one was dropped. Blank ones are NULL, not dropped."""
    nothing = pa.scalar(None, pa.string())
    stated = pc.if_else(pc.equal(pc.utf8_trim_whitespace(emails), ""), nothing, emails)

    def unfit(text: str) -> bool:
        try:
            return len(text.encode(encoding)) > limit or bool(_CONTROL.search(text))
        except UnicodeEncodeError:
            return True

    dropped = _test(stated, f"^[!-~]{{1,{limit}}}$", unfit, null=False)
    return pc.if_else(pa.array(dropped), nothing, stated), dropped


def valid_user_ids(ids: pa.Array, limit: int) -> Mask:
    """Printable ASCII, 1 to `limit` characters, no space at either end (padding would eat it)."""
    return _matches(ids, "^[!-~]([ -~]*[!-~])?$") & _matches(ids, f"^.{{1,{limit}}}$")


# --- phones


def normalise_phone(phone: str) -> str:
    """Strip all whitespace, then a leading +86 or 0086."""
    plain = "".join(phone.split())
    for prefix in ("+86", "0086"):
        if plain.startswith(prefix):
            return plain[len(prefix) :]
    return plain


def normalise_phones(phones: pa.Array) -> pa.Array:
    """`normalise_phone` over a column."""
    irregular = ~_matches(phones, _PHONE, null=True)
    fixed = [normalise_phone(phone) for phone in phones.filter(pa.array(irregular)).to_pylist()]
    return _replace(phones, irregular, fixed)


def valid_phones(phones: pa.Array) -> Mask:
    """Mainland mobile numbers: 11 ASCII digits, 13 to 19 in front."""
    return _matches(phones, _PHONE)


# --- tools


def _matches(column: pa.Array, pattern: str, *, null: bool = False) -> Mask:
    return mask(pc.fill_null(pc.match_substring_regex(column, pattern), null))


def _replace(column: pa.Array, where: Mask, values: Sequence[str | None]) -> pa.Array:
    return flat(pc.replace_with_mask(column, pa.array(where), pa.array(values, pa.string())))


def _common(encoding: str, limit: int) -> str:
    """Pattern of texts that are certainly fine. GBK has the whole first block of CJK, two bytes a character."""
    if encoding.lower() == "gbk":
        return f"^[\\x{{4E00}}-\\x{{9FA5}}0-9A-Za-z]{{1,{limit // 2}}}$"
    return f"^[0-9A-Za-z]{{1,{limit}}}$"


def _test(texts: pa.Array, fine: str, bad: Callable[[str], bool], *, null: bool) -> Mask:
    """Ask `bad` of the texts that the pattern `fine` does not settle; `null` is the answer for NULL."""
    found = mask(pc.is_null(texts)) & null
    unsettled = np.flatnonzero(~_matches(texts, fine, null=True))
    for start in range(0, len(unsettled), CHUNK):
        rows = unsettled[start : start + CHUNK]
        found[rows] = [bad(text) for text in texts.take(pa.array(rows)).to_pylist()]
    return found
