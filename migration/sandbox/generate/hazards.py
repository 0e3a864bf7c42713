"""The catalogue: which trap of domain.md ("Hazards") is planted as what, how often, and among whom.

`pool` says who can carry a user trap: `lender` (has open positions), `idle` (verified, no position), `both` (one share of
each), `company` (a company that is party to nothing), `leader` (merge groups: the row copies a lender's identity).
Rates are per 10,000 users or per 1,000 listings; every switched-on trap is planted at least once where its pool allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALL: Final = frozenset(f"H{n}" for n in range(1, 29))
ONLY_BY_NAME: Final = frozenset({"H11", "H13", "H24", "H26", "H28"})
"""They stop a run (source unusable, snapshot changed, result files broken): planted only when named, never by `all`."""
FEW: Final = frozenset({"H25", "H27"})
"""They keep preflight shut until signed: at most two of a kind, however large the platform."""


@dataclass(frozen=True, slots=True)
class Trap:
    """One way to plant a hazard."""

    name: str
    hazard: str
    pool: str
    rate: int


USER_TRAPS: Final = (
    Trap("merge", "H1", "leader", 50),
    Trap("merge_elected", "H1", "leader", 12),
    Trap("merge_election_tie", "H1", "leader", 3),
    Trap("merge_election_invalid", "H1", "leader", 3),
    Trap("name_conflict", "H1", "leader", 4),
    Trap("phone_shared", "H2", "both", 4),
    Trap("merge_15_digits", "H3", "leader", 12),
    Trap("merge_untidy", "H4", "leader", 12),
    Trap("id_lower_x", "H4", "both", 15),
    Trap("id_spaces", "H4", "both", 8),
    Trap("id_full_width", "H4", "both", 8),
    Trap("phone_country_code", "H4", "both", 10),
    Trap("phone_landline", "H4", "both", 2),
    Trap("region_abolished", "H5", "both", 10),
    Trap("birth_in_future", "H5", "both", 2),
    Trap("id_bad_checksum", "H5", "both", 3),
    Trap("id_bad_length", "H5", "both", 2),
    Trap("underage", "H6", "both", 3),
    Trap("eighteen_today", "H6", "both", 3),
    Trap("name_not_in_gbk", "H7", "both", 3),
    Trap("name_wrong_dot", "H7", "both", 2),
    Trap("name_nbsp", "H7", "both", 2),
    Trap("name_compatibility", "H7", "both", 2),
    Trap("name_too_long", "H8", "both", 2),
    Trap("merge_brackets", "H8", "leader", 4),
    Trap("sex_wrong", "H9", "both", 15),
    Trap("sex_missing", "H9", "both", 25),
    Trap("company_no_account", "H14", "company", 3),
    Trap("company_bad_code", "H14", "company", 3),
    Trap("company_org_code", "H14", "company", 4),
    Trap("passport", "H15", "both", 3),
    Trap("permit", "H15", "both", 2),
    Trap("account_of_another", "H12", "idle", 1),
    Trap("verified_on_impossible_date", "H27", "idle", 0),
)
LISTING_TRAPS: Final = (
    Trap("title_not_in_gbk", "H7", "listing", 2),
    Trap("title_too_long", "H8", "listing", 2),
    Trap("borrower_refused", "H15", "listing", 4),
    Trap("guarantor_refused", "H15", "listing", 2),
    Trap("payee_refused", "H15", "listing", 2),
    Trap("self_loan", "H15", "listing", 3),
    Trap("number_too_long", "H16", "listing", 2),
    Trap("number_case_pair", "H16", "pair", 1),
    Trap("finished", "H17", "listing", 120),
    Trap("partly_repaid", "H17", "listing", 40),
    Trap("prepaid", "H17", "listing", 30),
    Trap("last_cent", "H17", "listing", 3),
    Trap("finished_debt_left_open", "H17", "listing", 3),
    Trap("debt_of_nothing", "H17", "listing", 4),
    Trap("interest_only", "H17", "listing", 4),
    Trap("overdue", "H18", "listing", 15),
    Trap("overdue_unmarked", "H18", "listing", 4),
    Trap("late_but_not_mature", "H18", "listing", 10),
    Trap("due_in_freeze", "H18", "listing", 10),
    Trap("raising", "H19", "listing", 25),
    Trap("full_not_lent", "H19", "listing", 15),
    Trap("cancelled", "H19", "listing", 15),
    Trap("platform_guarantor", "H21", "listing", 2),
    Trap("platform_lender", "H21", "listing", 2),
    Trap("guarantor_advanced", "H22", "listing", 8),
    Trap("debt_without_user", "H25", "listing", 0),
    Trap("debt_without_listing", "H25", "listing", 0),
    Trap("matures_on_impossible_date", "H27", "listing", 0),
    Trap("acquired_on_impossible_date", "H27", "listing", 0),
)
USER_CODE: Final = {trap.name: n for n, trap in enumerate(USER_TRAPS, start=1)}
LISTING_CODE: Final = {trap.name: n for n, trap in enumerate(LISTING_TRAPS, start=1)}
"""Trap name -> its number in the plan's arrays; 0 is "nothing planted"."""
NOT_LENT: Final = ("raising", "full_not_lent", "cancelled")
"""Listings that never paid out: no debts."""
MERGED_TRAPS: Final = tuple(t.name for t in USER_TRAPS if t.pool == "leader")


def chosen(hazards: frozenset[str] | str) -> frozenset[str]:
    """The hazards switched on: `all`, `none`, or names (a set, or text with commas); ValueError on an unknown one."""
    if isinstance(hazards, str):
        if hazards == "all":
            return ALL - ONLY_BY_NAME
        hazards = frozenset(h.strip() for h in hazards.split(",") if h.strip() not in {"", "none"})
    named = (hazards - {"all", "none"}) | (ALL - ONLY_BY_NAME if "all" in hazards else frozenset())
    if unknown := sorted(named - ALL):
        raise ValueError(f"unknown hazards: {', '.join(unknown)} (H1 to H28, all, none)")
    return frozenset(named)
