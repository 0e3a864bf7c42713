"""Authorisations that were carried over: the verifier reads the files and says what the claim gets wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.verification.library import ask
from migration.verification.workbench import Workbench
from tests.unit.verification.small_world import DAY, NOON, NUMBER, World, record

SERIALS = {"S1": ("P2", "auto_bid", "00"), "S2": ("P3", "auto_assign", "14"), "S3": ("P4", "auto_bid", "00")}


@pytest.fixture
def world() -> World:
    """S1 of a merged user and S3 registered, S2 refused by the bank: all in a seventh file."""
    found = World()
    found.snapshot["authorisations"], found.claim["authorisations"] = [], []
    for serial, (user, kind, code) in SERIALS.items():
        cells = (
            ("3005", 4), ("000007", 6), (NUMBER[{"P2": "P1"}.get(user, user)], 19), ("MP", 4),
            ("1" if kind == "auto_bid" else "2", 1), (serial, 40), (NOON.strftime("%Y%m%d%H%M%S"), 14),
        )  # fmt: skip
        found.files.setdefault("q7", []).append(record(*cells, ("", 200)))
        found.files.setdefault("a7", []).append(record(*cells, (code, 2), ("", 200)))
        row = {"serial": serial, "user_id": user, "kind": kind}
        found.snapshot["authorisations"].append(row | {"granted_at": NOON})
        found.claim["authorisations"].append(row | {"disposition": "registered" if code == "00" else "lapsed"})
    found.batches["7"] = {
        "batch_no": "000007", "business_date": DAY, "stage": "debts", "round": 1, "kind": "authorisation", "sample": False,
        "part": 1, "request_name": "3005-MP-SIGTRAN-000007-20171118", "rows": 3, "sum_fen": 0, "state": "applied",
        "result_name": "3005-MP-SIGRES-000007-20171118",
    }  # fmt: skip
    found.claim["notices"] = [n for n in found.claim["notices"] if n["kind"] != "authorisation_lapsed"]
    found.claim["notices"].append({"user_id": "P3", "kind": "authorisation_lapsed"})
    return found


def failing(world: World, *, carried: bool = True) -> dict[str, list[str]]:
    with Workbench(replace(world.evidence(), carry_authorisations=carried)) as bench:
        return {name: keys for name, keys in ask(bench).items() if keys}


def test_a_right_claim_raises_no_alarm(world):
    assert failing(world) == {}


def test_a_file_against_the_policy_is_named(world):
    assert failing(world, carried=False) == {"authorisations.claimed": ["2017-11-18/000007"]}


@pytest.mark.parametrize("serial", ["S1", "S2"])
def test_a_claim_that_the_answer_does_not_bear_out(world, serial):
    row = world.row("authorisations", serial)
    row["disposition"] = "lapsed" if row["disposition"] == "registered" else "registered"
    assert failing(world)["authorisations.claimed"] == [serial]


@pytest.mark.parametrize(
    ("at", "value"),
    [(10, NUMBER["P5"].encode()), (33, b"2"), (74, b"20160502"), (82, b"120001")],
    ids=["account", "kind", "date", "time"],
)
def test_a_record_that_is_not_what_was_granted(world, at, value):
    world.edit("q7", 1, at, value)
    world.edit("a7", 1, at, value)
    assert failing(world) == {"authorisations.claimed": ["S1"]}


def test_an_echo_that_differs_and_an_answer_left_out(world):
    world.edit("a7", 3, 33, b"2")
    assert failing(world) == {"files.echo": ["2017-11-18/000007#3"]}
    del world.files["a7"][2]
    found = failing(world)
    assert found["files.pairs"] == ["2017-11-18/000007#3"]
    assert found["authorisations.claimed"] == ["S3"]


def test_one_that_nobody_ever_granted(world):
    world.edit("q7", 1, 34, b"S9")
    world.edit("a7", 1, 34, b"S9")
    assert failing(world)["authorisations.claimed"] == ["2017-11-18/000007", "S1"]
