"""A double of the engine whose steps do as a script says; its calls and its script live in a folder, since Airflow's
tasks are processes of their own.

`script.json` maps `stage.step` to what the calls of that step do, one after the other; calls beyond succeed:
`ok`, `wait` (Waiting), `closed` (GateClosed), `rejected`, `unknown` (OutcomeUnknown), `unchecked` (CouldNotCheck),
`config`, `transient`, `crash` (an exception whose message holds personal data), `slow:SECONDS`.
`batches.json` maps `stage.step` of a mapped step to its batch ids; default: two.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from migration.domain import errors

SECRET = "欧阳麒雀 13976530001 110101198001010012 6222020200123400001"
"""Stands for personal data that an unforeseen exception might carry."""

ERRORS = {
    "wait": (errors.Waiting, "APPROVAL_MISSING", "1 of 2 approvals given"),
    "closed": (errors.GateClosed, "RULE_FAILED", "3 rows disagree"),
    "rejected": (errors.GateClosed, "GATE_REJECTED", "rejected by a reviewer"),
    "unknown": (errors.OutcomeUnknown, "OUTCOME_UNKNOWN", "2 items without a known outcome"),
    "unchecked": (errors.CouldNotCheck, "CHECK_IMPOSSIBLE", "the totals could not be read"),
    "config": (errors.ConfigurationError, "CONFIG_VALUE", "not among the allowed"),
    "transient": (errors.TransientError, "JOURNAL_UNAVAILABLE", "no connection"),
}


@dataclass
class Report:
    """What a step reports."""

    totals: dict[str, int] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


class ScriptedEngine:
    """Does as `script.json` says and writes every call into `calls.log`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls.log"

    def step(self, stage: str, step: str, batch: str | None = None) -> Report:
        name = f"{stage}.{step}"
        before = sum(call["name"] == name and call["batch"] == batch for call in calls(self.folder))
        with self.calls.open("a") as log:
            log.write(json.dumps({"name": name, "batch": batch, "pid": os.getpid(), "at": time.time()}) + "\n")
        script = _read(self.folder / "script.json").get(name, [])
        behaviour = script[before] if before < len(script) else "ok"
        if behaviour in ERRORS:
            cls, code, detail = ERRORS[behaviour]
            raise cls.of(code, name, detail, "see the handbook")
        if behaviour == "crash":
            raise KeyError(SECRET)
        if behaviour.startswith("slow:"):
            time.sleep(float(behaviour.partition(":")[2]))
        return Report(
            {"rows": 7, "amount_fen": 12345}, self.batches(stage, step), {"request": "ab" * 32}, [f"did {name}"]
        )

    def batches(self, stage: str, step: str) -> list[str]:
        return _read(self.folder / "batches.json").get(f"{stage}.{step}", ["2017-11-18/000001", "2017-11-18/000002"])

    def close(self) -> None:
        """Nothing is held."""


def engine() -> ScriptedEngine:
    """What CUTOVER_ENGINE=doubles:engine opens."""
    return ScriptedEngine(Path(os.environ["CUTOVER_DOUBLE"]))


def calls(folder: Path) -> list[dict]:
    log = folder / "calls.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _read(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {}
