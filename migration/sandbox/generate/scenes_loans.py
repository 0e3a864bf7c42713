"""Hand-written cases of listings (XL..) and debts (XL..D..). README of sample_data explains each."""

from __future__ import annotations

from .scene_kit import Scenes
from .scenes_people import LENDERS_OF_XL60

_THOUSAND = 100_000  # fen
_ONE = [("X0003", _THOUSAND)]
_TWO = [("X0003", _THOUSAND), ("X0004", 2 * _THOUSAND)]
REFERENCE_PRINCIPAL = (93309, 94476, 95657, 96853, 98063, 99289, 100530, 101787, 103059, 104347, 105652, 106978)
"""Equal instalments of 12,000 yuan at 15 % over 12 months, worked out by hand: 1,083.09 a month (domain.md)."""


def plant(s: Scenes) -> None:
    """All cases of loans."""
    _parties(s)
    _merged_parties(s)
    _status(s)
    _data(s)
    _time(s)
    _bank(s)
    _debts(s)
    _preflight(s)
    _methods(s)


def _parties(s: Scenes) -> None:
    s.listing("XL60", "X0001", [(lender, _THOUSAND) for lender in LENDERS_OF_XL60])
    s.person("X6101", "范借款")
    s.listing("XL61", "X6101", _TWO)
    s.person("X6201", "彭借款")
    s.listing("XL62", "X6201", _TWO, guarantor="X0005")
    s.person("X6301", "鲁借款", id_no="C00006301", id_type="permit", cash=7)
    s.listing("XL63", "X6301", _TWO)
    s.person("X6401", "韦担保", id_no="C00006401", id_type="permit")
    s.listing("XL64", "X0001", _ONE, guarantor="X6401")
    s.person("X6501", "昌收款", id_no="E10006501", id_type="passport")
    s.listing("XL65", "X0001", _ONE, payee="X6501")
    s.person("X6601", "马名义")
    s.person("X6602", "苗收款")
    s.listing("XL66", "X0001", _ONE, nominal="X6601", payee="X6602", guarantor="X0005")
    s.listing("XL48", "X4801", _ONE)
    s.listing("XL14", "X0001", _ONE, guarantor="X2001")


def _merged_parties(s: Scenes) -> None:
    s.listing("XL01", "X0001", [("X0101", 3 * _THOUSAND), ("X0102", 2 * _THOUSAND)])
    s.listing("XL02", "X0001", [("X0201", 5 * _THOUSAND), ("X0202", 1)])
    s.listing("XL09", "X0902", [("X0901", 50 * _THOUSAND), ("X0003", _THOUSAND)])
    s.listing("XL10", "X0002", [("X1001", 4 * _THOUSAND)], guarantor="X1002")


def _status(s: Scenes) -> None:
    for key, status in (("XL07", "raising"), ("XL08", "full"), ("XL10c", "cancelled")):
        s.listing(key, "X0001", [], status=status, amount=_THOUSAND, value="2017-11-20", maturity="2018-11-20")
    s.listing("XL09f", "X0002", _ONE, status="finished", value="2016-06-18", maturity="2017-06-18")
    s.debt("XL09fD2", "XL09f", "X0004", 2, interest=0)
    s.debt("XL08D1", "XL08", "X0003", 5 * _THOUSAND)


def _data(s: Scenes) -> None:
    s.listing("XL11", "X0001", _ONE, title="装修消费‧第一期")
    s.listing("XL12" + "0" * 37, "X0001", _ONE, debt_key="XL12")
    s.listing("XL13case", "X0001", _ONE)
    s.listing("XL13CASE", "X0001", _ONE)
    s.listing("XL19", "X0001", _ONE, rate="12.123456")
    s.listing("XL16", "X0002", [("X0003", 2_400_000_000), ("X0004", 100_000_000)], title="玥湾一期（堃记）")
    s.listing("XL31", "X0001", _TWO)
    s.rows["debts"][-1][3] = "1999.99"


def _time(s: Scenes) -> None:
    s.listing("XL20", "X0001", _TWO, status="repaying", value="2016-11-17", maturity="2017-11-17")
    s.listing("XL21", "X0001", _ONE, status="overdue")
    s.listing("XL22", "X0001", _ONE, value="2016-11-18", maturity="2017-11-18")


def _bank(s: Scenes) -> None:
    s.listing("XL17SP", "X0001", _TWO)
    s.listing("XL18QU", "X0001", _TWO)
    s.listing("XL32", "X0002", [*_TWO, ("X0006", 3 * _THOUSAND)])


def _debts(s: Scenes) -> None:
    s.listing("XL33", "X0001", _TWO, schedule=[(1, "2018-06-18", 3 * _THOUSAND, 36_123, 0, 0)])
    s.debt("XL33D3", "XL33", "X0006", 0, status="finished")
    s.debt("XL33D4", "XL33", "X0006", 0)
    s.debt("XL33D5", "XL33", "X0006", 0, interest=123)
    s.debt("XL33D6", "XL33", "X0006", 0, bonus=45)
    s.listing("XL34", "X0001", [("X2001", _THOUSAND), ("X0001", _THOUSAND), ("X0004", _THOUSAND)])
    s.listing("XL35", "X0001", [], amount=3 * _THOUSAND)
    s.debt("XL35D1", "XL35", "X0003", 125_000, bonus=999)
    s.debt("XL35D2", "XL35", "X0004", 175_000, acquired="2017-09-09", origin="assignment")


def _preflight(s: Scenes) -> None:
    s.listing("XL15", "X0001", _ONE, maturity="0000-00-00")
    s.rows["schedules"][-1][2] = "2018-06-18"
    s.listing("XL36", "X0001", [("X0003", _THOUSAND), ("XMISSING", _THOUSAND), ("X0004", _THOUSAND)])
    s.debt("XL37D1", "XLMISSING", "X0003", 6 * _THOUSAND)
    s.rows["debts"][-4][6] = "2017-02-30"  # XL36D1 acquired on a day that never was


def _methods(s: Scenes) -> None:
    rows = [(n, _month(n), p, 108_309 - p, p, 108_309 - p) for n, p in enumerate(REFERENCE_PRINCIPAL, start=1)]
    rows = [row if row[0] <= 3 else (*row[:4], 0, 0) for row in rows]  # noqa: PLR2004 - three were repaid
    left, interest = sum(REFERENCE_PRINCIPAL[3:]), sum(108_309 - p for p in REFERENCE_PRINCIPAL[3:])
    s.listing(
        "XL40", "X0001", [("X0003", left - 200_000, interest - 12_000), ("X0006", 200_000, 12_000)],
        method="equal_instalment", rate="15", day=18, value="2017-07-18", maturity="2018-07-18", amount=1_200_000,
        schedule=rows,
    )  # fmt: skip
    s.listing(
        "XL41", "X0001", [("X0003", 66_667, 999)], method="equal_principal", value="2017-10-17", maturity="2018-01-17",
        days=92, amount=_THOUSAND,
        schedule=[
            (1, "2017-11-17", 33_333, 1_000, 33_333, 1_000),
            (2, "2017-12-17", 33_333, 666, 0, 0),
            (3, "2018-01-17", 33_334, 333, 0, 0),
        ],
    )  # fmt: skip
    s.listing(
        "XL42", "X0002", [("X0004", _THOUSAND, 604)], method="interest_monthly", rate="7.25", day=5, value="2017-09-05",
        maturity="2017-12-05", days=91,
        schedule=[(1, "2017-10-05", 0, 604, 0, 604), (2, "2017-11-05", 0, 604, 0, 604), (3, "2017-12-05", _THOUSAND, 604, 0, 0)],
    )  # fmt: skip


def _month(n: int) -> str:
    """The 18th, n months after July 2017."""
    year, month = divmod(6 + n, 12)
    return f"{2017 + year}-{month + 1:02d}-18"
