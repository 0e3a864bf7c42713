"""Processes that were started here, and their end: each in a group of its own, with its output in a log file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

GRACE_S: Final = 10.0
"""How long a process may take to end by itself before it is killed."""


@dataclass
class Processes:
    """What runs, by name. `stop()` ends all of it, also when something else failed before."""

    logs: Path
    run: Path
    cwd: Path
    alive: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    orphans: list[psutil.Process] = field(default_factory=list)

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start one process as the leader of a new group and remember its id on disk."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                list(argv),
                env=dict(env),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.alive[name] = process
        self._mark(name).write_text(json.dumps({"pid": process.pid, "since": _born(process.pid)}))
        return process

    def dead(self) -> list[str]:
        """Names of those that ended by themselves: none should."""
        return [name for name, process in self.alive.items() if process.poll() is not None]

    def kill(self, name: str, *, children: bool = True) -> None:
        """End one at once (SIGKILL), as a drill; its children too, unless they are to outlive it as orphans."""
        process = self.alive.pop(name)
        family = _family(process.pid)
        if children:
            _end(family, signal.SIGKILL, 0.0)
        else:
            self.orphans += [member for member in family if member.pid != process.pid]
            process.kill()
        process.wait()
        self._mark(name).unlink(missing_ok=True)

    def stop(self) -> None:
        """End everything that was started here: SIGTERM to all, then SIGKILL to what is left, children included."""
        families = {name: _family(process.pid) for name, process in self.alive.items()}
        _end(self.orphans, signal.SIGKILL, 0.0)
        self.orphans.clear()
        for process in self.alive.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        for name, process in list(self.alive.items()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            _end([*families[name], *_family(process.pid)], signal.SIGKILL, 0.0)
            process.wait()
            self._mark(name).unlink(missing_ok=True)
            del self.alive[name]

    def end_leftovers(self) -> list[str]:
        """End what an earlier demonstration that was itself killed has left behind; only processes it started."""
        ended = []
        for mark in sorted(self.run.glob("*.json")):
            left = json.loads(mark.read_text())
            # the leader itself, or, when it alone is gone, what is left of its group: an id in use as a group's is given
            # to nobody else
            if _born(left["pid"]) in {left["since"], 0.0} and (family := _family(left["pid"])):
                _end(family, signal.SIGTERM, GRACE_S)
                ended.append(mark.stem)
            mark.unlink()
        return ended

    def _mark(self, name: str) -> Path:
        return self.run / f"{name}.json"


def _born(pid: int) -> float:
    """When a process began (0.0: there is none): an id alone may have been given to somebody else since."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def _family(pid: int) -> list[psutil.Process]:
    """Find a process with its children and all of the group it leads, also when itself is gone already."""
    found: dict[int, psutil.Process] = {}
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(pid)
        found = {member.pid: member for member in (leader, *leader.children(recursive=True))}
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == pid:
                found[process.pid] = process
    return list(found.values())


def _end(members: Sequence[psutil.Process], first: signal.Signals, grace_s: float) -> None:
    """End processes; psutil checks that an id still means the same process."""
    for member in members:
        with contextlib.suppress(psutil.Error):
            member.send_signal(first)
    _, left = psutil.wait_procs(members, timeout=grace_s) if grace_s else ([], members)
    for member in left:
        with contextlib.suppress(psutil.Error):
            member.kill()
    psutil.wait_procs(left, timeout=GRACE_S)
