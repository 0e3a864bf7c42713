-- Stages, check results, dispositions.

-- name: stage
SELECT state, totals, reasons FROM journal.stage WHERE cutover = :cutover AND stage = :stage AND round = :round

-- name: stages
SELECT stage, round, state, totals, reasons, started_at, ended_at
FROM journal.stage WHERE cutover = :cutover ORDER BY seq

-- name: write_stage
INSERT INTO journal.stage (cutover, stage, round, seq, state, totals, reasons, started_at, ended_at)
VALUES (:cutover, :stage, :round, (SELECT coalesce(max(seq), 0) + 1 FROM journal.stage WHERE cutover = :cutover),
        :state, CAST(:totals AS jsonb), CAST(:reasons AS jsonb), :at, :ended_at)
ON CONFLICT (cutover, stage, round) DO UPDATE
SET state = excluded.state, totals = excluded.totals, reasons = excluded.reasons, ended_at = excluded.ended_at

-- name: last_check
SELECT coalesce(max(seq), 0) FROM journal.check_result WHERE cutover = :cutover

-- name: insert_check
INSERT INTO journal.check_result (cutover, seq, stage, round, at, rule_id, entity, severity, clause, owner, blocks,
                                  title_zh, title_en, outcome, observed, expected, failures, keys)
VALUES (:cutover, :seq, :stage, :round, :at, :rule_id, :entity, :severity, :clause, :owner, :blocks, :title_zh,
        :title_en, :outcome, :observed, :expected, :failures, CAST(:keys AS jsonb))

-- name: checks
SELECT stage, round, at, rule_id, entity, severity, clause, owner, blocks, title_zh, title_en, outcome,
       observed, expected, failures, keys
FROM journal.check_result WHERE cutover = :cutover ORDER BY seq

-- name: terminal_changes
SELECT d.key
FROM journal.disposition d JOIN pg_temp.incoming n ON n.key = d.key
WHERE d.cutover = :cutover AND d.entity = :entity AND d.disposition = ANY(:terminal) AND d.disposition <> n.disposition
ORDER BY d.key LIMIT 21

-- name: write_dispositions
WITH written AS (
    INSERT INTO journal.disposition AS d (cutover, entity, key, disposition, reason)
    SELECT :cutover, :entity, n.key, n.disposition, n.reason
    FROM pg_temp.incoming n
    LEFT JOIN journal.disposition k ON k.cutover = :cutover AND k.entity = :entity AND k.key = n.key
    WHERE k.key IS NULL OR (k.disposition, k.reason) IS DISTINCT FROM (n.disposition, n.reason)
    ON CONFLICT (cutover, entity, key) DO UPDATE SET disposition = excluded.disposition, reason = excluded.reason
    RETURNING disposition)
SELECT disposition, count(*) AS n FROM written GROUP BY disposition ORDER BY disposition

-- name: dispositions
SELECT key, disposition, reason
FROM journal.disposition WHERE cutover = %(cutover)s AND entity = %(entity)s ORDER BY key
