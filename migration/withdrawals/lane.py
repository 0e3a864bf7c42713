"""What is asked for at the same time goes to the database together, and shares one commit.

The first goes at once, alone; those who come while it is under way go together when it is back. So nobody waits for company. When
a statement of several fails as a whole, each of them is sent once more by itself: each carries a key that makes that harmless.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

MOST: Final = 32
"""How many go together; each is a subtransaction, of which PostgreSQL remembers 64 cheaply."""

A = TypeVar("A")
B = TypeVar("B")


class Lane(Generic[A, B]):
    """`send` takes several questions and returns as many answers in their order, or fails for all of them."""

    def __init__(self, send: Callable[[Sequence[A]], Awaitable[Sequence[B]]], most: int = MOST) -> None:
        self._send, self._most = send, most
        self._waiting: deque[tuple[A, asyncio.Future[B]]] = deque()
        self._under_way: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()

    async def ask(self, question: A) -> B:
        """Return the answer to one question, or raise what its own statement raised."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[B] = loop.create_future()
        self._waiting.append((question, answer))
        if self._under_way is None:
            self._under_way = loop.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._one([self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))])
        finally:
            self._under_way = None

    async def _one(self, company: Sequence[tuple[A, asyncio.Future[B]]]) -> None:
        try:
            answers = await self._send([question for question, _ in company])
        except Exception as fault:  # noqa: BLE001 - it is the callers'
            self._failed(company, fault)
            return
        for (_, waiting), answer in zip(company, answers, strict=True):
            if not waiting.done():  # its caller may have gone
                waiting.set_result(answer)

    def _failed(self, company: Sequence[tuple[A, asyncio.Future[B]]], fault: Exception) -> None:
        if len(company) == 1:
            _, waiting = company[0]
            if not waiting.done():
                waiting.set_exception(fault)
            return
        for one in company:  # beside the lane: what one of them waits for stops nobody else
            task = asyncio.get_running_loop().create_task(self._one([one]))
            self._alone.add(task)
            task.add_done_callback(self._alone.discard)
