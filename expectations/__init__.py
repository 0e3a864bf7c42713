"""The gates: rules as data, judged by Great Expectations.

`rules_of(stage)` gives the rules; `runner.GxJudge` and `plain.PlainJudge` judge them; `page` shows the results.
Great Expectations itself is imported only when a judge first judges: its import takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from expectations import accounts, at_bank, debts, identities, listings, preflight, reconcile, reopen, residual

if TYPE_CHECKING:
    from expectations.rules import Rule

GATES: Final[dict[str, tuple[Rule, ...]]] = {
    "preflight": preflight.RULES,
    "identities": identities.RULES,
    "accounts": accounts.RULES,
    "reopen": reopen.RULES,
    "listings.sample": listings.SAMPLE_RULES,
    "listings": listings.RULES,
    "debts.sample": debts.SAMPLE_RULES,
    "debts": debts.RULES,
    "residual": residual.RULES,
    "reconcile.bank": at_bank.RULES,
    "reconcile": reconcile.RULES,
}
"""Gate -> its rules, in the order of the cutover; the samples of listings and debts are gates of
their own, and so is the comparison with what the bank holds, which needs the query channel."""


def rules_of(stage: str) -> tuple[Rule, ...]:
    """Return the rules of a gate in the order in which they are shown. KeyError for a gate that does not exist."""
    return GATES[stage]


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, gate by gate; one judged at several gates appears at each."""
    return tuple(rule for rules in GATES.values() for rule in rules)
