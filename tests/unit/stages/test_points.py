"""The map of points of no return, on a cutover that is stopped at each of them."""

from __future__ import annotations

from migration.stages import points
from migration.stages.exchange import LEAVING, batch_id
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal


def begun(root) -> Rehearsal:
    case = Rehearsal(root, small())
    case.journal.begin(case.terms.cutover_id, case.terms.kind)
    return case


def standing(case: Rehearsal) -> dict[str, str]:
    return {point.gate: point.standing for point in points.of(case.journal)}


def past(case: Rehearsal) -> set[str]:
    return {gate for gate, word in standing(case).items() if word == "past"}


def test_each_stage_passes_its_point_when_its_first_file_has_left(tmp_path):
    case = begun(tmp_path)
    assert set(standing(case).values()) == {"free"}, "before anything has begun"
    assert case.run(approve=()) == 4
    assert past(case) == set(), "sealed, but nothing has left"
    assert case.run("accounts") == 0
    assert past(case) == {"accounts"}
    assert case.run("debts") == 0
    assert past(case) == {"accounts", "listings.sample", "debts.sample"}, "the samples took everything"
    assert case.run() == 0
    assert "reconcile" in past(case)


def test_a_file_that_was_about_to_leave_may_stand_at_the_bank(tmp_path):
    case = Rehearsal(tmp_path, small())
    case.run(approve=())
    batch = case.journal.batches()[0]
    case.journal.note("runner", LEAVING, {"batch": batch_id(batch), "request_sha256": batch.request_sha256})
    assert standing(case)["accounts"] == "leaving"


def test_every_line_is_told_in_both_languages(tmp_path):
    for point in points.of(begun(tmp_path).journal):
        for told in (point.until_zh, point.how_zh):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in told)
        assert point.until_en.isascii()
        assert point.how_en.isascii()
