-- The withdrawals of residual balances (reliability.md "Withdrawal service"). Money is bigint fen.
-- One account an old escrow account: opening = left + in transit + paid, at every commit (I1). CU001 marks a refusal whose message is
-- a stable code. The service works as the role cutover_withdrawals and sees only the rows of the user it serves.

CREATE SCHEMA IF NOT EXISTS withdrawals;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cutover_withdrawals') THEN
        CREATE ROLE cutover_withdrawals NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- made by another database's set-up at the same time
END
$$;

CREATE FUNCTION withdrawals.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'CU001';
END
$$;

CREATE TABLE withdrawals.account (
    escrow_id      text PRIMARY KEY,
    user_id        text NOT NULL,  -- who is entitled: the kept user
    legacy_user_id text NOT NULL,
    card           text NOT NULL,  -- bound at the legacy escrow; the only one it pays to (同卡进出); '' = none
    bank           text NOT NULL,
    opening_fen    bigint NOT NULL CHECK (opening_fen >= 0),
    frozen_fen     bigint NOT NULL CHECK (frozen_fen >= 0),  -- not withdrawable, beside the opening
    left_fen       bigint NOT NULL CHECK (left_fen >= 0),
    in_transit_fen bigint NOT NULL DEFAULT 0 CHECK (in_transit_fen >= 0),
    paid_fen       bigint NOT NULL DEFAULT 0 CHECK (paid_fen >= 0),
    CONSTRAINT account_closes CHECK (opening_fen = left_fen + in_transit_fen + paid_fen)
);
CREATE INDEX account_user ON withdrawals.account (user_id);
CREATE TRIGGER account_fixed BEFORE UPDATE ON withdrawals.account FOR EACH ROW
    WHEN ((NEW.escrow_id, NEW.user_id, NEW.legacy_user_id, NEW.card, NEW.opening_fen)
          IS DISTINCT FROM (OLD.escrow_id, OLD.user_id, OLD.legacy_user_id, OLD.card, OLD.opening_fen))
    EXECUTE FUNCTION withdrawals.refuse('ACCOUNT_FIXED');

-- The custody side of a user: his account there and whether he has bound a card.
CREATE TABLE withdrawals.holder (
    user_id    text PRIMARY KEY,
    account_no text NOT NULL,  -- '' = none opened yet
    activated  boolean NOT NULL
);

CREATE TABLE withdrawals.withdrawal (
    id           uuid PRIMARY KEY,
    user_id      text NOT NULL,
    escrow_id    text NOT NULL REFERENCES withdrawals.account,
    amount_fen   bigint NOT NULL CHECK (amount_fen > 0),
    fee_fen      bigint NOT NULL CHECK (fee_fen >= 0),
    free_month   date,  -- the month whose free withdrawal it used, its first day
    route        text NOT NULL CHECK (route IN ('super_network', 'large_value')),
    settles_on   date NOT NULL,
    state        text NOT NULL DEFAULT 'requested'
                 CHECK (state IN ('requested', 'in_transit', 'paid', 'returned', 'reversed')),
    reason       text NOT NULL DEFAULT '',  -- why it came back, a code
    requested_at timestamptz NOT NULL,
    arrives_by   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX withdrawal_one_open ON withdrawals.withdrawal (escrow_id) WHERE state IN ('requested', 'in_transit');
CREATE INDEX withdrawal_user ON withdrawals.withdrawal (user_id, requested_at DESC);
CREATE TRIGGER withdrawal_order BEFORE UPDATE ON withdrawals.withdrawal FOR EACH ROW
    WHEN ((NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
              ('requested', 'in_transit'), ('requested', 'returned'), ('in_transit', 'paid'), ('in_transit', 'returned'), ('paid', 'reversed')))
          OR (NEW.id, NEW.user_id, NEW.escrow_id, NEW.amount_fen, NEW.fee_fen, NEW.route, NEW.requested_at)
             IS DISTINCT FROM (OLD.id, OLD.user_id, OLD.escrow_id, OLD.amount_fen, OLD.fee_fen, OLD.route, OLD.requested_at))
    EXECUTE FUNCTION withdrawals.refuse('WITHDRAWAL_ORDER');
CREATE TRIGGER withdrawal_kept BEFORE DELETE OR TRUNCATE ON withdrawals.withdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION withdrawals.refuse('WITHDRAWAL_KEPT');

-- Idempotency, kept for ever: what a key was answered with, a withdrawal or a refusal.
CREATE TABLE withdrawals.answer (
    user_id     text NOT NULL,
    key         text NOT NULL CHECK (key <> '' AND length(key) <= 200),
    body_sha256 text NOT NULL CHECK (length(body_sha256) = 64),
    withdrawal  uuid UNIQUE REFERENCES withdrawals.withdrawal,
    refusal     jsonb,
    at          timestamptz NOT NULL,
    CONSTRAINT answer_once PRIMARY KEY (user_id, key),
    CHECK ((withdrawal IS NULL) <> (refusal IS NULL))
);
CREATE TRIGGER answer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawals.answer
    FOR EACH STATEMENT EXECUTE FUNCTION withdrawals.refuse('ANSWER_APPEND_ONLY');

-- What the sender has to do; written in the transaction that reserves the money. A lease is held by a fence: an older holder's
-- writes are refused.
CREATE TABLE withdrawals.outbox (
    withdrawal  uuid PRIMARY KEY REFERENCES withdrawals.withdrawal,
    due_at      timestamptz NOT NULL,
    lease_until timestamptz,
    fence       bigint NOT NULL DEFAULT 0,
    submitted_at timestamptz,          -- the write-ahead intent of the one call that moves money
    not_found   integer NOT NULL DEFAULT 0,
    not_found_at timestamptz,          -- when the escrow last said so
    trouble     text NOT NULL DEFAULT ''  -- why a person must look at it, a code
);
CREATE INDEX outbox_due ON withdrawals.outbox (due_at);

-- Append-only: what moved, each account's book.
CREATE TABLE withdrawals.movement (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    escrow_id  text NOT NULL REFERENCES withdrawals.account,
    withdrawal uuid,
    kind       text NOT NULL CHECK (kind IN ('opening', 'reserved', 'paid', 'returned', 'reversed')),
    fen        bigint NOT NULL CHECK (fen >= 0),
    at         timestamptz NOT NULL,
    UNIQUE (withdrawal, kind)
);
CREATE INDEX movement_account ON withdrawals.movement (escrow_id, seq);
CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawals.movement
    FOR EACH STATEMENT EXECUTE FUNCTION withdrawals.refuse('MOVEMENT_APPEND_ONLY');

CREATE TABLE withdrawals.free_use (
    user_id text NOT NULL,
    month   date NOT NULL,
    used    integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (user_id, month)
);
CREATE TABLE withdrawals.large_use (
    user_id    text NOT NULL,
    settles_on date NOT NULL,
    fen        bigint NOT NULL CHECK (fen >= 0),
    PRIMARY KEY (user_id, settles_on)
);
CREATE TABLE withdrawals.outflow (
    day date PRIMARY KEY,
    fen bigint NOT NULL CHECK (fen >= 0)
);
CREATE TABLE withdrawals.control (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stopped boolean NOT NULL,
    by      text NOT NULL CHECK (by <> ''),
    reason  text NOT NULL CHECK (reason <> ''),
    at      timestamptz NOT NULL
);
CREATE TRIGGER control_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawals.control
    FOR EACH STATEMENT EXECUTE FUNCTION withdrawals.refuse('CONTROL_APPEND_ONLY');
CREATE TABLE withdrawals.release (
    withdrawal uuid NOT NULL REFERENCES withdrawals.withdrawal,
    by         text NOT NULL CHECK (by <> ''),
    reason     text NOT NULL CHECK (reason <> ''),
    at         timestamptz NOT NULL,
    PRIMARY KEY (withdrawal, by)
);
CREATE TRIGGER release_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawals.release
    FOR EACH STATEMENT EXECUTE FUNCTION withdrawals.refuse('RELEASE_APPEND_ONLY');
CREATE TABLE withdrawals.reversal_day (
    day    date PRIMARY KEY,
    sha256 text NOT NULL,
    rows   integer NOT NULL,
    at     timestamptz NOT NULL
);

-- Reserve the money and write the order to pay it, in one transaction. Every refusal is an error, so that nothing stays.
-- `fee` is what it costs when no free one is left.
CREATE FUNCTION withdrawals.reserve(
    p_id uuid, p_user text, p_escrow text, p_amount bigint, p_fee bigint, p_free integer, p_month date, p_day date, p_cap bigint,
    p_route text, p_settles_on date, p_large_limit bigint, p_arrives_by timestamptz, p_key text, p_body text, p_at timestamptz
) RETURNS withdrawals.withdrawal LANGUAGE plpgsql AS $$
DECLARE
    made withdrawals.withdrawal;
    v_fee bigint := p_fee;
    v_month date := NULL;
BEGIN
    PERFORM FROM withdrawals.answer WHERE user_id = p_user AND key = p_key;
    IF FOUND THEN
        RAISE EXCEPTION 'answered' USING ERRCODE = 'CU001';
    END IF;
    IF (SELECT stopped FROM withdrawals.control ORDER BY seq DESC LIMIT 1) THEN
        RAISE EXCEPTION 'WITHDRAWALS_STOPPED' USING ERRCODE = 'CU001';
    END IF;
    IF p_free > 0 THEN
        INSERT INTO withdrawals.free_use AS u VALUES (p_user, p_month, 1)
            ON CONFLICT (user_id, month) DO UPDATE SET used = u.used + 1 WHERE u.used < p_free;
        IF FOUND THEN
            v_fee := 0;
            v_month := p_month;
        END IF;
    END IF;
    UPDATE withdrawals.account
       SET left_fen = left_fen - p_amount - v_fee, in_transit_fen = in_transit_fen + p_amount + v_fee
     WHERE escrow_id = p_escrow AND user_id = p_user AND card <> '' AND left_fen >= p_amount + v_fee;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM withdrawals.withdrawal WHERE escrow_id = p_escrow AND state IN ('requested', 'in_transit')) THEN
            RAISE EXCEPTION 'WITHDRAWAL_OPEN' USING ERRCODE = 'CU001';
        END IF;
        RAISE EXCEPTION 'BALANCE_TOO_SMALL' USING ERRCODE = 'CU001';
    END IF;
    INSERT INTO withdrawals.withdrawal (id, user_id, escrow_id, amount_fen, fee_fen, free_month, route, settles_on, requested_at,
                                        arrives_by, changed_at)
        VALUES (p_id, p_user, p_escrow, p_amount, v_fee, v_month, p_route, p_settles_on, p_at, p_arrives_by, p_at)
        RETURNING * INTO made;
    INSERT INTO withdrawals.answer (user_id, key, body_sha256, withdrawal, at) VALUES (p_user, p_key, p_body, p_id, p_at);
    INSERT INTO withdrawals.outbox (withdrawal, due_at) VALUES (p_id, p_at);
    INSERT INTO withdrawals.movement (escrow_id, withdrawal, kind, fen, at)
        VALUES (p_escrow, p_id, 'reserved', p_amount + v_fee, p_at);
    IF p_route = 'large_value' THEN
        INSERT INTO withdrawals.large_use AS l VALUES (p_user, p_settles_on, p_amount)
            ON CONFLICT (user_id, settles_on) DO UPDATE SET fen = l.fen + p_amount WHERE l.fen + p_amount <= p_large_limit;
        IF NOT FOUND OR p_amount > p_large_limit THEN
            RAISE EXCEPTION 'LARGE_VALUE_LIMIT' USING ERRCODE = 'CU001';
        END IF;
    END IF;
    IF p_cap > 0 THEN  -- last: this row is everybody's
        INSERT INTO withdrawals.outflow AS o VALUES (p_day, p_amount + v_fee)
            ON CONFLICT (day) DO UPDATE SET fen = o.fen + p_amount + v_fee WHERE o.fen + p_amount + v_fee <= p_cap;
        IF NOT FOUND OR p_amount + v_fee > p_cap THEN
            RAISE EXCEPTION 'DAILY_CAP' USING ERRCODE = 'CU001';
        END IF;
    END IF;
    RETURN made;
END
$$;

-- Several of them in one transaction, so that they share its commit. Each is made or refused by itself, in the name of its own user;
-- `refusal` is '' or the code, or the unique constraint that was in the way. Whatever else goes wrong undoes all of them.
CREATE FUNCTION withdrawals.reserve_together(
    p_id uuid[], p_user text[], p_escrow text[], p_amount bigint[], p_fee bigint[], p_month date[], p_day date[], p_route text[],
    p_settles_on date[], p_arrives_by timestamptz[], p_key text[], p_body text[], p_at timestamptz[], p_free integer, p_cap bigint,
    p_large_limit bigint
) RETURNS TABLE (place integer, refusal text, made withdrawals.withdrawal) LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(p_id) > 1 THEN  -- nobody waits long for a lock that only another one needs
        PERFORM set_config('lock_timeout', '500ms', true);
    END IF;
    FOR i IN 1 .. cardinality(p_id) LOOP
        PERFORM set_config('withdrawals.user_id', p_user[i], true);
        place := i;
        refusal := '';
        made := NULL;
        BEGIN
            made := withdrawals.reserve(
                p_id[i], p_user[i], p_escrow[i], p_amount[i], p_fee[i], p_free, p_month[i], p_day[i], p_cap, p_route[i], p_settles_on[i],
                p_large_limit, p_arrives_by[i], p_key[i], p_body[i], p_at[i]);
        EXCEPTION
            WHEN SQLSTATE 'CU001' THEN refusal := SQLERRM;
            WHEN unique_violation THEN GET STACKED DIAGNOSTICS refusal = CONSTRAINT_NAME;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;

-- How a withdrawal ended: money and state move together, once. Returns false when it had ended so before.
CREATE FUNCTION withdrawals.finish(p_id uuid, p_state text, p_reason text, p_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    w withdrawals.withdrawal;
    total bigint;
BEGIN
    SELECT * INTO STRICT w FROM withdrawals.withdrawal WHERE id = p_id;
    -- Locked in the order of reserve: free one, account, withdrawal. Then the two never wait for each other.
    IF p_state <> 'paid' THEN
        PERFORM FROM withdrawals.free_use WHERE user_id = w.user_id AND month = w.free_month FOR UPDATE;
    END IF;
    PERFORM FROM withdrawals.account WHERE escrow_id = w.escrow_id FOR UPDATE;
    SELECT * INTO STRICT w FROM withdrawals.withdrawal WHERE id = p_id FOR UPDATE;
    IF w.state = p_state THEN
        RETURN false;
    END IF;
    total := w.amount_fen + w.fee_fen;
    UPDATE withdrawals.withdrawal SET state = p_state, reason = p_reason, changed_at = p_at WHERE id = p_id;
    IF p_state = 'paid' THEN
        UPDATE withdrawals.account SET in_transit_fen = in_transit_fen - total, paid_fen = paid_fen + total
         WHERE escrow_id = w.escrow_id;
    ELSIF p_state = 'returned' THEN
        UPDATE withdrawals.account SET in_transit_fen = in_transit_fen - total, left_fen = left_fen + total
         WHERE escrow_id = w.escrow_id;
    ELSIF p_state = 'reversed' THEN
        UPDATE withdrawals.account SET paid_fen = paid_fen - total, left_fen = left_fen + total WHERE escrow_id = w.escrow_id;
    ELSE
        RAISE EXCEPTION 'WITHDRAWAL_ORDER' USING ERRCODE = 'CU001';
    END IF;
    IF p_state <> 'paid' THEN  -- what did not leave costs nothing and uses nothing up
        UPDATE withdrawals.free_use SET used = used - 1 WHERE user_id = w.user_id AND month = w.free_month;
        UPDATE withdrawals.large_use SET fen = fen - w.amount_fen
         WHERE w.route = 'large_value' AND user_id = w.user_id AND settles_on = w.settles_on;
    END IF;
    DELETE FROM withdrawals.outbox WHERE withdrawal = p_id;
    INSERT INTO withdrawals.movement (escrow_id, withdrawal, kind, fen, at) VALUES (w.escrow_id, p_id, p_state, total, p_at);
    RETURN true;
END
$$;

ALTER TABLE withdrawals.account ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_account ON withdrawals.account TO cutover_withdrawals
    USING (user_id = current_setting('withdrawals.user_id', true));
ALTER TABLE withdrawals.withdrawal ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_withdrawal ON withdrawals.withdrawal TO cutover_withdrawals
    USING (user_id = current_setting('withdrawals.user_id', true));
ALTER TABLE withdrawals.holder ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_holder ON withdrawals.holder TO cutover_withdrawals
    USING (user_id = current_setting('withdrawals.user_id', true));
ALTER TABLE withdrawals.answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_answer ON withdrawals.answer TO cutover_withdrawals
    USING (user_id = current_setting('withdrawals.user_id', true));
ALTER TABLE withdrawals.free_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_free_use ON withdrawals.free_use TO cutover_withdrawals
    USING (user_id = current_setting('withdrawals.user_id', true));
ALTER TABLE withdrawals.large_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_large_use ON withdrawals.large_use TO cutover_withdrawals
    USING (user_id = current_setting('withdrawals.user_id', true));

REVOKE ALL ON FUNCTION withdrawals.finish, withdrawals.reserve, withdrawals.reserve_together FROM PUBLIC;
GRANT EXECUTE ON FUNCTION withdrawals.reserve, withdrawals.reserve_together TO cutover_withdrawals;
GRANT USAGE ON SCHEMA withdrawals TO cutover_withdrawals;
GRANT SELECT ON withdrawals.account, withdrawals.holder, withdrawals.withdrawal, withdrawals.answer, withdrawals.free_use, withdrawals.large_use, withdrawals.control,
    withdrawals.outflow TO cutover_withdrawals;
GRANT UPDATE (left_fen, in_transit_fen) ON withdrawals.account TO cutover_withdrawals;
GRANT INSERT ON withdrawals.withdrawal, withdrawals.answer, withdrawals.outbox, withdrawals.movement TO cutover_withdrawals;
GRANT INSERT, UPDATE ON withdrawals.free_use, withdrawals.large_use, withdrawals.outflow TO cutover_withdrawals;

-- Who writes reports and passports reads sums, states and movements, no owner and no card; nothing when the role is not there (adr/0010).
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'cutover_reporter') THEN
        GRANT USAGE ON SCHEMA withdrawals TO cutover_reporter;
        GRANT SELECT (escrow_id, opening_fen, left_fen, in_transit_fen, paid_fen, frozen_fen) ON withdrawals.account TO cutover_reporter;
        GRANT SELECT (id, escrow_id, amount_fen, fee_fen, free_month, state, reason, requested_at, changed_at)
            ON withdrawals.withdrawal TO cutover_reporter;
        GRANT SELECT ON withdrawals.movement TO cutover_reporter;
        CREATE POLICY reported_account ON withdrawals.account FOR SELECT TO cutover_reporter USING (true);
        CREATE POLICY reported_withdrawal ON withdrawals.withdrawal FOR SELECT TO cutover_reporter USING (true);
    END IF;
END
$$;
