"""EVE and ALEVE from bytes to entries: every line stands or is set aside, by its number and digest only."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from migration.bank.daily import CHUNK, JxDaily
from migration.domain.errors import ConfigurationError
from tests.unit.bank.samples import GOLDEN

DAY = date(2017, 11, 18)
FILES = JxDaily("0110")
EVE, ALEVE = ((GOLDEN / name).read_bytes() for name in FILES.names(DAY))


def test_the_golden_lines_field_by_field():
    (eve,), (aleve,) = (
        FILES.read(what, content, DAY)[0].to_pylist() for what, content in (("EVE", EVE), ("ALEVE", ALEVE))
    )
    assert eve == {
        "record": 1, "account": "6212460000000000016", "amount_fen": 10_050, "sign": "D", "tranno": "000009", "kind": "2616",
        "currency": None, "original": "W-1", "balance_fen": None, "reversal": True,
    }  # fmt: skip
    assert aleve == {
        "record": 1, "account": "6212460000000000016", "amount_fen": 10_050, "sign": "C", "tranno": "000001", "kind": "7820",
        "currency": "156", "original": None, "balance_fen": 20_100, "reversal": False,
    }  # fmt: skip


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_line_endings(ending):
    entries, wrong = FILES.read("EVE", EVE.rstrip(b"\n") + ending, DAY)
    assert (entries.num_rows, wrong.num_rows) == (1, 0)


def test_an_empty_file_is_a_day_without_entries():
    assert [table.num_rows for table in FILES.read("ALEVE", b"", DAY)] == [0, 0]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (EVE[:-2] + b"\n", "length"),
        (EVE[:-1] + b" \n", "length"),
        (b"\n", "length"),
        (EVE.replace(b"D0420", b"X0420"), "content"),
        (EVE.replace(b"000000010050", b"00000001005A"), "content"),
        (EVE.replace(b"6212460000000000016", b" " * 19), "content"),
        (EVE.replace(b"W-1", b"W\x81 "), "content"),
        (EVE.replace(b"W-1", b"W\x00 "), "content"),
    ],
)
def test_a_bad_line_is_set_aside_and_the_others_stand(line, why):
    entries, wrong = FILES.read("EVE", EVE + line + EVE, DAY)
    assert entries["record"].to_pylist() == [1, 3]
    body = line.rstrip(b"\n")
    assert wrong.to_pylist() == [
        {"record": 2, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "why": why}
    ]


def test_more_lines_than_a_block():
    entries, wrong = FILES.read("EVE", EVE * CHUNK + b"short\n" + EVE, DAY)
    assert entries.num_rows == CHUNK + 1
    assert wrong["record"].to_pylist() == [CHUNK + 1]
    assert entries["record"].to_pylist()[-1] == CHUNK + 2


def test_the_layout_before_the_change_is_not_guessed():
    assert FILES.names(date(2017, 9, 21))[0] == "3005-EVE0110-20170921"
    with pytest.raises(ConfigurationError, match="DAILY_LAYOUT"):
        FILES.read("ALEVE", ALEVE, date(2017, 9, 20))
