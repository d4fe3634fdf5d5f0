-- What the receivers did and what they refused.

-- What the receivers did, by the minute: counters in the order that
-- add_minute states, answer times in buckets of a quarter octave.
CREATE TABLE IF NOT EXISTS callhook_store.receiver_minutes (
    minute timestamptz NOT NULL,
    host text NOT NULL,
    counters bigint[] NOT NULL,
    times integer[] NOT NULL,
    max_us bigint NOT NULL,
    spool_bytes bigint NOT NULL,
    PRIMARY KEY (minute, host)
);

-- The processes that receive, and how each of them stands: a row a process,
-- for several may serve one host. What is gone stays for 7 days.
CREATE TABLE IF NOT EXISTS callhook_store.receivers (
    host text NOT NULL,
    process bigint NOT NULL,
    last_seen_at timestamptz NOT NULL,
    stopped boolean NOT NULL, -- it ended cleanly
    spool_bytes bigint NOT NULL,
    oldest_spooled_at timestamptz,
    PRIMARY KEY (host, process)
);

-- Subscriptions whose items the receivers refused, one row each; at most 256:
-- strangers' ids come here, too. first_at begins anew after a pause of 10
-- minutes, and so does their number. See add_refusals.
CREATE TABLE IF NOT EXISTS callhook_store.refusals (
    subscription_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL, -- as the last item said
    reason text NOT NULL CHECK (reason IN ('unknown', 'secret')),
    refusals bigint NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now()
);

-- Whoever has a receiver's rights may count what he likes: but no sum of it may
-- fail for others.
CREATE OR REPLACE FUNCTION callhook_store.counted(n bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT least(greatest(n, 0), 1000000000000);
$$;
COMMENT ON FUNCTION callhook_store.counted(bigint) IS
    'What a receiver has counted, from 0 to a million millions.';

DROP FUNCTION IF EXISTS callhook_store.add_arrays(bigint[], bigint[]);
CREATE OR REPLACE FUNCTION callhook_store.add_arrays(
    a bigint[], b bigint[], most bigint DEFAULT 1000000000000)
RETURNS bigint[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(least(callhook_store.counted(x)
                           + callhook_store.counted(y), most) ORDER BY n)
    FROM unnest(a, b) WITH ORDINALITY AS both_arrays (x, y, n);
$$;
COMMENT ON FUNCTION callhook_store.add_arrays(bigint[], bigint[], bigint) IS
    'Adds two arrays, element by element.';

CREATE OR REPLACE FUNCTION callhook_store.hours_of_minutes(since timestamptz)
RETURNS TABLE (hour timestamptz, host text, counters bigint[], times bigint[],
               max_us bigint, spool_bytes bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH minutes AS MATERIALIZED (
        SELECT date_bin('1 hour', m.minute, 'epoch') AS hour, m.*
        FROM callhook_store.receiver_minutes AS m
        WHERE m.minute >= date_bin('1 hour', since, 'epoch')
    ), sums AS (
        SELECT hour, host, is_time, n, sum(x)::bigint AS x
        FROM minutes
        CROSS JOIN LATERAL (
            SELECT false, u.* FROM unnest(counters) WITH ORDINALITY AS u
            UNION ALL
            SELECT true, u.* FROM unnest(times) WITH ORDINALITY AS u
        ) AS u (is_time, x, n)
        GROUP BY 1, 2, 3, 4
    ), arrays AS (
        SELECT hour, host,
               array_agg(x ORDER BY n) FILTER (WHERE NOT is_time) AS counters,
               array_agg(x ORDER BY n) FILTER (WHERE is_time) AS times
        FROM sums GROUP BY 1, 2
    )
    SELECT m.hour, m.host, a.counters, a.times, max(m.max_us),
           max(m.spool_bytes)
    FROM minutes AS m JOIN arrays AS a USING (hour, host)
    GROUP BY 1, 2, 3, 4;
$$;
COMMENT ON FUNCTION callhook_store.hours_of_minutes(timestamptz) IS
    'The minutes since an hour, summed up as in receiver_hours.';

-- The minutes of an hour, for who looks at many: added to as they are.
DO $$
BEGIN
    IF to_regclass('callhook_store.receiver_hours') IS NULL THEN
        CREATE TABLE callhook_store.receiver_hours (
            hour timestamptz NOT NULL,
            host text NOT NULL,
            counters bigint[] NOT NULL,
            times bigint[] NOT NULL,
            max_us bigint NOT NULL,
            spool_bytes bigint NOT NULL, -- the most
            PRIMARY KEY (hour, host)
        );
        -- No minute may come in between.
        LOCK TABLE callhook_store.receiver_minutes IN SHARE MODE;
        INSERT INTO callhook_store.receiver_hours
        SELECT * FROM callhook_store.hours_of_minutes(now() - interval '8 days');
    END IF;
END
$$;

-- Several processes of a host add to one row. Counters, in this order:
-- requests, handshakes, stored, refused_unknown, refused_secret,
-- refused_malformed, bad_requests, spooled, rejected, over_3s. Then how the
-- process stands now, whatever minute it tells of; one of before tells nothing.
DROP FUNCTION IF EXISTS callhook_store.add_minute(
    timestamptz, text, bigint[], integer[], bigint, bigint);
CREATE OR REPLACE FUNCTION callhook_store.add_minute(
    minute timestamptz, host text, counters bigint[], times integer[],
    max_us bigint, spool_bytes bigint, process bigint DEFAULT NULL,
    spool_bytes_now bigint DEFAULT 0,
    oldest_spooled_at timestamptz DEFAULT NULL, stopped boolean DEFAULT false)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms' -- notifications wait behind it
AS $$
    INSERT INTO callhook_store.receiver_minutes AS m
        SELECT minute, host, callhook_store.add_arrays(counters, '{}'), times,
               callhook_store.counted(max_us),
               callhook_store.counted(spool_bytes)
        WHERE minute < now() + interval '1 day' AND isfinite(minute)
    ON CONFLICT ON CONSTRAINT receiver_minutes_pkey DO UPDATE
    SET counters =
            callhook_store.add_arrays(m.counters, excluded.counters),
        times = callhook_store.add_arrays(m.times, excluded.times,
                                          2147483647),
        max_us = greatest(m.max_us, excluded.max_us),
        spool_bytes = greatest(m.spool_bytes, excluded.spool_bytes);
    INSERT INTO callhook_store.receiver_hours AS h
        SELECT date_bin('1 hour', minute, 'epoch'), host,
               callhook_store.add_arrays(counters, '{}'), times,
               callhook_store.counted(max_us),
               callhook_store.counted(spool_bytes)
        WHERE minute < now() + interval '1 day' AND isfinite(minute)
    ON CONFLICT ON CONSTRAINT receiver_hours_pkey DO UPDATE
    SET counters =
            callhook_store.add_arrays(h.counters, excluded.counters),
        times = callhook_store.add_arrays(h.times, excluded.times),
        max_us = greatest(h.max_us, excluded.max_us),
        spool_bytes = greatest(h.spool_bytes, excluded.spool_bytes);
    INSERT INTO callhook_store.receivers AS r
        SELECT host, process, now(), stopped,
               callhook_store.counted(spool_bytes_now),
               CASE WHEN isfinite(oldest_spooled_at) THEN oldest_spooled_at END
        WHERE process IS NOT NULL
    ON CONFLICT ON CONSTRAINT receivers_pkey DO UPDATE
    SET last_seen_at = excluded.last_seen_at,
        stopped = excluded.stopped,
        spool_bytes = excluded.spool_bytes,
        oldest_spooled_at = excluded.oldest_spooled_at;
$$;
COMMENT ON FUNCTION callhook_store.add_minute(
    timestamptz, text, bigint[], integer[], bigint, bigint, bigint, bigint,
    timestamptz, boolean) IS
    'Adds what one receiver counted in a minute, and notes how it stands.';

CREATE OR REPLACE FUNCTION callhook_store.drop_gone_receivers()
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (
        DELETE FROM callhook_store.receivers
        WHERE last_seen_at < now() - interval '7 days' RETURNING host)
    SELECT count(*) FROM gone;
$$;
COMMENT ON FUNCTION callhook_store.drop_gone_receivers() IS
    'Drops the receivers that nobody has heard of for 7 days; how many.';

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
               (array_agg(reason ORDER BY n DESC))[1],
               callhook_store.counted(sum(callhook_store.counted(more))::bigint)
        FROM unnest(subscription_ids, tenant_ids, reasons, counts)
             WITH ORDINALITY AS item (id, tenant, reason, more, n)
        GROUP BY id
    ON CONFLICT (subscription_id) DO UPDATE
    SET tenant_id = excluded.tenant_id,
        reason = excluded.reason,
        refusals = callhook_store.counted(excluded.refusals +
            CASE WHEN r.last_at < now() - interval '10 minutes'
                 THEN 0 ELSE r.refusals END),
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

-- The receiver's: stats.h there. A row, so that a query asks for it once.
CREATE OR REPLACE VIEW callhook_store.answer_bounds AS
SELECT array_agg(CASE WHEN n = 1 THEN 64
                      ELSE (5 + (n - 2) % 4) * power(2, 4 + (n - 2) / 4) END
                 ORDER BY n) AS upper_us
FROM generate_series(1, 77) AS n;
COMMENT ON VIEW callhook_store.answer_bounds IS
    'Up to where the buckets of answer times go: the first to 64 us, then four '
    'to an octave.';
COMMENT ON COLUMN callhook_store.answer_bounds.upper_us IS
    'The upper bound of each, in microseconds.';

CREATE OR REPLACE VIEW callhook.receiver_minutes AS
SELECT m.minute,
       m.host,
       m.counters[1] AS requests,
       m.counters[2] AS handshakes,
       m.counters[3] AS stored,
       m.counters[4] AS refused_unknown,
       m.counters[5] AS refused_secret,
       m.counters[6] AS refused_malformed,
       m.counters[7] AS bad_requests,
       m.counters[8] AS spooled,
       m.spool_bytes,
       m.counters[9] AS rejected,
       m.counters[10] AS over_3s,
       t.p50_ms,
       t.p95_ms,
       t.p99_ms,
       m.max_us / 1000.0::double precision AS max_ms
FROM callhook_store.receiver_minutes AS m
CROSS JOIN LATERAL (
    SELECT min(least(upper_us, m.max_us)) FILTER (WHERE running >= 0.50 * total)
               / 1000.0::double precision AS p50_ms,
           min(least(upper_us, m.max_us)) FILTER (WHERE running >= 0.95 * total)
               / 1000.0::double precision AS p95_ms,
           min(least(upper_us, m.max_us)) FILTER (WHERE running >= 0.99 * total)
               / 1000.0::double precision AS p99_ms
    FROM (
        SELECT (SELECT b.upper_us FROM callhook_store.answer_bounds AS b)[n]
                   AS upper_us,
               sum(answers) OVER (ORDER BY n) AS running,
               sum(answers) OVER () AS total
        FROM unnest(m.times) WITH ORDINALITY AS bucket (answers, n)
    ) AS buckets
    WHERE total > 0
) AS t;

COMMENT ON VIEW callhook.receiver_minutes IS
    'What the receivers did, by minute and host. Plain CGI programs are not '
    'counted.';
COMMENT ON COLUMN callhook.receiver_minutes.minute IS
    'When the minute began.';
COMMENT ON COLUMN callhook.receiver_minutes.host IS
    'The name of the receiver''s host.';
COMMENT ON COLUMN callhook.receiver_minutes.requests IS
    'HTTP requests answered, of any kind.';
COMMENT ON COLUMN callhook.receiver_minutes.handshakes IS
    'Validation tokens sent back.';
COMMENT ON COLUMN callhook.receiver_minutes.stored IS
    'Items stored in the database, from requests or from the spool.';
COMMENT ON COLUMN callhook.receiver_minutes.refused_unknown IS
    'Items refused for a subscription that is not known.';
COMMENT ON COLUMN callhook.receiver_minutes.refused_secret IS
    'Items refused for another secret or tenant than the subscription''s.';
COMMENT ON COLUMN callhook.receiver_minutes.refused_malformed IS
    'Items refused for a fault of their own form.';
COMMENT ON COLUMN callhook.receiver_minutes.bad_requests IS
    'Requests answered with 400, 405, 413 or 415.';
COMMENT ON COLUMN callhook.receiver_minutes.spooled IS
    'Items that went to the spool.';
COMMENT ON COLUMN callhook.receiver_minutes.spool_bytes IS
    'Bytes in the spool, when it was last written to.';
COMMENT ON COLUMN callhook.receiver_minutes.rejected IS
    'Rows that the database refused for what they hold.';
COMMENT ON COLUMN callhook.receiver_minutes.over_3s IS
    'Answers later than Graph waits for.';
COMMENT ON COLUMN callhook.receiver_minutes.p50_ms IS
    'Half of the answers took at most this long (to a fifth exactly).';
COMMENT ON COLUMN callhook.receiver_minutes.p95_ms IS
    '95 of 100 answers took at most this long.';
COMMENT ON COLUMN callhook.receiver_minutes.p99_ms IS
    '99 of 100 answers took at most this long.';
COMMENT ON COLUMN callhook.receiver_minutes.max_ms IS
    'The longest answer.';

-- Under mod_fcgid processes come and go beside each other: a host receives
-- while one of its processes does; else the one heard of last tells how it
-- ended. Processes of a host share a spool, and each has looked at it.
CREATE OR REPLACE VIEW callhook.receivers AS
SELECT host,
       last.last_seen_at,
       CASE WHEN last.live THEN 'live' WHEN last.stopped THEN 'stopped'
            ELSE 'dead' END AS state,
       last.spool_bytes,
       last.oldest_spooled_at
FROM (
    SELECT DISTINCT ON (r.host) r.*, a.live
    FROM callhook_store.receivers AS r
    CROSS JOIN LATERAL (SELECT NOT r.stopped
        AND r.last_seen_at > now() - interval '3 minutes') AS a (live)
    ORDER BY r.host, a.live DESC, r.last_seen_at DESC, r.process
) AS last;

COMMENT ON VIEW callhook.receivers IS
    'The hosts that receive, as they stood at the end of the last minute, '
    'within 7 days. Plain CGI programs are not among them.';
COMMENT ON COLUMN callhook.receivers.host IS
    'The name of the receiver''s host.';
COMMENT ON COLUMN callhook.receivers.last_seen_at IS
    'When it last wrote to the database, which it does each minute.';
COMMENT ON COLUMN callhook.receivers.state IS
    'live; stopped: it was ended cleanly; dead: nothing was heard of it for 3 '
    'minutes, nor of an end.';
COMMENT ON COLUMN callhook.receivers.spool_bytes IS
    'Bytes in the spool, when the receiver last looked.';
COMMENT ON COLUMN callhook.receivers.oldest_spooled_at IS
    'When the oldest file of the spool was begun; null if there was none.';

CREATE OR REPLACE VIEW callhook.refusals AS
SELECT nullif(tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       subscription_id,
       reason,
       refusals,
       first_at,
       last_at
FROM callhook_store.refusals;

COMMENT ON VIEW callhook.refusals IS
    'Subscriptions whose items the receivers refused: ours first, and of '
    'strangers'' those last heard of, 256 in all.';
COMMENT ON COLUMN callhook.refusals.tenant_id IS
    'The tenant that the last item named; anybody may have sent it.';
COMMENT ON COLUMN callhook.refusals.subscription_id IS
    'The subscription that the items named.';
COMMENT ON COLUMN callhook.refusals.reason IS
    'Why the last was refused. unknown: no such subscription is known; '
    'secret: the secret or the tenant is not the subscription''s.';
COMMENT ON COLUMN callhook.refusals.refusals IS
    'How many items since first_at.';
COMMENT ON COLUMN callhook.refusals.first_at IS
    'When they began: anew after a pause of 10 minutes.';
COMMENT ON COLUMN callhook.refusals.last_at IS 'When the last one came.';
