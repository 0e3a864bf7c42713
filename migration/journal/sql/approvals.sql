-- Approval gates and the answers given.

-- name: gates
SELECT no, gate, round, digest, needed, state, requester, opened_at
FROM journal.gate WHERE cutover = :cutover ORDER BY no

-- name: gate
SELECT no, gate, round, digest, needed, state, requester, opened_at
FROM journal.gate WHERE cutover = :cutover AND gate = :gate AND digest = :digest

-- name: decisions
SELECT d.gate, d.name, d.decision, d.reason, d.rehearsal, d.at
FROM journal.decision d JOIN journal.gate g ON g.no = d.gate
WHERE g.cutover = :cutover ORDER BY d.gate, d.seq

-- name: supersede_gates
UPDATE journal.gate SET state = 'superseded'
WHERE cutover = :cutover AND gate = :gate AND digest <> :digest AND state = 'pending'

-- name: insert_gate
INSERT INTO journal.gate (cutover, gate, round, digest, needed, state, requester, requester_key, opened_at)
VALUES (:cutover, :gate, :round, :digest, :needed, 'pending', :requester, :requester_key, :at)

-- name: move_gate
UPDATE journal.gate SET state = :state WHERE no = :no

-- name: insert_decision
INSERT INTO journal.decision (gate, seq, name, name_key, requester_key, decision, reason, rehearsal, at)
SELECT no, :seq, :name, :name_key, requester_key, :decision, :reason, :rehearsal, :at
FROM journal.gate WHERE no = :no
