"""The plain content of a snapshot, as an auditor would write it out with the standard library."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from migration.legacy import digests
from migration.legacy.digests import entity_digest, overall_digest

if TYPE_CHECKING:
    import pytest

TABLE = pa.table(
    {
        "id": ["a", "é", ""],
        "fen": pa.array([1, None, -3], pa.int64()),
        "day": pa.array([date(2017, 11, 18), None, None], pa.date32()),
        "at": pa.array([datetime(2017, 1, 2, 3, 4, 5, 6), None, None], pa.timestamp("us")),
    }
)
CONTENT = "things:id,fen,day,at\n1:a,1:1,10:2017-11-18,26:2017-01-02 03:04:05.000006,2:é,-,-,-,0:,2:-3,-,-,"


def test_the_content_is_what_the_documentation_says() -> None:
    assert entity_digest("things", TABLE) == hashlib.sha256(CONTENT.encode()).hexdigest()


def test_an_empty_entity_has_its_header() -> None:
    empty = TABLE.schema.empty_table()
    assert entity_digest("things", empty) == hashlib.sha256(b"things:id,fen,day,at\n").hexdigest()


def test_the_digest_does_not_depend_on_how_the_table_is_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = entity_digest("things", TABLE)
    assert entity_digest("things", pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])) == expected
    monkeypatch.setattr(digests, "CHUNK", 2)
    assert entity_digest("things", TABLE) == expected


def test_moving_a_character_to_the_neighbour_is_seen() -> None:
    one, other = (pa.table({"a": [a], "b": [b]}) for a, b in (("1,1:2", "3"), ("1", "2,1:3")))
    assert entity_digest("t", one) != entity_digest("t", other)


def test_the_overall_digest_is_over_sorted_lines() -> None:
    assert overall_digest({"b": "2", "a": "1"}) == hashlib.sha256(b"a:1\nb:2\n").hexdigest()
