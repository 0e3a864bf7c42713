-- The rows as they are witnessed in the chain and handed to an auditor: one JSON text a row, in a fixed order.
-- What people typed and what corrections hold stays out: a commitment, SHA-256(nonce '|' text), stands for it.

-- name: rows_snapshot
SELECT row_to_json(r)::text FROM (
    SELECT seq, digest, entity_digests, counts, issues, taken_at
    FROM journal.snapshot WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_correction
SELECT row_to_json(r)::text FROM (
    SELECT seq, user_id, field, coalesce(committed ->> 'old', journal.committed(nonce, old)) AS old,
           coalesce(committed ->> 'new', journal.committed(nonce, new)) AS new,
           coalesce(committed ->> 'reason', journal.committed(nonce, reason)) AS reason, by, importer, at
    FROM journal.correction WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_approver
SELECT row_to_json(r)::text FROM (
    SELECT seq, name, name_key, standing, journal.committed(nonce, reason) AS reason, by, at
    FROM journal.approver WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_gate
SELECT row_to_json(r)::text FROM (
    SELECT no, gate, round, digest, needed, state, requester, requester_key, opened_at
    FROM journal.gate WHERE cutover = %(cutover)s ORDER BY no) r

-- name: rows_decision
SELECT row_to_json(r)::text FROM (
    SELECT d.gate, d.seq, d.name, d.name_key, d.requester_key, d.decision, journal.committed(d.nonce, d.reason) AS reason,
           d.rehearsal, d.rights, d.at
    FROM journal.decision d JOIN journal.gate g ON g.no = d.gate
    WHERE g.cutover = %(cutover)s ORDER BY d.gate, d.seq) r

-- name: rows_batch
SELECT row_to_json(r)::text FROM (
    SELECT business_date, batch_no, no, stage, round, kind, sample, part, rows, sum_fen, state, request_name,
           request_sha256, request_bytes, result_name, result_sha256, quarantined_sha256, delivered_at, gate, digest
    FROM journal.batch WHERE no = %(batch)s) r

-- name: rows_item
SELECT row_to_json(r)::text FROM (
    SELECT %(date)s::text AS business_date, %(number)s::text AS batch_no, record_no, entity, key, amount_fen, row_digest,
           state, code, account_no, activated, authcode, result_record, inquiry
    FROM journal.item WHERE batch = %(batch)s ORDER BY record_no) r

-- name: rows_exception
SELECT row_to_json(r)::text FROM (
    SELECT id, entity, key, code, state, amount_fen
    FROM journal.exception WHERE cutover = %(cutover)s ORDER BY id COLLATE "C") r

-- name: rows_signature
SELECT row_to_json(r)::text FROM (
    SELECT exception, by, journal.committed(nonce, reason) AS reason, at
    FROM journal.signature WHERE cutover = %(cutover)s ORDER BY exception COLLATE "C") r

-- name: rows_resend
SELECT row_to_json(r)::text FROM (
    SELECT seq, exception, entity, key, after, by, journal.committed(nonce, reason) AS reason, at
    FROM journal.resend WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_stage
SELECT row_to_json(r)::text FROM (
    SELECT seq, stage, round, state, totals, reasons, started_at, ended_at
    FROM journal.stage WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_check_result
SELECT row_to_json(r)::text FROM (
    SELECT seq, stage, round, at, rule_id, entity, severity, clause, owner, blocks, title_zh, title_en, outcome, observed,
           expected, failures, keys
    FROM journal.check_result WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_disposition
SELECT row_to_json(r)::text FROM (
    SELECT entity, key, disposition, reason
    FROM journal.disposition WHERE cutover = %(cutover)s AND entity = %(entity)s ORDER BY key) r

-- name: rows_event
SELECT row_to_json(r)::text FROM (
    SELECT seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS at, actor, kind, payload, previous,
           digest
    FROM journal.event WHERE cutover = %(cutover)s ORDER BY seq) r

-- name: rows_cutover
SELECT row_to_json(r)::text FROM (
    SELECT id, kind, fence, holder, head_seq, head_digest,
           to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') AS created_at
    FROM journal.cutover WHERE no = %(cutover)s) r

-- name: drawn
SELECT no, business_date, batch_no FROM journal.batch WHERE cutover = :cutover ORDER BY business_date, batch_no

-- name: disposed
SELECT DISTINCT entity COLLATE "C" AS entity FROM journal.disposition WHERE cutover = :cutover ORDER BY 1

-- name: damaged_contents
SELECT b.business_date, b.batch_no, w.side
FROM journal.batch b
CROSS JOIN LATERAL (VALUES ('request', b.request_sha256), ('result', b.result_sha256)) AS w (side, sha256)
LEFT JOIN journal.batch_content c ON c.batch = b.no AND c.side = w.side
WHERE b.cutover = :cutover AND w.sha256 <> '' AND encode(sha256(c.content), 'hex') IS DISTINCT FROM w.sha256
  AND NOT (c.batch IS NULL AND journal.destroying(b.cutover))
ORDER BY 1, 2, 3

-- name: rows_day
SELECT row_to_json(r)::text FROM (
    SELECT day, eve_name, eve_sha256, aleve_name, aleve_sha256, eve_rows, aleve_rows, reversals, at
    FROM journal.day WHERE cutover = %(cutover)s AND day = %(entity)s::date) r

-- name: rows_day_balance
SELECT row_to_json(r)::text FROM (
    SELECT day, account, balance_fen
    FROM journal.day_balance WHERE cutover = %(cutover)s AND day = %(entity)s::date ORDER BY account) r

-- name: rows_day_movement
SELECT row_to_json(r)::text FROM (
    SELECT day, record, account, tranno, amount_fen, reverses
    FROM journal.day_movement WHERE cutover = %(cutover)s AND day = %(entity)s::date ORDER BY record) r

-- name: rows_day_error
SELECT row_to_json(r)::text FROM (
    SELECT day, file, record, bytes, sha256, why
    FROM journal.day_error WHERE cutover = %(cutover)s AND day = %(entity)s::date ORDER BY file COLLATE "C", record) r

-- name: rows_day_difference
SELECT row_to_json(r)::text FROM (
    SELECT day, no, code, subject, detail
    FROM journal.day_difference WHERE cutover = %(cutover)s AND day = %(entity)s::date ORDER BY no) r

-- name: imported
SELECT day::text FROM journal.day WHERE cutover = :cutover ORDER BY 1
