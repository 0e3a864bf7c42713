"""Where everything stands: dispositions of listings and debts from the facts so far (domain.md, contract.md section 4)."""

import re

from tests.oracle import people, sampling
from tests.oracle.book_people import OPEN_LISTING, ROLES, People
from tests.oracle.source import by_bytes

ORDER = (
    "ORPHAN", "FINISHED", "CANCELLED", "NOT_LENT", "ZERO", "INTEREST_ONLY", "LISTING_NOT_OPEN", "PLATFORM_PARTY", "SELF_LOAN",
    "FIELD_INVALID", "NAME_UNENCODABLE", "OVERDUE", "SCHEDULE_MISMATCH", "PARTY_NOT_OPENED", "BANK",
)  # fmt: skip
NOT_MIGRATED = {"FINISHED", "CANCELLED", "NOT_LENT", "ZERO"}


def rank(reason):
    return ORDER.index("BANK" if reason.startswith("BANK_") else reason)


class Book(People):
    """One look at the facts."""

    # --- listings ----------------------------------------------------------------------------------------------
    def listing_reason(self, row):  # noqa: PLR0911 - one line a rule
        """The first that fits, or None."""
        parties = [row[role] for role in ROLES if row[role]]
        if any(party not in self.kept for party in parties):
            return "ORPHAN"
        if row["status"] in {"finished", "cancelled"}:
            return row["status"].upper()
        if row["status"] not in OPEN_LISTING:
            return "NOT_LENT"
        if any(self.facts.users[party]["kind"] == "platform" for party in parties):
            return "PLATFORM_PARTY"
        if not self._listing_fits(row):
            return "FIELD_INVALID"
        if any(self.account(party) is None for party in parties):
            return "PARTY_NOT_OPENED"
        return self._bank_reason("listings", row["listing_id"])

    def _listing_fits(self, row):
        title = people.gbk_bytes(row["title"])
        rate = re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,5}0*)?", str(row["annual_rate"]))
        return (
            re.fullmatch("[0-9A-Za-z]{1,40}", row["listing_id"])
            and len(self.facts.folded[row["listing_id"].lower()]) == 1
            and title is not None
            and title <= 60
            and rate
            and 0 <= row["term_days"] <= 9999
            and (
                row["repayment_method"] == "at_maturity"
                or row["interest_day"] is None
                or 1 <= row["interest_day"] <= 31
            )
            and not row["bad"]
        )

    def _bank_reason(self, entity, key):
        answer = self.facts.answers[entity].get(key)
        if answer and not answer.ok and (entity, key) not in self.facts.resends:
            return f"BANK_{answer.code}"
        return None

    def listing(self, row):
        """(disposition, reason)."""
        key = row["listing_id"]
        why = self.listing_reason(row)
        answer = self.facts.answers["listings"].get(key)
        if answer and answer.ok:
            return "registered", "REGISTERED"
        if why is None:
            return "pending", None
        if why in NOT_MIGRATED:
            return "not_migrated", why
        signed = ("listings", key) in self.facts.signed or self._party_signed(row)
        return ("excepted" if signed else "blocked"), why

    def _party_signed(self, row):
        return any(("users", self.kept.get(row[role])) in self.facts.signed for role in ROLES if row[role])

    def listing_levels(self, row):
        """Its strata, for the sample."""
        borrower = self.facts.users[self.kept[row["borrower_id"]]]
        return {"amount": row["amount"], **self._levels(row, borrower)}

    def _levels(self, listing, person):
        return {
            "method": listing["repayment_method"],
            "status": listing["status"],
            "kind": person["kind"],
            "guarantor": bool(listing["guarantor_id"]),
            "overdue": self._mature(listing),
            "merged": person["user_id"] in self.from_merge,
            "rare": sampling.rare(listing["title"], person["name"]),
        }

    def _mature(self, listing):
        return listing["maturity_date"] is not None and listing["maturity_date"] < self.today

    # --- debts -------------------------------------------------------------------------------------------------
    def debt_reason(self, row):
        """The debt's own reason, or its listing's when that comes first."""
        own = self._own_debt_reason(row)
        listing = self.facts.listings.get(row["listing_id"])
        if listing is None or own in NOT_MIGRATED:
            return own
        disposition, inherited = self.listing(listing)
        if disposition in {"blocked", "excepted"} and (own is None or rank(inherited) < rank(own)):
            return inherited
        return own

    def _own_debt_reason(self, row):  # noqa: PLR0911 - one line a rule, in the contract's order
        listing = self.facts.listings.get(row["listing_id"])
        holder = self.kept.get(row["lender_id"])
        if listing is None or holder is None:
            return "ORPHAN"
        if row["status"] == "finished":
            return "FINISHED"
        if row["principal"] == 0:
            return "INTEREST_ONLY" if row["interest"] or row["bonus_interest"] else "ZERO"
        if listing["status"] not in OPEN_LISTING:
            return "LISTING_NOT_OPEN"
        if self.facts.users[holder]["kind"] == "platform":
            return "PLATFORM_PARTY"
        if holder == self.kept.get(listing["borrower_id"]):
            return "SELF_LOAN"
        if not re.fullmatch("[0-9A-Za-z]{1,30}", row["debt_id"]) or row["bad"]:
            return "FIELD_INVALID"
        if self._mature(listing) and self._end_date(listing) is None:
            return "OVERDUE"
        if self.facts.outstanding[row["listing_id"]] != self.facts.held[row["listing_id"]]:
            return "SCHEDULE_MISMATCH"
        if self.account(holder) is None:
            return "PARTY_NOT_OPENED"
        return self._bank_reason("debts", row["debt_id"])

    def _end_date(self, listing):
        """The consented new maturity of an overdue listing, where the policy takes one."""
        if self.facts.config["policy"]["overdue"] != "extend_with_consent":
            return None
        until = self.facts.consented.get(listing["listing_id"])
        return until if until is not None and until >= self.today else None

    def debt(self, row):
        """(disposition, reason)."""
        key = row["debt_id"]
        answer = self.facts.answers["debts"].get(key)
        if answer and answer.ok:
            return "registered", "REGISTERED"
        why = self.debt_reason(row)
        if why is None:
            return "pending", None
        if why in NOT_MIGRATED:
            return "not_migrated", why
        listing = self.facts.listings.get(row["listing_id"])
        signed = ("debts", key) in self.facts.signed or ("users", self.kept.get(row["lender_id"])) in self.facts.signed
        signed |= listing is not None and (
            ("listings", row["listing_id"]) in self.facts.signed or self._party_signed(listing)
        )
        return ("excepted" if signed else "blocked"), why

    def debt_levels(self, row):
        """Its strata, for the sample."""
        holder = self.facts.users[self.kept[row["lender_id"]]]
        return {"amount": row["principal"], **self._levels(self.facts.listings[row["listing_id"]], holder)}

    # --- what is open ------------------------------------------------------------------------------------------
    def open_exceptions(self):
        """(entity, key, code) of every open exception that is not derived from another's."""
        found = []
        for key in self.facts.users:
            disposition, why = self.user(key)
            if disposition == "blocked":
                found.append(("users", key, why))
        for row in self.facts.tables["listings"]:
            disposition, why = self.listing(row)
            if disposition == "blocked" and why != "PARTY_NOT_OPENED":
                found.append(("listings", row["listing_id"], why))
        for row in self.facts.tables["debts"]:
            disposition, why = self.debt(row)
            if disposition == "blocked" and why == self._own_debt_reason(row) and why != "PARTY_NOT_OPENED":
                found.append(("debts", row["debt_id"], why))
        return sorted(found, key=lambda item: (item[0], item[1].encode()))

    def ready(self, entity):
        """Listings or debts that can go now, by key."""
        table, key, look = {
            "listings": ("listings", "listing_id", self.listing),
            "debts": ("debts", "debt_id", self.debt),
        }[entity]
        rows = [row for row in by_bytes(self.facts.tables[table], key) if look(row)[0] == "pending"]
        if entity == "debts":
            rows = [row for row in rows if self.listing(self.facts.listings[row["listing_id"]])[0] == "registered"]
        return [row for row in rows if (entity, row[key]) not in self.facts.signed]
