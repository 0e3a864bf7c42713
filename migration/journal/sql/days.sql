-- Daily reconciliation.

-- name: insert_day
INSERT INTO journal.day (cutover, day, eve_name, eve_sha256, aleve_name, aleve_sha256, eve_rows, aleve_rows, reversals, at)
VALUES (:cutover, :day, :eve_name, :eve_sha256, :aleve_name, :aleve_sha256, :eve_rows, :aleve_rows, :reversals, :at)
ON CONFLICT (cutover, day) DO NOTHING RETURNING day

-- name: days
SELECT day, eve_name, eve_sha256, aleve_name, aleve_sha256, eve_rows, aleve_rows, reversals
FROM journal.day WHERE cutover = :cutover ORDER BY day

-- name: day_balances
SELECT DISTINCT ON (account) account, balance_fen
FROM journal.day_balance WHERE cutover = %(cutover)s AND day < %(day)s::date ORDER BY account, day DESC

-- name: day_movements
SELECT record, account, tranno, amount_fen, reverses
FROM journal.day_movement
WHERE cutover = %(cutover)s AND day < %(day)s::date
  AND ((account || '|' || tranno) = ANY(string_to_array(%(names)s, ',')) OR
       (account || '|' || reverses) = ANY(string_to_array(%(names)s, ',')))
ORDER BY day, record

-- name: day_errors
SELECT file, record, bytes, sha256, why
FROM journal.day_error WHERE cutover = %(cutover)s AND day = %(day)s::date ORDER BY file, record

-- name: day_differences
SELECT code, subject, detail
FROM journal.day_difference WHERE cutover = %(cutover)s AND day = %(day)s::date ORDER BY no
