-- Users: merged identities, dispositions, custody accounts (domain.md, Cohorts and Merging identities).

-- view: lender_kept
-- Who holds a legacy lender's debts: the kept user; an unknown lender stands for himself.
SELECT d.*, coalesce(u.kept_user_id, d.lender_id) AS kept
FROM legacy_debts d LEFT JOIN book_users u ON u.user_id = d.lender_id

-- table: identity
-- Every verified user of the platform's own customers, with the ID number and name as they are compared.
SELECT user_id, kind, person_id(kind, id_bare) AS person, called FROM (
  SELECT user_id, kind, bare(id_no) AS id_bare, bare(name) AS called
  FROM legacy_users WHERE kind IN ('person', 'company') AND verified_at IS NOT NULL)
WHERE id_bare <> ''

-- view: merged
SELECT b.user_id, b.kept_user_id, k.disposition AS kept_disposition, k.user_id IS NOT NULL AS kept_exists
FROM book_users b LEFT JOIN book_users k ON k.user_id = b.kept_user_id WHERE b.disposition = 'merged'

-- view: open_listings
SELECT * FROM legacy_listings WHERE status IN ('repaying', 'overdue')

-- table: positions
-- Open positions after merging: `sure` ones beside those that hang on an odd debt (interest only, closed listing).
SELECT user_id, bool_or(sure) AS sure FROM (
  SELECT d.kept AS user_id, d.principal > 0 AND l.listing_id IS NOT NULL AS sure
  FROM lender_kept d LEFT JOIN open_listings l ON l.listing_id = d.listing_id
  WHERE d.status = 'open' AND d.principal + d.interest + d.bonus_interest > 0
  UNION ALL
  SELECT coalesce(u.kept_user_id, p.user_id), true
  FROM parties p LEFT JOIN book_users u ON u.user_id = p.user_id WHERE p.status IN ('repaying', 'overdue')
) GROUP BY user_id

-- table: cash
SELECT coalesce(u.kept_user_id, e.user_id) AS user_id, sum(e.available + e.frozen) AS fen
FROM legacy_escrow_accounts e LEFT JOIN book_users u ON u.user_id = e.user_id GROUP BY 1

-- view: user_ok
SELECT * FROM item_users WHERE state = 'ok'

-- total: book.users.disposed
SELECT count(*) FROM book_users
WHERE disposition IN ('opened', 'merged', 'self_open', 'excepted', 'closed', 'pending', 'blocked')

-- keys: users.not_once
-- Left out, from nowhere, or there twice.
SELECT user_id FROM legacy_users o ANTI JOIN book_users b ON b.user_id = o.user_id
UNION SELECT user_id FROM book_users b ANTI JOIN legacy_users o ON o.user_id = b.user_id
UNION SELECT user_id FROM book_users GROUP BY user_id HAVING count(*) > 1

-- keys: users.merged_astray
SELECT user_id FROM merged WHERE NOT kept_exists OR kept_user_id = user_id OR kept_disposition = 'merged'
UNION ALL SELECT user_id FROM book_users WHERE disposition <> 'merged' AND kept_user_id IS DISTINCT FROM user_id

-- keys: users.merged_not_customer
SELECT m.user_id FROM merged m
LEFT JOIN identity a ON a.user_id = m.user_id LEFT JOIN identity k ON k.user_id = m.kept_user_id
WHERE a.user_id IS NULL OR k.user_id IS NULL

-- keys: users.merged_other_person
SELECT m.user_id FROM merged m
JOIN identity a ON a.user_id = m.user_id JOIN identity k ON k.user_id = m.kept_user_id
WHERE a.kind <> k.kind OR a.person <> k.person OR a.called IS DISTINCT FROM k.called

-- keys: users.not_merged
SELECT min(i.user_id) FROM identity i JOIN book_users b ON b.user_id = i.user_id
GROUP BY i.kind, i.person
HAVING count(*) > 1 AND min(i.called) = max(i.called) AND count(DISTINCT b.kept_user_id) > 1

-- keys: users.platform_not_closed
SELECT u.user_id FROM legacy_users u JOIN book_users b ON b.user_id = u.user_id
WHERE u.kind = 'platform' AND (b.disposition <> 'closed' OR b.reason IS DISTINCT FROM 'PLATFORM_ACCOUNT')

-- keys: users.closed_with_stake
SELECT b.user_id FROM book_users b
LEFT JOIN positions p ON p.user_id = b.user_id LEFT JOIN cash c ON c.user_id = b.user_id
WHERE b.reason = 'CLOSED' AND (coalesce(p.sure, false) OR coalesce(c.fen, 0) > 0)

-- keys: users.self_open_with_position
SELECT b.user_id FROM book_users b JOIN positions p ON p.user_id = b.user_id WHERE b.disposition = 'self_open' AND p.sure

-- keys: users.blocked_without_position
SELECT user_id FROM book_users b ANTI JOIN positions p ON p.user_id = b.user_id WHERE b.disposition = 'blocked'

-- keys: users.blocked_unlisted
SELECT user_id FROM book_users b
ANTI JOIN exceptions x ON x.entity = 'users' AND x.key = b.user_id AND x.state = 'open'
WHERE b.disposition = 'blocked'

-- keys: users.excepted_unsigned
SELECT user_id FROM book_users b
ANTI JOIN exceptions x ON x.entity = 'users' AND x.key = b.user_id AND x.state = 'signed'
WHERE b.disposition = 'excepted'

-- total: receivable.before
SELECT coalesce(sum(principal), 0) FROM legacy_debts WHERE status = 'open'

-- total: receivable.after
SELECT coalesce(sum(b.principal_fen), 0) FROM book_debts b
SEMI JOIN legacy_debts d ON d.debt_id = b.debt_id AND d.status = 'open'

-- keys: receivable.person_differs
-- reliability.md I8, per kept user: what his accounts were owed before merging against what he is owed after it.
SELECT coalesce(x.kept, y.kept)
FROM (SELECT kept, sum(principal) AS p, sum(interest) AS i, sum(bonus_interest) AS o
      FROM lender_kept WHERE status = 'open' GROUP BY kept) x
FULL JOIN (SELECT coalesce(b.holder_user_id, b.legacy_lender_id) AS kept, sum(b.principal_fen) AS p,
                  sum(b.interest_fen) AS i, sum(b.bonus_interest_fen) AS o
           FROM book_debts b SEMI JOIN legacy_debts d ON d.debt_id = b.debt_id AND d.status = 'open' GROUP BY 1) y
  ON y.kept = x.kept
WHERE x.p IS DISTINCT FROM y.p OR x.i IS DISTINCT FROM y.i OR x.o IS DISTINCT FROM y.o

-- total: accounts.opened
SELECT count(*) FROM book_users WHERE disposition = 'opened'

-- total: accounts.ok_items
SELECT count(*) FROM user_ok

-- keys: accounts.opened_and_answer_differ
SELECT user_id FROM book_users b ANTI JOIN user_ok i ON i.key = b.user_id WHERE b.disposition = 'opened'
UNION ALL SELECT i.key FROM user_ok i ANTI JOIN book_users b ON b.user_id = i.key AND b.disposition = 'opened'

-- keys: accounts.number_malformed
SELECT user_id FROM book_users
WHERE disposition = 'opened'
  AND (NOT regexp_full_match(coalesce(account_no, ''), $account_pattern) OR luhn_rest(account_no) IS DISTINCT FROM 0)

-- keys: accounts.number_shared
SELECT unnest(list(user_id)) FROM book_users WHERE account_no <> '' GROUP BY account_no HAVING count(*) > 1

-- keys: accounts.differs_from_answer
-- Account number, activation and reason are those of the answer; nobody else has any.
SELECT b.user_id FROM book_users b LEFT JOIN user_ok i ON i.key = b.user_id
WHERE CASE WHEN b.disposition = 'opened'
           THEN b.account_no IS DISTINCT FROM i.account_no OR b.activated IS DISTINCT FROM i.activated
             OR b.reason IS DISTINCT FROM CASE WHEN i.activated THEN 'OPENED_N' ELSE 'OPENED_S' END
           ELSE coalesce(b.account_no, '') <> '' OR b.activated IS NOT NULL END

-- keys: accounts.sent_wrongly
-- Platform accounts are never sent; a merged member has no attempt that stands (an earlier refusal may).
SELECT DISTINCT i.key FROM item_users i
LEFT JOIN legacy_users u ON u.user_id = i.key LEFT JOIN book_users b ON b.user_id = i.key
WHERE u.user_id IS NULL OR u.kind = 'platform' OR (b.disposition = 'merged' AND i.state <> 'refused')

-- keys: accounts.persons_unanswered
SELECT i.key FROM item_users i JOIN batches b USING (business_date, batch_no)
WHERE i.state = 'open' AND b.kind = 'person'

-- keys: accounts.companies_unanswered
SELECT i.key FROM item_users i JOIN batches b USING (business_date, batch_no)
WHERE i.state = 'open' AND b.kind = 'company'

-- keys: accounts.unknown_outcome
SELECT key FROM item_users WHERE state = 'unknown'

-- keys: accounts.kind_mixed
-- Persons and companies go in separate files.
SELECT i.key FROM item_users i JOIN batches b USING (business_date, batch_no)
JOIN legacy_users u ON u.user_id = i.key WHERE u.kind <> b.kind

-- keys: accounts.refused_without_code
SELECT key FROM item_users WHERE state = 'refused' AND coalesce(code, '') = ''

-- total: accounts.refused_permille
SELECT CAST(coalesce(sum(CASE WHEN state = 'refused' THEN 1 ELSE 0 END) * 1000 // nullif(count(*), 0), 0) AS BIGINT)
FROM item_users WHERE state <> 'open'
