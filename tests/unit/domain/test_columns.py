"""Small tools over columns, each with NULLs, unknown keys and nothing at all."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

from migration.domain import columns as c
from migration.domain.attempts import Attempts, attempt_of, batch_of
from migration.domain.tables import ITEMS, RESENDS
from tests.unit.domain.facts import DAY, answer

AT = np.array([1, c.MISSING, 0])
TEXT = pa.chunked_array([["b", None], ["a", "b"]])


def test_keys_are_found_at_their_first_place_and_null_nowhere():
    assert c.lookup(TEXT, pa.array(["a", "b", None, "b"])).tolist() == [1, c.MISSING, 0, 1]
    assert c.member(TEXT, pa.array(["b", None])).tolist() == [True, False, False, True]
    assert c.lookup(TEXT, pa.array([], pa.string())).tolist() == [c.MISSING] * 4


def test_null_is_no_true_no_value_and_nothing_owed():
    assert c.mask(pa.array([True, None, False])).tolist() == [True, False, False]
    assert c.equals(TEXT, "b", "x").tolist() == [True, False, False, True]
    assert c.is_null(TEXT).tolist() == [False, True, False, False]
    assert c.fen(pa.chunked_array([[5, None], [-7]])).tolist() == [5, 0, -7]
    assert c.flat(TEXT).to_pylist() == ["b", None, "a", "b"]


def test_what_is_missing_picks_nothing():
    assert c.pick(pa.array(["x", "y"]), AT).to_pylist() == ["y", None, "x"]
    assert c.pick_mask(np.array([True, True]), AT).tolist() == [True, False, True]
    assert c.pick_mask(np.array([False, True]), AT).tolist() == [True, False, False]
    assert c.pick_int(np.array([7, 8]), AT).tolist() == [8, 0, 7]
    assert c.pick_int(np.array([7, 8]), AT, -2).tolist() == [8, -2, 7]
    nowhere = np.array([c.MISSING, c.MISSING])
    assert c.pick_mask(np.zeros(0, np.bool_), nowhere).tolist() == [False, False]
    assert c.pick_int(np.zeros(0, np.int64), nowhere, 3).tolist() == [3, 3]
    assert c.pick_int(np.zeros(0, np.int64), nowhere).tolist() == [0, 0]


def test_sums_by_place_are_exact_and_leave_out_what_has_none():
    amounts = np.array([2**53 + 1, 5, 1])
    assert c.sum_at(amounts, np.array([0, c.MISSING, 0]), 2).tolist() == [2**53 + 2, 0]


def test_rows_are_sorted_by_bytes_and_the_last_of_each_key_is_kept():
    table = pa.table({"key": ["b", "a", "b", "B"], "n": [1, 2, 3, 4]})
    assert c.sort_by(table, "key", "n")["n"].to_pylist() == [4, 2, 1, 3]
    assert sorted(c.latest(table, "key")["n"].to_pylist()) == [2, 3, 4]
    assert c.latest(table, "key").column_names == ["key", "n"]
    assert c.latest(table.slice(0, 0), "key").num_rows == 0


def test_a_small_vocabulary_becomes_a_column():
    assert c.texts(["x", None, "y"], np.array([2, 0, 1])).to_pylist() == ["y", "x", None]
    built = c.build(pa.schema([("n", pa.int64())]), n=[1], other=[2])
    assert built.schema == pa.schema([("n", pa.int64())])


# --- attempts


def attempts(*rows, marks=()):
    items = pa.Table.from_pylist(list(rows), schema=ITEMS)
    resends = pa.Table.from_pylist(
        [{"entity": "debts", "key": k, "after_date": DAY, "after_batch": n, "by": "x"} for k, n in marks],
        schema=RESENDS,
    )
    return Attempts.of(pa.chunked_array([["D1", "D2", "D3", "D4", "D5"]]), items, resends), items


def test_the_latest_attempt_of_each_counts():
    found, items = attempts(
        answer("D1", "refused", code="13"),
        answer("D2", "refused", code="13"),
        answer("D4", "unknown", code="22"),
        answer("D5", "open"),
        answer("D1", batch_no="000002", round=2),
        marks=[("D2", "000001"), ("D1", "000001"), ("D4", "000009")],
    )
    assert found.ok.tolist() == [True, False, False, False, False]
    assert found.refused.tolist() == [False, True, False, False, False]
    assert found.unknown.tolist() == [False, False, False, True, False]
    assert found.open.tolist() == [False, False, False, False, True]
    assert found.resent.tolist() == [False, True, False, False, False]
    assert found.round.tolist() == [2, 1, 0, 1, 1]
    assert found.code.to_pylist() == ["000", "13", None, "22", None]
    assert found.batch_no.to_pylist() == ["000002", "000001", None, "000001", "000001"]
    assert found.account_no.to_pylist()[:3] == ["A-D1", "A-D2", None]
    assert found.authcode.to_pylist()[:3] == ["C-D1", "C-D2", None]
    assert attempt_of(items["key"], items["business_date"], items["batch_no"])[0].as_py() == "D1/2017-11-18/000001"
    assert batch_of(items)[4].as_py() == "2017-11-18/000002"


def test_no_thread_of_arrow_keeps_the_text_that_python_owns(monkeypatch):
    """The last to let go of it would need the interpreter, and a command that ends in that moment would abort."""
    given = []
    monkeypatch.setattr(c.pacsv, "read_csv", lambda source, *_: given.append(source))
    text = bytearray(b"1,a\n")
    c.from_csv(text, None, None, None)
    text.clear()  # BufferError while anybody holds it
    assert given[0].read() == b"1,a\n"


def test_csv_is_read_at_one_place_only():
    for path in (Path(c.__file__).parents[1]).rglob("*.py"):
        assert path.name == "columns.py" or not re.search(r"\b(open|read)_csv\(", path.read_text("utf-8")), path
