"""The whole service against a model: any order of asking, repeating, sending, lying, reversing keeps every equation."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from migration.withdrawals.books import closed
from migration.withdrawals.gateway import Reply, Unanswered
from migration.withdrawals.values import Order, Refused
from tests.support.withdrawing import Clock, opening, sender, world

_NUMBERS = itertools.count()


class Lying:
    """An escrow that is told at most once a number and may say anything but a second payment."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}
        self.paid: dict[str, int] = {}
        self.next: str = "processing"

    async def pay(self, payment) -> Reply:
        self.told[str(payment.number)] = self.told.get(str(payment.number), 0) + 1
        if self.next != "lost before":
            self.paid.setdefault(str(payment.number), payment.amount_fen)
        if self.next.startswith("lost"):
            raise Unanswered
        return Reply("processing")

    async def ask(self, number) -> Reply:
        number = str(number)
        if self.next == "lost after":
            raise Unanswered
        if number not in self.paid:
            return Reply("not_found")
        if self.next == "returned":
            del self.paid[number]
            return Reply("returned", reason="ESCROW_CARD_REFUSED")
        return Reply("paid", self.paid[number]) if self.next == "paid" else Reply("processing")


class Service(RuleBasedStateMachine):
    """`left`, `transit`, `paid` by account, as they must be; `known` what each key was answered with."""

    made = loop = None

    @initialize(balances=st.lists(st.integers(0, 150_000), min_size=1, max_size=3))
    def open_accounts(self, balances):
        self.user = f"U{next(_NUMBERS)}"
        self.accounts = [f"{self.user}-E{n}" for n in range(len(balances))]
        self.gateway = Lying()
        self.known = {}
        self.left = dict(zip(self.accounts, balances, strict=True))
        self.moving: dict[str, tuple[str, int, bool]] = {}  # number -> account, amount with fee, free
        self.ended: dict[str, str] = {}
        self.free_used: dict[object, int] = {}
        rows = [opening(e, self.user, fen=b) for e, b in self.left.items()]
        self.do(self.made.books.open(rows))

    def do(self, body):
        return self.loop.run_until_complete(body)

    def ask(self, key, account, amount):
        body = f"{account}|{amount}".rjust(64, "0")[-64:]
        try:
            return self.do(self.made.desk.ask(Order(self.user, account, amount, key, body)))
        except Refused as refused:
            return refused.code, dict(refused.facts)

    @rule(n=st.integers(0, 2), amount=st.integers(1, 160_000), key=st.integers(0, 6))
    def asks(self, n, amount, key):
        account, key = self.accounts[n % len(self.accounts)], f"k{key}"
        got = self.ask(key, account, amount)
        said = (account, amount)
        if key in self.known:
            before, answer = self.known[key]
            if before == said:
                assert (getattr(got, "id", got)) == answer
            else:
                assert got == ("IDEMPOTENCY_KEY_REUSED", {})
            return
        month = self.made.clock().strftime("%Y-%m")
        free = self.free_used.get(month, 0) < 1
        cost = amount + (0 if free else self.made.terms.tariff.fee(amount))
        busy = any(a == account for a, _, _ in self.moving.values())
        if busy or cost > self.left[account]:
            assert got[0] in ({"WITHDRAWAL_OPEN", "BALANCE_TOO_SMALL"} if busy else {"BALANCE_TOO_SMALL"})
            self.known[key] = (said, got)
            return
        assert (got.amount_fen, got.fee_fen, got.free) == (amount, cost - amount, free)
        self.known[key] = (said, got.id)
        self.left[account] -= cost
        self.moving[str(got.id)] = (account, cost, month if free else "")
        if free:
            self.free_used[month] = 1

    @rule(
        says=st.sampled_from(["processing", "paid", "returned", "lost before", "lost after"]),
        seconds=st.integers(0, 90),
    )
    def sends(self, says, seconds):
        self.made.clock.at += timedelta(seconds=seconds)
        self.gateway.next = says
        self.do(sender(self.made, self.gateway).turn())
        for found in self.do(self.made.desk.withdrawals(self.user)):
            number = str(found.id)
            if number in self.moving and found.state in {"paid", "returned"}:
                account, cost, month = self.moving.pop(number)
                self.ended[number] = found.state
                if found.state == "returned":
                    self.left[account] += cost
                    if month:
                        self.free_used[month] -= 1

    @rule()
    @precondition(lambda self: any(state == "paid" for state in self.ended.values()))
    def reverses(self):
        number = next(n for n, state in self.ended.items() if state == "paid")
        (found,) = [w for w in self.do(self.made.desk.withdrawals(self.user)) if str(w.id) == number]

        async def reversed_() -> None:
            async with self.made.own.transaction() as connection:
                await connection.execute(
                    "SELECT withdrawals.finish($1, 'reversed', '', $2)", found.id, self.made.clock()
                )

        self.do(reversed_())
        self.ended[number] = "reversed"
        self.left[found.escrow_id] += found.amount_fen + found.fee_fen
        if found.free:
            self.free_used[found.requested_at.strftime("%Y-%m")] -= 1

    @invariant()
    def equations_hold(self):
        if self.made is None or not hasattr(self, "accounts"):
            return
        assert all(times == 1 for times in self.gateway.told.values())
        mine = {a.escrow_id: a for a in self.do(self.made.desk.accounts(self.user))}
        for account in self.accounts:
            transit = sum(cost for a, cost, _ in self.moving.values() if a == account)
            assert (mine[account].left_fen, mine[account].in_transit_fen) == (self.left[account], transit)

    def teardown(self):
        if self.made is not None:
            assert closed(self.do(self.made.books.ledger())) == ()
            self.do(self._drain())

    async def _drain(self):
        """The next example begins with an empty outbox."""
        async with self.made.own.transaction() as connection:
            await connection.execute("DELETE FROM withdrawals.outbox")


@pytest.mark.timeout(280)
def test_the_service_agrees_with_its_model(pg_url):
    loop = asyncio.new_event_loop()
    context = world(pg_url, clock=Clock())
    made = loop.run_until_complete(context.__aenter__())
    bound = type("Bound", (Service,), {"made": made, "loop": loop})
    try:
        run_state_machine_as_test(
            bound,
            settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()
