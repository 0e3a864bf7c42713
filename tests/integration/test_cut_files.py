"""A result cut at every byte offset, through the stage that takes it: no row is applied, whatever is left of the file."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from migration.bank.memory import MemoryFiles
from migration.domain.errors import GateClosed
from migration.stages import results
from tests.support.platform import joined, loan, person
from tests.support.rehearsal import Rehearsal

KINDS = {"accounts": ("APPZX", "users"), "listings": ("BIDIN", "listings"), "debts": ("BID-", "debts")}


class Watched:
    """The journal, with what would be written of a result kept apart: every cut meets the same state."""

    def __init__(self, journal) -> None:
        self._journal = journal
        self.written: list[str] = []

    def __getattr__(self, name: str):
        return getattr(self._journal, name)

    def mark_quarantined(self, _fence, _batch, _digest, _reasons) -> None:
        self.written.append("quarantined")

    def apply(self, *_) -> None:
        self.written.append("applied")


@pytest.mark.parametrize("stage", KINDS)
def test_cut_at_every_byte_no_row_is_applied_and_the_whole_file_goes_on(stage, tmp_path):
    match, entity = KINDS[stage]
    platform = joined({"users": [person(1), person(2)]}, loan(1, "U1", {"U2": "1000.00"}))
    case = Rehearsal(tmp_path, platform, faults={"hold": [{"match": match, "until_released": True}]})
    assert case.run() == 4
    assert case.codes == ["RESULT_MISSING"]
    batch = case.journal.batches()[-1]
    _, name = case.house.bank.names(batch.kind, batch.batch_no, batch.business_date)
    case.faults({})
    case.bank.tick()
    (path,) = (tmp_path / "bank/in").rglob(name)
    whole = path.read_bytes()
    assert len(whole) > 250
    case.house.book()  # derived once; the copies share it
    for length in range(len(whole)):
        house = copy.copy(case.house)  # every cut meets the same journal
        house.journal, house.files = Watched(case.journal), MemoryFiles(case.clock)
        house.files.answer(name, batch.business_date, whole[:length], age_s=timedelta(days=1).total_seconds())
        with pytest.raises(GateClosed) as caught:
            results.take(house, batch)
        assert caught.value.reasons[0].code == "RESULT_QUARANTINED", length
        assert house.journal.written == ["quarantined"], length
        assert house.files.quarantined[f"quarantine/{name}"][0] == whole[:length]
        assert house.files.answers == {}
    assert case.run() == 0, case.reasons
    assert set(case.where(entity).values()) <= {("opened", "OPENED_S"), ("registered", "REGISTERED")}
