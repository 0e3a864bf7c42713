"""Dispositions of users (domain.md, Cohorts and Merging; contract.md section 4)."""

from tests.oracle import people
from tests.oracle.facts import request_of

OPEN_LISTING = {"repaying", "overdue"}
ROLES = ("borrower_id", "guarantor_id", "payee_id", "nominal_borrower_id")


class People:
    """One look at the facts: who is kept, who can be sent, and why not."""

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
