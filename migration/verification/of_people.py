"""Checks of the users: one outcome each, accounts that the bank gave, merges that hold, people sent as they are stored."""

from __future__ import annotations

from typing import Final

from migration.verification.spec import Spec, one_row

_PERSON_SENT: Final = """
    (q.id_no, q.id_type, q.name, q.phone, q.sex, q.email, q.corporate, q.card_type)
    IS DISTINCT FROM (p.id_no, p.id_code, p.name, p.phone, p.sex, p.email, p.corporate, '2')"""

CHECKS: Final = (
    one_row("users", "user_id", "每个用户恰好一个去向"),
    Spec(
        "users.opened", "开户有据", "every opened user has exactly one successful answer with that account and flag",
        "an account claimed without the bank's answer, or another one; activated wrongly",
        "whether the account is in use at the bank today",
        "c_users",
        """
        SELECT c.user_id FROM c_users c LEFT JOIN (
            SELECT key, count(*) AS n, min(account) AS account, bool_or(flag = 'N') AS known FROM opened GROUP BY key
        ) o ON o.key = c.user_id
        WHERE CASE WHEN c.disposition = 'opened'
                   THEN o.n IS DISTINCT FROM 1 OR o.account IS DISTINCT FROM c.account_no
                        OR o.known IS DISTINCT FROM c.activated
                   ELSE c.account_no IS NOT NULL OR c.activated IS NOT NULL END""",
    ),
    Spec(
        "users.effects", "银行开户无遗漏", "no account was opened for somebody who is not claimed as opened",
        "a bank effect that the outcome does not know",
        "accounts opened outside the files",
        "a_accounts",
        """
        SELECT o.key FROM opened o LEFT JOIN c_users c ON c.user_id = o.key
        WHERE c.disposition IS DISTINCT FROM 'opened'""",
    ),
    Spec(
        "users.numbers", "账号唯一且有效", "an account number has the bank's form and belongs to one user",
        "one number for two users; wrong prefix, length or Luhn digit",
        "numbers that the bank gave to customers of other platforms",
        "c_users",
        """
        SELECT key FROM opened WHERE NOT fine OR NOT regexp_full_match(account, $pattern)
        UNION
        SELECT unnest(list(DISTINCT key)) FROM (
            SELECT account, key FROM opened
            UNION ALL SELECT account_no, user_id FROM c_users WHERE account_no IS NOT NULL
        ) GROUP BY account HAVING count(DISTINCT key) > 1""",
    ),
    Spec(
        "users.sent", "按存量资料发送", "everybody was sent as stored and corrected: ID, name, phone, sex, company account",
        "a name padded or changed, a phone or ID of somebody else, a digit moved to the next field",
        "users who were refused",
        "opened",
        f"""
        SELECT o.key FROM opened o
        JOIN q_accounts q ON q.batch = o.batch AND q.key = o.key
        LEFT JOIN person p ON p.user_id = o.key
        WHERE {_PERSON_SENT}
           OR p.kind IS DISTINCT FROM q.file_kind
           OR q.acctype IS DISTINCT FROM CASE p.kind WHEN 'company' THEN '1' ELSE '0' END""",
    ),
    Spec(
        "users.merged", "合并对象为同一人", "who was merged is the same person as the account he was merged into",
        "a merge across IDs, names, kinds; of somebody unverified; a chain of merges; a wrong pointer",
        "whether the policy chose the right one of the group",
        "c_users",
        """
        SELECT c.user_id FROM c_users c
        LEFT JOIN c_users k ON k.user_id = c.kept_user_id
        LEFT JOIN person m ON m.user_id = c.user_id
        LEFT JOIN person p ON p.user_id = c.kept_user_id
        WHERE CASE WHEN c.disposition = 'merged'
                   THEN k.user_id IS NULL OR k.disposition = 'merged' OR m.kind = 'platform' OR m.id_no IS NULL
                        OR NOT m.verified OR NOT p.verified
                        OR (m.kind, m.id_no, m.folded) IS DISTINCT FROM (p.kind, p.id_no, p.folded)
                   ELSE c.kept_user_id IS DISTINCT FROM c.user_id END""",
    ),
    Spec(
        "users.groups", "同一身份全部合并", "accounts of one person with agreeing names are all merged into one",
        "somebody of a group left out of its merge, and so opened twice",
        "groups with an impossible date or a signed name conflict: those stand alone by the rules",
        "person",
        """
        SELECT min(p.user_id) FROM person p JOIN c_users c ON c.user_id = p.user_id
        WHERE p.verified AND p.kind <> 'platform' AND p.id_no IS NOT NULL
          AND p.user_id NOT IN (SELECT key FROM signed WHERE entity = 'users' AND code = 'NAME_CONFLICT')
          AND p.user_id NOT IN (SELECT key FROM issues WHERE entity = 'users' AND code = 'DATE_INVALID')
        GROUP BY p.kind, p.id_no
        HAVING count(DISTINCT p.folded) = 1 AND count(*) FILTER (c.disposition <> 'merged') <> 1""",
    ),
    Spec(
        "users.words", "去向合乎规则",
        "closed, self_open and excepted only where the rules allow it; nothing open at the end",
        "somebody with a position closed or left to himself, an exception without a signature",
        "why somebody was refused",
        "c_users",
        """
        SELECT c.user_id FROM c_users c
        LEFT JOIN person p ON p.user_id = c.user_id
        LEFT JOIN positions h ON h.user_id = c.user_id
        LEFT JOIN (
            SELECT y.kept AS user_id, sum(available + frozen) AS fen
            FROM s_escrow_accounts e JOIN party y ON y.user_id = e.user_id GROUP BY y.kept
        ) cash ON cash.user_id = c.user_id
        LEFT JOIN (SELECT DISTINCT key FROM signed WHERE entity = 'users') s ON s.key = c.user_id
        WHERE NOT coalesce(CASE c.disposition
            WHEN 'opened' THEN p.kind <> 'platform'
            WHEN 'merged' THEN p.kind <> 'platform'
            WHEN 'closed' THEN p.kind = 'platform'
                 OR (p.status = 'closed' AND h.user_id IS NULL AND coalesce(cash.fen, 0) = 0)
            WHEN 'self_open' THEN p.kind <> 'platform' AND h.user_id IS NULL
            WHEN 'excepted' THEN p.kind <> 'platform' AND s.key IS NOT NULL
            ELSE c.disposition IN ('pending', 'blocked') AND NOT $final END, false)""",
    ),
)  # fmt: skip
