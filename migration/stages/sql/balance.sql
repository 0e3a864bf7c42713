-- Residual balances and the balance equation (domain.md, Order and gates 7 and 8; contract.md 4, balance.json).

-- view: top_ups
SELECT * FROM legacy_in_flight WHERE kind = 'top_up'

-- keys: residuals.not_once
-- Left out, from nowhere, or there twice.
SELECT escrow_id FROM legacy_escrow_accounts o ANTI JOIN book_residuals b ON b.escrow_id = o.escrow_id
UNION SELECT escrow_id FROM book_residuals b ANTI JOIN legacy_escrow_accounts o ON o.escrow_id = b.escrow_id
UNION SELECT escrow_id FROM book_residuals GROUP BY escrow_id HAVING count(*) > 1

-- keys: residuals.amount_differs
SELECT r.escrow_id FROM book_residuals r JOIN legacy_escrow_accounts e ON e.escrow_id = r.escrow_id
WHERE r.available_fen IS DISTINCT FROM e.available OR r.frozen_fen IS DISTINCT FROM e.frozen
   OR r.legacy_user_id IS DISTINCT FROM e.user_id

-- keys: residuals.entitled_wrong
SELECT r.escrow_id FROM book_residuals r JOIN book_users u ON u.user_id = r.legacy_user_id
LEFT JOIN book_users k ON k.user_id = r.entitled_user_id
WHERE r.entitled_user_id IS DISTINCT FROM u.kept_user_id OR k.disposition IS NULL OR k.disposition = 'merged'

-- keys: residuals.status_wrong
SELECT escrow_id FROM book_residuals
WHERE status IS DISTINCT FROM CASE WHEN available_fen + frozen_fen > 0 THEN 'available' ELSE 'empty' END

-- total: escrow.legacy_fen
SELECT coalesce(sum(available), 0) + coalesce(sum(frozen), 0) FROM legacy_escrow_accounts

-- total: residuals.fen
SELECT coalesce(sum(available_fen), 0) + coalesce(sum(frozen_fen), 0) FROM book_residuals

-- keys: exceptions.open
SELECT entity || '/' || key || '/' || code FROM exceptions WHERE state = 'open'

-- keys: users.open_end
SELECT user_id FROM book_users WHERE disposition IN ('pending', 'blocked')

-- keys: listings.open_end
SELECT listing_id FROM book_listings WHERE disposition IN ('pending', 'blocked')

-- keys: debts.open_end
SELECT debt_id FROM book_debts WHERE disposition IN ('pending', 'blocked')

-- total: balance.legacy_fen
SELECT (SELECT coalesce(sum(principal), 0) FROM legacy_debts WHERE status = 'open')
     + (SELECT coalesce(sum(available), 0) + coalesce(sum(frozen), 0) FROM legacy_escrow_accounts)
     + (SELECT coalesce(sum(amount), 0) FROM top_ups)

-- total: balance.accounted_fen
SELECT (SELECT coalesce(sum(principal_fen), 0) FROM book_debts WHERE disposition IN ('registered', 'excepted'))
     + (SELECT coalesce(sum(available_fen), 0) + coalesce(sum(frozen_fen), 0) FROM book_residuals)
     + (SELECT coalesce(sum(amount), 0) FROM top_ups)

-- keys: balance.listing_differs
SELECT coalesce(x.listing_id, y.listing_id)
FROM (SELECT listing_id, sum(principal) AS fen FROM legacy_debts
      WHERE status = 'open' AND principal > 0 GROUP BY listing_id) x
FULL JOIN (SELECT listing_id, sum(principal_fen) AS fen FROM book_debts
           WHERE disposition IN ('registered', 'excepted') AND principal_fen > 0 GROUP BY listing_id) y
  ON y.listing_id = x.listing_id
WHERE x.fen IS DISTINCT FROM y.fen

-- keys: balance.person_differs
SELECT coalesce(x.person, y.person)
FROM (SELECT person, sum(fen) AS fen FROM (
        SELECT kept AS person, principal AS fen FROM lender_kept WHERE status = 'open' AND principal > 0
        UNION ALL SELECT user_id, fen FROM cash WHERE fen > 0) GROUP BY person) x
FULL JOIN (SELECT person, sum(fen) AS fen FROM (
        SELECT coalesce(holder_user_id, legacy_lender_id) AS person, principal_fen AS fen FROM book_debts
        WHERE disposition IN ('registered', 'excepted') AND principal_fen > 0
        UNION ALL SELECT coalesce(entitled_user_id, legacy_user_id), available_fen + frozen_fen FROM book_residuals
        WHERE available_fen + frozen_fen > 0) GROUP BY person) y
  ON y.person = x.person
WHERE x.fen IS DISTINCT FROM y.fen

-- each: interest bonus_interest
-- total: balance.legacy_{}
SELECT coalesce(sum({}), 0) FROM legacy_debts WHERE status = 'open'

-- each: interest bonus_interest
-- total: balance.accounted_{}
SELECT coalesce(sum({}_fen), 0) FROM debt_pairs
WHERE legacy_status = 'open' AND disposition IN ('registered', 'excepted')
