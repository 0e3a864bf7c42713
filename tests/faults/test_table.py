"""The table of faults is whole: every fault has a test that exists, and the page says so."""

from __future__ import annotations

from tests.faults import report, table

LISTED = {
    "Bank": (
        "time-out before the effect", "time-out after the effect", "502 after the effect", "reset in mid-answer", "slow drip",
        "processing for hours", "not found first and success later", "duplicate on a first send",
        "success code with a wrong number", "success code with a wrong amount", "success code with a wrong currency",
        "replayed old answer", "certificate or key changed", "window closed", "rate limit",
    ),
    "Files": (
        "truncated at every byte", "same file twice", "same name, other content", "rows reordered", "rows doubled",
        "rows unknown", "rows missing", "contradicting an earlier file", "personal and corporate swapped",
        "another batch's header fields", "another date's header fields", "half a GBK character at a field edge", "NUL", "BOM",
        "lone CR", "full-width digits", "name over its width", "picked up while being written", "../../x as file name",
        "absolute file name", "symlink as file name", "the account was opened meanwhile by the user himself",
    ),
}  # fmt: skip


def test_every_fault_of_the_two_groups_is_listed_once():
    for group, names in LISTED.items():
        found = [fault.name for fault in table.FAULTS if fault.group == group]
        assert sorted(found) == sorted(names)


def test_every_test_named_exists():
    named = {node for fault in table.FAULTS for node in fault.tests}
    missing = [node for node in named if node.partition("::")[2] not in table.functions(node.partition("::")[0])]
    assert missing == []
    assert all(fault.tests and fault.outcome for fault in table.FAULTS)


def test_the_page_is_up_to_date():
    assert table.PAGE.read_text("utf-8") == table.page(), "python -m tests.faults.table"


def test_the_report_says_passed_failed_and_not_run():
    good, bad = table.FAULTS[-1], table.FAULTS[-2]
    lines = report.lines({"passed": [f"{node}[a]" for node in good.tests], "failed": [f"{bad.tests[-1]}[x]"]})
    assert len(lines) == len(table.FAULTS) + 1
    assert [line.split()[0] for line in lines[-3:-1]] == ["FAILED", "passed"]
    assert lines[0].startswith("not run")
    assert lines[-1] == f"{len(table.FAULTS)} faults: 1 FAILED, {len(table.FAULTS) - 2} not run, 1 passed"
    assert report.lines({"passed": [good.tests[0]]})[-2].startswith("not run"), "one of its two tests did not run"
