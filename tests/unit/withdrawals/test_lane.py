"""Those who ask at the same time go together, and none of them hears another one's answer."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from migration.withdrawals.books import closed
from migration.withdrawals.lane import Lane
from migration.withdrawals.values import Order
from tests.support.withdrawing import FREE, opening, run, world


class Sent:
    """Doubles what it is given; `fails` says which company does not arrive."""

    def __init__(self, fails=lambda _: None) -> None:
        self.companies: list[list[int]] = []
        self.fails = fails

    async def __call__(self, asked):
        self.companies.append(list(asked))
        await asyncio.sleep(0)
        if (fault := self.fails(asked)) is not None:
            raise fault
        return [2 * n for n in asked]


def test_the_first_goes_at_once_and_the_others_together_no_more_than_so_many():
    async def body():
        sent = Sent()
        lane = Lane(sent, most=4)
        assert await asyncio.gather(*(lane.ask(n) for n in range(11))) == [2 * n for n in range(11)]
        assert sent.companies == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
        assert await lane.ask(11) == 22
        assert sent.companies[-1] == [11]

    run(body())


def test_when_a_company_fails_each_is_asked_by_itself_and_gets_its_own_answer():
    async def body():
        sent = Sent(lambda asked: OSError("away") if 2 in asked else None)
        lane = Lane(sent)
        got = await asyncio.gather(*(lane.ask(n) for n in range(5)), return_exceptions=True)
        assert isinstance(got.pop(2), OSError)
        assert got == [0, 2, 6, 8]
        assert sent.companies[0] == [0, 1, 2, 3, 4]
        assert sent.companies.count([2]) == 1  # alone it failed, and that is its answer

    run(body())


def test_one_who_waits_alone_holds_nobody_up():
    async def body():
        gate = asyncio.Event()

        async def send(asked):
            if asked == [1]:
                await gate.wait()  # his account is locked by somebody
            if len(asked) > 1 and 1 in asked:
                raise TimeoutError
            return asked

        lane = Lane(send)
        slow = [asyncio.create_task(lane.ask(n)) for n in range(3)]
        await asyncio.wait({slow[0], slow[2]})
        assert await asyncio.wait_for(lane.ask(9), 5) == 9
        assert not slow[1].done()
        gate.set()
        assert await slow[1] == 1

    run(body())


def test_one_who_has_gone_spoils_nothing_for_the_others():
    async def body():
        lane = Lane(Sent())
        first, second = asyncio.create_task(lane.ask(1)), asyncio.create_task(lane.ask(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 4
        with pytest.raises(asyncio.CancelledError):
            await first

    run(body())


def test_refusals_and_reservations_of_one_company_do_not_touch_each_other(pg_url):
    """Several people in one transaction: each has his own outcome, whoever stands beside him."""

    async def body():
        rows = [opening(f"E{n}", f"U{n}", fen=1_000) for n in range(8)]
        async with world(pg_url, *rows, opening("F1", "U1", fen=7), tariff=FREE) as made, made.http() as http:

            async def ask(user, escrow, amount, key):
                headers = made.issuer.bearer(user) | {"Idempotency-Key": key}
                said = {"escrow_id": escrow, "amount_fen": amount}
                answer = await http.post("/me/withdrawals", json=said, headers=headers)
                return answer.status_code, answer.json().get("code", "")

            good = [ask(f"U{n}", f"E{n}", 1_000, "a") for n in range(6)]
            odd = [
                *(ask("U6", "E6", 1_001, "a"), ask("U6", "E7", 1, "b"), ask("U7", "E7", 500, "a")),
                *(ask("U7", "E7", 500, "a"), ask("U7", "E7", 400, "c"), ask("U1", "F1", 7, "f")),
            ]
            got = await asyncio.gather(*good, *odd)
            assert got[:6] == [(201, "")] * 6
            assert got[6:9] == [(409, "BALANCE_TOO_SMALL"), (404, "ACCOUNT_UNKNOWN"), (201, "")]
            assert got[9:] == [(201, ""), (409, "WITHDRAWAL_OPEN"), (201, "")]
            async with made.own.transaction() as connection:
                effects = await connection.fetch("SELECT user_id, escrow_id, amount_fen FROM withdrawals.withdrawal")
                orders = await connection.fetchval("SELECT count(*) FROM withdrawals.outbox")
            assert sorted(tuple(row) for row in effects) == sorted(
                [*((f"U{n}", f"E{n}", 1_000) for n in range(6)), ("U7", "E7", 500), ("U1", "F1", 7)]
            )
            assert orders == len(effects)
            assert closed(await made.books.ledger()) == ()

    run(body())


def test_people_of_one_transaction_each_act_in_their_own_name(pg_url):
    """Whoever comes first in it: row-level security lets each reserve his own and nobody another's."""

    async def body():
        rows = [opening(f"E{n}", f"U{n}", fen=1_000) for n in range(4)]
        async with world(pg_url, *rows) as made:
            desk, at = made.desk, made.clock()

            def asked(user, escrow):
                order = Order(user, escrow, 1_000, "k", "0" * 64)
                return desk._arguments(order, at, desk._way(order.amount_fen, at))

            pairs = [("U3", "E3"), ("U0", "E0"), ("U2", "E1"), ("U1", "E1")]
            found = await desk._together([asked(*pair) for pair in pairs])
            assert [row["refusal"] for row in found] == ["", "", "BALANCE_TOO_SMALL", ""]
            assert [row["user_id"] for row in found] == ["U3", "U0", None, "U1"]

    run(body())


def test_a_locked_account_delays_its_owner_only(pg_url):
    async def body():
        rows = [opening(f"E{n}", f"U{n}", fen=1_000) for n in range(6)]
        async with world(pg_url, *rows, tariff=FREE) as made, made.http() as http:

            async def ask(n, key):
                headers = made.issuer.bearer(f"U{n}") | {"Idempotency-Key": key}
                said = {"escrow_id": f"E{n}", "amount_fen": 10}
                return (await http.post("/me/withdrawals", json=said, headers=headers)).status_code

            async with made.own.transaction() as connection:
                await connection.execute("SELECT FROM withdrawals.account WHERE escrow_id = 'E3' FOR UPDATE")
                tasks = [asyncio.create_task(ask(n, "k")) for n in range(6)]
                done, waiting = await asyncio.wait(tasks, timeout=8)
                assert waiting == {tasks[3]}
                assert Counter(task.result() for task in done) == {201: 5}
            assert await tasks[3] == 201

    run(body())
