-- The run: the cutover's row, its fence, its events; snapshots and corrections.

-- name: cutover_known
SELECT no, kind FROM journal.cutover WHERE id = :id

-- name: insert_cutover
INSERT INTO journal.cutover (id, kind, created_at) VALUES (:id, :kind, :at) ON CONFLICT (id) DO NOTHING

-- name: cutover_by_id
SELECT no, kind, head_seq, head_digest FROM journal.cutover WHERE id = :id FOR UPDATE

-- name: lock_cutover
SELECT kind, fence, holder, head_seq, head_digest FROM journal.cutover WHERE no = :cutover FOR UPDATE

-- name: take_fence
UPDATE journal.cutover SET fence = fence + 1, holder = :actor WHERE no = :cutover RETURNING fence

-- name: event_by_operation
SELECT payload FROM journal.event WHERE cutover = :cutover AND operation = :operation

-- name: insert_event
INSERT INTO journal.event (cutover, seq, at, actor, kind, payload, previous, digest, operation)
VALUES (:cutover, :seq, :at, :actor, :kind, :payload, :previous, :digest, :operation)

-- name: move_head
UPDATE journal.cutover SET head_seq = :seq, head_digest = :digest WHERE no = :cutover

-- name: head
SELECT head_seq, head_digest FROM journal.cutover WHERE no = :cutover

-- name: events
SELECT seq, at, actor, kind, payload, previous, digest FROM journal.event WHERE cutover = :cutover ORDER BY seq

-- name: latest_snapshot
SELECT seq, digest, entity_digests, counts, issues, taken_at
FROM journal.snapshot WHERE cutover = :cutover ORDER BY seq DESC LIMIT 1

-- name: insert_snapshot
INSERT INTO journal.snapshot (cutover, seq, digest, entity_digests, counts, issues, taken_at)
VALUES (:cutover, :seq, :digest, CAST(:entity_digests AS jsonb), CAST(:counts AS jsonb), :issues, :taken_at)

-- name: frozen
SELECT EXISTS (SELECT FROM journal.stage WHERE cutover = :cutover AND stage = 'preflight' AND state = 'done')

-- name: last_correction
SELECT coalesce(max(seq), 0) FROM journal.correction WHERE cutover = :cutover

-- name: insert_corrections
INSERT INTO journal.correction (cutover, seq, user_id, field, old, new, reason, by, importer, at)
SELECT :cutover, :last + row_no, user_id, field, old, new, reason, by, :importer, :at FROM pg_temp.incoming

-- name: corrections
SELECT user_id, field, old, new, reason, by, seq, importer
FROM journal.correction WHERE cutover = %(cutover)s ORDER BY seq

-- name: last_root
SELECT seq, payload FROM journal.event WHERE cutover = :cutover AND kind = 'root' ORDER BY seq DESC LIMIT 1

-- name: roots
SELECT payload FROM journal.event WHERE cutover = :cutover AND kind = 'root' ORDER BY seq

-- name: digests_after
SELECT digest FROM journal.event WHERE cutover = :cutover AND seq > :size ORDER BY seq

-- name: root_counts
SELECT count(*) AS batches, count(*) FILTER (WHERE state NOT IN ('planned', 'sealed')) AS delivered,
       coalesce(sum(rows), 0)::bigint AS items, coalesce(sum(sum_fen), 0)::bigint AS sum_fen
FROM journal.batch WHERE cutover = :cutover

-- name: keys_accepted
SELECT payload FROM journal.event WHERE cutover = :cutover AND kind = 'roots_restored' ORDER BY seq DESC LIMIT 1

-- name: missing_roles
SELECT wanted.name
FROM unnest(ARRAY['cutover_planner', 'cutover_sender', 'cutover_approver', 'cutover_reporter', 'cutover_withdrawals'])
     AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = wanted.name)
ORDER BY wanted.name

-- name: assign_rights
SELECT journal.assign_rights()
