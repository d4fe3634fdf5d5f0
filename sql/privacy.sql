-- Forgetting a person: out of the raw pages first, from which the tables are
-- then made again, and out of the logs of phone calls. A digest of each id
-- stays, by which later imports leave the person out.

-- Who was to be forgotten: digests of ids, so that nothing brings them back.
-- alone: an id or a principal name of which the other one is not known yet.
CREATE TABLE IF NOT EXISTS callhook_store.forgotten (
    id_sha256 bytea PRIMARY KEY CHECK (octet_length(id_sha256) = 32),
    forgotten_at timestamptz NOT NULL DEFAULT now()
);
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.forgotten'::regclass
          AND attname = 'alone') THEN
        ALTER TABLE callhook_store.forgotten
            ADD COLUMN alone boolean NOT NULL DEFAULT true;
        -- Ids that were forgotten in one are a person's.
        UPDATE callhook_store.forgotten SET alone = false
        WHERE forgotten_at IN (
            SELECT forgotten_at FROM callhook_store.forgotten
            GROUP BY forgotten_at HAVING count(*) > 1);
    END IF;
END
$$;

-- One form for the spellings of an id: tel:+49 89 123;ext=1 is 4989123, and
-- sip:Owen@contoso.com is owen@contoso.com. The letters of ids are ASCII: no
-- locale has a say.
CREATE OR REPLACE FUNCTION callhook_store.plain_id(id text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE -- each string of a record comes here
AS $$
DECLARE
    whole constant text COLLATE "C" :=
        lower(btrim(id, E' \t\r\n') COLLATE "C");
    scheme constant text COLLATE "C" :=
        coalesce(substring(whole FROM '^(?:tel|sips?):'), '');
    name constant text COLLATE "C" :=
        split_part(substr(whole, length(scheme) + 1), ';', 1);
    number constant text COLLATE "C" := translate(regexp_replace(
        CASE scheme WHEN '' THEN whole ELSE split_part(name, '@', 1) END,
        '^([+]|00)', ''), 'x ()./-', '*');
BEGIN
    RETURN CASE WHEN number ~ '^[0-9]{4,20}[*]{0,8}$' THEN number
                WHEN scheme = '' THEN whole
                ELSE name END;
END
$$;
COMMENT ON FUNCTION callhook_store.plain_id(text) IS
    'An id, principal name or number without what its spellings differ in.';

CREATE OR REPLACE FUNCTION callhook_store.id_digest(id text)
RETURNS bytea
LANGUAGE sql IMMUTABLE
AS $$
    SELECT sha256(convert_to(callhook_store.plain_id(id), 'UTF8'));
$$;
COMMENT ON FUNCTION callhook_store.id_digest(text) IS
    'The SHA-256 digest of a person''s id, however it is spelt.';

-- A text as a whole, and the ids, addresses and numbers in it: the link to a
-- meeting names who made it, with escapes of URLs.
CREATE OR REPLACE FUNCTION callhook_store.ids_in(given text)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT given
    UNION ALL
    SELECT found[1]
    FROM regexp_matches(
        CASE WHEN strpos(given, '%') = 0 THEN given
             ELSE regexp_replace(replace(replace(replace(
                      given, '%40', '@'), '%27', ''''), '%23', '#'),
                      '%[0-9a-f]{2}', ' ', 'gi') END,
        '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
        '|[a-z0-9_][a-z0-9._+#!^~''-]*@[a-z0-9.-]+[a-z0-9]'
        '|[+]?[0-9][0-9 ()./-]{3,24}[0-9][*x]{0,8}', 'gi') AS found;
$$;
COMMENT ON FUNCTION callhook_store.ids_in(text) IS
    'What in a text may be a person''s id.';

-- (Digests of older versions are of numbers as they were given.)
CREATE OR REPLACE FUNCTION callhook_store.is_forgotten(VARIADIC ids text[])
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM unnest(ids) AS given
        CROSS JOIN LATERAL callhook_store.ids_in(given) AS id
        JOIN callhook_store.forgotten AS f
            ON f.id_sha256 IN (
                callhook_store.id_digest(id),
                sha256(convert_to(lower(btrim(id) COLLATE "C"), 'UTF8'))));
$$;
COMMENT ON FUNCTION callhook_store.is_forgotten(text[]) IS
    'Whether a forgotten person''s id stands in one of these texts.';

DROP FUNCTION IF EXISTS callhook_store.names_forgotten(jsonb);
DROP FUNCTION IF EXISTS callhook_store.url_names_forgotten(text);

-- Times and durations, which most strings are, are left out.
CREATE OR REPLACE FUNCTION callhook_store.forgotten_in(value jsonb)
RETURNS text[]
LANGUAGE sql STABLE
AS $$
    SELECT array_agg(given)
    FROM (SELECT DISTINCT text #>> '{}' AS given
          FROM jsonb_path_query(value, 'strict $.**
              ? (@.type() == "string"
                 && !(@ like_regex "^P[0-9T][0-9DTHMS.]*$")
                 && !(@ like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]*Z$"))'
              ) AS text) AS texts
    WHERE callhook_store.is_forgotten(given);
$$;
COMMENT ON FUNCTION callhook_store.forgotten_in(jsonb) IS
    'The strings of JSON in which a forgotten person''s id stands, or null.';

-- What tells of the person stands beside the id: names and numbers; of an
-- endpoint its computer's name, what was written as feedback, and on its side
-- of each media its addresses and devices. named: of forgotten_in. sides: of
-- callerNetwork, callerDevice and so on, those of the person; own: all of
-- value is.
CREATE OR REPLACE FUNCTION callhook_store.without(
    value jsonb, named text[], sides text[] DEFAULT '{}',
    own boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    beside text := '^$';
BEGIN
    IF jsonb_typeof(value) = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(
                    callhook_store.without(e, named, sides, own)
                    ORDER BY n), '[]')
                FROM jsonb_array_elements(value)
                    WITH ORDINALITY AS i (e, n));
    ELSIF jsonb_typeof(value) = 'string' THEN
        RETURN CASE WHEN value #>> '{}' = ANY (named) THEN 'null'
                    ELSE value END;
    ELSIF jsonb_typeof(value) IS DISTINCT FROM 'object' THEN
        RETURN value;
    END IF;
    IF EXISTS (SELECT FROM jsonb_each_text(value) AS m (key, given)
               WHERE given = ANY (named))
       AND (NOT value ? 'userId' -- of a log, whose other side may be named
            OR ARRAY[value ->> 'userId', value ->> 'userPrincipalName']
               && named) THEN
        beside := '^name$|(display|principal|given|sur|user|full)name$'
                  '|number$|mail$';
    ELSIF value ?| '{associatedIdentity,identity}'
       AND callhook_store.holds(jsonb_build_array(
               value -> 'associatedIdentity', value -> 'identity'), named) THEN
        beside := '^name$|^cpuName$';
        IF value -> 'feedback' ? 'text' THEN
            value := jsonb_set(value, '{feedback,text}', 'null');
        END IF;
    ELSIF own THEN
        beside := 'address$|^subnet$|device(name|driver)$|identifier$|suffix$';
    END IF;
    sides := sides || ARRAY(
        SELECT side || part
        FROM unnest('{caller,callee}'::text[]) AS side,
             unnest('{Network,Device}'::text[]) AS part
        WHERE callhook_store.holds(value -> side, named));
    RETURN (SELECT coalesce(jsonb_object_agg(key, CASE
                WHEN jsonb_typeof(member) = 'string' AND key ~* beside
                THEN 'null'
                ELSE callhook_store.without(
                    member, named, sides, own OR key = ANY (sides)) END), '{}')
            FROM jsonb_each(value) AS m (key, member));
END
$$;
COMMENT ON FUNCTION callhook_store.without(jsonb, text[], text[], boolean) IS
    'JSON of Graph without what tells of a person who is named by some of its '
    'strings.';

CREATE OR REPLACE FUNCTION callhook_store.holds(value jsonb, named text[])
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT EXISTS (
        SELECT FROM jsonb_path_query(
            value, 'strict $.** ? (@.type() == "string")') AS text
        WHERE text #>> '{}' = ANY (named));
$$;
COMMENT ON FUNCTION callhook_store.holds(jsonb, text[]) IS
    'Whether one of these strings stands in JSON.';

CREATE OR REPLACE FUNCTION callhook_store.without_forgotten(value jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN named IS NULL THEN value
                ELSE callhook_store.without(value, named) END
    FROM callhook_store.forgotten_in(value) AS named;
$$;
COMMENT ON FUNCTION callhook_store.without_forgotten(jsonb) IS
    'JSON of Graph without what tells of forgotten persons.';

-- A person's ids: the one given, those that stand beside it, and what else the
-- person is called beside these. (A page is searched as text before it is taken
-- apart, in which a letter may be written as an escape.)
CREATE OR REPLACE FUNCTION callhook_store.ids_of_person(person text)
RETURNS text[]
LANGUAGE sql STABLE
AS $$
    WITH given AS (
        SELECT callhook_store.plain_id(person) AS id
    ), pairs (id, name) AS MATERIALIZED (
        SELECT identity_id, identity_user_principal_name
        FROM callhook_store.participants
        UNION ALL
        SELECT organizer_identity_id, organizer_identity_user_principal_name
        FROM callhook_store.call_records
        UNION ALL
        SELECT caller_identity_id, caller_identity_user_principal_name
        FROM callhook_store.sessions
        UNION ALL
        SELECT callee_identity_id, callee_identity_user_principal_name
        FROM callhook_store.sessions
        UNION ALL
        SELECT user_id, user_principal_name FROM callhook_store.pstn_calls
        UNION ALL
        SELECT user_id, user_principal_name
        FROM callhook_store.direct_routing_calls
        UNION ALL
        SELECT pair ->> 'id', pair ->> 'userPrincipalName'
        FROM given, callhook_store.record_pages AS p
        CROSS JOIN LATERAL jsonb_path_query(
            callhook_store.parsed(p.body),
            'strict $.** ? (exists (@.id) && exists (@.userPrincipalName))')
            AS pair
        WHERE strpos(lower(p.body::text COLLATE "C"), given.id) > 0
           OR strpos(p.body::text, '\u00') > 0
    ), known AS (
        SELECT id FROM given
        UNION
        SELECT lower(pairs.id COLLATE "C")
        FROM given JOIN pairs ON lower(pairs.name COLLATE "C") = given.id
    )
    SELECT array_agg(DISTINCT callhook_store.plain_id(ids.id))
    FROM (
        SELECT id FROM known
        UNION ALL
        SELECT pairs.name
        FROM known JOIN pairs ON lower(pairs.id COLLATE "C") = known.id
    ) AS ids
    WHERE btrim(ids.id) <> '';
$$;
COMMENT ON FUNCTION callhook_store.ids_of_person(text) IS
    'The ids of a person, each in its plain form.';

-- Who was forgotten by one id before anything told of another: from then on by
-- both. Not so once both are known: a principal name may become somebody else's.
CREATE OR REPLACE FUNCTION callhook_store.note_other_ids(value jsonb)
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.forgotten (id_sha256, alone)
    SELECT DISTINCT digest, false
    FROM jsonb_path_query(value, 'strict $.** ?
             (exists (@.userPrincipalName ? (@ != "")))') AS pair
    CROSS JOIN LATERAL (SELECT ARRAY[
        callhook_store.id_digest(pair ->> 'userPrincipalName'),
        callhook_store.id_digest(
            CASE WHEN pair ? 'userId' THEN pair ->> 'userId'
                 ELSE nullif(pair ->> 'id', '') END)]) AS d (digests)
    CROSS JOIN LATERAL unnest(digests) AS digest
    WHERE digest IS NOT NULL
      AND EXISTS (SELECT FROM callhook_store.forgotten AS f
                  WHERE f.alone AND f.id_sha256 = ANY (digests))
      AND array_position(digests, NULL) IS NULL
    ORDER BY digest
    ON CONFLICT (id_sha256) DO UPDATE SET alone = false
    WHERE forgotten.alone;
$$;
COMMENT ON FUNCTION callhook_store.note_other_ids(jsonb) IS
    'Notes the other id of forgotten persons of whom only one was known.';

-- The pages of readings, before they are taken apart (see take_apart).
DROP FUNCTION IF EXISTS callhook_store.forget_in_pages(
    uuid, uuid[], bigint[]);
CREATE OR REPLACE FUNCTION callhook_store.forget_in_pages(
    tenant uuid, calls uuid[], readings bigint[], pages int4range)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM callhook_store.forgotten) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM callhook_store.forgotten WHERE alone) THEN
        -- All at once, in one order: two that store would wait for each other.
        PERFORM callhook_store.note_other_ids(
            jsonb_agg(callhook_store.parsed(p.body)))
        FROM callhook_store.record_pages AS p
        WHERE p.call_id = ANY (calls) AND p.tenant_id = tenant
          AND p.reading_no = ANY (readings)
          AND (pages IS NULL
               OR CASE p.kind WHEN 'sessions' THEN p.page_no ELSE 0 END
                  <@ pages);
    END IF;
    UPDATE callhook_store.record_pages AS p
    SET body = callhook_store.without(o.page, o.named)::text::json
    FROM (SELECT o.ctid AS place, page, named
          FROM callhook_store.record_pages AS o
          CROSS JOIN LATERAL callhook_store.parsed(o.body) AS page
          CROSS JOIN LATERAL callhook_store.forgotten_in(page) AS named
          WHERE o.call_id = ANY (calls) AND o.tenant_id = tenant
            AND o.reading_no = ANY (readings)
            AND (pages IS NULL
                 OR CASE o.kind WHEN 'sessions' THEN o.page_no ELSE 0 END
                    <@ pages)
            AND named IS NOT NULL) AS o
    WHERE p.ctid = o.place;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_in_pages(
    uuid, uuid[], bigint[], int4range) IS
    'Removes forgotten persons from the raw pages of readings.';

-- The rows of a page of a log or a list, an object with value or an array.
DROP FUNCTION IF EXISTS callhook_store.page_rows(json);
CREATE OR REPLACE FUNCTION callhook_store.page_rows(page jsonb)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    items jsonb := page;
BEGIN
    IF jsonb_typeof(page) = 'object' THEN
        items := page -> 'value';
    END IF;
    IF jsonb_typeof(items) IS DISTINCT FROM 'array' THEN
        RAISE 'a page without an array of rows'
            USING ERRCODE = 'data_exception';
    END IF;
    IF EXISTS (SELECT FROM callhook_store.forgotten) THEN
        items := callhook_store.without_forgotten(items);
    END IF;
    RETURN QUERY SELECT * FROM jsonb_array_elements(items);
END
$$;
COMMENT ON FUNCTION callhook_store.page_rows(jsonb) IS
    'The rows of a page, without forgotten persons.';

-- The logs keep no raw page: their rows lose what names the person, wherever it
-- stands. With the user go both numbers, one of which is the user's; without a
-- number, which is the other side's, the user stays.
DROP FUNCTION IF EXISTS callhook_store.forget_in_logs(text[]);
CREATE OR REPLACE FUNCTION callhook_store.forget_in_logs()
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    own constant name[] := '{user_id,user_principal_name,user_display_name,
                             caller_number,callee_number}';
    log text;
    texts text;
    cleared text;
    changed bigint;
    total bigint := 0;
BEGIN
    FOREACH log IN ARRAY ARRAY['pstn_calls', 'direct_routing_calls'] LOOP
        SELECT string_agg(format(CASE WHEN c.attname = ANY (own) THEN '%I'
                   ELSE 'CASE WHEN %1$I ~ ''[@0-9]'' THEN %1$I END' END,
                   c.attname), ', '),
               string_agg(format('%1$I = CASE WHEN NOT '
                   'callhook_store.is_forgotten(%2$s%1$I) THEN %1$I END',
                   c.attname, CASE WHEN c.attname = ANY (own)
                   THEN 'user_id, user_principal_name, ' END), ', ')
        INTO texts, cleared
        FROM pg_attribute AS c
        WHERE c.attrelid = ('callhook_store.' || log)::regclass
          AND c.atttypid = 'text'::regtype AND c.attname <> 'id'
          AND NOT c.attisdropped;
        EXECUTE format(
            'UPDATE callhook_store.%I
             SET %s, extra = CASE WHEN NOT callhook_store.is_forgotten(
                                      user_id, user_principal_name)
                             THEN callhook_store.without_forgotten(extra) END
             WHERE callhook_store.is_forgotten(%s)
                OR callhook_store.forgotten_in(extra) IS NOT NULL',
            log, cleared, texts);
        GET DIAGNOSTICS changed = ROW_COUNT;
        total := total + changed;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_in_logs() IS
    'Removes forgotten persons from the logs of phone calls; how many rows.';

-- Graph's notifications name nobody; what else an item held might. Rows that
-- change are of a new transaction, and not for the folding.
CREATE OR REPLACE FUNCTION callhook_store.forget_in_notifications()
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE callhook_store.notifications
    SET extra = callhook_store.without_forgotten(extra),
        resource = CASE WHEN NOT callhook_store.is_forgotten(resource)
                        THEN resource END
    WHERE callhook_store.forgotten_in(extra) IS NOT NULL
       OR (resource !~ '^communications/callRecords/[0-9a-f-]{36}$'
           AND callhook_store.is_forgotten(resource));
    IF FOUND THEN
        UPDATE callhook_store.fold_state SET unseen_of = NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_in_notifications() IS
    'Removes forgotten persons from notifications.';

-- It reads every raw page, for a person may stand where no column shows it.
-- Whoever stores anything looks at the digests first: the lock waits for what
-- has not seen the new ones, and makes others wait until this is done.
CREATE OR REPLACE FUNCTION callhook_store.forget_person(person text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    ids text[];
    held record;
    devices text[] := '{}';
    records bigint := 0;
BEGIN
    PERFORM callhook_store.hold_reports();
    ids := callhook_store.ids_of_person(person); -- what it waited for, too
    IF ids IS NULL THEN
        RAISE 'an empty id is nobody''s' USING ERRCODE = 'data_exception';
    END IF;
    INSERT INTO callhook_store.forgotten (id_sha256, alone)
    SELECT callhook_store.id_digest(id),
           cardinality(ids) = 1 AND id !~ '^[0-9]+[*]*$'
    FROM unnest(ids) AS id
    UNION -- Graph's logs mask the last digits of a number
    SELECT callhook_store.id_digest(left(id, -n) || repeat('*', n)), false
    FROM unnest(ids) AS id, generate_series(2, 4) AS n
    WHERE id ~ '^[0-9]{8,}$'
    ON CONFLICT (id_sha256) DO UPDATE SET alone = false
    WHERE forgotten.alone AND NOT excluded.alone;
    -- Before any call is locked, for the folding locks its state first, too.
    PERFORM callhook_store.forget_in_notifications();
    FOR held IN
        SELECT r.tenant_id, r.call_id, r.reading_no, r.sha256
        FROM callhook_store.call_records AS r
        WHERE EXISTS (
            SELECT FROM callhook_store.record_pages AS p
            WHERE p.call_id = r.call_id AND p.tenant_id = r.tenant_id
              AND p.reading_no = r.reading_no
              AND callhook_store.forgotten_in(
                      callhook_store.parsed(p.body)) IS NOT NULL)
        ORDER BY r.call_id, r.tenant_id -- as others lock them
    LOOP
        PERFORM FROM callhook_store.calls
        WHERE call_id = held.call_id AND tenant_id = held.tenant_id
        FOR UPDATE;
        devices := devices || ARRAY(
            SELECT unnest(ARRAY[m.caller_capture_device_name,
                                m.caller_render_device_name,
                                m.callee_capture_device_name,
                                m.callee_render_device_name])
            FROM callhook_store.media AS m
            WHERE m.call_id = held.call_id AND m.tenant_id = held.tenant_id);
        PERFORM callhook_store.replace_records(
            held.tenant_id, ARRAY[held.call_id], ARRAY[held.reading_no],
            ARRAY[held.sha256]);
        records := records + 1;
    END LOOP;
    -- Readings that are not finished begin anew.
    DELETE FROM callhook_store.record_pages AS p
    WHERE NOT EXISTS (
        SELECT FROM callhook_store.call_records AS r
        WHERE r.call_id = p.call_id AND r.tenant_id = p.tenant_id
          AND r.reading_no = p.reading_no);
    records := records + callhook_store.forget_in_logs();
    PERFORM callhook_store.forget_in_reports(devices);
    PERFORM callhook_store.forget_in_consumers();
    RETURN records;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_person(text) IS
    'Removes one person (id, principal name or phone number) from records, '
    'raw pages and logs, now and from whatever is stored later; how many '
    'records and rows it changed.';
