"""What must hold after every step (reliability.md, I1 to I8), looked at from outside the stages."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from migration.domain.outcome import balance
from migration.journal import rules
from migration.stages import progress
from tests.simulation.world import World

ORDER = {"planned": 0, "sealed": 1, "delivered": 2, "quarantined": 2, "answered": 2, "unknown": 3, "applied": 4}
ENTITIES = ("users", "listings", "debts")
ANSWERED = ("ok", "refused", "unknown")


class Violation(AssertionError):
    """An invariant does not hold."""


def require(holds: object, invariant: str, detail: object = "") -> None:
    if not holds:
        raise Violation(f"{invariant}: {detail}")


def _single(values: list[str], detail: str) -> None:
    if len(set(values)) < len(values):
        raise Violation(f"I4: {detail}: {[v for v, n in Counter(values).items() if n > 1]}")


class Rows:
    """One batch's items, taken out of Arrow once."""

    def __init__(self, entity: str, table: Any) -> None:
        self.entity, self.table = entity, table
        self.rows = table.to_pylist()
        self.standing = [r["key"] for r in self.rows if r["state"] != "refused"]
        self.given = {c: [r[c] for r in self.rows if r[c]] for c in ("account_no", "authcode")}


class Invariants:
    """Remembers what it saw, so that what may not change can be told from what has."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._seen: tuple[Any, ...] = ()
        self._events: list[Any] = []
        self._looked_at: tuple[Any, ...] = ()
        self._batches: dict[Any, Any] = {}
        self._wire: dict[Any, bytes] = {}
        self._rows: dict[Any, Rows] = {}
        self._told: dict[str, Any] = {}
        self._answers: dict[tuple[str, str, str, str], tuple[Any, ...]] = {}
        self._final: dict[tuple[str, str], str] = {}
        self._worked = 0
        self.checks = 0

    def after_step(self) -> None:
        """All that can be told from the journal, the wire and the bank's books; nothing when none of them moved."""
        world = self.world
        now = (world.store.head(), len(world.wire.sent), len(world.bank.days))
        if now == self._seen:
            return
        self._seen = now
        self.checks += 1
        require(not getattr(self.world.store, "stale", 0), "R5", "a run that was overtaken has written")
        self._chain()
        self._files()
        self._items()
        self._terminal()
        self._bank()

    def _chain(self) -> None:
        events = world_events(self.world)
        known = len(self._events)
        require(events[:known] == self._events, "I6", "an event has changed")
        for one in events[known:]:
            previous = self._events[-1].digest if self._events else one.previous
            require(one.previous == previous, "I6", f"event {one.seq} does not hang on the one before")
            self._events.append(one)

    def _files(self) -> None:
        """The wire, the batches, and their gates; nothing when none of the three is another than before."""
        store = self.world.store
        looked_at = (store.batches(), store.gates(), len(self.world.wire.sent))
        if looked_at == self._looked_at:
            return
        self._looked_at = looked_at
        batches = {b.key: b for b in looked_at[0]}
        days = Counter(day for day, _ in batches)
        for day, count in days.items():
            numbers = sorted(int(number) for d, number in batches if d == day)
            require(numbers == list(range(1, count + 1)), "numbers", f"{day}: {numbers}")
        for key, old in self._batches.items():
            new = batches.get(key)
            if ORDER[old.state] >= ORDER["delivered"]:
                require(new is not None, "R3", f"{key} is gone after it was delivered")
                require(ORDER[new.state] >= ORDER[old.state], "I7", f"{key}: {old.state} -> {new.state}")
                require(new.request_sha256 == old.request_sha256, "R3", f"{key}: other bytes")
            if old.state in {"applied", "unknown"}:
                require(new.result_sha256 == old.result_sha256, "I7", f"{key}: another result")
        self._batches = batches
        by_name = {(b.business_date, b.request_name): b for b in batches.values() if b.request_name}
        for place, content in self.world.wire.sent.items():
            batch = by_name.get(place)
            require(batch is not None, "R3", f"{place} was sent without an intent")
            assert batch is not None
            require(batch.request_sha256 == hashlib.sha256(content).hexdigest(), "R3", f"{place}: not what was sealed")
            if place not in self._wire:  # while it left a newer digest may have come in between
                self._approved(batch, self._left_on(batch), looked_at[1], {"approved", "superseded"})
            require(self._wire.setdefault(place, content) == content, "R3", f"{place}: other bytes under the same name")
        for batch in batches.values():
            if ORDER[batch.state] >= ORDER["delivered"]:
                require((batch.business_date, batch.request_name) in self._wire, "R3", "delivered, but not there")
                self._approved(batch, batch.digest, looked_at[1], {"approved"})

    def _left_on(self, batch: Any) -> str:
        """The digest on which the file left, as the journal says."""
        name = f"{batch.business_date.isoformat()}/{batch.batch_no}"
        told = [e.payload["digest"] for e in self._events if e.kind == "leaving" and e.payload["batch"] == name]
        require(told, "R3", f"{name} left without a word of it")
        return str(told[-1])

    @staticmethod
    def _approved(batch: Any, digest: str, gates: Any, states: set[str]) -> None:
        name = batch.gate.split("#")[0]
        gate = next((g for g in gates if (g.gate, g.digest) == (name, digest)), None)
        require(gate is not None and gate.state in states, "R7", f"{batch.key}: gate {name} is not approved")
        assert gate is not None
        persons = {rules.person_key(n) for n in gate.given} - {rules.person_key(gate.requester)}
        wanted = 2 if name.endswith(".full") else 1
        require(len(persons) >= wanted, "R7", f"{batch.key}: {len(persons)} of {wanted} persons")

    def _items(self) -> None:
        """Batch by batch: only those whose rows are not the very ones seen before; what must be single, over all."""
        held = self.world.store.by_batch()
        for key in self._rows.keys() - held.keys():
            del self._rows[key]
        for key, (entity, table) in held.items():
            known = self._rows.get(key)
            if known is not None and known.table is table:
                continue
            self._rows[key] = Rows(entity, table)
            for r in self._rows[key].rows:
                self._answer(entity, r)
        for entity in ENTITIES:
            mine = [rows for rows in self._rows.values() if rows.entity == entity]
            _single([k for rows in mine for k in rows.standing], f"{entity}: may have two effects")
            for column in ("account_no", "authcode"):
                _single([n for rows in mine for n in rows.given[column]], f"{entity}: a number given twice")

    def _answer(self, entity: str, r: dict[str, Any]) -> None:
        place = (entity, r["key"], str(r["business_date"]), r["batch_no"])
        told = (r["state"], r["code"], r["account_no"], r["authcode"])
        old = self._answers.get(place)
        require(old is None or old == told, "I7", f"{place}: {old} -> {told}")
        if old is not None or r["state"] not in ANSWERED:
            return
        self._answers[place] = told
        batch = self._batches[r["business_date"], r["batch_no"]]
        content = self.world.store.result(batch)
        digest = hashlib.sha256(content).hexdigest()
        require(digest == batch.result_sha256, "I5", f"{place}: no result file")
        require(digest in self.world.bank.told.get(batch.result_name, ()), "I5", f"{place}: the bank never said so")
        lines = content.splitlines()
        require(1 <= r["record_no"] <= len(lines), "I5", f"{place}: no such line")
        number = (r["account_no"] or r["authcode"] or "").encode()
        require(any(r["key"].encode() in line and number in line for line in lines), "I5", f"{place}: not in its file")

    def _terminal(self) -> None:
        for entity in ENTITIES:
            table = self.world.store.dispositions(entity)
            if table is self._told.get(entity):
                continue
            self._told[entity] = table
            for row in table.to_pylist():
                key, now = (entity, row["key"]), row["disposition"]
                old = self._final.get(key)
                require(old is None or old == now, "I7", f"{key}: {old} -> {now}")
                if now in rules.TERMINAL:
                    self._final[key] = now
            gone = {k for e, k in self._final if e == entity} - set(table["key"].to_pylist())
            require(not gone, "I7", f"{entity}: {sorted(gone)} are no longer final")

    def _bank(self) -> None:
        if len(self.world.bank.days) == self._worked:
            return
        self._worked = len(self.world.bank.days)
        twice = [key for key, count in self.world.effects().items() if count > 1]
        require(not twice, "I4", f"{twice}: two bank effects")

    # -- the books

    def books(self) -> None:
        """After a run: one disposition each, no fen lost, nobody's receivable changed by merging."""
        world = self.world
        if world.store.snapshot() is None:
            return
        house = world.house_for("auditor", lambda *_: None)
        book = house.book()
        tables = progress.outcome(book, world.store.batches())
        for entity, key in (("users", "user_id"), ("listings", "listing_id"), ("debts", "debt_id")):
            keys = tables[entity][key].to_pylist()
            require(sorted(keys) == sorted(house.table(entity)[key].to_pylist()), "I3", f"{entity}: lost or doubled")
            require(None not in tables[entity]["disposition"].to_pylist(), "I3", entity)
        self._receivables(house, tables)
        cash = sum(r["available_fen"] + r["frozen_fen"] for r in tables["residuals"].to_pylist())
        legacy = sum(r["available"] + r["frozen"] for r in house.table("escrow_accounts").to_pylist())
        require(cash == legacy, "I1", f"{cash} of {legacy} fen")

    @staticmethod
    def _receivables(house: Any, tables: Any) -> None:
        kept = {r["user_id"]: r["kept_user_id"] for r in tables["users"].to_pylist()}
        before: Counter[Any] = Counter()
        listing: Counter[Any] = Counter()
        for r in house.table("debts").to_pylist():
            before[kept.get(r["lender_id"])] += r["principal"]
            listing[r["listing_id"]] += r["principal"]
        for r in tables["debts"].to_pylist():
            before[r["holder_user_id"]] -= r["principal_fen"]
            listing[r["listing_id"]] -= r["principal_fen"]
        require(not any(before.values()), "I8", {k: v for k, v in before.items() if v})
        require(not any(listing.values()), "I2", {k: v for k, v in listing.items() if v})

    def whole_chain(self) -> None:
        """Every link calculated again; between steps only that what is new hangs on what was seen."""
        require(not self.world.store.verify(), "I6", "the chain is broken")

    def at_the_end(self) -> None:
        """The cutover is done: the balance is even and the bank's own books say the same."""
        self.books()
        self.whole_chain()
        world = self.world
        house = world.house_for("auditor", lambda *_: None)
        book = house.book()
        even = balance(book)
        require(even.difference_fen == 0 and not even.listings and not even.persons, "balance", even.as_json())
        tables = progress.outcome(book, world.store.batches())
        left = {r["disposition"] for name in ENTITIES for r in tables[name].to_pylist()} & {"pending", "blocked"}
        require(not left, "I3", f"still {left}")
        held = {
            app: number for app, number in world.bank.ledger.rows("SELECT app_id, account_no FROM customers") if app
        }
        for r in tables["users"].to_pylist():
            if r["disposition"] == "opened":
                require(held.get(r["user_id"]) == r["account_no"], "bank", f"users/{r['user_id']}")
        debts = {d["debt_id"]: d for d in _debts(world)}
        for r in tables["debts"].to_pylist():
            if r["disposition"] == "registered":
                bank = debts.get(r["debt_id"])
                ours = (r["principal_fen"], r["holder_account"], r["authcode"], r["listing_id"])
                require(bank is not None and ours == tuple(bank.values())[1:], "bank", f"debts/{r['debt_id']}")


def world_events(world: World) -> list[Any]:
    return list(world.store.events())


def _debts(world: World) -> list[dict[str, Any]]:
    columns = ("debt_id", "amount_fen", "account_no", "authcode", "listing_id")
    return [
        dict(zip(columns, row, strict=True))
        for row in world.bank.ledger.rows(f"SELECT {', '.join(columns)} FROM debts")
    ]
