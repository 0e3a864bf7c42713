"""Who stands behind a legacy user id, after merging: the view of the people that listings and debts need."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from migration.domain.columns import Indices, Mask, equals, is_null, lookup, mask, pick, pick_mask


@dataclass(frozen=True, slots=True)
class People:
    """The user book's columns by position. `kept[i]` is the position of the account that user i was merged into."""

    user_id: pa.Array
    kept: Indices
    account_no: pa.Array
    opened: Mask
    signed: Mask  # the exception of the kept user was signed: everything derived from him is
    waiting: Mask  # not sent yet, or not answered: neither opened nor refused
    blocked: Mask  # refused with a position: may still be mended
    sent: Mask  # the bank was asked, its answer is awaited
    platform: Mask
    company: Mask
    from_merge: Mask
    rare_name: Mask

    @classmethod
    def of(cls, users: pa.Table) -> People:
        """From `UserBook.users`."""
        ids = users["user_id"].combine_chunks()
        disposition = users["disposition"]
        return cls(
            user_id=ids,
            kept=lookup(users["kept_user_id"], ids),
            account_no=users["account_no"].combine_chunks(),
            opened=equals(disposition, "opened"),
            signed=equals(disposition, "excepted"),
            waiting=equals(disposition, "pending"),
            blocked=equals(disposition, "blocked"),
            sent=equals(disposition, "pending") & ~mask(users["sendable"]),
            platform=equals(users["kind"], "platform"),
            company=equals(users["kind"], "company"),
            from_merge=mask(users["from_merge"]),
            rare_name=mask(users["rare_name"]),
        )

    def party(self, column: pa.ChunkedArray) -> Party:
        """The party that a column of legacy user ids names."""
        absent = is_null(column)
        raw = lookup(column, self.user_id)
        kept = self.kept[raw] if len(self.kept) else raw
        kept = kept.copy()
        kept[raw < 0] = -1
        return Party(self, absent=absent, raw=raw, kept=kept)


@dataclass(frozen=True, slots=True)
class Party:
    """One party of many items: positions of the legacy user (`raw`) and of the kept one (`kept`), -1 for none."""

    people: People
    absent: Mask
    raw: Indices
    kept: Indices

    @property
    def unknown(self) -> Mask:
        """Named, but no such user: an orphan."""
        return ~self.absent & (self.raw < 0)

    @property
    def platform(self) -> Mask:
        """One of the platform's own accounts."""
        return pick_mask(self.people.platform, self.raw)

    @property
    def not_opened(self) -> Mask:
        """Named and known, but without a custody account."""
        return (self.kept >= 0) & ~pick_mask(self.people.opened, self.kept)

    @property
    def signed(self) -> Mask:
        """Refused and signed off."""
        return pick_mask(self.people.signed, self.kept)

    @property
    def unsent(self) -> Mask:
        """Waiting for his turn: neither refused nor asked for."""
        return pick_mask(self.people.waiting & ~self.people.sent, self.kept)

    @property
    def undecided(self) -> Mask:
        """No account yet, and not settled that he will have none."""
        return pick_mask(self.people.waiting | self.people.blocked, self.kept)

    @property
    def account(self) -> pa.Array:
        """The custody account of the kept user; NULL where he has none."""
        return pick(self.people.account_no, self.kept)

    @property
    def kept_id(self) -> pa.Array:
        """The kept user's id; NULL where the named user is unknown."""
        return pick(self.people.user_id, self.kept)
