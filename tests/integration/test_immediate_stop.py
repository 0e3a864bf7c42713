"""PostgreSQL stopped with `immediate` before a statement of a whole cutover: run again, it ends with the same exports."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from datetime import date
from pathlib import Path

import pytest

from migration.journal.embedded import Embedded
from tests.support import memo
from tests.support.comparing import differences
from tests.support.stopped import Stops, play


@pytest.fixture(scope="module")
def place():
    folder = Path(tempfile.mkdtemp(prefix="stops_"))
    folder.chmod(0o755)  # PostgreSQL's OS user must pass
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _remembered(place):
    memo.install()
    yield
    memo.remove()


@pytest.fixture(scope="module")
def server(place):
    with Embedded(place) as own:
        yield own


@pytest.fixture(scope="module")
def undisturbed(place, server):
    """The world of a cutover over a server that never stops, and how many statements it took."""
    stops = Stops(server, {})
    assert play(place / "undisturbed", server, stops) == [0]
    assert not stops.stopped
    return place / "undisturbed", stops.statements


def test_stopped_at_statements_that_change_with_the_date(place, server, undisturbed):
    world, statements = undisturbed
    seed = int(os.environ.get("KILL_SEED", date.today().toordinal()))
    dice = random.Random(seed)
    # the run that ends and is run again takes more statements: these are all reached
    chosen = {n: bool(k % 2) for k, n in enumerate(sorted(dice.sample(range(2, statements), 6)))}
    stops = Stops(server, chosen)
    ended = play(place / "stopped", server, stops)
    assert len(stops.stopped) == len(chosen), f"KILL_SEED={seed}"
    assert ended.count(1) >= 1  # a stop that lasted was told as a passing fault
    assert differences(place / "stopped", world) == [], f"KILL_SEED={seed} {chosen}"
