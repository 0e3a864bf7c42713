-- Destruction after the retention period: personal values go, their witnesses stay. One verb, and only once it was
-- approved, recorded and due; every other removal is refused as before.

CREATE FUNCTION journal.destroying(of_cutover integer) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM journal.event e WHERE e.cutover = of_cutover AND e.kind = 'destruction_begun')
$$;

-- The record comes first: enough approvals that count, of this very inventory, and in production after the last day.
CREATE FUNCTION journal.destruction_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb := NEW.payload::jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM journal.gate g
                   WHERE g.cutover = NEW.cutover AND g.gate = 'destroy' AND g.digest = said ->> 'digest'
                     AND g.state = 'approved' AND journal.standing(g.no) >= g.needed) THEN
        RAISE EXCEPTION 'GATE_NOT_APPROVED' USING ERRCODE = 'CU001';
    END IF;
    IF (SELECT kind FROM journal.cutover WHERE no = NEW.cutover) = 'production'
       AND coalesce((said ->> 'keep_until')::date >= (NEW.at AT TIME ZONE 'UTC')::date, true) THEN
        RAISE EXCEPTION 'RETENTION_RUNNING' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER destruction_due BEFORE INSERT ON journal.event FOR EACH ROW
    WHEN (NEW.kind = 'destruction_begun') EXECUTE FUNCTION journal.destruction_due();

-- Bytes of files and replies: their digests are in `batch`, in the events and in the roots.
CREATE FUNCTION journal.content_goes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine journal.batch;
BEGIN
    SELECT * INTO mine FROM journal.batch WHERE no = OLD.batch;  -- gone already when a batch that never left is withdrawn
    IF mine.state NOT IN ('planned', 'sealed') AND NOT journal.destroying(mine.cutover) THEN
        RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'CU001';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER content_kept BEFORE DELETE ON journal.batch_content
    FOR EACH ROW EXECUTE FUNCTION journal.content_goes('CONTENT_KEPT');
CREATE TRIGGER content_not_truncated BEFORE TRUNCATE ON journal.batch_content
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('CONTENT_KEPT');
DROP TRIGGER inquiry_append_only ON journal.inquiry;
CREATE TRIGGER inquiry_append_only BEFORE UPDATE OR TRUNCATE ON journal.inquiry
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('INQUIRY_APPEND_ONLY');
CREATE TRIGGER inquiry_kept BEFORE DELETE ON journal.inquiry
    FOR EACH ROW EXECUTE FUNCTION journal.content_goes('INQUIRY_APPEND_ONLY');

-- What was corrected: the commitments take the values' place, so that the witnessed rows stay as they are. The nonce goes
-- too: with it a phone number could be guessed from its commitment.
ALTER TABLE journal.correction ADD COLUMN committed jsonb;
CREATE FUNCTION journal.correction_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM journal.event WHERE kind = 'destruction_begun') THEN
        RAISE EXCEPTION 'CORRECTION_APPEND_ONLY' USING ERRCODE = 'CU001';
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION journal.correction_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    wanted jsonb := was || '{"old": null, "new": null, "reason": null}' || jsonb_build_object(
        'nonce', NEW.nonce,
        'committed', journal.commitments(OLD.nonce, was ->> 'old', was ->> 'new', was ->> 'reason'));
BEGIN
    IF NOT journal.destroying(OLD.cutover) OR OLD.committed IS NOT NULL OR NEW.nonce = OLD.nonce
       OR to_jsonb(NEW) <> wanted THEN
        RAISE EXCEPTION 'CORRECTION_APPEND_ONLY' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION journal.commitments(nonce uuid, old text, new text, reason text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('old', journal.committed(nonce, old), 'new', journal.committed(nonce, new),
                              'reason', journal.committed(nonce, reason))
$$;
DROP TRIGGER correction_append_only ON journal.correction;
CREATE TRIGGER correction_append_only BEFORE DELETE OR TRUNCATE ON journal.correction
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('CORRECTION_APPEND_ONLY');
CREATE TRIGGER correction_goes BEFORE UPDATE ON journal.correction
    FOR EACH STATEMENT EXECUTE FUNCTION journal.correction_goes();
CREATE TRIGGER correction_emptied BEFORE UPDATE ON journal.correction
    FOR EACH ROW EXECUTE FUNCTION journal.correction_emptied();
