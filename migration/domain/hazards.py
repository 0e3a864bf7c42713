"""Hazards H1 to H28 (domain.md) as they stand in a snapshot: counted, with keys (ids only), by how much they weigh."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from migration.domain import exceptions, reasons
from migration.domain.book import Book
from migration.domain.columns import Mask, equals, fen, flat, is_null, lookup, mask, member, pick_int, pick_mask
from migration.domain.identity import ID_CARDS
from migration.domain.refusals import Tidy
from migration.domain.values import FileLimits

Weight = Literal["stop", "hold", "exception", "warning", "info", "later"]
WEIGHTS: Final[tuple[Weight, ...]] = ("stop", "hold", "exception", "warning", "info", "later")
"""stop: exit 3 until mended at the source. hold: preflight waits until mended or signed. exception: touches its item,
mended or signed later. warning, info: goes on. later: arises with the bank's results only.
"""
OTHER_ISSUES: Final = frozenset({"DATE_INVALID", "VALUE_NULL", "VALUE_INVALID", "KEY_DUPLICATE"})
"""Issue codes that are not H24 (amounts, and cells that stop the run like them)."""

Keys = list[str]


@dataclass(frozen=True, slots=True)
class Hazard:
    """One hazard: how many rows carry it, and which. `keys` are `entity/key`, sorted."""

    id: str
    weight: Weight
    keys: tuple[str, ...]

    @property
    def count(self) -> int:
        """Rows that carry it."""
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class _Facts:
    book: Book
    issues: pa.Table
    limits: FileLimits
    tidy: Tidy
    changed: Keys
    business_date: date

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        return self.book.tables

    @property
    def people(self) -> Mask:
        """Whom it concerns: the verified, neither the platform's accounts nor closed ones with nothing left."""
        verified = ~is_null(self.tidy.source["verified_at"])
        return verified & ~equals(self.book.users.users["disposition"], "closed")

    def users(self, where: Mask) -> Keys:
        return _named("users", self.tidy.source["user_id"], where)

    def listings(self, where: Mask) -> Keys:
        return _named("listings", self.book.listings.listing_id, where)

    def debts(self, where: Mask) -> Keys:
        return _named("debts", self.book.debts.debt_id, where)

    def caused(self, *codes: str) -> Mask:
        return equals(self.book.users.users["cause"], *codes)

    def ranked(self, entity: str, *codes: str) -> Mask:
        side = self.book.listings if entity == "listings" else self.book.debts
        return np.isin(side.rank, [reasons.RANK[code] for code in codes])

    def issue(self, *codes: str) -> Keys:
        rows = self.issues.filter(pa.array(equals(self.issues["code"], *codes))).to_pylist()
        return sorted({f"{r['entity']}/{_plain(r['entity'], r['key'])}" for r in rows})


def _plain(entity: str, key: str | None) -> str:
    """An election's key begins with an ID number: only what follows is shown."""
    return (key or "?").partition("/")[2] or "?" if entity == "elections" else key or "?"


def _named(entity: str, keys: pa.ChunkedArray | pa.Array, where: Mask) -> Keys:
    return [f"{entity}/{key}" for key in flat(keys).filter(pa.array(where)).to_pylist()]


def hazards(book: Book, issues: pa.Table, limits: FileLimits, changed: Keys, business_date: date) -> tuple[Hazard, ...]:
    """Count every hazard. `changed`: keys of rows that changed at the source after the snapshot."""
    # The book's users are sorted by user_id, as the snapshot is; Tidy is row for row.
    facts = _Facts(book, issues, limits, Tidy.of(book.tables["users"], limits), changed, business_date)
    return tuple(Hazard(name, weight, tuple(sorted(set(find(facts))))) for name, weight, find in _ALL)


# --- people -----------------------------------------------------------------------------------------------------------


def _several_accounts(f: _Facts) -> Keys:
    users = f.book.users.users
    return f.users(equals(users["disposition"], "merged") | mask(users["from_merge"]) | f.caused("NAME_CONFLICT"))


def _phone_shared(f: _Facts) -> Keys:
    own = f.people & ~equals(f.book.users.users["disposition"], "merged")
    counts = pc.value_counts(pc.drop_null(f.tidy.phone.filter(pa.array(own))))
    several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return f.users(own & member(f.tidy.phone, several))


def _fifteen(f: _Facts) -> Keys:
    stored = pc.utf8_length(pc.replace_substring_regex(flat(f.tidy.source["id_no"]), r"\s", ""))
    return f.users(f.people & f.tidy.person & mask(pc.greater(pc.utf8_length(f.tidy.id_no), stored)))


def _untidy(f: _Facts) -> Keys:
    source = f.tidy.source
    number = mask(pc.not_equal(f.tidy.id_no, flat(source["id_no"]))) & ~equals(source["id_type"], "id_card_15")
    return f.users(f.people & (number | mask(pc.not_equal(f.tidy.phone, flat(source["phone"])))))


def _region(f: _Facts) -> Keys:
    cards = f.tidy.cards
    card = f.tidy.person & equals(f.tidy.id_type, *ID_CARDS)
    return f.users(f.people & card & (~cards.valid | ~cards.region_known | cards.born_after(f.business_date)))


def _unencodable(f: _Facts) -> Keys:
    names, titles = f.tidy.source["name"], f.book.listings.table["title"]

    def foreign(text: str) -> bool:
        try:
            text.encode(f.limits.encoding)
        except UnicodeEncodeError:
            return True
        return unicodedata.normalize("NFC", text) != text

    return f.users(f.people & _each(names, foreign)) + f.listings(_each(titles, foreign))


def _too_long(f: _Facts) -> Keys:
    def over(text: str) -> bool:
        return len(text.encode(f.limits.encoding, "replace")) > f.limits.name_bytes

    return f.users(f.people & _each(f.tidy.source["name"], over)) + f.listings(
        _each(f.book.listings.table["title"], over)
    )


def _each(column: pa.ChunkedArray | pa.Array, test: Callable[[str], bool]) -> Mask:
    return np.array([bool(text) and test(text) for text in flat(column).to_pylist()], np.bool_)


def _sex(f: _Facts) -> Keys:
    return f.users(f.people & (f.tidy.sex_differs | (f.tidy.person & is_null(f.tidy.source["sex"]))))


def _zeros(f: _Facts) -> Keys:
    leading = [mask(pc.starts_with(flat(keys), "0")) for keys in
               (f.tidy.source["user_id"], f.book.listings.listing_id, f.book.debts.debt_id)]  # fmt: skip
    return f.users(leading[0]) + f.listings(leading[1]) + f.debts(leading[2])


def _companies(f: _Facts) -> Keys:
    return f.users(f.tidy.company & f.caused("FIELD_INVALID"))


# --- listings and debts -----------------------------------------------------------------------------------------------


def _parties(f: _Facts) -> Keys:
    """Parties of open listings who are treated as refused, and lenders in their own listing."""
    listings = f.book.listings
    stuck = np.zeros(len(listings.rank), np.bool_)
    for party in (listings.borrower, listings.guarantor, listings.payee, listings.nominal):
        stuck |= party.not_opened & ~party.unsent & ~party.platform
    return f.listings(listings.open & stuck) + f.debts(f.ranked("debts", "SELF_LOAN"))


def _numbers(f: _Facts) -> Keys:
    ids = f.book.listings.listing_id
    counts = pc.value_counts(pc.utf8_lower(ids))
    twins = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    bad = ~mask(pc.match_substring_regex(ids, f"^{f.limits.listing_id_pattern}$"))
    return f.listings(bad | member(pc.utf8_lower(ids), twins))


def _remainders(f: _Facts) -> Keys:
    codes = ("ZERO", "INTEREST_ONLY", "LISTING_NOT_OPEN")
    return f.listings(f.book.listings.mismatch) + f.debts(f.ranked("debts", *codes))


def _overdue(f: _Facts) -> Keys:
    return f.listings(f.book.listings.open & f.book.listings.overdue)


def _not_lent(f: _Facts) -> Keys:
    return f.listings(f.ranked("listings", "NOT_LENT")) + _flight(f, "bid", "assignment")


def _flight(f: _Facts, *kinds: str) -> Keys:
    table = f.tables["in_flight"]
    return _named("in_flight", table["id"], equals(table["kind"], *kinds))


def _bonus(f: _Facts) -> Keys:
    return f.debts(f.book.debts.live & (fen(f.book.debts.table["bonus_interest"]) > 0))


def _platform(f: _Facts) -> Keys:
    return f.listings(f.ranked("listings", "PLATFORM_PARTY")) + f.debts(
        f.ranked("debts", "PLATFORM_PARTY") & ~f.book.debts.inherited
    )


def _advanced(f: _Facts) -> Keys:
    debts = f.book.debts
    guarantor = pick_int(f.book.listings.guarantor.kept, debts.listing, -2)
    on_open = pick_mask(f.book.listings.open, debts.listing)
    return f.debts(debts.live & on_open & (debts.holder.kept >= 0) & (debts.holder.kept == guarantor))


# --- the source itself --------------------------------------------------------------------------------------------------


def _money(f: _Facts) -> Keys:
    codes = set(f.issues["code"].to_pylist()) - OTHER_ISSUES
    return f.issue(*sorted(codes))


def _orphans(f: _Facts) -> Keys:
    lost = [exceptions.orphans(f.tables, entity) for entity in exceptions.OWNED]
    named = [f"{r['entity']}/{r['key']}" for table in lost for r in table.select(["entity", "key"]).to_pylist()]
    debts = f.book.debts
    own = (debts.listing < 0) | (lookup(debts.table["lender_id"], f.tidy.source["user_id"]) < 0)
    return named + f.listings(f.ranked("listings", "ORPHAN")) + f.debts(own)


def _none(_: _Facts) -> Iterator[str]:
    return iter(())


_ALL: Final[tuple[tuple[str, Weight, Callable[[_Facts], Keys | Iterator[str]]], ...]] = (
    ("H1", "info", _several_accounts),
    ("H2", "exception", _phone_shared),
    ("H3", "info", _fifteen),
    ("H4", "info", _untidy),
    ("H5", "warning", _region),
    ("H6", "exception", lambda f: f.users(f.caused("UNDERAGE"))),
    ("H7", "exception", _unencodable),
    ("H8", "exception", _too_long),
    ("H9", "warning", _sex),
    ("H10", "info", _zeros),
    ("H11", "later", _none),
    ("H12", "later", _none),
    ("H13", "later", _none),
    ("H14", "exception", _companies),
    ("H15", "exception", _parties),
    ("H16", "exception", _numbers),
    ("H17", "exception", _remainders),
    ("H18", "exception", _overdue),
    ("H19", "info", _not_lent),
    ("H20", "info", _bonus),
    ("H21", "exception", _platform),
    ("H22", "info", _advanced),
    ("H23", "info", lambda f: _flight(f, "top_up", "withdrawal")),
    ("H24", "stop", _money),
    ("H25", "hold", _orphans),
    ("H26", "stop", lambda f: f.issue("KEY_DUPLICATE")),
    ("H27", "hold", lambda f: f.issue("DATE_INVALID")),
    ("H28", "stop", lambda f: f.changed),
)
