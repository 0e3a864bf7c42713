"""The sandbox bank at work: take requests, keep books, give answers.

A request is worked through in one transaction of the ledger, its clean answer with it; only then is the answer
written. Killed in between, the bank writes it after the restart; the same request again has no second effect.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

from migration.sandbox.bank import accounts, authorisations, debts, exchange, listings, names, repayments
from migration.sandbox.bank.delivery import Delivery
from migration.sandbox.bank.desk import Answer, Desk, Profile
from migration.sandbox.bank.exchange import Found, RequestRefused
from migration.sandbox.bank.faults import PlanFile
from migration.sandbox.bank.hours import business_clock
from migration.sandbox.bank.ledger import Ledger, SeenFile
from migration.sandbox.bank.tables import APPZX, Row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from migration.sandbox.bank.names import RequestName

_COUNTERS: Final[dict[str, Callable[[Desk, int, Row], Answer]]] = {
    "accounts": accounts.answer,
    "listings": listings.answer,
    "debts": debts.answer,
    "authorisations": authorisations.answer,
    "repayments": repayments.answer,
}


@dataclass(frozen=True, slots=True)
class _Looked:
    """What came of a file under out/ when it was last looked at."""

    stamp: tuple[int, int, int]
    request: RequestName | None  # None: refused as a whole


class SandboxBank:
    """The bank over one exchange directory and one set of books.

    `business_date` is a frozen bank date (ISO): requests of later days are left lying until then. Without it every
    file's own date is the bank's date. `clock` and `sleep` serve held and slowly written results only.
    """

    def __init__(
        self,
        directory: Path,
        state: Path,
        faults: Path | None = None,
        *,
        profile: Profile | None = None,
        business_date: str | None = None,
        announce: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._directory = directory
        self.faults = PlanFile(faults)
        self._profile = profile or Profile()
        self._latest = date.fromisoformat(business_date) if business_date else date.max
        self._announce = announce or (lambda _line: None)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.now = business_clock(state, *self.faults.plan.clock, clock)
        self._looked: dict[Path, _Looked] = {}
        self._ledger = Ledger(state)
        self._delivery = Delivery(directory / "in", self._ledger, self.faults, self._announce, self.now, sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the books."""
        self._ledger.close()

    def tick(self) -> int:
        """Work through every new complete request once, write every answer that is due; returns how many were new.

        OSError or sqlite3.Error when something could not be written; the next tick goes on from there.
        """
        if self.faults.refresh():
            self._announce(self.faults.trouble or "fault plan read again")
        found = exchange.scan(self._directory)
        self._looked = {one.path: self._looked[one.path] for one in found if one.path in self._looked}
        new = 0
        for one in sorted(found, key=_in_bank_order):
            looked = self._looked.get(one.path)
            if looked is None or looked.stamp != one.stamp:
                taken = self._look(one)
                if taken is None:
                    continue
                looked, is_new = taken
                new += is_new
                self._looked[one.path] = looked
            if looked.request is not None:
                self._delivery.give(looked.request)
        return new

    # -- requests

    def _look(self, found: Found) -> tuple[_Looked, bool] | None:
        """Look at a file that is new or changed; None: not yet its day, or gone."""
        request = names.parse(found.name)
        if request is not None and request.day > self._latest:
            return None
        try:
            content = found.path.read_bytes() if found.regular else b""
        except FileNotFoundError:
            return None
        digest = sha256(content).hexdigest()
        if request is not None and self._loses(request.name):
            found.path.unlink(missing_ok=True)
            return None
        try:
            is_new = self._take(found, request, content, digest)
        except RequestRefused as refused:
            with self._ledger.transaction():
                noted = self._ledger.incident(found.name, digest, str(refused))
            if noted:
                self._announce(f"{found.name!a}: refused as a whole: {refused}")
            return _Looked(found.stamp, None), False
        return _Looked(found.stamp, request), is_new

    def _loses(self, name: str) -> bool:
        """Whether the fault plan has this new request vanish before anybody has looked into it."""
        for rule in self.faults.plan.lose:
            if not rule.match.search(name) or self._ledger.file(name) is not None:
                continue
            with self._ledger.transaction():
                if self._ledger.struck("lose", rule.id)[0] < rule.options.get("times", 1):
                    self._ledger.strike("lose", rule.id, "")
                    self._announce(f"{name}: lost")
                    return True
        return False

    def _take(self, found: Found, request: RequestName | None, content: bytes, digest: str) -> bool:
        """Work a request through unless it was before. RequestRefused: nothing of it was done."""
        if not found.regular:
            raise RequestRefused("not a regular file")
        if request is None:
            raise RequestRefused("not the name of a request")
        if request.folder != found.folder:
            raise RequestRefused(f"lies in the folder of {found.folder}")
        if request.bank != self._profile.bank:
            raise RequestRefused("another bank's number")
        if request.exchange is APPZX and self._profile.product not in {None, request.party}:
            raise RequestRefused("another product")
        with self._ledger.transaction():
            known = self._ledger.file(request.name)
            if known is None:
                self._work(request, content, digest)
            elif known.sha256 != digest:
                raise RequestRefused("other content under the name of a request worked through before")
        return known is None

    def _work(self, request: RequestName, content: bytes, digest: str) -> None:
        """Answer every record and keep the whole answer."""
        rows, eol = exchange.rows_of(request.exchange.request, content, self._profile.rows_per_file)
        desk = Desk(self._ledger, self.faults.plan, self._profile, request, rows[0])
        counter = _COUNTERS[request.exchange.kind]
        answers = [counter(desk, number, row) for number, row in enumerate(rows, start=1)]
        result = b"".join(answer.record + eol for answer in answers)
        seen = SeenFile(request.name, digest, _sort(request, rows[0]), request.result, self.now())
        self._ledger.add_file(seen, request.exchange.kind, len(rows), result)
        tally = ", ".join(f"{count} {code}" for code, count in sorted(Counter(a.code for a in answers).items()))
        self._announce(f"{request.name}: {len(rows)} records: {tally}")


def _in_bank_order(found: Found) -> tuple[str, str, str]:
    """By day, then batch number: the order in which the platform drew them."""
    request = names.parse(found.name)
    return (found.folder, request.batch if request else "", found.name)


def _sort(request: RequestName, first: Row) -> str:
    """Say what a `sort` in the fault plan means: person or company for accounts, else the kind of exchange."""
    if request.exchange is not APPZX:
        return request.exchange.kind
    return "company" if first["ACCTYPE"] == b"1" else "person"
