-- Debts: nothing lost, nothing doubled, each with its holder (domain.md, Order and gates 6 and Debts in detail).

-- view: debt_ok
SELECT * FROM item_debts WHERE state = 'ok'

-- view: registered_debts
SELECT * FROM book_debts WHERE disposition = 'registered'

-- view: debt_pairs
SELECT b.*, d.lender_id, d.listing_id AS legacy_listing_id, d.principal, d.interest, d.bonus_interest,
       d.status AS legacy_status
FROM book_debts b JOIN legacy_debts d ON d.debt_id = b.debt_id

-- total: book.debts.disposed
SELECT count(*) FROM book_debts WHERE disposition IN ('registered', 'excepted', 'not_migrated', 'pending', 'blocked')

-- keys: debts.not_once
-- Left out, from nowhere, or there twice.
SELECT debt_id FROM legacy_debts o ANTI JOIN book_debts b ON b.debt_id = o.debt_id
UNION SELECT debt_id FROM book_debts b ANTI JOIN legacy_debts o ON o.debt_id = b.debt_id
UNION SELECT debt_id FROM book_debts GROUP BY debt_id HAVING count(*) > 1

-- keys: debts.amount_differs
SELECT debt_id FROM debt_pairs
WHERE principal_fen IS DISTINCT FROM principal OR interest_fen IS DISTINCT FROM interest
   OR bonus_interest_fen IS DISTINCT FROM bonus_interest

-- keys: debts.lender_or_listing_differs
SELECT debt_id FROM debt_pairs
WHERE legacy_lender_id IS DISTINCT FROM lender_id OR listing_id IS DISTINCT FROM legacy_listing_id

-- keys: debts.holder_differs
SELECT d.debt_id FROM debt_pairs d JOIN book_users u ON u.user_id = d.lender_id
WHERE d.holder_user_id IS DISTINCT FROM u.kept_user_id

-- keys: debts.account_differs
SELECT d.debt_id FROM book_debts d LEFT JOIN book_users k ON k.user_id = d.holder_user_id
WHERE nullif(d.holder_account, '') IS DISTINCT FROM nullif(k.account_no, '')

-- keys: debts.registered_account_differs
SELECT d.debt_id FROM registered_debts d LEFT JOIN book_users k ON k.user_id = d.holder_user_id
WHERE coalesce(d.holder_account, '') = '' OR d.holder_account IS DISTINCT FROM k.account_no
   OR k.disposition IS DISTINCT FROM 'opened'

-- keys: debts.registered_and_answer_differ
SELECT debt_id FROM registered_debts b ANTI JOIN debt_ok i ON i.key = b.debt_id
UNION ALL SELECT i.key FROM debt_ok i ANTI JOIN registered_debts b ON b.debt_id = i.key
UNION ALL SELECT b.debt_id FROM registered_debts b JOIN debt_ok i ON i.key = b.debt_id
          WHERE i.amount_fen IS DISTINCT FROM b.principal_fen OR b.batch_no IS DISTINCT FROM i.batch_no

-- keys: debts.authcode_wrong
-- A registered debt has the code of its answer, of its own; no other debt has one.
SELECT b.debt_id FROM registered_debts b LEFT JOIN debt_ok i ON i.key = b.debt_id
WHERE coalesce(trim(b.authcode), '') = '' OR b.authcode IS DISTINCT FROM i.authcode
UNION SELECT unnest(list(debt_id)) FROM book_debts WHERE authcode <> '' GROUP BY authcode HAVING count(*) > 1
UNION SELECT debt_id FROM book_debts WHERE authcode <> '' AND disposition <> 'registered'

-- keys: debts.listing_not_registered
SELECT d.debt_id FROM registered_debts d
ANTI JOIN book_listings l ON l.listing_id = d.listing_id AND l.disposition = 'registered'

-- keys: debts.open_and_registered_differ
-- Only open debts with principal are registered, and none of them is passed over.
SELECT d.debt_id FROM registered_debts d JOIN legacy_debts o ON o.debt_id = d.debt_id
WHERE o.status <> 'open' OR o.principal <= 0
UNION ALL SELECT debt_id FROM debt_pairs WHERE disposition = 'not_migrated' AND legacy_status = 'open' AND principal > 0

-- keys: debts.self_loan
SELECT d.debt_id FROM registered_debts d JOIN legacy_listings l ON l.listing_id = d.listing_id
LEFT JOIN book_users u ON u.user_id = l.borrower_id
WHERE d.holder_user_id = coalesce(u.kept_user_id, l.borrower_id)

-- keys: debts.platform_holder
SELECT d.debt_id FROM registered_debts d
JOIN legacy_users u ON u.user_id IN (d.holder_user_id, d.legacy_lender_id) WHERE u.kind = 'platform'

-- keys: debts.overdue_without_consent
-- Judged by the date its file went out on: registered after maturity only with a consented later date.
SELECT d.debt_id FROM registered_debts d JOIN debt_ok i ON i.key = d.debt_id
JOIN legacy_listings l ON l.listing_id = d.listing_id
LEFT JOIN legacy_extensions x ON x.listing_id = d.listing_id
WHERE l.maturity_date < i.business_date
  AND ($overdue_policy <> 'extend_with_consent' OR x.new_maturity_date IS NULL OR x.new_maturity_date < i.business_date)

-- keys: debts.listing_sum_mismatch
-- SCHEDULE_MISMATCH: no debt goes to the bank on a listing whose debts do not add up to its outstanding principal.
SELECT d.debt_id FROM registered_debts d LEFT JOIN listing_sums s ON s.listing_id = d.listing_id
WHERE s.outstanding IS DISTINCT FROM s.open_principal OR s.listing_id IS NULL

-- keys: debts.listing_not_conserved
SELECT coalesce(x.listing_id, y.listing_id)
FROM (SELECT listing_id, sum(principal) AS p, sum(interest) AS i FROM legacy_debts
      WHERE status = 'open' GROUP BY listing_id) x
FULL JOIN (SELECT listing_id, sum(principal_fen) AS p, sum(interest_fen) AS i FROM debt_pairs
           WHERE legacy_status = 'open'
             AND disposition IN ('registered', 'excepted', 'blocked', 'pending', 'not_migrated')
           GROUP BY listing_id) y ON y.listing_id = x.listing_id
WHERE x.p IS DISTINCT FROM y.p OR x.i IS DISTINCT FROM y.i

-- keys: debts.lender_not_conserved
SELECT coalesce(x.kept, y.holder)
FROM (SELECT kept, sum(principal) AS p FROM lender_kept WHERE status = 'open' AND principal > 0 GROUP BY kept) x
FULL JOIN (SELECT coalesce(holder_user_id, legacy_lender_id) AS holder, sum(principal_fen) AS p FROM debt_pairs
           WHERE disposition IN ('registered', 'excepted', 'blocked', 'pending') AND principal_fen > 0 GROUP BY 1) y
  ON y.holder = x.kept
WHERE x.p IS DISTINCT FROM y.p

-- total: debts.legacy_fen
SELECT coalesce(sum(principal), 0) FROM legacy_debts WHERE status = 'open'

-- total: debts.accounted_fen
SELECT coalesce(sum(principal_fen), 0) FROM book_debts
WHERE disposition IN ('registered', 'excepted', 'blocked', 'pending')

-- total: debts.registered_fen
SELECT coalesce(sum(principal_fen), 0) FROM registered_debts

-- total: debts.answered_fen
SELECT coalesce(sum(amount_fen), 0) FROM debt_ok

-- keys: debts.excepted_unsigned
-- Signed is the debt itself, its listing, its lender or a party of its listing.
SELECT b.debt_id FROM book_debts b
LEFT JOIN book_listings l ON l.listing_id = b.listing_id
LEFT JOIN exceptions xd ON xd.state = 'signed' AND xd.entity = 'debts' AND xd.key = b.debt_id
LEFT JOIN exceptions xl ON xl.state = 'signed' AND xl.entity = 'listings' AND xl.key = b.listing_id
LEFT JOIN exceptions xu ON xu.state = 'signed' AND xu.entity = 'users'
      AND xu.key = coalesce(b.holder_user_id, b.legacy_lender_id)
LEFT JOIN exceptions xm ON xm.state = 'signed' AND xm.entity = 'users' AND xm.key = b.legacy_lender_id
WHERE b.disposition = 'excepted' AND l.disposition IS DISTINCT FROM 'excepted'
  AND xd.id IS NULL AND xl.id IS NULL AND xu.id IS NULL AND xm.id IS NULL

-- keys: debts.undecided
SELECT debt_id FROM book_debts WHERE disposition = 'pending'
