-- What the frozen snapshot says about itself (domain.md, Order and gates 1; Hazards).

-- view: row_counts
SELECT 'users' AS entity, count(*) AS seen FROM legacy_users
UNION ALL SELECT 'escrow_accounts', count(*) FROM legacy_escrow_accounts
UNION ALL SELECT 'elections', count(*) FROM legacy_elections
UNION ALL SELECT 'listings', count(*) FROM legacy_listings
UNION ALL SELECT 'schedules', count(*) FROM legacy_schedules
UNION ALL SELECT 'debts', count(*) FROM legacy_debts
UNION ALL SELECT 'extensions', count(*) FROM legacy_extensions
UNION ALL SELECT 'authorisations', count(*) FROM legacy_authorisations
UNION ALL SELECT 'in_flight', count(*) FROM legacy_in_flight

-- view: row_keys
SELECT 'users' AS entity, user_id AS key FROM legacy_users
UNION ALL SELECT 'escrow_accounts', escrow_id FROM legacy_escrow_accounts
UNION ALL SELECT 'listings', listing_id FROM legacy_listings
UNION ALL SELECT 'schedules', listing_id || '/' || period FROM legacy_schedules
UNION ALL SELECT 'debts', debt_id FROM legacy_debts
UNION ALL SELECT 'extensions', listing_id FROM legacy_extensions
UNION ALL SELECT 'authorisations', serial FROM legacy_authorisations
UNION ALL SELECT 'in_flight', id FROM legacy_in_flight

-- view: money_cells
SELECT 'escrow_accounts/' || escrow_id AS key, unnest([available, frozen]) AS fen FROM legacy_escrow_accounts
UNION ALL SELECT 'listings/' || listing_id, amount FROM legacy_listings
UNION ALL SELECT 'schedules/' || listing_id || '/' || period,
                 unnest([principal, interest, principal_paid, interest_paid]) FROM legacy_schedules
UNION ALL SELECT 'debts/' || debt_id, unnest([principal, interest, bonus_interest]) FROM legacy_debts
UNION ALL SELECT 'in_flight/' || id, amount FROM legacy_in_flight

-- view: choice_cells
SELECT 'users/' || user_id AS key, kind AS word, ['person', 'company', 'platform'] AS allowed FROM legacy_users
UNION ALL SELECT 'users/' || user_id, status, ['active', 'frozen', 'closed'] FROM legacy_users
UNION ALL SELECT 'listings/' || listing_id, status,
                 ['raising', 'full', 'repaying', 'overdue', 'finished', 'cancelled'] FROM legacy_listings
UNION ALL SELECT 'listings/' || listing_id, repayment_method,
                 ['equal_instalment', 'equal_principal', 'interest_monthly', 'at_maturity'] FROM legacy_listings
UNION ALL SELECT 'debts/' || debt_id, origin, ['bid', 'assignment'] FROM legacy_debts
UNION ALL SELECT 'debts/' || debt_id, status, ['open', 'finished'] FROM legacy_debts
UNION ALL SELECT 'authorisations/' || serial, kind, ['auto_bid', 'auto_assign'] FROM legacy_authorisations
UNION ALL SELECT 'in_flight/' || id, kind, ['top_up', 'withdrawal', 'bid', 'assignment'] FROM legacy_in_flight

-- view: parties
SELECT listing_id, status, 'borrower' AS role, borrower_id AS user_id FROM legacy_listings
UNION ALL SELECT listing_id, status, 'guarantor', guarantor_id FROM legacy_listings WHERE guarantor_id IS NOT NULL
UNION ALL SELECT listing_id, status, 'payee', payee_id FROM legacy_listings WHERE payee_id IS NOT NULL
UNION ALL SELECT listing_id, status, 'nominal', nominal_borrower_id FROM legacy_listings
          WHERE nominal_borrower_id IS NOT NULL

-- table: listing_sums
-- Per listing: what its schedule still owes and what its open debts add up to, in fen.
SELECT l.listing_id, l.status, coalesce(s.fen, 0) AS outstanding, coalesce(d.fen, 0) AS open_principal
FROM legacy_listings l
LEFT JOIN (SELECT listing_id, sum(principal - principal_paid) AS fen FROM legacy_schedules GROUP BY listing_id) s
  USING (listing_id)
LEFT JOIN (SELECT listing_id, sum(principal) AS fen FROM legacy_debts WHERE status = 'open' GROUP BY listing_id) d
  USING (listing_id)

-- total: users.rows
SELECT count(*) FROM legacy_users

-- total: listings.rows
SELECT count(*) FROM legacy_listings

-- total: debts.rows
SELECT count(*) FROM legacy_debts

-- total: escrow.rows
SELECT count(*) FROM legacy_escrow_accounts

-- keys: snapshot.rows_not_recorded
SELECT r.entity FROM recorded_counts r LEFT JOIN row_counts c USING (entity) WHERE c.seen IS DISTINCT FROM r.rows

-- each: MONEY_DECIMALS MONEY_NULL MONEY_NAN MONEY_NEGATIVE MONEY_FLOAT MONEY_FORMAT VALUE_NOT_ALLOWED KEY_NULL
-- each: KEY_DUPLICATE NUMBER_FORMAT DATE_INVALID VALUE_NULL VALUE_INVALID
-- keys: issue.{}
-- The key of an election begins with an ID number: only its user is shown (reliability.md R8).
SELECT entity || '/' || CASE WHEN entity = 'elections' AND NOT starts_with(key, 'row ')
                             THEN split_part(key, '/', -2) ELSE coalesce(key, '?') END || '.' || coalesce("column", '?')
FROM issues WHERE code = '{}'

-- keys: snapshot.keys_bad
SELECT entity || '/' || coalesce(key, 'NULL') FROM row_keys GROUP BY entity, key HAVING count(*) > 1 OR key IS NULL

-- keys: snapshot.money_null
SELECT key FROM money_cells WHERE fen IS NULL

-- keys: snapshot.money_negative
SELECT key FROM money_cells WHERE fen < 0

-- keys: snapshot.choice_unknown
SELECT key FROM choice_cells WHERE word IS NULL OR NOT list_contains(allowed, word)

-- keys: snapshot.overdue_not_advanced
-- Under repaid_by_guarantor (代偿) no overdue open debt may stand in the snapshot; other policies treat them later.
SELECT d.debt_id FROM legacy_debts d JOIN legacy_listings l USING (listing_id)
WHERE $overdue_policy = 'repaid_by_guarantor' AND d.status = 'open' AND l.status IN ('repaying', 'overdue')
  AND d.principal + d.interest + d.bonus_interest > 0 AND l.maturity_date < $business_date

-- keys: snapshot.orphans
SELECT 'debts/' || debt_id FROM legacy_debts d ANTI JOIN legacy_listings l ON l.listing_id = d.listing_id
UNION SELECT 'debts/' || debt_id FROM legacy_debts d ANTI JOIN legacy_users u ON u.user_id = d.lender_id
UNION SELECT 'listings/' || listing_id FROM parties p ANTI JOIN legacy_users u ON u.user_id = p.user_id
UNION SELECT 'schedules/' || listing_id FROM legacy_schedules s
      ANTI JOIN legacy_listings l ON l.listing_id = s.listing_id
UNION SELECT 'escrow_accounts/' || escrow_id FROM legacy_escrow_accounts e
      ANTI JOIN legacy_users u ON u.user_id = e.user_id
UNION SELECT 'authorisations/' || serial FROM legacy_authorisations a ANTI JOIN legacy_users u ON u.user_id = a.user_id
UNION SELECT 'in_flight/' || id FROM legacy_in_flight f ANTI JOIN legacy_users u ON u.user_id = f.user_id
UNION SELECT 'extensions/' || listing_id FROM legacy_extensions x
      ANTI JOIN legacy_listings l ON l.listing_id = x.listing_id

-- keys: listings.outstanding_differs
SELECT listing_id FROM listing_sums WHERE status IN ('repaying', 'overdue') AND outstanding <> open_principal

-- keys: listings.case_twins
SELECT unnest(list(listing_id)) FROM legacy_listings GROUP BY lower(listing_id) HAVING count(*) > 1

-- keys: listings.not_lent
SELECT listing_id FROM legacy_listings WHERE status IN ('raising', 'full')

-- keys: listings.term_differs
SELECT listing_id FROM legacy_listings
WHERE status IN ('repaying', 'overdue') AND term_days <> maturity_date - value_date

-- keys: schedules.overpaid
SELECT listing_id || '/' || period FROM legacy_schedules WHERE principal_paid > principal OR interest_paid > interest

-- keys: schedules.sum_differs
SELECT l.listing_id FROM legacy_listings l JOIN legacy_schedules s USING (listing_id)
WHERE l.status IN ('repaying', 'overdue') GROUP BY l.listing_id, l.amount HAVING sum(s.principal) <> l.amount

-- keys: debts.open_on_closed
SELECT debt_id FROM legacy_debts d JOIN legacy_listings l USING (listing_id)
WHERE d.status = 'open' AND l.status NOT IN ('repaying', 'overdue') AND d.principal + d.interest + d.bonus_interest > 0

-- keys: in_flight.listed
SELECT kind || '/' || id FROM legacy_in_flight

-- keys: in_flight.not_frozen
-- Bids, assignments and withdrawals under way must lie inside what is frozen for their user.
SELECT f.user_id
FROM (SELECT user_id, sum(amount) AS fen FROM legacy_in_flight WHERE kind <> 'top_up' GROUP BY user_id) f
LEFT JOIN (SELECT user_id, sum(frozen) AS fen FROM legacy_escrow_accounts GROUP BY user_id) e USING (user_id)
WHERE f.fen > coalesce(e.fen, 0)

-- keys: money.above_int32
SELECT key FROM money_cells WHERE fen > 2147483647
