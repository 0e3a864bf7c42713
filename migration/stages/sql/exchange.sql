-- The file exchange: batches, items, samples (bank-interface.md 1; reliability.md R3, R6, I4, I5).
-- A batch is shown as its business date and number.

-- view: all_items
SELECT 'users' AS entity, * FROM item_users
UNION ALL SELECT 'listings', * FROM item_listings
UNION ALL SELECT 'debts', * FROM item_debts
UNION ALL SELECT 'authorisations', * FROM item_authorisations

-- view: named_batches
SELECT *, business_date || '/' || batch_no AS name FROM batches

-- table: batch_items
SELECT business_date, batch_no, count(*) AS rows, coalesce(sum(amount_fen), 0) AS fen,
       count(*) FILTER (state = 'open') AS open, count(*) FILTER (state = 'unknown') AS unknown
FROM all_items GROUP BY business_date, batch_no

-- keys: batches.rows_or_sum_differ
SELECT b.name FROM named_batches b LEFT JOIN batch_items i USING (business_date, batch_no)
WHERE i.rows IS DISTINCT FROM b.rows OR i.fen IS DISTINCT FROM b.sum_fen

-- keys: batches.items_astray
SELECT i.business_date || '/' || i.batch_no FROM batch_items i
ANTI JOIN batches b ON b.business_date = i.business_date AND b.batch_no = i.batch_no

-- keys: batches.number_gap
SELECT CAST(business_date AS VARCHAR) FROM batches GROUP BY business_date
HAVING min(CAST(batch_no AS BIGINT)) <> 1 OR max(CAST(batch_no AS BIGINT)) <> count(*)
    OR count(DISTINCT batch_no) <> count(*)

-- keys: batches.name_or_content_shared
SELECT unnest(list(name)) FROM named_batches WHERE request_name <> '' GROUP BY request_name HAVING count(*) > 1
UNION SELECT unnest(list(name)) FROM named_batches WHERE request_sha256 <> '' AND kind IN ('listing', 'debt')
      GROUP BY request_sha256 HAVING count(*) > 1

-- keys: batches.unsealed_at_bank
-- What has left has its intent (name and SHA-256) committed.
SELECT name FROM named_batches
WHERE state NOT IN ('planned') AND (coalesce(request_name, '') = '' OR NOT regexp_full_match(
      coalesce(request_sha256, ''), '[0-9a-f]{64}'))

-- keys: batches.result_missing
-- An applied batch names its result file; an item is answered by no other way.
SELECT name FROM named_batches
WHERE state IN ('applied', 'unknown') AND (coalesce(result_name, '') = '' OR NOT regexp_full_match(
      coalesce(result_sha256, ''), '[0-9a-f]{64}'))
UNION SELECT b.name FROM named_batches b JOIN batch_items i USING (business_date, batch_no)
      WHERE b.state IN ('planned', 'sealed', 'delivered') AND i.open <> i.rows

-- keys: batches.applied_with_open_items
SELECT b.name FROM named_batches b JOIN batch_items i USING (business_date, batch_no)
WHERE b.state = 'applied' AND i.open > 0

-- keys: batches.over_row_limit
SELECT name FROM named_batches WHERE rows > $rows_per_file OR rows < 1

-- keys: batches.not_applied
SELECT name FROM named_batches WHERE state <> 'applied'

-- keys: items.two_standing
-- reliability.md R6, I4: one attempt a key may be open, unknown or successful.
SELECT entity || '/' || key FROM all_items WHERE state <> 'refused' GROUP BY entity, key HAVING count(*) > 1

-- keys: items.unknown_unsigned
-- A signed item of unknown outcome is excepted in the books and holds nothing any more.
SELECT 'users/' || i.key FROM item_users i LEFT JOIN book_users b ON b.user_id = i.key
WHERE i.state = 'unknown' AND b.disposition IS DISTINCT FROM 'excepted'
UNION ALL
SELECT 'listings/' || i.key FROM item_listings i LEFT JOIN book_listings b ON b.listing_id = i.key
WHERE i.state = 'unknown' AND b.disposition IS DISTINCT FROM 'excepted'
UNION ALL
SELECT 'debts/' || i.key FROM item_debts i LEFT JOIN book_debts b ON b.debt_id = i.key
WHERE i.state = 'unknown' AND b.disposition IS DISTINCT FROM 'excepted'
UNION ALL
SELECT 'authorisations/' || i.key FROM item_authorisations i
WHERE i.state = 'unknown' AND NOT EXISTS (SELECT 1 FROM exceptions e
      WHERE e.entity = 'authorisations' AND e.key = i.key AND e.state = 'signed')

-- keys: items.open
SELECT entity || '/' || key FROM all_items WHERE state = 'open'

-- The latest sample drawn: its first part and all that follow it (a sample drawn again takes the next numbers).
-- each: listing debt
-- table: sample_draw_{}
SELECT business_date, batch_no, round FROM batches WHERE kind = '{}' AND sample AND (business_date, batch_no) >= (
  SELECT max((business_date, batch_no)) FROM batches WHERE kind = '{}' AND sample AND part = 1)

-- each: listing debt
-- table: sample_items_{}
SELECT i.* FROM item_{}s i JOIN sample_draw_{} d USING (business_date, batch_no)

-- each: listing debt
-- keys: sample.{}.unanswered
SELECT key FROM sample_items_{} WHERE state = 'open'

-- each: listing debt
-- table: sample_failed_{}
-- Refused in the latest sample, and neither signed, nor marked to be sent again, nor tried since.
SELECT s.key FROM sample_items_{} s LEFT JOIN book_{}s b ON b.{}_id = s.key
WHERE s.state = 'refused' AND b.disposition IS DISTINCT FROM 'excepted'
  AND NOT EXISTS (SELECT 1 FROM resends r WHERE r.entity = '{}s' AND r.key = s.key
                  AND (r.after_date, r.after_batch) >= (s.business_date, s.batch_no))
  AND NOT EXISTS (SELECT 1 FROM item_{}s t WHERE t.key = s.key
                  AND (t.business_date, t.batch_no) > (s.business_date, s.batch_no))

-- each: listing debt
-- keys: sample.{}.failed
SELECT key FROM sample_failed_{}

-- each: listing debt
-- keys: sample.{}.unknown
SELECT s.key FROM sample_items_{} s LEFT JOIN book_{}s b ON b.{}_id = s.key
WHERE s.state = 'unknown' AND b.disposition IS DISTINCT FROM 'excepted'

-- each: listing debt
-- keys: sample.{}.full_sent_before
-- Nothing of the round's full set may be under way while its sample is unanswered or failed.
SELECT name FROM named_batches
WHERE kind = '{}' AND NOT sample AND state NOT IN ('planned', 'sealed')
  AND round = (SELECT max(round) FROM sample_draw_{})
  AND (EXISTS (SELECT 1 FROM sample_failed_{}) OR EXISTS (SELECT 1 FROM sample_items_{} WHERE state = 'open'))

-- each: listing debt
-- keys: sample.{}.not_drawn
-- A full set of the first round without a sample before it.
SELECT f.name FROM named_batches f
WHERE f.kind = '{}' AND NOT f.sample AND f.round = 1
  AND NOT EXISTS (SELECT 1 FROM batches s WHERE s.kind = '{}' AND s.sample AND s.round = 1
                  AND (s.business_date, s.batch_no) < (f.business_date, f.batch_no))

-- each: listing debt
-- keys: exchange.{}.unanswered
SELECT key FROM item_{}s WHERE state = 'open'

-- each: listing debt
-- keys: exchange.{}.unknown_outcome
SELECT key FROM item_{}s WHERE state = 'unknown'

-- each: listing debt
-- total: exchange.{}.refused_permille
SELECT CAST(coalesce(sum(CASE WHEN state = 'refused' THEN 1 ELSE 0 END) * 1000 // nullif(count(*), 0), 0) AS BIGINT)
FROM item_{}s WHERE state <> 'open'
