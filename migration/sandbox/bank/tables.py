"""Field tables of the custody bank's files, written down from bank-interface.md sections 2 to 5.

Widths are GBK bytes. Deliberately a copy of its own: were the bank and the product to share one table, a misreading
in it would go unseen by both.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, bytes]
"""Field name -> its raw bytes, padding included."""


@dataclass(frozen=True)
class Layout:
    """One record type: `fields` are (name, width in bytes) in order; their sum must be `length`."""

    name: str
    length: int
    fields: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        """Refuse a table whose widths do not add up."""
        if sum(width for _, width in self.fields) != self.length:
            raise ValueError(f"{self.name}: widths do not add up to {self.length}")

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in order."""
        return tuple(name for name, _ in self.fields)

    def place(self, field: str) -> slice:
        """Where a field lies in a record."""
        start = 0
        for name, width in self.fields:
            if name == field:
                return slice(start, start + width)
            start += width
        raise KeyError(f"{self.name} has no field {field}")

    def rows(self, content: bytes, eol: bytes) -> Iterator[Row]:
        """Cut a file of whole records, each ended by `eol`, into rows."""
        names = self.names
        cut = Struct("".join(f"{width}s" for _, width in self.fields) + f"{len(eol)}x")
        for values in cut.iter_unpack(content):
            yield dict(zip(names, values, strict=True))

    def record(self, row: Row) -> bytes:
        """Join a row to a record: fields missing from `row` are blank, short ones padded right with blanks.

        ValueError when a value is wider than its field.
        """
        record = b"".join(row.get(name, b"").ljust(width) for name, width in self.fields)
        if len(record) != self.length:
            raise ValueError(f"{self.name}: a value is wider than its field")
        return record


@dataclass(frozen=True)
class Exchange:
    """A request and its result. `key` joins them; `code` and `success` tell which answers are good."""

    kind: str
    request: Layout
    result: Layout
    key: str
    code: str
    success: bytes


APPZX: Final = Exchange(
    "accounts",
    Layout(
        "APPZX",
        433,
        (
            ("IDNO", 18),
            ("IDTYPE", 2),
            ("NAME", 60),
            ("GEN", 1),
            ("MOPHONE", 12),
            ("ACCTYPE", 1),
            ("EMAIL", 40),
            ("APPID", 60),
            ("BUSID", 9),
            ("TAXID", 30),
            ("ADNO", 20),
            ("ACC-TYPE", 1),
            ("FUCOMCODE", 2),
            ("INFO", 100),
            ("CACCOUNT", 42),
            ("BUSID1", 18),
            ("REVERS", 17),
        ),
    ),
    Layout(
        "APPZXRES",
        364,
        (
            ("CARDNBR", 19),
            ("IDNO", 18),
            ("IDTYPE", 2),
            ("FLAG", 1),
            ("ERRCODE", 3),
            ("NAME", 60),
            ("ACCTYPE", 1),
            ("APPID", 60),
            ("MOPHONE", 12),
            ("INFO", 100),
            ("REVERS", 88),
        ),
    ),
    key="APPID",
    code="FLAG",
    success=b"S",
)

BIDIN: Final = Exchange(
    "listings",
    Layout(
        "BIDIN",
        416,
        (
            ("BANK", 4),
            ("BATCH", 6),
            ("BIDNBR", 40),
            ("BID-DESC", 60),
            ("CARDNBR", 19),
            ("AMOUNT", 13),
            ("INTTYPE", 1),
            ("INTPAYDAY", 2),
            ("LOANTERM", 4),
            ("YIELD", 8),
            ("CARDNBR-SU", 19),
            ("CARDNBR-MY", 19),
            ("MBORROW-YN", 1),
            ("CARDNBR-PE", 19),
            ("ENTRUST-YN", 1),
            ("RESERVED", 100),
            ("TRDRESV", 100),
        ),
    ),
    Layout(
        "BIDINRESP",
        473,
        (
            ("BANK", 4),
            ("BATCH", 6),
            ("BIDNBR", 40),
            ("BID-DESC", 60),
            ("CARDNBR", 19),
            ("NAME", 60),
            ("AMOUNT", 13),
            ("LOANTERM", 4),
            ("INPDATE", 8),
            ("CARDNBR-SU", 19),
            ("CARDNBR-MY", 19),
            ("CARDNBR-PE", 19),
            ("RSPCODE", 2),
            ("RESERVED", 100),
            ("TRDRESV", 100),
        ),
    ),
    key="BIDNBR",
    code="RSPCODE",
    success=b"00",
)

BID: Final = Exchange(
    "debts",
    Layout(
        "BID",
        230,
        (
            ("BANK", 4),
            ("BATCH", 6),
            ("CARDNBR", 19),
            ("FUISSUER", 4),
            ("PRODUCT", 6),
            ("SERI-NO", 40),
            ("AMOUNT", 13),
            ("BUYDATE", 8),
            ("INTDATE", 8),
            ("INTTYPE", 1),
            ("INTPAYDAY", 2),
            ("ENDDATE", 8),
            ("YIELD", 8),
            ("CURR", 3),
            ("BIDIF", 40),
            ("RESE", 60),
        ),
    ),
    Layout(
        "BIDRESP",
        282,
        (
            ("BANK", 4),
            ("BATCH", 6),
            ("CARDNBR", 19),
            ("FUISSUER", 4),
            ("PRODUCT", 6),
            ("SERI-NO", 40),
            ("AMOUNT", 13),
            ("NAME", 60),
            ("DEALDATE", 8),
            ("RSPCODE", 2),
            ("AUTHCODE", 20),
            ("BIDIF", 40),
            ("RESE", 60),
        ),
    ),
    key="SERI-NO",
    code="RSPCODE",
    success=b"00",
)

_SIG_HEAD: Final = (
    ("BANK", 4),
    ("BATCH", 6),
    ("CARDNBR", 19),
    ("FUISSUER", 4),
    ("SIG-TYPE", 1),
    ("SERI-NO", 40),
    ("SIG-DATE", 8),
    ("SIG-TIME", 6),
)
_SIG_TAIL: Final = (("RESERVED", 100), ("TRDRESV", 100))

SIGTRAN: Final = Exchange(
    "authorisations",
    Layout("SIGTRAN", 288, (*_SIG_HEAD, *_SIG_TAIL)),
    Layout("SIGRES", 290, (*_SIG_HEAD, ("RSPCODE", 2), *_SIG_TAIL)),
    key="SERI-NO",
    code="RSPCODE",
    success=b"00",
)

_REPAY_HEAD: Final = (
    ("BANK", 4),
    ("BATCH", 6),
    ("CARDNBR", 19),
    ("FORCARDNBR", 19),
    ("SERI-NO", 40),
    ("AMOUNT", 13),
    ("INTAMT", 13),
    ("AUTHCODE", 20),
    ("BIDIF", 40),
)

REPAY: Final = Exchange(
    "repayments",
    Layout("REPAY", 234, (*_REPAY_HEAD, ("RESE", 60))),
    Layout(
        "REPAYRESP",
        296,
        (*_REPAY_HEAD, ("RSPCODE", 2), ("LEFT", 13), ("BIDLEFT", 13), ("RECEIVED", 17), ("PAID", 17), ("RESE", 60)),
    ),
    key="SERI-NO",
    code="RSPCODE",
    success=b"00",
)
"""The settlement drill's repayments: a convention of this sandbox."""

EXCHANGES: Final = {exchange.kind: exchange for exchange in (APPZX, BIDIN, BID, SIGTRAN, REPAY)}
