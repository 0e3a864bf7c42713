"""What several checks look at, derived once from the tables of the workbench."""

from __future__ import annotations

from typing import Final

VIEWS: Final[dict[str, str]] = {
    # Every legacy user and the account he ended up with, by the claim (which `users.merged` judges).
    "party": """
        SELECT c.user_id, c.kept_user_id AS kept, k.account_no AS account, k.disposition AS disposition
        FROM c_users c LEFT JOIN c_users k ON k.user_id = c.kept_user_id""",
    # Answers that opened an account: S, and N for the same person (ID, name and phone as sent).
    "opened": """
        SELECT a.key, a.account, a.flag, a.batch, a.number, a.fine
        FROM a_accounts a JOIN q_accounts q ON q.batch = a.batch AND q.key = a.key
        WHERE a.flag = 'S' OR (a.flag = 'N' AND (a.id_no, a.name, a.phone) = (q.id_no, q.name, q.phone))""",
    "listed": "SELECT * FROM a_listings WHERE code = '00'",
    "debt_requests": "SELECT * FROM q_debts",
    "debt_answers": "SELECT * FROM a_debts",
    "booked": "SELECT * FROM debt_answers WHERE code = '00'",
    # Whoever stands in a listing, one row a role.
    "roles": """
        SELECT listing_id, status, unnest([borrower_id, guarantor_id, payee_id, nominal_borrower_id]) AS who
        FROM s_listings""",
    # Kept users with an open position: lenders of open debts worth something, parties of open listings.
    "positions": """
        SELECT DISTINCT p.kept AS user_id
        FROM (
            SELECT user_id AS who FROM g_lenders WHERE worth
            UNION ALL SELECT who FROM roles WHERE status IN ('repaying', 'overdue')
        ) JOIN party p ON p.user_id = who""",
    # Signing a user signs his listings, signing a listing signs its debts.
    "listings_covered": """
        SELECT DISTINCT key AS listing_id FROM signed WHERE entity = 'listings'
        UNION
        SELECT r.listing_id FROM roles r JOIN party p ON p.user_id = r.who WHERE p.disposition = 'excepted'""",
    # Kept users who stand anywhere, finished or not.
    "involved": """
        SELECT DISTINCT p.kept AS user_id
        FROM (SELECT user_id AS who FROM g_lenders UNION ALL SELECT who FROM roles) JOIN party p ON p.user_id = who""",
}
"""Name -> SELECT; in an order in which each needs only those before it."""

SETTLED: Final = ("party", "opened", "listings_covered")
"""Those that queries over windows look at; they change with no window."""
