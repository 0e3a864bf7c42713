"""Which listings or debts make up the sample (domain.md, Sampling)."""

from fractions import Fraction
from functools import cache
from hashlib import sha256
from math import ceil, comb


@cache
def sample_size(count, confidence, defect_rate):
    """The least n that lets no more than 1 - confidence of the bad draws through."""
    if count == 0:
        return 0
    bad = max(1, ceil(count * Fraction(str(defect_rate))))
    limit = 1 - Fraction(str(confidence))
    low, high = 0, count
    while low < high:
        n = (low + high) // 2
        if Fraction(comb(count - bad, n), comb(count, n)) <= limit:
            high = n
        else:
            low = n + 1
    return low


def draw(entity, items, sampling):
    """Keys of the sample. `items`: key -> {"amount": fen, dimension: level ...}."""
    order = sorted(items, key=lambda key: sha256(f"{sampling['seed']}|{entity}|{key}".encode()).hexdigest())
    chosen = set(order[: sample_size(len(items), sampling["confidence"], sampling["defect_rate"])])
    seen = set()
    amounts = [item["amount"] for item in items.values()]
    for key in order:
        levels = {(name, level) for name, level in items[key].items() if name != "amount"}
        if items[key]["amount"] == min(amounts):
            levels.add(("amount", "smallest"))
        if items[key]["amount"] == max(amounts):
            levels.add(("amount", "largest"))
        if levels - seen:
            chosen.add(key)
        seen |= levels
    return chosen


def rare(*texts):
    """Whether a character lies outside GB2312 (its middle dot A1A4 is `·`, whatever Python's codec says)."""
    for c in "".join(texts).replace("·", ""):
        try:
            c.encode("gb2312")
        except UnicodeEncodeError:
            return True
    return False
