"""A whole cutover as a process that can be killed: real PostgreSQL, real source, real files, the sandbox bank.

    python -m tests.support.killed ROOT URL MEMO [FAILPOINT@N[,...]]
    python -m tests.support.killed --serve      (forks one for each line of its input)

It plays the operator too: corrects the refused borrower, marks the refused debt for re-sending, signs what is left. Run
again after a kill, it goes on from what it finds. With FAILPOINT@N the process ends by SIGKILL when that point is reached
for the n-th time. ROOT/trace has every point reached, ROOT/deliveries every request handed to the transport with its
SHA-256, ROOT/exports the outcome.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import event

from expectations.plain import PlainJudge
from migration.bank import disk
from migration.domain.outcome import balance, outcome
from migration.journal.store import PostgresJournal
from migration.legacy.platform import LegacyPlatform
from migration.legacy.vault import Vault
from migration.reports import exports
from migration.sandbox.bank import dump
from tests.contract.platforms import Tables, fill
from tests.support import forking, memo
from tests.support.platform import joined, loan, small
from tests.support.rehearsal import Rehearsal

WRITES = [
    "begin",
    "acquire",
    "record_snapshot",
    "add_corrections",
    "plan",
    "withdraw",
    "seal",
    "mark_delivered",
    "mark_quarantined",
    "apply",
    "record_exceptions",
    "sign",
    "mark_resend",
    "open_gate",
    "decide",
    "record_stage",
    "record_checks",
    "record_dispositions",
    "note",
]
READS = frozenset(
    {
        "snapshot",
        "corrections",
        "items",
        "exceptions",
        "dispositions",
        "batches",
        "request",
        "result",
        "gates",
        "stages",
        "events",
        "head",
        "resends",
    }
)
FAULTS = {
    "refuse_users": {"U1": "106"},
    "refuse_debts": {"L2D3": {"code": "93", "times": 1}},
    "corrupt": [{"match": "APPZX0110RES-000001", "how": "echo", "record": 1, "times": 1}],
}
CORRECTION = "U1,phone,13800000001,13855550001,changed,operations"
TURNS = 12
IMPORTED = (
    "encodings.gbk",
    "pandas",
    "pyarrow.acero",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
)
"""What every child would import by itself."""


def platform() -> Tables:
    """Six listings, one of them lent by its borrower to himself."""
    return joined(small(6), loan(9, "U2", {"U2": "70.00", "U3": "30.00"}))


class Points:
    """Failpoints: noted in the trace; an armed one kills this process.

    `NAME@N` is the n-th time of this name; several are divided by commas. `*.SUFFIX` is the first name that ends so, where a
    piece of a cutover ends: the exports are written first, to be compared. `NAME@N:SIGSTOP` is another signal than SIGKILL.
    """

    def __init__(self, trace: Path, armed: str = "") -> None:
        self._trace = trace.open("a", buffering=1)
        self._left: dict[str, int] = {}
        self._signals: dict[str, signal.Signals] = {}
        for one in filter(None, armed.split(",")):
            point, _, wanted = one.partition(":")
            name, _, nth = point.partition("@")
            self._left[name] = int(nth or 1)
            self._signals[name] = signal.Signals[wanted or "SIGKILL"]
        self.export: Callable[[], None] = lambda: None

    def close(self) -> None:
        self._trace.close()

    def reach(self, point: str) -> None:
        self._trace.write(f"{point}\n")
        for name in self._left:
            ends = name[:1] == "*" and point.endswith(name[1:])
            if ends or point == name:
                self._left[name] -= 1
                if self._left[name] == 0:
                    self._strike(name, ends=ends)

    def _strike(self, name: str, *, ends: bool) -> None:
        if ends:
            self.export()
        os.kill(os.getpid(), self._signals[name])


class WatchedJournal:
    """The real journal with a failpoint before every commit of a write verb and one after it.

    `alone`: nobody else writes into this journal, so what was read need not be asked for again before the next write.
    """

    def __init__(self, journal: PostgresJournal, reach: Callable[[str], None], *, alone: bool) -> None:
        self._journal, self._reach, self._verb = journal, reach, ""
        self._alone, self._read = alone, dict[Any, Any]()
        event.listen(journal._db._engine, "commit", self._committing)

    def _committing(self, _: object) -> None:
        if self._verb:
            self._reach(f"journal.{self._verb}.before_commit")

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._journal, name)
        if name in READS and self._alone:
            return partial(self._once, name, call)
        if name not in WRITES:
            return call

        def watched(*values: Any, **named: Any) -> Any:
            self._verb, self._read = name, {}
            try:
                found = call(*values, **named)
            finally:
                self._verb = ""
            self._reach(f"journal.{name}.after_commit")
            return found

        return watched

    def _once(self, name: str, call: Callable[..., Any], *values: Any) -> Any:
        if (name, values) not in self._read:
            self._read[name, values] = call(*values)
        return self._read[name, values]


class WatchedFiles:
    """The real transport; what is handed to it is noted first."""

    def __init__(self, files: Any, log: Path) -> None:
        self._files, self._log = files, log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def deliver(self, name: str, business_date: Any, content: bytes) -> None:
        with self._log.open("a") as log:
            log.write(f"{name} {hashlib.sha256(content).hexdigest()}\n")
        self._files.deliver(name, business_date, content)


def _watch_disk(reach: Callable[[str], None]) -> None:
    """Failpoints in mid-upload and between the last byte and the rename."""
    real = disk.fill

    def fill_slowly(handle: int, content: bytes) -> None:
        os.write(handle, content[: len(content) // 2])
        reach("files.half_written")
        os.lseek(handle, 0, os.SEEK_SET)
        real(handle, content)
        reach("files.before_rename")

    disk.fill = fill_slowly


class Case(Rehearsal):
    """One cutover in a folder; every process opens it anew."""

    def __init__(self, root: Path, url: str, points: Points, *, alone: bool) -> None:
        root.mkdir(parents=True, exist_ok=True)
        workspace = root / "workspace"
        workspace.mkdir(mode=0o700, exist_ok=True)
        self._log = root / "deliveries"
        store = PostgresJournal(url)
        source = LegacyPlatform(
            f"sqlite:///{root}/legacy.sqlite", "yuan", {}, workspace, Vault.open(workspace), store._db._clock
        )
        self.points = points
        journal: Any = WatchedJournal(store, points.reach, alone=alone)
        rules: dict[str, Any] = {"judge": PlainJudge(), "verified": True, "measured": True}
        super().__init__(root, source, journal=journal, faults=FAULTS, confidence=0, **rules)
        self.failpoint = points.reach

    def _house(self, approve: Any, *, blocking: bool = True) -> Any:
        house = super()._house(approve, blocking=blocking)
        house.files = WatchedFiles(house.files, self._log)
        return house


def turns(case: Rehearsal) -> Iterator[int]:
    """Run, then do what an operator would; the exit codes, the last one 0 when all went well."""
    for _ in range(TURNS):
        case.journal.begin(case.terms.cutover_id, case.terms.kind)
        corrected = case.journal.corrections().num_rows > 0
        code = case.run(None if corrected else "accounts")
        yield code
        if code == 0 and corrected:
            return
        if code == 0:
            case.correct(CORRECTION)
        elif code == 4:
            case.resend(*(k for k, c in case.exceptions().items() if k[0] == "debts" and c == "BANK_93"))
            case.sign(*(k for k, c in case.exceptions().items() if c == "SELF_LOAN"))


def prepare(root: Path) -> None:
    """The legacy platform that the process reads."""
    root.mkdir(parents=True, exist_ok=True)
    fill(f"sqlite:///{root}/legacy.sqlite", platform())
    (root / "deliveries").touch()


def main(root: Path, url: str, remembered: Path, armed: str = "", *, alone: bool = False) -> int:
    """One process: run to the end, or to the kill."""
    memo.install(remembered)
    points = Points(root / "trace", armed)
    _watch_disk(points.reach)
    case = Case(root, url, points, alone=alone)
    points.export = lambda: export(case)
    codes = list(turns(case))
    sys.stderr.write(f"exit codes {codes}, last reasons {[str(r) for r in case.reasons]}\n")
    export(case)
    return codes[-1]


def export(case: Case) -> None:
    """Write ROOT/exports as the journal has it now."""
    book = case.house.book()
    exports.write(case.root / "exports", outcome(book, case.journal.batches()), balance(book).as_json())


def serve() -> None:
    """For every line `ROOT URL MEMO [FAILPOINT@N]` a process of its own."""
    for name in IMPORTED:
        import_module(name)

    def work(line: str) -> int:
        root, url, remembered, *armed = line.split()
        return main(Path(root), url, Path(remembered), *armed, alone=True)

    forking.serve(work, lambda line: Path(line.split()[0], "errors"))


class Starter(forking.Starter):
    """Starts such processes, one after the other; a context."""

    def __init__(self, remembered: Path) -> None:
        remembered.mkdir(parents=True, exist_ok=True)
        self._remembered = remembered
        super().__init__("tests.support.killed", "--serve")

    def run(self, root: Path, url: str, armed: str = "") -> int:
        """Run one process to its end: its exit code, or minus the signal that killed it."""
        return self.ask(f"{root} {url} {self._remembered} {armed}")


def deliveries(root: Path) -> dict[str, list[str]]:
    """Request name -> the SHA-256 of every time it was handed to the transport."""
    found: dict[str, list[str]] = {}
    for line in (root / "deliveries").read_text().splitlines():
        name, digest = line.split()
        found.setdefault(name, []).append(digest)
    return found


def points(root: Path) -> dict[str, int]:
    """Every point that was reached, with how often, in the order of the first time."""
    return dict(Counter((root / "trace").read_text().split()))


def handed_out(root: Path) -> dict[str, bytes]:
    """The exports in bytes (Parquet is compared as CSV: its own bytes carry no more)."""
    return {p.name: p.read_bytes() for p in sorted((root / "exports").iterdir()) if p.suffix in {".csv", ".json"}}


def sent(root: Path) -> dict[str, bytes]:
    """The request files as they stand at the bank."""
    return {p.name: p.read_bytes() for p in sorted((root / "bank" / "out").rglob("3005-*"))}


def effects(root: Path) -> dict[tuple[str, str], int]:
    """(entity, key) -> how often the bank did something for it."""
    return {(r["entity"], r["key"]): r["count"] for r in dump(root / "state")["effects"]}


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve()
    else:
        sys.exit(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
