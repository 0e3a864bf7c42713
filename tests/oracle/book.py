"""Where everything stands: dispositions of users, listings and debts from the facts so far (domain.md, contract.md §4)."""

import re
from dataclasses import dataclass, field

from tests.oracle import people, sampling
from tests.oracle.source import by_bytes

OPEN_LISTING = {"repaying", "overdue"}
ROLES = ("borrower_id", "guarantor_id", "payee_id", "nominal_borrower_id")
ORDER = (
    "ORPHAN", "FINISHED", "CANCELLED", "NOT_LENT", "ZERO", "INTEREST_ONLY", "LISTING_NOT_OPEN", "PLATFORM_PARTY", "SELF_LOAN",
    "FIELD_INVALID", "NAME_UNENCODABLE", "OVERDUE", "SCHEDULE_MISMATCH", "PARTY_NOT_OPENED", "BANK",
)  # fmt: skip
NOT_MIGRATED = {"FINISHED", "CANCELLED", "NOT_LENT", "ZERO"}


def rank(reason):
    return ORDER.index("BANK" if reason.startswith("BANK_") else reason)


@dataclass
class Answer:
    """What the bank last said of an item, and in which batch it went."""

    ok: bool
    code: str
    batch: str
    account: str | None = None
    activated: bool | None = None
    request: tuple = ()


@dataclass
class Facts:
    """Everything the book depends on."""

    tables: dict
    config: dict
    users: dict  # user_id -> row, corrections applied
    answers: dict = field(default_factory=lambda: {"users": {}, "listings": {}, "debts": {}})
    resends: set = field(default_factory=set)
    signed: set = field(default_factory=set)  # (entity, key)

    def __post_init__(self):
        self.listings = {row["listing_id"]: row for row in self.tables["listings"]}
        self.folded = {}
        for key in self.listings:
            self.folded.setdefault(key.lower(), set()).add(key)
        self.outstanding, self.held = dict.fromkeys(self.listings, 0), dict.fromkeys(self.listings, 0)
        for row in self.tables["schedules"]:
            self.outstanding[row["listing_id"]] += row["principal"] - row["principal_paid"]
        for row in self.tables["debts"]:
            if row["status"] == "open" and row["listing_id"] in self.held:
                self.held[row["listing_id"]] += row["principal"]
        self.consented = {row["listing_id"]: row["new_maturity_date"] for row in self.tables["extensions"]}


def request_of(user):
    """What a correction can change of what is sent: the same request is refused again."""
    columns = ("name", "id_type", "id_no", "phone", "sex", "email", "corporate_account", "verified_at")
    return tuple(user[column] for column in columns)


class Book:
    """One look at the facts."""

    def __init__(self, facts):
        self.facts = facts
        self.today = facts.config["cutover"]["business_date"]
        self.kept, self.groups, self.conflicts, self.from_merge = {}, {}, set(), set()
        self._merge()
        self._positions()
        self._cohorts()

    # --- people ------------------------------------------------------------------------------------------------
    def _merge(self):
        facts = self.facts
        self.kept = {key: key for key in facts.users}
        for members in people.groups(facts.users):
            if len({people.plain_name(member) for member in members}) > 1:
                self.conflicts |= {member["user_id"] for member in members}
                continue
            sent = [m["user_id"] for m in members if (a := facts.answers["users"].get(m["user_id"])) and a.ok]
            keep, why = (
                (sent[0], "already_sent")
                if sent
                else people.keep(members, facts.tables, facts.config["policy"]["keep_account"])
            )
            self.groups[keep] = (sorted(m["user_id"] for m in members), why)
            self.from_merge.add(keep)
            for member in members:
                self.kept[member["user_id"]] = keep

    def _positions(self):
        self.position = set()
        for debt in self.facts.tables["debts"]:
            something = debt["principal"] or debt["interest"] or debt["bonus_interest"]
            if debt["status"] == "open" and something and debt["lender_id"] in self.kept:
                self.position.add(self.kept[debt["lender_id"]])
        for listing in self.facts.tables["listings"]:
            if listing["status"] in OPEN_LISTING:
                self.position |= {self.kept[listing[role]] for role in ROLES if listing[role] in self.kept}

    def _cohorts(self):
        cash = dict.fromkeys(self.kept, 0)
        for row in self.facts.tables["escrow_accounts"]:
            if row["user_id"] in cash:
                cash[self.kept[row["user_id"]]] += row["available"] + row["frozen"]
        self.reason = {}  # why a user is not to be sent; absent = can be sent
        for key, user in self.facts.users.items():
            if user["kind"] == "platform":
                self.reason[key] = "PLATFORM_ACCOUNT"
            elif self.kept[key] != key:
                self.reason[key] = "MERGED"
            elif user["status"] == "closed" and key not in self.position and cash[key] == 0:
                self.reason[key] = "CLOSED"
            elif why := people.own_refusal(user, self.today):
                self.reason[key] = why
            elif key in self.conflicts:
                self.reason[key] = "NAME_CONFLICT"
        phones = {}
        for key, user in self.facts.users.items():
            if key not in self.reason:
                phones.setdefault(people.plain_phone(user), []).append(key)
        for keys in phones.values():
            if len(keys) > 1:
                for key in keys:
                    if not self.opened(key):
                        self.reason[key] = "PHONE_SHARED"

    def opened(self, key):
        answer = self.facts.answers["users"].get(key)
        return bool(answer and answer.ok)

    def account(self, user_id):
        """The custody account of the person behind a user id; None without one."""
        kept = self.kept.get(user_id)
        return self.facts.answers["users"][kept].account if kept is not None and self.opened(kept) else None

    def user(self, key):
        """(disposition, reason)."""
        why = self.reason.get(key)
        if why in {"PLATFORM_ACCOUNT", "CLOSED"}:
            return "closed", why
        if why == "MERGED":
            return "merged", why
        if self.opened(key):
            return "opened", f"OPENED_{self.facts.answers['users'][key].code}"
        cause = self.cause(key)
        if cause is None:
            return "pending", None
        if "verified_at" in self.facts.users[key]["bad"] or key in self.position:
            return ("excepted" if ("users", key) in self.facts.signed else "blocked"), cause
        return "self_open", cause

    def cause(self, key):
        """Why a kept user has no account: refused here, or by the bank and not corrected since; None = can be sent."""
        if key in self.reason:
            return self.reason[key]
        answer = self.facts.answers["users"].get(key)
        if answer and not answer.ok and answer.request == request_of(self.facts.users[key]):
            return f"BANK_{answer.code}"
        return None

    def sendable_users(self, kind):
        users = self.facts.users
        keys = [k for k in users if users[k]["kind"] == kind and not self.opened(k) and self.cause(k) is None]
        return sorted((k for k in keys if ("users", k) not in self.facts.signed), key=str.encode)

    # --- listings ----------------------------------------------------------------------------------------------
    def listing_reason(self, row):
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

    def _own_debt_reason(self, row):  # one line a rule, in the order of the contract
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
