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

-- callhook.notifications_by_hour.
CREATE OR REPLACE FUNCTION callhook_store.chart_notifications()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS MATERIALIZED (
        SELECT h.hour, sum(h.notifications)::bigint AS notifications
        FROM callhook_store.notification_hours AS h
        WHERE h.hour >= callhook_store.chart_week()
        GROUP BY h.hour
    )
    SELECT json_build_object(
        'points', json_agg(callhook_store.iso_time(
            callhook_store.epoch(hour)) ORDER BY hour),
        'notifications', json_agg(CASE WHEN hour <= now()
            THEN coalesce(notifications, 0) END ORDER BY hour))
    FROM callhook_store.chart_hours() LEFT JOIN counted USING (hour);
$$;
COMMENT ON FUNCTION callhook_store.chart_notifications() IS
    'Notifications by hour of 7 days; null for hours to come.';

-- callhook.receiver_minutes.
CREATE OR REPLACE FUNCTION callhook_store.chart_spool()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH minutes AS MATERIALIZED (
        SELECT date_bin('1 hour', m.minute, 'epoch') AS hour, m.host,
               max(m.spool_bytes) AS bytes
        FROM callhook_store.receiver_minutes AS m
        WHERE m.minute >= callhook_store.chart_week()
          AND m.spool_bytes > 0
        GROUP BY 1, 2
    ), counted AS MATERIALIZED (
        SELECT hour, sum(bytes)::bigint AS bytes FROM minutes GROUP BY hour
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
        SELECT date_bin('1 hour', m.minute, 'epoch') AS hour, t.n,
               sum(t.answers) AS answers
        FROM callhook_store.receiver_minutes AS m
        CROSS JOIN LATERAL unnest(m.times) WITH ORDINALITY AS t (answers, n)
        WHERE m.minute >= callhook_store.chart_day()
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
        SELECT date_bin('1 hour', m.minute, 'epoch') AS hour,
               max(m.max_us) AS us
        FROM callhook_store.receiver_minutes AS m
        WHERE m.minute >= callhook_store.chart_day()
        GROUP BY 1
    ), hours AS (
        SELECT h.hour,
               least(min(upper_us) FILTER (WHERE sofar >= 0.50 * total),
                     max(us)) / 1000.0 AS p50,
               least(min(upper_us) FILTER (WHERE sofar >= 0.99 * total),
                     max(us)) / 1000.0 AS p99,
               CASE WHEN count(total) > 0 THEN max(us) / 1000.0 END AS longest
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

-- callhook.calls_by_hour, by the day.
CREATE OR REPLACE FUNCTION callhook_store.chart_calls()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS MATERIALIZED (
        SELECT c.day,
               sum(c.calls) FILTER (WHERE c.kind = 'd') AS two,
               sum(c.calls) FILTER (WHERE c.kind = 'm') AS meeting,
               sum(c.calls) FILTER (WHERE c.kind = 'p') AS phone,
               sum(c.missed) AS missed
        FROM callhook_store.now_call_hours AS c
        WHERE c.day >= (now() AT TIME ZONE 'UTC')::date - 89
        GROUP BY c.day
    )
    SELECT json_build_object(
        'points', json_agg(d.day ORDER BY d.day),
        'peer_to_peer', json_agg(coalesce(two, 0) ORDER BY d.day),
        'meeting', json_agg(coalesce(meeting, 0) ORDER BY d.day),
        'phone', json_agg(coalesce(phone, 0) ORDER BY d.day),
        'missed', json_agg(coalesce(missed, 0) ORDER BY d.day))
    FROM callhook_store.chart_days(90) AS d LEFT JOIN counted USING (day);
$$;
COMMENT ON FUNCTION callhook_store.chart_calls() IS
    'Calls by kind, and missed ones, by day of 90.';

-- callhook.quality_by_day, its audio.
CREATE OR REPLACE FUNCTION callhook_store.chart_quality()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS MATERIALIZED (
        SELECT q.day, sum(q.classified) AS classified, sum(q.poor) AS poor
        FROM callhook_store.now_networks AS q
        WHERE q.media = 'a' AND q.day >= (now() AT TIME ZONE 'UTC')::date - 89
        GROUP BY q.day
    )
    SELECT json_build_object(
        'points', json_agg(d.day ORDER BY d.day),
        'rate', json_agg(round(100.0 * poor / nullif(classified, 0), 2)
                         ORDER BY d.day),
        'poor', json_agg(coalesce(poor, 0) ORDER BY d.day),
        'classified', json_agg(coalesce(classified, 0) ORDER BY d.day))
    FROM callhook_store.chart_days(90) AS d LEFT JOIN counted USING (day);
$$;
COMMENT ON FUNCTION callhook_store.chart_quality() IS
    'Audio streams that were poor, by day of 90, in percent of those that '
    'could be classified.';

-- callhook.failures_by_day; reasons are Graph's own words.
CREATE OR REPLACE FUNCTION callhook_store.chart_failures()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH counted AS (
        SELECT coalesce(reason.term, stage.term) AS reason,
               sum(f.calls)::bigint AS calls
        FROM callhook_store.now_failures AS f
        LEFT JOIN callhook_store.report_terms AS stage
            ON stage.term_no = f.stage_no
        LEFT JOIN callhook_store.report_terms AS reason
            ON reason.term_no = f.reason_no
        WHERE f.day >= (now() AT TIME ZONE 'UTC')::date - 29
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
COMMENT ON FUNCTION callhook_store.chart_failures() IS
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
        SELECT d.day, sum(upper(s.span) - lower(s.span)) AS length
        FROM callhook_store.chart_days(30) AS d
        JOIN callhook_store.gaps AS g
          ON tstzrange(g.begins_at, greatest(
                 g.begins_at, coalesce(g.ends_at, now())))
             && tstzrange(d.day::timestamp AT TIME ZONE 'UTC',
                          (d.day + 1)::timestamp AT TIME ZONE 'UTC')
        CROSS JOIN LATERAL (
            SELECT tstzrange(g.begins_at, greatest(
                 g.begins_at, coalesce(g.ends_at, now())))
                 * tstzrange(d.day::timestamp AT TIME ZONE 'UTC',
                             (d.day + 1)::timestamp AT TIME ZONE 'UTC')
        ) AS s (span)
        GROUP BY d.day
    )
    SELECT json_build_object(
        'points', json_agg(d.day ORDER BY d.day),
        'missing', json_agg(coalesce(m.calls, 0) ORDER BY d.day),
        'gap_minutes', json_agg(coalesce(
            round(extract(epoch FROM g.length) / 60), 0) ORDER BY d.day))
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
AS $$
    SELECT json_build_object(
        'notifications', callhook_store.chart_notifications(),
        'spool', callhook_store.chart_spool(),
        'answers', callhook_store.chart_answers(),
        'calls', callhook_store.chart_calls(),
        'quality', callhook_store.chart_quality(),
        'failures', callhook_store.chart_failures(),
        'completeness', callhook_store.chart_completeness());
$$;
COMMENT ON FUNCTION callhook_store.status_charts() IS
    'The charts of `callhook-renewer status --html`.';
