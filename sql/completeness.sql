-- What is read from Graph by spans of time: lists of calls (what no notification
-- told of, and the proof that nothing is missing), and the logs of phone calls.

-- Spans of time, by the calls' beginning, that were listed to the end, each
-- when it was last: those of a list do not overlap. The numbers are of the
-- whole span.
CREATE TABLE IF NOT EXISTS callhook_store.listings (
    listing_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    begins_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    listed_at timestamptz NOT NULL DEFAULT now(),
    listed bigint NOT NULL,  -- calls in the list
    missing bigint NOT NULL, -- of which nothing was known
    newer bigint NOT NULL    -- known in an older version
);
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.listings'::regclass
          AND attname = 'list') THEN
        ALTER TABLE callhook_store.listings
            ADD COLUMN list text NOT NULL DEFAULT 'calls'
                CHECK (list IN ('calls', 'pstn', 'direct_routing'));
    END IF;
    IF to_regclass('callhook_store.listings_ends_at') IS NULL THEN
        CREATE INDEX listings_ends_at
            ON callhook_store.listings (tenant_id, ends_at);
    END IF;
END
$$;

DROP FUNCTION IF EXISTS callhook_store.listed_calls(json);
DROP FUNCTION IF EXISTS callhook_store.file_listed_calls(uuid, json);
CREATE OR REPLACE FUNCTION callhook_store.listed_calls(page jsonb)
RETURNS TABLE (call_id uuid, version bigint, started_at timestamptz,
               ended_at timestamptz)
LANGUAGE sql STABLE
AS $$
    SELECT callhook_store.as_uuid(object ->> 'id'),
           max(callhook_store.as_bigint(object -> 'version')),
           min(callhook_store.as_time(object ->> 'startDateTime')),
           max(callhook_store.as_time(object ->> 'endDateTime'))
    FROM callhook_store.page_rows(page) AS object
    WHERE callhook_store.as_uuid(object ->> 'id') IS NOT NULL
    GROUP BY 1 ORDER BY 1;
$$;
COMMENT ON FUNCTION callhook_store.listed_calls(jsonb) IS
    'The calls of a page of a list of calls, or of its array of records.';

-- Graph has what it lists: a call that was gone is asked for again.
CREATE OR REPLACE FUNCTION callhook_store.file_listed_calls(
    tenant uuid, page jsonb)
RETURNS TABLE (listed bigint, missing bigint, newer bigint)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    SELECT count(*), count(*) FILTER (WHERE c.call_id IS NULL),
           count(*) FILTER (WHERE l.version
                                  > greatest(c.version, c.listed_version))
    INTO listed, missing, newer
    FROM callhook_store.listed_calls(page) AS l
    LEFT JOIN LATERAL (
        SELECT c.call_id, c.version, c.listed_version
        FROM callhook_store.calls AS c
        WHERE c.call_id = l.call_id AND c.tenant_id = tenant OFFSET 0) AS c
        ON true;
    INSERT INTO callhook_store.calls AS c (
        tenant_id, call_id, listed_at, listed_version, started_at, ended_at,
        record_state, next_read_at)
    SELECT tenant, l.call_id, now(), l.version, l.started_at, l.ended_at,
           CASE WHEN r.tenant_id IS NULL THEN 'none' ELSE 'waiting' END,
           CASE WHEN r.tenant_id IS NOT NULL THEN now() END
    FROM callhook_store.listed_calls(page) AS l
    LEFT JOIN callhook_store.readers AS r ON r.tenant_id = tenant
    ORDER BY l.call_id
    ON CONFLICT (call_id, tenant_id) DO UPDATE SET
        listed_at = now(),
        listed_version = greatest(c.listed_version, excluded.listed_version),
        started_at = coalesce(c.started_at, excluded.started_at),
        ended_at = greatest(c.ended_at, excluded.ended_at),
        record_state = CASE
            WHEN c.record_state IN ('none', 'gone') THEN excluded.record_state
            ELSE c.record_state END,
        wanted = c.wanted
            OR excluded.next_read_at IS NOT NULL
               AND coalesce(c.version < excluded.listed_version, false),
        next_read_at = CASE
            WHEN excluded.next_read_at IS NOT NULL AND c.next_read_at IS NULL
             AND (c.record_state <> 'stored'
                  OR coalesce(c.version < excluded.listed_version, false))
            THEN now() ELSE c.next_read_at END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION callhook_store.file_listed_calls(uuid, jsonb) IS
    'Files a page of a list of calls: how many calls it has, how many were '
    'missing, how many were known in an older version.';

CREATE OR REPLACE FUNCTION callhook_store.take_listed(
    tenant uuid, list text, page json)
RETURNS TABLE (listed bigint, missing bigint, newer bigint, next text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    body constant jsonb := callhook_store.parsed(page);
BEGIN
    IF jsonb_typeof(body) <> 'object' THEN -- an empty array is no empty list
        RAISE 'a page that is no object' USING ERRCODE = 'data_exception';
    END IF;
    IF list = 'calls' THEN
        SELECT f.* INTO listed, missing, newer
        FROM callhook_store.file_listed_calls(tenant, body) AS f;
    ELSIF list = 'pstn' THEN
        listed := callhook_store.store_pstn_rows(tenant, body);
    ELSE
        listed := callhook_store.store_direct_routing_rows(tenant, body);
    END IF;
    next := nullif(body ->> '@odata.nextLink', '');
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION callhook_store.take_listed(uuid, text, json) IS
    'Stores a page of a list or log: how many rows it has, how many calls were '
    'missing or known in an older version, and what it links to.';

DROP FUNCTION IF EXISTS callhook_store.note_listing(
    uuid, timestamptz, timestamptz, bigint, bigint, bigint);
CREATE OR REPLACE FUNCTION callhook_store.note_listing(
    tenant uuid, list text, begins_at timestamptz, ends_at timestamptz,
    listed bigint, missing bigint, newer bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH older AS (
        DELETE FROM callhook_store.listings AS l
        WHERE l.tenant_id = tenant AND l.list = note_listing.list
          AND l.ends_at > note_listing.begins_at
          AND l.begins_at < note_listing.ends_at
        RETURNING *
    )
    INSERT INTO callhook_store.listings
        (tenant_id, list, begins_at, ends_at, listed_at, listed, missing,
         newer)
    SELECT tenant, o.list, span.begins_at, span.ends_at, o.listed_at,
           o.listed, o.missing, o.newer
    FROM older AS o
    CROSS JOIN LATERAL (VALUES
        (o.begins_at, note_listing.begins_at),
        (note_listing.ends_at, o.ends_at)) AS span (begins_at, ends_at)
    WHERE span.begins_at < span.ends_at
    UNION ALL
    SELECT tenant, note_listing.list, note_listing.begins_at,
           note_listing.ends_at, now(), note_listing.listed,
           note_listing.missing, note_listing.newer;
$$;
COMMENT ON FUNCTION callhook_store.note_listing(
    uuid, text, timestamptz, timestamptz, bigint, bigint, bigint) IS
    'Notes that a span of time is listed to the end; of older lists there '
    'stays what is before and after it.';

-- A call's notification comes up to 150 minutes after its end, so that those
-- that a gap swallowed ended between that long before it and its end.
CREATE OR REPLACE FUNCTION callhook_store.close_gaps(
    tenant uuid, listed_from timestamptz, listed_to timestamptz)
RETURNS TABLE (gaps bigint, found bigint)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH closed AS (
        UPDATE callhook_store.gaps AS g
        SET closed_at = now(),
            found = (SELECT count(*) FROM callhook_store.calls AS c
                     WHERE c.tenant_id = g.tenant_id AND c.notifications = 0
                       AND c.day BETWEEN (g.begins_at - interval '8 days')::date
                                     AND (g.ends_at + interval '1 day')::date
                       AND coalesce(c.ended_at, c.started_at)
                           BETWEEN g.begins_at - interval '150 minutes'
                               AND g.ends_at)
        WHERE g.tenant_id = close_gaps.tenant AND g.closed_at IS NULL
          AND g.begins_at >= listed_from AND g.ends_at <= listed_to
        RETURNING g.found
    )
    SELECT count(*), coalesce(sum(found), 0)::bigint FROM closed;
$$;
COMMENT ON FUNCTION callhook_store.close_gaps(
    uuid, timestamptz, timestamptz) IS
    'Closes the gaps within a listed span of time; how many, and how many '
    'calls only the list told of.';

CREATE OR REPLACE FUNCTION callhook_store.an_hour(tenant uuid)
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT timestamptz '2000-01-01Z'
           + make_interval(secs => hashtext(tenant::text) & 65535);
$$;
COMMENT ON FUNCTION callhook_store.an_hour(uuid) IS
    'When an hour and a day began: each tenant has its own, so that not all '
    'are listed at once.';

-- How often what is listed: what began within a span, once in every so long
-- (null: once). A list of calls is kept by Graph for 30 days, a log is asked
-- for 90; its rows come late and are corrected, and one that is read twice
-- replaces itself. rows: of a span that is not too long, for it only counts
-- once it was read to its end. first: how long the first one is to be.
CREATE OR REPLACE FUNCTION callhook_store.list_plan(list text)
RETURNS TABLE (span interval, every interval, step interval, rows numeric,
               first interval, shortest interval)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT v.span, v.every, v.step, v.rows, v.first, v.shortest
    FROM (VALUES
        ('calls', interval '1 day', interval '1 hour', interval '1 hour',
         600.0, interval '1 day', interval '30 s'),
        ('calls', '7 days', '1 day', '1 hour', 600, '1 day', '30 s'),
        ('calls', '29 days 23 hours 55 minutes', '7 days', '1 hour', 600,
         '1 day', '30 s'),
        ('logs', '7 days', '1 day', '1 day', 10000, '89 days', '1 hour'),
        ('logs', '89 days', NULL, '1 day', 10000, '89 days', '1 hour'))
        AS v (name, span, every, step, rows, first, shortest)
    WHERE v.name = CASE list WHEN 'calls' THEN 'calls' ELSE 'logs' END;
$$;
COMMENT ON FUNCTION callhook_store.list_plan(text) IS
    'How often a list or log is to be read, and in what pieces.';

-- Graph's clock may be behind ours or before it. What is younger than the last
-- full hour (of a log: day) comes with the next one.
DROP FUNCTION IF EXISTS callhook_store.listable(uuid);
CREATE OR REPLACE FUNCTION callhook_store.listable(
    tenant uuid, list text DEFAULT 'calls')
RETURNS tstzrange
LANGUAGE sql STABLE
AS $$
    SELECT tstzrange(date_trunc('second', now()) - max(span),
                     date_bin(max(step), now() - interval '1 minute',
                              callhook_store.an_hour(tenant)))
    FROM callhook_store.list_plan(list);
$$;
COMMENT ON FUNCTION callhook_store.listable(uuid, text) IS
    'The span of time that can be listed, up to the last full hour or day.';

-- A list of a later time than now was noted by a clock that was ahead: it has
-- not seen what was still to come.
DROP FUNCTION IF EXISTS callhook_store.listed_since(uuid, timestamptz);
CREATE OR REPLACE FUNCTION callhook_store.listed_since(
    tenant uuid, since timestamptz, list text DEFAULT 'calls')
RETURNS tstzmultirange
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(range_agg(tstzrange(begins_at, ends_at)), '{}')
    FROM callhook_store.listings AS l
    WHERE tenant_id = tenant AND l.list = listed_since.list
      AND ends_at > now() - interval '90 days'
      AND listed_at BETWEEN since AND now();
$$;
COMMENT ON FUNCTION callhook_store.listed_since(uuid, timestamptz, text) IS
    'The spans of time that have been listed since a time.';

-- Calls that a gap swallowed may have begun long before it.
CREATE OR REPLACE FUNCTION callhook_store.gap_window(
    begins_at timestamptz, ends_at timestamptz)
RETURNS tstzrange
LANGUAGE sql STABLE
AS $$
    SELECT tstzrange(date_trunc('second', begins_at) - interval '1 day',
                     date_trunc('second', ends_at) + interval '1 second');
$$;
COMMENT ON FUNCTION callhook_store.gap_window(timestamptz, timestamptz) IS
    'What must be listed to find the calls that a gap swallowed.';

-- By the plan (see list_plan), and at once what a gap may have swallowed. Times
-- in seconds since 1970, 0: none. most: that it may have, in seconds. asked:
-- instead of the plan, all from then on that was not listed since started.
-- until: nothing from then on.
-- can_be_cut: it is longer than the shortest.
DROP FUNCTION IF EXISTS callhook_store.next_window(
    uuid, bigint, bigint, bigint);
DROP FUNCTION IF EXISTS callhook_store.next_window(
    uuid, text, bigint, bigint, bigint);
CREATE OR REPLACE FUNCTION callhook_store.next_window(
    tenant uuid, list text, most bigint, asked bigint, started bigint,
    until bigint DEFAULT 0)
RETURNS TABLE (begins_at bigint, ends_at bigint, can_be_cut boolean,
               now bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH hours AS (
        SELECT can, upper(can) AS hour,
               date_trunc('second', now()) - interval '1 minute' AS latest
        FROM callhook_store.listable(tenant, next_window.list) AS can
    ), wanted (span, since) AS (
        SELECT tstzrange(latest - p.span, hour),
               CASE WHEN p.every IS NULL THEN '-infinity'
                    ELSE date_bin(least(p.every, '1 day'), hour,
                                  callhook_store.an_hour(tenant))
                         - greatest(p.every - interval '1 day', '0') END
        FROM hours CROSS JOIN callhook_store.list_plan(next_window.list) AS p
        WHERE asked = 0
        UNION ALL
        SELECT tstzrange(to_timestamp(asked), NULL),
               coalesce(to_timestamp(nullif(started, 0)), now())
        WHERE asked <> 0
        UNION ALL
        SELECT callhook_store.gap_window(g.begins_at, g.ends_at),
               greatest(g.noted_at, g.ends_at)
        FROM callhook_store.gaps AS g
        WHERE g.tenant_id = next_window.tenant AND g.ends_at IS NOT NULL
          AND g.closed_at IS NULL AND next_window.list = 'calls'
    ), due AS (
        SELECT unnest(range_agg(part)) AS part
        FROM wanted CROSS JOIN hours CROSS JOIN LATERAL unnest(
            tstzmultirange(span * can
                * tstzrange(NULL, to_timestamp(nullif(until, 0))))
            - callhook_store.listed_since(tenant, since, next_window.list))
            AS part
    ), plan AS (
        SELECT p.rows, extract(epoch FROM p.first) AS first,
               extract(epoch FROM p.shortest) AS shortest
        FROM callhook_store.list_plan(next_window.list) AS p LIMIT 1
    ), newest AS (
        SELECT extract(epoch FROM l.ends_at - l.begins_at)
               * least(plan.rows / greatest(l.listed, 1), 8) AS width
        FROM callhook_store.listings AS l CROSS JOIN plan
        WHERE l.tenant_id = tenant AND l.list = next_window.list
          AND l.ends_at > now() - interval '90 days'
        ORDER BY l.listed_at DESC LIMIT 1
    ), aim AS (
        SELECT greatest(coalesce(nullif(most, 0),
                                 (SELECT newest.width FROM newest),
                                 plan.first), plan.shortest)::bigint AS width,
               plan.shortest
        FROM plan
    )
    SELECT floor(extract(epoch FROM greatest(
               lower(part),
               upper(part) - make_interval(secs => aim.width))))::bigint,
           ceil(extract(epoch FROM CASE WHEN upper(part) = hour THEN latest
                                        ELSE upper(part) END))::bigint,
           aim.width > aim.shortest, floor(extract(epoch FROM now()))::bigint
    FROM due CROSS JOIN hours CROSS JOIN aim
    ORDER BY part DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION callhook_store.next_window(
    uuid, text, bigint, bigint, bigint, bigint) IS
    'The newest span of time that is to be listed, and whether it may be '
    'shorter; no row: none.';

CREATE OR REPLACE FUNCTION callhook_store.close_listed_gaps(tenant uuid)
RETURNS TABLE (gaps bigint, found bigint)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(sum(c.gaps), 0)::bigint, coalesce(sum(c.found), 0)::bigint
    FROM callhook_store.gaps AS g
    CROSS JOIN LATERAL callhook_store.close_gaps(
        g.tenant_id, g.begins_at, g.ends_at) AS c
    WHERE g.tenant_id = close_listed_gaps.tenant
      AND g.ends_at IS NOT NULL AND g.closed_at IS NULL
      AND callhook_store.gap_window(g.begins_at, g.ends_at)
          * callhook_store.listable(g.tenant_id)
          <@ callhook_store.listed_since(
              g.tenant_id, greatest(g.noted_at, g.ends_at));
$$;
COMMENT ON FUNCTION callhook_store.close_listed_gaps(uuid) IS
    'Closes the gaps that have been listed since they ended; how many, and how '
    'many calls only the list told of.';

-- A call counts as missing while its record is to be read, and none is stored
-- or only an older version. Where records are not read, the id is all there
-- is to have.
CREATE OR REPLACE VIEW callhook.completeness AS
SELECT nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       c.day,
       count(*) AS calls,
       count(*) FILTER (WHERE c.listed_at IS NOT NULL) AS listed,
       count(*) FILTER (WHERE c.notifications > 0) AS notified,
       count(*) FILTER (WHERE c.notifications = 0) AS only_listed,
       count(*) FILTER (WHERE c.record_state = 'stored') AS stored,
       count(*) FILTER (WHERE c.record_state = 'stored'
                          AND coalesce(c.version >= c.listed_version, true))
           AS newest_version,
       count(*) FILTER (WHERE missing) AS missing,
       array_agg(c.call_id ORDER BY c.call_id) FILTER (WHERE missing)
           AS missing_ids,
       count(*) FILTER (WHERE c.record_state = 'gone') AS gone,
       (SELECT CASE WHEN range_agg(tstzrange(l.begins_at, l.ends_at))
                         @> tstzrange(c.day::timestamp AT TIME ZONE 'UTC',
                                      (c.day + 1)::timestamp
                                          AT TIME ZONE 'UTC')
                    THEN min(l.listed_at) END
        FROM callhook_store.listings AS l
        WHERE l.tenant_id = c.tenant_id AND l.list = 'calls'
          AND l.ends_at > c.day::timestamp AT TIME ZONE 'UTC'
          AND l.begins_at < (c.day + 1)::timestamp AT TIME ZONE 'UTC')
           AS last_listed_at
FROM callhook_store.calls AS c
CROSS JOIN LATERAL (SELECT
    c.record_state IN ('waiting', 'failed')
    OR c.record_state = 'stored'
       AND coalesce(c.version < c.listed_version, false)) AS m (missing)
GROUP BY c.tenant_id, c.day;

COMMENT ON VIEW callhook.completeness IS
    'By tenant and day: what Graph lists, what notifications told of, what is '
    'stored and what is missing. Bound the day in queries.';
COMMENT ON COLUMN callhook.completeness.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.completeness.day IS
    'The day of the calls'' beginning, in UTC; until that is known, of their '
    'first notification.';
COMMENT ON COLUMN callhook.completeness.calls IS 'Calls that are known.';
COMMENT ON COLUMN callhook.completeness.listed IS
    'Calls that Graph has listed.';
COMMENT ON COLUMN callhook.completeness.notified IS
    'Calls that notifications told of.';
COMMENT ON COLUMN callhook.completeness.only_listed IS
    'Calls that only a list told of.';
COMMENT ON COLUMN callhook.completeness.stored IS
    'Calls whose record is stored.';
COMMENT ON COLUMN callhook.completeness.newest_version IS
    'Calls whose record is stored in the newest version known.';
COMMENT ON COLUMN callhook.completeness.missing IS
    'Calls whose record, or its newest version, is still to be read.';
COMMENT ON COLUMN callhook.completeness.missing_ids IS
    'The ids of those calls; null if none is missing.';
COMMENT ON COLUMN callhook.completeness.gone IS
    'Calls whose record Graph no longer had when it was asked for.';
COMMENT ON COLUMN callhook.completeness.last_listed_at IS
    'Since when the whole day has been listed, in one list or in parts; null: '
    'a part of it has not been.';
