"""Figures of a rehearsal: work without waits, kept as a file, and what is made of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from migration.domain.values import StageRecord
from migration.stages import figures
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

FOUND = {
    "cutover": "r1",
    "rows": {"users": 100},
    "stages": {"preflight": {"rows": 200, "work_ms": 4_000}, "debts": {"rows": 50, "work_ms": 2_001}},
    "bank": {"files": 4, "answer_ms": 10_000},
}


def at(second: float) -> datetime:
    return datetime(2017, 11, 18, tzinfo=UTC) + timedelta(seconds=second)


@pytest.mark.parametrize(
    ("waits", "work"),
    [
        ([], 100),
        ([(10, 30)], 80),
        ([(10, 30), (20, 50)], 60),
        ([(10, 90), (20, 30)], 20),
        ([(-50, 10), (90, 500)], 80),
        ([(-50, 500)], 0),
        ([(200, 300), (-9, -3)], 100),
    ],
)
def test_waits_are_taken_off_once(waits, work):
    record = StageRecord("debts", 1, "done", {}, (), at(0), at(100))
    spans = [(at(a), at(b)) for a, b in waits]
    assert figures._work(record, at(100), spans) == timedelta(seconds=work)


def test_time_is_expected_in_proportion_and_rounded_up():
    found = figures.expected(FOUND, {"preflight": 400, "debts": 50}, 2)
    assert found == {"ours": 11, "bank": 5, "whole": 16}
    assert figures.expected(FOUND, {}, 0) == {"ours": 0, "bank": 0, "whole": 0}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "7", json.dumps(FOUND | {"bank": {"files": 4}}), json.dumps(FOUND | {"rows": {"users": -1}}),
     json.dumps(FOUND | {"bank": {"files": 4, "answer_ms": 1.5}}), json.dumps(FOUND | {"stages": {"debts": {"rows": True, "work_ms": 0}}})],
)  # fmt: skip
def test_what_is_no_figures_file_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own is one
        figures.read(text)


def test_a_finished_rehearsal_leaves_its_figures_and_the_next_assessment_rests_on_them(tmp_path):
    kept: dict[str, str] = {}

    class Kept(Rehearsal):
        rehearsed = None

        def _house(self, approve, **kwargs):
            house = super()._house(approve, **kwargs)
            house.report = kept.__setitem__
            house.rehearsed = lambda: self.rehearsed
            return house

        def assessment(self):
            return json.loads(
                next(v for k, v in reversed(kept.items()) if k.startswith("assessment") and k.endswith("json"))
            )

    case = Kept(tmp_path / "a", small())
    assert case.run("debts") == 0
    assert figures.NAME not in kept, "only of a whole one"
    estimate = case.assessment()["estimate"]
    assert (estimate["seconds"], estimate["basis"]) == (None, None)
    page = next(v for k, v in kept.items() if k.endswith("en.html"))
    assert "no figures of a rehearsal" in page
    assert "min<" not in page
    assert case.run() == 0
    found = figures.read(kept[figures.NAME])
    assert found["stages"]["debts"]["rows"] == 9
    assert found["stages"]["accounts"]["rows"] == 5
    assert found["bank"]["files"] == len([b for b in case.journal.batches() if b.state == "applied"])
    found["bank"]["answer_ms"] = 1000 * 60 * 5 * found["bank"]["files"]
    case = Kept(tmp_path / "b", small())
    case.rehearsed = found
    assert case.run("preflight") == 0
    estimate = case.assessment()["estimate"]
    assert estimate["seconds"]["bank"] == 300 * sum(estimate["files"].values())
    page = next(v for k, v in reversed(kept.items()) if k.endswith("en.html"))
    assert "rehearsal 2017-11-jx" in page
    assert "20 min" in page
