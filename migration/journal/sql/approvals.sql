-- Approval gates and the answers given.

-- name: gates
SELECT g.no, g.gate, g.round, g.digest, g.needed, g.state, g.requester, g.opened_at,
       (EXISTS (SELECT FROM journal.stage s
                WHERE s.cutover = g.cutover AND s.stage = split_part(g.gate, '.', 1) AND s.round = g.round AND s.state = 'done')
        OR (EXISTS (SELECT FROM journal.batch b WHERE b.cutover = g.cutover AND b.digest = g.digest)
            AND NOT EXISTS (SELECT FROM journal.batch b
                            WHERE b.cutover = g.cutover AND split_part(b.gate, '#', 1) = g.gate
                              AND b.state IN ('planned', 'sealed')))) AS used
FROM journal.gate g WHERE g.cutover = :cutover ORDER BY g.no

-- name: gate
SELECT no, gate, round, digest, needed, state, requester, opened_at
FROM journal.gate WHERE cutover = :cutover AND gate = :gate AND digest = :digest

-- name: decisions
SELECT d.gate, d.name, d.decision, d.reason, d.rehearsal, d.at,
       EXISTS (SELECT FROM journal.approver a
               WHERE a.cutover = g.cutover AND a.name_key = d.name_key AND a.standing = 'revoked' AND a.seq > d.rights) AS lapsed
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

-- name: rights
SELECT name, standing, by, reason, at FROM journal.approver WHERE cutover = :cutover ORDER BY seq

-- name: insert_right
INSERT INTO journal.approver (cutover, seq, name, name_key, standing, by, reason, at)
SELECT :cutover, coalesce(max(seq), 0) + 1, :name, :name_key, :standing, :by, :reason, :at
FROM journal.approver WHERE cutover = :cutover
