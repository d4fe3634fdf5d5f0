-- Forgetting a person: out of the raw pages first, from which the tables are
-- then made again, and out of the logs of phone calls. A digest of each id
-- stays, by which later imports leave the person out.

-- Who was to be forgotten: digests of ids, so that nothing brings them back.
CREATE TABLE IF NOT EXISTS callhook_store.forgotten (
    id_sha256 bytea PRIMARY KEY CHECK (octet_length(id_sha256) = 32),
    forgotten_at timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE FUNCTION callhook_store.id_digest(id text)
RETURNS bytea
LANGUAGE sql IMMUTABLE
AS $$
    SELECT sha256(convert_to(lower(btrim(id)), 'UTF8'));
$$;
COMMENT ON FUNCTION callhook_store.id_digest(text) IS
    'The SHA-256 digest of a person''s id, in lower case.';

CREATE OR REPLACE FUNCTION callhook_store.is_forgotten(VARIADIC ids text[])
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM unnest(ids) AS id
        JOIN callhook_store.forgotten AS f
            ON f.id_sha256 = callhook_store.id_digest(id));
$$;
COMMENT ON FUNCTION callhook_store.is_forgotten(text[]) IS
    'Whether one of these ids is a forgotten person''s.';

-- The link to a meeting names who made it.
CREATE OR REPLACE FUNCTION callhook_store.url_names_forgotten(url text)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM regexp_matches(
            url, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'gi') AS guid
        WHERE callhook_store.is_forgotten(guid[1]));
$$;
COMMENT ON FUNCTION callhook_store.url_names_forgotten(text) IS
    'Whether the id of a forgotten person stands in a URL.';

CREATE OR REPLACE FUNCTION callhook_store.names_forgotten(value jsonb)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM unnest('{$.**.id,$.**.userPrincipalName,$.**.userId,
                             $.**.callerNumber,$.**.calleeNumber}'::jsonpath[])
             AS path
        CROSS JOIN LATERAL jsonb_path_query(value, path) AS id
        WHERE callhook_store.is_forgotten(id #>> '{}'))
        OR callhook_store.url_names_forgotten(value ->> 'joinWebUrl');
$$;
COMMENT ON FUNCTION callhook_store.names_forgotten(jsonb) IS
    'Whether JSON of Graph names a forgotten person anywhere.';

-- An object of the forgotten person loses whatever names the person. So does
-- an endpoint: its computer's name, and what was written as feedback.
CREATE OR REPLACE FUNCTION callhook_store.without_forgotten(value jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    personal text[] := '{}';
BEGIN
    IF jsonb_typeof(value) = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(
                    callhook_store.without_forgotten(e) ORDER BY n), '[]')
                FROM jsonb_array_elements(value)
                    WITH ORDINALITY AS i (e, n));
    ELSIF jsonb_typeof(value) IS DISTINCT FROM 'object' THEN
        RETURN value;
    END IF;
    IF callhook_store.is_forgotten(
           value ->> 'id', value ->> 'userPrincipalName', value ->> 'userId',
           value ->> 'callerNumber', value ->> 'calleeNumber') THEN
        personal := '{id,displayName,userPrincipalName,userId,userDisplayName,
                      callerNumber,calleeNumber}';
        -- A log's row, whose own id is no person's.
        IF value ?| '{userId,startDateTime}' THEN
            personal := array_remove(personal, 'id');
        END IF;
    END IF;
    IF callhook_store.url_names_forgotten(value ->> 'joinWebUrl') THEN
        personal := personal || '{joinWebUrl}';
    END IF;
    IF value ?| '{associatedIdentity,identity}'
       AND callhook_store.names_forgotten(jsonb_build_array(
               value -> 'associatedIdentity', value -> 'identity')) THEN
        personal := personal || '{name}';
        IF value -> 'feedback' ? 'text' THEN
            value := jsonb_set(value, '{feedback,text}', 'null');
        END IF;
    END IF;
    RETURN (SELECT coalesce(jsonb_object_agg(key, CASE
                WHEN key = ANY (personal) THEN 'null'
                ELSE callhook_store.without_forgotten(member) END), '{}')
            FROM jsonb_each(value) AS m (key, member));
END
$$;
COMMENT ON FUNCTION callhook_store.without_forgotten(jsonb) IS
    'JSON of Graph without what names a forgotten person.';

-- A person's ids: the one given, and those seen beside it.
CREATE OR REPLACE FUNCTION callhook_store.ids_of_person(person text)
RETURNS text[]
LANGUAGE sql STABLE
AS $$
    SELECT array_agg(DISTINCT lower(btrim(id)))
    FROM (
        SELECT person AS id
        UNION ALL
        SELECT unnest(ARRAY[i.id, i.name])
        FROM (
            SELECT identity_id, identity_user_principal_name
            FROM callhook_store.participants
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
        ) AS i (id, name)
        WHERE lower(btrim(person)) IN (lower(i.id), lower(i.name))
    ) AS ids
    WHERE btrim(id) <> '';
$$;
COMMENT ON FUNCTION callhook_store.ids_of_person(text) IS
    'The ids of a person, in lower case.';

-- The pages of readings, before they are taken apart.
CREATE OR REPLACE FUNCTION callhook_store.forget_in_pages(
    tenant uuid, calls uuid[], readings bigint[])
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM callhook_store.forgotten) THEN
        RETURN;
    END IF;
    UPDATE callhook_store.record_pages AS p
    SET body = callhook_store.without_forgotten(
                   callhook_store.parsed(body))::text::json
    WHERE p.call_id = ANY (calls) AND p.tenant_id = tenant
      AND p.reading_no = ANY (readings)
      AND callhook_store.names_forgotten(callhook_store.parsed(body));
END
$$;
COMMENT ON FUNCTION callhook_store.forget_in_pages(uuid, uuid[], bigint[]) IS
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

-- The logs keep no raw page: their rows lose what names the person.
CREATE OR REPLACE FUNCTION callhook_store.forget_in_logs(ids text[])
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    log text;
    changed bigint;
    total bigint := 0;
BEGIN
    FOREACH log IN ARRAY ARRAY['pstn_calls', 'direct_routing_calls'] LOOP
        EXECUTE format(
            'UPDATE callhook_store.%I
             SET user_id = NULL, user_principal_name = NULL,
                 user_display_name = NULL, caller_number = NULL,
                 callee_number = NULL, extra = NULL
             WHERE lower(user_id) = ANY ($1)
                OR lower(user_principal_name) = ANY ($1)
                OR lower(caller_number) = ANY ($1)
                OR lower(callee_number) = ANY ($1)', log) USING ids;
        GET DIAGNOSTICS changed = ROW_COUNT;
        total := total + changed;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_in_logs(text[]) IS
    'Removes a person from the logs of phone calls; how many rows.';

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
    ids constant text[] := callhook_store.ids_of_person(person);
    found record;
    records bigint := 0;
BEGIN
    IF ids IS NULL THEN
        RAISE 'an empty id is nobody''s' USING ERRCODE = 'data_exception';
    END IF;
    LOCK TABLE callhook_store.forgotten IN ACCESS EXCLUSIVE MODE;
    INSERT INTO callhook_store.forgotten (id_sha256)
    SELECT callhook_store.id_digest(id) FROM unnest(ids) AS id
    ON CONFLICT DO NOTHING;
    FOR found IN
        SELECT r.tenant_id, r.call_id, r.reading_no, r.sha256
        FROM callhook_store.call_records AS r
        WHERE EXISTS (
            SELECT FROM callhook_store.record_pages AS p
            WHERE p.call_id = r.call_id AND p.tenant_id = r.tenant_id
              AND p.reading_no = r.reading_no
              AND callhook_store.names_forgotten(
                      callhook_store.parsed(p.body)))
        ORDER BY r.call_id, r.tenant_id -- as others lock them
    LOOP
        PERFORM FROM callhook_store.calls
        WHERE call_id = found.call_id AND tenant_id = found.tenant_id
        FOR UPDATE;
        PERFORM callhook_store.replace_records(
            found.tenant_id, ARRAY[found.call_id], ARRAY[found.reading_no],
            ARRAY[found.sha256]);
        records := records + 1;
    END LOOP;
    -- Readings that are not finished begin anew.
    DELETE FROM callhook_store.record_pages AS p
    WHERE NOT EXISTS (
        SELECT FROM callhook_store.call_records AS r
        WHERE r.call_id = p.call_id AND r.tenant_id = p.tenant_id
          AND r.reading_no = p.reading_no);
    records := records + callhook_store.forget_in_logs(ids);
    PERFORM callhook_store.forget_in_reports(ids);
    RETURN records;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_person(text) IS
    'Removes one person (id, principal name or phone number) from records, '
    'raw pages and logs, now and from whatever is stored later; how many '
    'records and rows it changed.';
