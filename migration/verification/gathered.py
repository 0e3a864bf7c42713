"""What is carried from window to window: partial figures of each, added up exactly (HUGEINT), asked about at the end.

A check over persons, listings or everything is a query over these tables; so it never needs all debts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gathered:
    """`columns` of the table; `sql` yields a window's rows; `folded` adds up the rows of several windows."""

    columns: str
    sql: str
    folded: str


_ACCOUNTED: Final = (
    "c.disposition IN ('registered', 'excepted') OR (NOT $final AND c.disposition IN ('pending', 'blocked'))"
)
_SUMS: Final = "sum(p)::HUGEINT AS p, sum(i)::HUGEINT AS i, sum(b)::HUGEINT AS b"
_UNEVEN: Final = "HAVING sum(p) <> 0 OR sum(i) <> 0 OR sum(b) <> 0"


def _conserved(legacy_key: str, claimed_key: str, joins: str) -> Gathered:
    """Principal, interest and bonus of open debts, before less after, by a key; only what does not cancel out.

    Rows of chunks that are the same on both sides cancel out and need not be looked at.
    """
    return Gathered(
        "key VARCHAR, p HUGEINT, i HUGEINT, b HUGEINT",
        f"""
        SELECT key, {_SUMS} FROM (
            SELECT {legacy_key} AS key, d.principal AS p, d.interest AS i, d.bonus_interest AS b
            FROM s_differing d {joins} WHERE d.status = 'open'
            UNION ALL
            SELECT {claimed_key}, -c.principal_fen, -c.interest_fen, -c.bonus_interest_fen
            FROM c_differing c WHERE {_ACCOUNTED}
        ) GROUP BY key {_UNEVEN}""",
        f"SELECT key, {_SUMS} FROM {{}} GROUP BY key {_UNEVEN}",
    )


def _accounted(key: str) -> Gathered:
    """Principal of open debts, and what of it is registered or excepted, by a key."""
    return Gathered(
        "key VARCHAR, legacy HUGEINT, accounted HUGEINT",
        f"""
        SELECT coalesce({key}, '') AS key, sum(d.principal)::HUGEINT AS legacy,
               sum(coalesce(c.accounted, 0))::HUGEINT AS accounted
        FROM s_debts d LEFT JOIN (
            SELECT debt_id, min(holder_user_id) AS holder_user_id,
                   sum(principal_fen) FILTER (disposition IN ('registered', 'excepted')) AS accounted
            FROM c_debts GROUP BY debt_id
        ) c ON c.debt_id = d.debt_id WHERE d.status = 'open' GROUP BY ALL""",
        "SELECT key, sum(legacy)::HUGEINT, sum(accounted)::HUGEINT FROM {} GROUP BY key",
    )


OF_DEBTS: Final[dict[str, Gathered]] = {
    "g_persons": _conserved(
        "coalesce(p.kept, d.lender_id)",
        "coalesce(c.holder_user_id, c.legacy_lender_id)",
        "LEFT JOIN party p ON p.user_id = d.lender_id",
    ),
    "g_listings": _conserved("d.listing_id", "c.listing_id", ""),
    "g_by_person": _accounted("coalesce(c.holder_user_id, d.lender_id)"),
    "g_by_listing": _accounted("d.listing_id"),
    "g_registered": Gathered(
        "listing_id VARCHAR",
        "SELECT DISTINCT listing_id FROM c_debts WHERE disposition = 'registered'",
        "SELECT DISTINCT listing_id FROM {}",
    ),
    "g_lenders": Gathered(
        "user_id VARCHAR, worth BOOLEAN",
        """
        SELECT lender_id AS user_id, bool_or(status = 'open' AND principal + interest + bonus_interest > 0) AS worth
        FROM s_debts GROUP BY ALL""",
        "SELECT user_id, bool_or(worth) FROM {} GROUP BY user_id",
    ),
    "g_totals": Gathered(
        "legacy HUGEINT, claimed HUGEINT, registered HUGEINT, bank HUGEINT, open_registered HUGEINT, open_excepted HUGEINT",
        f"""
        SELECT (SELECT sum(principal)::HUGEINT FROM s_debts WHERE status = 'open'),
               (SELECT sum(c.principal_fen)::HUGEINT FROM c_debts c WHERE {_ACCOUNTED}),
               (SELECT sum(principal_fen)::HUGEINT FROM c_debts WHERE disposition = 'registered'),
               (SELECT sum(amount)::HUGEINT FROM booked),
               (SELECT sum(c.principal_fen)::HUGEINT FROM c_debts c JOIN s_debts s USING (debt_id)
                WHERE c.disposition = 'registered' AND s.status = 'open'),
               (SELECT sum(c.principal_fen)::HUGEINT FROM c_debts c JOIN s_debts s USING (debt_id)
                WHERE c.disposition = 'excepted' AND s.status = 'open')""",
        "SELECT sum(COLUMNS(*))::HUGEINT FROM {}",
    ),
}
"""From each window of debts. `s_differing`, `c_differing`: its rows in chunks that are not the same on both sides."""

OF_SCHEDULES: Final[dict[str, Gathered]] = {
    "left_to_pay": Gathered(
        "listing_id VARCHAR, fen HUGEINT",
        "SELECT listing_id, sum(principal - principal_paid)::HUGEINT FROM s_schedules GROUP BY listing_id",
        "SELECT listing_id, sum(fen)::HUGEINT FROM {} GROUP BY listing_id",
    ),
}
"""From each window of schedules."""
