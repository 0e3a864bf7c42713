"""The one line that says why a task stopped: both languages, codes and keys, never more than a line.

The builder lives in the DAG folder, which only Airflow's processes have on their path: it is read from there, without
the parts that import Airflow.
"""

from __future__ import annotations

import sys

import pytest

from expectations import all_rules
from expectations.words import owner_name, stage_name
from migration.domain import errors
from migration.domain.findings import Finding
from migration.domain.values import CheckResult
from migration.stages import gates
from tests.dags.conftest import ROOT


@pytest.fixture(scope="module")
def reasons():
    sys.path.insert(0, str(ROOT / "dags"))
    try:
        from cutover_flow import reasons

        yield reasons
    finally:
        sys.path.remove(str(ROOT / "dags"))
        for name in [name for name in sys.modules if name.partition(".")[0] == "cutover_flow"]:
            del sys.modules[name]


def test_a_known_code_is_told_in_both_languages(reasons):
    error = errors.Waiting.of("APPROVAL_MISSING", "debts.full", "1 of 2 approvals given", "cutover approve debts.full")
    zh, en = reasons.line("debts", "approve_full", error).split(" / ", 1)
    assert zh == "债权登记·全量等待审批：等待：尚缺审批[APPROVAL_MISSING] debts.full"
    assert en == (
        "Debts / Approval (full set): waiting: "
        "APPROVAL_MISSING debts.full: 1 of 2 approvals given -> cutover approve debts.full"
    )


def failed(rule):
    told = {name: getattr(rule, name) for name in ("entity", "severity", "clause", "owner", "blocks")}
    titles = {"title_zh": rule.title_zh, "title_en": rule.title_en}
    return CheckResult(
        rule.id, **told, **titles, outcome="failed", observed=3, expected=0, failures=3, keys=("D1", "D2", "D3")
    )


def test_a_failed_rule_is_told_whole_in_both_languages(reasons):
    for rule in all_rules():
        blocks = {"zh": stage_name(rule.blocks, "zh"), "en": rule.blocks}
        zh, en = reasons._both(gates.finding(failed(rule)))
        zh_blocks, en_blocks = (f"；阻断 {blocks['zh']}", f"; blocks {blocks['en']}") if rule.blocks else ("", "")
        owner = owner_name(rule.owner, "zh")
        assert zh.startswith(rule.title_zh.partition("：")[0] + f"[{rule.id}] {rule.entity}：")
        assert zh.endswith(f"3 项 (D1, D2, D3){zh_blocks}；责任 {owner}")
        assert rule.title_zh not in en
        assert f"{rule.id} {rule.entity}: {rule.title_en}: 3 found (D1, D2, D3){en_blocks}; owner {rule.owner}" in en


def test_more_findings_than_fit_are_counted(reasons):
    error = errors.GateClosed(*(Finding("BANK_99", f"debts/D{n}", "refused in the sample") for n in range(10)))
    line = reasons.line("debts", "collect_sample", error)
    assert "银行拒绝[BANK_99] debts/D2；另有 7 项" in line
    assert line.endswith("; and 7 more")
    assert "D3" not in line


def test_it_is_one_line_whatever_the_findings_hold(reasons):
    error = errors.GateClosed(Finding("REJECTED", "debts.full", "rejected:\n  because\tof this"))
    assert "\n" not in reasons.line("debts", "approve_full", error)


@pytest.mark.parametrize(
    "cls", [errors.GateClosed, errors.OutcomeUnknown, errors.CouldNotCheck, errors.InputRefused, errors.StaleFence]
)
def test_every_kind_of_error_has_words(reasons, cls):
    zh, en = reasons.kind(cls.of("X", "y", "z"))
    assert (zh, en) != ("停止", "stopped")
    assert zh != en


def test_an_error_without_findings_still_says_where(reasons):
    assert (
        reasons.line("preflight", "run", errors.GateClosed())
        == "冻结与预检·执行：闸门关闭：— / Freeze & pre-flight / Run: gate closed: —"
    )
