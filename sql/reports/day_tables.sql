-- Figures by day. Each is one query over the facts of a tenant's day, written
-- once here; of it are made the table that keeps the days (day_...), the
-- function that makes a day anew, and a view (now_...) that takes clean days
-- from the table and others from the facts: it is exact at every moment.

CREATE OR REPLACE VIEW callhook_store.dirty_days AS
SELECT DISTINCT tenant_id, day FROM callhook_store.report_dirty_days
WHERE day >= (SELECT frozen_before FROM callhook_store.report_state);
COMMENT ON VIEW callhook_store.dirty_days IS
    'Days whose figures are to be made anew.';

CREATE OR REPLACE VIEW callhook_store.dirty_months AS
SELECT tenant_id, month FROM callhook_store.report_dirty_months
WHERE month >= (SELECT frozen_before FROM callhook_store.report_state)
UNION
SELECT tenant_id, date_trunc('month', day)::date
FROM callhook_store.dirty_days
WHERE date_trunc('month', day)::date
      >= (SELECT frozen_before FROM callhook_store.report_state);
COMMENT ON VIEW callhook_store.dirty_months IS
    'Months whose figures are to be made anew.';

-- {t} and {d} stand for the tenant and the day. Test calls are left out.
CREATE TEMPORARY TABLE figures (name text PRIMARY KEY, query text NOT NULL)
    ON COMMIT DROP;
INSERT INTO pg_temp.figures VALUES
('call_hours', $$
    SELECT date_trunc('hour', coalesce(
               started_at, {d}::timestamp AT TIME ZONE 'UTC'), 'UTC') AS hour,
           kind, external, count(*) AS calls, sum(seconds) AS seconds,
           sum(people) AS people,
           count(*) FILTER (WHERE disposition = 'a') AS answered,
           count(*) FILTER (WHERE disposition = 'm') AS missed,
           count(*) FILTER (WHERE disposition = 'd') AS declined,
           count(*) FILTER (WHERE disposition = 'f') AS failed
    FROM (SELECT started_at, kind, external, seconds, people, disposition
          FROM callhook_store.report_calls
          WHERE tenant_id = {t} AND day = {d} AND NOT is_test
          UNION ALL
          SELECT started_at, 'p', true, seconds, 1, disposition
          FROM callhook_store.report_phones
          WHERE tenant_id = {t} AND day = {d} AND call_id IS NULL) AS c
    GROUP BY 1, 2, 3 $$),
-- What the status page shows of calls: of 90 days, and at once.
('kinds', $$
    SELECT kind, count(*) AS calls,
           count(*) FILTER (WHERE disposition = 'm') AS missed,
           sum(audio_classified) AS audio_classified,
           sum(audio_poor) AS audio_poor
    FROM (SELECT kind, disposition, audio_classified, audio_poor
          FROM callhook_store.report_calls
          WHERE tenant_id = {t} AND day = {d} AND NOT is_test
          UNION ALL
          SELECT 'p', disposition, 0, 0
          FROM callhook_store.report_phones
          WHERE tenant_id = {t} AND day = {d} AND call_id IS NULL) AS c
    GROUP BY 1 $$),
-- Who leaves in the moment in which another comes is not there at once with
-- him. A call that began the day before may last into this one.
('concurrent', $$
    SELECT max(running) AS calls,
           (array_agg(at ORDER BY running DESC, at))[1] AS at
    FROM (SELECT at, sum(sum(step)) OVER (ORDER BY at) AS running
          FROM (SELECT greatest(started_at, {d}::timestamp AT TIME ZONE 'UTC'),
                       greatest(ended_at,
                                started_at + interval '1 microsecond',
                                {d}::timestamp AT TIME ZONE 'UTC'
                                + interval '1 microsecond')
                FROM (SELECT started_at, ended_at
                      FROM callhook_store.report_calls
                      WHERE tenant_id = {t} AND day <= {d} AND day >= {d} - 7
                        AND NOT is_test
                      UNION ALL
                      SELECT started_at, ended_at
                      FROM callhook_store.report_phones
                      WHERE tenant_id = {t} AND day <= {d} AND day >= {d} - 7
                        AND call_id IS NULL) AS c
                WHERE started_at < ({d} + 1)::timestamp AT TIME ZONE 'UTC'
                  AND (ended_at > {d}::timestamp AT TIME ZONE 'UTC'
                       OR started_at >= {d}::timestamp AT TIME ZONE 'UTC'))
              AS s (begins, ends)
          CROSS JOIN LATERAL (VALUES (begins, 1), (ends, -1)) AS e (at, step)
          GROUP BY at) AS r
    WHERE at < ({d} + 1)::timestamp AT TIME ZONE 'UTC'
    HAVING count(*) > 0 $$),
('meetings', $$
    SELECT CASE WHEN people <= 2 THEN 1 WHEN people <= 5 THEN 2
                WHEN people <= 10 THEN 3 WHEN people <= 25 THEN 4
                WHEN people <= 50 THEN 5 WHEN people <= 100 THEN 6 ELSE 7 END
               AS size_no,
           count(*) AS calls, sum(seconds) AS seconds, sum(people) AS people
    FROM callhook_store.report_calls
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test AND kind = 'm'
    GROUP BY 1 $$),
('networks', $$
    SELECT media, label_no, kind, receiver_connection_no AS connection_no,
           transport_no, count(*) AS streams,
           count(*) FILTER (WHERE verdict <> 'u') AS classified,
           count(*) FILTER (WHERE verdict = 'p') AS poor
    FROM callhook_store.report_streams
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test
    GROUP BY 1, 2, 3, 4, 5 $$),
('places', $$
    SELECT media, label_no, receiver_subnet_no AS subnet_no,
           receiver_connection_no AS connection_no, count(*) AS streams,
           count(*) FILTER (WHERE verdict <> 'u') AS classified,
           count(*) FILTER (WHERE verdict = 'p') AS poor
    FROM callhook_store.report_streams
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test
    GROUP BY 1, 2, 3, 4 $$),
-- A device that few have would tell of them.
('devices', $$
    SELECT media, label_no,
           CASE WHEN s.device_no IS NULL OR u.people >= 5 THEN n.name
                ELSE 'other' END AS device,
           sum(streams) AS streams, sum(classified) AS classified,
           sum(poor) AS poor
    FROM (SELECT media, label_no, receiver_device_no AS device_no,
                 count(*) AS streams,
                 count(*) FILTER (WHERE verdict <> 'u') AS classified,
                 count(*) FILTER (WHERE verdict = 'p') AS poor
          FROM callhook_store.report_streams
          WHERE tenant_id = {t} AND day = {d} AND NOT is_test
          GROUP BY 1, 2, 3) AS s
    LEFT JOIN (SELECT receiver_device_no AS device_no,
                      count(DISTINCT receiver_no) AS people
               FROM callhook_store.report_streams
               WHERE tenant_id = {t} AND day = {d} AND NOT is_test
               GROUP BY 1) AS u USING (device_no)
    LEFT JOIN callhook_store.report_devices AS n USING (device_no)
    GROUP BY 1, 2, 3 $$),
('percentiles', $$
    SELECT media, label_no, jitter_ms[1] AS jitter_ms_p50,
           jitter_ms[2] AS jitter_ms_p95,
           round_trip_ms[1] AS round_trip_ms_p50,
           round_trip_ms[2] AS round_trip_ms_p95, loss[1] AS loss_p50,
           loss[2] AS loss_p95
    FROM (SELECT media, label_no,
                 percentile_cont('{0.5,0.95}'::float8[])
                     WITHIN GROUP (ORDER BY jitter_ms) AS jitter_ms,
                 percentile_cont('{0.5,0.95}'::float8[])
                     WITHIN GROUP (ORDER BY round_trip_ms) AS round_trip_ms,
                 percentile_cont('{0.5,0.95}'::float8[])
                     WITHIN GROUP (ORDER BY loss) AS loss
          FROM callhook_store.report_streams
          WHERE tenant_id = {t} AND day = {d} AND NOT is_test
          GROUP BY 1, 2) AS p $$),
('failures', $$
    SELECT stage_no, reason_no, count(DISTINCT call_id) AS calls
    FROM callhook_store.report_legs
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test
      AND (stage_no IS NOT NULL OR reason_no IS NOT NULL)
    GROUP BY 1, 2 $$),
('ratings', $$
    SELECT rating_no, audio, count(*) AS calls,
           count(DISTINCT person_no) AS people
    FROM callhook_store.report_legs
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test
      AND rating_no IS NOT NULL
    GROUP BY 1, 2 $$),
('phones', $$
    SELECT source, call_type_no, country_no, destination_no, currency_no,
           count(*) AS calls, sum(seconds) AS seconds, sum(charge) AS charge
    FROM callhook_store.report_phones
    WHERE tenant_id = {t} AND day = {d}
    GROUP BY 1, 2, 3, 4, 5 $$),
('trunks', $$
    SELECT trunk_no, sip_code, count(*) AS calls, sum(seconds) AS seconds,
           count(*) FILTER (WHERE disposition = 'a') AS answered,
           count(*) FILTER (WHERE disposition = 'f') AS failed
    FROM callhook_store.report_phones
    WHERE tenant_id = {t} AND day = {d} AND source = 'd'
    GROUP BY 1, 2 $$),
('queues', $$
    SELECT queue_no, count(*) AS offered,
           count(*) FILTER (WHERE disposition = 'a') AS answered,
           count(*) FILTER (WHERE disposition NOT IN ('a', 'v')) AS abandoned,
           sum(wait_seconds) AS wait_seconds
    FROM callhook_store.report_calls
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test
      AND queue_no IS NOT NULL
    GROUP BY 1 $$),
-- The kind is a word here, for the planner to know how frequent each is.
('persons', $$
    SELECT person_no, person_kind, bool_or(is_own) AS is_own,
           count(*) FILTER (WHERE direction = 'o') AS calls_out,
           count(*) FILTER (WHERE direction = 'i' AND disposition = 'a')
               AS calls_in,
           count(*) FILTER (WHERE direction = 'i' AND disposition = 'm')
               AS missed,
           count(*) FILTER (WHERE direction = 'm') AS meetings,
           coalesce(sum(seconds), 0) AS seconds
    FROM (SELECT person_no, kind.term AS person_kind,
                 external = false AND person_no IS NOT NULL AS is_own,
                 direction, disposition,
                 CASE WHEN ended_at - started_at
                           BETWEEN '-24855 days' AND '24855 days'
                      THEN floor(date_part('epoch', ended_at - started_at)
                                )::integer END AS seconds
          FROM callhook_store.report_legs
          LEFT JOIN callhook_store.report_terms AS kind
              ON kind.term_no = person_kind_no
          WHERE tenant_id = {t} AND day = {d} AND NOT is_test
          UNION ALL
          SELECT person_no, 'user', person_no IS NOT NULL, direction,
                 disposition, seconds
          FROM callhook_store.report_phones
          WHERE tenant_id = {t} AND day = {d} AND call_id IS NULL) AS l
    GROUP BY 1, 2 $$),
('clients', $$
    SELECT person_no, platform_no, version_no, count(*) AS legs
    FROM callhook_store.report_legs
    WHERE tenant_id = {t} AND day = {d} AND NOT is_test
      AND (platform_no IS NOT NULL OR version_no IS NOT NULL)
    GROUP BY 1, 2, 3 $$);

CREATE TEMPORARY TABLE month_figures (name text PRIMARY KEY,
                                      query text NOT NULL) ON COMMIT DROP;
-- {m} stands for the first day of the month.
INSERT INTO pg_temp.month_figures VALUES
('users', $$
    SELECT count(DISTINCT person_no) AS people
    FROM callhook_store.now_persons
    WHERE tenant_id = {t} AND day >= {m}
      AND day < ({m} + interval '1 month')::date AND is_own
    HAVING count(*) > 0 $$),
('platforms', $$
    SELECT platform_no, version_no, sum(legs) AS calls,
           count(DISTINCT person_no) AS people
    FROM callhook_store.now_clients
    WHERE tenant_id = {t} AND day >= {m}
      AND day < ({m} + interval '1 month')::date
    GROUP BY 1, 2 $$);

-- A query with its places filled in.
CREATE OR REPLACE FUNCTION pg_temp.with_places(
    query text, tenant text, span text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT replace(replace(replace(query, '{t}', tenant), '{d}', span),
                   '{m}', span);
$$;

-- Tables, indexes and views of some figures.
CREATE OR REPLACE FUNCTION pg_temp.make_figure(
    name text, query text, span text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    kept constant text := span || '_' || name;
    columns text;
BEGIN
    IF to_regclass('callhook_store.' || kept) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE callhook_store.%I AS
             SELECT NULL::uuid AS tenant_id, NULL::date AS %I, q.*
             FROM (%s) AS q WITH NO DATA', kept, span,
            pg_temp.with_places(query, 'NULL::uuid', 'NULL::date'));
        EXECUTE format('CREATE INDEX ON callhook_store.%I (%I, tenant_id)',
                       kept, span);
    END IF;
    SELECT string_agg(format('q.%I::%s AS %1$I', attname,
                             format_type(atttypid, atttypmod)), ', '
                      ORDER BY attnum)
    INTO columns FROM pg_attribute
    WHERE attrelid = ('callhook_store.' || kept)::regclass AND attnum > 2
      AND NOT attisdropped;
    EXECUTE format(
        'CREATE OR REPLACE VIEW callhook_store.%I AS
         SELECT k.* FROM callhook_store.%I AS k
         WHERE NOT EXISTS (SELECT FROM callhook_store.dirty_%ss AS d
                           WHERE d.tenant_id = k.tenant_id
                             AND d.%4$I = k.%4$I)
         UNION ALL
         SELECT d.tenant_id, d.%4$I, %5$s
         FROM callhook_store.dirty_%3$ss AS d
         CROSS JOIN LATERAL (%6$s) AS q',
        CASE span WHEN 'day' THEN 'now_' ELSE 'now_month_' END || name, kept,
        span, span, columns,
        pg_temp.with_places(query, 'd.tenant_id', 'd.' || span));
END
$$;

DO $$
DECLARE
    has_kinds constant boolean :=
        to_regclass('callhook_store.day_kinds') IS NOT NULL;
BEGIN
    PERFORM pg_temp.make_figure(name, query, 'day') FROM pg_temp.figures;
    PERFORM pg_temp.make_figure(name, query, 'month')
    FROM pg_temp.month_figures;
    IF NOT has_kinds THEN -- an older schema has them in two tables
        INSERT INTO callhook_store.day_kinds
        SELECT c.tenant_id, c.day, c.kind, c.calls, c.missed,
               coalesce(a.classified, 0), coalesce(a.poor, 0)
        FROM (SELECT tenant_id, day, kind, sum(calls) AS calls,
                     sum(missed) AS missed
              FROM callhook_store.day_call_hours GROUP BY 1, 2, 3) AS c
        LEFT JOIN (SELECT tenant_id, day, kind, sum(classified) AS classified,
                          sum(poor) AS poor
                   FROM callhook_store.day_networks
                   WHERE media = 'a' GROUP BY 1, 2, 3) AS a
            USING (tenant_id, day, kind)
        ORDER BY c.day;
    END IF;
END
$$;

-- Persons and clients were one table, with a row for each pair of them.
DO $$
BEGIN
    IF to_regclass('callhook_store.day_people') IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO callhook_store.day_persons
    SELECT tenant_id, day, person_no, kind.term, bool_or(is_own),
           sum(calls_out), sum(calls_in), sum(missed), sum(meetings),
           coalesce(sum(seconds), 0)
    FROM callhook_store.day_people
    LEFT JOIN callhook_store.report_terms AS kind ON term_no = person_kind_no
    GROUP BY 1, 2, 3, 4;
    INSERT INTO callhook_store.day_clients
    SELECT tenant_id, day, person_no, platform_no, version_no, sum(legs)
    FROM callhook_store.day_people
    WHERE platform_no IS NOT NULL OR version_no IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5;
    -- figures.sql drops it, once no view needs it
    TRUNCATE callhook_store.day_people;
END
$$;

-- make_day and make_month make a tenant's figures of a day or month; their
-- lines are taken out of the list before, in an older snapshot than that which
-- the facts are read in: what is stored later leaves a line of its own.
-- verify_figures compares what is kept of clean days with the facts.
DO $do$
DECLARE
    days text := '';
    months text := '';
    checks text := '';
    figure record;
BEGIN
    FOR figure IN SELECT name, query FROM pg_temp.figures ORDER BY name LOOP
        days := days || format($$
    DELETE FROM callhook_store.day_%1$s
    WHERE tenant_id = tenant AND day = on_day;
    INSERT INTO callhook_store.day_%1$s
    SELECT tenant, on_day, q.* FROM (%2$s) AS q;$$, figure.name,
            pg_temp.with_places(figure.query, 'tenant', 'on_day'));
        checks := checks || format($$
        PERFORM FROM (
            (SELECT * FROM callhook_store.day_%1$s AS k
             WHERE k.tenant_id = tenant AND k.day = on_day
             EXCEPT ALL
             SELECT tenant, on_day, q.* FROM (%2$s) AS q)
            UNION ALL
            (SELECT tenant, on_day, q.* FROM (%2$s) AS q
             EXCEPT ALL
             SELECT * FROM callhook_store.day_%1$s AS k
             WHERE k.tenant_id = tenant AND k.day = on_day)) AS d;
        IF FOUND THEN
            RETURN QUERY SELECT tenant, 'day_%1$s'::text,
                                'differs from the facts'::text;
        END IF;$$, figure.name,
            pg_temp.with_places(figure.query, 'tenant', 'on_day'));
    END LOOP;
    FOR figure IN SELECT name, query FROM pg_temp.month_figures LOOP
        months := months || format($$
    DELETE FROM callhook_store.month_%1$s
    WHERE tenant_id = tenant AND month = of_month;
    INSERT INTO callhook_store.month_%1$s
    SELECT tenant, of_month, q.* FROM (%2$s) AS q;$$, figure.name,
            pg_temp.with_places(figure.query, 'tenant', 'of_month'));
    END LOOP;
    EXECUTE format($create$
CREATE OR REPLACE FUNCTION callhook_store.make_day(tenant uuid, on_day date)
RETURNS void
LANGUAGE plpgsql
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('callhook report day'),
                                  hashtext(tenant::text));
    DELETE FROM callhook_store.report_dirty_days
    WHERE tenant_id = tenant AND day = on_day;
%s
    INSERT INTO callhook_store.report_dirty_months
    SELECT tenant, date_trunc('month', on_day)
    WHERE NOT EXISTS (
        SELECT FROM callhook_store.report_dirty_months AS m
        WHERE m.tenant_id = tenant AND m.month = date_trunc('month', on_day));
END
$function$ $create$, days);
    EXECUTE format($create$
CREATE OR REPLACE FUNCTION callhook_store.make_month(
    tenant uuid, of_month date)
RETURNS void
LANGUAGE plpgsql
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('callhook report day'),
                                  hashtext(tenant::text));
    DELETE FROM callhook_store.report_dirty_months
    WHERE tenant_id = tenant AND month = of_month;
%s
END
$function$ $create$, months);
    EXECUTE format($create$
CREATE OR REPLACE FUNCTION callhook_store.verify_figures(on_day date)
RETURNS TABLE (tenant_id uuid, part text, problem text)
LANGUAGE plpgsql
SET jit = off
AS $function$
#variable_conflict use_column
DECLARE
    tenant uuid;
BEGIN
    FOR tenant IN
        SELECT c.tenant_id FROM callhook_store.report_calls AS c
        WHERE c.day = on_day
        UNION SELECT p.tenant_id FROM callhook_store.report_phones AS p
        WHERE p.day = on_day
        UNION SELECT k.tenant_id FROM callhook_store.day_call_hours AS k
        WHERE k.day = on_day
        EXCEPT SELECT d.tenant_id FROM callhook_store.dirty_days AS d
        WHERE d.day = on_day
    LOOP
%s
    END LOOP;
END
$function$ $create$, checks);
END
$do$;
COMMENT ON FUNCTION callhook_store.make_day(uuid, date) IS
    'Makes a tenant''s figures of a day anew.';
COMMENT ON FUNCTION callhook_store.make_month(uuid, date) IS
    'Makes a tenant''s figures of a month anew.';
COMMENT ON FUNCTION callhook_store.verify_figures(date) IS
    'Which figures of a clean day differ from its facts.';

-- The renewer's step, a day a transaction. The first of a run makes months of
-- facts ahead: a reader whose query was planned before a month was attached,
-- and begins after its first record was committed, would see half of a call.
-- Then the newest dirty day before the one that it did last, so that a day
-- that is written to all the time is done once a run. No row: there is none.
-- Somebody else's day is left to him.
CREATE OR REPLACE FUNCTION callhook_store.refresh_day(
    before_day date, before_tenant uuid)
RETURNS TABLE (done_day date, done_tenant uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF before_day = 'infinity' THEN
        PERFORM callhook_store.make_report_month(
            ((now() AT TIME ZONE 'UTC')
             + make_interval(months => months))::date)
        FROM generate_series(0, 1) AS months;
    END IF;
    SELECT d.day, d.tenant_id INTO done_day, done_tenant
    FROM callhook_store.dirty_days AS d
    WHERE (d.day, d.tenant_id) < (before_day, before_tenant)
    ORDER BY d.day DESC, d.tenant_id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF pg_try_advisory_xact_lock(hashtext('callhook report day'),
                                 hashtext(done_tenant::text)) THEN
        PERFORM callhook_store.make_day(done_tenant, done_day);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION callhook_store.refresh_day(date, uuid) IS
    'Makes the figures of the newest dirty day before a day and tenant; which '
    'one.';

CREATE OR REPLACE FUNCTION callhook_store.refresh_month(
    before_month date, before_tenant uuid)
RETURNS TABLE (done_month date, done_tenant uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT d.month, d.tenant_id INTO done_month, done_tenant
    FROM callhook_store.report_dirty_months AS d
    WHERE (d.month, d.tenant_id) < (before_month, before_tenant)
      AND d.month >= (SELECT frozen_before FROM callhook_store.report_state)
    ORDER BY d.month DESC, d.tenant_id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF pg_try_advisory_xact_lock(hashtext('callhook report day'),
                                 hashtext(done_tenant::text)) THEN
        PERFORM callhook_store.make_month(done_tenant, done_month);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION callhook_store.refresh_month(date, uuid) IS
    'Makes the figures of the newest dirty month before a month and tenant; '
    'which one.';
