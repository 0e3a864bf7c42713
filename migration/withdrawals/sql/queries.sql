-- Named queries; values are bound by position.

-- name: installed
SELECT to_regclass('withdrawals.account') IS NOT NULL

-- name: act_as_user
SELECT set_config('withdrawals.user_id', $1, true)

-- name: accounts
SELECT escrow_id, left_fen, in_transit_fen, frozen_fen, card, bank FROM withdrawals.account WHERE user_id = $1 ORDER BY escrow_id

-- name: account
SELECT escrow_id, left_fen, in_transit_fen, frozen_fen, card, bank FROM withdrawals.account WHERE escrow_id = $1 AND user_id = $2

-- name: holder
SELECT account_no, activated FROM withdrawals.holder WHERE user_id = $1

-- name: load_holder
INSERT INTO withdrawals.holder (user_id, account_no, activated) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE SET account_no = excluded.account_no, activated = excluded.activated

-- name: free_used
SELECT used FROM withdrawals.free_use WHERE user_id = $1 AND month = $2

-- name: answer
SELECT a.body_sha256, a.refusal, w.*
  FROM withdrawals.answer a LEFT JOIN withdrawals.withdrawal w ON w.id = a.withdrawal
 WHERE a.user_id = $1 AND a.key = $2

-- name: keep_refusal
INSERT INTO withdrawals.answer (user_id, key, body_sha256, refusal, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING

-- name: reserve
SELECT place, refusal, (made).*
  FROM withdrawals.reserve_together($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ORDER BY place

-- name: withdrawals
SELECT * FROM withdrawals.withdrawal WHERE user_id = $1 ORDER BY requested_at DESC, id LIMIT $2

-- name: of_accounts
SELECT id::text, escrow_id, amount_fen, fee_fen, state, reason, requested_at, changed_at
FROM withdrawals.withdrawal WHERE escrow_id = ANY($1) ORDER BY requested_at, id

-- name: withdrawal
SELECT * FROM withdrawals.withdrawal WHERE id = $1 AND user_id = $2

-- name: stopped
SELECT stopped, by, reason, at FROM withdrawals.control ORDER BY seq DESC LIMIT 1

-- name: claim
UPDATE withdrawals.outbox o
   SET lease_until = $1::timestamptz + $2::interval, fence = o.fence + 1
  FROM (SELECT withdrawal FROM withdrawals.outbox
         WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until < $1)
         ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) due
  JOIN withdrawals.withdrawal w ON w.id = due.withdrawal
  JOIN withdrawals.account a ON a.escrow_id = w.escrow_id
 WHERE o.withdrawal = due.withdrawal
RETURNING w.id, w.escrow_id, w.amount_fen, w.route, w.state, a.card, o.fence, o.submitted_at, o.not_found, o.not_found_at

-- name: intend
UPDATE withdrawals.outbox SET submitted_at = $3 WHERE withdrawal = $1 AND fence = $2 AND submitted_at IS NULL

-- name: untold
UPDATE withdrawals.outbox SET submitted_at = NULL WHERE withdrawal = $1 AND fence = $2

-- name: in_transit
UPDATE withdrawals.withdrawal SET state = 'in_transit', changed_at = $2 WHERE id = $1 AND state = 'requested'

-- name: held
SELECT withdrawal FROM withdrawals.outbox WHERE withdrawal = $1 AND fence = $2 FOR UPDATE

-- name: later
UPDATE withdrawals.outbox
   SET due_at = $3, lease_until = NULL, not_found = $4, not_found_at = $5, trouble = $6
 WHERE withdrawal = $1 AND fence = $2

-- name: finish
SELECT withdrawals.finish($1, $2, $3, $4)

-- name: all_accounts
SELECT escrow_id, user_id, legacy_user_id, card, bank, opening_fen, frozen_fen FROM withdrawals.account

-- name: book
SELECT a.escrow_id, a.opening_fen, a.left_fen, a.in_transit_fen, a.paid_fen, a.frozen_fen,
       coalesce(sum(m.fen) FILTER (WHERE m.kind = 'opening'), 0)::bigint AS opened,
       coalesce(sum(m.fen) FILTER (WHERE m.kind = 'reserved'), 0)::bigint AS reserved,
       coalesce(sum(m.fen) FILTER (WHERE m.kind = 'paid'), 0)::bigint AS paid,
       coalesce(sum(m.fen) FILTER (WHERE m.kind = 'returned'), 0)::bigint AS returned,
       coalesce(sum(m.fen) FILTER (WHERE m.kind = 'reversed'), 0)::bigint AS reversed,
       max(m.at) FILTER (WHERE m.kind <> 'opening') AS moved_at
  FROM withdrawals.account a LEFT JOIN withdrawals.movement m USING (escrow_id)
 GROUP BY a.escrow_id ORDER BY a.escrow_id

-- name: drain
SELECT (at AT TIME ZONE 'Asia/Shanghai')::date AS day, kind, sum(fen)::bigint AS fen, count(*) AS times
  FROM withdrawals.movement GROUP BY 1, 2 ORDER BY 1, 2

-- name: troubles
SELECT o.withdrawal, o.trouble, w.state, w.escrow_id, w.amount_fen, o.submitted_at
  FROM withdrawals.outbox o JOIN withdrawals.withdrawal w ON w.id = o.withdrawal WHERE o.trouble <> '' ORDER BY o.withdrawal

-- name: switch
INSERT INTO withdrawals.control (stopped, by, reason, at) VALUES ($1, $2, $3, $4)

-- name: release
INSERT INTO withdrawals.release (withdrawal, by, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING

-- name: released_by
SELECT array_agg(by ORDER BY by) FROM withdrawals.release WHERE withdrawal = $1

-- name: outbox
SELECT o.*, w.state, w.escrow_id FROM withdrawals.outbox o JOIN withdrawals.withdrawal w ON w.id = o.withdrawal WHERE o.withdrawal = $1 FOR UPDATE OF o

-- name: reversal_day
SELECT sha256 FROM withdrawals.reversal_day WHERE day = $1 FOR UPDATE

-- name: keep_reversal_day
INSERT INTO withdrawals.reversal_day (day, sha256, rows, at) VALUES ($1, $2, $3, $4)

-- name: paid_amount
SELECT amount_fen, state FROM withdrawals.withdrawal WHERE id = $1 FOR UPDATE

-- name: counts
SELECT state, count(*) AS n, sum(amount_fen + fee_fen)::bigint AS fen FROM withdrawals.withdrawal GROUP BY state ORDER BY state

-- name: ended
SELECT state, count(*), sum(amount_fen)::bigint, sum(fee_fen)::bigint, count(free_month) FROM withdrawals.withdrawal GROUP BY state ORDER BY state

-- name: longest_due
-- Seconds since the order that waits longest for a sender was due; 0 when none waits.
SELECT greatest(0, coalesce(extract(epoch FROM $1 - min(due_at)), 0))::integer FROM withdrawals.outbox
