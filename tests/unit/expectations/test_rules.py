"""The rules as data: unique, whole, in both languages, light to import, and described in docs/rules.md."""

import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from expectations import GATES, all_rules, rules_of
from expectations.handbook import handbook
from expectations.rules import EXACT_BOUND, Rule
from expectations.words import ENTITIES_ZH, SEVERITIES_ZH, WORDS
from migration.domain.wording import CLAUSES, OWNERS
from migration.domain.wording import STAGES as STAGE_NAMES

ROOT = Path(__file__).parents[3]
RULE = Rule(
    id="TST-001", stage="debts", entity="debts", kind="zero", measure="m", clause="c", owner="engineering",
    blocks="residual", title_zh="零", title_en="zero",
)  # fmt: skip
STAGES = ["preflight", "identities", "accounts", "reopen", "listings", "debts", "residual", "reconcile"]


def test_every_stage_has_its_gate_in_order():
    assert [stage for stage in GATES if "." not in stage] == STAGES
    assert list(GATES)[list(GATES).index("listings") - 1] == "listings.sample"


def test_a_gate_that_does_not_exist_has_no_rules():
    with pytest.raises(KeyError):
        rules_of("lunch")


def test_an_id_stands_once_in_a_gate_and_means_one_rule_everywhere():
    for rules in GATES.values():
        assert max(Counter(rule.id for rule in rules).values()) == 1
    meanings = defaultdict(set)
    for rule in all_rules():
        meanings[rule.id].add(replace(rule, stage="", severity="info", blocks=""))
    assert all(len(meaning) == 1 for meaning in meanings.values())


@pytest.mark.parametrize("rule", all_rules(), ids=lambda r: f"{r.stage}-{r.id}")
def test_a_rule_is_whole(rule):
    assert re.fullmatch(r"[A-Z]{3}-\d{3}", rule.id)
    assert re.search(r"[\u4e00-\u9fff]", rule.title_zh)
    assert re.fullmatch(r"[ -~]{5,}", rule.title_en)
    assert re.match(r"(domain|contract|reliability|bank-interface)\.md ", rule.clause)
    assert rule.stage in GATES
    assert rule.owner in OWNERS
    assert rule.entity in ENTITIES_ZH
    assert rule.severity in SEVERITIES_ZH
    assert rule.blocks in {*STAGE_NAMES, ""}


def test_every_gate_can_shut():
    for rules in GATES.values():
        assert sum(rule.severity == "blocking" for rule in rules) >= 4
        assert len({rule.blocks for rule in rules if rule.blocks}) == 1


def test_the_next_stage_is_what_a_gate_shuts():
    for stage, following in pairwise(STAGES):
        assert next(rule.blocks for rule in rules_of(stage) if rule.blocks) == following


@pytest.mark.parametrize(
    "wrong",
    [
        {"other": "n"},
        {"kind": "equal"},
        {"threshold": 3},
        {"kind": "at_most", "threshold": -1},
        {"kind": "at_most", "threshold": EXACT_BOUND},
        {"severity": "warning"},
        {"blocks": ""},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match="TST-001"):
        replace(RULE, **wrong)


def test_both_languages_say_everything():
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    assert set(STAGE_NAMES) >= set(GATES)


def test_every_clause_has_a_name_in_both_languages_and_a_page_that_is_there():
    assert set(CLAUSES) == {rule.clause for rule in all_rules()}
    for chinese, english in CLAUSES.values():
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert english.isascii()
    listed = handbook().partition("## Clauses")[2]
    assert listed.count("\n| ") == len(CLAUSES) + 1
    assert all((ROOT / "docs" / page).is_file() for page in re.findall(r"\]\((\S+?)\)", listed))


def test_the_handbook_is_current():
    written = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert written == handbook(), "write it anew: .venv/bin/python -m expectations.handbook > docs/rules.md"


def test_the_handbook_describes_every_rule_once():
    described = Counter(re.findall(r"^\| \*\*([A-Z]{3}-\d{3})\*\* \|", handbook(), re.MULTILINE))
    assert described == Counter({rule.id: 1 for rule in all_rules()})


def test_rules_pages_and_runner_are_light_to_import():
    code = (
        "import sys, expectations, expectations.page, expectations.runner, expectations.plain, expectations.handbook\n"
        "sys.exit(sum(name in sys.modules for name in ('great_expectations', 'pandas', 'airflow', 'duckdb')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_result_format_is_set_in_one_place_only():
    sources = [p for room in ("migration", "expectations", "dags") for p in (ROOT / room).rglob("*.py")]
    naming = {p.relative_to(ROOT).as_posix() for p in sources if "result_format" in p.read_text(encoding="utf-8")}
    assert naming == {"expectations/runner.py"}
