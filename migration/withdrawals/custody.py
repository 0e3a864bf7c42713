"""What a user has in bank custody, for the sum of his assets; the bank is asked where there is a way to ask.

The page waits for it `WAIT_S` and no longer. A balance that is not known is shown as unknown, never as zero.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import date
from typing import Final, Protocol

from migration.domain.errors import CouldNotCheck, CutoverError
from migration.domain.ports import Balances

WAIT_S: Final = 2.0
"""How long a page waits for the bank."""

FRESH_S: Final = 15.0
"""How long an answer is shown again without asking."""

PAUSE_S: Final = 10.0
"""How long the bank is left alone after it did not answer; so many seconds nobody waits in vain."""

QUEUE: Final = 20
KEPT: Final = 10_000


class Custody(Protocol):
    """The bank's word on one account."""

    @property
    def trouble(self) -> str:
        """Why the last question was not answered, a code; empty when it was."""
        ...

    async def balance_fen(self, account_no: str) -> int | None:
        """The balance in fen; None when the bank could not be asked or gave no answer that can be believed."""
        ...


class NoChannel:
    """There is no query channel: nothing is known of balances in custody."""

    trouble = ""

    async def balance_fen(self, account_no: str) -> int | None:  # noqa: ARG002 - the port's form
        """Return None: unknown."""
        return None


class BankCustody:
    """Asks the bank over its query channel, one question after the other in a thread of its own.

    `opened(day)` opens the channel for a day at the bank, `today()` says which that is.
    """

    def __init__(
        self,
        opened: Callable[[date], AbstractContextManager[Balances]],
        today: Callable[[], date],
        wait_s: float = WAIT_S,
    ) -> None:
        self._opened, self._today, self._wait_s = opened, today, wait_s
        self._thread = ThreadPoolExecutor(1, "custody")
        self._channel = ExitStack()
        self._bank: tuple[date, Balances] | None = None
        self._asked: dict[str, asyncio.Future[int | None]] = {}
        self._known: OrderedDict[str, tuple[float, int | None]] = OrderedDict()  # account -> until when, fen
        self._turn = asyncio.Lock()
        self._pause_until = 0.0
        self.trouble = ""

    async def balance_fen(self, account_no: str) -> int | None:
        """As the port says. Callers who ask for the same account at once share one question."""
        at = time.monotonic()
        until, fen = self._known.get(account_no, (0.0, None))
        if at < until:
            return fen
        if at < self._pause_until or len(self._asked) >= QUEUE:
            return None
        question = self._asked.get(account_no)
        if question is None:
            question = asyncio.get_running_loop().create_task(self._question(account_no))
            self._asked[account_no] = question
        try:
            return await asyncio.wait_for(asyncio.shield(question), self._wait_s)
        except TimeoutError:
            return None

    async def _question(self, account_no: str) -> int | None:
        fen = None
        try:
            async with self._turn:
                if time.monotonic() < self._pause_until:  # it stood behind a question that was not answered
                    return None
                fen = await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, account_no)
            self.trouble = ""
        except CouldNotCheck as odd:  # an answer, and none to believe: only this account's
            self.trouble = odd.reasons[0].code
        except CutoverError as away:
            self.trouble = away.reasons[0].code
            self._pause_until = time.monotonic() + PAUSE_S
            return None
        finally:
            del self._asked[account_no]
        self._known[account_no] = (time.monotonic() + FRESH_S, fen)
        self._known.move_to_end(account_no)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return fen

    def _ask(self, account_no: str) -> int | None:
        """In the thread."""
        return self.begin().balance_fen(account_no)

    def begin(self) -> Balances:
        """Open the channel for today, unless it is; ConfigurationError when its keys cannot be read."""
        day = self._today()
        if self._bank is None or self._bank[0] != day:
            self._bank = None
            self._channel.close()
            self._bank = (day, self._channel.enter_context(self._opened(day)))
        return self._bank[1]

    def close(self) -> None:
        """Give the channel back, after the question that is under way."""
        self._thread.shutdown(cancel_futures=True)
        self._channel.close()
