"""Masking: what may be shown of personal data (domain.md, What compliance signs)."""

from __future__ import annotations

import re
from typing import Final

_LONG: Final = re.compile(r"(?!\d{4}-\d\d-\d\d(?!\d))(?<![\d\-])[0-9０-９][0-9０-９ \-]{4,}[0-9０-９Xx]")
"""Six characters and more of digits, blanks and hyphens between them; a date is left alone."""
_SHORT_ID, _PHONE = 7, 11


def id_number(text: str | None) -> str:
    """`110***********1233`: the first three and the last four."""
    if not text:
        return ""
    if len(text) <= _SHORT_ID:
        return "*" * len(text)
    return text[:3] + "*" * (len(text) - 7) + text[-4:]


def phone(text: str | None) -> str:
    """`138****5678`, of whatever form: blanks and prefixes go, the middle is hidden."""
    if not text:
        return ""
    plain = "".join(character for character in text if character.isalnum())[-_PHONE:]
    return f"{plain[:3]}****{plain[-4:]}" if len(plain) == _PHONE else "*" * len(plain)


def name(text: str | None, kind: str = "person") -> str:
    """Family name only (the first character); of a company the first two and the last two."""
    if not text:
        return ""
    if kind == "person" or len(text) < _SHORT_ID:
        return text[0] + "*" * (len(text) - 1)
    return f"{text[:2]}{'*' * (len(text) - 4)}{text[-2:]}"


def account(text: str | None) -> str:
    """The last four."""
    return f"****{text[-4:]}" if text else ""


def email(text: str | None) -> str:
    """Only that there is one."""
    return "***" if text else ""


def free(text: str | None) -> str:
    """Words of people (reasons): every long run of digits is masked, whoever typed it in."""
    return _LONG.sub(lambda found: id_number(re.sub(r"[ \-]", "", found.group())), text or "")
