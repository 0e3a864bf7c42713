"""People: who is the same person, who is kept, who can be sent, and why not (domain.md, Cohorts and Merging)."""

import re
import unicodedata
from datetime import date

ID_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def half_width(text):
    return "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else " " if c == "\u3000" else c for c in text)


def no_spaces(text):
    return "".join(c for c in text if not c.isspace())


def check_character(first17):
    return "10X98765432"[sum(int(d) * w for d, w in zip(first17, ID_WEIGHTS, strict=True)) % 11]


def plain_id(user):
    """The normalised ID number: no spaces, half-width, X, 15 digits as 18."""
    number = no_spaces(half_width(user["id_no"] or "")).upper().replace("x", "X")
    if user["id_type"] in {"id_card", "id_card_15"} and re.fullmatch("[0-9]{15}", number):
        long = number[:6] + "19" + number[6:]
        number = long + check_character(long)
    return number


def plain_name(user):
    return no_spaces(half_width(unicodedata.normalize("NFC", user["name"] or "")))


def plain_phone(user):
    return re.sub(r"^(\+86|0086)", "", no_spaces(user["phone"] or ""))


def born(number):
    """Birth date of an 18-digit number, or None."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def id_is_valid(user, today):  # noqa: PLR0911 - one line a rule
    number = plain_id(user)
    if user["kind"] == "person":
        if user["id_type"] not in {"id_card", "id_card_15"} or not re.fullmatch("[0-9]{17}[0-9X]", number):
            return False
        birth = born(number)
        return number[17] == check_character(number[:17]) and birth is not None and birth <= today
    if user["id_type"] == "uscc":
        if len(number) != 18 or any(c not in USCC for c in number):
            return False
        total = sum(USCC.index(c) * pow(3, place, 31) for place, c in enumerate(number[:17]))
        return USCC[(31 - total % 31) % 31] == number[17]
    if user["id_type"] == "org_code":
        if not re.fullmatch("[0-9A-Z]{8}[0-9X]", number):
            return False
        total = sum(int(c, 36) * w for c, w in zip(number[:8], [3, 7, 9, 10, 5, 8, 4, 2], strict=True))
        return number[8] == {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
    return False


def gbk_bytes(text):
    """How many bytes, or None when GBK has no such character."""
    try:
        return len(text.encode("gbk"))
    except UnicodeEncodeError:
        return None


def own_refusal(user, today):  # noqa: PLR0911 - one line a rule
    """Why this user cannot be sent, looking at nobody else; None when he can."""
    if "verified_at" in user["bad"]:
        return "FIELD_INVALID"
    if not user["verified_at"]:
        return "UNVERIFIED"
    if user["id_type"] in {"permit", "passport"}:
        return "UNSUPPORTED_ID"
    name = user["name"] or ""
    if gbk_bytes(name) is None or gbk_bytes(name) > 60:
        return "NAME_UNENCODABLE"
    if not name.strip() or unicodedata.normalize("NFC", name) != name:
        return "FIELD_INVALID"
    if not id_is_valid(user, today) or not re.fullmatch("1[3-9][0-9]{9}", plain_phone(user)):
        return "FIELD_INVALID"
    if not re.fullmatch("[ -~]{1,60}", user["user_id"]):
        return "FIELD_INVALID"
    if user["kind"] == "company" and not user["corporate_account"]:
        return "FIELD_INVALID"
    if user["kind"] == "person":
        birth = born(plain_id(user))
        if (birth.year + 18, birth.month, birth.day) > (today.year, today.month, today.day):
            return "UNDERAGE"
    return None


def groups(users):
    """Same person = verified, same kind (no platform), same normalised ID: lists of users, of two and more."""
    found = {}
    for user in users.values():
        if user["kind"] != "platform" and (user["verified_at"] or "verified_at" in user["bad"]) and plain_id(user):
            found.setdefault((user["kind"], plain_id(user)), []).append(user)
    return [members for members in found.values() if len(members) > 1]


def elected(members, elections):
    """The user_id the owner chose, or None: the latest election naming a member; a tie between two decides nothing."""
    ids = {member["user_id"] for member in members}
    number = plain_id(members[0])
    valid = [
        e
        for e in elections
        if e["user_id"] in ids and e["elected_at"] and no_spaces(half_width(e["id_no"])).upper() == number
    ]
    if not valid:
        return None
    latest = max(e["elected_at"] for e in valid)
    names = {e["user_id"] for e in valid if e["elected_at"] == latest}
    return names.pop() if len(names) == 1 else None


def keep(members, tables, policy):
    """(kept user_id, reason): the first criterion that leaves one."""
    left = list(members)
    for criterion in (*policy, "user_id"):
        if criterion == "election":
            chosen = elected(members, tables["elections"])
            narrowed = [m for m in left if m["user_id"] == chosen] or left
        elif criterion == "party_to_listing":
            parties = {
                listing[role]
                for listing in tables["listings"]
                if listing["status"] in {"repaying", "overdue"}
                for role in ("borrower_id", "guarantor_id")
            }
            narrowed = [m for m in left if m["user_id"] in parties] or left
        elif criterion == "receivable":
            narrowed = largest(
                left,
                lambda m: sum(
                    d["principal"] for d in tables["debts"] if d["lender_id"] == m["user_id"] and d["status"] == "open"
                ),
            )
        elif criterion == "balance":
            narrowed = largest(
                left,
                lambda m: sum(
                    e["available"] + e["frozen"] for e in tables["escrow_accounts"] if e["user_id"] == m["user_id"]
                ),
            )
        elif criterion == "last_active":
            narrowed = largest(left, lambda m: m["last_active_at"] or "")
        elif criterion == "registered":
            earliest = min(m["registered_at"] or "9" for m in left)
            narrowed = [m for m in left if (m["registered_at"] or "9") == earliest]
        else:
            narrowed = [min(left, key=lambda m: m["user_id"].encode())]
        left = narrowed
        if len(left) == 1:
            return left[0]["user_id"], criterion
    raise AssertionError("user_id decides at last")


def largest(members, value):
    top = max(value(m) for m in members)
    return [m for m in members if value(m) == top]
