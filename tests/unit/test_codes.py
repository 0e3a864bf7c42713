"""docs/codes.md has a paragraph for every stable code the product can print, and none for a code that is gone.

Codes are collected from the source: words in capitals with an underscore, the first argument of a finding or an error, the
reason codes, the checks of the verifier, and what the journal's SQL raises. The sandbox is not part of the product.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.verification.library import SPECS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "codes.md"
FAMILY = "BANK_…"
"""The paragraph for `BANK_<code>`, which is composed."""

NO_CODES = {
    *(
        "AIRFLOW_HOME",
        "GX_ANALYTICS_ENABLED",
        "LC_ALL",
        "NO_PROXY",
        "PG_VERSION",
    ),  # the environment, a file of PostgreSQL
    *(
        "CUTOVER_ACTOR",
        "CUTOVER_CONFIG",
        "CUTOVER_DAILY_SCHEDULE",
        "CUTOVER_DATA_KEY",
        "CUTOVER_DATA_KEY_NEW",
        "CUTOVER_ENGINE",
        "CUTOVER_EVIDENCE_KEY",
        "CUTOVER_FAILPOINT",
    ),
    *(
        "CUTOVER_POLL_MAX_S",
        "CUTOVER_POLL_S",
        "CUTOVER_POOL",
        "CUTOVER_RETRY_S",
        "CUTOVER_TRACEBACK",
        "CUTOVER_WAIT_HOURS",
    ),
    *("CURR_BAL", "ORI_TRANNO"),  # fields of the bank's daily files
    "ARROW_DEFAULT_MEMORY_POOL",  # Arrow's own variable
}
"""Words of the same form that are something else."""

WORD = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
TELLING = {"Finding", "of", "at_line", "finding", "whole"}
"""Calls whose first argument is a code."""


def sources(root: Path) -> Iterator[Path]:
    for room in ("migration", "expectations", "dags"):
        for path in sorted((root / room).rglob("*.py")):
            if "sandbox" not in path.relative_to(root).parts:
                yield path


def codes_in(source: str) -> set[str]:
    """The codes that a module's text holds."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "_" in node.value:
            found.add(node.value)
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            found.update(_first_argument(node.func, node.args[0].value))
        if isinstance(node, ast.Assign | ast.AnnAssign) and "REASONS" in _names(node):
            found.update(key.value for key in getattr(node.value, "keys", []))
    return {code for code in found if WORD.fullmatch(code)} - NO_CODES


def _first_argument(call: ast.expr, value: object) -> Iterator[str]:
    name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
    if isinstance(value, str) and name in TELLING:
        yield value


def _names(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def collected(root: Path) -> set[str]:
    found = {code for path in sources(root) for code in codes_in(path.read_text(encoding="utf-8"))}
    for path in sorted((root / "migration").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r"RAISE EXCEPTION '([A-Z_]+)'", text))
    return found | {spec.code for spec in SPECS}


def described(page: str) -> Counter[str]:
    return Counter(re.findall(r"^\*\*`([A-Z0-9_…]+)`\*\* \((?:exit [1-5]|no stop|a warning)\) \S", page, re.MULTILINE))


@pytest.fixture(scope="module")
def page() -> Counter[str]:
    return described(PAGE.read_text(encoding="utf-8"))


def test_every_code_has_a_paragraph(page: Counter[str]) -> None:
    assert not sorted(collected(ROOT) - set(page)), "write a paragraph for each of these in docs/codes.md"


def test_no_paragraph_is_stale_or_stands_twice(page: Counter[str]) -> None:
    assert not sorted(set(page) - collected(ROOT) - {FAMILY}), (
        "the source has these no more: take them out of docs/codes.md"
    )
    assert not [code for code, times in page.items() if times > 1]
    assert page[FAMILY] == 1


def test_the_page_names_each_exit_code_that_its_error_has(page: Counter[str]) -> None:
    """The family of an error decides its exit code; the page must not say another one."""
    said = dict(re.findall(r"^\*\*`([A-Z0-9_]+)`\*\* \(exit ([1-5])\)", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    exits = {"ConfigurationError": "2", "InputRefused": "2", "GateClosed": "3", "Waiting": "4", "OutcomeUnknown": "5"}
    exits |= {"CouldNotCheck": "5", "TransientError": "1", "StaleFence": "1"}
    raised: dict[str, set[str]] = {}
    for path in sources(ROOT):
        for name, code in re.findall(r"(\w+)\.of\(\s*\"([A-Z0-9_]+)\"", path.read_text(encoding="utf-8")):
            if name in exits:
                raised.setdefault(code, set()).add(exits[name])
    assert len(raised) > 50
    assert {
        code: (said.get(code), possible) for code, possible in raised.items() if said.get(code) not in possible
    } == {}


def test_the_collector_sees_codes_wherever_they_stand() -> None:
    source = """
def f():
    raise GateClosed.of("GONE", "x", "y")
    yield Finding("MONEY_ODD", "x", "y")
    rows = {"a": ("STALE_ROW", "b")}
    os.environ["CUTOVER_ACTOR"]
REASONS = {"ZERO": 1}
"""
    assert codes_in(source) == {"GONE", "MONEY_ODD", "STALE_ROW", "ZERO"}
