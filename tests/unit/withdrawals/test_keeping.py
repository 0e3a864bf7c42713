"""The sender beside the service: killed, it is there again; at the end it is told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from migration.withdrawals.keeping import kept

BODY = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path(sys.argv[1], "over").touch(), sys.exit(0)))
pathlib.Path(sys.argv[1], f"pid-{os.getpid()}").touch()
time.sleep(60)
"""


SERVICE = """
import sys, uvicorn
from migration.withdrawals.keeping import kept
async def app(scope, receive, send): ...
with kept([sys.executable, "-c", sys.argv[2], sys.argv[1]], look_s=0.05):
    uvicorn.run(app, uds=sys.argv[1] + "/door", log_level="error", lifespan="off")
"""


@pytest.fixture(autouse=True)
def _handler():
    """What this process does on SIGTERM is as before afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def pids(place, wanted: int) -> list[int]:
    end = time.monotonic() + 20
    while len(found := [int(p.name[4:]) for p in place.glob("pid-*")]) < wanted:
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_a_killed_process_is_started_again_and_the_last_one_is_told_to_stop(tmp_path):
    with kept([sys.executable, "-c", BODY, str(tmp_path)], look_s=0.05):
        (first,) = pids(tmp_path, 1)
        os.kill(first, signal.SIGKILL)
        second = next(pid for pid in pids(tmp_path, 2) if pid != first)
        assert not (tmp_path / "over").exists()
    assert (tmp_path / "over").exists()
    assert not alive(second)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_told_to_stop_leaves_no_sender_behind(tmp_path, number):
    service = subprocess.Popen([sys.executable, "-c", SERVICE, str(tmp_path), BODY], stderr=subprocess.DEVNULL)
    try:
        (beside,) = pids(tmp_path, 1)
        end = time.monotonic() + 20
        while not (tmp_path / "door").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        service.send_signal(number)
        service.wait(20)
        assert (tmp_path / "over").exists()
        assert not alive(beside)
    finally:
        service.kill()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
