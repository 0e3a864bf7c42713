"""The oracle: domain.md and contract.md once more, row by row in plain Python, sharing nothing with the product.

It reads the legacy SQLite file itself, plays the bank from its fault plan, and says what every export must hold. Slow
and simple on purpose: it is the independent means by which the product's exports are judged.
"""

from tests.oracle.oracle import Given, expected

__all__ = ["Given", "expected"]
