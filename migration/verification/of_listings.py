"""Checks of the listings: registered as stored with the accounts of the kept parties, and only those that are open."""

from __future__ import annotations

from typing import Final

from migration.verification.spec import Spec, one_row

CHECKS: Final = (
    one_row("listings", "listing_id", "每个标的恰好一个去向"),
    Spec(
        "listings.claimed", "标的金额与账户", "amount, outstanding principal and the borrower's account are the snapshot's",
        "an amount changed, a listing under another borrower's account",
        "whether the snapshot was right",
        "c_listings",
        """
        SELECT c.listing_id FROM c_listings c
        JOIN s_listings s ON s.listing_id = c.listing_id
        LEFT JOIN party p ON p.user_id = s.borrower_id
        LEFT JOIN left_to_pay l ON l.listing_id = s.listing_id
        WHERE c.amount_fen IS DISTINCT FROM s.amount OR c.outstanding_fen IS DISTINCT FROM coalesce(l.fen, 0)
           OR c.borrower_account IS DISTINCT FROM p.account""",
    ),
    Spec(
        "listings.registered", "登记有据",
        "every registered listing has exactly one 00, in that batch, for that account and amount",
        "a registration claimed without the bank's answer, twice, or with other values",
        "whether it stands at the bank today",
        "c_listings",
        """
        SELECT c.listing_id FROM c_listings c LEFT JOIN (
            SELECT key, count(*) AS n, min(number) AS number, min(account) AS account, min(amount) AS amount
            FROM listed GROUP BY key
        ) o ON o.key = c.listing_id
        LEFT JOIN (SELECT key, arg_max(number, batch) AS number FROM q_listings GROUP BY key) q ON q.key = c.listing_id
        WHERE CASE WHEN c.disposition = 'registered'
                   THEN o.n IS DISTINCT FROM 1 OR (o.number, o.account, o.amount)
                        IS DISTINCT FROM (c.batch_no, c.borrower_account, c.amount_fen)
                   ELSE $final AND c.batch_no IS DISTINCT FROM q.number END""",
    ),
    Spec(
        "listings.effects", "银行登记无遗漏", "no listing is registered at the bank that is not claimed as registered",
        "a bank effect that the outcome does not know",
        "listings registered outside the files",
        "a_listings",
        """
        SELECT o.key FROM listed o LEFT JOIN c_listings c ON c.listing_id = o.key
        WHERE c.disposition IS DISTINCT FROM 'registered'""",
    ),
    Spec(
        "listings.sent", "按存量资料发送",
        "every field of a registered listing was sent as stored, with the kept parties' accounts",
        "a rate, term, day or title changed; a guarantor, payee or nominal borrower left out or exchanged",
        "listings that were refused",
        "listed",
        """
        SELECT o.key FROM listed o
        JOIN q_listings q ON q.batch = o.batch AND q.key = o.key
        LEFT JOIN s_listings s ON s.listing_id = o.key
        LEFT JOIN party b ON b.user_id = s.borrower_id
        LEFT JOIN party g ON g.user_id = s.guarantor_id
        LEFT JOIN party n ON n.user_id = s.nominal_borrower_id
        LEFT JOIN party y ON y.user_id = s.payee_id
        WHERE (q.title, q.account, q.amount, q.term) IS DISTINCT FROM (s.title, b.account, s.amount, s.term_days)
           OR q.yield IS DISTINCT FROM try_cast(s.annual_rate AS DECIMAL(28, 10)) * 100000
           OR q.int_type IS DISTINCT FROM CASE
                WHEN s.repayment_method = 'at_maturity' THEN '0' WHEN s.interest_day IS NOT NULL THEN '1' ELSE '2' END
           OR q.int_day IS DISTINCT FROM CASE q.int_type WHEN '1' THEN lpad(s.interest_day::VARCHAR, 2, '0') ELSE '' END
           OR q.guarantor IS DISTINCT FROM CASE WHEN s.guarantor_id IS NULL THEN '' ELSE g.account END
           OR q.nominal IS DISTINCT FROM CASE WHEN s.nominal_borrower_id IS NULL THEN '' ELSE n.account END
           OR q.payee IS DISTINCT FROM CASE WHEN s.payee_id IS NULL THEN '' ELSE y.account END
           OR q.nominal_yn IS DISTINCT FROM CASE WHEN s.nominal_borrower_id IS NULL THEN '0' ELSE '1' END
           OR q.entrust_yn IS DISTINCT FROM CASE WHEN s.payee_id IS NULL THEN '0' ELSE '1' END""",
    ),
    Spec(
        "listings.words", "去向合乎规则", "only open listings are registered, only others stay behind, exceptions are signed",
        "a finished listing registered, an open one left behind, an exception without a signature",
        "why an item was refused",
        "c_listings",
        """
        SELECT c.listing_id FROM c_listings c
        LEFT JOIN s_listings s ON s.listing_id = c.listing_id
        LEFT JOIN listings_covered v ON v.listing_id = c.listing_id
        WHERE NOT coalesce(CASE c.disposition
            WHEN 'registered' THEN s.status IN ('repaying', 'overdue')
            WHEN 'not_migrated' THEN s.status IN ('raising', 'full', 'finished', 'cancelled')
            WHEN 'excepted' THEN v.listing_id IS NOT NULL
            ELSE c.disposition IN ('pending', 'blocked') AND NOT $final END, false)""",
    ),
    Spec(
        "schedules.rows", "还款计划未变", "the repayment schedules of registered listings are those of the snapshot, row by row",
        "a period lost or invented, an amount moved, a due date shifted by a day",
        "whether the schedule was right in the snapshot",
        "c_schedules",
        """
        WITH legacy AS (
            SELECT s.listing_id, s.period, s.due_date, s.principal, s.interest, s.principal_paid, s.interest_paid
            FROM s_schedules s JOIN c_listings c ON c.listing_id = s.listing_id AND c.disposition = 'registered'
        ), claimed AS (
            SELECT listing_id, period, due_date, principal_fen, interest_fen, principal_paid_fen, interest_paid_fen
            FROM c_schedules
        )
        SELECT DISTINCT listing_id || '/' || period FROM (
            (FROM legacy EXCEPT ALL FROM claimed) UNION ALL (FROM claimed EXCEPT ALL FROM legacy)
        )""",
        scope="schedules",
    ),
)  # fmt: skip
