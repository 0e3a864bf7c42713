-- Exceptions, signatures, marks for sending again.

-- name: open_exceptions
INSERT INTO journal.exception (cutover, id, entity, key, code, state, amount_fen)
SELECT :cutover, 'X' || left(encode(sha256(convert_to(entity || '|' || key || '|' || code, 'UTF8')), 'hex'), 12),
       entity, key, code, 'open', amount_fen
FROM pg_temp.incoming n
WHERE NOT EXISTS (SELECT FROM journal.exception e
                  WHERE e.cutover = :cutover AND e.entity = n.entity AND e.key = n.key AND e.code = n.code)

-- name: reopen_exceptions
UPDATE journal.exception e SET state = 'open', amount_fen = n.amount_fen
FROM pg_temp.incoming n
WHERE e.cutover = :cutover AND e.entity = n.entity AND e.key = n.key AND e.code = n.code AND e.state = 'mended'

-- name: revalue_exceptions
UPDATE journal.exception e SET amount_fen = n.amount_fen
FROM pg_temp.incoming n
WHERE e.cutover = :cutover AND e.entity = n.entity AND e.key = n.key AND e.code = n.code AND e.state = 'open'
  AND e.amount_fen IS DISTINCT FROM n.amount_fen

-- name: mend_exceptions
UPDATE journal.exception e SET state = 'mended'
WHERE e.cutover = :cutover AND e.state = 'open'
  AND NOT EXISTS (SELECT FROM pg_temp.incoming n
                  WHERE e.entity = n.entity AND e.key = n.key AND e.code = n.code)

-- name: count_exceptions
SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'signed') AS signed
FROM journal.exception WHERE cutover = :cutover

-- name: exceptions
SELECT e.id, e.entity, e.key, e.code, e.state, e.amount_fen, s.by, s.reason
FROM journal.exception e
LEFT JOIN journal.signature s ON s.cutover = e.cutover AND s.exception = e.id
WHERE e.cutover = %(cutover)s
ORDER BY e.entity COLLATE "C", e.key, e.code COLLATE "C"

-- name: named_exceptions
SELECT e.id, e.entity, e.key, e.code, e.state, last.state AS latest, last.batch
FROM journal.exception e
LEFT JOIN LATERAL (  -- in two parts, one for each of the partial indexes on keys
    SELECT attempt.state, attempt.batch
    FROM (SELECT i.state, i.batch FROM journal.item i
          WHERE i.cutover = e.cutover AND i.entity = e.entity AND i.key = e.key AND i.state IN ('open', 'unknown', 'ok')
          UNION ALL
          SELECT i.state, i.batch FROM journal.item i
          WHERE i.cutover = e.cutover AND i.entity = e.entity AND i.key = e.key AND i.state = 'refused') attempt
    JOIN journal.batch b ON b.no = attempt.batch
    ORDER BY b.business_date DESC, b.batch_no DESC LIMIT 1
) last ON true
WHERE e.cutover = :cutover AND e.id = ANY(:ids)

-- name: sign_exceptions
UPDATE journal.exception SET state = 'signed' WHERE cutover = :cutover AND id = ANY(:ids) AND state = 'open'

-- name: insert_signatures
INSERT INTO journal.signature (cutover, exception, by, reason, at)
SELECT :cutover, unnest(CAST(:ids AS text[])), :by, :reason, :at

-- name: release_batches
UPDATE journal.batch b SET state = 'applied'
WHERE b.cutover = :cutover AND b.state = 'unknown'
  AND NOT EXISTS (
      SELECT FROM journal.item i
      WHERE i.batch = b.no AND i.state = 'unknown'
        AND NOT EXISTS (SELECT FROM journal.exception e
                        WHERE e.cutover = i.cutover AND e.entity = i.entity AND e.key = i.key AND e.state = 'signed'))
RETURNING b.no, b.business_date, b.batch_no

-- name: insert_resend
INSERT INTO journal.resend (cutover, exception, entity, key, after, by, reason, at)
VALUES (:cutover, :exception, :entity, :key, :after, :by, :reason, :at)
ON CONFLICT (cutover, entity, key, after) DO NOTHING
RETURNING exception

-- name: resends
SELECT r.entity, r.key, b.business_date, b.batch_no, r.by
FROM journal.resend r JOIN journal.batch b ON b.no = r.after
WHERE r.cutover = %(cutover)s ORDER BY r.seq
