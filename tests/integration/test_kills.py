"""Real kills: SIGKILL at named points of a real process on a real PostgreSQL, then another process finishes (issue A, shows 4).

The outcome must be that of an undisturbed run, every file sent twice the same byte for byte, one bank effect a key.
`make kill-campaign` kills at every point; here, one fixed point in each stage and a few more that change with the date.
"""

from __future__ import annotations

import os
import random
import uuid
from datetime import date

import pytest

from tests.support import killed
from tests.support.comparing import kill_and_finish

EACH_STAGE = {
    "preflight": "preflight.after_snapshot",
    "identities": "identities.before_done",
    "accounts": "accounts.after_deliver",
    "reopen": "reopen.after_plan",
    "listings": "listings.full.after_deliver@1",
    "debts": "debts.before_apply@2",
    "residual": "residual.after_publish",
    "reconcile": "reconcile.after_dispositions@2",
}
ROTATING = 7


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def starter(place):
    with killed.Starter(place / "memo") as one:
        yield one


@pytest.fixture(scope="module")
def new_url(embedded, template):
    """Makes a fresh database for every call."""
    made = []

    def make() -> str:
        made.append(f"k_{uuid.uuid4().hex[:16]}")
        return embedded.clone(template, made[-1])

    yield make
    for name in made:
        embedded.drop(name)


@pytest.fixture(scope="module")
def undisturbed(place, starter, new_url):
    root = place / "undisturbed"
    killed.prepare(root)
    assert starter.run(root, new_url()) == 0, (root / "errors").read_text()
    return root


def test_the_undisturbed_run_goes_through_everything(undisturbed):
    reached = killed.points(undisturbed)
    assert sum(reached.values()) >= 60
    assert {point.split(".")[0] for point in reached} == {*EACH_STAGE, "journal", "files"}
    assert set(killed.effects(undisturbed).values()) == {1}
    held = killed.handed_out(undisturbed)
    assert b"true" in held["batches.csv"]  # a sample
    assert b"excepted,SELF_LOAN" in held["debts.csv"].replace(b"excepted,L9", b"excepted,SELF_LOAN")
    assert b'"difference_fen": 0' in held["balance.json"]


@pytest.mark.parametrize("point", EACH_STAGE.values(), ids=EACH_STAGE)
def test_killed_in_each_stage(starter, undisturbed, place, new_url, point):
    assert kill_and_finish(starter, undisturbed, place / f"{point}", new_url(), point) == []


def test_killed_at_points_that_change_with_the_date(starter, undisturbed, place, new_url):
    every = [f"{name}@{n}" for name, times in killed.points(undisturbed).items() for n in range(1, times + 1)]
    seed = int(os.environ.get("KILL_SEED", date.today().toordinal()))
    for point in random.Random(seed).sample(every, ROTATING):
        wrong = kill_and_finish(starter, undisturbed, place / f"{point}", new_url(), point)
        assert wrong == [], f"KILL_SEED={seed} {point}"
