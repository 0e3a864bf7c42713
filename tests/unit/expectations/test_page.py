"""The result page and the last line: the reason first, both languages, offline, nothing of a row but its key."""

import re
from html.parser import HTMLParser

import pytest

from expectations import GATES, rules_of
from expectations.page import by_weight, last_line, page, reason, verdict
from expectations.plain import PlainJudge


def judged(stage="debts", keys=None, **changed):
    measures = {name: 1 if rule.kind == "at_least" else 0 for rule in rules_of(stage) for name in rule.measures}
    return PlainJudge().judge(stage, measures | changed, keys or {})


SHUT = judged(
    keys={"debts.listing_not_conserved": ["L1", "L2", "L3", "L4"]},
    **{"debts.listing_not_conserved": 9, "debts.undecided": 2, "debts.self_loan": None},
)


class Tags(HTMLParser):
    """Every tag opened must be closed; collects addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.addresses = [], []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_last_line_says_why_in_both_languages():
    assert last_line(SHUT, "en") == (
        "DBT-004 each listing's principal and interest are unchanged: 9 found (L1, L2, L3, …); blocks residual; "
        "owner engineering (+1)"
    )
    assert last_line(SHUT, "zh") == (
        "DBT-004 每个标的的本金、利息不变：9 项 (L1, L2, L3, …)；阻断 遗留余额；责任 技术 (+1)"
    )


def test_the_last_line_of_an_open_gate_counts():
    line = last_line(judged(**{"debts.undecided": 2}), "en")
    assert line == f"{len(rules_of('debts'))} rules judged: {len(rules_of('debts')) - 1} passed, 1 noted or warned of."


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (judged(), "open"),
        (judged(**{"debts.undecided": 1}), "open"),
        (judged(**{"debts.self_loan": 1, "debts.platform_holder": None}), "shut"),
        (judged(**{"debts.platform_holder": None}), "unsure"),
        ((), "unsure"),
    ],
)
def test_only_what_blocks_shuts_and_a_gap_never_opens(results, expected):
    assert verdict(results) == expected


def test_a_sum_that_differs_is_told_by_both_numbers():
    failed = by_weight(judged(**{"debts.accounted_fen": 999, "debts.legacy_fen": 1000}))[0]
    assert "observed 999, expected 1000" in reason(failed, "en")
    assert "实测 999, 应为 1000" in reason(failed, "zh")


def test_a_rule_not_checked_says_so():
    assert "DBT-022 nobody is registered as his own lender: not checked;" in reason(by_weight(SHUT)[1], "en")
    assert last_line((), "zh") == "关口关闭：有检查未能进行"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("stage", GATES)
def test_the_page_is_whole_html_and_needs_no_network(stage, language):
    html = page(stage, 1, judged(stage), language)
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert tags.addresses == []
    assert not re.search(r"https?://|<script|@import|url\(", html)
    assert all(rule.id in html for rule in rules_of(stage))


def test_the_page_shows_the_reason_before_the_list():
    html = page("debts", 2, SHUT, "zh")
    assert '<html lang="zh-CN">' in html
    assert "关口关闭" in html
    assert "第 2 轮" in html
    assert html.index('id="DBT-004"') < html.index('id="DBT-022"') < html.index('id="DBT-042"') < html.index("<table>")
    assert all(f"<code>{key}</code>" in html for key in ("L1", "L2", "L3", "L4"))
    assert "等，共 9 项" in html


def test_a_key_cannot_become_markup():
    html = page("debts", 1, judged(keys={"debts.self_loan": ["<b>x"]}, **{"debts.self_loan": 1}), "en")
    assert "<b>x" not in html
    assert "&lt;b&gt;x" in html


def test_no_two_pages_differ_for_the_same_results():
    assert page("debts", 1, SHUT, "en") == page("debts", 1, SHUT, "en")
