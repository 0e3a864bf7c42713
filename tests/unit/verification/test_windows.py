"""The large tables come in windows: whatever the size of a window, the same is found, and nothing falls between two."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from migration.verification.at_bank import OF_DEBTS as BANK_OF_DEBTS
from migration.verification.at_bank import VIEWS as BANK_VIEWS
from migration.verification.chunks import ROWS, Merged, differing, digests
from migration.verification.library import SPECS, ask, survey
from migration.verification.planted import Proof
from migration.verification.spec import WINDOWED
from migration.verification.views import VIEWS
from migration.verification.windows import Stream, stored, together
from migration.verification.workbench import Workbench
from tests.support.large_world import LargeWorld
from tests.support.spoils import SPOILS, judged


def keyed(*keys: str | None) -> pa.Table:
    return pa.table({"key": pa.array(keys, pa.string()), "at": pa.array(range(len(keys)), pa.int64())})


def walked(left, right, rows):
    return [(a["key"].to_pylist(), b["key"].to_pylist(), bound) for a, b, bound in together(left, right, "key", rows)]


# --- walking -----------------------------------------------------------------------------------------------------------


def test_windows_of_both_sides_end_at_the_same_key_and_hold_every_row():
    left, right = keyed("a", "c", "d", "e", "g"), keyed("b", "c", "c", "c", "f", "h", "i")
    assert walked(left, right, 2) == [
        (["a"], ["b"], "c"),
        (["c", "d", "e", "g"], ["c", "c", "c", "f"], "h"),  # one key fills a window: it is made larger
        ([], ["h", "i"], None),
    ]


def test_a_table_in_no_order_is_sorted_by_the_bytes_of_its_key():
    assert walked(keyed("b", None, "a", "Z"), keyed("é", "z"), 10) == [(["", "Z", "a", "b"], ["z", "é"], None)]


def test_a_stream_in_no_order_is_refused():
    for pieces in ([keyed("b", "a")], [keyed("a", "c"), keyed("b")]):
        stream = Stream(keyed().schema, lambda pieces=pieces: pieces)
        with pytest.raises(ValueError, match="not in the order of key"):
            walked(stream, keyed(), 10)


def test_two_empty_sides_are_one_empty_window():
    assert walked(keyed(), keyed(), 5) == [([], [], None)]


# --- chunks ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sides():
    world = LargeWorld(20_000, 400)
    return world.snapshot()["debts"], world.claim()["debts"], Merged.of(world.claim()["users"])


def changed(claim: pa.Table, **cells: tuple[int, object]) -> pa.Table:
    for name, (row, value) in cells.items():
        at = claim.schema.get_field_index(name)
        values = claim.column(at).to_pylist()
        values[row] = value
        claim = claim.set_column(at, claim.schema.field(at), pa.array(values, claim.schema.field(at).type))
    return claim


def test_no_chunk_of_a_right_claim_with_merged_lenders_differs(sides):
    legacy, claim, merged = sides
    assert len(merged.users) == 400
    assert [side.num_rows for side in differing(legacy, claim, merged, final=True)] == [0, 0]


@pytest.mark.parametrize(
    "cell",
    [
        {"principal_fen": (9_001, 1)},
        {"interest_fen": (9_001, None)},
        {"holder_user_id": (9_001, "U00000001")},
        {"listing_id": (9_001, "L0000001")},
        {"legacy_lender_id": (9_001, "U00000001")},
        {"disposition": (9_001, "not_migrated")},
        {"debt_id": (9_001, "D000009001x")},
    ],
    ids=lambda cell: next(iter(cell)),
)
def test_one_changed_cell_makes_its_chunk_differ_and_no_other(sides, cell):
    legacy, claim, merged = sides
    left, right = differing(legacy, changed(claim, **cell), merged, final=True)
    assert left.num_rows == right.num_rows == ROWS
    assert left["debt_id"][0].as_py() == f"D{9_001 // ROWS * ROWS:09d}"


def test_amounts_exchanged_within_a_chunk_do_not_cancel_out(sides):
    legacy, claim, merged = sides
    principal = claim["principal_fen"].to_pylist()
    swapped = changed(changed(claim, principal_fen=(10, principal[11])), principal_fen=(11, principal[10]))
    assert differing(legacy, swapped, merged, final=True)[1].num_rows == ROWS


def test_a_row_missing_on_one_side_moves_no_other_chunk(sides):
    legacy, claim, merged = sides
    lost = pa.concat_tables([claim.slice(0, 100), claim.slice(101)])
    assert [side.num_rows for side in differing(legacy, lost, merged, final=True)] == [ROWS, ROWS - 1]


def test_a_key_twice_on_both_sides_alike_is_looked_at(sides):
    legacy, claim, merged = sides
    twice = [pa.concat_tables([side.slice(0, 100), side.slice(99)]) for side in (legacy, claim)]
    assert [side.num_rows for side in differing(*twice, merged, final=True)] == [ROWS, ROWS]


# --- the whole verifier ------------------------------------------------------------------------------------------------


def test_queries_name_only_tables_that_are_there_when_they_are_asked():
    for spec in SPECS:
        for scope in ("whole", "debts", "schedules"):
            elsewhere = {name for other, names in WINDOWED.items() if other != scope for name in names}
            assert not elsewhere & set(re.findall(r"\w+", spec.asked_of(scope))), (spec.name, scope)
    windowed = {name for names in WINDOWED.values() for name in names}
    for name, sql in VIEWS.items():
        assert name in windowed or not windowed & set(re.findall(r"\w+", sql)), name
    for name, sql in BANK_VIEWS.items():
        assert name in BANK_OF_DEBTS or not windowed & set(re.findall(r"\w+", sql)), name


def found(world: LargeWorld, window: int) -> dict[str, list[str]]:
    with Workbench(world.evidence(), window) as bench:
        return {name: keys for name, keys in ask(bench).items() if keys}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.name)
def test_each_corruption_is_found_exactly_whatever_the_window(spoil):
    world = LargeWorld(3_000, 60, spoil=spoil.make)
    whole = found(world, 1_000_000)
    assert judged(world, whole) == (set(), set()), "all that was planted, and nothing else"
    assert found(world, 700) == whole


def test_a_right_cutover_in_many_windows_raises_no_alarm_and_every_plant_is_seen():
    evidence = LargeWorld(3_000, 60).evidence()
    with Workbench(evidence, 700) as bench:
        proof = Proof(bench, evidence)
        seen = survey(bench, proof.prove)
    assert not any(seen.failing.values())
    assert seen.rows["c_debts"] == 3_000
    assert seen.rows["c_schedules"] == 150
    assert [(plant.name, plant.unseen) for plant in proof.plants if plant.unseen or not plant.planted] == []


def test_a_code_of_two_debts_is_found_though_they_lie_in_different_windows():
    evidence = LargeWorld(3_000, 60).evidence()
    claim = evidence.claim["debts"]
    code = claim["authcode"][2_900].as_py()
    with Workbench(
        replace(evidence, claim={**evidence.claim, "debts": changed(claim, authcode=(3, code))}), 700
    ) as bench:
        assert ask(bench)["debts.codes"] == ["D000000003", "D000002900"]


def test_sides_in_parquet_files_are_compared_as_tables_are(tmp_path):
    evidence = LargeWorld(3_000, 60).evidence()
    streams = {}
    for side in ("snapshot", "claim"):
        for entity in ("debts", "schedules"):
            path = tmp_path / f"{side}-{entity}.parquet"
            pq.write_table(getattr(evidence, side)[entity], path)
            streams.setdefault(side, {})[entity] = stored(path)
    streamed = replace(
        evidence, snapshot={**evidence.snapshot, **streams["snapshot"]}, claim={**evidence.claim, **streams["claim"]}
    )
    with Workbench(streamed, 700) as bench:
        assert not any(ask(bench).values())


def test_a_border_between_two_texts_or_rows_is_part_of_a_digest():
    def of(*texts: str | None) -> bytes:
        (found,) = digests(pa.record_batch({"t": pa.array(texts, pa.string())}), [slice(0, len(texts))])
        return found

    assert len({of("ab", "c"), of("a", "bc"), of("abc"), of("abc", ""), of("abc", None), of(None, "abc")}) == 6


def test_a_range_of_rows_has_the_digest_that_it_has_alone():
    rows = pa.record_batch({"t": ["x", "", "yz", None, "w"], "n": pa.array([1, 2, 3, 4, None], pa.int64())})
    first, second, third = digests(rows, [slice(0, 1), slice(1, 3), slice(3, 5)])
    alone = pa.record_batch({"t": ["", "yz"], "n": pa.array([2, 3], pa.int64())})
    assert [second] == digests(alone, [slice(0, 2)]) == digests(rows.slice(1, 2), [slice(0, 2)])
    assert len({first, second, third}) == 3
