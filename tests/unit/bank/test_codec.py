import io
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.bank import codec
from migration.bank.cells import DoesNotFit, NotReadable
from migration.bank.layouts import _layout

SHAPE = _layout("T", 30, "KEY 4 · NAME 12 g · AMOUNT 6 n · DAY 8 d")
ALL_GBK = [
    raw.decode("gbk")
    for raw in (bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF))
    if raw.decode("gbk", errors="ignore").encode("gbk", errors="ignore") == raw
]


def encode(names, line_ending=b"\n", **other) -> bytes:
    count = len(names)
    columns = {
        "KEY": pa.array([f"{number % 10_000:04d}" for number in range(count)]),
        "NAME": pa.array(names, pa.string()),
        "AMOUNT": np.arange(count, dtype=np.int64) % 1_000_000,
        "DAY": pa.array([date(2017, 11, 18)] * count),
    }
    return codec.encode(SHAPE, columns | other, count, line_ending)


def decode(content, line_ending=b"\n") -> pa.Table:
    return codec.decode(codec.cut(SHAPE, content, line_ending))


def test_bytes_of_one_record():
    assert encode(["张·三"]) == b"0000" + b"\xd5\xc5\xa1\xa4\xc8\xfd      " + b"000000" + b"20171118" + b"\n"


def test_every_gbk_character_survives_at_the_start_in_the_middle_and_at_the_very_end_of_its_field():
    assert len(ALL_GBK) == 21_791
    assert sum(char.encode("gbk")[1:] == b"|" for char in ALL_GBK) == 118
    assert sum(char.encode("gbk")[1:] == b"\\" for char in ALL_GBK) == 118
    for form in ("{}", "a{}b", "|{}\\", "甲乙丙丁戊{}"):
        values = [form.format(char) for char in ALL_GBK]
        table = decode(encode(values))
        # U+3000 is no padding: only ASCII blanks are stripped
        assert table["NAME"].to_pylist() == values


def test_values_cross_a_chunk_edge(monkeypatch):
    monkeypatch.setattr(codec, "CHUNK", 3)
    values = ["甲", "b", "", "丙丁", "乗|", "亅\\", "g", "八八八八八八"]
    table = decode(encode(values, b"\r\n"), b"\r\n")
    assert table["NAME"].to_pylist() == values
    assert table["AMOUNT"].to_pylist() == list(range(8))
    with pytest.raises(DoesNotFit, match="record 8 field NAME"):
        encode([*values[:7], "x" * 13])
    content = bytearray(encode(values))
    content[6 * 31 + 4] = 0xFF
    with pytest.raises(NotReadable, match="record 7 field NAME"):
        decode(bytes(content))


def test_piece_by_piece_is_the_same_as_at_once(monkeypatch):
    monkeypatch.setattr(codec, "CHUNK", 3)
    whole = encode(["甲", "b", "", "丙丁", "乗|", "亅\\", "g"])
    columns = {"KEY": b"k", "NAME": pa.array(["甲"] * 7), "AMOUNT": np.arange(7), "DAY": b"20171118"}
    pieces = list(codec.encoded(SHAPE, columns, 7, b"\n"))
    assert [len(piece) for piece in pieces] == [93, 93, 31]
    assert b"".join(pieces) == codec.encode(SHAPE, columns, 7, b"\n")
    tables = list(codec.decoded(SHAPE, io.BytesIO(whole), b"\n"))
    assert [table.num_rows for table in tables] == [3, 3, 1]
    assert pa.concat_tables(tables).equals(decode(whole))
    bad = bytearray(whole)
    bad[5 * 31 + 4] = 0xFF
    with pytest.raises(NotReadable, match="record 6 field NAME"):
        list(codec.decoded(SHAPE, io.BytesIO(bytes(bad)), b"\n"))
    with pytest.raises(ValueError, match="no whole number"):
        list(codec.decoded(SHAPE, io.BytesIO(whole[:-1]), b"\n"))


texts = st.text(st.one_of(st.sampled_from(ALL_GBK), st.characters(min_codepoint=0x20, max_codepoint=0x7E)), max_size=12)
fitting = texts.filter(lambda text: len(text.encode("gbk")) <= 12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(fitting, st.integers(0, 999_999), st.dates(date(1900, 1, 1), date(9999, 12, 31))), min_size=1)
)
def test_what_is_written_is_read_back(content):
    names, amounts, days = (list(column) for column in zip(*content, strict=True))
    raw = encode(names, AMOUNT=np.array(amounts, np.int64), DAY=pa.array(days, pa.date32()))
    assert len(raw) == 31 * len(names)
    for number, line in enumerate(raw[start : start + 31] for start in range(0, len(raw), 31)):
        assert line[4:16] == names[number].encode("gbk").ljust(12)
        assert line[16:22] == f"{amounts[number]:06d}".encode()
        assert line[22:] == days[number].strftime("%Y%m%d\n").encode()
    table = decode(raw)
    assert table["NAME"].to_pylist() == [name.rstrip(" ") for name in names]
    assert table["AMOUNT"].to_pylist() == amounts


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=30, max_size=30))
def test_any_bytes_are_either_read_exactly_or_refused(raw):
    try:
        table = decode(raw + b"\n")
    except NotReadable:
        return
    assert table["NAME"][0].as_py().encode("gbk").ljust(12) == raw[4:16]
    assert f"{table['AMOUNT'][0].as_py():06d}".encode() == raw[16:22]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("䶮", "outside gbk"),
        ("•", "outside gbk"),
        ("‧", "outside gbk"),
        ("€", "outside gbk"),
        ("𬭎", "outside gbk"),
        ("a\nb", "control character"),
        ("a\x00", "control character"),
        ("a\x7f", "control character"),
        ("七七七七七七x", "longer than 12 bytes"),
    ],
)
def test_what_does_not_fit_is_named_without_its_value(name, why):
    with pytest.raises(DoesNotFit, match=rf"record 3 field NAME: .*{why}") as caught:
        encode(["好", "ok", name, "好"])
    assert name not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or name not in str(caught.value.__context__)


def test_ascii_fields_take_ascii_only():
    with pytest.raises(DoesNotFit, match="record 2 field KEY: holds a character outside ASCII"):
        encode(["a", "b"], KEY=pa.array(["1", "１"]))


@pytest.mark.parametrize("amount", [-1, 1_000_000])
def test_numbers_that_do_not_fit(amount):
    with pytest.raises(DoesNotFit, match="record 2 field AMOUNT"):
        encode(["a", "b"], AMOUNT=np.array([999_999, amount]))


def test_a_missing_date_and_a_missing_column():
    with pytest.raises(DoesNotFit, match="record 1 field DAY: is missing"):
        encode(["a"], DAY=pa.array([None], pa.date32()))
    with pytest.raises(ValueError, match="do not name every field"):
        codec.encode(SHAPE, {"KEY": b""}, 1, b"\n")


def test_a_sliced_column_is_written_from_its_own_start():
    column = pa.array(["xx", "yy", "甲", None, "丁"])
    assert decode(encode(["-"] * 3, NAME=column[2:]))["NAME"].to_pylist() == ["甲", "", "丁"]


@pytest.mark.parametrize(
    ("at", "raw", "message"),
    [
        (4, b"\x00", "NAME: holds a control byte"),
        (4, b"\r", "NAME: holds a control byte"),
        (4, b"\t", "NAME: holds a control byte"),
        (15, b"\xd5", "NAME: is no gbk text"),
        (3, b"\xd5", "KEY: is not ASCII"),
        (16, b" ", "AMOUNT: is no number"),
        (16, b"-", "AMOUNT: is no number"),
        (16, "１".encode("gbk"), "AMOUNT: is no number"),
        (16, b"_", "AMOUNT: is no number"),
    ],
)
def test_unreadable_fields_are_named(at, raw, message):
    good = encode(["a", "bc"])
    start = 31 + at
    with pytest.raises(NotReadable, match=f"record 2 field {message}"):
        decode(good[:start] + raw + good[start + len(raw) :])


def test_half_a_character_does_not_eat_the_next_field():
    """The lead byte ends NAME; with the first digit of AMOUNT it would be a good GBK character if fields were joined."""
    good = encode(["abcdefghijkl"])
    with pytest.raises(NotReadable, match="NAME"):
        decode(good[:15] + b"\x81" + good[16:])


@pytest.mark.parametrize("content", [encode(["a", "b"])[:-1], encode(["a"]) + b"\n", b"x"])
def test_a_size_that_is_no_whole_number_of_records(content):
    with pytest.raises(ValueError, match="no whole number"):
        decode(content)


def test_one_wrong_line_ending():
    good = encode(["a", "b", "c"])
    with pytest.raises(NotReadable, match="record 2 field line ending"):
        decode(good[:61] + b"\r" + good[62:])
