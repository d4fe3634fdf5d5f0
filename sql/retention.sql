-- Old rows go in batches, so that nobody waits for long. A receiver's clock may
-- be wrong by years: what it dates back is not old before it has been here for
-- as long. So may the database's have been: what it stored in days to come goes
-- by the receiver's.

-- Whole months go at once, without reading them, unless something was stored
-- in them later. Dropping waits for readers and others wait behind it: it gives
-- up soon and is tried at the next run.
CREATE OR REPLACE FUNCTION callhook_store.drop_months(before timestamptz)
RETURNS integer
LANGUAGE plpgsql
SET timezone = 'UTC'
SET lock_timeout = '500ms'
SET enable_seqscan = off -- the block range index, whatever statistics say
AS $$
DECLARE
    month regclass;
    late boolean;
    dropped integer := 0;
BEGIN
    FOR month IN
        SELECT c.oid FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
        WHERE inhparent = 'callhook_store.notifications'::regclass
          AND c.relname ~ '^notifications_[0-9]{4}_[0-9]{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month'
              <= before
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT EXISTS (
                            SELECT FROM %s WHERE stored_at BETWEEN $1 AND $2)',
                       month)
            INTO late USING before, now() + interval '1 day';
        CONTINUE WHEN late;
        BEGIN
            EXECUTE format('DROP TABLE %s', month);
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RETURN dropped;
        END;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION callhook_store.drop_months(timestamptz) IS
    'Drops the months of notifications that ended before a time; how many.';

-- Calls with all that belongs to them. What Graph dates after tomorrow goes by
-- when it came. A session counts as much as a call, and the largest come
-- first, so that it has an end whatever the records hold. One that is larger
-- than a batch goes in pieces; should something new be heard of it in between,
-- it is read anew, for no version of it is known any more.
CREATE OR REPLACE FUNCTION callhook_store.remove_old_calls(
    before timestamptz, batch integer)
RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan = off -- the block range index, whatever statistics say
AS $$
DECLARE
    tenant uuid;
    old uuid[];
    rows bigint;
    largest integer;
    removed bigint := 0;
BEGIN
    FOR tenant, old, rows, largest IN
        WITH old AS MATERIALIZED (
            SELECT tenant_id, call_id FROM callhook_store.calls
            WHERE (day < (before AT TIME ZONE 'UTC')::date
                   OR day > (now() AT TIME ZONE 'UTC')::date + 1)
              AND coalesce(greatest(last_notified_at,
                                    CASE WHEN notifications > 0
                                          AND filed_at
                                              < now() + interval '1 day'
                                         THEN filed_at END), CASE
                      WHEN coalesce(ended_at, started_at)
                           < now() + interval '1 day'
                      THEN coalesce(ended_at, started_at) END, filed_at)
                  < before
            LIMIT batch FOR UPDATE SKIP LOCKED
        ), counted AS (
            SELECT tenant_id, call_id, coalesce(r.sessions, 0) AS sessions
            FROM old
            LEFT JOIN callhook_store.call_records AS r
                USING (call_id, tenant_id)
        ), chosen AS (
            SELECT *, sum(1 + sessions) OVER (
                          ORDER BY sessions DESC ROWS UNBOUNDED PRECEDING)
                      AS up_to
            FROM counted
        )
        SELECT tenant_id, array_agg(call_id), sum(1 + sessions), max(sessions)
        FROM chosen WHERE up_to - sessions <= batch
        GROUP BY tenant_id
    LOOP
        IF largest > batch THEN
            DELETE FROM callhook_store.record_versions
            WHERE call_id = old[1] AND tenant_id = tenant;
            PERFORM callhook_store.shrink_record(tenant, old[1], batch);
            RETURN batch;
        END IF;
        removed := removed + rows;
        PERFORM callhook_store.remove_record(tenant, old);
        DELETE FROM callhook_store.record_pages
        WHERE call_id = ANY (old) AND tenant_id = tenant;
        DELETE FROM callhook_store.record_versions
        WHERE call_id = ANY (old) AND tenant_id = tenant;
        DELETE FROM callhook_store.calls
        WHERE call_id = ANY (old) AND tenant_id = tenant;
    END LOOP;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION callhook_store.remove_old_calls(timestamptz, integer) IS
    'Removes a batch of calls from before a time; how many, with their '
    'sessions.';

-- By the key, oldest first: the table is large and in order of it.
CREATE OR REPLACE FUNCTION callhook_store.remove_old_notifications(
    before timestamptz, batch bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM callhook_store.notifications
    WHERE received_at < before
      AND (received_at, notification_id) IN (
        SELECT received_at, notification_id FROM callhook_store.notifications
        WHERE received_at < before
          AND (stored_at < before OR stored_at > now() + interval '1 day')
        ORDER BY received_at LIMIT batch);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION callhook_store.remove_old_notifications(
    timestamptz, bigint) IS
    'Removes a batch of notifications from before a time; how many.';

-- The other tables lose the rows whose time, given as an expression, is over.
-- What receivers and the renewer counted is kept for 13 months, however long
-- the rest is.
CREATE OR REPLACE FUNCTION callhook_store.remove_old_rows(
    before timestamptz, batch bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    old record;
    removed bigint;
    total bigint := 0;
BEGIN
    FOR old IN SELECT * FROM (VALUES
        ('pstn_calls', 'CASE WHEN start_date_time < now() + interval ''1 day''
             THEN start_date_time ELSE read_at END', before),
        ('direct_routing_calls', 'CASE
             WHEN coalesce(start_date_time, invite_date_time)
                  < now() + interval ''1 day''
             THEN coalesce(start_date_time, invite_date_time)
             ELSE read_at END', before),
        -- Not what a plan may look back at: it would be listed anew.
        ('listings', 'CASE list WHEN ''calls'' THEN listed_at
             ELSE ends_at + interval ''82 days'' END',
         least(before, now() - interval '8 days')),
        ('gaps', 'closed_at', before),
        ('subscriptions', 'ended_at', before),
        ('refusals', 'last_at', before),
        ('consumer_failures', 'received_at', before), -- those of calls go
                                                      -- with them
        ('lifecycle_handled', 'handled_at',
         least(before, now() - interval '7 days')),
        ('receiver_minutes', 'minute', now() - interval '13 months'),
        ('receiver_hours', 'hour', now() - interval '13 months'),
        ('notification_hours', 'hour', now() - interval '13 months')
    ) AS v (name, expression, ends)
    LOOP
        EXECUTE format(
            'DELETE FROM callhook_store.%1$I WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM callhook_store.%1$I
                 WHERE %2$s < $1 LIMIT $2))', old.name, old.expression)
            USING old.ends, greatest(batch - total, 0);
        GET DIAGNOSTICS removed = ROW_COUNT;
        total := total + removed;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION callhook_store.remove_old_rows(timestamptz, bigint) IS
    'Removes a batch of rows of other tables from before a time; how many.';

CREATE OR REPLACE FUNCTION callhook_store.retain(
    days integer, batch integer DEFAULT 10000)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    before constant timestamptz := now() - make_interval(days => days);
    total bigint;
BEGIN
    IF days <= 0 THEN
        RETURN 0;
    END IF;
    IF NOT callhook_store.freeze_reports(before) THEN
        RETURN batch;
    END IF;
    -- A month that is dropped locks out inserts until the transaction ends.
    IF callhook_store.drop_months(before) > 0 THEN
        RETURN batch;
    END IF;
    total := callhook_store.remove_old_calls(before, batch);
    total := total + callhook_store.remove_old_notifications(
        before, greatest(batch - total, 0));
    RETURN total + callhook_store.remove_old_rows(before, batch - total);
END
$$;
COMMENT ON FUNCTION callhook_store.retain(integer, integer) IS
    'Removes what is older than so many days, about a batch of it; how many '
    'rows and calls. Call it until it returns less than batch.';
