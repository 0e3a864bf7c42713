"""docs/reliability.md names a test for every fault, and each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.table import ROOT, functions
from tests.simulation.faults import KINDS

PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
WANTED = {"Process": 18, "Database": 5, "People and money": 11}


def rows() -> list[tuple[str, str, str]]:
    """Group, fault, tests."""
    table = PAGE.partition("## Each fault and its test")[2].partition("\n## ")[0]
    cells = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    return [(c[0].strip(), c[1].strip(), c[2].strip()) for c in cells if c[0].strip() in WANTED]


def test_every_fault_of_the_three_groups_is_there() -> None:
    assert {group: sum(found == group for found, _, _ in rows()) for group in WANTED} == WANTED


@pytest.mark.parametrize(("fault", "named"), [(fault, named) for _, fault, named in rows()])
def test_what_is_named_exists(fault: str, named: str) -> None:
    nodes = re.findall(r"`([a-z_/]+\.py)::(\w+)`", named)
    assert nodes, fault
    for path, name in nodes:
        assert name in functions(str(Path("tests") / path)), f"{fault}: {path}::{name}"
    for kind in re.findall(r"`([a-z_]+)`", named):
        assert kind in KINDS, f"{fault}: {kind}"
