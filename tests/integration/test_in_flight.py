"""What is under way when the platform is frozen: counted, or, by policy, none is allowed (H19, H23)."""

from __future__ import annotations

import pytest

from tests.contract.platforms import row
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal


def busy():
    kinds = {"F1": "top_up", "F2": "withdrawal", "F3": "bid", "F4": "bid"}
    return small() | {"in_flight": [row("in_flight", id=key, kind=kind, user_id="U2") for key, kind in kinds.items()]}


def test_by_the_policy_zero_everything_under_way_is_named_and_preflight_stays_shut(tmp_path):
    case = Rehearsal(tmp_path, busy(), in_flight="zero")
    assert case.run() == 3
    assert set(case.codes) == {"IN_FLIGHT"}
    assert [r.subject for r in case.reasons] == [*(f"in_flight/F{n}" for n in range(1, 5)), "in_flight"]
    assert case.reasons[-1].detail == "4 in all: bid 2, top_up 1, withdrawal 1"
    case.source.replace("in_flight", [])
    assert case.run("preflight") == 0, "settled at the source, it goes on"


@pytest.mark.parametrize("policy", ["count", "zero"])
def test_nothing_under_way_closes_nothing(tmp_path, policy):
    assert Rehearsal(tmp_path, small(), in_flight=policy).run("preflight") == 0


def test_by_the_policy_count_top_ups_stand_in_the_balance(tmp_path):
    case = Rehearsal(tmp_path, busy())
    assert case.run() == 0, case.reasons
    found = case.balance()
    assert found["in_flight_fen"] > 0
    assert found["difference_fen"] == 0
