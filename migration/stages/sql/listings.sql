-- Listings: the book against the snapshot and against the bank's answers (domain.md, Order and gates 5).

-- view: listing_ok
SELECT * FROM item_listings WHERE state = 'ok'

-- view: listing_sent
SELECT DISTINCT key FROM item_listings WHERE state <> 'refused'

-- table: registered_listings
SELECT b.*, l.borrower_id, l.guarantor_id, l.payee_id, l.nominal_borrower_id, l.status AS legacy_status,
       l.amount AS legacy_amount
FROM book_listings b LEFT JOIN legacy_listings l USING (listing_id) WHERE b.disposition = 'registered'

-- total: book.listings.disposed
SELECT count(*) FROM book_listings WHERE disposition IN ('registered', 'excepted', 'not_migrated', 'pending', 'blocked')

-- keys: listings.not_once
-- Left out, from nowhere, or there twice.
SELECT listing_id FROM legacy_listings o ANTI JOIN book_listings b ON b.listing_id = o.listing_id
UNION SELECT listing_id FROM book_listings b ANTI JOIN legacy_listings o ON o.listing_id = b.listing_id
UNION SELECT listing_id FROM book_listings GROUP BY listing_id HAVING count(*) > 1

-- keys: listings.registered_and_answer_differ
SELECT listing_id FROM registered_listings b ANTI JOIN listing_ok i ON i.key = b.listing_id
UNION ALL SELECT i.key FROM listing_ok i ANTI JOIN registered_listings b ON b.listing_id = i.key
UNION ALL SELECT r.listing_id FROM registered_listings r JOIN listing_ok i ON i.key = r.listing_id
          WHERE r.batch_no IS DISTINCT FROM i.batch_no

-- keys: listings.borrower_account_differs
SELECT r.listing_id FROM registered_listings r
LEFT JOIN book_users u ON u.user_id = r.borrower_id LEFT JOIN book_users k ON k.user_id = u.kept_user_id
WHERE k.disposition IS DISTINCT FROM 'opened' OR coalesce(k.account_no, '') = ''
   OR r.borrower_account IS DISTINCT FROM k.account_no

-- keys: listings.party_without_account
SELECT DISTINCT r.listing_id FROM registered_listings r JOIN parties p USING (listing_id)
LEFT JOIN book_users u ON u.user_id = p.user_id LEFT JOIN book_users k ON k.user_id = u.kept_user_id
WHERE k.disposition IS DISTINCT FROM 'opened' OR coalesce(k.account_no, '') = ''

-- keys: listings.amount_differs
SELECT r.listing_id FROM registered_listings r LEFT JOIN listing_ok i ON i.key = r.listing_id
WHERE r.amount_fen IS DISTINCT FROM r.legacy_amount OR i.amount_fen IS DISTINCT FROM r.legacy_amount

-- keys: listings.outstanding_not_kept
SELECT r.listing_id FROM registered_listings r LEFT JOIN listing_sums s USING (listing_id)
WHERE r.outstanding_fen IS DISTINCT FROM s.outstanding

-- keys: listings.open_and_sent_differ
-- Only open listings are sent, and no open one is passed over.
SELECT s.key FROM listing_sent s LEFT JOIN legacy_listings l ON l.listing_id = s.key
WHERE l.status IS NULL OR l.status NOT IN ('repaying', 'overdue')
UNION ALL SELECT b.listing_id FROM book_listings b JOIN legacy_listings l USING (listing_id)
          WHERE b.disposition = 'not_migrated' AND l.status IN ('repaying', 'overdue')

-- keys: listings.sent_case_twins
SELECT unnest(list(key)) FROM listing_sent GROUP BY lower(key) HAVING count(*) > 1

-- keys: listings.platform_party
SELECT DISTINCT r.listing_id FROM registered_listings r JOIN parties p USING (listing_id)
JOIN legacy_users u ON u.user_id = p.user_id WHERE u.kind = 'platform'

-- keys: listings.excepted_unsigned
-- Signed is the listing itself or one of its parties, by his own or his kept account.
SELECT b.listing_id FROM book_listings b
WHERE b.disposition = 'excepted'
  AND NOT EXISTS (SELECT 1 FROM exceptions x WHERE x.state = 'signed' AND x.entity = 'listings' AND x.key = b.listing_id)
  AND NOT EXISTS (SELECT 1 FROM parties p LEFT JOIN book_users u ON u.user_id = p.user_id
                  JOIN exceptions x ON x.state = 'signed' AND x.entity = 'users'
                   AND x.key IN (p.user_id, u.kept_user_id)
                  WHERE p.listing_id = b.listing_id)

-- total: listings.registered_fen
SELECT coalesce(sum(amount_fen), 0) FROM registered_listings

-- total: listings.answered_fen
SELECT coalesce(sum(amount_fen), 0) FROM listing_ok

-- keys: listings.undecided
SELECT listing_id FROM book_listings WHERE disposition = 'pending'
