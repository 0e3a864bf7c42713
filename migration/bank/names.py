"""File names: how they are built (bank-interface.md section 1) and which are taken at all (reliability.md R10)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from migration.domain.errors import ConfigurationError, GateClosed
from migration.domain.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FILE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "person": ("{bank}-APPZX{product}-{batch}-{day}", "{bank}-APPZX{product}RES-{batch}-{day}"),
    "company": ("{bank}-APPZX{product}-{batch}-{day}", "{bank}-APPZX{product}RES-{batch}-{day}"),
    "listing": ("{bank}-BIDIN-{institution}-{batch}-{day}", "{bank}-BIDINRESP-{institution}-{batch}-{day}"),
    "debt": ("{bank}-BID-{batch}-{day}", "{bank}-BIDRESP-{batch}-{day}"),
    "authorisation": ("{bank}-{issuer}-SIGTRAN-{batch}-{day}", "{bank}-{issuer}-SIGRES-{batch}-{day}"),
}
"""Batch kind -> request and result name. BIDINRESP is our convention: the sources name no result of BIDIN."""

_ALLOWED: Final = re.compile(r"[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{1,20}){1,4}-([0-9]{8})", re.ASCII)


def day(business_date: date) -> str:
    """Write a date as the bank does: YYYYMMDD."""
    return business_date.isoformat().replace("-", "")


def parts(business_date: date) -> tuple[str, str, str]:
    """Return the folders of a business date: YYYY, MM, DD."""
    text = day(business_date)
    return text[:4], text[4:6], text[6:]


def allowed(name: str, business_date: date | None) -> str:
    """Return the name if it is on the allow-list and carries the business date (any, when None); else GateClosed.

    Letters, digits and hyphens only: no separator, dot or blank can pass. The name itself is not repeated in the
    message, since a refused one may hold anything.
    """
    match = _ALLOWED.fullmatch(name)
    if match is None:
        raise GateClosed(Finding("FILE_NAME", "file name", "is not of the form the bank's files have"))
    if business_date is not None and match[1] != day(business_date):
        raise GateClosed(Finding("FILE_NAME", name, f"does not carry the business date {business_date.isoformat()}"))
    return name


def parameter(key: str, value: str, pattern: str) -> str:
    """Return a profile parameter that matches; ConfigurationError(CONFIG_VALUE) otherwise."""
    if re.fullmatch(pattern, value, re.ASCII) is None:
        raise ConfigurationError(Finding("CONFIG_VALUE", f"bank.{key}", f"must match {pattern}"))
    return value
