-- Makes what members.sql describes: the columns of the tables and the
-- functions that fill them. The views are made in views.sql.

-- A part is a table; rows of it are found by its keys.
CREATE TEMPORARY TABLE record_parts (
    part text PRIMARY KEY,
    keys text[] NOT NULL,
    log boolean NOT NULL -- of phone calls
) ON COMMIT DROP;
INSERT INTO pg_temp.record_parts VALUES
    ('call_records', '{reading_no,sha256,participants,sessions}', false),
    ('participants', '{participant_no}', false),
    ('sessions', '{session_no}', false),
    ('segments', '{session_no,segment_no}', false),
    ('media', '{session_no,segment_no,media_no}', false),
    ('streams', '{session_no,segment_no,media_no,stream_no}', false),
    ('feedback', '{session_no,segment_no,side}', false),
    ('pstn_calls', '{id}', true),
    ('direct_routing_calls', '{id}', true);

-- startDateTime becomes start_date_time, reflexiveIPAddress
-- reflexive_ip_address.
CREATE OR REPLACE FUNCTION pg_temp.snake_case(member text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT lower(regexp_replace(
        regexp_replace(member, '([A-Z]+)([A-Z][a-z])', '\1_\2', 'g'),
        '([a-z0-9])([A-Z])', '\1_\2', 'g') COLLATE "C");
$$;

CREATE OR REPLACE FUNCTION pg_temp.column_name(
    class text, prefix text, member text, suffix text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT CASE
        WHEN class = 'identity' AND member = 'rest' THEN rtrim(prefix, '_')
        WHEN member = '@odata.type' THEN prefix || 'type'
        ELSE prefix || pg_temp.snake_case(member) || suffix END;
$$;

-- Each member as SQL finds it: raw, and converted; rN is its object, and vN
-- what the members of it that need a conversion are converted to.
CREATE TEMPORARY TABLE record_columns ON COMMIT DROP AS
SELECT o.part, o.n AS object, m.n AS place, m.member, k.kind, k.type,
       k.raw AS raw_type,
       CASE WHEN k.type IS NOT NULL THEN
           pg_temp.column_name(o.class, o.prefix, m.member, k.suffix)
       END AS name,
       o.remark || m.comment AS comment,
       format('r%s.%I', o.n, m.member) AS raw,
       format(CASE WHEN k.conversion = '%s' THEN 'r%s.%I'
                   WHEN k.conversion IS NOT NULL THEN 'v%s.%I' END,
              o.n, m.member) AS value,
       format(nullif(k.conversion, '%s'),
              format('r%s.%I', o.n, m.member)) AS conversion
FROM pg_temp.record_objects AS o
JOIN pg_temp.record_members AS m USING (class)
JOIN pg_temp.record_kinds AS k USING (kind);

-- The object of a line of record_objects, from the part's own.
CREATE OR REPLACE FUNCTION pg_temp.source(path text[])
RETURNS text
LANGUAGE sql
AS $$
    SELECT 'o.object' || coalesce(
        (SELECT string_agg(format(' -> %L', step), '' ORDER BY n)
         FROM unnest(path) WITH ORDINALITY AS s (step, n)), '');
$$;

-- Members whose value did not fit the column, as an expression. It looks at
-- them one by one only where there is one.
CREATE OR REPLACE FUNCTION pg_temp.misfits(object_no integer)
RETURNS text
LANGUAGE sql
AS $$
    SELECT format(
        'CASE WHEN num_nonnulls(%s) < num_nonnulls(%s) '
        'THEN jsonb_build_object(%s) ELSE ''{}'' END',
        string_agg(value, ', '), string_agg(raw, ', '),
        string_agg(format(
            '%L, CASE WHEN %s IS NULL THEN %s END', member, value,
            CASE WHEN kind = 'time' -- "never" is no misfit
                 THEN format('CASE WHEN NOT starts_with(%s, ''0001-'') '
                             'THEN %s END', raw, given)
                 ELSE given END), ', '))
    FROM (SELECT member, kind, value, raw,
                 format('(%s -> %L)', pg_temp.source(path), member) AS given
          FROM pg_temp.record_columns
          JOIN pg_temp.record_objects AS o ON o.n = object
          WHERE object = object_no AND value <> raw) AS c
    HAVING count(*) > 0;
$$;

-- What no column shows of an object and of the objects in it.
CREATE OR REPLACE FUNCTION pg_temp.leftover(object_no integer)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    object pg_temp.record_objects;
    rest text;
BEGIN
    SELECT * INTO object FROM pg_temp.record_objects WHERE n = object_no;
    SELECT concat_ws(' || ', pg_temp.misfits(object_no), object.spare,
        (SELECT string_agg(format('jsonb_build_object(%L, %s)',
             path[cardinality(path)], pg_temp.leftover(n)), ' || ')
         FROM pg_temp.record_objects
         WHERE part = object.part AND who IS NULL AND path <> '{}'
           AND path[:cardinality(path) - 1] = object.path))
    INTO rest;
    RETURN format('callhook_store.leftover(%s, %L, %s)',
        pg_temp.source(object.path),
        ARRAY(SELECT member FROM pg_temp.record_members
              WHERE class = object.class),
        coalesce(nullif(rest, ''), '''{}'''));
END
$$;

-- FROM: the objects of a part, taken apart. o is the part's own row.
CREATE OR REPLACE FUNCTION pg_temp.sources(part_name text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT string_agg(CASE
        WHEN o.who IS NOT NULL THEN format(
            'CROSS JOIN LATERAL callhook_store.who(%s) AS r%s', o.who, o.n)
        ELSE format(
            'CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(%1$s) '
            'WHEN ''object'' THEN %1$s END) AS r%2$s (%3$s)',
            pg_temp.source(o.path), o.n,
            (SELECT string_agg(format('%I %s', member, raw_type), ', '
                               ORDER BY place)
             FROM pg_temp.record_columns
             WHERE object = o.n AND raw_type IS NOT NULL)) || coalesce(
            (SELECT format( -- OFFSET: each is converted once
                 E'\nCROSS JOIN LATERAL (SELECT %s OFFSET 0) AS v%s',
                 string_agg(format('%s AS %I', conversion, member), ', '
                            ORDER BY place), o.n)
             FROM pg_temp.record_columns
             WHERE object = o.n AND conversion IS NOT NULL), '')
        END, E'\n' ORDER BY o.n)
    FROM pg_temp.record_objects AS o WHERE o.part = part_name;
$$;

-- INSERT of all rows of a relation o, which has the keys and object.
CREATE OR REPLACE FUNCTION pg_temp.insertion(part_name text, relation text)
RETURNS text
LANGUAGE sql
AS $$
    SELECT format(
        'INSERT INTO callhook_store.%I (tenant_id, %s, %s, extra)
         SELECT tenant, %s, %s, %s FROM %s AS o %s',
        part_name, array_to_string(keys, ', '), names,
        'o.' || array_to_string(keys, ', o.'), values,
        (SELECT pg_temp.leftover(min(n)) FROM pg_temp.record_objects
         WHERE part = part_name), relation, pg_temp.sources(part_name))
    FROM (SELECT CASE WHEN log THEN keys ELSE 'call_id'::text || keys END
          FROM pg_temp.record_parts WHERE part = part_name) AS p (keys)
    CROSS JOIN (SELECT string_agg(quote_ident(name), ', '
                                  ORDER BY object, place),
                       string_agg(value, ', ' ORDER BY object, place)
                FROM pg_temp.record_columns
                WHERE part = part_name AND name IS NOT NULL)
         AS c (names, values);
$$;

-- The columns of the tables.
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER TABLE callhook_store.%I %s', part,
                      string_agg(format('ADD COLUMN %I %s', name, type), ', '
                                 ORDER BY object, place))
        FROM (SELECT part, object, place, name, type
              FROM pg_temp.record_columns
              WHERE name IS NOT NULL
              UNION ALL
              SELECT part, 2147483647, 0, 'extra', 'jsonb'
              FROM pg_temp.record_parts) AS c
        WHERE NOT EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = format('callhook_store.%I', part)::regclass
              AND attname = name)
        GROUP BY part
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
DO $$
BEGIN
    IF to_regclass('callhook_store.participants_identity') IS NULL THEN
        CREATE INDEX participants_identity
            ON callhook_store.participants (identity_id);
        CREATE INDEX call_records_start
            ON callhook_store.call_records (start_date_time);
    END IF;
END
$$;

-- take_apart fills all tables of records from the pages of readings. An array
-- of a page that is none holds nothing; it is kept as a misfit. heads: what the
-- first pages hold, where that is known already. pages: of one
-- large record, further pages of sessions of these numbers alone, after those
-- that were taken before, or, where 0 is among them, all other pages.
DO $do$
DECLARE
    body constant text := $body$
WITH page AS MATERIALIZED (
    SELECT p.call_id, p.reading_no, p.kind, p.page_no,
           coalesce(h.head, callhook_store.parsed(p.body)) AS body
    FROM callhook_store.record_pages AS p
    LEFT JOIN unnest(readings, heads) AS h (reading_no, head)
        ON h.reading_no = p.reading_no AND p.kind = 'record' AND p.page_no = 1
    WHERE p.tenant_id = tenant AND p.call_id = ANY (calls)
      AND p.reading_no = ANY (readings)
      AND (pages IS NULL
           OR CASE kind WHEN 'sessions' THEN page_no ELSE 0 END <@ pages)
), list AS MATERIALIZED (
    SELECT call_id, kind, name, items,
           sum(length) OVER (PARTITION BY call_id, name
                             ORDER BY kind <> 'record', page_no) - length
               + CASE WHEN pages IS NULL OR name <> 'sessions' THEN 0 ELSE
                   (SELECT coalesce(sum(r.sessions), 0)
                    FROM callhook_store.call_records AS r
                    WHERE r.call_id = page.call_id AND r.tenant_id = tenant)
                 END AS before,
           sum(length) FILTER (WHERE name = 'sessions')
               OVER (PARTITION BY call_id) AS sessions,
           sum(length) FILTER (WHERE name = 'participants_v2')
               OVER (PARTITION BY call_id) AS participants,
           sum(length) FILTER (WHERE name = 'participants')
               OVER (PARTITION BY call_id) AS older_participants
    FROM page
    CROSS JOIN LATERAL (
        SELECT 'sessions', CASE kind WHEN 'record' THEN body -> 'sessions'
                                     WHEN 'sessions' THEN body -> 'value' END
        UNION ALL
        SELECT 'participants_v2',
               CASE kind WHEN 'record' THEN body -> 'participants_v2'
                         WHEN 'participants_v2' THEN body -> 'value' END
        UNION ALL
        SELECT 'participants',
               CASE kind WHEN 'record' THEN body -> 'participants' END)
        AS l (name, items)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_typeof(items) = 'array'
                    THEN jsonb_array_length(items) END) AS n (length)
    WHERE length > 0
), total AS (
    SELECT DISTINCT call_id, sessions, participants, older_participants
    FROM list
), session AS MATERIALIZED (
    SELECT call_id, (before + n)::integer AS session_no, object
    FROM list CROSS JOIN LATERAL jsonb_array_elements(items)
        WITH ORDINALITY AS e (object, n)
    WHERE name = 'sessions'
), segment AS MATERIALIZED (
    SELECT call_id, session_no, n::integer AS segment_no, e.object
    FROM session
    CROSS JOIN LATERAL (SELECT session.object -> 'segments') AS i (items)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(items) WHEN 'array' THEN items END)
        WITH ORDINALITY AS e (object, n)
), medium AS MATERIALIZED (
    SELECT call_id, session_no, segment_no, n::integer AS media_no, e.object
    FROM segment
    CROSS JOIN LATERAL (SELECT segment.object -> 'media') AS i (items)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(items) WHEN 'array' THEN items END)
        WITH ORDINALITY AS e (object, n)
), stream AS (
    SELECT call_id, session_no, segment_no, media_no, n::integer AS stream_no,
           e.object
    FROM medium
    CROSS JOIN LATERAL (SELECT medium.object -> 'streams') AS i (items)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(items) WHEN 'array' THEN items END)
        WITH ORDINALITY AS e (object, n)
), feedback AS (
    SELECT call_id, session_no, segment_no, side, endpoint,
           endpoint -> 'feedback' AS object
    FROM (SELECT call_id, session_no, 0 AS segment_no, side,
                 object -> side AS endpoint
          FROM session CROSS JOIN (VALUES ('caller'), ('callee')) AS v (side)
          UNION ALL
          SELECT call_id, session_no, segment_no, side, object -> side
          FROM segment CROSS JOIN (VALUES ('caller'), ('callee')) AS v (side))
         AS e
    WHERE endpoint -> 'feedback' <> 'null'
), participant AS (
    SELECT call_id, (before + n)::integer AS participant_no,
           CASE name WHEN 'participants' THEN
               jsonb_build_object('identity', e.object)
           ELSE e.object END AS object
    FROM list CROSS JOIN LATERAL jsonb_array_elements(items)
        WITH ORDINALITY AS e (object, n)
    WHERE name = CASE WHEN participants > 0
                      THEN 'participants_v2' ELSE 'participants' END
), head AS (
    SELECT DISTINCT ON (call_id) call_id, reading_no, body AS object
    FROM page WHERE kind = 'record' ORDER BY call_id, page_no
), record AS (
    SELECT call_id, reading_no, v.sha256, object,
           coalesce(t.sessions, 0) AS sessions,
           coalesce(t.participants, t.older_participants, 0) AS participants,
           CASE WHEN t.participants > 0
                 AND NOT jsonb_path_query_array(
                             object, '$.participants_v2[*].identity')
                         @> jsonb_strip_nulls(object -> 'participants')
                THEN object -> 'participants' END AS unused_participants
    FROM head
    JOIN unnest(readings, digests) AS v (reading_no, sha256)
        USING (reading_no)
    LEFT JOIN total AS t USING (call_id)
), $body$;
BEGIN
    EXECUTE format($create$
DROP FUNCTION IF EXISTS callhook_store.take_apart(
    uuid, uuid[], bigint[], bytea[]);
DROP FUNCTION IF EXISTS callhook_store.take_apart(
    uuid, uuid[], bigint[], bytea[], int4range);
CREATE OR REPLACE FUNCTION callhook_store.take_apart(
    tenant uuid, calls uuid[], readings bigint[], digests bytea[],
    pages int4range, heads jsonb[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan -- planning takes longer than a record
SET jit = off -- and compiling takes seconds
AS $function$
BEGIN
%s
put_record AS (%s),
count_sessions AS (
    UPDATE callhook_store.call_records AS r
    SET sessions = r.sessions + coalesce(t.sessions, 0) FROM total AS t
    WHERE pages IS NOT NULL AND r.call_id = t.call_id AND r.tenant_id = tenant
),
put_participants AS (%s),
put_sessions AS (%s),
put_segments AS (%s),
put_media AS (%s),
put_feedback AS (%s)
%s;
END
$function$ $create$, body,
        pg_temp.insertion('call_records', 'record'),
        pg_temp.insertion('participants', 'participant'),
        pg_temp.insertion('sessions', 'session'),
        pg_temp.insertion('segments', 'segment'),
        pg_temp.insertion('media', 'medium'),
        pg_temp.insertion('feedback', 'feedback'),
        pg_temp.insertion('streams', 'stream'));
END
$do$;
COMMENT ON FUNCTION callhook_store.take_apart(
    uuid, uuid[], bigint[], bytea[], int4range, jsonb[]) IS
    'Fills the tables of records from the pages of readings.';

-- store_pstn_rows and store_direct_routing_rows. A row without an id goes by
-- its digest.
DO $do$
DECLARE
    name text;
    part_name text;
BEGIN
    FOR name, part_name IN VALUES
        ('store_pstn_rows', 'pstn_calls'),
        ('store_direct_routing_rows', 'direct_routing_calls')
    LOOP
        EXECUTE format($create$
DROP FUNCTION IF EXISTS callhook_store.%1$I(uuid, json);
CREATE OR REPLACE FUNCTION callhook_store.%1$I(tenant uuid, page jsonb)
RETURNS integer
LANGUAGE plpgsql
AS $function$
DECLARE
    stored integer;
BEGIN
    IF EXISTS (SELECT FROM callhook_store.forgotten WHERE alone) THEN
        PERFORM callhook_store.note_other_ids(page);
    END IF;
    WITH row AS (
        SELECT DISTINCT ON (id) id, e.object
        FROM callhook_store.page_rows(page) WITH ORDINALITY AS e (object, n)
        CROSS JOIN LATERAL (SELECT CASE
            WHEN octet_length(e.object ->> 'id') <= 2000
            THEN e.object ->> 'id'
            ELSE encode(sha256(convert_to(e.object::text, 'UTF8')), 'hex')
            END) AS i (id)
        ORDER BY id, n DESC
    ), put AS (
        %2$s
        ON CONFLICT (id, tenant_id) DO UPDATE SET read_at = now(), %3$s
        RETURNING 1
    )
    SELECT count(*) INTO stored FROM put;
    RETURN stored;
END
$function$ $create$, name, pg_temp.insertion(part_name, 'row'),
            (SELECT string_agg(format('%1$I = excluded.%1$I', c), ', ')
             FROM (SELECT column_name FROM (
                       SELECT r.name AS column_name
                       FROM pg_temp.record_columns AS r
                       WHERE r.part = part_name AND r.name IS NOT NULL
                       UNION ALL SELECT 'extra') AS n) AS x (c)));
        EXECUTE format('COMMENT ON FUNCTION callhook_store.%I(uuid, jsonb) IS '
            '''Stores a page of a log; a row stored before is replaced. How '
            'many rows.''', name);
    END LOOP;
END
$do$;
