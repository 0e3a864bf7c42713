"""The settlement drill in the report: both languages, the sums, what was found, and that it was not done."""

from __future__ import annotations

import pytest

from migration.reports import pack
from migration.reports.document import Table, Tiles
from migration.reports.sections import drill, untested
from tests.unit.reports.material_kit import material

CLEAN = {
    "drill": 1, "debts": 8, "paid": 8, "principal_fen": 3_800_010, "interest_fen": 90, "due_fen": 3_800_100,
    "paid_fen": 3_800_100, "off_fen": 0, "bonus_fen": 1_234, "second_uses_refused": 8, "second_uses_accepted": 0,
    "lenders": 3, "borrowers": 2, "listings": 2, "lenders_fen": 3_800_100, "borrowers_fen": 3_800_100, "listings_fen": 3_800_100, "refused": {}, "findings": 0, "named": [], "answers": [],
    "off": {side: {"rows": 0, "named": []} for side in ("lenders", "borrowers", "listings")},
}  # fmt: skip
FAULTY = CLEAN | {
    "paid": 7, "paid_fen": 3_700_100, "off_fen": 100_000, "lenders_fen": 3_700_100, "refused": {"other_holder": 1}, "findings": 1,
    "named": [{"code": "DRILL_REFUSED", "subject": "debts/D1", "detail": "refused with 54", "mend": ""}],
    "off": {side: {"rows": 1, "named": []} for side in ("lenders", "borrowers", "listings")},
}  # fmt: skip


@pytest.fixture(scope="module")
def base():
    return material()


def section(language, **parts):
    found = drill.build(material(**parts), language)
    assert found is not None
    return found


def tables(found):
    return [block for block in found.blocks if isinstance(block, Table)]


@pytest.mark.parametrize(
    ("language", "title", "bonus"), [("zh", "清偿演练", "12.34 元"), ("en", "Settlement drill", "12.34 yuan")]
)
def test_a_clean_drill_shows_its_sums_and_no_faults(language, title, bonus):
    found = section(language, drill=CLEAN)
    assert found.title == title
    assert bonus in found.blocks[1].text
    tiles = next(block for block in found.blocks if isinstance(block, Tiles)).tiles
    assert [(tile.value, tile.tone) for tile in tiles] == [
        (0, "good"),
        (0, "good"),
        (0, "good"),
        (8, "plain"),
        (3_800_100, "plain"),
    ]
    (sides,) = tables(found)
    assert [tuple(row)[1:5] for row in sides.rows] == [
        (3, 0, 3_800_100, 3_800_100), (2, 0, 3_800_100, 3_800_100), (2, 0, 3_800_100, 3_800_100), (8, 0, 3_800_100, 3_800_100)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "reason"), [("zh", "债权人账户不符"), ("en", "the bank holds the debt for another account")]
)
def test_a_faulty_one_names_the_debt_and_breaks_the_verdict(language, reason):
    broken = material(drill=FAULTY)
    reasons, findings = tables(drill.build(broken, language))[1:]
    assert [tuple(row) for row in reasons.rows] == [(reason, 1)]
    assert [tuple(row)[:2] for row in findings.rows] == [("DRILL_REFUSED", "debts/D1")]
    assert pack.verdict(broken) == "broken"
    assert pack.verdict(material(drill=CLEAN)) == pack.verdict(material()) != "broken"


def test_without_one_there_is_no_section_and_it_is_said(base):
    assert drill.build(base, "en") is None
    assert any("No settlement drill" in line for line in untested.untested(base, "en"))
    assert not any("settlement drill" in line for line in untested.untested(material(kind="production"), "en"))
    assert any("sandbox bank only" in line for line in untested.untested(material(drill=CLEAN), "en"))
