"""Every value a database may hand out, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.legacy.cells import cells, nothing
from migration.legacy.entities import COLUMNS, Column
from migration.legacy.parsing import Parsed, money, parse


def column(entity: str, name: str) -> Column:
    return next(c for c in COLUMNS[entity] if c.name == name)


def taken(parsed: Parsed) -> list[Any]:
    """Each cell's value, or the code it was refused with."""
    refused = {int(row): code for code, rows in parsed.faults.items() for row in rows}
    return [refused.get(i, value) for i, value in enumerate(parsed.values.to_pylist())]


def one(entity: str, name: str, value: object, unit: str = "yuan") -> Any:
    return taken(parse(cells([value]), column(entity, name), unit))[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100.50", 10_050),
        ("100.5", 10_050),
        ("100", 10_000),
        ("0", 0),
        ("-0.00", 0),
        ("007.10", 710),
        ("21474836.48", 2_147_483_648),
        ("100.500000", 10_050),
        (Decimal("100.50"), 10_050),
        (Decimal("1E+2"), 10_000),
        (100, 10_000),
        (b"3.10", 310),
        (None, "MONEY_NULL"),
        ("", "MONEY_NULL"),
        ("1.005", "MONEY_DECIMALS"),
        ("0.3000000000000000444", "MONEY_DECIMALS"),
        ("-1.00", "MONEY_NEGATIVE"),
        ("-0.001", "MONEY_NEGATIVE"),
        (1.5, "MONEY_FLOAT"),
        (2.0, "MONEY_FLOAT"),
        (float("nan"), "MONEY_NAN"),
        (float("inf"), "MONEY_NAN"),
        (Decimal("NaN"), "MONEY_NAN"),
        (Decimal("-Infinity"), "MONEY_NAN"),
        ("nan", "MONEY_NAN"),
        ("Infinity", "MONEY_NAN"),
        ("12,3", "MONEY_FORMAT"),
        ("１２", "MONEY_FORMAT"),
        ("1_000", "MONEY_FORMAT"),
        ("1e3", "MONEY_FORMAT"),
        (" 1.00", "MONEY_FORMAT"),
        ("1.00\n", "MONEY_FORMAT"),
        ("+1", "MONEY_FORMAT"),
        (".5", "MONEY_FORMAT"),
        ("5.", "MONEY_FORMAT"),
        ("12.3.4", "MONEY_FORMAT"),
        ("¥5.00", "MONEY_FORMAT"),
        (True, "MONEY_FORMAT"),
        (b"\xff\xfe", "MONEY_FORMAT"),
        (10**30, "MONEY_FORMAT"),
        ("9" * 17, "MONEY_FORMAT"),
    ],
)
def test_money_in_yuan(value: object, expected: object) -> None:
    assert one("debts", "principal", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(100, 100), ("100", 100), (Decimal("100.00"), 100), ("100.5", "MONEY_DECIMALS"), (100.0, "MONEY_FLOAT")],
)
def test_money_in_fen(value: object, expected: object) -> None:
    assert one("debts", "principal", value, "fen") == expected


@pytest.mark.parametrize(
    ("entity", "name"),
    [(entity, c.name) for entity, columns in COLUMNS.items() for c in columns if c.role == "money"],
)
def test_no_amount_may_be_absent_anywhere(entity: str, name: str) -> None:
    assert one(entity, name, None) == "MONEY_NULL"


@given(st.lists(st.integers(0, 10**17).map(lambda fen: (fen, f"{fen // 100}.{fen % 100:02}")), min_size=1))
@settings(max_examples=50, deadline=None)
def test_any_amount_of_yuan_comes_back_as_its_fen(amounts: list[tuple[int, str]]) -> None:
    text = cells([t for _, t in amounts])
    assert taken(money(text, 2)) == [fen for fen, _ in amounts]


@given(st.lists(st.one_of(st.text(max_size=8), st.from_regex(r"-?[0-9]{1,4}\.?[0-9]{0,4}", fullmatch=True))))
@settings(max_examples=200, deadline=None)
def test_money_agrees_with_a_plain_reading_of_the_rule(texts: list[str]) -> None:
    def plainly(text: str) -> object:
        whole, point, fraction = text.removeprefix("-").partition(".")
        digits = set("0123456789")
        if not text:
            return "MONEY_NULL"
        if not (whole and set(whole) <= digits and set(fraction) <= digits and bool(point) == bool(fraction)):
            return "MONEY_NAN" if text.lower().lstrip("+-") in {"nan", "inf", "infinity"} else "MONEY_FORMAT"
        if text.startswith("-") and Decimal(text) != 0:
            return "MONEY_NEGATIVE"
        return "MONEY_DECIMALS" if Decimal(text) * 100 % 1 else int(Decimal(text) * 100)

    assert taken(money(cells(texts), 2)) == [plainly(text) for text in texts]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2017-11-18", date(2017, 11, 18)),
        (date(2017, 11, 18), date(2017, 11, 18)),
        (datetime(2017, 11, 18, 23, 59), date(2017, 11, 18)),
        ("2017-11-18 00:00:00", date(2017, 11, 18)),
        ("2017-11-18T23:59:59.999999", date(2017, 11, 18)),
        ("2016-02-29", date(2016, 2, 29)),
        ("1900-01-01", date(1900, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        ("0001-01-01", date(1, 1, 1)),
        ("2017-02-29", "DATE_INVALID"),
        ("2017-02-30", "DATE_INVALID"),
        ("1900-02-29", "DATE_INVALID"),
        ("0000-00-00", "DATE_INVALID"),
        ("0000-00-00 00:00:00", "DATE_INVALID"),
        ("2017-13-01", "DATE_INVALID"),
        ("2017-00-10", "DATE_INVALID"),
        ("2017-10-00", "DATE_INVALID"),
        ("2017-11-18 24:00:00", "DATE_INVALID"),
        ("18.11.2017", "DATE_INVALID"),
        ("20171118", "DATE_INVALID"),
        ("２０１７-11-18", "DATE_INVALID"),
        ("2017-11-18 ", "DATE_INVALID"),
        ("infinity", "DATE_INVALID"),
        (20171118, "DATE_INVALID"),
        (b"\xff", "DATE_INVALID"),
        (None, "VALUE_NULL"),
        ("", "VALUE_NULL"),
    ],
)
def test_a_required_date(value: object, expected: object) -> None:
    assert one("debts", "acquired_on", value) == expected


@given(st.lists(st.dates(), min_size=1))
@settings(max_examples=50, deadline=None)
def test_every_date_there_is_can_be_read(days: list[date]) -> None:
    assert taken(parse(cells([d.isoformat() for d in days]), column("debts", "acquired_on"), "yuan")) == days


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2017-11-18 12:34:56", datetime(2017, 11, 18, 12, 34, 56)),
        ("2017-11-18T12:34", datetime(2017, 11, 18, 12, 34)),
        ("2017-11-18", datetime(2017, 11, 18)),
        ("2017-11-18 12:34:56.5", datetime(2017, 11, 18, 12, 34, 56, 500_000)),
        ("2017-11-18 12:34:56.123456789", datetime(2017, 11, 18, 12, 34, 56, 123_456)),
        ("1969-12-31 23:59:59.5", datetime(1969, 12, 31, 23, 59, 59, 500_000)),
        ("2017-11-18T20:00:00Z", datetime(2017, 11, 19, 4)),
        ("2017-11-18 20:00:00+08", datetime(2017, 11, 18, 20)),
        ("2017-11-18 20:00:00-0430", datetime(2017, 11, 19, 8, 30)),
        (datetime(2017, 11, 18, 20, tzinfo=UTC), datetime(2017, 11, 19, 4)),
        (datetime(2017, 11, 18, 20, tzinfo=timezone(timedelta(hours=8))), datetime(2017, 11, 18, 20)),
        ("2017-11-18 12:60:00", "DATE_INVALID"),
        ("now", "DATE_INVALID"),
        (None, None),
        ("", None),
    ],
)
def test_a_nullable_instant_is_local_time(value: object, expected: object) -> None:
    assert one("users", "verified_at", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.5", "12.5"),
        ("12.50000", "12.5"),
        (Decimal("12.50"), "12.5"),
        (12.5, "12.5"),
        (1e-05, "0.00001"),
        (12, "12"),
        ("012.500", "12.5"),
        ("0.00", "0"),
        ("12.1234567", "12.1234567"),
        ("-1", "VALUE_INVALID"),
        ("12%", "VALUE_INVALID"),
        ("1e1", "VALUE_INVALID"),
        ("１２", "VALUE_INVALID"),
        (float("nan"), "VALUE_INVALID"),
        (None, "VALUE_NULL"),
    ],
)
def test_a_rate_is_plain_text_the_same_from_every_database(value: object, expected: object) -> None:
    assert one("listings", "annual_rate", value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("term_days", 30, 30),
        ("term_days", "30", 30),
        ("term_days", Decimal("30.0"), 30),
        ("term_days", -3, -3),
        ("term_days", "30.5", "VALUE_INVALID"),
        ("term_days", "month", "VALUE_INVALID"),
        ("term_days", 10**30, "VALUE_INVALID"),
        ("term_days", None, "VALUE_NULL"),
        ("interest_day", 31, 31),
        ("interest_day", None, None),
        ("interest_day", "", None),
        ("interest_day", 0, "VALUE_INVALID"),
        ("interest_day", 32, "VALUE_INVALID"),
    ],
)
def test_numbers_of_a_listing_touch_only_their_item(name: str, value: object, expected: object) -> None:
    assert one("listings", name, value) == expected


def test_a_period_that_is_no_number_stops() -> None:
    assert one("schedules", "period", "2nd") == "NUMBER_FORMAT"
    assert one("schedules", "period", None) == "KEY_NULL"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kind", "person", "person"),
        ("kind", "Person", "VALUE_NOT_ALLOWED"),
        ("kind", None, "VALUE_NOT_ALLOWED"),
        ("status", "gone", "VALUE_NOT_ALLOWED"),
        ("id_type", None, "VALUE_NULL"),
        ("id_type", "", "VALUE_NULL"),
        ("id_type", "library_card", "VALUE_NOT_ALLOWED"),
        ("sex", None, None),
        ("sex", "男", "VALUE_INVALID"),
    ],
)
def test_words_of_an_enumeration(name: str, value: object, expected: object) -> None:
    assert one("users", name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", " 张 三 ", " 张 三 "),
        ("name", "a\x00b", "a\x00b"),
        ("name", "张三".encode(), "张三"),
        ("name", b"\xd5\xc5", "VALUE_INVALID"),
        ("name", "\ud800", "VALUE_INVALID"),
        ("name", None, "VALUE_NULL"),
        ("phone", 13800138000, "13800138000"),
        ("phone", 13800138000.0, "13800138000"),
        ("phone", Decimal("1.38E+10"), "13800000000"),
        ("email", "", None),
        ("user_id", None, "KEY_NULL"),
        ("user_id", "", "KEY_NULL"),
    ],
)
def test_text_is_taken_as_stored(name: str, value: object, expected: object) -> None:
    assert one("users", name, value) == expected


def test_a_column_of_mixed_types_is_read_cell_by_cell() -> None:
    values = ["1.00", 2, 3.0, None, Decimal("4.00"), b"5"]
    assert taken(money(cells(values), 2)) == [100, 200, "MONEY_FLOAT", "MONEY_NULL", 400, 500]


def test_a_column_the_source_lacks_is_null() -> None:
    assert nothing(3).text.to_pylist() == [None, None, None]
    assert len(nothing(3)) == 3
