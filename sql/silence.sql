-- Whether a tenant is silent for longer than its habits explain.
--
-- The model. What is usual is the mean number of changes in each hour of the
-- week over the last 8 weeks, without the largest where that is far off. What
-- is missed counts by the least of the hour and its neighbours, for clocks are
-- set to summer time and no day ends at the same minute.
--
-- Notifications come in clumps (a call has several, meetings begin at the full
-- hour), so a silence in which usually L of them come has the chance
-- exp(-L / clump). clump is measured, by how often hours with few of them are
-- empty, and by how far neighbouring hours differ. Within a day L counts 0.42,
-- for there is time. A day on which less came than usual, as on holidays, is expected to
-- go on like that (the level).
--
-- A day is no sample of the others: a tenant may be on holiday as a whole. Its
-- day begins in the midst of its quietest hours. Before much of a day is over,
-- and for each later day of a silence, it may be off: with a chance of 1 in 25,
-- of 1 in 2 after a day that was off, of 4 in 5 where the last days show it.
-- Of 2,000 days, 9 end early, more often than not before one that is off; and
-- the last calls of a day (15 %) say little of the next.
--
-- Of silences as long as this one, then, so many are expected in a year: at
-- most one for each notification of a year, and, of those that reach into
-- another day, one for each day. Fewer than one: an alarm. No silence of less
-- than 10 minutes is one: Graph itself pauses for so long.
--
-- Of 200 made-up years (make bench-silence) 98 alarms were false, not spread
-- evenly: most fell on the afternoons before holidays, when a busy tenant all
-- but stops at noon; each of these may have several.

CREATE OR REPLACE FUNCTION callhook_store.hour_of_week(at timestamptz)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$ -- 1970 began on a Thursday
    SELECT ((floor(extract(epoch FROM at) / 3600)::bigint + 72) % 168)::integer;
$$;
COMMENT ON FUNCTION callhook_store.hour_of_week(timestamptz) IS
    'Hours since Monday 0:00 UTC, 0 to 167.';

CREATE OR REPLACE FUNCTION callhook_store.silence_habits(
    first_hour timestamptz, counts bigint[],
    OUT usual double precision[], OUT least_usual double precision[],
    OUT clump double precision, OUT per_year double precision,
    OUT quiet double precision, OUT quiet_hour integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH sample AS MATERIALIZED (
        SELECT n, changes::double precision AS changes,
               (callhook_store.hour_of_week(first_hour) + n - 1) % 168 AS bin
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
               n >= from_n AS is_known
        FROM sample, known WINDOW b AS (PARTITION BY bin)
    ), hours AS MATERIALIZED (
        SELECT n, changes, bin, is_known, CASE WHEN most > 10 + 4 * others
                   THEN others ELSE all_weeks / weeks END AS usual
        FROM binned
    ), bins AS MATERIALIZED (
        SELECT DISTINCT bin, usual FROM hours
    ), near AS MATERIALIZED (
        SELECT bin, least(usual, lag(usual) OVER b, lead(usual) OVER b) AS least
        FROM bins WINDOW b AS (ORDER BY bin)
    ), sparse AS (
        SELECT avg(usual) / -ln(least(0.98, greatest(0.001,
                   avg((changes = 0)::integer)::double precision))) AS clump
        FROM hours WHERE is_known AND usual BETWEEN 0.1 AND 4
        HAVING count(*) >= 100
    ), pairs AS ( -- two hours of a day; 0.148: so much of chi-squared
        SELECT percentile_cont(0.3) WITHIN GROUP (
                   ORDER BY (changes / usual - before / usual_before) ^ 2
                            / (1 / usual + 1 / usual_before)) / 0.148 AS clump
        FROM (SELECT *, lag(changes) OVER w AS before,
                     lag(usual) OVER w AS usual_before
              FROM hours WHERE is_known WINDOW w AS (ORDER BY n)) AS p
        WHERE usual BETWEEN 4 AND 1000
          AND usual BETWEEN 0.7 * usual_before AND 1.4 * usual_before
        HAVING count(*) >= 100
    ), clock AS ( -- with the hours around it: the midst of the night
        SELECT h, sum(usual) AS around
        FROM generate_series(0, 23) AS h
        JOIN bins ON (bin - h + 3 + 168) % 24 <= 6
        GROUP BY h
    )
    SELECT (SELECT array_agg(b.usual ORDER BY b.bin) FROM bins AS b),
           (SELECT array_agg(n.least ORDER BY n.bin) FROM near AS n),
           least(20, greatest(1.6, coalesce(
               greatest((SELECT s.clump FROM sparse AS s),
                        (SELECT p.clump FROM pairs AS p)), 4))),
           (SELECT sum(changes) * 365 / 7 / max(weeks) FROM sample, known),
           (SELECT min(b.usual) / 8 FROM bins AS b),
           (SELECT h FROM clock ORDER BY around, h LIMIT 1);
$$;
COMMENT ON FUNCTION callhook_store.silence_habits(timestamptz, bigint[]) IS
    'A tenant''s habits, from its changes in each hour of 8 weeks: what is '
    'usual by hour of the week, how they clump, changes in a year, the rate '
    'when it is quiet, the UTC hour in which its day begins.';

-- lately: the changes of the 72 hours before that of last_at, oldest first;
-- in_hour: those of that hour until last_at.
CREATE OR REPLACE FUNCTION callhook_store.silences_a_year(
    last_at timestamptz, at timestamptz, lately bigint[], in_hour bigint,
    usual double precision[], least_usual double precision[],
    clump double precision, per_year double precision,
    quiet double precision, quiet_hour integer)
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
    expected double precision := into_hour * usual[1 + bin];
    came double precision := in_hour;
    today double precision := expected; -- what is usual of it until last_at
    expected_3 double precision;
    came_3 double precision;
    of_days double precision; -- the levels
    of_hours double precision;
    missed double precision := 0; -- on one day
    hours double precision := 0;
    off double precision;
    chance double precision;
    on_day double precision := 'infinity'; -- expected, of the first day alone
    went_on double precision; -- of all days, by chance
    ended double precision; -- and because the first one ended early
    is_later boolean := false;
    part double precision;
BEGIN
    FOR k IN 1..72 LOOP
        came := came + lately[73 - k];
        expected := expected + usual[1 + (bin - k + 168) % 168];
        IF k = 2 THEN
            came_3 := came;
            expected_3 := expected;
        END IF;
        IF k <= of_day THEN
            today := today + usual[1 + (bin - k + 168) % 168];
        END IF;
    END LOOP;
    of_days := least(1, (came + 3 * clump) / (expected + 3 * clump));
    of_hours := least(1, (came_3 + 4 * clump * of_days)
                         / (expected_3 + 4 * clump));
    off := CASE WHEN today >= 3 * clump AND of_hours > 0.5 THEN 0.04
                WHEN of_days < 0.25 THEN 0.8
                WHEN today >= 3 * clump AND of_hours < 0.3 THEN 0.5
                ELSE 0.04 END;
    FOR j IN 0..ceil(ends)::integer LOOP
        IF j > 0 AND (of_day + j) % 24 = 0 OR j >= ends THEN -- a day is over
            chance := exp(-of_hours * missed / clump);
            IF is_later THEN
                chance := exp(-of_days * missed / clump);
                went_on := went_on * (off * exp(-quiet * hours / clump)
                                      + (1 - off) * chance);
                ended := ended * (greatest(off, 0.5)
                                  * exp(-quiet * hours / clump)
                                  + (1 - greatest(off, 0.5)) * chance);
                IF missed >= clump THEN
                    off := greatest(off, 0.5);
                END IF;
            ELSIF today < 3 * clump THEN
                went_on := 365 * (off + (1 - off) * chance);
                ended := 0;
            ELSIF j < ends AND missed < 0.15 * (today + missed) THEN
                went_on := 365;
                ended := 0;
            ELSIF j < ends THEN
                on_day := per_year * chance ^ 0.42;
                went_on := 365 * chance;
                ended := 365 * 0.0045;
            ELSE
                RETURN per_year * chance ^ 0.42;
            END IF;
            EXIT WHEN j >= ends;
            is_later := true;
            missed := 0;
            hours := 0;
        END IF;
        part := least(ends, j + 1) - greatest(into_hour, j);
        missed := missed + part * least_usual[1 + (bin + j) % 168];
        hours := hours + part;
    END LOOP;
    RETURN least(on_day, went_on + ended);
END
$$;
COMMENT ON FUNCTION callhook_store.silences_a_year(
    timestamptz, timestamptz, bigint[], bigint, double precision[],
    double precision[], double precision, double precision, double precision,
    integer) IS
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
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH base AS (
        SELECT date_trunc('hour', last_at, 'UTC') AS b
    ), counted AS MATERIALIZED (
        SELECT hour, changes FROM callhook_store.notification_hours, base
        WHERE tenant_id = tenant AND hour BETWEEN b - interval '1344 hours'
                                              AND b
    ), eight_weeks AS MATERIALIZED (
        SELECT array_agg(coalesce(c.changes, 0) ORDER BY s.hour) AS counts
        FROM base
        CROSS JOIN LATERAL generate_series(
            b - interval '1344 hours', b - interval '1 hour', '1 hour')
            AS s (hour)
        LEFT JOIN counted AS c USING (hour)
    )
    SELECT callhook_store.is_silence_alarming(
        last_at, at, callhook_store.silences_a_year(
            last_at, at, counts[1273:1344], coalesce((
                SELECT changes FROM counted WHERE hour = b), 0),
            h.usual, h.least_usual, h.clump, h.per_year, h.quiet,
            h.quiet_hour))
    FROM base, eight_weeks
    CROSS JOIN LATERAL callhook_store.silence_habits(
        b - interval '1344 hours', counts) AS h;
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
           (SELECT coalesce(sum(h.changes), 0)::double precision / 8
            FROM callhook_store.notification_hours AS h
            WHERE h.tenant_id = n.tenant_id AND h.hour = ANY (ARRAY(
                SELECT date_trunc('hour', now(), 'UTC')
                           - w * interval '168 hours'
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
