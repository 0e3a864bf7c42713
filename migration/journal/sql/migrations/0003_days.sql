-- Daily reconciliation after the cutover: what was imported of the bank's files, day by day. Only ever added to.

CREATE TABLE journal.day (
    cutover     integer NOT NULL REFERENCES journal.cutover,
    day         date NOT NULL,
    eve_name    text NOT NULL,
    eve_sha256  text NOT NULL CHECK (length(eve_sha256) = 64),
    aleve_name  text NOT NULL,
    aleve_sha256 text NOT NULL CHECK (length(aleve_sha256) = 64),
    eve_rows    bigint NOT NULL CHECK (eve_rows >= 0),
    aleve_rows  bigint NOT NULL CHECK (aleve_rows >= 0),
    reversals   bigint NOT NULL CHECK (reversals >= 0),
    at          timestamptz NOT NULL,
    PRIMARY KEY (cutover, day)  -- a day is imported once
);
CREATE TRIGGER day_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.day
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DAY_APPEND_ONLY');

-- The balance of an account after a day on which it moved.
CREATE TABLE journal.day_balance (
    cutover     integer NOT NULL,
    day         date NOT NULL,
    account     text COLLATE "C" NOT NULL,
    balance_fen bigint NOT NULL,
    PRIMARY KEY (cutover, account, day),
    FOREIGN KEY (cutover, day) REFERENCES journal.day (cutover, day)
);
CREATE TRIGGER day_balance_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.day_balance
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DAY_APPEND_ONLY');

-- Every entry of ALEVE, so that a reversal of a later day finds what it takes back.
CREATE TABLE journal.day_movement (
    cutover    integer NOT NULL,
    day        date NOT NULL,
    record     bigint NOT NULL CHECK (record >= 1),
    account    text COLLATE "C" NOT NULL,
    tranno     text COLLATE "C" NOT NULL,
    amount_fen bigint NOT NULL,  -- signed
    reverses   text COLLATE "C",
    PRIMARY KEY (cutover, day, record),
    FOREIGN KEY (cutover, day) REFERENCES journal.day (cutover, day)
);
CREATE INDEX day_movement_named ON journal.day_movement (cutover, account, tranno);
CREATE TRIGGER day_movement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.day_movement
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DAY_APPEND_ONLY');

-- Lines that could not be read: where, how long, their digest; never their content.
CREATE TABLE journal.day_error (
    cutover integer NOT NULL,
    day     date NOT NULL,
    file    text NOT NULL,
    record  bigint NOT NULL CHECK (record >= 1),
    bytes   bigint NOT NULL CHECK (bytes >= 0),
    sha256  text NOT NULL CHECK (length(sha256) = 64),
    why     text NOT NULL CHECK (why IN ('length', 'content')),
    PRIMARY KEY (cutover, day, file, record),
    FOREIGN KEY (cutover, day) REFERENCES journal.day (cutover, day)
);
CREATE TRIGGER day_error_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.day_error
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DAY_APPEND_ONLY');

-- What the day differed in: stable codes and masked accounts.
CREATE TABLE journal.day_difference (
    cutover integer NOT NULL,
    day     date NOT NULL,
    no      bigint NOT NULL CHECK (no >= 1),
    code    text NOT NULL CHECK (code <> ''),
    subject text NOT NULL,
    detail  text NOT NULL,
    PRIMARY KEY (cutover, day, no),
    FOREIGN KEY (cutover, day) REFERENCES journal.day (cutover, day)
);
CREATE TRIGGER day_difference_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.day_difference
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DAY_APPEND_ONLY');

-- Least privilege: who sends takes days in, who reports reads them.
ALTER FUNCTION journal.assign_rights() RENAME TO assign_rights_of_the_cutover;
CREATE FUNCTION journal.assign_rights() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    missing text[] := journal.assign_rights_of_the_cutover();
    kept    text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['day', 'day_balance', 'day_movement', 'day_error', 'day_difference'] LOOP
        IF 'cutover_sender' <> ALL (missing) THEN
            EXECUTE format('GRANT SELECT, INSERT ON journal.%I TO cutover_sender', kept);
        END IF;
        IF 'cutover_reporter' <> ALL (missing) THEN
            EXECUTE format('GRANT SELECT ON journal.%I TO cutover_reporter', kept);
        END IF;
    END LOOP;
    RETURN missing;
END
$$;
REVOKE ALL ON FUNCTION journal.assign_rights() FROM PUBLIC;
SELECT journal.assign_rights();
