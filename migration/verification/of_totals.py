"""Checks of sums and of what hangs on the users: conservation per person and listing, residuals, notices."""

from __future__ import annotations

from typing import Final

from migration.verification.spec import Spec, one_row


def _uneven(table: str) -> str:
    """Keys whose principal, interest or bonus is not the same before and after."""
    return f"SELECT key FROM {table} GROUP BY key HAVING sum(p) <> 0 OR sum(i) <> 0 OR sum(b) <> 0"


CHECKS: Final = (
    Spec(
        "sums.persons", "每人应收不变", "every person's receivable (principal, interest, bonus) is unchanged to the fen",
        "a debt given to somebody else; principal lost or made",
        "a swap between two debts of the same person",
        "c_users",
        _uneven("g_persons"),
    ),
    Spec(
        "sums.listings", "每标的债权不变", "every listing's outstanding debt is unchanged to the fen",
        "a debt moved to another listing; principal lost or made",
        "a swap between two debts of the same listing",
        "c_listings",
        _uneven("g_listings"),
    ),
    Spec(
        "sums.total", "总额不变", "the sum of all open debts is unchanged, and what is registered is what the bank answered",
        "principal lost or made anywhere",
        "anything that leaves the total as it is",
        "c_debts",
        """
        SELECT 'legacy' FROM g_totals HAVING coalesce(sum(legacy), 0) <> coalesce(sum(claimed), 0)
        UNION ALL
        SELECT 'bank' FROM g_totals HAVING coalesce(sum(bank), 0) <> coalesce(sum(registered), 0)""",
    ),
    Spec(
        "sums.schedules", "债权合计等于未还本金",
        "of a listing with registered debts, the open debts add up to the schedule's rest",
        "a listing whose debts do not add up and were registered all the same",
        "listings none of whose debts is registered",
        "c_listings",
        """
        SELECT l.listing_id FROM (SELECT DISTINCT listing_id FROM g_registered) l
        LEFT JOIN (SELECT key AS listing_id, sum(legacy) AS fen FROM g_by_listing GROUP BY key) d ON d.listing_id = l.listing_id
        LEFT JOIN left_to_pay r ON r.listing_id = l.listing_id
        WHERE d.fen IS DISTINCT FROM coalesce(r.fen, 0)""",
    ),
    one_row("residuals", "escrow_id", "每个托管账户恰好一行"),
    Spec(
        "residuals.claimed", "遗留余额一致", "every escrow balance is the snapshot's, entitled is the kept user",
        "a balance changed or given to somebody else",
        "what was paid out since the snapshot",
        "c_residuals",
        """
        SELECT c.escrow_id FROM c_residuals c JOIN s_escrow_accounts s ON s.escrow_id = c.escrow_id
        LEFT JOIN party p ON p.user_id = s.user_id
        WHERE (c.legacy_user_id, c.available_fen, c.frozen_fen, c.entitled_user_id)
              IS DISTINCT FROM (s.user_id, s.available, s.frozen, p.kept)
           OR c.status IS DISTINCT FROM CASE WHEN s.available + s.frozen > 0 THEN 'available' ELSE 'empty' END""",
    ),
    one_row("authorisations", "serial", "每个授权恰好一行"),
    Spec(
        "authorisations.claimed", "授权逐笔交代",
        "an old authorisation is registered when the bank took it as it was, else listed",
        "one carried over against the policy, of another account, kind or time; one claimed that the bank refused",
        "authorisations given at the bank since",
        "c_authorisations",
        """
        WITH answered AS (
            SELECT q.serial, q.account, q.type, q.granted, a.code FROM q_authorisations q
            JOIN a_authorisations a ON a.batch = q.batch AND a.serial = q.serial
        )
        SELECT c.serial FROM c_authorisations c JOIN s_authorisations s ON s.serial = c.serial
        LEFT JOIN party p ON p.user_id = s.user_id
        LEFT JOIN answered f ON f.serial = s.serial
        WHERE (c.user_id, c.kind) IS DISTINCT FROM (s.user_id, s.kind)
           OR (c.disposition = 'registered') IS DISTINCT FROM coalesce(f.code = '00', false)
           OR (f.serial IS NOT NULL AND (f.account, f.type, f.granted) IS DISTINCT FROM (
                  p.account, CASE s.kind WHEN 'auto_bid' THEN '1' ELSE '2' END, strftime(s.granted_at, '%Y%m%d%H%M%S')))
           OR ($final AND c.disposition NOT IN ('registered', 'lapsed', 'excepted'))
        UNION ALL SELECT DISTINCT q.batch FROM q_authorisations q ANTI JOIN s_authorisations s ON s.serial = q.serial
        UNION ALL SELECT batch FROM batches WHERE kind = 'authorisation' AND NOT $carried""",
    ),
    Spec(
        "notices.rows", "通知齐全", "everybody is told what he must do, and nobody anything else",
        "a notice left out, doubled or sent to the wrong account",
        "whether the message arrives",
        "c_notices",
        """
        WITH due AS (
            SELECT user_id, 'bind_card' AS kind FROM c_users WHERE disposition = 'opened' AND NOT activated
            UNION SELECT user_id, 'open_account' FROM c_users WHERE disposition = 'self_open'
            UNION SELECT user_id, 'grant_fee' FROM c_users WHERE disposition = 'opened'
            UNION SELECT p.kept, 'withdraw_residual' FROM s_escrow_accounts e JOIN party p ON p.user_id = e.user_id
                  WHERE e.available > 0
            UNION SELECT p.kept, 'authorisation_lapsed' FROM c_authorisations a JOIN party p ON p.user_id = a.user_id
                  WHERE a.disposition = 'lapsed'
            UNION SELECT p.kept, 'grant_repayment' FROM c_listings l
                  JOIN s_listings s ON s.listing_id = l.listing_id JOIN party p ON p.user_id = s.borrower_id
                  WHERE l.disposition = 'registered'
        ), told AS (SELECT user_id, kind FROM c_notices)
        SELECT DISTINCT user_id || '/' || kind FROM (
            (FROM due EXCEPT ALL FROM told) UNION ALL (FROM told EXCEPT ALL FROM due)
        )""",
    ),
)  # fmt: skip

BALANCE: Final = Spec(
    "balance.equation", "平衡式", "the balance equation, recomputed from both sides, is the claimed one and leaves 0 fen",
    "a figure of balance.json that the rows do not bear out; a difference at the end",
    "money that neither side has a row for",
    "c_debts",
    """
    SELECT (SELECT coalesce(sum(legacy), 0)::HUGEINT FROM g_totals),
           (SELECT coalesce(sum(open_registered), 0)::HUGEINT FROM g_totals),
           (SELECT coalesce(sum(open_excepted), 0)::HUGEINT FROM g_totals),
           (SELECT coalesce(sum(available_fen + frozen_fen), 0)::HUGEINT FROM c_residuals),
           (SELECT coalesce(sum(available + frozen), 0)::HUGEINT FROM s_escrow_accounts),
           (SELECT coalesce(sum(amount), 0)::HUGEINT FROM s_in_flight WHERE kind = 'top_up')""",
)  # fmt: skip
"""Asked for one row of six sums in fen: legacy debts, registered, excepted, residual claimed, residual legacy, in flight."""
