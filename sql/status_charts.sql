-- What the page of the renewer's `status --html` draws, all tenants together.
-- Nobody is named. Each figure is that of a view that people read, but asked
-- for in a way that stays fast: the days are few, and clean ones are kept.

CREATE OR REPLACE FUNCTION callhook_store.chart_days(days integer)
RETURNS TABLE (day date)
LANGUAGE sql STABLE
AS $$
    SELECT (now() AT TIME ZONE 'UTC')::date - n
    FROM generate_series(days - 1, 0, -1) AS n;
$$;
COMMENT ON FUNCTION callhook_store.chart_days(integer) IS
    'The last days in UTC, today included.';

CREATE OR REPLACE FUNCTION callhook_store.chart_week()
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT date_trunc('day', now(), 'UTC') - interval '6 days';
$$;
COMMENT ON FUNCTION callhook_store.chart_week() IS
    'When the last 7 days began, today among them.';

CREATE OR REPLACE FUNCTION callhook_store.chart_day()
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT date_trunc('hour', now(), 'UTC') - interval '23 hours';
$$;
COMMENT ON FUNCTION callhook_store.chart_day() IS
    'When the last 24 hours began, this one among them.';

CREATE OR REPLACE FUNCTION callhook_store.chart_hours()
RETURNS TABLE (hour timestamptz)
LANGUAGE sql STABLE
AS $$
    SELECT generate_series(
        callhook_store.chart_week(),
        date_trunc('day', now(), 'UTC') + interval '23 hours',
        interval '1 hour');
$$;
COMMENT ON FUNCTION callhook_store.chart_hours() IS
    'The hours of the last 7 days in UTC, today whole.';

-- callhook.notifications_by_hour. (Of a variable the plan knows how many rows
-- lie behind it, and it is not worked out for each row that is looked at.)
CREATE OR REPLACE FUNCTION callhook_store.chart_notifications()
RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    week constant timestamptz := callhook_store.chart_week();
BEGIN
    RETURN (
        WITH counted AS MATERIALIZED (
            SELECT h.hour, sum(h.notifications)::bigint AS notifications
            FROM callhook_store.notification_hours AS h
            WHERE h.hour >= week
            GROUP BY h.hour
        )
        SELECT json_build_object(
            'points', json_agg(callhook_store.iso_time(
                callhook_store.epoch(hour)) ORDER BY hour),
            'notifications', json_agg(CASE WHEN hour <= now()
                THEN coalesce(notifications, 0) END ORDER BY hour))
        FROM callhook_store.chart_hours() LEFT JOIN counted USING (hour));
END
$$;
COMMENT ON FUNCTION callhook_store.chart_notifications() IS
    'Notifications by hour of 7 days; null for hours to come.';

-- callhook.receiver_minutes.
CREATE OR REPLACE FUNCTION callhook_store.chart_spool()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS MATERIALIZED (
        SELECT m.hour, sum(m.spool_bytes)::bigint AS bytes
        FROM callhook_store.receiver_hours AS m
        WHERE m.hour >= callhook_store.chart_week()
        GROUP BY m.hour
    )
    SELECT json_build_object(
        'points', json_agg(callhook_store.iso_time(
            callhook_store.epoch(hour)) ORDER BY hour),
        'bytes', json_agg(coalesce(bytes, 0) ORDER BY hour))
    FROM callhook_store.chart_hours() LEFT JOIN counted USING (hour)
    WHERE hour <= now();
$$;
COMMENT ON FUNCTION callhook_store.chart_spool() IS
    'Most bytes in the spools by hour of 7 days, of all hosts.';

-- The histograms of callhook.receiver_minutes, added up by the hour.
CREATE OR REPLACE FUNCTION callhook_store.chart_answers()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH buckets AS MATERIALIZED (
        SELECT m.hour, t.n, sum(t.answers) AS answers
        FROM callhook_store.receiver_hours AS m
        CROSS JOIN LATERAL unnest(m.times) WITH ORDINALITY AS t (answers, n)
        WHERE m.hour >= callhook_store.chart_day()
          AND t.answers > 0
        GROUP BY 1, 2
    ), running AS (
        SELECT hour,
               (SELECT b.upper_us FROM callhook_store.answer_bounds AS b)[n]
                   AS upper_us,
               sum(answers) OVER (PARTITION BY hour ORDER BY n) AS sofar,
               sum(answers) OVER (PARTITION BY hour) AS total
        FROM buckets
    ), longest AS (
        SELECT m.hour, max(m.max_us) AS us
        FROM callhook_store.receiver_hours AS m
        WHERE m.hour >= callhook_store.chart_day()
        GROUP BY 1
    ), hours AS (
        SELECT h.hour,
               least(min(upper_us) FILTER (WHERE sofar >= 0.50 * total),
                     max(us)) / 1000.0::double precision AS p50,
               least(min(upper_us) FILTER (WHERE sofar >= 0.99 * total),
                     max(us)) / 1000.0::double precision AS p99,
               CASE WHEN count(total) > 0
                    THEN max(us)::double precision / 1000 END AS longest
        FROM generate_series(callhook_store.chart_day(), now(),
                             interval '1 hour') AS h (hour)
        LEFT JOIN running AS r ON r.hour = h.hour
        LEFT JOIN longest AS l ON l.hour = h.hour
        GROUP BY h.hour
    )
    SELECT json_build_object(
        'points', json_agg(callhook_store.iso_time(
            callhook_store.epoch(hour)) ORDER BY hour),
        'p50', json_agg(p50 ORDER BY hour),
        'p99', json_agg(p99 ORDER BY hour),
        'longest', json_agg(longest ORDER BY hour))
    FROM hours;
$$;
COMMENT ON FUNCTION callhook_store.chart_answers() IS
    'Answer times of the receivers by hour of a day, in ms.';

DROP FUNCTION IF EXISTS callhook_store.chart_calls();
DROP FUNCTION IF EXISTS callhook_store.chart_quality();
DROP FUNCTION IF EXISTS callhook_store.chart_failures();
DROP FUNCTION IF EXISTS callhook_store.chart_calls(uuid[], date[]);
DROP FUNCTION IF EXISTS callhook_store.chart_quality(uuid[], date[]);
DROP FUNCTION IF EXISTS callhook_store.calls_of_days(date, uuid[], date[]);
DROP FUNCTION IF EXISTS callhook_store.audio_of_days(date, uuid[], date[]);

-- What of the last days is dirty is counted from the facts of calls, the rest
-- is kept. Variables are known when a statement is planned, and no table of
-- facts is opened where no day is dirty. dirty_tenants and dirty_days are
-- parallel.
CREATE OR REPLACE FUNCTION callhook_store.kinds_of_days(
    since date, dirty_tenants uuid[], dirty_days date[])
RETURNS TABLE (day date, kind "char", calls bigint, missed bigint,
               audio_classified bigint, audio_poor bigint)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY
    SELECT k.day, k.kind, k.calls, k.missed, k.audio_classified, k.audio_poor
    FROM callhook_store.day_kinds AS k
    WHERE k.day >= since
      AND (k.day <> ALL (dirty_days) OR (k.tenant_id, k.day) NOT IN (
               SELECT d.tenant_id, d.day
               FROM unnest(dirty_tenants, dirty_days) AS d (tenant_id, day)));
    IF cardinality(dirty_days) > 0 THEN
        RETURN QUERY
        SELECT c.day, c.kind, c.calls, c.missed, c.classified, c.poor
        FROM (SELECT r.tenant_id, r.day, r.kind, count(*) AS calls,
                     count(*) FILTER (WHERE r.disposition = 'm') AS missed,
                     sum(r.audio_classified) AS classified,
                     sum(r.audio_poor) AS poor
              FROM callhook_store.report_calls AS r
              WHERE r.day = ANY (dirty_days) AND NOT r.is_test
              GROUP BY 1, 2, 3
              UNION ALL
              SELECT p.tenant_id, p.day, 'p', count(*),
                     count(*) FILTER (WHERE p.disposition = 'm'), 0, 0
              FROM callhook_store.report_phones AS p
              WHERE p.day = ANY (dirty_days) AND p.call_id IS NULL
              GROUP BY 1, 2) AS c
        JOIN unnest(dirty_tenants, dirty_days) AS d (tenant_id, day)
            USING (tenant_id, day);
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.kinds_of_days(date, uuid[], date[]) IS
    'Calls and their audio streams by day and kind, of all tenants: '
    'callhook.calls_by_hour, callhook.quality_by_day.';

CREATE OR REPLACE FUNCTION callhook_store.failures_of_days(
    since date, dirty_tenants uuid[], dirty_days date[])
RETURNS TABLE (stage_no integer, reason_no integer, calls bigint)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY
    SELECT k.stage_no, k.reason_no, sum(k.calls::integer)
    FROM callhook_store.day_failures AS k
    WHERE k.day >= since
      AND (k.day <> ALL (dirty_days) OR (k.tenant_id, k.day) NOT IN (
               SELECT d.tenant_id, d.day
               FROM unnest(dirty_tenants, dirty_days) AS d (tenant_id, day)))
    GROUP BY 1, 2;
    IF (SELECT max(d) FROM unnest(dirty_days) AS d) >= since THEN
        RETURN QUERY
        SELECT c.failures[n][1], c.failures[n][2], count(*)
        FROM callhook_store.report_calls AS c
        CROSS JOIN LATERAL generate_subscripts(c.failures, 1) AS n
        JOIN unnest(dirty_tenants, dirty_days) AS d (tenant_id, day)
            USING (tenant_id, day)
        WHERE c.day = ANY (dirty_days) AND c.day >= since AND NOT c.is_test
          AND c.failures IS NOT NULL
        GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.failures_of_days(date, uuid[], date[]) IS
    'Calls with a failure, of all days and tenants: callhook.failures_by_day.';

-- callhook.calls_by_hour by the day, and the audio of callhook.quality_by_day.
CREATE OR REPLACE FUNCTION callhook_store.chart_kinds(
    dirty_tenants uuid[], dirty_days date[], OUT calls json, OUT quality json)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS MATERIALIZED (
        SELECT k.day,
               sum(k.calls) FILTER (WHERE k.kind = 'd') AS two,
               sum(k.calls) FILTER (WHERE k.kind = 'm') AS meeting,
               sum(k.calls) FILTER (WHERE k.kind = 'p') AS phone,
               sum(k.missed) AS missed,
               sum(k.audio_classified) AS classified,
               sum(k.audio_poor) AS poor
        FROM callhook_store.kinds_of_days(
            (now() AT TIME ZONE 'UTC')::date - 89, dirty_tenants, dirty_days)
            AS k
        GROUP BY k.day
    )
    SELECT json_build_object(
        'points', json_agg(d.day ORDER BY d.day),
        'peer_to_peer', json_agg(coalesce(two, 0) ORDER BY d.day),
        'meeting', json_agg(coalesce(meeting, 0) ORDER BY d.day),
        'phone', json_agg(coalesce(phone, 0) ORDER BY d.day),
        'missed', json_agg(coalesce(missed, 0) ORDER BY d.day)),
        json_build_object(
        'points', json_agg(d.day ORDER BY d.day),
        'rate', json_agg(round(100.0 * poor / nullif(classified, 0), 2)
                         ORDER BY d.day),
        'poor', json_agg(coalesce(poor, 0) ORDER BY d.day),
        'classified', json_agg(coalesce(classified, 0) ORDER BY d.day))
    FROM callhook_store.chart_days(90) AS d LEFT JOIN counted USING (day);
$$;
COMMENT ON FUNCTION callhook_store.chart_kinds(uuid[], date[]) IS
    'By day of 90: calls by kind, and missed ones; audio streams that were '
    'poor, in percent of those that could be classified.';

-- callhook.failures_by_day; reasons are Graph's own words.
CREATE OR REPLACE FUNCTION callhook_store.chart_failures(
    dirty_tenants uuid[], dirty_days date[])
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS (
        SELECT coalesce(reason.term, stage.term) AS reason,
               sum(f.calls)::bigint AS calls
        FROM callhook_store.failures_of_days(
            (now() AT TIME ZONE 'UTC')::date - 29, dirty_tenants, dirty_days)
            AS f
        LEFT JOIN callhook_store.report_terms AS stage
            ON stage.term_no = f.stage_no
        LEFT JOIN callhook_store.report_terms AS reason
            ON reason.term_no = f.reason_no
        GROUP BY 1
    ), ranked AS (
        SELECT reason, calls,
               row_number() OVER (ORDER BY calls DESC, reason) AS n
        FROM counted
    ), shown AS (
        SELECT min(n) AS n, CASE WHEN n <= 7 THEN left(reason, 60)
                                 ELSE 'others' END AS reason,
               sum(calls)::bigint AS calls
        FROM ranked GROUP BY CASE WHEN n <= 7 THEN n ELSE 8 END, 2
    )
    SELECT json_build_object(
        'points', coalesce(json_agg(reason ORDER BY n), '[]'),
        'calls', coalesce(json_agg(calls ORDER BY n), '[]'))
    FROM shown;
$$;
COMMENT ON FUNCTION callhook_store.chart_failures(uuid[], date[]) IS
    'Calls with a failure of 30 days, by its reason.';

-- callhook.completeness and callhook.gaps.
CREATE OR REPLACE FUNCTION callhook_store.chart_completeness()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off -- the index calls_lacking, whatever statistics say
AS $$
    WITH missing AS MATERIALIZED (
        SELECT day, count(*) AS calls FROM callhook_store.calls
        WHERE (record_state IN ('waiting', 'failed', 'gone')
               OR record_state = 'stored' AND version < listed_version)
          AND record_state <> 'gone'
          AND day >= (now() AT TIME ZONE 'UTC')::date - 29
        GROUP BY day
    ), gaps AS MATERIALIZED (
        SELECT d.day, sum(least(g.ends, d.ends) - greatest(g.begins, d.begins))
                   AS length
        FROM (SELECT day, day::timestamp AT TIME ZONE 'UTC' AS begins,
                     (day + 1)::timestamp AT TIME ZONE 'UTC' AS ends
              FROM callhook_store.chart_days(30)) AS d
        JOIN (SELECT begins_at AS begins, greatest(
                         begins_at, coalesce(ends_at, now())) AS ends
              FROM callhook_store.gaps) AS g
          ON g.begins < d.ends AND g.ends > d.begins
        GROUP BY d.day
    )
    SELECT json_build_object(
        'points', json_agg(d.day ORDER BY d.day),
        'missing', json_agg(coalesce(m.calls, 0) ORDER BY d.day),
        'gap_minutes', json_agg(coalesce(
            round(extract(epoch FROM g.length) / 60.0), 0) ORDER BY d.day))
    FROM callhook_store.chart_days(30) AS d
    LEFT JOIN missing AS m USING (day) LEFT JOIN gaps AS g USING (day);
$$;
COMMENT ON FUNCTION callhook_store.chart_completeness() IS
    'Calls whose record is missing, and minutes of gaps, by day of 30.';

CREATE OR REPLACE FUNCTION callhook_store.status_charts()
RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET max_parallel_workers_per_gather = 0 -- to start one takes longer
SET enable_memoize = off
AS $$
    SELECT json_build_object(
        'notifications', callhook_store.chart_notifications(),
        'spool', callhook_store.chart_spool(),
        'answers', callhook_store.chart_answers(),
        'calls', kinds.calls, 'quality', kinds.quality,
        'failures', callhook_store.chart_failures(tenants, days),
        'completeness', callhook_store.chart_completeness())
    FROM (SELECT coalesce(array_agg(tenant_id), '{}'),
                 coalesce(array_agg(day), '{}')
          FROM callhook_store.dirty_days
          WHERE day >= (now() AT TIME ZONE 'UTC')::date - 89)
        AS d (tenants, days),
        callhook_store.chart_kinds(tenants, days) AS kinds;
$$;
COMMENT ON FUNCTION callhook_store.status_charts() IS
    'The charts of `callhook-renewer status --html`.';
