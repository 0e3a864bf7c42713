"""The bank's query counter: signed questions in, signed answers out, faults as planned (docs/sandbox-bank.md)."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from migration.sandbox.bank.query_books import QUESTIONS
from migration.sandbox.bank.query_signs import Signs, other_hand

if TYPE_CHECKING:
    from pathlib import Path

    from migration.sandbox.bank.faults import PlanFile, Rule
    from migration.sandbox.bank.ledger import Ledger

HEADER: Final = ("version", "txCode", "instCode", "bankCode", "txDate", "txTime", "seqNo", "channel")
REPEATED: Final = "JX900014"
_CODES: Final = {
    "rate": "JX900032",
    "day_cut": "CA90",
    "duplicate": REPEATED,
    "unknown": "CE999999",
}
WIRE: Final = frozenset({"timeout", "502", "504", "reset", "drip"})


@dataclass(slots=True)
class Spoken:
    """An answer's bytes, and what the wire does to them."""

    content: bytes
    wire: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class QueryDesk:
    """One counter over one set of books; safe for threads."""

    ledger: Ledger
    faults: PlanFile
    signs: Signs
    asked: list[dict[str, Any]] = field(default_factory=list)  # every question that came in, for tests
    _seen: set[tuple[str, ...]] = field(default_factory=set)
    _last: dict[str, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, content: bytes) -> Spoken:
        """The answer to a question."""
        with self._lock:
            try:
                message = json.loads(content)
                header = {name: str(message[name]) for name in HEADER}
            except (ValueError, KeyError, TypeError):
                return Spoken(b'{"retCode":"JX900001","retMsg":"format"}')
            self.asked.append(message)
            return self._answered(message, header)

    def _answered(self, message: dict[str, Any], header: dict[str, str]) -> Spoken:
        rule = self._rule(message)
        how = rule.options["how"] if rule else ""
        key = (header["instCode"], header["txDate"], header["txTime"], header["seqNo"])
        if not self.signs.accepts(message):
            reply = {**header, "retCode": "JX900002", "retMsg": "signature"}
        elif key in self._seen or how in _CODES:
            reply = {**header, "retCode": _CODES.get(how, REPEATED), "retMsg": how or "repeated"}
        else:
            reply = {**header, **self._body(message, how), "retCode": "00000000", "retMsg": "ok"}
        self._seen.add(key)
        earlier = self._last.get(header["txCode"])
        spoken = _signed(reply, self.signs, how)
        self._last[header["txCode"]] = spoken
        if how == "replay" and earlier is not None:
            spoken = earlier
        seconds = float(rule.options.get("seconds", 30.0)) if rule else 0.0
        return Spoken(spoken, how if how in WIRE else "", seconds)

    def _body(self, message: dict[str, Any], how: str) -> dict[str, Any]:
        asked = {name: value for name, value in message.items() if name not in {*HEADER, "sign"}}
        question = QUESTIONS.get(message["txCode"])
        found = dict(question(self.ledger, asked)) if question else {"state": "N"}
        if how in {"processing", "window", "not_found"}:
            found = {"state": "N" if how == "not_found" else "P"}
        return {**asked, **_spoilt(found, how)}

    def _rule(self, message: dict[str, Any]) -> Rule | None:
        """The first planned fault that concerns the question and is not used up; counted in the books."""
        about = tuple(str(message.get(name, "")) for name in ("txCode", "fileName", "itemId", "productId", "accountId"))
        self.faults.refresh()
        for rule in self.faults.plan.query:
            if not any(rule.match.search(one) for one in about):
                continue
            with self.ledger.transaction():
                times, _ = self.ledger.struck("query", rule.id)
                if times < rule.options.get("times", 1):
                    self.ledger.strike("query", rule.id, "")
                    return rule
        return None


def _spoilt(body: dict[str, Any], how: str) -> dict[str, Any]:
    """A success that says a wrong number, amount or currency."""
    if how == "number":
        names = ("txCounts", "accountId", "totalItems")
        return {n: _next(v) if n in names else v for n, v in body.items()}
    if how == "amount" and "txAmount" in body:
        return {**body, "txAmount": "1" + body["txAmount"]}
    if how == "currency" and "currency" in body:
        return {**body, "currency": "840"}
    return body


def _next(digits: str) -> str:
    return str(int(digits) + 1).rjust(len(digits), "0") if digits.isdigit() else digits


def _signed(reply: dict[str, Any], signs: Signs, how: str) -> bytes:
    signature = other_hand(reply) if how == "signature" else signs.sign(reply)
    return json.dumps({**reply, "sign": signature}, ensure_ascii=False).encode()


def open_desk(state: Path, ledger: Ledger, faults: PlanFile, algorithm: str) -> QueryDesk:
    """The counter with the keys of a bank's state folder."""
    from migration.sandbox.bank.query_keys import prepare  # noqa: PLC0415 - takes a second, once

    prepare(state / "query")
    return QueryDesk(ledger, faults, Signs(state / "query", algorithm))
