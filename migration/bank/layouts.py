"""Record layouts of profile `jx` as data: bank-interface.md sections 2 to 6, widths in GBK bytes.

A layout is valid from its effective date on (the bank changed EVE and ALEVE on 2017-09-21). The published record
width stands beside the fields and must equal their sum: a slip in the table fails at import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

FieldKind = Literal["text", "ascii", "number", "date"]
"""text: GBK, left-aligned, space-padded. ascii: the same, printable ASCII only. number: right-aligned, zero-padded
digits. date: YYYYMMDD (blank allowed in results)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. `start` and `width` in bytes, from 0."""

    name: str
    kind: FieldKind
    start: int
    width: int

    @property
    def stop(self) -> int:
        """First byte after the field."""
        return self.start + self.width


@dataclass(frozen=True, slots=True)
class Layout:
    """One record type in one version. `width` in bytes, without the line ending."""

    name: str
    effective: date
    width: int
    fields: tuple[Field, ...]

    def __getitem__(self, name: str) -> Field:
        """Return the field of that name; KeyError when there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


def _layout(name: str, width: int, table: str, effective: date = date.min) -> Layout:
    """Read a field table (`NAME width kind`, kind x = ascii, g = GBK text, n = number, d = date; default x)."""
    kinds: dict[str, FieldKind] = {"x": "ascii", "g": "text", "n": "number", "d": "date"}
    fields: list[Field] = []
    start = 0
    for entry in table.split("·"):
        title, size, *kind = entry.split()
        fields.append(Field(title, kinds[kind[0] if kind else "x"], start, int(size)))
        start += int(size)
    if start != width or len({field.name for field in fields}) != len(fields):
        msg = f"layout {name}: fields sum to {start} bytes, published {width}"
        raise ValueError(msg)
    return Layout(name, effective, width, tuple(fields))


_CHANGED: Final = date(2017, 9, 21)

LAYOUTS: Final = (
    # section 2: batch account opening (批量开户)
    _layout(
        "APPZX",
        433,
        "IDNO 18 · IDTYPE 2 · NAME 60 g · GEN 1 · MOPHONE 12 · ACCTYPE 1 · EMAIL 40 g · APPID 60 · BUSID 9 g ·"
        "TAXID 30 g · ADNO 20 g · ACC-TYPE 1 · FUCOMCODE 2 · INFO 100 g · CACCOUNT 42 g · BUSID1 18 g · REVERS 17 g",
    ),
    _layout(
        "APPZXRES",
        364,
        "CARDNBR 19 · IDNO 18 · IDTYPE 2 · FLAG 1 · ERRCODE 3 · NAME 60 g · ACCTYPE 1 · APPID 60 · MOPHONE 12 ·"
        "INFO 100 g · REVERS 88 g",
    ),
    # section 3: listing registration (标的登记)
    _layout(
        "BIDIN",
        416,
        "BANK 4 · BATCH 6 · BIDNBR 40 · BID-DESC 60 g · CARDNBR 19 · AMOUNT 13 n · INTTYPE 1 · INTPAYDAY 2 ·"
        "LOANTERM 4 n · YIELD 8 n · CARDNBR-SU 19 · CARDNBR-MY 19 · MBORROW-YN 1 · CARDNBR-PE 19 · ENTRUST-YN 1 ·"
        "RESERVED 100 g · TRDRESV 100 g",
    ),
    _layout(
        "BIDINRESP",
        473,
        "BANK 4 · BATCH 6 · BIDNBR 40 · BID-DESC 60 g · CARDNBR 19 · NAME 60 g · AMOUNT 13 n · LOANTERM 4 n ·"
        "INPDATE 8 d · CARDNBR-SU 19 · CARDNBR-MY 19 · CARDNBR-PE 19 · RSPCODE 2 · RESERVED 100 g · TRDRESV 100 g",
    ),
    # section 4: debt registration (债权登记)
    _layout(
        "BID",
        230,
        "BANK 4 · BATCH 6 · CARDNBR 19 · FUISSUER 4 · PRODUCT 6 · SERI-NO 40 · AMOUNT 13 n · BUYDATE 8 d ·"
        "INTDATE 8 d · INTTYPE 1 · INTPAYDAY 2 · ENDDATE 8 d · YIELD 8 n · CURR 3 n · BIDIF 40 · RESE 60 g",
    ),
    _layout(
        "BIDRESP",
        282,
        "BANK 4 · BATCH 6 · CARDNBR 19 · FUISSUER 4 · PRODUCT 6 · SERI-NO 40 · AMOUNT 13 n · NAME 60 g ·"
        "DEALDATE 8 d · RSPCODE 2 · AUTHCODE 20 · BIDIF 40 · RESE 60 g",
    ),
    # section 5: authorisations (签约); off by default, kept as data
    _layout(
        "SIGTRAN",
        288,
        "BANK 4 · BATCH 6 · CARDNBR 19 · FUISSUER 4 · SIG-TYPE 1 · SERI-NO 40 · SIG-DATE 8 d · SIG-TIME 6 ·"
        "RESERVED 100 g · TRDRESV 100 g",
    ),
    _layout(
        "SIGRES",
        290,
        "BANK 4 · BATCH 6 · CARDNBR 19 · FUISSUER 4 · SIG-TYPE 1 · SERI-NO 40 · SIG-DATE 8 d · SIG-TIME 6 ·"
        "RSPCODE 2 · RESERVED 100 g · TRDRESV 100 g",
    ),
    # the settlement drill (清偿演练): fields of the query channel's batchRepay, as a file of our own convention
    _layout(
        "REPAY",
        234,
        "BANK 4 · BATCH 6 · CARDNBR 19 · FORCARDNBR 19 · SERI-NO 40 · AMOUNT 13 n · INTAMT 13 n · AUTHCODE 20 ·"
        "BIDIF 40 · RESE 60 g",
    ),
    _layout(
        "REPAYRESP",
        296,
        "BANK 4 · BATCH 6 · CARDNBR 19 · FORCARDNBR 19 · SERI-NO 40 · AMOUNT 13 n · INTAMT 13 n · AUTHCODE 20 ·"
        "BIDIF 40 · RSPCODE 2 · LEFT 13 n · BIDLEFT 13 n · RECEIVED 17 n · PAID 17 n · RESE 60 g",
    ),
    # section 6: daily reconciliation (日终对账)
    _layout(
        "EVE",
        139,
        "FORCODE 11 · SEQNO 6 · CENDT 10 · CARDNBR 19 · AMOUNT 12 n · CRFLAG 1 · MSGTYPE 4 · PROCCODE 6 ·"
        "ORDERNO 40 · TRANNO 6 · RESERVED 19 g · REVIND 1 · TRANSTYPE 4",
        _CHANGED,
    ),
    _layout(
        "ALEVE",
        371,
        "BANK 4 · CARDNBR 19 · AMOUNT 17 n · CUR 3 · CRFLAG 1 · VALDATE 8 d · INPDATE 8 d · RELDATE 8 d · INPTIME 8 ·"
        "TRANNO 6 · ORI_TRANNO 6 · TRANSTYPE 4 · DESLINE 42 g · CURR_BAL 17 n · FORCARDNBR 19 · REVIND 1 ·"
        "ACCCHG 1 · SEQNO 6 · ORI_NUM 6 · RESV 187 g",
        _CHANGED,
    ),
)
"""Every version of every record type."""


def layout(name: str, on: date) -> Layout:
    """Return the version of a record type in force on a business date; LookupError when none is."""
    versions = [version for version in LAYOUTS if version.name == name and version.effective <= on]
    if not versions:
        msg = f"no layout {name} is in force on {on.isoformat()}"
        raise LookupError(msg)
    return max(versions, key=lambda version: version.effective)
