"""How the verifier reads a bank's files: one independent reader a bank, found by the profile's name.

A reader turns bytes into the columns below, in the verifier's own words, whatever the bank calls them. It is written from the
bank's document, a second time, and shares no code with the profile that makes the files (docs/bank-adapter.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Final, Literal, Protocol, cast

import pyarrow as pa

GROUP: Final = "cutover.readers"
"""Entry points of readers that come with another package: name of the profile = module:what makes the reader."""

EXCHANGE_OF: Final = {
    "person": "accounts",
    "company": "accounts",
    "listing": "listings",
    "debt": "debts",
    "authorisation": "authorisations",
}
"""Kind of a batch -> which columns its files have."""

NUMBERS: Final = frozenset({"amount", "term", "yield"})
"""Whole numbers (fen; days; percent a year times 100,000); everything else is text, dates as YYYYMMDD, blank as ''."""

_TEXT: Final = {
    "accounts": (
        "id_no id_type name sex phone acctype email key card_type corporate",
        "account id_no id_type flag code name acctype key phone",
    ),
    "listings": (
        "bank header account key title amount int_type int_day term yield guarantor nominal nominal_yn payee entrust_yn",
        "bank header account key title name amount term guarantor nominal payee code",
    ),
    "debts": (
        "bank header account issuer serial mark key amount bought value int_type int_day end_date yield currency listing",
        "bank header account issuer serial key amount name code authcode listing",
    ),
    "authorisations": (
        "bank header account issuer type serial granted",
        "bank header account issuer type serial granted code",
    ),
}
COLUMNS: Final = {
    exchange: (tuple(request.split()), tuple(result.split())) for exchange, (request, result) in _TEXT.items()
}
"""Exchange -> columns of a request's records, of a result's.

`header`: the batch number in the record. `flag`: S opened, the owner has to activate it; N the same person's, in use already;
F refused. `code`: 00 done, 22 outcome unknown, any other refused. `id_type`: 01 ID card, 25 uniform credit code, 20 organisation
code. `acctype`: 0 person, 1 company. `card_type`: 2. `int_type`: 0 at maturity, 1 on day `int_day`, 2 on no fixed day.
`type`: 1 automatic bids, 2 automatic assignments. `currency`: 156. `serial` is `mark` and `key` in one.
"""

Spoil = Literal["amount_moved", "name_padded", "end_shifted"]
"""What is planted into one record of a request: the last digits of the amount over its border, so that it is another
amount; a blank before the name; the maturity another day."""

Columns = Mapping[str, pa.Array]


class Reader(Protocol):
    """One bank's files, read by the letter of its document."""

    @property
    def bank(self) -> str:
        """What stands in `bank` of every record."""
        ...

    @property
    def mark(self) -> str:
        """The form of `mark`, as a regular expression."""
        ...

    def records(self, exchange: str, content: bytes, *, answer: bool) -> tuple[Columns, int] | None:
        """COLUMNS of a request (a result), and how many records; None for bytes that are no whole records."""
        ...

    def reply(self, line: bytes) -> dict[str, Any]:
        """A recorded message about an item: id, state S | P | N, account, amount, authcode, code.

        ValueError, KeyError or TypeError for one that cannot be read.
        """
        ...

    def spoilt(self, how: Spoil, content: bytes, record: int) -> bytes:
        """A request with record number `record` (from 1) spoilt; of the same number of records."""
        ...


def named(profile: str) -> Reader:
    """The reader for the files of a bank profile. LookupError when there is none."""
    from migration.verification.jx import JxReader  # noqa: PLC0415 - it is built on the words above

    if profile == "jx":
        return JxReader()
    found = tuple(entry_points(group=GROUP, name=profile))
    if len(found) != 1:
        raise LookupError(f"{len(found)} readers for the files of bank profile {profile}")
    return cast("Callable[[], Reader]", found[0].load())()
