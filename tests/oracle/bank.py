"""The bank as its fault plan tells it to be: deterministic account numbers and authorisation codes."""

from hashlib import sha256


def luhn_digit(digits):
    total = 0
    for place, c in enumerate(reversed(digits)):
        doubled = int(c) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str((10 - total % 10) % 10)


def account(seed):
    body = "621246" + str(int(sha256(seed.encode()).hexdigest(), 16) % 10**12).zfill(12)
    return body + luhn_digit(body)


def authcode(institution, debt_id):
    return "A" + sha256(f"authcode|{institution}0000{debt_id}".encode()).hexdigest()[:19].upper()


class Bank:
    """Answers one item at a time, as docs/sandbox-bank.md says of the fault plan."""

    def __init__(self, faults):
        self.faults = faults
        self.struck = {}

    def refusal(self, table, key, request):
        """The code this item is refused with, or None."""
        fault = self.faults.get(table, {}).get(key)
        if fault is None:
            return None
        fault = {"code": fault} if isinstance(fault, str) else fault
        times, first = self.struck.get((table, key), (0, request))
        over = fault.get("times") is not None and times >= fault["times"]
        over |= fault.get("until_changed", fault.get("times") is None) and request != first
        if over:
            return None
        self.struck[table, key] = (times + 1, first)
        return fault["code"]

    def open(self, user_id, id_no, request):
        """(ok, code, account number, activated)."""
        if user_id in self.faults.get("already_open_other", ()):
            return False, "N", None, None
        if code := self.refusal("refuse_users", user_id, request):
            return False, code, None, None
        if user_id in self.faults.get("already_open", ()):
            return True, "N", account(f"elsewhere|{id_no}"), True
        return True, "S", account(f"account|{user_id}"), False
