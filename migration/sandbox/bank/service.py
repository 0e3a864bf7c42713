"""The bank as a process: one tick after another until it is told to stop."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from migration.sandbox.bank.server import SandboxBank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from migration.sandbox.bank.desk import Profile


class BankBusy(RuntimeError):
    """Another sandbox bank is at work on the same books."""


def run(
    directory: Path,
    *,
    state: Path,
    faults: Path | None,
    business_date: str | None,
    poll_s: float = 0.2,
    once: bool = False,
    stop: threading.Event | None = None,
    announce: Callable[[str], None] = print,
    profile: Profile | None = None,
    doors: Sequence[Callable[[SandboxBank], AbstractContextManager[str]]] = (),
) -> None:
    """Run the bank until `stop` is set, or for one tick. `doors` are further ways in; each says where it is open.

    BankBusy when another one is at work on the same books; PlanError when the fault plan is wrong. A full disk or a
    locked ledger is announced and tried again at the next tick, except with `once`.
    """
    ending = stop or threading.Event()
    with (
        _alone(state),
        SandboxBank(
            directory,
            state,
            faults,
            profile=profile,
            business_date=business_date,
            announce=announce,
            sleep=ending.wait,
        ) as bank,
        ExitStack() as open_doors,
    ):
        for door in doors:
            announce(open_doors.enter_context(door(bank)))
        announce("sandbox bank: open")
        trouble = ""
        while True:
            try:
                bank.tick()
                trouble = ""
            except (OSError, sqlite3.Error) as error:
                if once:
                    raise
                if str(error) != trouble:
                    trouble = str(error)
                    announce(f"sandbox bank: {trouble}; trying again")
            if once or ending.wait(poll_s):
                break
        announce("sandbox bank: closed")


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """One running bank a set of books; the lock goes with the process."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BankBusy("another sandbox bank is at work on these books") from None
        yield
