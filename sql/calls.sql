-- One row for each call that is known, folded from notifications, from lists
-- of calls and from the records that were read.
CREATE SEQUENCE IF NOT EXISTS callhook_store.reading_numbers;

-- Tenants whose records are to be read; others keep the ids alone.
CREATE TABLE IF NOT EXISTS callhook_store.readers (
    tenant_id uuid PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now()
);

-- The id comes first in the key, for calls are looked up by it. reading_no is
-- set while somebody reads the record, next_read_at is then the end of that
-- lease; and while pages are kept of a reading that stopped. wanted: something
-- new was heard since the reading began.
CREATE TABLE IF NOT EXISTS callhook_store.calls (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    first_notified_at timestamptz,
    last_notified_at timestamptz,
    notifications integer NOT NULL DEFAULT 0,
    filed_at timestamptz NOT NULL DEFAULT now(),
    listed_at timestamptz,
    listed_version bigint,
    started_at timestamptz,
    ended_at timestamptz,
    day date NOT NULL GENERATED ALWAYS AS (
        (coalesce(started_at, first_notified_at, filed_at)
            AT TIME ZONE 'UTC')::date) STORED,
    version bigint,
    record_state text NOT NULL DEFAULT 'none',
    read_at timestamptz,
    reading_no bigint,
    next_read_at timestamptz,
    wanted boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    error_status integer,
    error_code text,
    error_request_id text,
    PRIMARY KEY (call_id, tenant_id)
);
-- Each notification updates its call's row, within its page where that has
-- room. Four notifications of each of 100,000 calls: 0.4 % of the updates at
-- fillfactor 100, heap and indexes 61 MB; 66 % at 70, 45 MB; all at 50, 34 MB.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class
                   WHERE oid = 'callhook_store.calls'::regclass
                     AND 'fillfactor=50' = ANY (reloptions)) THEN
        ALTER TABLE callhook_store.calls SET (fillfactor = 50);
    END IF;
    IF to_regclass('callhook_store.calls_due') IS NULL THEN
        CREATE INDEX calls_due
            ON callhook_store.calls (tenant_id, next_read_at)
            WHERE next_read_at IS NOT NULL;
        CREATE INDEX calls_day
            ON callhook_store.calls USING brin (day)
            WITH (pages_per_range = 16, autosummarize = on);
    END IF;
    IF to_regclass('callhook_store.calls_lacking') IS NULL THEN
        CREATE INDEX calls_lacking ON callhook_store.calls (tenant_id)
            WHERE record_state IN ('waiting', 'failed', 'gone')
               OR record_state = 'stored' AND version < listed_version;
    END IF;
END
$$;

-- How far the notifications are folded. Every row with stored_at before
-- folded_to is folded; none with stored_at before final_to can appear any
-- more. Of the rows in between, those from before seen_to have been looked
-- for; what still came would be of the transactions that began at the times
-- late. slab: how much time the last batch spanned. unseen: the first
-- transaction whose rows the last folding could not see, of which rows (see
-- these_rows; null: they may have been written anew since).
CREATE TABLE IF NOT EXISTS callhook_store.fold_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    folded_to timestamptz,
    final_to timestamptz,
    asked_at timestamptz,
    asked_about text[],
    slab interval NOT NULL DEFAULT '1 day',
    margin interval NOT NULL DEFAULT '1 minute', -- a clock may be set back
    seen_to timestamptz NOT NULL DEFAULT '1970-01-01Z',
    late timestamptz[] NOT NULL DEFAULT '{}',
    unseen xid,
    unseen_of text
);

-- What is folded already of the rows that are not before folded_to.
CREATE TABLE IF NOT EXISTS callhook_store.folded (
    notification_id uuid PRIMARY KEY,
    stored_at timestamptz NOT NULL
);
DO $$
BEGIN
    IF to_regclass('callhook_store.folded_stored_at') IS NULL THEN
        CREATE INDEX folded_stored_at ON callhook_store.folded (stored_at);
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.fold_state'::regclass
          AND attname = 'late') THEN
        ALTER TABLE callhook_store.fold_state
            ADD COLUMN seen_to timestamptz NOT NULL DEFAULT '1970-01-01Z',
            ADD COLUMN late timestamptz[] NOT NULL DEFAULT '{}';
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.fold_state'::regclass
          AND attname = 'unseen') THEN
        ALTER TABLE callhook_store.fold_state
            ADD COLUMN unseen xid,
            ADD COLUMN unseen_of text;
    END IF;
    INSERT INTO callhook_store.fold_state (one)
    SELECT true WHERE NOT EXISTS (SELECT FROM callhook_store.fold_state);
    UPDATE callhook_store.fold_state SET folded_to = '1970-01-01Z'
    WHERE folded_to IS NULL;
END
$$;

-- Whoever may insert a notification, in this database, or become somebody who
-- may. (xact_start is the stored_at of all that the transaction inserts; it is
-- null where the owner of this function may not see it.)
CREATE OR REPLACE FUNCTION callhook_store.writers()
RETURNS TABLE (pid integer, virtualxid text, xact_start timestamptz)
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_stat_clear_snapshot();
    RETURN QUERY
    WITH writer AS MATERIALIZED (
        SELECT r.oid FROM pg_roles AS r
        WHERE has_any_column_privilege(
            r.oid, 'callhook_store.notifications'::regclass, 'INSERT')
    )
    SELECT l.pid, l.virtualxid, a.xact_start
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'virtualxid' AND l.granted
      AND l.pid <> pg_backend_pid() AND a.datname = current_database()
      AND EXISTS (SELECT FROM writer
                  WHERE pg_has_role(a.usesysid, writer.oid, 'MEMBER'));
END
$$;
COMMENT ON FUNCTION callhook_store.writers() IS
    'Open transactions that may have stored, or may store, notifications.';

-- A prepared transaction stores nothing more, but keeps its locks.
CREATE OR REPLACE FUNCTION callhook_store.are_rows_prepared()
RETURNS boolean
LANGUAGE sql
AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.pid IS NULL AND l.locktype = 'relation'
          AND l.mode = 'RowExclusiveLock'
          AND l.database = (SELECT oid FROM pg_database
                            WHERE datname = current_database())
          AND l.relation IN (SELECT relid FROM pg_partition_tree(
                                 'callhook_store.notifications')));
$$;
COMMENT ON FUNCTION callhook_store.are_rows_prepared() IS
    'Whether a prepared transaction has stored notifications.';

-- A row's stored_at is the time at which its transaction began, so a row may
-- appear long after others with a later time. Which times are final is found
-- without trusting any clock for longer than a margin: each transaction holds
-- a lock on its own number from its beginning until its rows can be seen.
-- Note the time, then the transactions that run; when all of these have
-- ended, no row from before that time can come. One that was prepared is
-- under another number: it is looked for after the others.
CREATE OR REPLACE FUNCTION callhook_store.advance_final()
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    about text[] := (SELECT asked_about FROM callhook_store.fold_state);
BEGIN
    FOR round IN 1..2 LOOP
        IF EXISTS (SELECT FROM pg_locks
                   WHERE locktype = 'virtualxid'
                     AND virtualxid = ANY (about))
           OR callhook_store.are_rows_prepared() THEN
            RETURN;
        END IF;
        UPDATE callhook_store.fold_state
        SET final_to = greatest(final_to, asked_at - margin),
            asked_at = clock_timestamp();
        about := ARRAY(SELECT virtualxid FROM callhook_store.writers());
        UPDATE callhook_store.fold_state SET asked_about = about;
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.advance_final() IS
    'Finds out up to when the rows of notifications are final.';

-- Transaction numbers mean nothing in another cluster, into which a dump was
-- restored.
CREATE OR REPLACE FUNCTION callhook_store.this_cluster()
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT system_identifier || ' ' || oid
            FROM pg_control_system(), pg_database
            WHERE datname = current_database());
END
$$;
COMMENT ON FUNCTION callhook_store.this_cluster() IS
    'Names this cluster and database.';

-- What is written anew (moved to its month, restored, rewritten by ALTER TABLE
-- or a tool that packs tables) is of a new transaction, and in other files.
CREATE OR REPLACE FUNCTION callhook_store.these_rows()
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN callhook_store.this_cluster() || ' ' || (
        SELECT md5(string_agg(concat_ws(' ', inhrelid,
                                        pg_relation_filenode(inhrelid)), ' '
                              ORDER BY inhrelid))
        FROM pg_inherits
        WHERE inhparent = 'callhook_store.notifications'::regclass);
END
$$;
COMMENT ON FUNCTION callhook_store.these_rows() IS
    'Another text once notifications may have other transactions than they '
    'were stored by.';

-- A clock that went back by more than the margin (it was ahead, or another
-- server has taken over) dates new rows to a time that is final: they would
-- never be looked for. They are of transactions that the last folding could not
-- see, and not long before: a cron of each minute or one of each hour has run
-- meanwhile. All begins anew from the first of them, and if the clock itself is
-- there, from now on; what was folded of that time is noted row by row.
CREATE OR REPLACE FUNCTION callhook_store.heed_clock()
RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off -- the block range index, whatever statistics say
AS $$
DECLARE
    s callhook_store.fold_state := (SELECT f FROM callhook_store.fold_state AS f);
    at constant timestamptz := clock_timestamp();
    is_behind constant boolean :=
        at < greatest(s.folded_to, s.final_to, s.asked_at - s.margin);
    unseen constant xid := CASE WHEN s.unseen_of = callhook_store.these_rows()
                                THEN s.unseen END;
    low timestamptz;
BEGIN
    SELECT min(n.stored_at) INTO low FROM callhook_store.notifications AS n
    WHERE n.stored_at >= CASE
            WHEN is_behind THEN at - interval '1 day'
            WHEN at - s.asked_at > interval '5 minutes'
                THEN s.folded_to - interval '1 hour'
            ELSE s.folded_to - interval '5 minutes' END
      AND n.stored_at < s.folded_to AND age(n.xmin) <= age(unseen);
    IF low IS NULL AND NOT is_behind THEN
        RETURN;
    END IF;
    low := least(s.folded_to, low, CASE WHEN is_behind THEN at - s.margin END,
        (SELECT min(w.xact_start) FROM callhook_store.writers() AS w));
    INSERT INTO callhook_store.folded
    SELECT n.notification_id, n.stored_at
    FROM callhook_store.notifications AS n
    WHERE n.stored_at >= low AND n.stored_at < s.folded_to
      AND coalesce(age(n.xmin) > age(unseen), true)
    ON CONFLICT DO NOTHING;
    UPDATE callhook_store.fold_state AS f
    SET folded_to = low, seen_to = least(f.seen_to, low),
        final_to = CASE WHEN f.final_to > low THEN low ELSE f.final_to END,
        asked_at = NULL, asked_about = NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.heed_clock() IS
    'Begins folding anew from an earlier time if the clock has gone back.';

-- The end of the next slab, of at most a batch of rows. Rows that share one
-- stored_at cannot be parted. (Times end before widths do.)
DROP FUNCTION IF EXISTS callhook_store.slab_end(
    timestamptz, timestamptz, interval, integer);
CREATE OR REPLACE FUNCTION callhook_store.next_slab(
    begins timestamptz, ends timestamptz, width interval, batch integer,
    OUT upper timestamptz, OUT length bigint)
LANGUAGE plpgsql
SET enable_seqscan = off -- the block range index, whatever statistics say
AS $$
BEGIN
    upper := least(begins + least(width, interval '100 years'), ends);
    LOOP
        SELECT count(*) INTO length
        FROM (SELECT FROM callhook_store.notifications
              WHERE stored_at >= begins AND stored_at < upper
              LIMIT batch + 1) AS rows;
        EXIT WHEN length <= batch OR upper - begins <= interval '1 ms';
        upper := begins + (upper - begins) / 2;
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.next_slab(
    timestamptz, timestamptz, interval, integer) IS
    'How far a batch of rows reaches from a time on, and how many there are.';

-- Calls whose records are kept by Graph no longer are not asked for: it keeps
-- them for 30 days. heard: when the last came by the database's clock, for a
-- receiver's may be wrong by years.
DROP FUNCTION IF EXISTS callhook_store.fold_into_calls(
    uuid[], uuid[], timestamptz[], timestamptz[], integer[]);
CREATE OR REPLACE FUNCTION callhook_store.fold_into_calls(
    tenants uuid[], calls uuid[], firsts timestamptz[], lasts timestamptz[],
    heard timestamptz[], counts integer[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.calls AS c (
        tenant_id, call_id, first_notified_at, last_notified_at,
        notifications, record_state, next_read_at)
    SELECT n.tenant_id, n.call_id, n.first_at, n.last_at, n.notifications,
           CASE WHEN due THEN 'waiting' ELSE 'none' END,
           CASE WHEN due THEN now() END
    FROM unnest(tenants, calls, firsts, lasts, heard, counts)
             AS n (tenant_id, call_id, first_at, last_at, heard_at,
                   notifications)
    LEFT JOIN callhook_store.readers AS r USING (tenant_id)
    CROSS JOIN LATERAL (
        SELECT r.tenant_id IS NOT NULL
               AND greatest(n.last_at, n.heard_at)
                   > now() - interval '30 days') AS d (due)
    ORDER BY n.call_id, n.tenant_id
    ON CONFLICT (call_id, tenant_id) DO UPDATE SET
        first_notified_at =
            least(c.first_notified_at, excluded.first_notified_at),
        last_notified_at =
            greatest(c.last_notified_at, excluded.last_notified_at),
        notifications = c.notifications + excluded.notifications,
        wanted = c.wanted OR excluded.next_read_at IS NOT NULL,
        record_state = CASE
            WHEN c.record_state = 'stored' THEN 'stored'
            WHEN excluded.next_read_at IS NOT NULL THEN 'waiting'
            ELSE c.record_state END,
        -- One that is due stays so: the row needs no new entry in an index.
        next_read_at = CASE
            WHEN c.reading_no IS NULL AND excluded.next_read_at IS NOT NULL
                THEN least(c.next_read_at, excluded.next_read_at)
            ELSE c.next_read_at END;
$$;
COMMENT ON FUNCTION callhook_store.fold_into_calls(
    uuid[], uuid[], timestamptz[], timestamptz[], timestamptz[], integer[]) IS
    'Adds notifications, counted by call, to the calls.';

-- Folds the rows of [begins, ends) that are not folded yet: all of them if
-- they are final; if not, at most so many.
DROP FUNCTION IF EXISTS callhook_store.fold_slab(
    timestamptz, timestamptz, integer, boolean);
CREATE OR REPLACE FUNCTION callhook_store.fold_slab(
    begins timestamptz, ends timestamptz, most bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
DECLARE
    final constant boolean := most IS NULL;
    taken record;
BEGIN
    WITH fresh AS (
        SELECT notification_id, tenant_id, call_id, received_at, stored_at,
               lifecycle_event IS NULL AS is_change
        FROM callhook_store.notifications AS n
        WHERE stored_at >= begins AND stored_at < ends
          AND call_id IS DISTINCT FROM '00000000-0000-0000-0000-000000000000'
          AND NOT EXISTS (SELECT FROM callhook_store.folded AS f
                          WHERE f.notification_id = n.notification_id)
        LIMIT most
    ), noted AS (
        INSERT INTO callhook_store.folded
        SELECT notification_id, stored_at FROM fresh WHERE NOT final
    ), counted AS (
        SELECT tenant_id, call_id, min(received_at) AS first_at,
               max(received_at) AS last_at, max(stored_at) AS heard_at,
               count(*)::integer AS notifications
        FROM fresh WHERE call_id IS NOT NULL GROUP BY call_id, tenant_id
    ), hourly AS MATERIALIZED (
        SELECT callhook_store.add_to_hours(
                   array_agg(tenant_id), array_agg(received_at),
                   array_agg(is_change)), count(*) AS total
        FROM fresh
    ), arrays AS (
        SELECT array_agg(tenant_id) AS tenants, array_agg(call_id) AS calls,
               array_agg(first_at) AS firsts, array_agg(last_at) AS lasts,
               array_agg(heard_at) AS heard,
               array_agg(notifications) AS counts
        FROM counted
    )
    SELECT total, callhook_store.fold_into_calls(
                      tenants, calls, firsts, lasts, heard, counts)
    INTO taken FROM arrays, hourly;
    IF final THEN
        DELETE FROM callhook_store.folded WHERE stored_at < ends;
    END IF;
    RETURN taken.total;
END
$$;
COMMENT ON FUNCTION callhook_store.fold_slab(
    timestamptz, timestamptz, bigint) IS
    'Folds the notifications stored within a span of time.';

-- Each row is counted once, in whatever order transactions commit: rows with
-- a final time are folded by spans of time, younger ones at once too, by id.
-- However long a transaction holds up what is final, a row is looked at twice,
-- at once and in the end; and no statement looks at more than some batches.
CREATE OR REPLACE FUNCTION callhook_store.fold_notifications(
    batch integer DEFAULT 50000)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    state callhook_store.fold_state;
    begun constant timestamptz := clock_timestamp();
    open_since timestamptz[];
    rows_here text;
    next_transaction xid;
    low timestamptz;
    slab record;
    taken bigint := 0;
    looked bigint := 0;
BEGIN
    -- Each statement must see what ended before the one before it.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'fold_notifications needs the isolation level read committed';
    END IF;
    PERFORM FROM callhook_store.fold_state FOR UPDATE;
    PERFORM callhook_store.heed_clock();
    PERFORM callhook_store.advance_final();
    -- What is final has ended: it is not among those that are unseen.
    rows_here := callhook_store.these_rows();
    next_transaction := (pg_snapshot_xmax(pg_current_snapshot())::text::bigint
                         & 4294967295)::text::xid;
    SELECT * INTO state FROM callhook_store.fold_state;
    open_since := ARRAY(SELECT w.xact_start FROM callhook_store.writers() AS w
                  WHERE w.xact_start < begun - state.margin);
    WHILE state.folded_to < state.final_to AND taken < batch
          AND looked < 10 * batch
          AND clock_timestamp() < begun + interval '4 s' LOOP
        slab := callhook_store.next_slab(state.folded_to, state.final_to,
                                         state.slab * 2, batch);
        taken := taken + callhook_store.fold_slab(state.folded_to,
                                                  slab.upper);
        looked := looked + slab.length;
        state.slab := greatest(slab.upper - state.folded_to, interval '1 ms');
        state.folded_to := slab.upper;
    END LOOP;
    FOREACH low IN ARRAY state.late LOOP
        CONTINUE WHEN low < state.folded_to; -- it was final
        taken := taken + callhook_store.fold_slab(
            low, low + interval '1 us', greatest(batch - taken, 0));
    END LOOP;
    low := greatest(state.seen_to, state.folded_to);
    WHILE low < begun AND taken < batch AND looked < 10 * batch
          AND clock_timestamp() < begun + interval '8 s' LOOP
        slab := callhook_store.next_slab(low, 'infinity', state.slab * 2,
                                         batch);
        taken := taken + callhook_store.fold_slab(low, slab.upper,
                                                  batch - taken);
        looked := looked + slab.length;
        state.slab := greatest(least(slab.upper, begun) - low,
                               interval '1 ms');
        IF taken < batch THEN
            low := slab.upper;
        END IF;
    END LOOP;
    -- A clock that was set back has left rows of times to come.
    IF low >= begun AND taken < batch THEN
        taken := taken + callhook_store.fold_slab(low, 'infinity',
                                                  batch - taken);
    END IF;
    UPDATE callhook_store.fold_state AS s
    SET folded_to = state.folded_to, slab = state.slab,
        unseen = next_transaction, unseen_of = rows_here,
        seen_to = greatest(s.seen_to, least(low, begun - s.margin)),
        late = ARRAY(SELECT unnest(open_since)
                     UNION
                     SELECT unnest(s.late) WHERE taken >= batch);
    RETURN taken;
END
$$;
COMMENT ON FUNCTION callhook_store.fold_notifications(integer) IS
    'Folds new notifications into calls, about batch of them; how many. Call '
    'it until it returns less than batch.';

CREATE OR REPLACE VIEW callhook.calls AS
SELECT nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       c.call_id,
       c.first_notified_at,
       c.last_notified_at,
       c.notifications,
       CASE WHEN c.notifications > 0 THEN 'notification' ELSE 'list' END
           AS source,
       r.version,
       r.type,
       c.started_at,
       c.ended_at,
       floor(date_part('epoch', c.ended_at - c.started_at))::bigint
           AS duration_seconds,
       coalesce(r.organizer_identity_id, r.organizer_id) AS organizer_id,
       r.organizer_identity_name AS organizer_name,
       r.participants,
       r.sessions,
       c.record_state,
       nullif(concat_ws(' ', c.error_status, c.error_code,
                        'request-id ' || c.error_request_id,
                        CASE WHEN c.error_status IS NOT NULL
                               OR c.error_code IS NOT NULL
                             THEN format('(%s attempts)', c.attempts) END), '')
           AS record_error,
       c.day
FROM callhook_store.calls AS c
LEFT JOIN callhook_store.call_records AS r USING (call_id, tenant_id);

COMMENT ON VIEW callhook.calls IS
    'Every call that is known, one row each.';
COMMENT ON COLUMN callhook.calls.tenant_id IS 'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.calls.call_id IS 'The call record''s id.';
COMMENT ON COLUMN callhook.calls.first_notified_at IS
    'When the first notification came; null if none did.';
COMMENT ON COLUMN callhook.calls.last_notified_at IS
    'When the last notification came.';
COMMENT ON COLUMN callhook.calls.notifications IS
    'How many notifications came. Graph repeats itself.';
COMMENT ON COLUMN callhook.calls.source IS
    'notification; or list, while only a list of calls at Graph told of it.';
COMMENT ON COLUMN callhook.calls.version IS
    'The version of the record that is stored.';
COMMENT ON COLUMN callhook.calls.type IS 'peerToPeer or groupCall.';
COMMENT ON COLUMN callhook.calls.started_at IS
    'When the call began, as its record or a list of calls says.';
COMMENT ON COLUMN callhook.calls.ended_at IS 'When the call ended.';
COMMENT ON COLUMN callhook.calls.duration_seconds IS
    'Whole seconds from the beginning to the end.';
COMMENT ON COLUMN callhook.calls.organizer_id IS
    'The organizer: Graph''s id, or a phone''s number.';
COMMENT ON COLUMN callhook.calls.organizer_name IS
    'The organizer: the name shown.';
COMMENT ON COLUMN callhook.calls.participants IS
    'How many participants the record has.';
COMMENT ON COLUMN callhook.calls.sessions IS
    'How many sessions the record has.';
COMMENT ON COLUMN callhook.calls.record_state IS
    'none: not to be read; waiting; stored; gone: Graph has it no longer; '
    'failed.';
COMMENT ON COLUMN callhook.calls.record_error IS
    'Why the last reading failed: HTTP status, code, Graph''s request-id, '
    'attempts.';
COMMENT ON COLUMN callhook.calls.day IS
    'The UTC date on which it began, or was first heard of while no record '
    'nor list has said that.';
