"""The report: it says the truth, in both languages, offline, without anybody's data."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from migration.domain import wording
from migration.domain.errors import ConfigurationError
from migration.reports import charts, codes, pack, words
from migration.reports.cells import shown
from migration.reports.document import Bars, Line, Mark, Series, Step, Table, Waterfall
from migration.reports.page import render
from migration.reports.sections import (
    SECTIONS,
    exceptions,
    files,
    guarantors,
    merges,
    refused,
    rules,
    sampling,
    untested,
)
from migration.reports.texts import yuan
from tests.unit.reports.material_kit import SCOPE, material
from tests.unit.verification.small_world import NUMBER, USERS


@pytest.fixture(scope="module")
def done():
    return material()


def page(found, language="zh"):
    return render(pack.build(found, language))


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "br", "line", "rect", "col", "polyline", "circle"})

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
def test_one_file_that_needs_nothing_and_runs_nothing(done, language):
    reader = Reader()
    text = page(done, language)
    reader.feed(text)
    assert reader.open == []
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form"}
    assert not [a for _, attrs in reader.seen for a in attrs if a in {"src", "srcset", "onload", "onclick"}]
    assert all(attrs["href"].startswith("#") for _, attrs in reader.seen if "href" in attrs)
    assert "http" not in text.replace("http-equiv", "").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_every_entry_of_the_contents_leads_to_a_section(done):
    text = page(done)
    targets = re.findall(r'<a href="#(\w+)"', text)
    assert targets
    assert set(targets) == set(re.findall(r'<section id="(\w+)"', text))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_is_in_it(done, language):
    text = page(done, language)
    for user in USERS:
        for secret in (user["id_no"], user["name"], user["phone"], user["email"]):
            assert not secret or len(secret) < 4 or secret.strip() not in text
    assert not [number for number in NUMBER.values() if number in text]
    assert "手机 138****0007" in text or "手机 138****0007 停用" in text


def test_both_languages_show_the_same_figures(done):
    figures = [sorted(re.findall(r"\d[\d,]*\.\d\d\b", page(done, language))) for language in ("zh", "en")]
    assert figures[0] == figures[1]
    assert "38,000.10" in figures[0]


def test_no_chinese_is_left_in_english(done):
    body = page(done, "en").split("</style>")[1]
    quoted = ("手机", "停用", "换号")  # what people wrote
    for word in quoted:
        body = body.replace(word, "")
    assert re.findall(r"[\u4e00-\u9fff]+", body) == []


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


def test_a_broken_one_says_so_first(done):
    text = page(replace(done, chain={**done.chain, "breaks": 1}))
    assert words.COVER["broken"][0] in text
    assert words.COVER["complete"][0] not in text


# --- sections ----------------------------------------------------------------------------------------------------------


def tables(section):
    """Tables of a section as texts, by title."""
    found = [block for block in section.blocks if isinstance(block, Table)]
    return {
        t.title: [[shown(c, col.kind) for c, col in zip(row, t.columns, strict=True)] for row in t.rows] for t in found
    }


def test_rules_show_the_latest_result_and_the_trend(done):
    found = tables(rules.build(done, "en"))
    first, second = found["Debts, round 1"]
    assert (first[0], first[6], first[8], first[9], first[10]) == ("DEB-001", "=", "passed", "2", "1 → 0")
    assert (second[1], second[6], second[8]) == ("rule 2", "≤", "noted")
    assert rules.not_passed(done) == []
    again = [("debts", 2, at, result) for _, _, at, result in done.checks[1:2]]
    later = tables(rules.build(replace(done, checks=[*done.checks, *again]), "en"))
    assert later["Debts, round 2"][0][9:] == ["3", "1 → 0"]
    assert later["Debts, round 1"][0][9:] == ["2", "1 → 0"]


def test_a_failing_rule_says_how_many_which_keys_what_it_blocks_and_who_owns_it(done):
    stage, round_no, at, rule = done.checks[0]
    failing = replace(rule, failures=7, keys=("D1", "D2"))
    spoilt = replace(done, checks=(*done.checks, (stage, round_no, at, failing)))
    said = {
        "zh": ["未通过", "7", "D1, D2, …", "遗留余额", "技术"],
        "en": ["failed", "7", "D1, D2, …", "Residual balances", "engineering"],
    }
    for language, title in (("zh", "未通过与提示"), ("en", "Not passed, and notes")):
        row, _ = tables(rules.build(spoilt, language))[title]
        assert [row[0], *row[3:]] == ["DEB-001", *said[language]]
    assert rules.not_passed(spoilt) == [failing]


def test_exceptions_are_counted_with_the_mended_and_listed_without(done):
    found = tables(exceptions.build(done, "zh"))
    assert [row[2:] for row in found[""]] == [["已签字", "1", "7,000.00"], ["已更正", "1", "7,000.00"]]
    (row,) = found["逐笔"]
    assert (row[2], *row[4:]) == ("P7", "签字例外", "7,000.00", "compliance-1", "手机 138****0007 停用")


def test_excepted_debts_rest_on_a_signature_each_and_add_up_to_the_equation(done):
    found = tables(exceptions.build(done, "en"))["Excepted debts, by the signature they rest on"]
    *_, whole = found
    excepted = [row for row in done.claim["debts"].to_pylist() if row["disposition"] == "excepted"]
    assert whole == ["Total", str(len(excepted)), yuan(done.balance["excepted_fen"])]
    assert [row[0] for row in found[:-1]] == ["its lender"]
    nobody = tables(exceptions.build(replace(done, exceptions=done.exceptions.slice(1)), "en"))
    assert nobody["Excepted debts, by the signature they rest on"][0][0] == "nothing"


@pytest.mark.parametrize(
    ("entity", "key_of", "name"),
    [("debts", "debt_id", "own"), ("listings", "listing_id", "listing"), ("users", "holder_user_id", "holder")],
)
def test_whose_signature_a_debt_rests_on(done, entity, key_of, name):
    excepted = next(row for row in done.claim["debts"].to_pylist() if row["disposition"] == "excepted")
    signed = done.exceptions.slice(0, 1).to_pylist()[0] | {"entity": entity, "key": excepted[key_of]}
    found = exceptions.resting(replace(done, exceptions=pa.Table.from_pylist([signed], done.exceptions.schema)))
    assert excepted["debt_id"] in found[name]["debt_id"].to_pylist()


def test_a_debt_rests_on_the_signature_of_the_account_its_borrower_was_merged_into(done):
    excepted = next(row for row in done.claim["debts"].to_pylist() if row["disposition"] == "excepted")
    borrower = next(r for r in done.legacy["listings"].to_pylist() if r["listing_id"] == excepted["listing_id"])[
        "borrower_id"
    ]
    users = [
        row | {"kept_user_id": "KEPT"} if row["user_id"] == borrower else row for row in done.claim["users"].to_pylist()
    ]
    claim = {**done.claim, "users": pa.Table.from_pylist(users, done.claim["users"].schema)}
    signed = done.exceptions.slice(0, 1).to_pylist()[0] | {"key": "KEPT"}
    rows = pa.Table.from_pylist([signed], done.exceptions.schema)
    assert (
        excepted["debt_id"]
        in exceptions.resting(replace(done, claim=claim, exceptions=rows))["party"]["debt_id"].to_pylist()
    )


def test_a_long_list_is_cut_on_a_page_and_whole_in_the_document(done):
    one = done.exceptions.slice(0, 1).to_pylist()[0]
    many = done.exceptions.from_pylist([{**one, "id": f"X{n:012d}"} for n in range(1_203)], done.exceptions.schema)
    found = replace(done, exceptions=many)
    assert len(tables(exceptions.build(found, "en"))["One by one"]) == 1_203
    text = page(found, "en")
    assert "203 more rows" in text
    assert "X000000000999" in text
    assert "X000000001000" not in text


def test_merged_and_refused(done):
    (row,) = tables(merges.build(done, "en"))[""]
    assert row == ["P1", "P2", "own election", "8,000.10", "8,000.10"]
    found = tables(refused.build(done, "en"))
    (person,) = found["Users refused, with a position"]
    assert person == ["P7", "BANK_106 · phone taken", "signed exception", "7,000.00", "2017-11-18/000001", "7",
                      "compliance-1"]  # fmt: skip
    assert found["Refusals of the bank"] == [
        ["2017-11-18/000001", "7", "users", "P7", "BANK_106 · phone taken", "1", "signed exception"],
        ["2017-11-18/000005", "2", "debts", "D2", "BANK_14 · the bank answered 14", "1", "registered"],
    ]


def test_a_sample_shows_its_plan_and_what_came_of_it(done):
    plan, strata = tables(sampling.build(done, "en")).values()
    assert plan == [["8", "1", "8", "2", "1", "1", "failed"]]
    assert strata == [["repayment method: at maturity", "4", "2", "✔"], ["company: yes", "1", "0", "✖"]]


def test_a_changed_result_changes_every_link_after_it(done):
    links = [link.value for link in files.chain(done)]
    assert len(links) == 2 * len(done.batches) + 1  # one manifest is kept
    spoilt = [replace(b, result_sha256="0" * 64) if b.batch_no == "000003" else b for b in done.batches]
    others = [link.value for link in files.chain(replace(done, batches=spoilt))]
    assert [a == b for a, b in zip(links, others, strict=True)].index(False) == 6
    assert links[-1] != others[-1]


def test_a_file_that_is_left_out_shows(done):
    links = files.chain(done)
    assert all(link.previous == before.value for before, link in itertools.pairwise(links))
    shorter = files.chain(replace(done, batches=[*done.batches[:2], *done.batches[3:]]))
    assert shorter[-1].name == links[-1].name
    assert shorter[-1].value != links[-1].value
    without = files.chain(replace(done, manifests={}))
    assert without[-1].value != links[-1].value


def test_control_totals_agree_and_notice_a_swap(done):
    assert all(control.agrees for control in done.controls)
    debts = done.claim["debts"]
    amounts = debts["principal_fen"].to_pylist()
    amounts[2], amounts[3] = amounts[3], amounts[2]
    at = debts.schema.get_field_index("principal_fen")
    spoilt = {**done.claim, "debts": debts.set_column(at, debts.schema.field(at), [amounts])}
    for compare, name in (("controls", "debts"), ("disclosed", "outstanding")):
        wrong = {c.name: c for c in getattr(replace(done, claim=spoilt), compare) if not c.agrees}
        assert wrong[name].legacy.fen == wrong[name].outcome.fen  # the sum does not see it, the hash total does


def test_disclosed_figures(done):
    found = {f.name: (f.legacy.rows, f.legacy.fen, f.outcome.rows, f.outcome.fen) for f in done.disclosed}
    assert found == {"outstanding": (9, 4_500_010) * 2, "overdue": (0, 0) * 2, "advanced": (1, 400_000) * 2}


def test_what_was_not_tested_depends_on_kind_and_scope(done):
    lines = " ".join(untested.untested(done, "en"))
    assert "Not a production run" in lines
    assert "written beforehand" in lines
    assert "No query channel" in lines
    there = replace(done, kind="production", gates=(), scope=replace(SCOPE, query_channel=True))
    lines = " ".join(untested.untested(there, "en"))
    assert "Not a production run" not in lines
    assert "No query channel" not in lines


def test_the_bank_is_told_whose_accounts_are_for_guarantees(done):
    section = guarantors.build(done, "en")
    assert "set these 1 to guarantee (00100)" in section.blocks[0].text
    assert tables(section)[""] == [["P5", "****0057", "1", "17,000.10"]]
    moved = [row | {"kept_user_id": "P4"} if row["user_id"] == "P5" else row for row in done.claim["users"].to_pylist()]
    merged = {**done.claim, "users": pa.Table.from_pylist(moved, done.claim["users"].schema)}
    assert tables(guarantors.build(replace(done, claim=merged), "zh"))[""][0][0] == "P4", "the account that was kept"
    none = done.claim["listings"].to_pylist()
    none[0]["disposition"] = "excepted"
    claim = {**done.claim, "listings": pa.Table.from_pylist(none, done.claim["listings"].schema)}
    assert guarantors.build(replace(done, claim=claim), "en") is None


def test_daily_files_are_untested_until_some_were_taken_in(done):
    assert "EVE / ALEVE" in " ".join(untested.untested(done, "en"))
    taken = replace(done, scope=replace(SCOPE, days=[done.business_date]))
    assert "EVE / ALEVE" not in " ".join(untested.untested(taken, "en"))


@pytest.mark.parametrize(("language", "said"), [("zh", "配置为演练"), ("en", "configured as a rehearsal")])
def test_a_production_report_of_a_rehearsal_says_so_first_and_keeps_the_mark(done, language, said):
    rehearsed = replace(done, kind="production", scope=replace(SCOPE, configured="rehearsal"))
    document = pack.build(rehearsed, language)
    assert said in document.reasons[0]
    assert document.words["mark_production"] == document.words["mark_rehearsal"] != ""
    assert any(said in line for line in untested.untested(rehearsed, language))
    real = pack.build(replace(done, kind="production", scope=replace(SCOPE, configured="production")), language)
    assert not any(said in line for line in real.reasons)
    assert real.words["mark_production"] == ""


def test_an_answer_of_the_bank_says_what_it_means_where_that_is_known(done):
    words = {("listings", "20"): ("平台校验未通过", "platform check failed"), ("listings", "14"): ("他行", "other"),
             ("debts", "14"): ("无效", "invalid")}  # fmt: skip
    told = replace(done, scope=replace(SCOPE, answers=words))
    assert told.why("listings", "BANK_20", "zh") == "BANK_20 · 平台校验未通过"
    assert told.why("debts", "BANK_20", "en") == "BANK_20 · platform check failed", "its listing was refused"
    assert told.why("debts", "BANK_14", "en") == "BANK_14 · the bank answered 14", "the debt's answer, or its listing's"
    assert told.why("users", "BANK_20", "zh") == "BANK_20 · 银行应答 20"
    assert told.why("users", "UNDERAGE", "zh") == "UNDERAGE · 未满 18 周岁"


def test_every_section_is_in_the_list_and_each_word_has_two_languages():
    package = importlib.import_module("migration.reports.sections")
    modules = [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    assert {module.build for module in modules} == set(SECTIONS)
    said = [*(module.WORDS for module in modules), words.KINDS, words.COVER, words.DRAWING, words.COMMON, codes.AUTHORISATIONS,
            codes.DISPOSITIONS, codes.REASONS, codes.ENTITIES, wording.STAGES, wording.OWNERS, codes.FIELDS, codes.NOTICES,
            codes.STATES, codes.CRITERIA, codes.STRATA, codes.LEVELS]  # fmt: skip
    for name, pair in [item for table in said for item in table.items()]:
        assert len(pair) == 2
        assert all(pair) or name == "mark_production"
        assert sorted(re.findall(r"{\d}", pair[0])) == sorted(re.findall(r"{\d}", pair[1]))
        assert not re.search(r"[\u4e00-\u9fff]", pair[1])


@pytest.mark.parametrize("kind", pack.KIND_NAMES)
def test_every_kind_from_one_code(done, kind):
    text = page(replace(done, kind=kind), "en")
    assert f'<span class="kind {kind}">{words.KINDS[kind][1]}</span>' in text


# --- hostile text ------------------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>\u202egnp\x00\u200b</td>"


def test_hostile_text_is_inert_in_the_page(done):
    one = {**done.exceptions.slice(0, 1).to_pylist()[0], "reason": HOSTILE, "signed_by": HOSTILE, "key": HOSTILE}
    found = done.exceptions.from_pylist([one], done.exceptions.schema)
    text = page(replace(done, exceptions=found), "en")
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;\ufffdgnp\ufffd\ufffd&lt;/td&gt;") == 3
    assert not re.search("[\u202e\u200b\x00]", text)


def test_a_mark_is_a_text_too():
    assert shown(Mark("a\u202eb"), "mark") == "a\ufffdb"


# --- the chart ---------------------------------------------------------------------------------------------------------


def _bars(svg):
    found = re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', svg)
    return [(float(top), float(top) + float(height)) for top, height in found]


def test_the_waterfall_goes_down_to_the_ground():
    steps = [Step("a", 1_000, "whole", total=True), Step("b", 600, "move"), Step("c", 400, "stay")]
    svg = charts.svg(Waterfall("t", [*steps, Step("d", 0, "good", total=True)]))
    (_, floor), second, third, last = _bars(svg)
    assert second[0] == pytest.approx(_bars(svg)[0][0])
    assert second[1] == pytest.approx(third[0], abs=0.2)
    assert third[1] == pytest.approx(floor, abs=0.2)
    assert last[1] == pytest.approx(floor, abs=0.2)


def test_bars_are_as_long_as_their_values_and_lines_as_high():
    svg = charts.svg(Bars("t", ["a", "b"], [Series("x", [100, 50]), Series("y", [0, 50], "bad")]))
    drawn = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', svg)[2:]  # after the legend
    (x1, _, w1), (x2, y2, w2), (x3, y3, w3) = [tuple(map(float, bar)) for bar in drawn]
    assert w1 == pytest.approx(w2 + w3, abs=0.2)
    assert (x1, y2) == (x2, y3)
    assert x3 == pytest.approx(x2 + w2, abs=0.1)
    svg = charts.svg(Line("t", ["1", "2", "3"], [Series("x", [100, 50, 0])]))
    (points,) = re.findall(r'points="([^"]+)"', svg)
    ys = [float(point.split(",")[1]) for point in points.split()]
    assert ys[2] - ys[1] == pytest.approx(ys[1] - ys[0], abs=0.2)
    assert ys[0] < ys[2]


def test_labels_are_escaped():
    svg = charts.svg(Waterfall('a "title"', [Step("<b>&\u202e", 1, "whole", total=True)]))
    assert "&lt;b&gt;&amp;\ufffd" in svg
    assert "&quot;title&quot;" in svg
