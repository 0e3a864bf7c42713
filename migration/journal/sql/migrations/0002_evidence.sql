-- Evidence: commitments for what people typed, rights to approve, walls that hold also against SQL by hand, least privilege.

-- Commitments: free text and corrected values stay out of what an auditor gets; one is opened by telling nonce and text --
ALTER TABLE journal.correction ADD COLUMN nonce uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE journal.decision ADD COLUMN nonce uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE journal.signature ADD COLUMN nonce uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE journal.resend ADD COLUMN nonce uuid NOT NULL DEFAULT gen_random_uuid();

CREATE FUNCTION journal.committed(nonce uuid, content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT encode(sha256(convert_to(nonce::text || '|' || content, 'UTF8')), 'hex')
$$;

-- A person's name as compared. The server computes it by itself: who writes SQL by hand cannot give another key. The same
-- as rules.person_key: compatibility forms, accents, case, blanks, and the digits that look like letters ------------------
CREATE FUNCTION journal.person_key(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    plain text := btrim(regexp_replace(regexp_replace(normalize(name, NFKD), E'[\u0300-\u036f]', '', 'g'), ' +', ' ', 'g'));
BEGIN
    IF plain !~ E'^[ -~\u00b7\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]*$' THEN
        RAISE EXCEPTION 'NAME_CHARACTERS' USING ERRCODE = 'CU001';
    END IF;
    RETURN translate(lower(plain COLLATE "C"), '01|', 'oll');
END
$$;

CREATE FUNCTION journal.gate_requester() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.requester_key := journal.person_key(NEW.requester);
    RETURN NEW;
END
$$;
CREATE TRIGGER gate_requester BEFORE INSERT ON journal.gate FOR EACH ROW EXECUTE FUNCTION journal.gate_requester();

-- Rights to approve: append-only; the last row of a person counts. As long as nobody is granted, everybody may approve
-- who is not revoked --------------------------------------------------------------------------------------------------------
CREATE TABLE journal.approver (
    cutover  integer NOT NULL REFERENCES journal.cutover,
    seq      integer NOT NULL CHECK (seq >= 1),
    name     text NOT NULL CHECK (name <> ''),
    name_key text NOT NULL,
    standing text NOT NULL CHECK (standing IN ('granted', 'revoked')),
    by       text NOT NULL CHECK (by <> ''),
    reason   text NOT NULL CHECK (reason <> ''),
    nonce    uuid NOT NULL DEFAULT gen_random_uuid(),
    at       timestamptz NOT NULL,
    PRIMARY KEY (cutover, seq),
    CONSTRAINT approver_key CHECK (name_key = journal.person_key(name)),
    CONSTRAINT approver_not_self CHECK (standing = 'revoked' OR name_key <> journal.person_key(by))
);
CREATE TRIGGER approver_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.approver
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('APPROVER_APPEND_ONLY');

CREATE FUNCTION journal.may_approve(of_cutover integer, person text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT a.standing = 'granted' FROM journal.approver a
         WHERE a.cutover = of_cutover AND a.name_key = person ORDER BY a.seq DESC LIMIT 1),
        NOT EXISTS (SELECT FROM journal.approver a WHERE a.cutover = of_cutover AND a.standing = 'granted'))
$$;

-- Approvals that count: those whose giver's right was not revoked since (`rights` = changes of rights before the answer).
ALTER TABLE journal.decision ADD COLUMN rights integer NOT NULL DEFAULT 0;

CREATE FUNCTION journal.standing(of_gate bigint) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT count(*)::integer
    FROM journal.decision d JOIN journal.gate g ON g.no = d.gate
    WHERE d.gate = of_gate AND d.decision = 'approve'
      AND NOT EXISTS (SELECT FROM journal.approver a
                      WHERE a.cutover = g.cutover AND a.name_key = d.name_key AND a.standing = 'revoked' AND a.seq > d.rights)
$$;

CREATE FUNCTION journal.decision_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked journal.gate;
    code  text := '';
BEGIN
    SELECT * INTO asked FROM journal.gate WHERE no = NEW.gate;
    NEW.name_key := journal.person_key(NEW.name);
    NEW.rights := (SELECT coalesce(max(a.seq), 0) FROM journal.approver a WHERE a.cutover = asked.cutover);
    IF asked.state IN ('rejected', 'superseded') THEN
        code := 'GATE_' || upper(asked.state);
    ELSIF NEW.decision = 'reject' AND asked.state = 'approved' AND journal.standing(asked.no) >= asked.needed THEN
        code := 'GATE_APPROVED';
    ELSIF NOT journal.may_approve(asked.cutover, NEW.name_key) THEN
        code := 'APPROVER_NO_RIGHT';
    ELSIF NEW.rehearsal AND (SELECT kind FROM journal.cutover WHERE no = asked.cutover) = 'production' THEN
        code := 'REHEARSAL_APPROVAL';
    END IF;
    IF code <> '' THEN
        RAISE EXCEPTION '%', code USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decision_due BEFORE INSERT ON journal.decision FOR EACH ROW EXECUTE FUNCTION journal.decision_due();

-- The answers move the gate: who may answer needs no right to change gates.
CREATE FUNCTION journal.decision_counts() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE journal.gate g
    SET state = CASE WHEN NEW.decision = 'reject' THEN 'rejected'
                     WHEN journal.standing(g.no) >= g.needed THEN 'approved' ELSE g.state END
    WHERE g.no = NEW.gate;
    RETURN NULL;
END
$$;
CREATE TRIGGER decision_counts AFTER INSERT ON journal.decision FOR EACH ROW EXECUTE FUNCTION journal.decision_counts();

CREATE OR REPLACE FUNCTION journal.gate_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rejections integer;
BEGIN
    SELECT count(*) INTO rejections FROM journal.decision WHERE gate = NEW.no AND decision = 'reject';
    IF NEW.state = 'approved' AND (journal.standing(NEW.no) < NEW.needed OR rejections > 0)
       OR NEW.state = 'rejected' AND rejections = 0 THEN
        RAISE EXCEPTION 'GATE_NOT_APPROVED' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER gate_approved ON journal.gate;
CREATE TRIGGER gate_approved BEFORE INSERT OR UPDATE ON journal.gate FOR EACH ROW
    WHEN (NEW.state IN ('approved', 'rejected')) EXECUTE FUNCTION journal.gate_step();
DROP TRIGGER gate_final ON journal.gate;  -- anew: an approval whose givers lost their right may still be rejected
CREATE TRIGGER gate_final BEFORE UPDATE ON journal.gate FOR EACH ROW
    WHEN ((OLD.state = 'rejected' AND NEW.state <> 'rejected')
          OR (OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'rejected'))
          OR (NEW.cutover, NEW.gate, NEW.round, NEW.digest, NEW.needed, NEW.requester, NEW.requester_key)
             IS DISTINCT FROM (OLD.cutover, OLD.gate, OLD.round, OLD.digest, OLD.needed, OLD.requester, OLD.requester_key))
    EXECUTE FUNCTION journal.refuse('GATE_FINAL');

-- R7: no delivery without enough approvals, that count now, of the very digest, in this cutover.
CREATE FUNCTION journal.batch_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM journal.gate g
                   WHERE g.cutover = NEW.cutover AND g.gate = split_part(NEW.gate, '#', 1) AND g.digest = NEW.digest
                     AND g.state = 'approved' AND journal.standing(g.no) >= g.needed) THEN
        RAISE EXCEPTION 'GATE_NOT_APPROVED' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER batch_leaves BEFORE UPDATE ON journal.batch FOR EACH ROW
    WHEN (NEW.state = 'delivered' AND OLD.state <> 'delivered') EXECUTE FUNCTION journal.batch_leaves();
-- A batch begins as planned: none comes into being delivered.
CREATE TRIGGER batch_begins BEFORE INSERT ON journal.batch FOR EACH ROW
    WHEN (NEW.state <> 'planned' OR NEW.gate = '') EXECUTE FUNCTION journal.refuse('BATCH_STATE');

-- The chain: the server computes each link again, and the head goes from event to event ----------------------------------
CREATE FUNCTION journal.event_next() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    run  journal.cutover;
    body text := NEW.previous || '{"actor":' || to_json(NEW.actor)::text || ',"at":"'
        || to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') || '","kind":' || to_json(NEW.kind)::text
        || ',"payload":' || NEW.payload || ',"seq":' || NEW.seq || '}';
    role text := CASE WHEN NEW.kind IN ('decided', 'signed', 'resend_marked') THEN 'cutover_approver'
                      WHEN NEW.kind IN ('delivered', 'applied', 'quarantined') THEN 'cutover_sender'
                      WHEN NEW.kind IN ('planned', 'withdrawn', 'sealed', 'gate_opened', 'dispositions_recorded')
                           THEN 'cutover_planner'
                      WHEN NEW.kind = 'approver_set' THEN '' END;
BEGIN
    SELECT * INTO run FROM journal.cutover WHERE no = NEW.cutover;
    IF (NEW.seq, NEW.previous) IS DISTINCT FROM (run.head_seq + 1, run.head_digest)
       OR NEW.digest <> encode(sha256(convert_to(body, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'EVENT_NOT_NEXT' USING ERRCODE = 'CU001';
    END IF;
    IF role IS NOT NULL
       AND NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role AND pg_has_role(current_user, r.oid, 'USAGE')) THEN
        RAISE EXCEPTION 'EVENT_NOT_YOURS' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER event_next BEFORE INSERT ON journal.event FOR EACH ROW EXECUTE FUNCTION journal.event_next();

CREATE FUNCTION journal.head_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.head_seq <> OLD.head_seq + 1 OR NOT EXISTS (
            SELECT FROM journal.event e
            WHERE (e.cutover, e.seq, e.digest, e.previous) = (NEW.no, NEW.head_seq, NEW.head_digest, OLD.head_digest)) THEN
        RAISE EXCEPTION 'EVENT_NOT_NEXT' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER cutover_head BEFORE UPDATE ON journal.cutover FOR EACH ROW
    WHEN ((NEW.head_seq, NEW.head_digest) IS DISTINCT FROM (OLD.head_seq, OLD.head_digest))
    EXECUTE FUNCTION journal.head_moves();
CREATE INDEX event_roots ON journal.event (cutover, seq) WHERE kind = 'root';

-- Least privilege. Roles belong to the whole server, tables to this database: the roles are made when missing (also when
-- another database is quicker), and the rights are given here. Returns the roles that are missing because the one who
-- migrates may not make them; called again, it gives the rights of roles that an administrator made meanwhile -----------
CREATE FUNCTION journal.assign_rights() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    wanted  text;
    granted record;
    missing text[] := '{}';
BEGIN
    FOREACH wanted IN ARRAY ARRAY['cutover_planner', 'cutover_sender', 'cutover_approver', 'cutover_reporter',
                                  'cutover_withdrawals'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
            EXECUTE format('GRANT USAGE ON SCHEMA journal TO %I', wanted);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                EXECUTE format('GRANT USAGE ON SCHEMA journal TO %I', wanted);
            WHEN insufficient_privilege THEN
                missing := missing || wanted;
        END;
    END LOOP;
    FOR granted IN SELECT * FROM (VALUES
        ('planner', 'cutover', 'SELECT, INSERT, UPDATE (fence, holder, head_seq, head_digest)'),
        ('planner', 'event', 'SELECT, INSERT'),
        ('planner', 'snapshot', 'SELECT, INSERT'),
        ('planner', 'correction', 'SELECT, INSERT'),
        ('planner', 'approver', 'SELECT'),
        ('planner', 'gate', 'SELECT, INSERT, UPDATE (state)'),
        ('planner', 'decision', 'SELECT'),
        ('planner', 'batch', 'SELECT, INSERT, DELETE, UPDATE (state, request_name, request_sha256, request_bytes)'),
        ('planner', 'batch_content', 'SELECT, INSERT'),
        ('planner', 'item', 'SELECT, INSERT, DELETE'),
        ('planner', 'exception', 'SELECT, INSERT, UPDATE (state, amount_fen)'),
        ('planner', 'signature', 'SELECT'),
        ('planner', 'resend', 'SELECT'),
        ('planner', 'stage', 'SELECT, INSERT, UPDATE (state, totals, reasons, ended_at)'),
        ('planner', 'check_result', 'SELECT, INSERT'),
        ('planner', 'disposition', 'SELECT, INSERT, UPDATE (disposition, reason)'),
        ('sender', 'cutover', 'SELECT, UPDATE (fence, holder, head_seq, head_digest)'),
        ('sender', 'event', 'SELECT, INSERT'),
        ('sender', 'snapshot', 'SELECT'),
        ('sender', 'correction', 'SELECT'),
        ('sender', 'approver', 'SELECT'),
        ('sender', 'gate', 'SELECT'),
        ('sender', 'decision', 'SELECT'),
        ('sender', 'batch',
         'SELECT, UPDATE (state, result_name, result_sha256, quarantined_sha256, delivered_at, digest)'),
        ('sender', 'batch_content', 'SELECT, INSERT'),
        ('sender', 'item', 'SELECT, UPDATE (state, code, account_no, activated, authcode, result_record)'),
        ('sender', 'exception', 'SELECT, INSERT, UPDATE (state, amount_fen)'),
        ('sender', 'signature', 'SELECT'),
        ('sender', 'resend', 'SELECT'),
        ('sender', 'stage', 'SELECT, INSERT, UPDATE (state, totals, reasons, ended_at)'),
        ('sender', 'check_result', 'SELECT, INSERT'),
        ('sender', 'disposition', 'SELECT'),
        ('approver', 'cutover', 'SELECT, UPDATE (head_seq, head_digest)'),
        ('approver', 'event', 'SELECT, INSERT'),
        ('approver', 'approver', 'SELECT'),
        ('approver', 'gate', 'SELECT'),
        ('approver', 'decision', 'SELECT, INSERT'),
        ('approver', 'batch', 'SELECT, UPDATE (state)'),
        ('approver', 'item', 'SELECT'),
        ('approver', 'exception', 'SELECT, UPDATE (state)'),
        ('approver', 'signature', 'SELECT, INSERT'),
        ('approver', 'resend', 'SELECT, INSERT'),
        ('approver', 'stage', 'SELECT'),
        ('approver', 'check_result', 'SELECT'),
        ('approver', 'disposition', 'SELECT'),
        ('reporter', 'cutover', 'SELECT'), ('reporter', 'event', 'SELECT'), ('reporter', 'snapshot', 'SELECT'),
        ('reporter', 'correction', 'SELECT'), ('reporter', 'approver', 'SELECT'), ('reporter', 'gate', 'SELECT'),
        ('reporter', 'decision', 'SELECT'), ('reporter', 'batch', 'SELECT'), ('reporter', 'batch_content', 'SELECT'),
        ('reporter', 'item', 'SELECT'), ('reporter', 'exception', 'SELECT'), ('reporter', 'signature', 'SELECT'),
        ('reporter', 'resend', 'SELECT'), ('reporter', 'stage', 'SELECT'), ('reporter', 'check_result', 'SELECT'),
        ('reporter', 'disposition', 'SELECT'),
        ('withdrawals', 'cutover', 'SELECT'), ('withdrawals', 'disposition', 'SELECT'), ('withdrawals', 'stage', 'SELECT'),
        ('planner', 'schema_migration', 'SELECT'), ('sender', 'schema_migration', 'SELECT'),
        ('approver', 'schema_migration', 'SELECT'), ('reporter', 'schema_migration', 'SELECT'),
        ('withdrawals', 'schema_migration', 'SELECT')) AS rights (role, relation, privileges) LOOP
        IF 'cutover_' || granted.role <> ALL (missing) THEN
            EXECUTE format('GRANT %s ON journal.%I TO %I', granted.privileges, granted.relation, 'cutover_' || granted.role);
        END IF;
    END LOOP;
    RETURN missing;
END
$$;
REVOKE ALL ON FUNCTION journal.assign_rights() FROM PUBLIC;
SELECT journal.assign_rights();
