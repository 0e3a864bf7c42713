"""Planted defects: every one still fits the code, and a third of them, another each day, is planted and found."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.mutation.planting import registry, table

ROOT = Path(__file__).resolve().parents[2]
DEFECTS = registry()
THIRDS = 3


def test_there_are_enough_of_them_each_named_once_and_each_with_its_test():
    assert len(DEFECTS) >= 30
    assert len({d.name for d in DEFECTS}) == len({d.breaks for d in DEFECTS}) == len(DEFECTS)
    for defect in DEFECTS:
        assert defect.found_by
        assert defect.change or defect.sql


@pytest.mark.parametrize("defect", [d for d in DEFECTS if d.change], ids=lambda d: d.name)
def test_a_defect_still_fits_the_code_it_was_written_for(defect):
    """When this fails the code has changed under the defect: write it anew in planted.toml."""
    assert [function for _, function, _ in defect.changed()]


def test_each_is_found_by_name():
    """`PLANT_SEED=n` takes the n-th third."""
    turn = int(os.environ.get("PLANT_SEED") or datetime.now(UTC).toordinal())
    names = [d.name for n, d in enumerate(DEFECTS) if n % THIRDS == turn % THIRDS]
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation.planting", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.rstrip().endswith(f"{len(names)} planted, {len(names)} found")


def test_the_document_names_what_found_each():
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    assert table(DEFECTS) in text, "python -m tests.mutation.planting --table"
