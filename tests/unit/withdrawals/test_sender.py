"""The sender: told once, then only asked; money goes back only when the escrow says so, or persons do."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from migration.domain.errors import GateClosed, InputRefused, Waiting
from migration.sandbox.escrow import Faults
from migration.withdrawals.books import closed
from migration.withdrawals.escrow_http import EscrowOverHttp
from migration.withdrawals.gateway import Reply, Unanswered, Unreached
from migration.withdrawals.sender import Sender
from tests.support.withdrawing import DEAR, FREE, Clock, escrow, listening, opening, run, sender, world

NOBODY = b"6a000a40-2d59-4dc8-b1da-78bff0e90f85"


class Killed(BaseException):
    """A process that is gone."""


class Told:
    """A gateway that says what it is told to say, and counts."""

    def __init__(self, *replies: Reply | type[Exception]) -> None:
        self.replies = list(replies)
        self.paid: list[str] = []
        self.asked = 0

    async def _next(self) -> Reply:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, type):
            raise reply
        return reply

    async def pay(self, payment):
        self.paid.append(str(payment.number))
        return await self._next()

    async def ask(self, number):
        self.asked += 1
        return await self._next()

    async def reversals(self, day):
        raise Unanswered


async def work(made, gateway, turns: int = 4, **more):
    for _ in range(turns):
        await sender(made, gateway, **more).turn()
        made.clock.go(seconds=31)


async def state(made) -> str:
    (found,) = await made.desk.withdrawals("U1")
    assert closed(await made.books.ledger()) == ()
    return found.state


def test_paid_after_twenty_minutes_of_the_escrows_clock(pg_url, tmp_path):
    async def body():
        async with world(pg_url, opening(fen=1_000)) as made, escrow(tmp_path) as there:
            await made.ask(1_000)
            await work(made, there.gateway)
            assert await state(made) == "in_transit"
            await there.advance(1_201)
            await work(made, there.gateway)
            assert await state(made) == "paid"
            (account,) = await made.desk.accounts("U1")
            assert (account.left_fen, account.in_transit_fen) == (0, 0)
            (payment,) = await there.payments()
            assert (payment["told"], payment["effects"], payment["amount_fen"]) == (1, 1, 1_000)

    run(body())


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_after", "double_answer"])
def test_an_answer_that_was_lost_is_asked_for_and_never_told_again(pg_url, tmp_path, kind):
    async def body():
        faults = Faults({kind: 100}, hang_s=0.01)
        async with world(pg_url, opening(fen=1_000)) as made, escrow(tmp_path, faults) as there:
            await made.ask(1_000)
            await work(made, there.gateway)
            await there.advance(1_201)
            await work(made, there.gateway)
            payments = await there.payments()
            if kind == "timeout_before":
                assert payments == []
                assert await state(made) == "in_transit"
            else:
                assert [p["effects"] for p in payments] == [1]
                assert await state(made) == "paid"

    run(body())


def test_a_late_failure_gives_money_fee_and_the_free_one_back(pg_url, tmp_path):
    async def body():
        async with world(pg_url, opening(fen=1_000)) as made, escrow(tmp_path, Faults({"late_failure": 100})) as there:
            await made.ask(1_000)
            await work(made, there.gateway)
            await there.advance(1_201)
            await work(made, there.gateway)
            assert await state(made) == "returned"
            assert (await made.desk.accounts("U1"))[0].left_fen == 1_000
            assert (await made.ask(900, key="again")).free

    run(body())


def test_a_wrong_amount_in_the_answer_is_not_believed(pg_url, tmp_path):
    async def body():
        async with world(pg_url, opening()) as made, escrow(tmp_path, Faults({"odd_amount": 100})) as there:
            await made.ask(1_000)
            await work(made, there.gateway)
            await there.advance(1_201)
            await work(made, there.gateway)
            assert await state(made) == "in_transit"
            assert [f.code for f in await made.books.troubles()] == ["ESCROW_ODD_AMOUNT"]

    run(body())


@pytest.mark.parametrize("point", ["after_intent", "after_pay", "after_finish"])
def test_killed_at_any_point_it_pays_once(pg_url, tmp_path, point):
    def kill(reached: str) -> None:
        if reached == point:
            raise Killed

    async def body():
        async with world(pg_url, opening(fen=1_000)) as made, escrow(tmp_path, Faults(settle_s=0)) as there:
            await made.ask(1_000)
            with pytest.raises(Killed):
                await work(made, there.gateway, failpoint=kill)
            made.clock.go(seconds=61)  # the lease is over
            await work(made, there.gateway)
            payments = await there.payments()
            if point == "after_intent":  # it may have been told: nobody may tell it again
                assert payments == []
                assert await state(made) == "in_transit"
            else:
                assert [(p["told"], p["effects"]) for p in payments] == [(1, 1)]
                assert await state(made) == "paid"

    run(body())


def test_without_a_connection_nothing_was_told_and_the_order_goes_once_there_is_one(pg_url, tmp_path):
    async def body():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        there = EscrowOverHttp(f"http://127.0.0.1:{port}")
        async with world(pg_url, opening(), opening("E2", "U2")) as made:
            await made.ask(1_000)
            await made.ask(1_000, user="U2", escrow="E2")
            await work(made, there, turns=6)
            assert {f.code for f in await made.books.troubles()} == {"ESCROW_UNREACHED"}
            assert await state(made) == "in_transit"
            made.clock.go(seconds=61)
            async with listening(tmp_path, port, Faults(settle_s=0)) as client:
                await work(made, there)
                payments = (await client.get("/books")).json()
            assert [(p["told"], p["effects"]) for p in payments] == [(1, 1)] * 2
            assert await state(made) == "paid"
            assert await made.books.troubles() == ()
        await there.close()

    run(body())


def test_one_call_without_a_connection_ends_the_turn(pg_url):
    async def body():
        async with world(pg_url, *(opening(f"E{n}", f"U{n}") for n in range(5))) as made:
            for n in range(5):
                await made.ask(100, user=f"U{n}", escrow=f"E{n}")
            gateway = Told(Unreached)
            assert await sender(made, gateway).turn() == 0
            assert len(gateway.paid) == 1

    run(body())


def test_one_that_was_told_and_cannot_be_asked_for_is_not_to_be_released(pg_url):
    async def body():
        async with world(pg_url, opening()) as made:
            await made.ask(1_000)
            gateway = Told(Reply("processing"), Unreached)
            await work(made, gateway, turns=2)
            (found,) = await made.books.troubles()
            assert (found.code, found.mend) == ("ESCROW_UNREACHED", "see to the line; it goes by itself")
            assert len(gateway.paid) == 1

    run(body())


def test_an_overtaken_sender_cannot_take_the_intent_back(pg_url):
    """The one that took over has told the escrow nothing, and must not: it asks, whatever the first one finds."""

    async def body():
        async with world(pg_url, opening()) as made:
            await made.ask(1_000)
            old = sender(made, Told(Unreached))
            (task,) = await old._claim()
            assert await old._intend(task)
            made.clock.go(seconds=61)
            new = Told(Reply("not_found"))
            await sender(made, new).turn()
            await old._untold(task)
            await work(made, new)
            assert (new.paid, new.asked) == ([], 4)

    run(body())


def test_an_overtaken_sender_changes_nothing(pg_url):
    async def body():
        async with world(pg_url, opening()) as made:
            await made.ask(1_000)
            old = sender(made, Told(Reply("processing")))
            (task,) = await old._claim()
            made.clock.go(seconds=61)
            gateway = Told(Reply("processing"))
            await sender(made, gateway).turn()
            await old._do(task)  # wakes up with an old fence: the intent is refused
            assert old.gateway.paid == []
            await old._finish(task, "returned", "X")
            assert await state(made) == "in_transit"
            assert len(gateway.paid) == 1

    run(body())


def test_an_end_and_a_new_request_never_wait_for_each_other_in_a_circle(pg_url):
    """The request has the account and looks at the open withdrawal; the end of that one wants the account."""

    async def body():
        async with world(pg_url, opening(fen=1_000), tariff=DEAR) as made:
            first = await made.ask(100)
            async with made.own.transaction() as third:
                await third.execute("SELECT FROM withdrawals.account WHERE escrow_id = 'E1' FOR UPDATE")
                asked = asyncio.create_task(made.ask(100, key="again"))
                await waiting(made, 1)
                ended = asyncio.create_task(finish(made, first.id, "returned"))
                await waiting(made, 2)
            await ended
            assert await asked == "WITHDRAWAL_OPEN"
            assert await state(made) == "returned"

    run(body())


async def finish(made, number, state_):
    async with made.own.transaction() as connection:
        await connection.execute("SELECT withdrawals.finish($1, $2, 'X', $3)", number, state_, made.clock())


async def waiting(made, many: int) -> None:
    """Until so many connections of this database wait for a lock."""
    found, held = (
        0,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    async with asyncio.timeout(10):
        while found < many:
            await asyncio.sleep(0.02)
            async with made.own.transaction() as connection:
                found = await connection.fetchval(held)


def test_it_goes_on_when_the_store_is_back(pg_url):
    """A restart of PostgreSQL is a pause, not the end: orders of that time are sent afterwards, once."""

    async def body():
        async with world(pg_url, opening()) as made:
            await made.ask(100)
            gateway, stop = Told(Reply("paid", 100)), asyncio.Event()
            away = Flickering(made.own, failures=3)
            task = asyncio.create_task(Sender(away, gateway, made.clock, made.terms.finality).run(stop, poll_s=0.01))
            async with asyncio.timeout(10):
                while (await made.desk.withdrawals("U1"))[0].state != "paid":
                    assert not task.done(), task
                    await asyncio.sleep(0.02)
            stop.set()
            await task
            assert (away.failures, len(gateway.paid)) == (0, 1)

    run(body())


class Flickering:
    """A database that is away at first."""

    def __init__(self, database, failures: int) -> None:
        self.database, self.failures = database, failures

    def transaction(self, user_id=None):
        if self.failures:
            self.failures -= 1
            raise (OSError("refused") if self.failures else asyncpg.CannotConnectNowError("starting up"))
        return self.database.transaction(user_id)


def test_many_senders_share_the_work(pg_url):
    async def body():
        rows = [opening(f"E{n:03}", f"U{n}") for n in range(60)]
        async with world(pg_url, *rows) as made:
            for n in range(60):
                await made.ask(100, user=f"U{n}", escrow=f"E{n:03}")
            gateway = Told(Reply("processing"))
            await asyncio.gather(*(sender(made, gateway).turn() for _ in range(6)))
            await sender(made, gateway).turn()
            assert len(gateway.paid) == len(set(gateway.paid)) == 60

    run(body())


class TestNotFound:
    def test_early_it_says_nothing_late_and_twice_persons_may_release(self, pg_url):
        async def body():
            async with world(pg_url, opening(fen=1_000)) as made:
                asked = await made.ask(1_000)
                gateway = Told(Unanswered, Reply("not_found"))
                await work(made, gateway, turns=6)
                with pytest.raises(InputRefused):
                    await made.books.release(asked.id, "A", "asked by telephone", made.terms)
                made.clock.go(hours=25)
                await work(made, gateway, turns=1)
                with pytest.raises(InputRefused):
                    await made.books.release(asked.id, "A", "asked by telephone", made.terms)
                await work(made, gateway, turns=1)
                assert [f.code for f in await made.books.troubles()] == ["ESCROW_KNOWS_NOTHING"]
                assert not await made.books.release(asked.id, "A", "asked by telephone", made.terms)
                assert not await made.books.release(asked.id, "A", "once more", made.terms)
                assert await state(made) == "in_transit"
                assert await made.books.release(asked.id, "B", "asked by letter", made.terms)
                assert await state(made) == "returned"
                assert len(gateway.paid) == 1

        run(body())

    def test_found_after_all_it_is_paid(self, pg_url):
        async def body():
            async with world(pg_url, opening()) as made:
                await made.ask(1_000)
                gateway = Told(Unanswered, Reply("not_found"), Reply("not_found"), Reply("paid", 1_000))
                await work(made, gateway, turns=5)
                assert await state(made) == "paid"
                assert len(gateway.paid) == 1

        run(body())


class TestReversals:
    def test_a_paid_one_comes_back_once(self, pg_url, tmp_path):
        async def body():
            async with world(pg_url, opening(fen=1_000)) as made, escrow(tmp_path, Faults(settle_s=0)) as there:
                asked = await made.ask(1_000)
                await work(made, there.gateway)
                await there.client.post("/reverse", json={"number": str(asked.id), "day": "2026-11-21"})
                assert await made.books.reverse(date(2026, 11, 21), there.gateway) == 1
                assert await state(made) == "reversed"
                assert await made.books.reverse(date(2026, 11, 21), there.gateway) == 0
                assert (await made.desk.accounts("U1"))[0].left_fen == 1_000
                assert (await made.ask(1_000, key="anew")).state == "requested"

        run(body())

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"{", "REVERSAL_ODD"),
            (b'{"reversals": [{"number": "%s", "amount_fen": 1000}]}' % NOBODY, "REVERSAL_ODD"),
            (b'{"reversals": [{"number": "%s", "amount_fen": 10.5}]}' % NOBODY, "REVERSAL_ODD"),
        ],
    )
    def test_a_line_that_cannot_be_believed_stops_the_whole_file(self, pg_url, content, code):
        class There(Told):
            async def reversals(self, day):
                return content

        async def body():
            async with world(pg_url, opening()) as made:
                with pytest.raises(GateClosed) as shut:
                    await made.books.reverse(date(2026, 11, 21), There(Unanswered))
                assert shut.value.reasons[0].code == code

        run(body())

    def test_other_content_for_a_day_that_was_taken_stops(self, pg_url):
        class There(Told):
            content = b'{"reversals": []}'

            async def reversals(self, day):
                return self.content

        async def body():
            async with world(pg_url, opening()) as made:
                there = There(Unanswered)
                assert await made.books.reverse(date(2026, 11, 21), there) == 0
                there.content = b'{"reversals":  []}'
                with pytest.raises(GateClosed):
                    await made.books.reverse(date(2026, 11, 21), there)
                with pytest.raises(Waiting):
                    await made.books.reverse(date(2026, 11, 22), Told(Unanswered))

        run(body())


def test_the_ledger_sees_a_fen_that_was_moved_behind_its_back(pg_url):
    clock = Clock(datetime(2026, 11, 20, 4, tzinfo=UTC) + timedelta(0))

    async def body():
        async with world(pg_url, opening("E1"), opening("E2"), clock=clock, tariff=FREE) as made:
            await made.ask(1_000)
            async with made.own.transaction() as connection:
                await connection.execute(
                    "UPDATE withdrawals.account SET left_fen = left_fen + 1, in_transit_fen = in_transit_fen - 1"
                    " WHERE escrow_id = 'E1'"
                )
            assert [(f.code, f.subject) for f in closed(await made.books.ledger())] == [
                ("LEDGER_OPEN", "withdrawals/E1")
            ]

    run(body())


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b"{}"),
        (200, b"not json"),
        (200, b'{"word": "maybe"}'),
        (200, b'{"word": "paid", "amount_fen": 10.0}'),
        (200, b'{"word": "paid", "amount_fen": true}'),
        (200, b"[]"),
        (302, b'{"word": "paid"}'),
    ],
)
def test_an_answer_of_another_form_is_not_believed(status, content):
    async def body():
        gateway = EscrowOverHttp("http://escrow")
        await gateway.close()
        answer = httpx.Response(status, content=content)
        gateway._client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer), base_url="http://escrow")
        with pytest.raises(Unanswered):
            await gateway.ask(uuid4())

    run(body())
