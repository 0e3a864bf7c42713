"""A whole cutover over a PostgreSQL that is stopped with `immediate` between two statements, and started again.

At once: the run goes on over a connection that has died. Later: the run ends with a passing fault and is run again. The
server is a durable one: with the tests' `synchronous_commit=off` a stop may take commits back that were promised.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event

from migration.domain.errors import TransientError
from migration.journal import programs
from migration.journal.embedded import Embedded
from tests.support import killed

RUNS = 12
"""Times the cutover is run again, at most."""


def stop(server: Embedded) -> None:
    """As a crash of the server: no clean-up, no last checkpoint."""
    programs.run("pg_ctl", "-w", "-m", "immediate", "-D", str(server.data), "stop", owner=programs.os_user())


def start(server: Embedded) -> None:
    """Start it again; it recovers from its log."""
    server._ensure_running(programs.os_user())


class Stops:
    """Counts statements; at each chosen one the server is stopped before it, and started again at once when it says so."""

    def __init__(self, server: Embedded, chosen: dict[int, bool]) -> None:
        self._server, self._chosen = server, chosen
        self.statements = 0
        self.stopped: list[int] = []
        self.down = False

    def __call__(self, *_: Any) -> None:
        """Before a statement."""
        self.statements += 1
        at_once = self._chosen.get(self.statements)
        if at_once is None or self.down:
            return
        self.stopped.append(self.statements)
        stop(self._server)
        self.down = not at_once
        if at_once:
            start(self._server)


def play(root: Path, server: Embedded, stops: Stops) -> list[int]:
    """The story of the real kills, run again until it has ended; the exit codes of the runs that a stop ended (1) and of the last."""
    killed.prepare(root)
    url = server.url(root.name)
    ended = []
    for _ in range(RUNS):
        code = _run(root, url, stops)
        ended.append(code)
        if code == 0:
            return ended
        if stops.down:
            start(server)
            stops.down = False
    raise AssertionError(f"it does not end: {ended}")


def _run(root: Path, url: str, stops: Stops) -> int:
    case = killed.Case(root, url, killed.Points(root / "trace"), alone=False)
    store: Any = case.journal
    event.listen(store._db._engine, "before_cursor_execute", stops)
    try:
        for code in killed.turns(case):
            if code == TransientError.exit_code:
                return code
        killed.export(case)
    except TransientError as passing:  # between two runs, in what the operator asks of the journal
        return passing.exit_code
    finally:
        store.close()
        case.points.close()
    return code
