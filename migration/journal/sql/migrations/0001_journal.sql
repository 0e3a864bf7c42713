-- The journal (reliability.md R1-R7): facts only, every row hanging on one cutover. Money is bigint fen.
-- Keys sort as UTF-8 bytes on any server, hence COLLATE "C". CU001 marks a refusal whose message is a stable code.

CREATE FUNCTION journal.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'CU001';
END
$$;

-- The run: one row a cutover; its lock orders all writes, its head is the last link of the hash chain -----------------
CREATE TABLE journal.cutover (
    no          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          text NOT NULL UNIQUE CHECK (id <> ''),
    kind        text NOT NULL CHECK (kind IN ('rehearsal', 'production')),
    fence       bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    holder      text NOT NULL DEFAULT '',
    head_seq    bigint NOT NULL DEFAULT 0,
    head_digest text NOT NULL DEFAULT repeat('0', 64),
    created_at  timestamptz NOT NULL
);
CREATE TRIGGER cutover_kept BEFORE DELETE ON journal.cutover
    FOR EACH ROW EXECUTE FUNCTION journal.refuse('CUTOVER_KEPT');
CREATE TRIGGER cutover_forward BEFORE UPDATE ON journal.cutover FOR EACH ROW
    WHEN (NEW.fence < OLD.fence OR NEW.head_seq < OLD.head_seq OR NEW.id <> OLD.id OR NEW.kind <> OLD.kind)
    EXECUTE FUNCTION journal.refuse('CUTOVER_BACKWARDS');

-- The evidence: append-only, each event the hash of the one before and itself -----------------------------------------
CREATE TABLE journal.event (
    cutover   integer NOT NULL REFERENCES journal.cutover,
    seq       bigint NOT NULL CHECK (seq >= 1),
    at        timestamptz NOT NULL,
    actor     text NOT NULL,
    kind      text NOT NULL,
    payload   text NOT NULL,  -- canonical JSON, the very text that was hashed
    previous  text NOT NULL CHECK (length(previous) = 64),
    digest    text NOT NULL CHECK (length(digest) = 64),
    operation uuid NOT NULL,  -- tells a write whose commit was lost on the wire that it did happen
    PRIMARY KEY (cutover, seq),
    UNIQUE (cutover, operation)
);
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.event
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('EVENT_APPEND_ONLY');

-- Snapshots and corrections -----------------------------------------------------------------------------------------------
CREATE TABLE journal.snapshot (
    cutover        integer NOT NULL REFERENCES journal.cutover,
    seq            integer NOT NULL,
    digest         text NOT NULL CHECK (digest <> ''),
    entity_digests jsonb NOT NULL,
    counts         jsonb NOT NULL,
    issues         bigint NOT NULL CHECK (issues >= 0),
    taken_at       timestamptz NOT NULL,
    PRIMARY KEY (cutover, seq)
);
CREATE TRIGGER snapshot_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('SNAPSHOT_APPEND_ONLY');

CREATE TABLE journal.correction (
    cutover  integer NOT NULL REFERENCES journal.cutover,
    seq      bigint NOT NULL CHECK (seq >= 1),
    user_id  text COLLATE "C" NOT NULL,
    field    text NOT NULL CHECK (field IN
        ('name', 'id_type', 'id_no', 'phone', 'sex', 'email', 'corporate_account', 'verified_at')),
    old      text,
    new      text,
    reason   text,
    by       text,
    importer text NOT NULL CHECK (importer <> ''),
    at       timestamptz NOT NULL,
    PRIMARY KEY (cutover, seq)
);
CREATE TRIGGER correction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.correction
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('CORRECTION_APPEND_ONLY');

-- Approvals: bound to a digest (R7); the composite key carries the requester into each decision so that a CHECK can
-- refuse his own -----------------------------------------------------------------------------------------------------------
CREATE TABLE journal.gate (
    no            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cutover       integer NOT NULL REFERENCES journal.cutover,
    gate          text NOT NULL CHECK (gate <> ''),
    round         integer NOT NULL CHECK (round >= 1),
    digest        text NOT NULL CHECK (digest <> ''),
    needed        integer NOT NULL CHECK (needed >= 1),
    state         text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'superseded')),
    requester     text NOT NULL,
    requester_key text NOT NULL,  -- the name as compared: NFKC, case folded, blanks squeezed
    opened_at     timestamptz NOT NULL,
    UNIQUE (cutover, gate, digest),
    UNIQUE (no, requester_key)
);
CREATE UNIQUE INDEX gate_one_pending ON journal.gate (cutover, gate) WHERE state = 'pending';

CREATE TABLE journal.decision (
    gate          bigint NOT NULL,
    seq           integer NOT NULL,
    name          text NOT NULL CHECK (name <> ''),
    name_key      text NOT NULL,
    requester_key text NOT NULL,
    decision      text NOT NULL CHECK (decision IN ('approve', 'reject')),
    reason        text NOT NULL,
    rehearsal     boolean NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (gate, seq),
    CONSTRAINT decision_once UNIQUE (gate, name_key),
    CONSTRAINT decision_of_gate FOREIGN KEY (gate, requester_key) REFERENCES journal.gate (no, requester_key),
    CONSTRAINT decision_not_own CHECK (name_key <> requester_key)
);
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.decision
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DECISION_APPEND_ONLY');

CREATE FUNCTION journal.gate_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    approvals integer;
    rejections integer;
BEGIN
    SELECT count(*) FILTER (WHERE decision = 'approve'), count(*) FILTER (WHERE decision = 'reject')
      INTO approvals, rejections FROM journal.decision WHERE gate = NEW.no;
    IF NEW.state = 'approved' AND (approvals < NEW.needed OR rejections > 0) THEN
        RAISE EXCEPTION 'GATE_NOT_APPROVED' USING ERRCODE = 'CU001';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER gate_approved BEFORE INSERT OR UPDATE ON journal.gate FOR EACH ROW
    WHEN (NEW.state = 'approved') EXECUTE FUNCTION journal.gate_step();
CREATE TRIGGER gate_final BEFORE UPDATE ON journal.gate FOR EACH ROW
    WHEN ((OLD.state IN ('approved', 'rejected') AND NEW.state <> OLD.state)
          OR (NEW.cutover, NEW.gate, NEW.round, NEW.digest, NEW.needed, NEW.requester, NEW.requester_key)
             IS DISTINCT FROM (OLD.cutover, OLD.gate, OLD.round, OLD.digest, OLD.needed, OLD.requester, OLD.requester_key))
    EXECUTE FUNCTION journal.refuse('GATE_FINAL');
CREATE TRIGGER gate_kept BEFORE DELETE OR TRUNCATE ON journal.gate
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('GATE_KEPT');

-- Batches: write-ahead intent (R3) ------------------------------------------------------------------------------------------
CREATE TABLE journal.batch (
    no                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cutover            integer NOT NULL REFERENCES journal.cutover,
    business_date      date NOT NULL,
    batch_no           text COLLATE "C" NOT NULL CHECK (batch_no ~ '^[0-9]{6}$' AND batch_no <> '000000'),
    stage              text NOT NULL CHECK (stage IN ('accounts', 'reopen', 'listings', 'debts')),
    round              integer NOT NULL CHECK (round >= 1),
    kind               text NOT NULL CHECK (kind IN ('person', 'company', 'listing', 'debt', 'authorisation')),
    sample             boolean NOT NULL,
    part               integer NOT NULL CHECK (part >= 1),
    rows               bigint NOT NULL CHECK (rows >= 1),
    sum_fen            bigint NOT NULL,
    state              text NOT NULL DEFAULT 'planned' CHECK (state IN
        ('planned', 'sealed', 'delivered', 'answered', 'applied', 'quarantined', 'unknown')),
    request_name       text NOT NULL DEFAULT '',
    request_sha256     text NOT NULL DEFAULT '',
    request_bytes      bigint NOT NULL DEFAULT 0,
    result_name        text NOT NULL DEFAULT '',
    result_sha256      text NOT NULL DEFAULT '',
    quarantined_sha256 text NOT NULL DEFAULT '',  -- of the last result refused
    delivered_at       timestamptz,
    gate               text NOT NULL,
    digest             text NOT NULL DEFAULT '',
    CONSTRAINT batch_number UNIQUE (cutover, business_date, batch_no),
    CONSTRAINT batch_sealed CHECK (state = 'planned' OR (request_name <> '' AND length(request_sha256) = 64)),
    CONSTRAINT batch_delivered CHECK (state IN ('planned', 'sealed') OR delivered_at IS NOT NULL),
    CONSTRAINT batch_applied CHECK (state NOT IN ('applied', 'unknown')
                                    OR (result_name <> '' AND length(result_sha256) = 64))
);
CREATE TRIGGER batch_order BEFORE UPDATE ON journal.batch FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('planned', 'sealed'), ('sealed', 'delivered'),
        ('delivered', 'answered'), ('delivered', 'quarantined'), ('delivered', 'applied'), ('delivered', 'unknown'),
        ('quarantined', 'answered'), ('quarantined', 'applied'), ('quarantined', 'unknown'),
        ('answered', 'quarantined'), ('answered', 'applied'), ('answered', 'unknown'),
        ('unknown', 'applied')))
    EXECUTE FUNCTION journal.refuse('BATCH_STATE');
CREATE TRIGGER batch_fixed BEFORE UPDATE ON journal.batch FOR EACH ROW
    WHEN ((NEW.cutover, NEW.business_date, NEW.batch_no, NEW.stage, NEW.round, NEW.kind, NEW.sample, NEW.part, NEW.rows,
           NEW.sum_fen, NEW.gate)
          IS DISTINCT FROM (OLD.cutover, OLD.business_date, OLD.batch_no, OLD.stage, OLD.round, OLD.kind, OLD.sample,
           OLD.part, OLD.rows, OLD.sum_fen, OLD.gate)
          OR (OLD.state <> 'planned' AND (NEW.request_name, NEW.request_sha256, NEW.request_bytes)
              IS DISTINCT FROM (OLD.request_name, OLD.request_sha256, OLD.request_bytes))
          OR (OLD.state IN ('applied', 'unknown') AND (NEW.result_name, NEW.result_sha256)
              IS DISTINCT FROM (OLD.result_name, OLD.result_sha256))
          OR (OLD.delivered_at IS NOT NULL AND (NEW.delivered_at, NEW.digest)
              IS DISTINCT FROM (OLD.delivered_at, OLD.digest)))
    EXECUTE FUNCTION journal.refuse('BATCH_FIXED');
CREATE TRIGGER batch_kept BEFORE DELETE ON journal.batch FOR EACH ROW
    WHEN (OLD.state NOT IN ('planned', 'sealed')) EXECUTE FUNCTION journal.refuse('BATCH_DELIVERED');
CREATE TRIGGER batch_not_truncated BEFORE TRUNCATE ON journal.batch
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('BATCH_DELIVERED');

CREATE TABLE journal.batch_content (
    batch   bigint NOT NULL REFERENCES journal.batch ON DELETE CASCADE,
    side    text NOT NULL CHECK (side IN ('request', 'result')),
    content bytea NOT NULL,
    sha256  text NOT NULL,
    PRIMARY KEY (batch, side),
    CONSTRAINT content_digest CHECK (encode(sha256(content), 'hex') = sha256)
);
ALTER TABLE journal.batch_content ALTER COLUMN content SET COMPRESSION pglz;
CREATE TRIGGER content_fixed BEFORE UPDATE ON journal.batch_content
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('CONTENT_FIXED');

-- Items: one row an attempt. No foreign key to the batch: it would cost a look-up a row, at five million rows longer
-- than the load itself; rows are only ever written and removed together with their batch --------------------------------
CREATE TABLE journal.item (
    batch         bigint NOT NULL,
    record_no     integer NOT NULL CHECK (record_no >= 1),
    cutover       integer NOT NULL,
    entity        text NOT NULL CHECK (entity IN ('users', 'listings', 'debts', 'authorisations')),
    key           text COLLATE "C" NOT NULL,
    amount_fen    bigint NOT NULL,
    row_digest    text,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ok', 'refused', 'unknown')),
    code          text,
    account_no    text,
    activated     boolean,
    authcode      text,
    result_record integer,
    PRIMARY KEY (batch, record_no),
    CONSTRAINT item_answered CHECK ((state = 'open') = (result_record IS NULL)),
    CONSTRAINT item_account CHECK (entity <> 'users' OR state <> 'ok' OR (account_no IS NOT NULL AND activated IS NOT NULL)),
    CONSTRAINT item_authcode CHECK (entity <> 'debts' OR state <> 'ok' OR authcode IS NOT NULL)
);
-- At most one attempt that is open, of unknown outcome or successful a key (R6, I4).
CREATE UNIQUE INDEX item_one_attempt ON journal.item (cutover, entity, key) WHERE state IN ('open', 'unknown', 'ok');
CREATE UNIQUE INDEX item_one_account ON journal.item (cutover, account_no) WHERE entity = 'users' AND state = 'ok';
CREATE UNIQUE INDEX item_one_authcode ON journal.item (cutover, authcode) WHERE entity = 'debts' AND state = 'ok';
CREATE INDEX item_refused ON journal.item (cutover, entity, key) WHERE state = 'refused';
CREATE TRIGGER item_final BEFORE UPDATE ON journal.item FOR EACH ROW
    WHEN (OLD.state IN ('ok', 'refused')
          OR (OLD.state = 'unknown' AND NEW.state NOT IN ('unknown', 'ok', 'refused'))
          OR NEW.batch <> OLD.batch OR NEW.record_no <> OLD.record_no OR NEW.cutover <> OLD.cutover
          OR NEW.entity <> OLD.entity OR NEW.key <> OLD.key OR NEW.amount_fen <> OLD.amount_fen
          OR NEW.row_digest IS DISTINCT FROM OLD.row_digest)
    EXECUTE FUNCTION journal.refuse('ITEM_FINAL');

CREATE FUNCTION journal.item_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM gone JOIN journal.batch b ON b.no = gone.batch WHERE b.state NOT IN ('planned', 'sealed')) THEN
        RAISE EXCEPTION 'BATCH_DELIVERED' USING ERRCODE = 'CU001';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER item_kept AFTER DELETE ON journal.item REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION journal.item_withdrawn();
CREATE TRIGGER item_not_truncated BEFORE TRUNCATE ON journal.item
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('BATCH_DELIVERED');

-- Exceptions, signatures, marks for sending again ---------------------------------------------------------------------------
CREATE TABLE journal.exception (
    cutover    integer NOT NULL REFERENCES journal.cutover,
    id         text NOT NULL CHECK (id ~ '^X[0-9a-f]{12}$'),
    entity     text NOT NULL CHECK (entity <> ''),
    key        text COLLATE "C" NOT NULL,
    code       text NOT NULL CHECK (code <> ''),
    state      text NOT NULL CHECK (state IN ('open', 'signed', 'mended')),
    amount_fen bigint,
    PRIMARY KEY (cutover, id),
    CONSTRAINT exception_subject UNIQUE (cutover, entity, key, code)
);
CREATE TRIGGER exception_order BEFORE UPDATE ON journal.exception FOR EACH ROW
    WHEN ((OLD.state = 'signed' AND NEW.state <> 'signed') OR (OLD.state = 'mended' AND NEW.state = 'signed')
          OR NEW.id <> OLD.id OR NEW.entity <> OLD.entity OR NEW.key <> OLD.key OR NEW.code <> OLD.code)
    EXECUTE FUNCTION journal.refuse('SIGNED_FINAL');
CREATE TRIGGER exception_kept BEFORE DELETE OR TRUNCATE ON journal.exception
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('EXCEPTION_KEPT');

CREATE TABLE journal.signature (
    cutover   integer NOT NULL,
    exception text NOT NULL,
    by        text NOT NULL CHECK (by <> ''),
    reason    text NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (cutover, exception),
    FOREIGN KEY (cutover, exception) REFERENCES journal.exception (cutover, id)
);
CREATE TRIGGER signature_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.signature
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('SIGNATURE_APPEND_ONLY');

CREATE TABLE journal.resend (
    cutover   integer NOT NULL,
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    exception text NOT NULL,
    entity    text NOT NULL CHECK (entity IN ('listings', 'debts')),
    key       text COLLATE "C" NOT NULL,
    after     bigint NOT NULL REFERENCES journal.batch,  -- the attempt that was refused
    by        text NOT NULL CHECK (by <> ''),
    reason    text NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (cutover, entity, key, after),
    FOREIGN KEY (cutover, exception) REFERENCES journal.exception (cutover, id)
);
CREATE TRIGGER resend_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.resend
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('RESEND_APPEND_ONLY');

-- Stages, checks, dispositions ----------------------------------------------------------------------------------------------
CREATE TABLE journal.stage (
    cutover    integer NOT NULL REFERENCES journal.cutover,
    stage      text NOT NULL CHECK (stage IN
        ('preflight', 'identities', 'accounts', 'reopen', 'listings', 'debts', 'rounds', 'residual', 'reconcile')),
    round      integer NOT NULL CHECK (round >= 1),
    seq        bigint NOT NULL,
    state      text NOT NULL CHECK (state IN ('running', 'done', 'closed', 'waiting')),
    totals     jsonb NOT NULL,
    reasons    jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    PRIMARY KEY (cutover, stage, round),
    UNIQUE (cutover, seq),
    CHECK ((state = 'running') = (ended_at IS NULL))
);

CREATE TABLE journal.check_result (
    cutover  integer NOT NULL REFERENCES journal.cutover,
    seq      bigint NOT NULL,
    stage    text NOT NULL,
    round    integer NOT NULL CHECK (round >= 1),
    at       timestamptz NOT NULL,
    rule_id  text NOT NULL,
    entity   text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'blocking')),
    clause   text NOT NULL,
    owner    text NOT NULL,
    blocks   text NOT NULL,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    outcome  text NOT NULL CHECK (outcome IN ('passed', 'failed', 'not_checked')),
    observed numeric(38, 0),
    expected numeric(38, 0),
    failures bigint NOT NULL CHECK (failures >= 0),
    keys     jsonb NOT NULL,
    PRIMARY KEY (cutover, seq)
);
CREATE TRIGGER check_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal.check_result
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('CHECK_APPEND_ONLY');

CREATE TABLE journal.disposition (
    cutover     integer NOT NULL,
    entity      text NOT NULL CHECK (entity <> ''),
    key         text COLLATE "C" NOT NULL,
    disposition text NOT NULL CHECK (disposition IN
        ('opened', 'merged', 'self_open', 'excepted', 'closed', 'registered', 'not_migrated', 'lapsed', 'available',
         'empty', 'pending', 'blocked')),
    reason      text,
    PRIMARY KEY (cutover, entity, key)
);
-- I7: an item never leaves a terminal disposition.
CREATE TRIGGER disposition_final BEFORE UPDATE ON journal.disposition FOR EACH ROW
    WHEN (OLD.disposition IN ('opened', 'excepted', 'registered', 'not_migrated') AND NEW.disposition <> OLD.disposition)
    EXECUTE FUNCTION journal.refuse('TERMINAL_CHANGED');
CREATE TRIGGER disposition_kept BEFORE DELETE OR TRUNCATE ON journal.disposition
    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse('DISPOSITION_KEPT');
