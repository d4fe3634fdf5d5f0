-- What Graph delivered: one row an item, partitioned by month.

-- One row per stored item. The receiver makes the key, so that a row which
-- reaches the database twice is stored once. There is no index on call_id:
-- its random writes would halve the rate of a large month.
CREATE TABLE IF NOT EXISTS callhook_store.notifications (
    notification_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    tenant_id uuid NOT NULL,
    subscription_id uuid,
    change_type text,
    lifecycle_event text,
    call_id uuid,
    resource text,
    subscription_expires_at timestamptz,
    forwarded_for text,
    extra jsonb,
    PRIMARY KEY (received_at, notification_id)
) PARTITION BY RANGE (received_at);

-- Rows come in the order of stored_at, so that a few pages index millions.
-- (IF NOT EXISTS would lock out inserts before it looks.)
DO $$
BEGIN
    IF to_regclass('callhook_store.notifications_stored_at') IS NULL THEN
        CREATE INDEX notifications_stored_at
            ON callhook_store.notifications USING brin (stored_at)
            WITH (autosummarize = on);
    END IF;
END
$$;

-- The renewer looks for new lifecycle items at each run. They are few; a
-- change costs the receiver nothing here.
DO $$
BEGIN
    IF to_regclass('callhook_store.notifications_lifecycle') IS NULL THEN
        CREATE INDEX notifications_lifecycle
            ON callhook_store.notifications (stored_at)
            WHERE lifecycle_event IS NOT NULL;
    END IF;
END
$$;

-- Takes what no month is made for, so that no insert fails for want of one.
CREATE TABLE IF NOT EXISTS callhook_store.notifications_default
    PARTITION OF callhook_store.notifications DEFAULT;

-- A month is made aside and then attached, so that no insert waits for it;
-- rows of it that the default partition took are moved. Attaching must wait
-- for readers of the default partition, and others would wait behind it: so
-- it gives up soon (55P03) and is called again another time.
CREATE OR REPLACE FUNCTION callhook_store.make_partition(month date)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '500ms'
AS $$
DECLARE
    first_day constant timestamptz := date_trunc('month', month::timestamptz);
    next_first constant timestamptz := first_day + interval '1 month';
    name constant text := 'notifications_' || to_char(first_day, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('callhook partitions'));
    IF to_regclass(format('callhook_store.%I', name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE callhook_store.%I
             (LIKE callhook_store.notifications INCLUDING DEFAULTS)', name);
    -- (ALTER DEFAULT PRIVILEGES may have given it to everybody.)
    EXECUTE format('REVOKE ALL ON callhook_store.%I FROM PUBLIC', name);
    -- Those that come meanwhile follow, under the locks that attaching takes.
    FOR turn IN 1..2 LOOP
        EXECUTE format(
            'WITH moved AS (
                 DELETE FROM callhook_store.notifications_default
                 WHERE received_at >= %L AND received_at < %L RETURNING *)
             INSERT INTO callhook_store.%I SELECT * FROM moved',
            first_day, next_first, name);
        LOCK TABLE ONLY callhook_store.notifications
            IN SHARE UPDATE EXCLUSIVE MODE;
        LOCK TABLE callhook_store.notifications_default
            IN ACCESS EXCLUSIVE MODE;
    END LOOP;
    EXECUTE format(
        'ALTER TABLE callhook_store.notifications
             ATTACH PARTITION callhook_store.%I
             FOR VALUES FROM (%L) TO (%L)', name, first_day, next_first);
    RETURN true;
END
$$;
COMMENT ON FUNCTION callhook_store.make_partition(date) IS
    'Makes the partition of a month; false if there is one.';

-- Whoever reads all tables for hours, as pg_dump does, holds up a month ahead
-- and is no fault, unless it is one that rows come for soon.
CREATE OR REPLACE FUNCTION callhook_store.make_partitions(
    months integer DEFAULT 24)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    made integer := 0;
BEGIN
    FOR month IN 0..least(months, 240) - 1 LOOP
        BEGIN
            made := made + callhook_store.make_partition(
                (date_trunc('month', now())
                 + make_interval(months => month))::date)::integer;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF month < 2 THEN
                RAISE;
            END IF;
            RETURN made;
        END;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION callhook_store.make_partitions(integer) IS
    'Makes the partitions of this and the following months; how many are new.';

CREATE OR REPLACE VIEW callhook.notifications AS
SELECT notification_id,
       received_at,
       stored_at,
       nullif(tenant_id, '00000000-0000-0000-0000-000000000000') AS tenant_id,
       subscription_id,
       change_type,
       lifecycle_event,
       call_id,
       resource,
       subscription_expires_at,
       forwarded_for,
       extra
FROM callhook_store.notifications;

COMMENT ON VIEW callhook.notifications IS
    'Every notification that Graph delivered, one row each. Graph repeats '
    'itself: one call may have many.';
COMMENT ON COLUMN callhook.notifications.notification_id IS
    'Made by the receiver; sorts by time.';
COMMENT ON COLUMN callhook.notifications.received_at IS
    'When the receiver had the request. Bound it in queries: the table is '
    'partitioned by month of it.';
COMMENT ON COLUMN callhook.notifications.stored_at IS
    'When the database took the row. To load incrementally, read from a '
    'minute before the last value seen.';
COMMENT ON COLUMN callhook.notifications.tenant_id IS
    'The Microsoft 365 tenant that the change came from.';
COMMENT ON COLUMN callhook.notifications.subscription_id IS
    'The Graph subscription that it was delivered for.';
COMMENT ON COLUMN callhook.notifications.change_type IS
    'created or updated, as Graph says; null for lifecycle items.';
COMMENT ON COLUMN callhook.notifications.lifecycle_event IS
    'missed, subscriptionRemoved or reauthorizationRequired; null for changes.';
COMMENT ON COLUMN callhook.notifications.call_id IS
    'The call record''s id; null for other resources.';
COMMENT ON COLUMN callhook.notifications.resource IS
    'The path of the resource that changed, as sent.';
COMMENT ON COLUMN callhook.notifications.subscription_expires_at IS
    'When the subscription would have ended, at the time of delivery.';
COMMENT ON COLUMN callhook.notifications.forwarded_for IS
    'X-Forwarded-For of the request, else the address of the peer.';
COMMENT ON COLUMN callhook.notifications.extra IS
    'Members that have no column, with their own names and nesting.';
