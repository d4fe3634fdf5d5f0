-- Calls as Graph lists them: what no notification told of, and the proof that
-- nothing is missing.

-- Spans of time, by the calls' beginning, that were listed to the end.
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

-- page: an answer of List callRecords, or its array of records.
CREATE OR REPLACE FUNCTION callhook_store.listed_calls(page json)
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
COMMENT ON FUNCTION callhook_store.listed_calls(json) IS
    'The calls of a page of a list of calls.';

-- Graph has what it lists: a call that was gone is asked for again.
CREATE OR REPLACE FUNCTION callhook_store.file_listed_calls(
    tenant uuid, page json)
RETURNS TABLE (listed bigint, missing bigint, newer bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    SELECT count(*), count(*) FILTER (WHERE c.call_id IS NULL),
           count(*) FILTER (WHERE l.version
                                  > greatest(c.version, c.listed_version))
    INTO listed, missing, newer
    FROM callhook_store.listed_calls(page) AS l
    LEFT JOIN callhook_store.calls AS c
        ON c.call_id = l.call_id AND c.tenant_id = tenant;
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
COMMENT ON FUNCTION callhook_store.file_listed_calls(uuid, json) IS
    'Files a page of a list of calls: how many calls it has, how many were '
    'missing, how many were known in an older version.';

CREATE OR REPLACE FUNCTION callhook_store.note_listing(
    tenant uuid, begins_at timestamptz, ends_at timestamptz, listed bigint,
    missing bigint, newer bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO callhook_store.listings
        (tenant_id, begins_at, ends_at, listed, missing, newer)
    VALUES (tenant, begins_at, ends_at, listed, missing, newer);
$$;
COMMENT ON FUNCTION callhook_store.note_listing(
    uuid, timestamptz, timestamptz, bigint, bigint, bigint) IS
    'Notes that the calls of a span of time are listed to the end.';

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
       (SELECT max(l.listed_at) FROM callhook_store.listings AS l
        WHERE l.tenant_id = c.tenant_id
          AND l.begins_at <= c.day::timestamp AT TIME ZONE 'UTC'
          AND l.ends_at >= (c.day + 1)::timestamp AT TIME ZONE 'UTC')
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
    'When a list last covered the whole day; null: not yet.';
