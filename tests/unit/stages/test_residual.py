"""Residual balances: when they may be published, and that they are."""

import pyarrow as pa
import pytest

from migration.domain.errors import OutcomeUnknown
from migration.domain.exceptions import OPEN_SCHEMA
from migration.domain.tables import ANSWERS
from migration.domain.values import BatchPlan
from migration.stages import residual
from tests.support.platform import small
from tests.support.rehearsal import Rehearsal
from tests.unit.bank.samples import DAY
from tests.unit.stages.workshop import Workshop, house


def test_residual_balances_are_begun_published_and_kept(tmp_path):
    case = Rehearsal(tmp_path, small(2))
    assert case.run() == 0
    told = [e.payload["state"] for e in case.journal.events() if e.kind == "stage" and e.payload["stage"] == "residual"]
    assert told == ["running", "done"]
    kept = case.journal.dispositions("residuals")["key"].to_pylist()
    assert kept == sorted(case.exports()["residuals"]["escrow_id"].to_pylist())


def test_residual_looks_for_late_company_results_itself(tmp_path):
    held = {"hold": [{"match": "APPZX.*", "sort": "company", "until_released": True}]}
    case = Rehearsal(tmp_path, small(2), faults=held)
    assert case.run() == 4
    assert case.stage("residual") == 4
    (left,) = (b for b in case.journal.batches() if b.state != "applied")
    assert [(r.code, r.subject) for r in case.reasons] == [("RESULT_MISSING", left.request_name)]
    case.faults({})
    case.bank.tick()
    case.stage("residual")
    assert {b.state for b in case.journal.batches()} == {"applied"}
    assert case.where("users")["C1"][0] == "opened"


def unknown_of(entity: str) -> Workshop:
    """A run whose journal holds one item of this entity, of unknown outcome, open as an exception."""
    one = house()
    kind = entity.removesuffix("s")
    items = pa.table({"key": ["K1"], "amount_fen": pa.array([100], pa.int64()), "row_digest": ["a" * 64]})
    (batch,) = one.journal.plan(one.fence, [BatchPlan(entity, 1, kind, False, 1, items, 100)], DAY, "g")
    batch = one.journal.seal(one.fence, batch, "R-1", b"bytes")
    one.journal.open_gate(one.fence, "g", 1, "d" * 64, 1, "op")
    one.journal.decide("g", "d" * 64, "ann", "approve", "", rehearsal=True)
    batch = one.journal.mark_delivered(one.fence, batch, "d" * 64)
    answers = pa.Table.from_pylist(
        [{"record_no": 1, "result_record": 1, "key": "K1", "outcome": "unknown", "code": "99"}], ANSWERS
    )
    one.journal.apply(one.fence, batch, "RES-1", b"result", answers)
    standing = [{"entity": entity, "key": "K1", "code": "BANK_99", "amount_fen": 100}]
    one.journal.record_exceptions(one.fence, pa.Table.from_pylist(standing, OPEN_SCHEMA))
    return one


@pytest.mark.parametrize("entity", ["listings", "debts", "authorisations"])
def test_an_unknown_outcome_keeps_residual_shut_and_says_that_the_bank_must_be_asked(entity):
    with pytest.raises(OutcomeUnknown) as raised:
        residual.require_settled(unknown_of(entity))
    assert [(r.code, r.subject) for r in raised.value.reasons] == [("OUTCOME_UNKNOWN", f"{entity}/K1")]
