"""Checks of the debts: row by row against the snapshot, so that a swap cannot hide in a sum."""

from __future__ import annotations

from typing import Final

from migration.verification.spec import Spec, one_row

_END: Final = """
    CASE WHEN $policy = 'extend_with_consent' AND s.maturity_date < q.day AND x.new_maturity_date >= q.day
         THEN x.new_maturity_date ELSE s.maturity_date END"""

CHECKS: Final = (
    one_row("debts", "debt_id", "每笔债权恰好一个去向"),
    Spec(
        "debts.claimed", "债权金额逐笔一致", "principal, interest, bonus, listing and lender of every debt are the snapshot's",
        "two principals swapped, a fen lost, a digit moved to the next column, +100 and -100 on two debts",
        "whether the snapshot was right",
        "c_debts",
        """
        SELECT c.debt_id FROM c_differing c JOIN s_differing s ON s.debt_id = c.debt_id
        WHERE (c.listing_id, c.legacy_lender_id, c.principal_fen, c.interest_fen, c.bonus_interest_fen)
            IS DISTINCT FROM (s.listing_id, s.lender_id, s.principal, s.interest, s.bonus_interest)""",
        scope="debts",
    ),
    Spec(
        "debts.holder", "债权人归属", "the holder is the kept account of the legacy lender, with the account the bank gave",
        "a debt given to another user, or to the wrong account after a merge",
        "whether the merge itself is right (users.merged)",
        "c_debts",
        """
        SELECT c.debt_id FROM c_debts c JOIN s_debts s ON s.debt_id = c.debt_id
        LEFT JOIN party p ON p.user_id = s.lender_id
        LEFT JOIN (SELECT key, min(account) AS account FROM opened GROUP BY key) o ON o.key = p.kept
        WHERE c.holder_user_id IS DISTINCT FROM p.kept OR c.holder_account IS DISTINCT FROM o.account""",
        scope="debts",
    ),
    Spec(
        "debts.registered", "登记有据",
        "every registered debt has exactly one 00, in that batch, with that account, amount, listing and code",
        "a registration without the bank's answer, one loaded twice, another account, amount or authorisation code",
        "whether it stands at the bank today",
        "c_debts",
        """
        SELECT c.debt_id FROM c_debts c LEFT JOIN (
            SELECT key, count(*) AS n, min(number) AS number, min(account) AS account, min(amount) AS amount,
                   min(listing) AS listing, min(authcode) AS authcode
            FROM booked GROUP BY key
        ) o ON o.key = c.debt_id
        LEFT JOIN (SELECT key, arg_max(number, batch) AS number FROM debt_requests GROUP BY key) q ON q.key = c.debt_id
        WHERE CASE WHEN c.disposition = 'registered'
                   THEN o.n IS DISTINCT FROM 1 OR coalesce(o.authcode, '') = ''
                        OR (o.number, o.account, o.amount, o.listing, o.authcode) IS DISTINCT FROM
                           (c.batch_no, c.holder_account, c.principal_fen, c.listing_id, c.authcode)
                   ELSE c.authcode IS NOT NULL OR ($final AND c.batch_no IS DISTINCT FROM q.number) END""",
        scope="debts",
    ),
    Spec(
        "debts.effects", "银行登记无遗漏", "no debt is registered at the bank that is not claimed as registered",
        "a bank effect that the outcome does not know",
        "debts registered outside the files",
        "a_debts",
        """
        SELECT o.key FROM booked o LEFT JOIN c_debts c ON c.debt_id = o.key
        WHERE c.disposition IS DISTINCT FROM 'registered'""",
        scope="debts",
    ),
    Spec(
        "debts.codes", "授权码唯一", "no authorisation code belongs to two debts",
        "a replayed old answer",
        "codes of other platforms",
        "c_debts",
        """
        SELECT unnest(list(DISTINCT key)) FROM (
            SELECT authcode, key FROM booked
            UNION ALL SELECT authcode, debt_id FROM c_debts WHERE authcode IS NOT NULL
        ) GROUP BY authcode HAVING count(DISTINCT key) > 1""",
        scope="debts",
    ),
    Spec(
        "debts.sent", "按存量资料发送", "every field of a registered debt was sent as stored",
        "an end date shifted by a day, a principal or account exchanged, a rate changed",
        "debts that were refused",
        "booked",
        f"""
        SELECT o.key FROM booked o
        JOIN debt_requests q ON q.batch = o.batch AND q.key = o.key
        LEFT JOIN s_debts d ON d.debt_id = o.key
        LEFT JOIN s_listings s ON s.listing_id = d.listing_id
        LEFT JOIN s_extensions x ON x.listing_id = d.listing_id
        LEFT JOIN party p ON p.user_id = d.lender_id
        WHERE (q.account, q.amount, q.listing, q.currency) IS DISTINCT FROM (p.account, d.principal, d.listing_id, '156')
           OR q.bought IS DISTINCT FROM strftime(d.acquired_on, '%Y%m%d')
           OR q.value IS DISTINCT FROM strftime(s.value_date, '%Y%m%d')
           OR q.end_date IS DISTINCT FROM strftime({_END}, '%Y%m%d')
           OR q.yield IS DISTINCT FROM try_cast(s.annual_rate AS DECIMAL(28, 10)) * 100000
           OR q.int_type IS DISTINCT FROM CASE
                WHEN s.repayment_method = 'at_maturity' THEN '0' WHEN s.interest_day IS NOT NULL THEN '1' ELSE '2' END
           OR q.int_day IS DISTINCT FROM CASE q.int_type WHEN '1' THEN lpad(s.interest_day::VARCHAR, 2, '0') ELSE '' END
           OR NOT regexp_full_match(q.mark, $mark)
           OR q.mark <> (SELECT min(mark) FROM marks)""",
        scope="debts",
    ),
    Spec(
        "debts.words", "去向合乎规则",
        "registered: open, on a registered listing, not past its end, not lent to oneself; exceptions signed; nothing else open",
        "a finished debt registered, an open one left behind, a loan to oneself, an exception without a signature",
        "why an item was refused",
        "c_debts",
        f"""
        SELECT c.debt_id FROM c_debts c
        LEFT JOIN s_debts d ON d.debt_id = c.debt_id
        LEFT JOIN s_listings s ON s.listing_id = d.listing_id
        LEFT JOIN s_extensions x ON x.listing_id = d.listing_id
        LEFT JOIN c_listings l ON l.listing_id = d.listing_id
        LEFT JOIN listings_covered v ON v.listing_id = d.listing_id
        LEFT JOIN party h ON h.user_id = d.lender_id
        LEFT JOIN party b ON b.user_id = s.borrower_id
        LEFT JOIN (SELECT key, min(batch) AS batch, min(day) AS day FROM booked GROUP BY key) q ON q.key = c.debt_id
        LEFT JOIN (SELECT DISTINCT key FROM signed WHERE entity = 'debts') g ON g.key = c.debt_id
        WHERE NOT coalesce(CASE c.disposition
            WHEN 'registered' THEN d.status = 'open' AND d.principal > 0 AND l.disposition = 'registered'
                 AND h.kept <> b.kept AND {_END} >= q.day
            WHEN 'not_migrated' THEN d.status = 'finished' OR d.principal + d.interest + d.bonus_interest = 0
            WHEN 'excepted' THEN g.key IS NOT NULL OR v.listing_id IS NOT NULL
                 OR coalesce(h.disposition = 'excepted', false)
            ELSE c.disposition IN ('pending', 'blocked') AND NOT $final END, false)""",
        scope="debts",
    ),
)  # fmt: skip
