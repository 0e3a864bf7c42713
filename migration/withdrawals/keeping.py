"""A process beside this one, for as long as a block lasts: when it ends by itself, it is started again."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

LOOK_S: Final = 1.0
"""How often it is looked after, in seconds."""

_LOG: Final = logging.getLogger(__name__)


@contextmanager
def kept(command: Sequence[str], look_s: float = LOOK_S) -> Iterator[None]:
    """Run the command meanwhile; at the end it gets SIGTERM and is waited for. SIGTERM to this process ends the block."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a web server hands it on when it has closed its doors
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=(command, over, look_s), name="keeper")
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _keep(command: Sequence[str], over: threading.Event, look_s: float) -> None:
    child = subprocess.Popen(command)  # noqa: S603 - our own command line
    while not over.wait(look_s):
        if (code := child.poll()) is not None:
            _LOG.warning("%s ended with %s; started again", command[-1], code)
            child = subprocess.Popen(command)  # noqa: S603
    child.terminate()
    child.wait()
