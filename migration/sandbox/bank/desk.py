"""What the four counters of the bank share while they work through one request file."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from migration.sandbox.bank.faults import FaultPlan
    from migration.sandbox.bank.ledger import Customer, Ledger
    from migration.sandbox.bank.names import RequestName
    from migration.sandbox.bank.tables import Row

OK: Final = "00"


@dataclass(frozen=True, slots=True)
class Profile:
    """What this bank knows of the platform. None: whatever the file says is taken."""

    bank: str = "3005"
    prefix: str = "621246"
    product: str | None = None
    institution: str | None = None
    issuer: str | None = None
    rows_per_file: int | None = None
    platform_accounts: frozenset[str] = frozenset()  # fee, red packet and master account


class Answer(NamedTuple):
    """One record of a result: the code for the day's tally, and the record without line ending."""

    code: str
    record: bytes


@dataclass(slots=True)
class Desk:
    """One request file being worked through, inside one transaction of the ledger."""

    ledger: Ledger
    plan: FaultPlan
    profile: Profile
    request: RequestName
    first: Row
    _holders: dict[str, Customer] = field(default_factory=dict)
    _listings: dict[str, tuple[str, str]] = field(default_factory=dict)

    def holder(self, account_no: str) -> Customer | None:
        """Return the customer of an account; the platform's own accounts have none."""
        found = self._holders.get(account_no) or self.ledger.customer("account_no", account_no)
        if found:
            self._holders[account_no] = found
        return found

    def listing(self, listing_id: str) -> tuple[str, str] | None:
        """INTTYPE and INTPAYDAY of a registered listing."""
        found = self._listings.get(listing_id) or self.ledger.listing(listing_id)
        if found:
            self._listings[listing_id] = found
        return found

    def is_platform(self, account_no: str) -> bool:
        """Whether this is one of the platform's own accounts."""
        return account_no in self.profile.platform_accounts

    def planned_refusal(self, keys: tuple[str, ...], row: Row, fields: tuple[str, ...]) -> str:
        """Return the code the fault plan wants for the first of `keys` it names; empty when it wants none (any more).

        `fields` make the fingerprint by which a mended request is told from the same one again.
        """
        refusals = self.plan.refuse[self.request.exchange.kind]
        for key in keys:
            refusal = refusals.get(key)
            if refusal is None:
                continue
            fault = f"refuse {self.request.exchange.kind} {refusal.code}"
            print_ = fingerprint(row, fields)
            times, first = self.ledger.struck(fault, key)
            if refusal.is_over(times, changed=bool(first) and first != print_):
                continue
            self.ledger.strike(fault, key, print_)
            return refusal.code
        return ""


def text(row: Row, name: str) -> str:
    """Return a field without its padding. Undecodable bytes become U+FFFD: never accepted by any check."""
    value = row[name].rstrip(b" ")
    return value.decode("ascii") if value.isascii() else value.decode("gbk", "replace")


def is_gbk(row: Row, names: tuple[str, ...]) -> bool:
    """Whether these fields are whole GBK text."""
    return not any("\ufffd" in text(row, name) for name in names)


def is_blank(row: Row, name: str) -> bool:
    """Whether a field is empty."""
    return not row[name].strip(b" ")


def number(row: Row, name: str) -> int | None:
    """Return an N field, right-aligned and zero-padded: ASCII digits throughout; None otherwise."""
    return int(row[name]) if row[name].isdigit() else None


def fingerprint(row: Row, fields: tuple[str, ...]) -> str:
    """SHA-256 over some fields of a request."""
    return sha256(b"|".join(row[name] for name in fields)).hexdigest()
