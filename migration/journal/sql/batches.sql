-- Batches and their items.

-- name: last_number
SELECT coalesce(max(batch_no), '000000') FROM journal.batch WHERE cutover = :cutover AND business_date = :business_date

-- name: insert_batch
INSERT INTO journal.batch (cutover, business_date, batch_no, stage, round, kind, sample, part, rows, sum_fen, gate)
VALUES (:cutover, :business_date, :batch_no, :stage, :round, :kind, :sample, :part, :rows, :sum_fen, :gate)
RETURNING no

-- name: batches
SELECT business_date, batch_no, stage, round, kind, sample, part, rows, sum_fen, state, request_name, request_sha256,
       request_bytes, result_name, result_sha256, delivered_at, gate, digest
FROM journal.batch WHERE cutover = :cutover ORDER BY business_date, batch_no

-- name: batch
SELECT no, quarantined_sha256, business_date, batch_no, stage, round, kind, sample, part, rows, sum_fen, state,
       request_name, request_sha256, request_bytes, result_name, result_sha256, delivered_at, gate, digest
FROM journal.batch WHERE cutover = :cutover AND business_date = :business_date AND batch_no = :batch_no

-- name: delete_items
DELETE FROM journal.item WHERE batch = :no

-- name: delete_batch
DELETE FROM journal.batch WHERE no = :no

-- name: insert_content
INSERT INTO journal.batch_content (batch, side, content, sha256) VALUES (:no, :side, :content, :sha256)

-- name: content
SELECT c.content
FROM journal.batch b JOIN journal.batch_content c ON c.batch = b.no
WHERE b.cutover = :cutover AND b.business_date = :business_date AND b.batch_no = :batch_no AND c.side = :side

-- name: seal_batch
UPDATE journal.batch
SET state = 'sealed', request_name = :name, request_sha256 = :sha256, request_bytes = :bytes
WHERE no = :no

-- name: deliver_batch
UPDATE journal.batch SET state = 'delivered', delivered_at = :at, digest = :digest WHERE no = :no

-- name: quarantine_batch
UPDATE journal.batch
SET quarantined_sha256 = :sha256,
    state = CASE WHEN state IN ('applied', 'unknown') THEN state ELSE 'quarantined' END
WHERE no = :no

-- name: apply_batch
UPDATE journal.batch SET state = :state, result_name = :name, result_sha256 = :sha256 WHERE no = :no

-- name: apply_answers
UPDATE journal.item i
SET state = a.outcome,
    code = a.code,
    account_no = CASE WHEN a.outcome = 'ok' THEN a.account_no END,
    activated = CASE WHEN a.outcome = 'ok' THEN a.activated END,
    authcode = CASE WHEN a.outcome = 'ok' THEN a.authcode END,
    result_record = a.result_record
FROM pg_temp.incoming a
WHERE i.batch = :no AND i.record_no = a.record_no AND i.key = a.key AND i.state = 'open'

-- name: items
SELECT i.batch, i.record_no, i.key, i.state, i.code, i.account_no, i.activated, i.authcode, i.amount_fen, i.row_digest,
       i.result_record, i.inquiry
FROM journal.item i
WHERE i.batch IN (SELECT no FROM journal.batch WHERE cutover = %(cutover)s) AND i.entity = %(entity)s
ORDER BY i.batch, i.record_no

-- name: batch_columns
SELECT no, business_date, batch_no, stage, round, sample
FROM journal.batch WHERE cutover = %(cutover)s ORDER BY business_date, batch_no

-- name: resolve_items
-- What a result file has said already keeps its record; an item that was open takes the inquiry's.
UPDATE journal.item i
SET state = a.outcome,
    code = a.code,
    account_no = CASE WHEN a.outcome = 'ok' THEN a.account_no END,
    activated = CASE WHEN a.outcome = 'ok' THEN a.activated END,
    authcode = CASE WHEN a.outcome = 'ok' THEN a.authcode END,
    result_record = coalesce(i.result_record, a.result_record),
    inquiry = :seq
FROM pg_temp.incoming a
WHERE i.batch = :no AND i.key = a.key AND (i.state = 'open' OR (i.state = 'unknown' AND a.outcome <> 'unknown'))

-- name: last_inquiry
SELECT coalesce(max(seq), 0) FROM journal.inquiry WHERE batch = :no

-- name: insert_inquiry
INSERT INTO journal.inquiry (batch, seq, records, replies, records_sha256, replies_sha256, at)
VALUES (:no, :seq, :records, :replies, :records_sha256, :replies_sha256, :at)

-- name: inquiries
SELECT q.records, q.replies
FROM journal.batch b JOIN journal.inquiry q ON q.batch = b.no
WHERE b.cutover = :cutover AND b.business_date = :business_date AND b.batch_no = :batch_no ORDER BY q.seq

-- name: message_number
SELECT nextval('journal.message_number')
