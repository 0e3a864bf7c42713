"""Runs collected tests in a forked child: it starts with everything imported, and takes its changes to the grave."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation import recode

LATE = "timeout"
BROKEN = "broken"
ALARMS = (signal.SIGALRM, signal.SIGPROF)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a child: `test` is the first that failed ("" when all passed), `kind` the type it failed with."""

    test: str = ""
    kind: str = ""
    message: str = ""

    @property
    def seen(self) -> bool:
        """Whether something failed."""
        return bool(self.test or self.kind)


class Kinds:
    """Plugin: remembers the type of the exception that a test failed with."""

    def __init__(self) -> None:
        self.last: tuple[str, str] = ("", "")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        outcome = yield
        if outcome.get_result().failed and call.excinfo is not None:
            self.last = (call.excinfo.typename, str(call.excinfo.value)[:300])


def run(items: Sequence[pytest.Item], kinds: Kinds, before: Callable[[pytest.Item], None] | None = None) -> Verdict:
    """Run the tests in turn, up to the first failure; `before` is called before each. Fixtures of the session stay up."""
    for n, item in enumerate(items):
        if before is not None:
            before(item)
        after: Any = items[n + 1] if n + 1 < len(items) else item.session
        for report in runtestprotocol(item, log=False, nextitem=after):
            if report.failed:
                return Verdict(item.nodeid, *kinds.last)
    return Verdict()


def in_child(change: Callable[[], None], work: Callable[[], Verdict], seconds: float) -> Verdict:
    """Fork, change, work. A child that takes longer than it is allowed is ended by its alarm (`timeout`)."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _child(writing, change, work, seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    if said:
        return Verdict(**json.loads(said))
    return Verdict(kind=LATE if os.WIFSIGNALED(status) and os.WTERMSIG(status) in ALARMS else BROKEN)


def allow(seconds: float) -> None:
    """From now on this process may compute so many seconds, or wait ten times as long; then its alarm ends it.

    Processor time is what counts: a busy machine is no verdict on a mutant.
    """
    signal.setitimer(signal.ITIMER_PROF, max(1, seconds))
    signal.alarm(max(10, round(10 * seconds)))


def _child(writing: int, change: Callable[[], None], work: Callable[[], Verdict], seconds: float) -> None:
    for alarm in ALARMS:
        signal.signal(alarm, signal.SIG_DFL)
    allow(seconds)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        recode.forget()
        change()
        found = work()
    except BaseException as error:  # noqa: BLE001 - whatever it was, the parent is told
        found = Verdict(kind=type(error).__name__, message=str(error)[:300])
    told = {"test": found.test, "kind": found.kind, "message": found.message}
    os.write(writing, json.dumps(told).encode())
    os._exit(0)
