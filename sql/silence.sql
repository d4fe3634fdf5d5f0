-- Whether a tenant is silent for longer than its habits explain.
--
-- The model. What is usual is the mean number of changes in each hour of the
-- week over the last 8 weeks, without the largest where that is far off. What
-- is missed counts by the least of the hour and its neighbours, for clocks are
-- set to summer time and no day ends at the same minute.
--
-- Changes come in clumps (a call has several, meetings begin at the full
-- hour): how many there are to a clump is measured, by how often hours are
-- empty and by how far two hours differ from the same two a week before. What
-- is missed below is clumps. Days differ, and so do hours: what is expected is
-- the usual times a level, of the last 3 days, less if less came in the last 3
-- hours, and less again if less came in this hour. A silence in which m are
-- expected has the chance (1 + m/8)^-8 (a level that is uncertain by a third),
-- on later days exp(-m).
--
-- A day is no sample of the others: a tenant may be on holiday as a whole. So,
-- of the days in a year,
-- - 1 in 25 is off, and after it 3 in 10. Any day may be, until more than 2
--   clumps and a quarter of what is usual have come;
-- - 16 end early, at any hour, and leave a twelfth.
-- After a day of which more than 15 % are missed, 1 in 12 is off, and again 1
-- in 12 after that (more may be, in truth; so many let a death be found). Its
-- day begins in the midst of a tenant's quietest hours. Where no hour of the
-- week has less than half of the mean, there is no night, and a silence is one
-- span.
--
-- Of silences as long as this one, then, so many are expected in a year: one
-- for each clump of a year by the chance that it is so long (for each day,
-- where it reaches into another), and those of days that are off or end early.
-- Fewer than one: an alarm. No silence of less than 10 minutes is one: Graph
-- itself pauses for so long.
--
-- Where it cries wolf still: of 200 made-up years of a tenant (make
-- bench-silence) some 20 have a false alarm, hardly one has two; most in an
-- afternoon off before a holiday, the others when weeks off begin.

-- Those of an earlier schema.
DROP FUNCTION IF EXISTS callhook_store.silences_a_year(
    timestamptz, timestamptz, bigint[], bigint, double precision[],
    double precision[], double precision, double precision, double precision,
    integer);

CREATE OR REPLACE FUNCTION callhook_store.hour_of_week(at timestamptz)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$ -- 1970 began on a Thursday
    SELECT ((floor(extract(epoch FROM at AT TIME ZONE 'UTC') / 3600)::bigint
             + 72) % 168)::integer;
$$;
COMMENT ON FUNCTION callhook_store.hour_of_week(timestamptz) IS
    'Hours since Monday 0:00 UTC, 0 to 167.';

CREATE OR REPLACE FUNCTION callhook_store.silence_habits(
    first_hour timestamptz, counts bigint[],
    OUT usual double precision[], OUT least_usual double precision[],
    OUT clump double precision, OUT clumps_a_year double precision,
    OUT quiet_hour integer)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan -- planned once, not for each tenant,
SET enable_nestloop = off -- which tells nothing of how many rows there are
AS $$
#variable_conflict use_column
DECLARE
    first_bin constant integer := callhook_store.hour_of_week(first_hour);
    half constant double precision := 0.5;
BEGIN
    WITH sample AS MATERIALIZED (
        SELECT n, changes::double precision AS changes,
               (first_bin + n - 1) % 168 AS bin
        FROM unnest(counts) WITH ORDINALITY AS c (changes, n)
    ), known AS MATERIALIZED ( -- of a tenant that is new, at least 4 weeks
        SELECT least(8, greatest(4, ceil((cardinality(counts) - min(n) + 1)
                                         / 168.0)))::double precision AS weeks,
               min(n) AS from_n
        FROM sample WHERE changes > 0
    ), binned AS (
        SELECT n, changes, bin, weeks, sum(changes) OVER b AS all_weeks,
               (sum(changes) OVER b - max(changes) OVER b) / (weeks - 1)
                   AS others, max(changes) OVER b AS most,
               from_n
        FROM sample, known WINDOW b AS (PARTITION BY bin)
    ), hours AS MATERIALIZED (
        SELECT n, changes, bin, from_n, CASE WHEN most > 10 + 4 * others
                   THEN others ELSE all_weeks / weeks END AS usual
        FROM binned
    ), bins AS MATERIALIZED (
        SELECT DISTINCT bin, usual FROM hours
    ), near AS MATERIALIZED (
        SELECT bin, least(usual, lag(usual) OVER b, lead(usual) OVER b) AS least
        FROM bins WINDOW b AS (ORDER BY bin)
    ), empty AS ( -- not beside hours that are far emptier: no days' ends
        SELECT avg(usual) / -ln(least(0.98, greatest(1e-9,
                   avg((changes = 0)::integer)::double precision))) AS clump
        FROM hours JOIN near USING (bin)
        WHERE n >= from_n AND usual BETWEEN 0.1 AND 20 AND least >= usual / 2
        HAVING count(*) >= 100
    ), pairs AS ( -- 1.074: below it are 0.7 of chi-squared
        SELECT percentile_cont(0.7) WITHIN GROUP (
                   ORDER BY ln(this * before_then / (before * this_then)) ^ 2
                            / (1 / this + 1 / before
                               + 1 / this_then + 1 / before_then))
               / 1.074 AS clump
        FROM (SELECT changes + 0.5 AS this, counts[n - 1] + half AS before,
                     counts[n - 168] + half AS this_then,
                     counts[n - 169] + half AS before_then
              FROM hours JOIN near USING (bin)
              WHERE n >= from_n + 169 AND least >= 8) AS p
        WHERE this + before > 1 AND this_then + before_then > 1
        HAVING count(*) >= 100
    ), clumps AS MATERIALIZED (
        SELECT least(20, greatest(1, coalesce(
            greatest((SELECT e.clump FROM empty AS e),
                     (SELECT p.clump FROM pairs AS p)), 4))) AS clump
    ), clock AS ( -- with the hours around it: the midst of the night
        SELECT h, sum(usual) AS around
        FROM generate_series(0, 23) AS h
        JOIN bins ON (bin - h + 3 + 168) % 24 <= 6
        GROUP BY h
    )
    SELECT (SELECT array_agg(b.usual ORDER BY b.bin) FROM bins AS b),
           (SELECT array_agg(n.least ORDER BY n.bin) FROM near AS n),
           c.clump,
           (SELECT sum(changes) * 365 / 7 / max(weeks) FROM sample, known)
               / c.clump,
           (SELECT h FROM clock ORDER BY around, h LIMIT 1)
    INTO usual, least_usual, clump, clumps_a_year, quiet_hour
    FROM clumps AS c;
END
$$;
COMMENT ON FUNCTION callhook_store.silence_habits(timestamptz, bigint[]) IS
    'A tenant''s habits, from its changes in each hour of 8 weeks: what is '
    'usual by hour of the week, how many changes there are to a clump, clumps '
    'in a year, the UTC hour in which its day begins.';

-- lately: the changes of the 72 hours before that of last_at, oldest first;
-- in_hour: those of that hour until last_at.
CREATE OR REPLACE FUNCTION callhook_store.silences_a_year(
    last_at timestamptz, at timestamptz, lately bigint[], in_hour bigint,
    usual double precision[], least_usual double precision[],
    clump double precision, clumps_a_year double precision, quiet_hour integer)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    bin constant integer := callhook_store.hour_of_week(last_at);
    into_hour constant double precision :=
        extract(epoch FROM last_at)::bigint % 3600 / 3600.0;
    ends constant double precision :=
        into_hour + extract(epoch FROM at - last_at) / 3600;
    of_day constant integer := (bin - quiet_hour + 168) % 24;
    has_nights constant boolean := (SELECT min(u) < avg(u) / 2
                                    FROM unnest(usual) AS u);
    expected double precision := into_hour * usual[1 + bin] / clump;
    came double precision := in_hour / clump;
    expected_now constant double precision := expected;
    came_now constant double precision := came;
    expected_3 double precision; -- with the two hours before
    came_3 double precision;
    today double precision := expected; -- what is usual of it until last_at
    came_today double precision := came;
    of_days double precision; -- the levels
    level double precision;
    off double precision := 0.04; -- the chance that the next day is
    may_be_off double precision := 0; -- such days, in a year
    missed double precision := 0; -- on one day
    a_year double precision; -- silences, until the end of a day
    stays_off double precision; -- by chance
BEGIN
    FOR k IN 1..72 LOOP
        came := came + lately[73 - k] / clump;
        expected := expected + usual[1 + (bin - k + 168) % 168] / clump;
        IF k = 2 THEN
            came_3 := came;
            expected_3 := expected;
        END IF;
        IF k <= of_day THEN
            came_today := came;
            today := expected;
        END IF;
    END LOOP;
    of_days := least(1, (came + 5) / (expected + 5));
    level := least(1, (came_3 + 5 * of_days) / (expected_3 + 5));
    level := least(level, (came_now + 5 * level) / (expected_now + 5));
    IF came_today <= 2 + today / 4 THEN
        may_be_off := 365 * off;
    END IF;
    FOR j IN 0..ceil(ends)::integer LOOP
        -- a day is over
        IF j > 0 AND has_nights AND (of_day + j) % 24 = 0 OR j >= ends THEN
            stays_off := exp(-least(50, missed / 1000));
            IF a_year IS NOT NULL THEN
                a_year := a_year * (off * stays_off + (1 - off)
                                    * exp(-least(50, of_days * missed)));
                IF missed >= 1 AND off = 0.04 THEN
                    off := 0.3;
                END IF;
            ELSIF j < ends AND missed < 0.15 * (today + missed) THEN
                a_year := 365;
            ELSE
                a_year := CASE WHEN j < ends THEN 365 ELSE clumps_a_year END
                    * (1 + level * missed / 8) ^ -8
                    + may_be_off * stays_off
                    + 16 * exp(-least(50, missed / 12));
                off := 1 / 12.0;
            END IF;
            EXIT WHEN j >= ends OR a_year < 1e-6;
            missed := 0;
        END IF;
        missed := missed + (least(ends, j + 1) - greatest(into_hour, j))
                           * least_usual[1 + (bin + j) % 168] / clump;
    END LOOP;
    RETURN a_year;
END
$$;
COMMENT ON FUNCTION callhook_store.silences_a_year(
    timestamptz, timestamptz, bigint[], bigint, double precision[],
    double precision[], double precision, double precision, integer) IS
    'How many silences as long as this one are expected in a year.';

CREATE OR REPLACE FUNCTION callhook_store.is_silence_alarming(
    last_at timestamptz, at timestamptz, a_year double precision)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce(at - last_at >= interval '10 minutes' AND a_year < 1,
                    false);
$$;
COMMENT ON FUNCTION callhook_store.is_silence_alarming(
    timestamptz, timestamptz, double precision) IS
    'Whether a silence is one that is expected less than once a year.';

-- One tenant: its changes of 8 weeks before the last one, taken together.
CREATE OR REPLACE FUNCTION callhook_store.silence_alarm(
    tenant uuid, last_at timestamptz, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
SET enable_nestloop = off
AS $$
DECLARE
    until constant timestamptz := date_trunc('hour', last_at, 'UTC');
    since constant timestamptz := until - interval '1344 hours';
    counts bigint[]; -- of that of last_at as well
BEGIN
    WITH counted AS MATERIALIZED (
        SELECT h.hour, h.changes FROM callhook_store.notification_hours AS h
        WHERE h.tenant_id = tenant AND h.hour BETWEEN since AND until
    )
    SELECT array_agg(coalesce(c.changes, 0) ORDER BY s.hour) INTO counts
    FROM generate_series(since, until, '1 hour') AS s (hour)
    LEFT JOIN counted AS c USING (hour);
    RETURN callhook_store.is_silence_alarming(
        last_at, at, callhook_store.silences_a_year(
            last_at, at, counts[1273:1344], counts[1345],
            h.usual, h.least_usual, h.clump, h.clumps_a_year, h.quiet_hour))
    FROM callhook_store.silence_habits(since, counts[:1344]) AS h;
END
$$;
COMMENT ON FUNCTION callhook_store.silence_alarm(
    uuid, timestamptz, timestamptz) IS
    'Whether the silence of a tenant since its last change is alarming.';

-- Variables are known when a statement is planned, unlike now(): of the months
-- but one or two are looked at.
CREATE OR REPLACE FUNCTION callhook_store.last_changes(since timestamptz)
RETURNS TABLE (tenant_id uuid, at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    until constant timestamptz := now();
BEGIN
    RETURN QUERY
    SELECT n.tenant_id, max(n.received_at)
    FROM callhook_store.notifications AS n
    WHERE n.received_at > since AND n.received_at <= until
      AND n.lifecycle_event IS NULL
      AND n.call_id IS DISTINCT FROM '00000000-0000-0000-0000-000000000000'
    GROUP BY n.tenant_id;
END
$$;
COMMENT ON FUNCTION callhook_store.last_changes(timestamptz) IS
    'The last change that came of each tenant since a time, simulated ones '
    'left out.';

-- (A view's functions are called with its reader's rights: so this one, which
-- has its owner's. What the renewer has not counted yet is looked for, from
-- the last that it has counted on, a day at most: that cron has died is not
-- the tenants' silence.)
CREATE OR REPLACE FUNCTION callhook.silences()
RETURNS TABLE (tenant text, tenant_id uuid, last_notification_at timestamptz,
               silent_seconds bigint, usual_per_hour double precision,
               alarm boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_nestloop = on -- status, which asks it, is without
ROWS 100
AS $$
    WITH named AS MATERIALIZED (
        SELECT t.tenant, t.tenant_id FROM callhook_store.tenants AS t
        UNION
        SELECT s.tenant, s.tenant_id FROM callhook_store.subscriptions AS s
        WHERE s.ended_at IS NULL
    ), counted AS MATERIALIZED (
        SELECT t.tenant_id, h.last_change_at
        FROM (SELECT DISTINCT n.tenant_id FROM named AS n) AS t
        LEFT JOIN LATERAL (
            SELECT c.last_change_at FROM callhook_store.notification_hours AS c
            WHERE c.tenant_id = t.tenant_id AND c.last_change_at <= now()
              AND c.hour > now() - interval '57 days'
            ORDER BY c.hour DESC LIMIT 1) AS h ON true
    ), fresh AS MATERIALIZED (
        SELECT * FROM callhook_store.last_changes((SELECT greatest(
            now() - interval '1 day', coalesce(max(c.last_change_at),
            now() - interval '1 hour')) FROM counted AS c))
    ), silent AS MATERIALIZED (
        SELECT c.tenant_id, greatest(c.last_change_at, f.at) AS at
        FROM counted AS c LEFT JOIN fresh AS f USING (tenant_id)
    )
    SELECT n.tenant,
           nullif(n.tenant_id, '00000000-0000-0000-0000-000000000000'),
           s.at, floor(extract(epoch FROM now() - s.at))::bigint,
           (SELECT (coalesce(sum(h.changes), 0) / 8.0)::double precision
            FROM callhook_store.notification_hours AS h
            WHERE h.tenant_id = n.tenant_id AND h.hour = ANY (ARRAY(
                SELECT date_trunc('hour', now(), 'UTC')
                           - w::double precision * interval '168 hours'
                FROM generate_series(1, 8) AS w))),
           CASE WHEN s.at < now() - interval '10 minutes'
                 AND s.at > now() - interval '1344 hours'
                THEN callhook_store.silence_alarm(n.tenant_id, s.at, now())
                ELSE false END
    FROM named AS n JOIN silent AS s USING (tenant_id);
$$;
COMMENT ON FUNCTION callhook.silences() IS
    'How long each tenant has been silent: the view silence.';

CREATE OR REPLACE VIEW callhook.silence AS
SELECT * FROM callhook.silences();

COMMENT ON VIEW callhook.silence IS
    'How long it is since each tenant''s last notification of a change, and '
    'whether that is longer than its last 8 weeks explain.';
COMMENT ON COLUMN callhook.silence.tenant IS
    'The tenant''s name in the renewer''s configuration.';
COMMENT ON COLUMN callhook.silence.tenant_id IS 'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.silence.last_notification_at IS
    'When the last one came; null if none did within 8 weeks.';
COMMENT ON COLUMN callhook.silence.silent_seconds IS
    'How long ago that was.';
COMMENT ON COLUMN callhook.silence.usual_per_hour IS
    'How many came in this hour of the week, on average over 8 weeks.';
COMMENT ON COLUMN callhook.silence.alarm IS
    'Whether so long a silence is expected less than once a year.';
