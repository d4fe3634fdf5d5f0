-- Reading call records. The renewer claims calls, stores each page as it
-- comes, and finishes the reading: then the record appears, whole.

-- What Graph dates after tomorrow would never be 30 days ago.
CREATE OR REPLACE FUNCTION callhook_store.unless_far_off(at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN at < now() + interval '1 day' THEN at END;
$$;
COMMENT ON FUNCTION callhook_store.unless_far_off(timestamptz) IS
    'A time of Graph''s; null if it is after tomorrow.';

-- Switches the reading of a tenant's records on or off. Calls that Graph may
-- still have become due when it is switched on. None waits for more than a day:
-- what does was put off by a clock that has gone back, and is due.
CREATE OR REPLACE FUNCTION callhook_store.set_reading(
    tenant uuid, reads boolean)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF reads THEN
        INSERT INTO callhook_store.readers (tenant_id) VALUES (tenant)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            UPDATE callhook_store.calls
            SET record_state = 'waiting', next_read_at = now()
            WHERE tenant_id = tenant AND record_state = 'none'
              AND coalesce(callhook_store.unless_far_off(ended_at),
                           last_notified_at, filed_at)
                  > now() - interval '30 days';
        END IF;
        UPDATE callhook_store.calls SET next_read_at = now()
        WHERE tenant_id = tenant AND next_read_at > now() + interval '2 days';
    ELSE
        DELETE FROM callhook_store.readers WHERE tenant_id = tenant;
        IF FOUND THEN
            DELETE FROM callhook_store.record_pages AS p
            USING callhook_store.calls AS c
            WHERE c.tenant_id = tenant AND c.next_read_at IS NOT NULL
              AND p.call_id = c.call_id AND p.tenant_id = tenant
              AND p.reading_no = c.reading_no;
            UPDATE callhook_store.calls
            SET record_state = CASE record_state WHEN 'waiting' THEN 'none'
                                                 ELSE record_state END,
                next_read_at = NULL, reading_no = NULL
            WHERE tenant_id = tenant AND next_read_at IS NOT NULL;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.set_reading(uuid, boolean) IS
    'Whether the records of a tenant are to be read.';

-- Which page of a reading is to be asked for next. link: Graph's, or the query
-- of the call record's own URL, null for its first page. Pages of sessions and
-- participants do not say of which version they are: the record says at the
-- end whether it is still the same one.
CREATE OR REPLACE FUNCTION callhook_store.next_page(
    tenant uuid, call uuid, reading bigint)
RETURNS TABLE (kind text, page_no integer, link text)
LANGUAGE sql STABLE
AS $$
    WITH page AS MATERIALIZED (
        SELECT kind, page_no, next, next_participants, apart
        FROM callhook_store.record_pages
        WHERE call_id = call AND tenant_id = tenant AND reading_no = reading
    ), have AS (
        SELECT count(*) FILTER (WHERE kind = 'record')::integer AS records,
               count(*) FILTER (WHERE kind = 'sessions')::integer AS sessions,
               count(*) FILTER (WHERE kind = 'participants_v2')::integer
                   AS participants,
               coalesce(bool_or(apart), false) AS apart,
               (array_agg(next ORDER BY kind DESC, page_no DESC)
                    FILTER (WHERE kind = 'sessions' OR page_no = 1
                              AND kind = 'record'))[1] AS next_sessions,
               (array_agg(CASE kind WHEN 'record' THEN next_participants
                                    ELSE next END
                          ORDER BY kind, page_no DESC)
                    FILTER (WHERE kind = 'participants_v2'
                               OR kind = 'record'
                              AND (page_no = 1 OR page_no = 2 AND
                                   (SELECT bool_or(apart) FROM page))))[1]
                   AS next_participants
        FROM page
    )
    SELECT step.kind, step.page_no, step.link
    FROM have CROSS JOIN LATERAL (
        SELECT records = 0, 'record', 1, NULL
        UNION ALL
        SELECT next_sessions IS NOT NULL, 'sessions', sessions + 1,
               next_sessions
        UNION ALL
        SELECT apart AND records = 1, 'record', 2,
               '?$select=id,version&$expand=participants_v2'
        UNION ALL
        SELECT next_participants IS NOT NULL, 'participants_v2',
               participants + 1, next_participants
        UNION ALL
        SELECT records = 1 + apart::integer
                   AND (participants > 0 OR sessions > 0 AND NOT apart),
               'record', records + 1, '?$select=id,version'
    ) AS step (is_next, kind, page_no, link)
    WHERE is_next LIMIT 1;
$$;
COMMENT ON FUNCTION callhook_store.next_page(uuid, uuid, bigint) IS
    'The page of a reading that comes next; no row: all are there.';

-- A reader that dies leaves its calls claimed until the lease is over. Pages
-- of a reading that stopped go over to the new one, which goes on from them,
-- unless something new was heard of the call since: then all is read anew.
-- (next_page sees the pages as they were.)
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_proc -- of an older schema
               WHERE oid = to_regprocedure('callhook_store.claim_calls('
                               'uuid, integer, uuid[], interval)')
                 AND 'link' <> ALL (proargnames)) THEN
        DROP FUNCTION callhook_store.claim_calls(
            uuid, integer, uuid[], interval);
    END IF;
END
$$;
DROP FUNCTION IF EXISTS callhook_store.stopped_at(uuid, uuid, bigint);
CREATE OR REPLACE FUNCTION callhook_store.claim_calls(
    tenant uuid, most integer, chosen uuid[] DEFAULT NULL,
    lease interval DEFAULT '10 minutes')
RETURNS TABLE (call_id uuid, reading_no bigint, kind text, page_no integer,
               link text)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH due AS (
        SELECT d.call_id, d.tenant_id, d.reading_no, d.wanted
        FROM callhook_store.calls AS d
        WHERE d.tenant_id = tenant AND d.next_read_at <= now()
          AND (chosen IS NULL OR d.call_id = ANY (chosen))
        ORDER BY d.next_read_at
        LIMIT most
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE callhook_store.calls AS c
        SET reading_no = nextval('callhook_store.reading_numbers'),
            next_read_at = now() + lease, wanted = false,
            attempts = c.attempts + 1
        FROM due
        WHERE c.call_id = due.call_id AND c.tenant_id = due.tenant_id
        RETURNING c.call_id, c.reading_no, due.reading_no AS stopped_no,
                  due.wanted
    ), dropped AS (
        DELETE FROM callhook_store.record_pages AS p USING claimed AS c
        WHERE p.call_id = c.call_id AND p.tenant_id = tenant
          AND p.reading_no = c.stopped_no AND c.wanted
    ), kept AS (
        UPDATE callhook_store.record_pages AS p
        SET reading_no = c.reading_no FROM claimed AS c
        WHERE p.call_id = c.call_id AND p.tenant_id = tenant
          AND p.reading_no = c.stopped_no AND NOT c.wanted
    )
    SELECT c.call_id, c.reading_no, n.kind, n.page_no, n.link
    FROM claimed AS c
    LEFT JOIN LATERAL callhook_store.next_page(
        tenant, c.call_id, CASE WHEN NOT c.wanted THEN c.stopped_no END)
        AS n ON true;
$$;
COMMENT ON FUNCTION callhook_store.claim_calls(
    uuid, integer, uuid[], interval) IS
    'Claims calls whose records are due, each under a new reading''s number, '
    'and says which page comes next; null: all are there.';

-- For the command fetch: whatever is known of these calls, from the first page.
CREATE OR REPLACE FUNCTION callhook_store.want_calls(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO callhook_store.calls AS c
        (tenant_id, call_id, record_state, next_read_at)
    SELECT DISTINCT tenant, id, 'waiting', now()
    FROM unnest(calls) AS id ORDER BY id
    ON CONFLICT (call_id, tenant_id) DO UPDATE
    SET record_state = CASE c.record_state WHEN 'stored' THEN 'stored'
                                           ELSE 'waiting' END,
        next_read_at = now(), wanted = true, attempts = 0;
$$;
COMMENT ON FUNCTION callhook_store.want_calls(uuid, uuid[]) IS
    'Makes the records of calls due, also of those read before.';

-- Times in seconds since 1970; of a call whose beginning nobody has told yet,
-- when it was heard of.
CREATE OR REPLACE FUNCTION callhook_store.want_calls_of(
    tenant uuid, since bigint, until bigint)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH found AS MATERIALIZED (
        SELECT array_agg(c.call_id) AS ids
        FROM callhook_store.calls AS c
        WHERE c.tenant_id = tenant
          AND c.day BETWEEN (to_timestamp(since) AT TIME ZONE 'UTC')::date
                        AND (to_timestamp(until) AT TIME ZONE 'UTC')::date
          AND coalesce(c.started_at, c.first_notified_at, c.filed_at)
              >= to_timestamp(since)
          AND coalesce(c.started_at, c.first_notified_at, c.filed_at)
              < to_timestamp(until)
    ), wanted AS MATERIALIZED (
        SELECT ids, callhook_store.want_calls(tenant, ids) FROM found
    )
    SELECT coalesce(cardinality(ids), 0)::bigint FROM wanted;
$$;
COMMENT ON FUNCTION callhook_store.want_calls_of(uuid, bigint, bigint) IS
    'Makes the records of all calls of a time due; how many.';

-- kind: record (the call record, as often as it is asked for with another
-- expansion), sessions or participants_v2 (further pages); page_no counts
-- from 1 in each kind. A reading that somebody else has taken over stores
-- nothing. "No more" is a link that is not there, null or empty.
-- heads: of each step that is a record's first page, what it holds, so that it
-- need not be parsed again to be taken apart.
DROP FUNCTION IF EXISTS callhook_store.store_page(
    uuid, uuid, bigint, text, integer, json);
DROP FUNCTION IF EXISTS callhook_store.store_page(
    uuid, uuid, bigint, text, integer, json, boolean);
CREATE OR REPLACE FUNCTION callhook_store.store_pages(
    tenant uuid, steps json, VARIADIC bodies json[],
    OUT heads jsonb[])
LANGUAGE plpgsql
AS $$
BEGIN
    WITH page AS MATERIALIZED (
        SELECT n, (s ->> 0)::uuid AS call_id, (s ->> 1)::bigint AS reading_no,
               s ->> 2 AS kind, (s ->> 3)::integer AS page_no,
               (s ->> 4)::boolean AS apart, body,
               callhook_store.parsed(body) AS page
        FROM ROWS FROM (json_array_elements(steps), unnest(bodies))
                 WITH ORDINALITY AS p (s, body, n)
    ), stored AS (
        INSERT INTO callhook_store.record_pages
            (tenant_id, call_id, reading_no, kind, page_no, body, sha256,
             next, next_participants, apart, is_record, version, modified_at)
        SELECT tenant, call_id, reading_no, kind, page_no, body,
               sha256(convert_to(body::text, 'UTF8')),
               nullif(page ->> CASE kind
                   WHEN 'record' THEN 'sessions@odata.nextLink'
                   ELSE '@odata.nextLink' END, ''),
               nullif(page ->> 'participants_v2@odata.nextLink', ''), apart,
               jsonb_typeof(page) = 'object'
                   AND NOT (page ? 'error' AND page ->> 'id' IS NULL)
                   AND coalesce(callhook_store.as_uuid(page ->> 'id')
                                    = call_id, true),
               page -> 'version',
               callhook_store.as_time(page ->> 'lastModifiedDateTime')
        FROM page
        CROSS JOIN LATERAL (
            SELECT FROM callhook_store.calls AS c
            WHERE c.call_id = page.call_id AND c.tenant_id = tenant
              AND c.reading_no = page.reading_no OFFSET 0) AS c
        WHERE body IS NOT NULL
        ON CONFLICT ON CONSTRAINT record_pages_pkey DO UPDATE
        SET body = excluded.body, sha256 = excluded.sha256,
            next = excluded.next,
            next_participants = excluded.next_participants,
            apart = excluded.apart, is_record = excluded.is_record,
            version = excluded.version, modified_at = excluded.modified_at
    )
    SELECT array_agg(CASE WHEN kind = 'record' AND page_no = 1 THEN page END
                     ORDER BY n)
    INTO heads FROM page;
END
$$;
COMMENT ON FUNCTION callhook_store.store_pages(uuid, json, json[]) IS
    'Stores pages of readings, except of those that are another''s.';

-- What becomes of a reading, before anything is done:
--   stored      it is to be taken apart
--   same        the version that is stored, unchanged
--   older       than the version that is stored
--   changed     its pages are of several versions: read it again; the call
--               stays claimed
--   incomplete  a page that another one links to is missing
--   bad         it is no record, or another call's
--   lost        the reading is not this call's any more
CREATE OR REPLACE FUNCTION callhook_store.judge_readings(
    tenant uuid, calls uuid[], readings bigint[])
RETURNS TABLE (call_id uuid, reading_no bigint, outcome text, version bigint,
               modified_at timestamptz, sha256 bytea)
LANGUAGE sql
AS $$
    WITH whole AS (
        SELECT r.call_id,
               count(*) FILTER (WHERE kind = 'record') AS records,
               bool_and(is_record) FILTER (WHERE kind = 'record') AS good,
               count(DISTINCT version) FILTER (WHERE kind = 'record')
                   AS versions,
               max(callhook_store.as_bigint(version))
                   FILTER (WHERE kind = 'record') AS version,
               max(modified_at) FILTER (WHERE kind = 'record')
                   AS modified_at,
               sha256(string_agg(sha256, '' ORDER BY kind, page_no))
                   AS sha256,
               count(next) FILTER (WHERE kind IN ('record', 'sessions'))
                   > count(*) FILTER (WHERE kind = 'sessions')
               OR count(CASE kind WHEN 'record' THEN next_participants
                                  WHEN 'participants_v2' THEN next END)
                   > count(*) FILTER (WHERE kind = 'participants_v2')
                   AS incomplete
        FROM unnest(calls, readings) AS r (call_id, reading_no)
        CROSS JOIN LATERAL (
            SELECT * FROM callhook_store.record_pages AS p
            WHERE p.call_id = r.call_id AND p.tenant_id = tenant
              AND p.reading_no = r.reading_no OFFSET 0) AS p
        GROUP BY r.call_id
    )
    SELECT r.call_id, r.reading_no,
           CASE WHEN c.reading_no IS DISTINCT FROM r.reading_no THEN 'lost'
                WHEN w.records > 0 AND NOT w.good THEN 'bad'
                WHEN w.versions > 1 THEN 'changed'
                WHEN coalesce(w.records, 0) = 0 OR w.incomplete
                    THEN 'incomplete'
                WHEN coalesce(w.version, 0) < coalesce(s.version, 0)
                    THEN 'older'
                WHEN w.version IS NOT DISTINCT FROM s.version
                 AND w.sha256 = v.sha256 AND s.call_id IS NOT NULL
                    THEN 'same'
                ELSE 'stored' END,
           w.version, w.modified_at, w.sha256
    FROM unnest(calls, readings) AS r (call_id, reading_no)
    LEFT JOIN LATERAL (
        SELECT c.reading_no FROM callhook_store.calls AS c
        WHERE c.call_id = r.call_id AND c.tenant_id = tenant OFFSET 0) AS c
        ON true
    LEFT JOIN whole AS w ON w.call_id = r.call_id
    LEFT JOIN LATERAL (
        SELECT s.call_id, s.version FROM callhook_store.call_records AS s
        WHERE s.call_id = r.call_id AND s.tenant_id = tenant OFFSET 0) AS s
        ON true
    LEFT JOIN LATERAL (
        SELECT v.sha256 FROM callhook_store.record_versions AS v
        WHERE v.call_id = r.call_id AND v.tenant_id = tenant
          AND v.version = coalesce(s.version, 0) OFFSET 0) AS v ON true;
$$;
COMMENT ON FUNCTION callhook_store.judge_readings(uuid, uuid[], bigint[]) IS
    'What is to become of readings whose pages are all stored.';

CREATE OR REPLACE FUNCTION callhook_store.remove_record(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['streams', 'media', 'segments', 'feedback',
                                'sessions', 'participants', 'call_records']
    LOOP
        EXECUTE format('DELETE FROM callhook_store.%I
                        WHERE call_id = ANY ($1) AND tenant_id = $2', part)
            USING calls, tenant;
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.remove_record(uuid, uuid[]) IS
    'Removes what records were taken apart into.';

-- So that a statement has an end whatever the size of a record: its last
-- sessions, and all that is theirs.
CREATE OR REPLACE FUNCTION callhook_store.shrink_record(
    tenant uuid, call uuid, many integer)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    last constant integer := (
        SELECT sessions FROM callhook_store.call_records
        WHERE call_id = call AND tenant_id = tenant);
    rest constant integer := greatest(last - many, 0);
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['streams', 'media', 'segments', 'feedback',
                                'sessions']
    LOOP
        EXECUTE format('DELETE FROM callhook_store.%I
                        WHERE call_id = $1 AND tenant_id = $2
                          AND session_no > $3 AND session_no <= $4', part)
            USING call, tenant, rest, last;
    END LOOP;
    UPDATE callhook_store.call_records SET sessions = rest
    WHERE call_id = call AND tenant_id = tenant;
    RETURN rest;
END
$$;
COMMENT ON FUNCTION callhook_store.shrink_record(uuid, uuid, integer) IS
    'Removes the last sessions of a record; how many are left.';

-- Puts records that were judged to be stored in the place of older versions.
-- heads: what their first pages hold, or null where that is not known.
DROP FUNCTION IF EXISTS callhook_store.replace_records(
    uuid, uuid[], bigint[], bytea[]);
CREATE OR REPLACE FUNCTION callhook_store.replace_records(
    tenant uuid, calls uuid[], readings bigint[], digests bytea[],
    heads jsonb[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    old uuid[];
BEGIN
    SELECT array_agg(call_id) INTO old FROM callhook_store.call_records
    WHERE call_id = ANY (calls) AND tenant_id = tenant;
    IF old IS NOT NULL THEN
        PERFORM callhook_store.remove_record(tenant, old);
    END IF;
    PERFORM callhook_store.forget_in_pages(tenant, calls, readings, NULL);
    IF EXISTS (SELECT FROM callhook_store.forgotten) THEN
        heads := NULL; -- a page may have lost persons
    END IF;
    PERFORM callhook_store.take_apart(
        tenant, calls, readings, digests, NULL, heads);
END
$$;
COMMENT ON FUNCTION callhook_store.replace_records(
    uuid, uuid[], bigint[], bytea[], jsonb[]) IS
    'Stores records, in the place of older versions.';

CREATE OR REPLACE FUNCTION callhook_store.backoff(attempts integer)
RETURNS interval
LANGUAGE sql IMMUTABLE
AS $$
    SELECT least(interval '1 minute' * 2 ^ least(attempts, 12), '6 hours');
$$;
COMMENT ON FUNCTION callhook_store.backoff(integer) IS
    'How long to wait after so many attempts.';

-- Notes in the calls what became of their readings. One that is behind what a
-- list of calls has shown is read again later. fault: why one is bad, if that
-- is known.
CREATE OR REPLACE FUNCTION callhook_store.note_outcomes(
    tenant uuid, calls uuid[], outcomes text[], fault text)
RETURNS void
LANGUAGE sql
AS $$
    WITH noted AS (
        SELECT o.call_id, o.outcome, r.version, r.start_date_time,
               r.end_date_time, r.call_id IS NOT NULL AS stored,
               outcome IN ('stored', 'same') AS good,
               outcome IN ('bad', 'incomplete') AS failed
        FROM unnest(calls, outcomes) AS o (call_id, outcome)
        LEFT JOIN callhook_store.call_records AS r
            ON r.call_id = o.call_id AND r.tenant_id = tenant
        WHERE outcome <> 'lost'
    )
    UPDATE callhook_store.calls AS c
    SET reading_no = CASE outcome WHEN 'changed' THEN c.reading_no END,
        version = n.version,
        started_at = coalesce(n.start_date_time, c.started_at),
        ended_at = coalesce(n.end_date_time, c.ended_at),
        read_at = CASE WHEN good THEN now() ELSE c.read_at END,
        record_state = CASE WHEN stored THEN 'stored'
                            WHEN failed THEN 'failed'
                            ELSE c.record_state END,
        error_status = NULL,
        error_code = CASE WHEN failed THEN concat_ws(' ', outcome, fault) END,
        error_request_id = NULL,
        attempts = CASE WHEN good AND coalesce(n.version >= c.listed_version,
                                               true)
                        THEN 0 ELSE c.attempts END,
        next_read_at = CASE
            WHEN outcome = 'changed' THEN c.next_read_at
            WHEN c.wanted THEN now()
            WHEN (failed OR coalesce(n.version < c.listed_version, false))
             AND coalesce(callhook_store.unless_far_off(c.ended_at),
                          c.last_notified_at, c.filed_at)
                 > now() - interval '30 days'
            THEN now() + callhook_store.backoff(c.attempts) END
    FROM noted AS n
    WHERE c.call_id = n.call_id AND c.tenant_id = tenant
      AND c.call_id = ANY (calls); -- or all of a tenant's might be read
$$;
COMMENT ON FUNCTION callhook_store.note_outcomes(
    uuid, uuid[], text[], text) IS
    'Notes in the calls what became of their readings.';

-- A value that no conversion foresaw may fail a record, never its batch: then
-- each is tried alone.
DROP FUNCTION IF EXISTS callhook_store.finish_records(
    uuid, uuid[], bigint[], json);
DROP FUNCTION IF EXISTS callhook_store.finish_records(
    uuid, uuid[], bigint[]);
CREATE OR REPLACE FUNCTION callhook_store.finish_records(
    tenant uuid, calls uuid[], readings bigint[],
    heads jsonb[] DEFAULT NULL)
RETURNS TABLE (call_id uuid, outcome text)
LANGUAGE plpgsql
SET enable_seqscan = off -- statistics of tables that grow are never right
AS $$
#variable_conflict use_column
DECLARE
    ids uuid[];
    numbers bigint[];
    digests bytea[];
    judged uuid[];
    outcomes text[];
    fault text;
BEGIN
    PERFORM FROM callhook_store.forgotten LIMIT 1; -- locks it before the calls
    PERFORM FROM callhook_store.calls AS c
    WHERE c.call_id = ANY (calls) AND c.tenant_id = tenant
    ORDER BY c.call_id FOR UPDATE;
    BEGIN
        WITH judgement AS MATERIALIZED (
            SELECT * FROM callhook_store.judge_readings(
                tenant, calls, readings)
        ), versions AS (
            INSERT INTO callhook_store.record_versions AS v (
                tenant_id, call_id, version, modified_at, sha256)
            SELECT tenant, call_id, coalesce(version, 0), modified_at, sha256
            FROM judgement WHERE outcome = 'stored'
            ON CONFLICT ON CONSTRAINT record_versions_pkey DO UPDATE
            SET modified_at = excluded.modified_at, read_at = now(),
                sha256 = excluded.sha256
        )
        SELECT array_agg(call_id), array_agg(outcome),
               array_agg(call_id) FILTER (WHERE outcome = 'stored'),
               array_agg(reading_no) FILTER (WHERE outcome = 'stored'),
               array_agg(sha256) FILTER (WHERE outcome = 'stored')
        INTO judged, outcomes, ids, numbers, digests
        FROM judgement;
        IF ids IS NOT NULL THEN
            PERFORM callhook_store.replace_records(
                tenant, ids, numbers, digests, ARRAY(
                    SELECT h.head
                    FROM unnest(numbers) WITH ORDINALITY AS k (no, n)
                    LEFT JOIN unnest(readings, heads) AS h (no, head)
                        USING (no)
                    ORDER BY k.n));
        END IF;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        IF cardinality(calls) > 1 THEN
            RETURN QUERY
            SELECT f.call_id, f.outcome
            FROM unnest(calls, readings) AS r (call_id, reading_no)
            CROSS JOIN LATERAL callhook_store.finish_records(
                tenant, ARRAY[r.call_id], ARRAY[r.reading_no]) AS f;
            RETURN;
        END IF;
        judged := calls;
        outcomes := ARRAY['bad'];
        fault := SQLSTATE;
        ids := NULL;
        numbers := NULL;
    END;
    PERFORM callhook_store.note_outcomes(tenant, judged, outcomes, fault);
    DELETE FROM callhook_store.record_pages
    WHERE call_id = ANY (ids) AND tenant_id = tenant
      AND reading_no <> ALL (numbers);
    DELETE FROM callhook_store.record_pages
    WHERE call_id = ANY (calls) AND tenant_id = tenant
      AND reading_no = ANY (readings)
      AND reading_no <> ALL (coalesce(numbers, '{}'));
    RETURN QUERY SELECT * FROM unnest(judged, outcomes);
END
$$;
COMMENT ON FUNCTION callhook_store.finish_records(
    uuid, uuid[], bigint[], jsonb[]) IS
    'Makes records visible whose pages are all there. For each call: stored, '
    'same, older, changed, incomplete, bad or lost (see judge_readings).';

-- A link that came before, or more pages than a record can have, has no end.
CREATE OR REPLACE FUNCTION callhook_store.is_endless(
    tenant uuid, call uuid, reading bigint)
RETURNS boolean
LANGUAGE sql
AS $$
    SELECT coalesce(sum(pages), 0) > 2000 OR coalesce(bool_or(again), false)
    FROM (SELECT count(*) AS pages, count(next) > 1 AS again
          FROM callhook_store.record_pages
          WHERE call_id = call AND tenant_id = tenant AND reading_no = reading
          GROUP BY next) AS links;
$$;
COMMENT ON FUNCTION callhook_store.is_endless(uuid, uuid, bigint) IS
    'Whether the pages of a reading lead in a circle.';

CREATE OR REPLACE FUNCTION callhook_store.give_up_endless(
    tenant uuid, call uuid, reading bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM callhook_store.reading_failed(
        tenant, call, reading, NULL, 'endlessPages', NULL);
    UPDATE callhook_store.calls
    SET next_read_at = now() + interval '1 day',
        record_state = CASE record_state WHEN 'waiting' THEN 'failed'
                                         ELSE record_state END
    WHERE call_id = call AND tenant_id = tenant AND next_read_at > now();
END
$$;
COMMENT ON FUNCTION callhook_store.give_up_endless(uuid, uuid, bigint) IS
    'Notes that a record''s pages have no end: it has failed for a day.';

-- What is too large to be taken apart by one statement (see large.sql): in
-- bytes as pages are kept, which is some 4 MB of JSON.
CREATE OR REPLACE FUNCTION callhook_store.large_bytes()
RETURNS bigint
LANGUAGE sql IMMUTABLE
AS 'SELECT 1000000::bigint';
COMMENT ON FUNCTION callhook_store.large_bytes() IS
    'The size from which on a record is large.';

CREATE OR REPLACE FUNCTION callhook_store.large_readings(
    tenant uuid, calls uuid[], readings bigint[])
RETURNS SETOF uuid
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT array_agg(r.call_id), array_agg(r.reading_no)
    INTO calls, readings
    FROM (SELECT r.call_id, r.reading_no
          FROM unnest(calls, readings) AS r (call_id, reading_no)
          CROSS JOIN LATERAL (
              SELECT p.body FROM callhook_store.record_pages AS p
              WHERE p.call_id = r.call_id AND p.tenant_id = tenant
                AND p.reading_no = r.reading_no OFFSET 0) AS p
          GROUP BY r.call_id, r.reading_no
          HAVING sum(pg_column_size(p.body)) > callhook_store.large_bytes())
         AS r;
    IF calls IS NOT NULL THEN
        RETURN QUERY
        SELECT j.call_id
        FROM callhook_store.judge_readings(tenant, calls, readings) AS j
        WHERE j.outcome = 'stored';
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.large_readings(uuid, uuid[], bigint[]) IS
    'Which records are to be stored by take_large().';

-- steps: an array of [call, reading, kind, page_no, apart], in the order of
-- bodies. A page is null where all were there already.
DROP FUNCTION IF EXISTS callhook_store.take_pages(uuid, json, json);
CREATE OR REPLACE FUNCTION callhook_store.take_pages(
    tenant uuid, steps json, VARIADIC bodies json[])
RETURNS TABLE (call_id uuid, outcome text, kind text, page_no integer,
               link text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    calls uuid[];
    readings bigint[];
    whole uuid[] := '{}';
    numbers bigint[] := '{}';
    large uuid[];
    heads jsonb[];
    whole_heads jsonb[] := '{}';
    reading bigint;
    head jsonb;
BEGIN
    IF json_array_length(steps) <> cardinality(bodies) THEN
        RAISE 'pages that are not apart' USING ERRCODE = 'data_exception';
    END IF;
    PERFORM FROM callhook_store.forgotten LIMIT 1; -- locks it before the calls
    SELECT array_agg((s ->> 0)::uuid), array_agg((s ->> 1)::bigint)
    INTO calls, readings
    FROM json_array_elements(steps) AS s;
    PERFORM FROM callhook_store.calls AS c
    WHERE c.call_id = ANY (calls) AND c.tenant_id = tenant
    ORDER BY c.call_id FOR UPDATE;
    heads := callhook_store.store_pages(tenant, steps, VARIADIC bodies);
    FOR call_id, reading, head, kind, page_no, link IN
        SELECT r.call_id, r.reading_no, r.head, n.kind, n.page_no, n.link
        FROM unnest(calls, readings, heads) AS r (call_id, reading_no, head)
        LEFT JOIN LATERAL (
            SELECT c.call_id FROM callhook_store.calls AS c
            WHERE c.call_id = r.call_id AND c.tenant_id = tenant
              AND c.reading_no = r.reading_no OFFSET 0) AS c ON true
        LEFT JOIN LATERAL callhook_store.next_page(
            tenant, r.call_id, r.reading_no) AS n
            ON c.call_id IS NOT NULL
    LOOP
        IF kind IS NULL THEN
            whole := whole || call_id;
            numbers := numbers || reading;
            whole_heads := whole_heads || head;
        ELSIF callhook_store.is_endless(tenant, call_id, reading) THEN
            PERFORM callhook_store.give_up_endless(tenant, call_id, reading);
            outcome := 'bad';
            RETURN NEXT;
        ELSE
            outcome := 'more';
            RETURN NEXT;
        END IF;
    END LOOP;
    large := ARRAY(SELECT callhook_store.large_readings(
                       tenant, whole, numbers));
    IF large <> '{}' THEN
        RETURN QUERY
        SELECT id, 'large', NULL::text, NULL::integer, NULL::text
        FROM unnest(large) AS id;
        SELECT array_agg(r.id), array_agg(r.no), array_agg(r.head)
        INTO whole, numbers, whole_heads
        FROM unnest(whole, numbers, whole_heads) AS r (id, no, head)
        WHERE id <> ALL (large);
    END IF;
    IF whole <> '{}' THEN
        RETURN QUERY
        SELECT f.call_id,
               CASE f.outcome WHEN 'older' THEN 'same' ELSE f.outcome END,
               n.kind, n.page_no, NULL::text
        FROM callhook_store.finish_records(tenant, whole, numbers,
                                           whole_heads) AS f
        LEFT JOIN (VALUES ('changed', 'record', 1))
            AS n (outcome, kind, page_no) USING (outcome);
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.take_pages(uuid, json, json[]) IS
    'Stores pages of readings. For each: more, and which page comes next; '
    'large, if take_large() is to store it; or what became of the record (see '
    'finish_records).';

-- Gives a claimed call back, for a cause that is not the call's: a quota, the
-- end of the run. It counts as no attempt. What was read of it is kept. Graph's
-- mistake must not cost more than an hour.
CREATE OR REPLACE FUNCTION callhook_store.release_call(
    tenant uuid, call uuid, reading bigint, retry_after interval)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE callhook_store.calls
    SET attempts = greatest(attempts - 1, 0),
        next_read_at = now() + least(retry_after, interval '1 hour')
    WHERE call_id = call AND tenant_id = tenant AND reading_no = reading;
$$;
COMMENT ON FUNCTION callhook_store.release_call(uuid, uuid, bigint, interval)
    IS 'Gives a claimed call back, to be read on after a while.';

-- When to try again after a failure at that age of a call. Not found: Graph
-- may take 150 minutes to write a record, and keeps it for 30 days.
CREATE OR REPLACE FUNCTION callhook_store.retry_after(
    status integer, age interval, attempts integer)
RETURNS interval
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN age > interval '30 days' THEN NULL
        WHEN status = 404 AND age < interval '150 minutes' THEN
            least(greatest(age / 8, interval '1 minute'),
                  interval '10 minutes')
        WHEN status = 404 THEN
            least(greatest(age / 8, interval '15 minutes'), interval '1 day')
        WHEN status IS NULL OR status < 300 OR status IN (401, 408, 429)
          OR status >= 500
            THEN callhook_store.backoff(attempts)
        ELSE interval '1 day' END;
$$;
COMMENT ON FUNCTION callhook_store.retry_after(integer, interval, integer) IS
    'When to try again after a failure; null: not any more.';

-- status: HTTP's, or null if there was no answer.
CREATE OR REPLACE FUNCTION callhook_store.reading_failed(
    tenant uuid, call uuid, reading bigint, status integer, code text,
    request_id text)
RETURNS text
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM callhook_store.record_pages
    WHERE call_id = call AND tenant_id = tenant AND reading_no = reading;
    UPDATE callhook_store.calls AS c
    SET reading_no = NULL,
        next_read_at = CASE WHEN NOT f.reads THEN NULL
                            WHEN c.wanted AND f.pause IS NULL THEN now()
                            ELSE now() + f.pause END,
        record_state = CASE
            WHEN c.record_state = 'stored' THEN 'stored'
            WHEN f.pause IS NULL AND status = 404 THEN 'gone'
            WHEN NOT f.reads THEN 'none' -- only fetch asked for it
            WHEN f.pause IS NULL OR f.pause = interval '1 day'
             AND status <> 404 THEN 'failed'
            ELSE 'waiting' END,
        error_status = status,
        error_code = left(code, 100),
        error_request_id = left(request_id, 100)
    FROM (SELECT callhook_store.retry_after(status,
              now() - greatest(last_notified_at,
                               coalesce(
                                   callhook_store.unless_far_off(ended_at),
                                   filed_at)), attempts) AS pause,
              (notifications > 0 OR listed_at IS NOT NULL
               OR record_state = 'stored')
              AND EXISTS (SELECT FROM callhook_store.readers AS r
                          WHERE r.tenant_id = tenant) AS reads
          FROM callhook_store.calls
          WHERE call_id = call AND tenant_id = tenant) AS f
    WHERE c.call_id = call AND c.tenant_id = tenant AND c.reading_no = reading
    RETURNING c.record_state;
$$;
COMMENT ON FUNCTION callhook_store.reading_failed(
    uuid, uuid, bigint, integer, text, text) IS
    'Notes that a record could not be read; the call''s state.';
