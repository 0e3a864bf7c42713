"""The pre-flight assessment: every hazard counted with its keys, go or no-go, kept and comparable."""

from __future__ import annotations

import json
import re

import pytest

from tests.integration.hazard_world import world
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

SECRETS = ("11010119", "1380000", "6222000000000001", "周全", "买买提")


class Assessed(Rehearsal):
    """A rehearsal of which the assessment is looked at."""

    def figures(self):
        return json.loads([v for k, v in self.reports.items() if k.endswith(".json")][-1])

    def events(self):
        return [e.payload for e in self.journal.events() if e.kind == "assessment"]


def test_a_clean_platform_may_go(tmp_path):
    case = Assessed(tmp_path, small())
    assert case.run("preflight") == 0, case.said
    found = case.figures()
    assert (found["verdict"], found["codes"], found["exceptions_open"]) == ("go", [], 0)
    assert set(found["hazards"]) == {f"H{n}" for n in range(1, 29)}
    assert (found["counts"]["users"], found["sums_fen"]["debts.principal"]) == (5, 600000 + 3 * 51051)
    assert found["profile"]["listings"]["guarantor_id"] == {"nulls": 2, "distinct": 1}
    assert found["estimate"]["rows"] == {"persons": 4, "companies": 1, "listings": 3, "debts": 9}
    assert found["estimate"]["files"] == {"persons": 1, "companies": 1, "listings": 1, "debts": 1}
    assert case.run("preflight") == 0
    assert len(case.events()) == 1, "nothing new to say"


EXPECTED = {
    "H1": {"U11", "U12", "U13", "U14", "U31", "U32", "U41", "U42", "C82", "C83", "U152", "U153"},
    "H2": {"U21", "U22"}, "H3": {"U32"}, "H4": {"U42", "U43"}, "H5": {"U51", "U52", "U53"}, "H6": {"U62"},
    "H7": {"U71", "U72", "U73", "U74", "L71"}, "H8": {"U81", "L81"}, "H10": {"0010"}, "H14": {"C141", "C142"},
    "H15": {"L151", "L152", "L153", "L154D1", "L155D1"}, "H18": {"L181"}, "H20": {"L201D1"},
    "H17": {"L172", "L173D1", "L174D1", "L175D1"},
    "H19": {"L191", "L192", "F3", "F4"}, "H21": {"L212", "L211D1"}, "H22": {"L221D1"}, "H23": {"F1", "F2"},
    "H24": set(), "H25": {"L251D2", "STRAY", "L252", "ESTRAY", "S2"}, "H26": set(), "H28": set(),
    "H27": {"U271", "U272", "L271", "L272D1", "L273D1"},
}  # fmt: skip


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    case = Assessed(tmp_path_factory.mktemp("assessed"), world())
    assert case.run() == 4
    return case


def test_every_hazard_is_counted_with_its_keys(held):
    found = held.figures()["hazards"]
    for name, keys in EXPECTED.items():
        assert {key.split("/", 1)[1] for key in found[name]["keys"]} == keys, name
        assert found[name]["count"] == len(keys)
    assert len(found["H16"]["keys"]) == 3
    assert {"users/U91", "users/U92"} <= set(found["H9"]["keys"])
    assert [found[name]["count"] for name in ("H11", "H12", "H13")] == [None] * 3


def test_warnings_are_counted_with_their_keys(held):
    found = held.figures()["warnings"]
    assert {"users/U91"} <= set(found["SEX_DIFFERS"]["keys"])
    assert found["ID_REGION_UNKNOWN"]["count"] >= 1
    assert held.events()[0]["warnings"] == {code: said["count"] for code, said in found.items()}
    for name, page in held.reports.items():
        assert "SEX_DIFFERS" in page or not name.endswith(".html")


def test_what_holds_preflight_is_told_and_signing_it_changes_the_verdict(held):
    assert held.figures()["verdict"] == "wait"
    assert held.figures()["codes"] == ["FIELD_INVALID", "ORPHAN"]
    held.sign(*(tuple(r.subject.split("/", 1)) for r in held.reasons))
    assert held.run("preflight") == 0
    assert held.figures()["verdict"] == "care", "17 exceptions in 120 rows"
    assert [e["verdict"] for e in held.events()] == ["wait", "care"]


def test_the_pages_say_the_same_in_both_languages_and_nothing_personal(held):
    pages = {name: text for name, text in held.reports.items() if name.endswith(".html")}
    assert [name[-7:-5] for name in sorted(pages)] == ["en", "zh"]
    for text in pages.values():
        assert all(f"<code>H{n}</code>" in text for n in range(1, 29))
        assert not re.search(r"(src|href)=|https?://|<script", text)
        assert not any(secret in text for secret in SECRETS)
    for payload in held.events():
        assert not any(secret in json.dumps(payload, ensure_ascii=False) for secret in SECRETS)


@pytest.mark.parametrize(
    ("entity", "change", "hazard"),
    [("debts", {"principal": None}, "H24"), ("debts", {"principal": 0.3}, "H24"), ("users", {"kind": "ghost"}, "H24")],
)
def test_a_source_that_stops_the_run_is_assessed_too_and_the_next_one_compared(tmp_path, entity, change, hazard):
    platform = small()
    sound = dict(platform[entity][0])
    platform[entity][0].update(change)
    case = Assessed(tmp_path, platform)
    assert case.run() == 3
    assert not [line for line in case.said if "could not" in line]
    found = case.figures()
    assert (found["verdict"], found["hazards"][hazard]["count"], found["before"]) == ("no_go", 1, None)
    case.source.replace(entity, [sound, *platform[entity][1:]])
    assert case.run("preflight") == 0
    assert case.figures()["verdict"] == "go"
    assert case.figures()["before"]["hazards"][hazard] == 1


@pytest.mark.parametrize("entity", ["users", "listings", "debts", "schedules", "escrow_accounts"])
def test_doubled_keys_are_assessed(tmp_path, entity):
    platform = small()
    platform[entity].append(dict(platform[entity][0]))
    case = Assessed(tmp_path, platform)
    assert case.run() == 3
    assert not [line for line in case.said if "could not" in line]
    assert (case.figures()["verdict"], case.figures()["hazards"]["H26"]["count"]) == ("no_go", 1)


def test_a_delta_is_assessed_and_compared_with_what_was_there(tmp_path):
    case = Assessed(tmp_path, small(), late_change="delta")
    assert case.run("accounts") == 0
    changed = small()
    changed["debts"][0]["principal"], changed["schedules"][0]["principal_paid"] = "900.00", "100.00"
    for entity in ("debts", "schedules"):
        case.source.replace(entity, changed[entity])
    assert case.run("listings") == 0, case.reasons
    found = case.figures()
    assert found["before"]["sums_fen"]["debts.principal"] - found["sums_fen"]["debts.principal"] == 10000
    assert len(case.events()) == 2


def test_a_changed_source_is_counted_by_key(tmp_path):
    case = Assessed(tmp_path, small())
    assert case.run("preflight") == 0
    changed = small()
    changed["debts"][0]["principal"] = "1.00"
    case.source.replace("debts", changed["debts"])
    assert case.run() == 3
    from migration.stages import assessment

    again = assessment.assess(case.house, None)
    assert again["hazards"]["H28"]["keys"] == ["debts/L1D1"]
    assert again["verdict"] == "no_go"
