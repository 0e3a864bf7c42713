"""Two hundred clients race for one balance: exactly what it holds is accepted, in every round."""

from __future__ import annotations

from tests.support.withdrawing import run
from tests.unit.withdrawals.racing import NAIVE, WITHOUT_INDEX, race

CLIENTS, ROUNDS = 200, 5


def test_one_open_withdrawal_of_two_hundred_asked(pg_url):
    assert run(race(pg_url, CLIENTS, ROUNDS)) == []


def test_the_balance_alone_holds_when_the_index_is_away(pg_url):
    assert run(race(pg_url, CLIENTS, ROUNDS, WITHOUT_INDEX)) == []


def test_a_naive_reservation_is_caught_by_the_same_race(pg_url):
    faults = run(race(pg_url, 60, 1, WITHOUT_INDEX, NAIVE))
    assert any("accepted" in fault for fault in faults)
    assert any("LEDGER_OPEN" in fault for fault in faults)
