"""Checks of what the bank says it holds (domain.md Order and gates 8): against what was sent, answered and frozen.

They look at `h_*` (what the bank told when it was asked) beside the tables of the workbench.
"""

from __future__ import annotations

from typing import Final

from migration.verification.spec import Spec

_UNKNOWN_KEY: Final = "CASE WHEN c.{key} IS NULL THEN '?' || substr(sha256(h.{key}), 1, 12) ELSE h.{key} END"
"""An id that is not ours may hold anything: it is named by its digest."""

VIEWS: Final[dict[str, str]] = {
    "due_accounts": """
        SELECT o.key, o.account, q.id_no, q.name
        FROM opened o JOIN q_accounts q ON q.batch = o.batch AND q.key = o.key
        JOIN c_users c ON c.user_id = o.key AND c.disposition = 'opened'""",
    "due_listings": """
        SELECT c.listing_id, b.account, s.amount, q.title, q.term, CASE WHEN s.guarantor_id IS NULL THEN '' ELSE g.account END
            AS guarantor, CASE WHEN s.nominal_borrower_id IS NULL THEN '' ELSE n.account END AS nominal,
            CASE WHEN s.payee_id IS NULL THEN '' ELSE y.account END AS payee
        FROM c_listings c JOIN s_listings s ON s.listing_id = c.listing_id
        LEFT JOIN (SELECT key, arg_max(title, batch) AS title, arg_max(term, batch) AS term FROM q_listings GROUP BY key) q
            ON q.key = c.listing_id
        LEFT JOIN party b ON b.user_id = s.borrower_id
        LEFT JOIN party g ON g.user_id = s.guarantor_id
        LEFT JOIN party n ON n.user_id = s.nominal_borrower_id
        LEFT JOIN party y ON y.user_id = s.payee_id
        WHERE c.disposition = 'registered'""",
    "due_debts": """
        SELECT c.debt_id, p.account, d.listing_id, d.principal, o.authcode, q.end_date
        FROM c_debts c JOIN s_debts d ON d.debt_id = c.debt_id
        LEFT JOIN party p ON p.user_id = d.lender_id
        LEFT JOIN (SELECT key, min(authcode) AS authcode, min(batch) AS batch FROM booked GROUP BY key) o ON o.key = c.debt_id
        LEFT JOIN debt_requests q ON q.key = c.debt_id AND q.batch = o.batch
        WHERE c.disposition = 'registered'""",
    # Sent, never refused, signed as of unknown outcome: people know that the bank may hold it.
    "doubtful_listings": """
        SELECT s.key FROM signed s
        WHERE s.entity = 'listings' AND s.key IN (SELECT key FROM q_listings)
            AND s.key NOT IN (SELECT key FROM a_listings WHERE code NOT IN ('00', '22'))""",
    "doubtful_debts": """
        SELECT s.key FROM signed s
        WHERE s.entity = 'debts' AND s.key IN (SELECT key FROM debt_requests)
            AND s.key NOT IN (SELECT key FROM debt_answers WHERE code <> '00')""",
    "claimed_debts": "SELECT debt_id, disposition FROM c_debts",
}
"""Name -> SELECT: what has to stand at the bank, and what may. Those of debts are worked out window by window."""
OF_DEBTS: Final = ("due_debts", "doubtful_debts", "claimed_debts")

CHECKS: Final = (
    Spec(
        "bank.accounts_missing", "银行查无账户", "every opened account is known to the bank under its ID number",
        "an account closed at the bank, or never opened although the file said so",
        "whether the account can be used",
        "due_accounts",
        "SELECT e.key FROM due_accounts e WHERE NOT EXISTS (FROM h_accounts h WHERE h.id_no = e.id_no)",
    ),
    Spec(
        "bank.accounts_differ", "银行账户不符", "account number and name at the bank are those that were answered",
        "another account number or name than the files said",
        "the phone, which its owner may change at the bank",
        "due_accounts",
        """
        SELECT DISTINCT e.key FROM due_accounts e JOIN h_accounts h ON h.id_no = e.id_no
        WHERE (h.account_no, h.name) IS DISTINCT FROM (e.account, e.name)""",
    ),
    Spec(
        "bank.listings_missing", "银行查无标的", "every registered listing stands at the bank",
        "a listing that is gone, or never stood there although the file said so",
        "whether what stands there is right (bank.listings_differ)",
        "due_listings",
        """
        SELECT e.listing_id FROM due_listings e
        WHERE NOT EXISTS (FROM h_listings h WHERE h.listing_id = e.listing_id)""",
    ),
    Spec(
        "bank.listings_differ", "银行标的不符",
        "borrower, guarantor, nominal borrower, payee, amount, title and term at the bank are ours",
        "a listing changed at the bank after it was registered",
        "rate, interest day and schedule",
        "due_listings",
        """
        SELECT DISTINCT e.listing_id FROM due_listings e JOIN h_listings h ON h.listing_id = e.listing_id
        WHERE (h.account_no, h.amount_fen, h.title, h.term_days, h.guarantor_account, h.nominal_account, h.payee_account)
            IS DISTINCT FROM (e.account, e.amount, e.title, e.term, e.guarantor, e.nominal, e.payee)""",
    ),
    Spec(
        "bank.listings_extra", "银行多出标的", "no listing stands at the bank that is not claimed as registered",
        "a registration that the outcome does not know",
        "listings whose numbers are not ours: they are not asked for",
        "h_listings",
        f"""
        SELECT DISTINCT {_UNKNOWN_KEY.format(key="listing_id")}
        FROM h_listings h LEFT JOIN c_listings c ON c.listing_id = h.listing_id
        WHERE c.disposition IS DISTINCT FROM 'registered'
            AND NOT EXISTS (FROM doubtful_listings s WHERE s.key = h.listing_id)""",
    ),
    Spec(
        "bank.debts_missing", "银行查无债权", "every registered debt stands at the bank with one of our accounts",
        "a debt that is gone, or was moved to an account that is not ours",
        "where it went",
        "due_debts",
        "SELECT e.debt_id FROM due_debts e WHERE NOT EXISTS (FROM h_debts h WHERE h.debt_id = e.debt_id)",
    ),
    Spec(
        "bank.debts_holder", "银行债权归属不符", "the bank's holder of a debt is the kept account of its lender",
        "a debt that was moved to another of our accounts",
        "whether the merge itself is right (users.merged)",
        "due_debts",
        """
        SELECT DISTINCT e.debt_id FROM due_debts e JOIN h_debts h ON h.debt_id = e.debt_id
        WHERE h.account_no IS DISTINCT FROM e.account""",
    ),
    Spec(
        "bank.debts_differ", "银行债权内容不符", "amount, listing, authorisation code and end date at the bank are ours",
        "a debt changed at the bank after it was registered",
        "rate and dates of purchase",
        "due_debts",
        """
        SELECT DISTINCT e.debt_id FROM due_debts e JOIN h_debts h ON h.debt_id = e.debt_id
        WHERE (h.listing_id, h.amount_fen, h.authcode, strftime(h.end_date, '%Y%m%d'))
            IS DISTINCT FROM (e.listing_id, e.principal, e.authcode, e.end_date)""",
    ),
    Spec(
        "bank.debts_twice", "银行债权重复", "no debt stands at the bank twice",
        "one debt registered twice, with one account or with two",
        "copies under other serial numbers (bank.debts_extra)",
        "h_debts",
        "SELECT h.debt_id FROM h_debts h JOIN due_debts e ON e.debt_id = h.debt_id GROUP BY 1 HAVING count(*) > 1",
    ),
    Spec(
        "bank.debts_extra", "银行多出债权", "our accounts hold no debt at the bank that is not claimed as registered",
        "a registration that the outcome does not know",
        "debts of accounts that are not ours",
        "h_debts",
        f"""
        SELECT DISTINCT {_UNKNOWN_KEY.format(key="debt_id")}
        FROM h_debts h LEFT JOIN claimed_debts c ON c.debt_id = h.debt_id
        WHERE c.disposition IS DISTINCT FROM 'registered'
            AND NOT EXISTS (FROM doubtful_debts s WHERE s.key = h.debt_id)""",
    ),
)  # fmt: skip
