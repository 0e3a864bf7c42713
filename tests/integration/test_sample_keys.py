"""Keys that the operator adds to a sample by hand: in the file, in the approval, in the coverage; or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from migration.domain.errors import ConfigurationError, InputRefused
from migration.stages import sample_keys
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal

LOOSE = {"confidence": Decimal("0.5"), "defect_rate": Decimal("0.2")}


def sampled(case, entity="listings"):
    items = case.journal.items(entity).to_pylist()
    numbers = {b.batch_no for b in case.journal.batches() if b.sample and b.stage == entity}
    return {r["key"] for r in items if r["batch_no"] in numbers}


def pending(case, gate):
    return [g.digest for g in case.journal.gates() if g.gate == gate and g.state == "pending"]


@pytest.fixture
def asked(tmp_path):
    """The sample of listings is sealed and waits for its approval."""
    case = Rehearsal(tmp_path, small(40), **LOOSE)
    assert case.run("accounts") == 0
    assert case.run("listings", approve=()) == 4
    assert case.codes == ["APPROVAL_MISSING"]
    return case


def test_an_added_key_is_in_the_sample_and_the_approval_is_asked_for_anew(asked):
    drawn = sampled(asked)
    spare = sorted({f"L{n}" for n in range(1, 41)} - drawn)[:2]
    (before,) = pending(asked, "listings.sample")
    assert sample_keys.add(asked.house, "listings", spare, "operator", "amounts edited by hand") == 2
    assert sample_keys.add(asked.house, "listings", spare, "operator", "again") == 0
    assert asked.run("listings", approve=()) == 4
    assert sampled(asked) == drawn | set(spare)
    (after,) = pending(asked, "listings.sample")
    assert after != before
    assert asked.run() == 0, asked.reasons
    plan = next(
        e.payload
        for e in reversed(asked.journal.events())
        if e.kind == "sample_drawn" and e.payload["stage"] == "listings"
    )
    assert plan["coverage"]["added=by_hand"] == [2, 2]
    (said,) = sample_keys.rows(asked.house)
    assert (said["by"], said["reason"], said["keys"]) == ("operator", "amounts edited by hand", spare)
    assert sum(r["disposition"] == "registered" for r in asked.exports()["listings"].to_pylist()) == 40


def test_one_key_that_cannot_be_sent_and_none_is_added(asked):
    with pytest.raises(InputRefused) as refused:
        sample_keys.add(asked.house, "listings", ["L1", "L999"], "operator", "doubts")
    assert [(r.code, r.subject) for r in refused.value.reasons] == [("SAMPLE_KEY", "listings/L999")]
    assert sample_keys.added(asked.house, "listings") == []
    with pytest.raises(ConfigurationError, match="SAMPLE_STAGE users"):
        sample_keys.add(asked.house, "users", ["U1"], "operator", "doubts")


def test_a_sample_that_was_sent_stays_as_it_was_approved(asked):
    assert asked.run("listings") == 0
    with pytest.raises(InputRefused, match=r"SAMPLE_GONE listings\.sample"):
        sample_keys.add(asked.house, "listings", ["L1"], "operator", "too late")
    spare = "L40D3"
    assert sample_keys.add(asked.house, "debts", [spare], "operator", "not too late") == 1
    assert asked.run() == 0
    assert spare in sampled(asked, "debts")
