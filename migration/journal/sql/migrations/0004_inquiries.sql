-- What the bank said when it was asked (reliability.md R4): the replies are evidence, an item resolved by them names it.

CREATE TABLE journal.inquiry (
    batch          bigint NOT NULL REFERENCES journal.batch,
    seq            integer NOT NULL CHECK (seq >= 1),
    records        bytea NOT NULL,  -- the replies in the layout of the result file
    replies        bytea NOT NULL,  -- as they came, one message a line
    records_sha256 text NOT NULL,
    replies_sha256 text NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (batch, seq),
    CONSTRAINT inquiry_records CHECK (encode(sha256(records), 'hex') = records_sha256),
    CONSTRAINT inquiry_replies CHECK (encode(sha256(replies), 'hex') = replies_sha256)
);
CREATE TRIGGER inquiry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.inquiry
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('INQUIRY_APPEND_ONLY');

-- An item is answered by a record of the result file, or by an inquiry, or by both (a 22 that was asked about).
ALTER TABLE journal.item ADD COLUMN inquiry integer;
ALTER TABLE journal.item DROP CONSTRAINT item_answered;
ALTER TABLE journal.item ADD CONSTRAINT item_answered
    CHECK ((state = 'open') = (result_record IS NULL AND inquiry IS NULL));

-- Numbers of messages to the bank, a hundred at a time; they begin again after the last (the time of day tells them apart).
CREATE SEQUENCE journal.message_number MINVALUE 0 MAXVALUE 999900 INCREMENT BY 100 START WITH 0 CYCLE;

-- Least privilege: who sends asks, too.
ALTER FUNCTION journal.assign_rights() RENAME TO assign_rights_with_days;
CREATE FUNCTION journal.assign_rights() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    missing text[] := journal.assign_rights_with_days();
    granted record;
BEGIN
    FOR granted IN SELECT * FROM (VALUES
        ('sender', 'TABLE journal.inquiry', 'SELECT, INSERT'), ('planner', 'TABLE journal.inquiry', 'SELECT'),
        ('approver', 'TABLE journal.inquiry', 'SELECT'), ('reporter', 'TABLE journal.inquiry', 'SELECT'),
        ('sender', 'TABLE journal.item', 'UPDATE (inquiry)'),
        ('sender', 'SEQUENCE journal.message_number', 'USAGE')) AS rights (role, subject, privileges) LOOP
        IF 'cutover_' || granted.role <> ALL (missing) THEN
            EXECUTE format('GRANT %s ON %s TO %I', granted.privileges, granted.subject, 'cutover_' || granted.role);
        END IF;
    END LOOP;
    RETURN missing;
END
$$;
REVOKE ALL ON FUNCTION journal.assign_rights() FROM PUBLIC;
SELECT journal.assign_rights();
