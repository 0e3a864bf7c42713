"""What the stages collect for the verifier, the report and the passports, on a whole small cutover in memory."""

from __future__ import annotations

import pytest

from migration.domain.errors import InputRefused
from migration.reports import pack, passport_text, passports
from migration.reports.material import Scope
from migration.stages import gather, lives, sample_notes
from migration.verification.run import verify
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

SCOPE = Scope("directory", False, False, "stop", "signed_exception", 9_999, "jx")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    case = Rehearsal(tmp_path_factory.mktemp("case"), small(), faults={"refuse_users": {"U3": "106"}})
    assert case.run() == 4, case.reasons
    case.correct("U3,phone,13800000003,13855550001,用户换号,operations-1")
    assert case.run() == 0, case.reasons
    return case


def notes(case):
    return [event.payload for event in case.journal.events() if event.kind == sample_notes.EVENT]


def test_the_verifier_is_silent_about_a_right_cutover(done):
    found = verify(gather.evidence(done.house))
    assert found.final
    assert (found.differences, found.planted_unseen) == (0, 0)
    assert sum(plant.planted for plant in found.plants) >= 14


def test_it_is_silent_in_the_middle_too(tmp_path):
    case = Rehearsal(tmp_path, small(), faults={"refuse_users": {"U3": "106"}})
    case.run()
    found = verify(gather.evidence(case.house))
    assert not found.final
    assert found.findings == ()


def test_a_row_changed_in_the_journal_does_not_escape(done):
    evidence = gather.evidence(done.house)
    debts = evidence.claim["debts"]
    at = debts.schema.get_field_index("holder_account")
    accounts = debts["holder_account"].to_pylist()
    accounts[0], accounts[1] = accounts[1], accounts[0]
    evidence.claim["debts"] = debts.set_column(at, debts.schema.field(at), [accounts])
    wrong = {f.subject for f in verify(evidence).findings}
    assert {f"debts.holder/{key}" for key in debts["debt_id"].to_pylist()[:2]} <= wrong


def test_each_sample_is_noted_once_as_it_was_drawn(done):
    found = notes(done)
    assert [note["stage"] for note in found] == ["listings", "debts"]
    for note in found:
        drawn = [b for b in done.journal.batches() if b.sample and b.stage == note["stage"]]
        assert note["drawn"] == sum(b.rows for b in drawn)
        assert [sha for _, sha in note["files"]] == [b.request_sha256 for b in drawn]
        assert note["coverage"]
    done.run()
    assert notes(done) == found


def test_the_report_of_it(done, tmp_path):
    material = gather.material(done.house, "uat", SCOPE, {})
    assert pack.verdict(material) == "complete"
    text = pack.write(material, tmp_path, "en").html.read_text(encoding="utf-8")
    assert "cutover-2017-11-jx-uat-en.html" in {path.name for path in tmp_path.iterdir()}
    for user in done.house.table("users").to_pylist():
        assert user["name"] not in text
        assert user["id_no"] not in text
        assert user["phone"] not in text
    for batch in done.journal.batches():
        assert batch.request_sha256 in text
        assert batch.result_sha256 in text


def test_the_passport_of_a_corrected_user(done):
    found = passports.passport(lives.life(done.house, "users", "U3"))
    assert [row["field"] for row in found["corrections"]] == ["phone"]
    assert [(row["round"], row["answer"], row["state"]) for row in found["attempts"]] == [
        (1, "106", "refused"),
        (2, "000", "ok"),
    ]
    assert found["attempts"][1]["approved_by"]
    assert found["exceptions"][0]["state"] == "mended"
    assert found["outcome"]["disposition"] == "opened"
    told = [row["kind"] for row in found["history"]]
    assert told[:2] == ["snapshot_recorded", "planned"]
    assert told[-1] == "applied"
    assert (told.count("applied"), told.count("corrections_added")) == (2, 1)


def test_the_passports_of_a_listing_and_a_debt(done):
    listing = passports.passport(lives.life(done.house, "listings", "L1"))
    assert listing["related"]["debts"] == ["L1D1", "L1D2", "L1D3"]
    debt = passports.passport(lives.life(done.house, "debts", "L1D2"))
    assert debt["attempts"][-1]["answer"] == "00"
    assert "\n".join(passport_text.lines(debt, "en")).count("record") == 2, "one in the request, one in the result"
    assert [(row["what"], row["role"], row["disposition"]) for row in debt["decisions"]] == [
        ("party", "lender", "opened"), ("party", "borrower", "opened"), ("party", "guarantor", "opened")
    ]  # fmt: skip


def test_an_unknown_key(done):
    with pytest.raises(InputRefused, match="KEY_UNKNOWN"):
        lives.life(done.house, "users", "nobody")
