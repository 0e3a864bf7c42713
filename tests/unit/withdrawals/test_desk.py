"""Asking for a withdrawal: reserved once, refused with reasons, answered for ever by its key."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta

import pytest

from migration.domain.errors import GateClosed
from migration.withdrawals.books import closed
from migration.withdrawals.values import Order, Refused
from tests.support.withdrawing import DEAR, FREE, NOON, Clock, opening, run, world


def test_money_is_reserved_and_ordered_together(pg_url):
    async def body():
        async with world(pg_url, opening(fen=100_000, frozen_fen=77)) as made:
            asked = await made.ask(40_000)
            assert (asked.state, asked.amount_fen, asked.fee_fen, asked.free) == ("requested", 40_000, 0, True)
            (account,) = await made.desk.accounts("U1")
            assert (account.left_fen, account.in_transit_fen, account.frozen_fen) == (60_000, 40_000, 77)
            async with made.own.transaction() as connection:
                assert await connection.fetchval("SELECT count(*) FROM withdrawals.outbox") == 1
            assert closed(await made.books.ledger()) == ()

    run(body())


def test_the_fee_comes_on_top_and_the_largest_amount_is_named(pg_url):
    async def body():
        async with world(pg_url, opening(fen=10_000), tariff=DEAR) as made:
            with pytest.raises(Refused) as refused:
                await made.desk.ask(Order("U1", "E1", 9_701, "a", "0" * 64))
            assert refused.value.code == "BALANCE_TOO_SMALL"
            assert dict(refused.value.facts) == {"balance_fen": 10_000, "largest_fen": 9_700}
            asked = await made.ask(9_700, key="b")
            assert (asked.fee_fen, asked.free) == (300, False)
            assert (await made.desk.accounts("U1"))[0].left_fen == 0

    run(body())


def test_one_free_withdrawal_a_month_and_a_refused_one_does_not_use_it(pg_url):
    clock = Clock()

    async def body():
        rows = [opening(f"E{n}", fen=10_000) for n in range(4)]
        async with world(pg_url, *rows, clock=clock) as made:
            assert await made.ask(20_000, escrow="E0", key="0") == "BALANCE_TOO_SMALL"
            fees = [(await made.ask(100, escrow=f"E{n}", key=f"k{n}")).fee_fen for n in range(3)]
            assert fees == [0, 300, 300]
            clock.go(days=11)  # 1 December
            assert (await made.ask(100, escrow="E3", key="k3")).fee_fen == 0

    run(body())


def test_two_accounts_of_one_person_share_the_free_one_at_the_same_moment(pg_url):
    async def body():
        rows = [opening(f"E{n:02}", fen=10_000) for n in range(12)]
        async with world(pg_url, *rows) as made:
            asked = await asyncio.gather(*(made.ask(100, escrow=f"E{n:02}", key=str(n)) for n in range(12)))
            assert Counter(a.fee_fen for a in asked) == {0: 1, 300: 11}

    run(body())


def test_merged_accounts_each_pay_to_their_own_card_and_one_open_withdrawal_an_account(pg_url):
    async def body():
        two = (opening("E1", card="6222000011110001"), opening("E2", legacy_user_id="U9", card="6222000022220002"))
        async with world(pg_url, *two, tariff=FREE) as made:
            assert (await made.ask(100, escrow="E1", key="1")).state == "requested"
            assert await made.ask(100, escrow="E1", key="2") == "WITHDRAWAL_OPEN"
            assert (await made.ask(100, escrow="E2", key="3")).state == "requested"
            async with made.own.transaction() as connection:
                cards = await connection.fetch(
                    "SELECT a.card FROM withdrawals.withdrawal JOIN withdrawals.account a USING (escrow_id) ORDER BY 1"
                )
            assert [row["card"] for row in cards] == ["6222000011110001", "6222000022220002"]

    run(body())


@pytest.mark.parametrize(
    ("code", "row", "amount", "terms"),
    [
        ("ACCOUNT_UNKNOWN", {"user": "U2"}, 100, {}),
        ("NO_BOUND_CARD", {"card": ""}, 100, {}),
        ("BALANCE_TOO_SMALL", {"fen": 99, "frozen_fen": 10**6}, 100, {}),  # frozen money is not withdrawable
        ("LARGE_VALUE_LIMIT", {"fen": 10**10}, 2_000_000_001, {}),
        ("DAILY_CAP", {}, 5_001, {"daily_cap_fen": 5_000}),
        ("SUNSET", {}, 100, {"sunset": date(2026, 11, 19)}),
    ],
)
def test_what_is_refused_leaves_nothing(pg_url, code, row, amount, terms):
    async def body():
        async with world(pg_url, opening(**row), **terms) as made:
            assert await made.ask(amount) == code
            async with made.own.transaction() as connection:
                for table in ("withdrawal", "outbox", "free_use", "large_use", "outflow"):
                    assert await connection.fetchval(f"SELECT count(*) FROM withdrawals.{table}") == 0, table
            assert closed(await made.books.ledger()) == ()

    run(body())


def test_the_daily_cap_is_everybodys_and_opens_again_the_next_day(pg_url):
    clock = Clock()

    async def body():
        rows = [opening(f"E{n}", f"U{n}", fen=10_000) for n in range(20)]
        async with world(pg_url, *rows, clock=clock, daily_cap_fen=50_000) as made:
            asked = await asyncio.gather(*(made.ask(10_000, user=f"U{n}", escrow=f"E{n}") for n in range(20)))
            assert Counter(a if isinstance(a, str) else a.state for a in asked) == {"DAILY_CAP": 15, "requested": 5}
            clock.go(days=1)
            free = next(n for n in range(20) if asked[n] == "DAILY_CAP")
            assert (await made.ask(10_000, user=f"U{free}", escrow=f"E{free}", key="again")).state == "requested"

    run(body())


def test_large_sums_of_a_person_count_together(pg_url):
    async def body():
        rows = [opening(f"E{n}", fen=10**10) for n in range(3)]
        async with world(pg_url, *rows, tariff=FREE) as made:
            assert (await made.ask(1_500_000_000, escrow="E0", key="0")).route == "large_value"
            assert await made.ask(500_000_001, escrow="E1", key="1") == "LARGE_VALUE_LIMIT"
            assert (await made.ask(500_000_000, escrow="E2", key="2")).state == "requested"

    run(body())


def test_a_large_one_out_of_hours_is_refused_at_once_with_the_opening(pg_url):
    clock = Clock(NOON + timedelta(days=1))  # a Saturday

    async def body():
        async with world(pg_url, opening(fen=10**8), clock=clock) as made:
            with pytest.raises(Refused) as refused:
                await made.desk.ask(Order("U1", "E1", 5_000_001, "k", "0" * 64))
            assert refused.value.code == "LARGE_VALUE_SHUT"
            assert refused.value.facts["opens_at"] == "2026-11-22T23:30:00+08:00"
            assert (await made.ask(5_000_000, key="small")).route == "super_network"

    run(body())


def test_the_switch_stops_new_ones_and_only_those(pg_url):
    async def body():
        async with world(pg_url, opening("E1"), opening("E2")) as made:
            assert (await made.ask(100, key="1")).state == "requested"
            await made.books.switch(stopped=True, by="ops", reason="escrow down")
            assert await made.ask(100, escrow="E2", key="2") == "WITHDRAWALS_STOPPED"
            await made.books.switch(stopped=False, by="ops", reason="escrow back")
            assert (await made.ask(100, escrow="E2", key="3")).state == "requested"

    run(body())


class TestKeys:
    def test_the_same_request_gets_the_same_answer_however_often(self, pg_url):
        clock = Clock()

        async def body():
            async with world(pg_url, opening(fen=1_000), clock=clock) as made:
                first = await made.ask(1_000)
                clock.go(days=400)
                assert [await made.ask(1_000) for _ in range(3)] == [first] * 3
                assert (await made.desk.accounts("U1"))[0].in_transit_fen == 1_000

        run(body())

    def test_a_refusal_is_an_answer_too(self, pg_url):
        clock = Clock(NOON + timedelta(days=1))

        async def body():
            async with world(pg_url, opening(fen=10**8), clock=clock) as made:
                said = []
                for _ in range(2):
                    with pytest.raises(Refused) as refused:
                        await made.desk.ask(Order("U1", "E1", 5_000_001, "k", "0" * 64))
                    said.append((refused.value.code, dict(refused.value.facts)))
                    clock.go(days=2)  # a Monday: with a new key it would go
                assert said[0] == said[1]
                assert (await made.ask(5_000_001, key="new")).route == "large_value"

        run(body())

    def test_another_body_is_refused(self, pg_url):
        async def body():
            async with world(pg_url, opening()) as made:
                await made.ask(100, body="0" * 64)
                assert await made.ask(200, body="1" * 64) == "IDEMPOTENCY_KEY_REUSED"
                assert len(await made.desk.withdrawals("U1")) == 1

        run(body())

    def test_at_the_same_time_there_is_one_effect_and_one_answer(self, pg_url):
        async def body():
            async with world(pg_url, opening(fen=1_000), size=16) as made:
                asked = await asyncio.gather(*(made.ask(1_000) for _ in range(40)))
                assert len({a.id for a in asked}) == 1
                (account,) = await made.desk.accounts("U1")
                assert (account.left_fen, account.in_transit_fen) == (0, 1_000)

        run(body())

    def test_two_people_may_use_the_same_key(self, pg_url):
        async def body():
            async with world(pg_url, opening("E1", "U1"), opening("E2", "U2")) as made:
                one, two = await made.ask(100), await made.ask(100, user="U2", escrow="E2")
                assert one.id != two.id

        run(body())


def test_the_books_are_opened_once_and_never_with_other_content(pg_url):
    async def body():
        async with world(pg_url, opening("E1"), opening("E2", fen=5)) as made:
            assert await made.books.open([opening("E1"), opening("E2", fen=5), opening("E3")]) == 1
            for odd in (opening("E2", fen=6), opening("E2", fen=5, card="6222"), opening("E2", "U7", fen=5)):
                with pytest.raises(GateClosed) as closed_gate:
                    await made.books.open([odd])
                assert [f.code for f in closed_gate.value.reasons] == ["OPENING_CHANGED"]

    run(body())
