"""Waiting for a slot of the bank holds no worker: the task is given back until the moment the answer can be there."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from migration.domain.errors import Waiting
from migration.domain.findings import Finding
from tests.dags.conftest import ROOT


class Task:
    def get_first_reschedule_date(self, _context):
        return None


@pytest.fixture
def waits(monkeypatch, caplog):
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    from cutover_flow import converge

    monkeypatch.setattr(converge, "get_current_context", lambda: {"ti": Task()})
    caplog.set_level("INFO", "cutover")

    def wait(until):
        problem = Waiting(Finding("RESULT_MISSING", "3005-BIDRESP-000001-20171118", "not there"), until=until)
        with pytest.raises(AirflowRescheduleException) as given_back:
            converge._stop("debts", "collect", problem)
        return given_back.value.reschedule_date, caplog.messages[-1]

    yield wait
    for name in [name for name in sys.modules if name.partition(".")[0] == "cutover_flow"]:
        del sys.modules[name]


def test_it_comes_again_at_the_slot_and_says_so_in_both_languages(waits):
    until = datetime.now(UTC) + timedelta(hours=2)
    again, said = waits(until)
    assert again == until
    beijing = (until + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")
    assert f"银行批次时段：最早 {beijing}（北京时间）" in said
    assert "bank's hours: not before that" in said


@pytest.mark.parametrize("until", [None, datetime(2017, 11, 18, tzinfo=UTC)])
def test_without_a_slot_or_after_it_the_pause_is_the_ordinary_one(waits, until):
    again, said = waits(until)
    assert timedelta(seconds=20) < again - datetime.now(UTC) <= timedelta(seconds=30)
    assert ("银行批次时段" in said) == (until is not None)
