-- What the programs may do beyond writing rows. Each function runs as the
-- owner of the schema and pins its search_path; pg_temp stands last in it,
-- for it would come first, unsaid, and lend its types to whoever calls.

CREATE OR REPLACE FUNCTION callhook_store.schema_major()
RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT major FROM callhook_store.version;
$$;
COMMENT ON FUNCTION callhook_store.schema_major() IS
    'The major version of this schema; a program refuses a newer one.';

-- Secrets of a subscription that has ended stay good for 24 hours: Graph
-- delivers for up to 4 hours after a fault.
CREATE OR REPLACE FUNCTION callhook_store.good_secrets(
    age_seconds bigint DEFAULT 0)
RETURNS TABLE (secret_sha256 bytea, tenant_id uuid, subscription_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT secret_sha256, tenant_id, subscription_id
    FROM callhook_store.subscriptions
    WHERE ended_at IS NULL
       OR ended_at > now() - interval '24 hours'
                     - make_interval(secs => least(age_seconds, 31622400));
$$;
COMMENT ON FUNCTION callhook_store.good_secrets(bigint) IS
    'Digests of the secrets by which the receiver judges an item, as they '
    'were good up to age_seconds ago.';

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
    EXECUTE format(
        'WITH moved AS (
             DELETE FROM callhook_store.notifications_default
             WHERE received_at >= %L AND received_at < %L RETURNING *)
         INSERT INTO callhook_store.%I SELECT * FROM moved',
        first_day, next_first, name);
    EXECUTE format(
        'ALTER TABLE callhook_store.notifications
             ATTACH PARTITION callhook_store.%I
             FOR VALUES FROM (%L) TO (%L)', name, first_day, next_first);
    RETURN true;
END
$$;
COMMENT ON FUNCTION callhook_store.make_partition(date) IS
    'Makes the partition of a month; false if there is one.';

CREATE OR REPLACE FUNCTION callhook_store.make_partitions(
    months integer DEFAULT 24)
RETURNS integer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
    SELECT count(*) FILTER (WHERE callhook_store.make_partition(
               (date_trunc('month', now())
                + make_interval(months => month))::date))::integer
    FROM generate_series(0, least(months, 240) - 1) AS month;
$$;
COMMENT ON FUNCTION callhook_store.make_partitions(integer) IS
    'Makes the partitions of this and the following months; how many are new.';

CREATE OR REPLACE FUNCTION callhook_store.add_arrays(
    a bigint[], b bigint[])
RETURNS bigint[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY n)
    FROM unnest(a, b) WITH ORDINALITY AS both_arrays (x, y, n);
$$;
COMMENT ON FUNCTION callhook_store.add_arrays(bigint[], bigint[]) IS
    'Adds two arrays, element by element.';

-- Several processes of a host add to one row. Counters, in this order:
-- requests, handshakes, stored, refused_unknown, refused_secret,
-- refused_malformed, bad_requests, spooled, rejected, over_3s.
CREATE OR REPLACE FUNCTION callhook_store.add_minute(
    minute timestamptz, host text, counters bigint[], times integer[],
    max_us bigint, spool_bytes bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms' -- notifications wait behind it
AS $$
    INSERT INTO callhook_store.receiver_minutes AS m
        VALUES (minute, host, counters, times, max_us, spool_bytes)
    ON CONFLICT ON CONSTRAINT receiver_minutes_pkey DO UPDATE
    SET counters =
            callhook_store.add_arrays(m.counters, excluded.counters),
        times = callhook_store.add_arrays(m.times, excluded.times),
        max_us = greatest(m.max_us, excluded.max_us),
        spool_bytes = greatest(m.spool_bytes, excluded.spool_bytes);
$$;
COMMENT ON FUNCTION callhook_store.add_minute(
    timestamptz, text, bigint[], integer[], bigint, bigint) IS
    'Adds what one receiver counted in a minute.';

-- The caller's arrays are parallel. Strangers' ids are noted, too: 256 rows
-- stay, those of known subscriptions first, then those last heard of.
CREATE OR REPLACE FUNCTION callhook_store.add_refusals(
    subscription_ids uuid[], tenant_ids uuid[], reasons text[],
    counts bigint[])
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms' -- notifications wait behind it
AS $$
    SELECT pg_advisory_xact_lock(hashtext('callhook refusals'));
    INSERT INTO callhook_store.refusals AS r
        (subscription_id, tenant_id, reason, refusals)
        SELECT id, (array_agg(tenant ORDER BY n DESC))[1],
               (array_agg(reason ORDER BY n DESC))[1], sum(more)::bigint
        FROM unnest(subscription_ids, tenant_ids, reasons, counts)
             WITH ORDINALITY AS item (id, tenant, reason, more, n)
        GROUP BY id
    ON CONFLICT (subscription_id) DO UPDATE
    SET tenant_id = excluded.tenant_id,
        reason = excluded.reason,
        refusals = r.refusals + excluded.refusals,
        first_at = CASE WHEN r.last_at < now() - interval '10 minutes'
                        THEN excluded.first_at ELSE r.first_at END,
        last_at = excluded.last_at;
    DELETE FROM callhook_store.refusals
    WHERE subscription_id IN (
        SELECT r.subscription_id
        FROM callhook_store.refusals AS r
        ORDER BY EXISTS (SELECT FROM callhook_store.subscriptions AS s
                         WHERE s.subscription_id = r.subscription_id) DESC,
                 r.last_at DESC, r.subscription_id
        OFFSET 256);
$$;
COMMENT ON FUNCTION callhook_store.add_refusals(
    uuid[], uuid[], text[], bigint[]) IS
    'Adds what one receiver refused: subscriptions, their tenants, reasons '
    '(unknown or secret) and numbers of items.';

-- A simulation's subscription is ended from its start, and its calls are nil.
CREATE OR REPLACE FUNCTION callhook_store.remove_simulated(subscription uuid)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ended AS (
        DELETE FROM callhook_store.subscriptions
        WHERE subscription_id = subscription AND ended_at <= announced_at
    ), removed AS (
        DELETE FROM callhook_store.notifications
        WHERE subscription_id = subscription
          AND received_at > now() - interval '1 hour'
          AND call_id = '00000000-0000-0000-0000-000000000000'
        RETURNING notification_id
    )
    SELECT count(*) FROM removed;
$$;
COMMENT ON FUNCTION callhook_store.remove_simulated(uuid) IS
    'Removes what a simulation of the last hour stored; how many '
    'notifications those were.';
