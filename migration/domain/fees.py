"""The fee of a withdrawal (contract.md section 1 [withdrawals], domain.md "Residual legacy balance").

Some are free each month; then a flat fee up to a limit inclusive, above it a rate of the whole amount, rounded half up to
the fen. The fee comes on top of the amount; both leave the balance. All amounts are integers of fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a withdrawal costs. `rate` is an exact fraction of the amount."""

    free_per_month: int = 1
    flat_fen: int = 300
    flat_limit_fen: int = 100_000
    rate: Fraction = Fraction(3, 1000)

    def fee(self, amount_fen: int) -> int:
        """Return the fee in fen of a withdrawal that is not free; `amount_fen` is at least 1."""
        if amount_fen <= self.flat_limit_fen:
            return self.flat_fen
        return half_up(amount_fen * self.rate)

    def largest(self, balance_fen: int, *, free: bool) -> int:
        """Return the largest amount that with its fee fits into the balance; 0 when none does."""
        if free:
            return max(0, balance_fen)
        flat = min(balance_fen - self.flat_fen, self.flat_limit_fen)
        return max(0, flat, self._largest_rated(balance_fen))

    def _largest_rated(self, balance_fen: int) -> int:
        """Return the largest amount above the flat limit that fits, 0 when none does (amount + fee grows with the amount)."""
        low, high = self.flat_limit_fen, balance_fen
        while low < high:
            middle = (low + high + 1) // 2
            if middle + self.fee(middle) <= balance_fen:
                low = middle
            else:
                high = middle - 1
        return low if low > self.flat_limit_fen else 0


def half_up(value: Fraction) -> int:
    """Round to the nearest integer, a tie away from zero; `value` is not negative."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
