-- Destruction: the record is there already (`destruction_begun`), or the database refuses each of these.

-- name: destroyable
SELECT (SELECT count(*) FROM journal.batch_content c JOIN journal.batch b ON b.no = c.batch WHERE b.cutover = :cutover)
           AS contents,
       (SELECT count(*) FROM journal.inquiry q JOIN journal.batch b ON b.no = q.batch WHERE b.cutover = :cutover) AS inquiries,
       (SELECT count(*) FROM journal.correction WHERE cutover = :cutover AND committed IS NULL) AS corrections

-- name: destroy_contents
DELETE FROM journal.batch_content c USING journal.batch b WHERE b.no = c.batch AND b.cutover = :cutover

-- name: destroy_inquiries
DELETE FROM journal.inquiry q USING journal.batch b WHERE b.no = q.batch AND b.cutover = :cutover

-- name: destroy_corrections
UPDATE journal.correction
SET committed = journal.commitments(nonce, old, new, reason), nonce = gen_random_uuid(), old = NULL, new = NULL, reason = NULL
WHERE cutover = :cutover AND committed IS NULL
