-- What the site knows and Graph does not: buildings, persons' departments,
-- rates, names of queues. A file replaces a tenant's rows and applies to what
-- is stored already.
CREATE TABLE IF NOT EXISTS callhook_store.building (
    tenant_id uuid NOT NULL,
    network inet NOT NULL, -- a cidr
    network_name text,
    building text NOT NULL,
    ownership_type text,
    building_type text,
    office_type text,
    city text,
    zip_code text,
    country text,
    state text,
    region text,
    inside_corp boolean,
    express_route boolean,
    vpn boolean,
    PRIMARY KEY (tenant_id, network)
);
-- By id or by principal name, in lower case.
CREATE TABLE IF NOT EXISTS callhook_store.person (
    tenant_id uuid NOT NULL,
    person text NOT NULL,
    department text,
    cost_centre text,
    number text,
    PRIMARY KEY (tenant_id, person)
);
CREATE TABLE IF NOT EXISTS callhook_store.rate (
    tenant_id uuid NOT NULL,
    prefix text NOT NULL,
    per_minute numeric NOT NULL,
    per_call numeric NOT NULL,
    currency text NOT NULL,
    valid_from date NOT NULL,
    PRIMARY KEY (tenant_id, prefix, valid_from)
);
CREATE TABLE IF NOT EXISTS callhook_store.queue (
    tenant_id uuid NOT NULL,
    id text NOT NULL, -- in lower case
    name text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- Whoever stores anything looks at the digests of the forgotten first. This
-- waits for all who do, and others wait until our transaction ends: what is
-- changed here then holds for each record, the earlier ones and the later.
-- (Of what it has waited for, other isolation levels see nothing.)
CREATE OR REPLACE FUNCTION callhook_store.hold_reports()
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'this needs the isolation level read committed'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    LOCK TABLE callhook_store.forgotten IN ACCESS EXCLUSIVE MODE;
END
$$;
COMMENT ON FUNCTION callhook_store.hold_reports() IS
    'Holds up whoever stores records, until the transaction ends.';

-- A subnet as Graph writes it, mostly without a mask. No address: null.
CREATE OR REPLACE FUNCTION callhook_store.as_address(value text)
RETURNS inet
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF value ~ '^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$' THEN
        RETURN split_part(value, '/', 1)::inet;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.as_address(text) IS 'A network address.';

-- The longest prefix wins. The Call Quality Dashboard's file has no column
-- for a floor: the network's name tells it. Each network that an address may
-- lie in is looked up by the key (OFFSET 0): a file of 20,000 subnets would
-- else be read for each address.
CREATE OR REPLACE FUNCTION callhook_store.building_of(
    tenant uuid, address inet)
RETURNS TABLE (building text, floor text)
LANGUAGE sql STABLE
AS $$
    SELECT b.building, b.network_name
    FROM generate_series(0, CASE family(address) WHEN 4 THEN 32
                                                 ELSE 128 END) AS bits
    CROSS JOIN LATERAL (
        SELECT * FROM callhook_store.building AS b
        WHERE b.network = network(set_masklen(address, bits))
          AND b.tenant_id = tenant OFFSET 0) AS b
    ORDER BY bits DESC LIMIT 1;
$$;
COMMENT ON FUNCTION callhook_store.building_of(uuid, inet) IS
    'The building that a network address lies in.';

-- The keys' indexes are of the database's collation.
CREATE OR REPLACE FUNCTION callhook_store.reference_id(id text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT lower(btrim(id) COLLATE "C") COLLATE "default";
$$;
COMMENT ON FUNCTION callhook_store.reference_id(text) IS
    'An id or a principal name as reference data has it: in lower case, '
    'whatever the locale.';

CREATE OR REPLACE FUNCTION callhook_store.department_of(
    tenant uuid, id text, principal_name text)
RETURNS TABLE (department text)
LANGUAGE sql STABLE
AS $$
    SELECT p.department FROM callhook_store.person AS p
    WHERE p.tenant_id = tenant
      AND p.person IN (callhook_store.reference_id(id),
                       callhook_store.reference_id(principal_name))
    ORDER BY p.person = callhook_store.reference_id(id) DESC LIMIT 1;
$$;
COMMENT ON FUNCTION callhook_store.department_of(uuid, text, text) IS
    'The department of a person.';

-- What a call to a number costs at the site's rate: that of the longest prefix,
-- each of which is looked up by the key (OFFSET 0). In plpgsql, which keeps its
-- plan: logs have many rows. In line, it would seem so dear that the planner
-- took no care of what stands around it.
CREATE OR REPLACE FUNCTION callhook_store.site_charge(
    tenant uuid, number text, on_day date, seconds integer,
    OUT charge numeric, OUT currency text)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    SELECT round(r.per_minute * seconds / 60 + r.per_call, 4), r.currency
    INTO charge, currency
    FROM generate_series(1, least(length(number), 16)) AS digits
    CROSS JOIN LATERAL (
        SELECT * FROM callhook_store.rate AS r
        WHERE r.prefix = left(number, digits) AND r.tenant_id = tenant
        OFFSET 0) AS r
    WHERE r.valid_from <= on_day
    ORDER BY digits DESC, r.valid_from DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION callhook_store.site_charge(uuid, text, date, integer) IS
    'The charge of a phone call by the site''s rates.';

-- The rows of a file as JSON: for each its line's number, then its fields as
-- texts. The first fault of each line is told; with any nothing changes.
CREATE OR REPLACE FUNCTION callhook_store.reference_fault(
    kind text, fields jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    width constant integer := jsonb_array_length(fields) - 1;
    words text[] := ARRAY(SELECT nullif(btrim(w), '')
                          FROM jsonb_array_elements_text(fields - 0)
                              WITH ORDINALITY AS e (w, n) ORDER BY e.n);
BEGIN
    IF kind = 'building' THEN
        IF width NOT IN (14, 15) THEN
            RETURN format('%s columns in the place of 14 or 15', width);
        ELSIF callhook_store.as_address(words[1]) IS NULL
           OR position('/' IN words[1]) > 0 THEN
            RETURN 'the network (column 1) is no address';
        ELSIF coalesce(words[3] !~ '^[0-9]{1,3}$', true)
           OR words[3]::integer NOT BETWEEN 1 AND
              (CASE family(words[1]::inet) WHEN 4 THEN 32 ELSE 128 END) THEN
            RETURN 'the network range (column 3) is no length of a prefix';
        ELSIF words[4] IS NULL THEN
            RETURN 'the building name (column 4) is empty';
        ELSIF EXISTS (SELECT FROM unnest(words[13:15]) AS w
                      WHERE w NOT IN ('0', '1')) THEN
            RETURN 'columns 13 to 15 are 0 or 1';
        END IF;
    ELSIF kind IN ('person', 'queue') AND octet_length(words[1]) > 2000 THEN
        RETURN 'the id has over 2,000 bytes'; -- an index holds no more
    ELSIF kind = 'person' AND words[1] IS NULL THEN
        RETURN 'the id or principal name is empty';
    ELSIF kind = 'rate' THEN
        IF coalesce(words[1] !~ '^\+?[0-9]{1,15}$', true) THEN
            RETURN 'the prefix is no number';
        ELSIF EXISTS (
            SELECT FROM unnest(words[2:3]) AS w
            WHERE coalesce(w, '0') !~ '^[0-9]{1,9}(\.[0-9]{1,6})?$') THEN
            RETURN 'per_minute and per_call are amounts such as 0.05';
        ELSIF coalesce(words[4] !~ '^[A-Z]{3}$', true) THEN
            RETURN 'the currency has three capitals, such as EUR';
        ELSIF words[5] IS NOT NULL AND
              callhook_store.as_time(words[5] || 'T00:00:00Z') IS NULL THEN
            RETURN 'valid_from is no day such as 2026-01-31';
        END IF;
    ELSIF kind = 'queue' AND num_nulls(words[1], words[2]) > 0 THEN
        RETURN 'a queue has an id and a name';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.reference_fault(text, jsonb) IS
    'What is wrong with a row of reference data; null: nothing.';

-- The key of a row, by which it may stand in a file once.
CREATE OR REPLACE FUNCTION callhook_store.reference_key(
    kind text, fields jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE kind
        WHEN 'building' THEN
            network((btrim(fields ->> 1) || '/'
                     || btrim(fields ->> 3))::inet)::text
        WHEN 'rate' THEN
            btrim(fields ->> 1) || ' ' || coalesce(btrim(fields ->> 5), '')
        ELSE callhook_store.reference_id(fields ->> 1) END;
$$;
COMMENT ON FUNCTION callhook_store.reference_key(text, jsonb) IS
    'The key of a row of reference data.';

CREATE OR REPLACE FUNCTION callhook_store.load_reference(
    tenant uuid, kind text, file_rows json)
RETURNS TABLE (line integer, fault text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO'
AS $$
#variable_conflict use_column
DECLARE
    items constant jsonb := file_rows;
    faults jsonb;
BEGIN
    IF kind NOT IN ('building', 'person', 'rate', 'queue') THEN
        RAISE 'there is no such kind of reference data'
            USING ERRCODE = 'data_exception';
    END IF;
    PERFORM callhook_store.hold_reports();
    SELECT jsonb_agg(f ORDER BY (f ->> 0)::integer) INTO faults
    FROM (SELECT jsonb_build_array(e -> 0, callhook_store.reference_fault(
                                               kind, e)) AS f
          FROM jsonb_array_elements(items) AS e) AS t
    WHERE f ->> 1 IS NOT NULL;
    IF faults IS NULL THEN
        SELECT jsonb_agg(jsonb_build_array(
                   e -> 0, 'the same stands in line ' || first)
                   ORDER BY (e ->> 0)::integer) INTO faults
        FROM (SELECT e, min((e ->> 0)::integer) OVER (
                  PARTITION BY callhook_store.reference_key(kind, e))
                  AS first
              FROM jsonb_array_elements(items) AS e) AS t
        WHERE first < (e ->> 0)::integer;
    END IF;
    IF faults IS NOT NULL THEN
        RETURN QUERY SELECT (f ->> 0)::integer, f ->> 1
                     FROM jsonb_array_elements(faults) AS f;
        RETURN;
    END IF;
    EXECUTE format('DELETE FROM callhook_store.%I WHERE tenant_id = $1', kind)
        USING tenant;
    EXECUTE format('SELECT callhook_store.replace_%ss($1, $2)', kind)
        USING tenant, items;
END
$$;
COMMENT ON FUNCTION callhook_store.load_reference(uuid, text, json) IS
    'Replaces a tenant''s reference data by the rows of a file; the faults of '
    'its lines, with which nothing is changed.';

CREATE OR REPLACE FUNCTION callhook_store.replace_buildings(
    tenant uuid, items jsonb)
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.building
    SELECT tenant, network((btrim(e ->> 1) || '/' || btrim(e ->> 3))::inet),
           nullif(btrim(e ->> 2), ''), btrim(e ->> 4), nullif(e ->> 5, ''),
           nullif(e ->> 6, ''), nullif(e ->> 7, ''), nullif(e ->> 8, ''),
           nullif(e ->> 9, ''), nullif(e ->> 10, ''), nullif(e ->> 11, ''),
           nullif(e ->> 12, ''), nullif(btrim(e ->> 13), '')::boolean,
           nullif(btrim(e ->> 14), '')::boolean,
           nullif(btrim(e ->> 15), '')::boolean
    FROM jsonb_array_elements(items) AS e;
    UPDATE callhook_store.report_subnets AS s
    SET building = n.building, floor = n.floor
    FROM callhook_store.report_subnets AS o
    LEFT JOIN LATERAL callhook_store.building_of(tenant, o.address) AS n
        ON true
    WHERE o.tenant_id = tenant AND s.subnet_no = o.subnet_no
      AND (s.building, s.floor) IS DISTINCT FROM (n.building, n.floor);
$$;
COMMENT ON FUNCTION callhook_store.replace_buildings(uuid, jsonb) IS
    'Stores buildings and applies them.';

CREATE OR REPLACE FUNCTION callhook_store.replace_persons(
    tenant uuid, items jsonb)
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.person
    SELECT tenant, callhook_store.reference_id(e ->> 1),
           nullif(btrim(e ->> 2), ''), nullif(btrim(e ->> 3), ''),
           nullif(btrim(e ->> 4), '')
    FROM jsonb_array_elements(items) AS e
    WHERE NOT callhook_store.is_forgotten(e ->> 1, e ->> 4);
    UPDATE callhook_store.report_people AS p SET department = n.department
    FROM callhook_store.report_people AS o
    LEFT JOIN LATERAL callhook_store.department_of(
        tenant, o.id, o.principal_name) AS n ON true
    WHERE o.tenant_id = tenant AND p.person_no = o.person_no
      AND p.department IS DISTINCT FROM n.department;
$$;
COMMENT ON FUNCTION callhook_store.replace_persons(uuid, jsonb) IS
    'Stores persons and applies them.';

CREATE OR REPLACE FUNCTION callhook_store.replace_rates(
    tenant uuid, items jsonb)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO callhook_store.rate
    SELECT tenant, btrim(e ->> 1),
           coalesce(nullif(btrim(e ->> 2), '')::numeric, 0),
           coalesce(nullif(btrim(e ->> 3), '')::numeric, 0), btrim(e ->> 4),
           coalesce(nullif(btrim(e ->> 5), '')::date, '0001-01-01')
    FROM jsonb_array_elements(items) AS e;
    PERFORM callhook_store.apply_rates(tenant);
END
$$;
COMMENT ON FUNCTION callhook_store.replace_rates(uuid, jsonb) IS
    'Stores rates and applies them.';

CREATE OR REPLACE FUNCTION callhook_store.replace_queues(
    tenant uuid, items jsonb)
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.queue
    SELECT tenant, callhook_store.reference_id(e ->> 1), btrim(e ->> 2)
    FROM jsonb_array_elements(items) AS e;
    UPDATE callhook_store.report_queues AS q SET given_name = n.name
    FROM callhook_store.report_queues AS o
    LEFT JOIN callhook_store.queue AS n
        ON n.tenant_id = tenant
       AND 'i' || n.id = callhook_store.reference_id(o.key)
    WHERE o.tenant_id = tenant AND q.queue_no = o.queue_no
      AND q.given_name IS DISTINCT FROM n.name;
$$;
COMMENT ON FUNCTION callhook_store.replace_queues(uuid, jsonb) IS
    'Stores names of queues and applies them.';
