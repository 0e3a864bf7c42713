"""The product's engine with two handles for a drill: a delivery can be held up, and the program can be another version.

`CUTOVER_DRILL` names a folder. `hold.json` there ({"name": part of the request's name, "where": "before" | "after"})
stops a delivery before its first byte or after its last one, unrecorded, until the file is gone. `version` holds the
digest of the program that takes the place of the real one. `handed.log` has every request handed to the transport.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from expectations.plain import PlainJudge
from migration import wiring
from migration.domain.errors import TransientError

GIVE_UP_S = 900


class HeldFiles:
    """The real transport; every delivery is noted first and held up where the drill wants it."""

    def __init__(self, files: Any, folder: Path) -> None:
        self._files, self._folder = files, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def deliver(self, name: str, business_date: date, content: bytes) -> None:
        self._note(name, "handed", sha256(content).hexdigest())
        self._hold(name, "before")
        self._files.deliver(name, business_date, content)
        self._hold(name, "after")

    def _hold(self, name: str, where: str) -> None:
        hold = self._folder / "hold.json"
        if not hold.exists():
            return
        wanted = json.loads(hold.read_text())
        if wanted["where"] != where or wanted["name"] not in name:
            return
        self._note(name, f"held {where}", "")
        deadline = time.monotonic() + GIVE_UP_S
        while hold.exists():
            if time.monotonic() > deadline:
                raise TransientError.of("DRILL_FORGOTTEN", name, "held up and never let go")
            time.sleep(0.05)

    def _note(self, name: str, what: str, digest: str) -> None:
        line = json.dumps({"name": name, "what": what, "sha256": digest, "pid": os.getpid()})
        with (self._folder / "handed.log").open("a") as log:
            log.write(f"{line}\n")


def engine() -> Any:
    """What CUTOVER_ENGINE=held:engine opens."""
    made, folder = wiring.engine(), Path(os.environ["CUTOVER_DRILL"])
    made.house.files = HeldFiles(made.house.files, folder)
    made.house.judge = (
        PlainJudge()
    )  # the same rules; the drills are not about Great Expectations, whose import takes long
    if (folder / "version").exists():
        made.house.terms = replace(made.house.terms, code_digest=(folder / "version").read_text())
    return made
