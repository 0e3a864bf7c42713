"""Real kills: SIGKILL at named points of a real process on a real PostgreSQL, then another process goes on.

The outcome must be that of an undisturbed run, every file sent twice the same byte for byte, one bank effect a key.
`make kill-campaign` kills at every point, twenty times; here, one fixed point in each stage and seven that change with the date.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from datetime import date
from pathlib import Path

import pytest

from tests.support import killed
from tests.support.comparing import kill_and_finish
from tests.support.segments import Kill, Segments

EACH_STAGE = {
    "preflight": "preflight.after_snapshot",
    "identities": "identities.before_done",
    "accounts": "accounts.after_deliver",
    "reopen": "reopen.after_plan",
    "listings": "listings.full.after_deliver",
    "debts": "debts.before_apply",
    "residual": "residual.after_publish",
    "reconcile": "reconcile.after_dispositions",
}
ROTATING = 7


@pytest.fixture(scope="module")
def place():
    """Not under pytest's own temporary folder: PostgreSQL's OS user must pass."""
    folder = Path(tempfile.mkdtemp(prefix="kills_"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def starter(place):
    with killed.Starter(place / "memo") as one:
        yield one


@pytest.fixture(scope="module")
def segments(place, embedded, starter):
    made = Segments(place, embedded, starter)
    made.build()
    yield made
    made.close()


def test_the_undisturbed_run_goes_through_everything(segments):
    assert len(segments.names()) >= 60
    assert {name.split(".")[0] for name in segments.names()} == {*EACH_STAGE, "journal", "files"}
    last = segments.pieces[-1].after
    assert set(killed.effects(last).values()) == {1}
    held = killed.handed_out(last)
    assert b"true" in held["batches.csv"]  # a sample
    assert b"excepted,SELF_LOAN" in held["debts.csv"].replace(b"excepted,L9", b"excepted,SELF_LOAN")
    assert b'"difference_fen": 0' in held["balance.json"]


@pytest.mark.parametrize("point", EACH_STAGE.values(), ids=EACH_STAGE)
def test_killed_in_each_stage(segments, point):
    piece = next(p.number for p in segments.pieces if point in p.points)
    assert segments.kill(Kill(piece, f"{point}@1")) == []


def test_killed_at_points_that_change_with_the_date(segments):
    seed = int(os.environ.get("KILL_SEED", date.today().toordinal()))
    for kill in random.Random(seed).sample(segments.plan(3, seed), ROTATING):
        assert segments.kill(kill) == [], f"KILL_SEED={seed} {kill}"


def test_a_whole_cutover_killed_once_ends_as_the_pieces_do(segments, embedded, starter, place):
    """The pieces are a short cut: one cutover is not cut, and killed in the middle of a delivery."""
    url = embedded.url("kills_whole")
    found = kill_and_finish(starter, segments.pieces[-1].after, place / "whole", url, "debts.full.after_deliver@1")
    embedded.drop("kills_whole")
    assert found == []
