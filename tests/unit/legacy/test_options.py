"""Formats and value maps: how another platform's columns are written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from migration.domain.errors import ConfigurationError
from migration.legacy.options import Options, options
from migration.legacy.reading import EntityReader
from tests.contract.platforms import row


def one(entity: str, column: str, value: object, how: str = "", codes: dict[str, str] | None = None) -> Any:
    """A cell as it reads, or the code it is refused with."""
    given = Options(values={entity: {column: codes}} if codes else {}, formats={entity: {column: how}} if how else {})
    reader = EntityReader(entity, "yuan", given)
    reader.add({name: [cell] for name, cell in row(entity, **{column: value}).items()}, 1)
    found = reader.finish()
    cell = found.table[column][0].as_py()
    codes_found = [issue["code"] for issue in found.issues.to_pylist() if issue["column"] == column]
    return codes_found[0] if codes_found else cell


@pytest.mark.parametrize(
    ("how", "value", "expected"),
    [
        ("unix_s", 1506787200, datetime(2017, 10, 1)),  # 2017-09-30 16:00 UTC
        ("unix_s", "0", datetime(1970, 1, 1, 8)),
        ("unix_s", "1506787200.5", "DATE_INVALID"),
        ("unix_s", "-86400", datetime(1969, 12, 31, 8)),
        ("unix_s", 10**15 - 1, "DATE_INVALID"),
        ("unix_ms", 1506787200123, datetime(2017, 10, 1, 0, 0, 0, 123000)),
        ("compact", "20171001", datetime(2017, 10, 1)),
        ("compact", "20171001235958", datetime(2017, 10, 1, 23, 59, 58)),
        ("compact", "20170230", "DATE_INVALID"),
        ("compact", "2017-10-01", "DATE_INVALID"),
        ("utc", "2017-09-30 16:30:00", datetime(2017, 10, 1, 0, 30)),
        ("utc", "2017-09-30T16:30:00+08:00", datetime(2017, 9, 30, 16, 30)),
        ("utc", "2017-09-30", datetime(2017, 9, 30, 8)),
        ("local", "2017-09-30 16:30:00", datetime(2017, 9, 30, 16, 30)),
        ("local", 1506787200, "DATE_INVALID"),
    ],
)
def test_instants(how, value, expected):
    assert one("users", "registered_at", value, how) == expected


def test_a_unix_time_is_the_day_that_the_customer_saw():
    assert one("debts", "acquired_on", 1506787199, "unix_s") == date(2017, 9, 30)
    assert one("debts", "acquired_on", 1506787200, "unix_s") == date(2017, 10, 1)


@pytest.mark.parametrize(
    ("how", "value", "expected"),
    [
        ("fraction", "0.125", "12.5"),
        ("fraction", "0.12", "12"),
        ("fraction", "1", "100"),
        ("fraction", "0.123456", "12.3456"),
        ("basis_points", "1250", "12.5"),
        ("basis_points", "5", "0.05"),
        ("basis_points", "1250.5", "12.505"),
        ("percent", "012.50", "12.5"),
        ("fraction", "-0.1", "VALUE_INVALID"),
        ("fraction", "1e-1", "VALUE_INVALID"),
        ("basis_points", "", "VALUE_NULL"),
    ],
)
def test_rates(how, value, expected):
    assert one("listings", "annual_rate", value, how) == expected


@pytest.mark.parametrize(
    ("how", "value", "expected"),
    [("fen", "1250", 1250), ("yuan", "12.50", 1250), ("fen", "12.5", "MONEY_DECIMALS"), ("yuan", "1250", 125000)],
)
def test_the_unit_of_one_column(how, value, expected):
    assert one("debts", "principal", value, how) == expected


def test_text_stored_under_the_wrong_character_set():
    utf8 = "欧阳·阿œ™".encode().decode("cp1252", errors="ignore")
    assert one("users", "name", "张三".encode().decode("latin-1"), "utf8_in_latin1") == "张三"
    assert (
        one("users", "name", "å¼ ä¸‰".replace("¼ ", "¼\u00a0"), "utf8_in_latin1") == "张三"
    )  # cp1252, as MySQL has it
    assert one("users", "name", "张三".encode("gbk").decode("latin-1"), "gbk_in_latin1") == "张三"
    assert one("users", "name", "plain", "utf8_in_latin1") == "plain"
    assert one("users", "name", "é", "utf8_in_latin1") == "VALUE_INVALID"
    assert one("users", "name", "张三", "utf8_in_latin1") == "VALUE_INVALID"
    assert utf8


def test_codes():
    codes = {"1": "person", "2": "company", "": "platform"}
    assert one("users", "kind", 1, codes=codes) == "person"
    assert one("users", "kind", None, codes=codes) == "platform"
    assert one("users", "kind", "person", codes=codes) == "person"
    assert one("users", "kind", 3, codes=codes) == "VALUE_NOT_ALLOWED"
    assert one("users", "kind", "１", codes=codes) == "VALUE_NOT_ALLOWED"
    assert one("users", "sex", True, codes={"true": "M", "false": "F"}) == "M"
    assert one("users", "verified_at", "0", "unix_s", {"0": ""}) is None
    assert one("users", "last_active_at", "0000-00-00 00:00:00", codes={"0000-00-00 00:00:00": ""}) is None


def test_zero_fill_comes_after_the_map():
    assert one("listings", "guarantor_id", 7, "zerofill:8") == "00000007"
    assert one("listings", "guarantor_id", 0, "zerofill:8", {"0": ""}) is None
    assert one("listings", "guarantor_id", "123456789", "zerofill:8") == "123456789"


@pytest.mark.parametrize("wrong", ["unix_s", "zerofill", "zerofill:0", "zerofill:x", "zerofill:99", "fen", "utf8:3"])
def test_a_format_that_the_column_cannot_have(wrong):
    with pytest.raises(ConfigurationError, match=r"^CONFIG_VALUE legacy\.formats\.users\.name: ") as caught:
        options("yuan", {}, {"users": {"name": wrong}})
    assert caught.value.exit_code == 2
