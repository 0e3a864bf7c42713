"""The report: it says the truth, in both languages, offline, without anybody's data."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from migration.domain.errors import ConfigurationError
from migration.reports import charts, codes, pack, sections, totals, untested
from migration.reports.charts import Step
from migration.reports.words import WORDS
from tests.unit.reports.material_kit import SCOPE, material
from tests.unit.verification.small_world import NUMBER, USERS


@pytest.fixture(scope="module")
def done():
    return material()


def page(found, tmp_path, language="zh"):
    return pack.write(found, tmp_path, language).read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "br", "line", "rect"})

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_file_that_needs_nothing_and_runs_nothing(done, tmp_path, language):
    reader = Reader()
    text = page(done, tmp_path, language)
    reader.feed(text)
    assert reader.open == []
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form"}
    assert not [a for _, attrs in reader.seen for a in attrs if a in {"src", "srcset", "onload", "onclick"}]
    assert all(attrs["href"].startswith("#") for _, attrs in reader.seen if "href" in attrs)
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_every_entry_of_the_contents_leads_to_a_section(done, tmp_path):
    text = page(done, tmp_path)
    targets = re.findall(r'<a href="#(\w+)"', text)
    assert targets
    assert set(targets) == set(re.findall(r'<section id="(\w+)"', text))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_is_in_it(done, tmp_path, language):
    text = page(done, tmp_path, language)
    for user in USERS:
        for secret in (user["id_no"], user["name"], user["phone"], user["email"]):
            assert not secret or len(secret) < 4 or secret.strip() not in text
    assert not [number for number in NUMBER.values() if number in text]
    assert "手机 138****0007" in text or "手机 138****0007 停用" in text


def test_both_languages_show_the_same_figures(done, tmp_path):
    figures = [sorted(re.findall(r"\d[\d,]*\.\d\d\b", page(done, tmp_path, language))) for language in ("zh", "en")]
    assert figures[0] == figures[1]
    assert "38,000.10" in figures[0]


def test_no_chinese_is_left_in_english(done, tmp_path):
    body = page(done, tmp_path, "en").split("</style>")[1]
    quoted = ("手机", "停用", "换号")  # what people wrote
    for word in quoted:
        body = body.replace(word, "")
    assert re.findall(r"[\u4e00-\u9fff]+", body) == []


def test_place_and_modes(done, tmp_path):
    place = pack.write(done, tmp_path / "out", "en")
    assert place.name == "cutover-2017-11-jx-rehearsal-en.html"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_folder_that_cannot_be_written(done, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="OUT_FOLDER"):
        pack.write(done, tmp_path / "file", "zh")


# --- the verdict -------------------------------------------------------------------------------------------------------


def test_verdicts(done):
    found = dict(done.verification)
    assert pack.verdict(done) == "complete"
    assert pack.verdict(replace(done, done=False)) == "incomplete"
    assert pack.verdict(replace(done, verification={**found, "differences": 1})) == "broken"
    assert pack.verdict(replace(done, verification={**found, "planted_unseen": 1})) == "broken"
    assert pack.verdict(replace(done, chain={**done.chain, "breaks": 1})) == "broken"
    assert pack.verdict(replace(done, balance={**done.balance, "difference_fen": 1})) == "broken"
    unfinished = replace(done, done=False, balance={**done.balance, "difference_fen": 1})
    assert pack.verdict(unfinished) == "incomplete"


def test_a_broken_one_says_so_first(done, tmp_path):
    text = page(replace(done, chain={**done.chain, "breaks": 1}), tmp_path)
    assert WORDS["broken"][0] in text
    assert WORDS["complete"][0] not in text


# --- sections ----------------------------------------------------------------------------------------------------------


def test_rules_show_the_latest_result_and_the_history(done):
    (gate,) = sections.rules(done, "en")
    first, second = gate["rules"]
    assert (first["outcome"], first["runs"], first["failed_before"]) == ("passed", 2, 1)
    assert (second["outcome"], second["title"]) == ("noted", "rule 2")
    assert sections.not_passed(done) == 0


def test_exceptions_are_counted_with_the_mended_and_listed_without(done):
    summary, rows, more = sections.exceptions(done, "zh")
    assert [(row["state"], row["count"], row["fen"]) for row in summary] == [
        ("signed", "1", "7,000.00"),
        ("mended", "1", "7,000.00"),
    ]
    assert [(row["key"], row["signer"], row["reason"]) for row in rows] == [
        ("P7", "compliance-1", "手机 138****0007 停用")
    ]
    assert more == 0


def test_merged_and_refused(done):
    merges = sections.merges(done, "en")
    assert merges["rows"] == [{"kept": "P1", "members": "P2", "criterion": "own election", "fen": "8,000.10"}]
    assert merges["same"]
    (refused,) = sections.refused(done, "en")
    assert (refused["key"], refused["fen"], refused["signer"]) == ("P7", "7,000.00", "compliance-1")
    assert refused["cause"] == "BANK_106 · the bank answered 106"


def test_a_sample_shows_its_plan_and_what_came_of_it(done):
    (sample,) = sections.samples(done, "en")
    assert [sample[n] for n in ("population", "defects", "size", "drawn", "ok", "not_ok")] == [
        "8",
        "1",
        "8",
        "2",
        "1",
        "1",
    ]
    assert [(s["name"], s["bare"]) for s in sample["strata"]] == [
        ("repayment method: at maturity", False),
        ("company: yes", True),
    ]


def test_a_changed_result_changes_every_link_after_it(done):
    links = [row["chain"] for row in sections.batches(done, "zh")]
    spoilt = [replace(b, result_sha256="0" * 64) if b.batch_no == "000003" else b for b in done.batches]
    others = [row["chain"] for row in sections.batches(replace(done, batches=spoilt), "zh")]
    assert [a == b for a, b in zip(links, others, strict=True)] == [True, True, False, False, False, False]


def test_control_totals_agree_and_notice_a_swap(done):
    assert all(control.agrees for control in totals.controls(done))
    debts = done.claim["debts"]
    amounts = debts["principal_fen"].to_pylist()
    amounts[2], amounts[3] = amounts[3], amounts[2]
    at = debts.schema.get_field_index("principal_fen")
    spoilt = {**done.claim, "debts": debts.set_column(at, debts.schema.field(at), [amounts])}
    wrong = [c for c in totals.controls(replace(done, claim=spoilt)) if not c.agrees]
    assert [c.entity for c in wrong] == ["debts"]
    assert wrong[0].legacy.fen == wrong[0].outcome.fen  # the sum does not see it, the hash total does


def test_disclosed_figures(done):
    found = {f.name: (f.legacy_fen, f.outcome_fen) for f in totals.figures(done)}
    assert found == {"outstanding": (4_500_010, 4_500_010), "overdue": (0, 0)}


def test_what_was_not_tested_depends_on_kind_and_scope(done):
    lines = " ".join(untested.untested(done, "en"))
    assert "Not a production run" in lines
    assert "written beforehand" in lines
    assert "No query channel" in lines
    there = replace(done, kind="production", gates=(), scope=replace(SCOPE, query_channel=True))
    lines = " ".join(untested.untested(there, "en"))
    assert "Not a production run" not in lines
    assert "No query channel" not in lines


def test_every_word_has_two_languages():
    tables = (
        codes.DISPOSITIONS,
        codes.REASONS,
        codes.ENTITIES,
        codes.STAGES,
        codes.STATES,
        codes.CRITERIA,
        codes.STRATA,
    )
    for pair in [pair for table in (*tables, codes.LEVELS, WORDS) for pair in table.values()]:
        assert len(pair) == 2
        assert all(pair)
        assert pair[0].count("{") == pair[1].count("{")
        assert not re.search(r"[\u4e00-\u9fff]", pair[1])


# --- the chart ---------------------------------------------------------------------------------------------------------


def _bars(svg):
    found = re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', svg)
    return [(float(top), float(top) + float(height)) for top, height in found]


def test_the_waterfall_goes_down_to_the_ground():
    steps = [Step("a", 1_000, "whole", total=True), Step("b", 600, "move"), Step("c", 400, "stay")]
    svg = charts.waterfall([*steps, Step("d", 0, "good", total=True)], "t")
    (_, floor), second, third, last = _bars(svg)
    assert second[0] == pytest.approx(_bars(svg)[0][0])
    assert second[1] == pytest.approx(third[0], abs=0.2)
    assert third[1] == pytest.approx(floor, abs=0.2)
    assert last[1] == pytest.approx(floor, abs=0.2)


def test_labels_are_escaped():
    svg = charts.waterfall([Step("<b>&", 1, "whole", total=True)], 'a "title"')
    assert "&lt;b&gt;&amp;" in svg
    assert "&quot;title&quot;" in svg
