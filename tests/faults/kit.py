"""A small cutover stopped just before it takes one result file, to be gone on from with a bad file and then the good one.

The stages, the bank room and the transport are the real ones; the journal is the one in memory, so that a checkpoint is a
copy. The platform's people are canaries: nothing of theirs may come up in anything the product says or keeps in the open.
"""

from __future__ import annotations

import copy
import io
import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migration.domain.errors import CutoverError
from migration.domain.values import Batch
from migration.journal.memory import MemoryJournal
from migration.sandbox.bank.corruptions import spoil
from migration.sandbox.bank.tables import APPZX, BID, BIDIN, SIGTRAN
from tests.contract.platforms import Tables, row
from tests.support import canaries as canaries_of
from tests.support.platform import company, joined, loan, person
from tests.support.rehearsal import Rehearsal

KINDS = ("person", "company", "listing", "debt", "authorisation")
EXCHANGES = {"person": APPZX, "company": APPZX, "listing": BIDIN, "debt": BID, "authorisation": SIGTRAN}
ENTITIES = ("users", "listings", "debts", "authorisations")
COLLECT = {"accounts": "collect", "listings": "collect_sample", "debts": "collect_sample"}
NAMES = ("金丝雀甲", "金丝雀乙", "金丝雀丙", "金丝雀丁", "金丝雀商贸行", "金丝雀物流行")
CARDS = ("6222020200012345678", "6217000010009876543")


def platform() -> Tables:
    """Four persons and two companies by the canaries' names; three listings, each lent by three; cards at the escrow."""
    people = [*(person(n) for n in range(1, 5)), company(1), company(2)]
    people = [p | {"name": name} for p, name in zip(people, NAMES, strict=True)]
    cash = [
        row("escrow_accounts", escrow_id=f"E{n}", user_id=f"U{n}", bound_card=CARDS[n % 2], bound_bank="ICBC")
        for n in range(1, 4)
    ]
    loans = [loan(n, "U1", {"U2": f"{n}000.00", "U3": "500.50", "C1": "10.01"}) for n in range(1, 4)]
    mandates = [row("authorisations", serial=f"S{n}", user_id=f"U{n}") for n in range(1, 5)]
    return joined({"users": people, "escrow_accounts": cash, "authorisations": mandates}, *loans)


def canaries(exports: dict[str, Any]) -> set[str]:
    """Every value of the people that must not come up: names, ID numbers, phones, cards, accounts at the bank."""
    return canaries_of.of_platform(platform()) | {a for a in exports["users"]["account_no"].to_pylist() if a}


@dataclass
class Heard:
    """Everything that came out of one attempt."""

    code: str  # the first stable code; "" when it went through
    text: str

    def leaks(self, secrets: set[str]) -> set[str]:
        """Canaries in it, in whatever form."""
        watch = canaries_of.Watch(secrets)
        watch.look("said", self.text)
        return watch.seen.get("said", set())


class Checkpoint:
    """One kind's result file is awaited and nothing else; `clean` is what the bank really answered."""

    def __init__(self, root: Path, kind: str) -> None:
        self.kind = kind
        self.world = Rehearsal(
            root, platform(), faults=self._plan(hold=True), carry_authorisations=True, result_timeout_s=1
        )
        self.world.run("accounts" if kind in {"person", "company"} else "debts")
        (self.batch,) = [b for b in self.world.journal.batches() if b.kind == kind]
        assert self.batch.state == "delivered", (kind, self.world.reasons)
        self.start = copy.deepcopy(self._states)
        self.world.faults(self._plan(hold=False))
        self.world.bank.tick()
        self.world.clock.bank = None  # it works on only when `finish` lets it
        self.clean = self.place.read_bytes()

    def _plan(self, *, hold: bool) -> dict[str, Any]:
        sort = {"listing": "listings", "debt": "debts", "authorisation": "authorisations"}.get(self.kind, self.kind)
        held = [{"match": "RES", "sort": sort, "until_released": True}] if hold else []
        return {"already_open": ["U2", "U3"], "hold": held, "seed": 7}

    @property
    def _states(self) -> Any:
        journal = self.world.journal
        assert isinstance(journal, MemoryJournal)
        return journal._states

    @property
    def place(self) -> Path:
        """Where the result is put."""
        _, name = self.world.house.bank.names(self.kind, self.batch.batch_no, self.batch.business_date)
        return self.world.root / "bank" / "in" / self.batch.business_date.strftime("%Y/%m/%d") / name

    def again(self) -> None:
        """Back to the checkpoint: the journal as it was, no result, nothing in quarantine."""
        self.world.journal._states = copy.deepcopy(self.start)  # type: ignore[attr-defined]
        self.place.unlink(missing_ok=True)
        for kept in self.kept():
            kept.unlink()
        self.world.said.clear()

    def kept(self) -> list[Path]:
        """Files in quarantine, the notes beside them included."""
        return sorted((self.world.root / "workspace" / "quarantine").glob("*"))

    def spoilt(self, how: str, **options: Any) -> bytes | None:
        """The bank's answer with a corruption; None when this file cannot have it."""
        return spoil(
            EXCHANGES[self.kind], self.clean, {"how": how, **options}, seed=7, name=self.place.name, earlier=None
        )

    def put(self, name: str, value: bytes, record: int = 1) -> bytes:
        """The bank's answer with one field (of a record from 1) replaced."""
        layout = EXCHANGES[self.kind].result
        field, start = layout.place(name), (record - 1) * (layout.length + 1)
        return (
            self.clean[: start + field.start] + value.ljust(field.stop - field.start) + self.clean[start + field.stop :]
        )

    def take(self, content: bytes | None) -> Heard:
        """Put a result there (None: leave what stands) and let the step that collects it run once."""
        if content is not None:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            self.place.write_bytes(content)
        step = COLLECT[self.batch.stage] if self.batch.sample or self.batch.stage == "accounts" else "collect_full"
        said, code, logged = [], "", io.StringIO()
        handler = logging.StreamHandler(logged)
        logging.getLogger().addHandler(handler)
        engine = self.world.engine()
        try:
            report = engine.step(
                self.batch.stage, step, f"{self.batch.business_date.isoformat()}/{self.batch.batch_no}"
            )
            said.append(repr(report))
        except CutoverError as stopped:
            code = stopped.reasons[0].code
            said += ["".join(traceback.format_exception(stopped)), *map(str, stopped.reasons)]
        finally:
            logging.getLogger().removeHandler(handler)
        return Heard(code, "\n".join([*said, logged.getvalue(), self.told()]))

    def told(self) -> str:
        """What is kept in the open: notes, manifests, events, what the run said."""
        notes = [p.read_text("utf-8") for p in self.kept() if p.suffix == ".json"]
        manifests = [p.read_text("utf-8") for p in (self.world.root / "workspace" / "manifests").glob("*.json")]
        events = [repr(event) for event in self.world.journal.events()]
        return "\n".join([*notes, *manifests, *events, *self.world.said])

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every item of every kind as the journal has it."""
        return {entity: self.world.journal.items(entity).to_pylist() for entity in ENTITIES}

    def state(self) -> Batch:
        """The batch as it stands now."""
        return next(b for b in self.world.journal.batches() if b.key == self.batch.key)

    def finish(self) -> int:
        """Let the bank answer all else and run to the end."""
        self.world.clock.bank = self.world.bank
        return self.world.run()


def clean_end(root: Path) -> Rehearsal:
    """The same platform without any fault, carried to its end."""
    world = Rehearsal(root, platform(), faults={"already_open": ["U2", "U3"], "seed": 7}, carry_authorisations=True)
    assert world.run() == 0, world.reasons
    return world
