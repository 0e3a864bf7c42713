"""Fixed-width records in GBK bytes, and people normalised anew."""

from __future__ import annotations

import pyarrow as pa
import pytest

from migration.domain.tables import CORRECTIONS, SNAPSHOT
from migration.verification import people, records
from migration.verification.layouts import Field, Layout

TWO = Layout(8, (Field("name", 0, 5, False), Field("amount", 5, 3, True)))


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_cells_are_cut_by_bytes_and_stripped_on_the_right_only(ending):
    content = (
        " 㛢 ".encode("gbk", "replace").ljust(5) + b"007" + ending + "张a|".encode("gbk").ljust(5) + b"120" + ending
    )
    columns, size = records.columns(content, TWO)
    assert size == 2
    assert columns["name"].to_pylist() == [" ?", "张a|"]
    assert columns["amount"].to_pylist() == [7, 120]


def test_a_second_byte_that_looks_like_a_bar_or_a_backslash_stays_in_its_cell():
    text = b"\x81\x7c\x81\x5c"  # two characters whose second bytes are | and \
    columns, _ = records.columns(text.ljust(5) + b"001\n", TWO)
    assert columns["name"].to_pylist() == [text.decode("gbk")]


def test_what_is_no_gbk_equals_nothing():
    columns, _ = records.columns(b"\xff\xff   001\n", TWO)
    assert "\ufffd" in columns["name"][0].as_py()


def test_what_is_no_digit_is_null():
    columns, _ = records.columns(b"a    0 1\nb    012\n", TWO)
    assert columns["amount"].to_pylist() == [None, 12]


@pytest.mark.parametrize(
    "content", [b"a    00", b"a    001\nb    00\n", b"a    001xb    002\n", b"a    001\r\nb    002\n"]
)
def test_no_whole_records(content):
    assert records.columns(content, TWO) is None


def test_a_missing_last_line_ending_and_no_record_at_all():
    assert records.columns(b"a    001\nb    002", TWO)[1] == 2
    assert records.columns(b"", TWO)[1] == 0


def test_fifteen_digits_become_eighteen():
    assert people.lengthen("110105491231002") == "11010519491231002X"
    assert people.lengthen("91310000631692") == "91310000631692"


@pytest.mark.parametrize(
    ("raw", "plain"), [(" 1101 0519491231002x", "11010519491231002X"), ("１１０Ｘ", "110X"), ("  ", None)]
)
def test_id_numbers_are_squeezed(raw, plain):
    assert people.squeeze(raw) == plain


def test_names_agree_after_nfc_half_width_and_blanks_only():
    assert people.fold("甲（上海） 公司") == people.fold("甲(上海)公司")
    assert people.fold("艾力·买买提") != people.fold("艾力•买买提")


@pytest.mark.parametrize("raw", ["+86 138 0000 0003", "008613800000003", "13800000003", " 138\t00000003"])
def test_phones(raw):
    assert people.phone_of(raw) == "13800000003"


def test_numbers_are_checked_by_luhn():
    found = people.valid_numbers(pa.array(["4539578763621486", "4539578763621487", "", "x", None]))
    assert found.to_pylist() == [True, False, False, False, False]


def test_of_several_corrections_the_latest_counts():
    users = pa.Table.from_pylist([{"user_id": "U1", "name": "a", "verified_at": None}], SNAPSHOT["users"])
    rows = [("name", "c", 2), ("name", "b", 1), ("verified_at", "2017-01-02", 3)]
    given = [{"user_id": "U1", "field": field, "new": new, "seq": seq} for field, new, seq in rows]
    found = people.corrected(users, pa.Table.from_pylist(given, CORRECTIONS)).to_pylist()[0]
    assert (found["name"], str(found["verified_at"])) == ("c", "2017-01-02 00:00:00")
