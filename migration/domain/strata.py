"""What the samples of listings and debts are stratified by (domain.md, Sampling)."""

from __future__ import annotations

import numpy as np

from migration.domain.book import Book
from migration.domain.columns import Mask, flat, pick_mask
from migration.domain.identity import outside_gb2312
from migration.domain.sampling import extremes, levels


def listing_strata(book: Book, chosen: Mask) -> dict[str, Mask]:
    """Masks over the chosen listings, in their order."""
    at = np.flatnonzero(chosen)
    listings, people = book.listings, book.people
    table = listings.table
    borrower = listings.borrower.kept[at]
    return levels(
        method=_words(table["repayment_method"])[at],
        status=_words(table["status"])[at],
        company=pick_mask(people.company, borrower),
        guarantor=~listings.guarantor.absent[at],
        overdue=listings.overdue[at],
        merged=pick_mask(people.from_merge, borrower),
        rare=outside_gb2312(flat(table["title"].take(at))) | pick_mask(people.rare_name, borrower),
    ) | extremes(listings.amount[at])


def debt_strata(book: Book, chosen: Mask) -> dict[str, Mask]:
    """Masks over the chosen debts, in their order; method, status, guarantor and title are their listing's."""
    at = np.flatnonzero(chosen)
    debts, people, listings = book.debts, book.people, book.listings
    where = debts.listing[at]
    holder = debts.holder.kept[at]
    table = listings.table
    return levels(
        method=_words(table["repayment_method"])[where],
        status=_words(table["status"])[where],
        company=pick_mask(people.company, holder),
        guarantor=~listings.guarantor.absent[where],
        overdue=listings.overdue[where],
        merged=pick_mask(people.from_merge, holder),
        rare=outside_gb2312(flat(table["title"]))[where] | pick_mask(people.rare_name, holder),
    ) | extremes(debts.principal[at])


def _words(column: object) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return flat(column).to_numpy(zero_copy_only=False)
