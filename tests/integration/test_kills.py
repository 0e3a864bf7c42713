"""Real kills: SIGKILL at named points of a real process on a real PostgreSQL, then another process goes on.

The outcome must be that of an undisturbed run, every file sent twice the same byte for byte, one bank effect a key.
`make kill-campaign` kills at every point, twenty times; here, nine fixed points and six that change with the date.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.support import killed
from tests.support.comparing import differences, kill_and_finish
from tests.support.segments import Kill, Segments

FIXED = {
    "preflight": "preflight.after_snapshot",
    "identities": "identities.before_done",
    "before the intent commits": "journal.seal.before_commit",
    "after the intent": "accounts.after_seal",
    "in mid-upload": "files.half_written",
    "before the rename": "files.before_rename",
    "before it is recorded": "listings.full.after_deliver",
    "in applying a result": "journal.apply.before_commit",
    "residual": "residual.after_publish",
}
STAGES = ("preflight", "identities", "accounts", "reopen", "listings", "debts", "residual", "reconcile")
ROTATING = 6


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
    assert {name.split(".")[0] for name in segments.names()} == {*STAGES, "journal", "files"}
    last = segments.pieces[-1].after
    assert set(killed.effects(last).values()) == {1}
    held = killed.handed_out(last)
    assert b"true" in held["batches.csv"]  # a sample
    assert b"excepted,SELF_LOAN" in held["debts.csv"].replace(b"excepted,L9", b"excepted,SELF_LOAN")
    assert b'"difference_fen": 0' in held["balance.json"]


@pytest.mark.parametrize("point", FIXED.values(), ids=FIXED)
def test_killed_at_a_point_that_matters(segments, point):
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


def test_frozen_past_the_lease_it_wakes_up_and_writes_nothing(segments, embedded, starter, place):
    """SIGSTOP before a delivery; others take over, one of them ended by SIGTERM; SIGCONT: a stale fence, and no other file."""
    root, url = place / "frozen", embedded.url("kills_frozen")
    killed.prepare(root)
    frozen = _process(root, url, place / "memo", "listings.full.before_deliver@1:SIGSTOP")
    _wait_for(lambda: Path(f"/proc/{frozen.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")
    ended = starter.run(root, url, "debts.sample.after_plan@1:SIGTERM")
    assert ended == -signal.SIGTERM
    assert starter.run(root, url) == 0
    assert differences(root, segments.pieces[-1].after) == []
    told = {name: set(digests) for name, digests in killed.deliveries(root).items()}
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(timeout=300) == 0  # refused, it looks again and finds everything done
    embedded.drop("kills_frozen")
    assert "exit codes [3, 0, 1, 0]" in (root / "frozen").read_text()
    # its delivery was under way: the same file under the same name, and nothing else
    assert {name: set(digests) for name, digests in killed.deliveries(root).items()} == told
    assert differences(root, segments.pieces[-1].after) == []


def _process(root: Path, url: str, remembered: Path, armed: str) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-m", "tests.support.killed", str(root), url, str(remembered), armed]
    with (root / "frozen").open("wb") as errors:
        return subprocess.Popen(call, stderr=errors)


def _wait_for(true: Callable[[], bool]) -> None:
    late = time.monotonic() + 300
    while not true():
        assert time.monotonic() < late
        time.sleep(0.05)
