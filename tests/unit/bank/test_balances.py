"""balanceQuery against the sandbox's real HTTPS: the fen that lie there, or nothing that could be believed."""

from __future__ import annotations

import pytest

from migration.bank.balances import JxBalances
from migration.bank.query import Reply
from migration.clock import FakeClock
from migration.domain.errors import CouldNotCheck
from migration.sandbox.bank.query_server import serving
from tests.support.asking import client, customer

ACCOUNT = "6212460000000000018"


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """(balances, the counter's desk): an account with 1,234.56 yuan."""
    folder = tmp_path_factory.mktemp("bank")
    with serving(folder, None) as (url, desk):
        customer(desk, ACCOUNT, 123_456)
        one = client(url, folder / "query", FakeClock())
        yield JxBalances(one), desk
        one.close()


def test_all_that_lies_there_in_fen(asked):
    balances, desk = asked
    assert balances.balance_fen(ACCOUNT) == 123_456
    assert (desk.asked[-1]["txCode"], desk.asked[-1]["accountId"]) == ("balanceQuery", ACCOUNT)


def test_an_account_that_the_bank_does_not_know(asked):
    assert asked[0].balance_fen("6212460000000000026") is None


class Saying:
    """A channel whose replies are signed and say this."""

    def __init__(self, **said):
        self.said = {
            "txCode": "balanceQuery",
            "state": "S",
            "currBal": "5.00",
            "availBal": "4.00",
            "currency": "156",
        } | said

    def ask(self, *_):
        return Reply({name: value for name, value in self.said.items() if value is not None}, b"")


def test_what_is_held_back_counts_too():
    assert JxBalances(Saying()).balance_fen(ACCOUNT) == 500


@pytest.mark.parametrize("state", ["P", "N"])
def test_not_done_is_not_known(state):
    assert JxBalances(Saying(state=state)).balance_fen(ACCOUNT) is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"currency": "840"}, "QUERY_CONTRADICTS"),
        ({"availBal": "5.01"}, "QUERY_CONTRADICTS"),
        ({"currBal": "5"}, "QUERY_REPLY"),
        ({"currBal": "-5.00"}, "QUERY_REPLY"),
        ({"currBal": None}, "QUERY_REPLY"),
        ({"availBal": None}, "QUERY_REPLY"),
        ({"state": "X"}, "QUERY_REPLY"),
    ],
)
def test_an_impossible_answer_is_no_balance(said, code):
    with pytest.raises(CouldNotCheck) as caught:
        JxBalances(Saying(**said)).balance_fen(ACCOUNT)
    assert caught.value.reasons[0].code == code
    assert ACCOUNT not in str(caught.value)
