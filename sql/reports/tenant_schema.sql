-- For who serves many tenants: the same views for one of them alone. The
-- comment on the schema says whose it is. It is called again after an upgrade.
CREATE OR REPLACE FUNCTION callhook_store.make_tenant_schema(
    tenant_id uuid, name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $make$
DECLARE
    place constant text := 'callhook_' || name;
    reader constant text := place || '_reader';
    mark constant text := 'callhook: the views of tenant ' || tenant_id;
    view_name text;
BEGIN
    IF coalesce(name !~ '^[a-z][a-z0-9_]{0,30}$' OR tenant_id IS NULL, true)
    THEN
        RAISE 'a name is a small letter, then at most 30 of a-z, 0-9 and _'
            USING ERRCODE = 'invalid_name';
    END IF;
    IF EXISTS (SELECT FROM pg_namespace AS n WHERE nspname = place
                 AND obj_description(n.oid, 'pg_namespace')
                     IS DISTINCT FROM mark)
    OR EXISTS (SELECT FROM pg_roles AS r WHERE rolname = reader
                 AND shobj_description(r.oid, 'pg_authid')
                     IS DISTINCT FROM mark) THEN
        RAISE 'the schema % or the role % is there and another''s', place,
            reader USING ERRCODE = 'duplicate_object';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', reader);
        EXECUTE format('COMMENT ON ROLE %I IS %L', reader, mark);
    END IF;
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', place);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', place, mark);
    -- (ALTER DEFAULT PRIVILEGES may have given it to everybody.)
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', place);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', place, reader);
    -- A view's functions are called by its reader: this one is his own, and
    -- goes with the schema.
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %1$I.silences()
        RETURNS SETOF callhook.silence LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$SELECT * FROM callhook.silence WHERE tenant_id = %2$L$$;
        COMMENT ON FUNCTION %1$I.silences() IS 'What the view silence shows.';
        REVOKE ALL ON FUNCTION %1$I.silences() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION %1$I.silences() TO %3$I $sql$, place,
        tenant_id, reader);
    FOR view_name IN
        SELECT c.relname FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'callhook'::regnamespace AND c.relkind = 'v'
          AND a.attname = 'tenant_id' AND c.relname <> 'raw_pages'
        ORDER BY c.relname
    LOOP
        -- A barrier: no function of a reader sees a row of another tenant.
        EXECUTE format(
            'CREATE OR REPLACE VIEW %I.%I WITH (security_barrier) AS
             SELECT * FROM %s WHERE tenant_id = %L', place, view_name,
            CASE view_name WHEN 'silence' THEN format('%I.silences()', place)
                           ELSE format('callhook.%I', view_name) END,
            tenant_id);
        EXECUTE format('REVOKE ALL ON %I.%I FROM PUBLIC', place, view_name);
        EXECUTE format('GRANT SELECT ON %I.%I TO %I', place, view_name,
                       reader);
        EXECUTE (SELECT string_agg(format('COMMENT ON %s IS %L',
                CASE d.objsubid WHEN 0
                THEN format('VIEW %I.%I', place, view_name)
                ELSE format('COLUMN %I.%I.%I', place, view_name, a.attname)
                END, d.description), ';')
            FROM pg_description AS d
            LEFT JOIN pg_attribute AS a
                ON a.attrelid = d.objoid AND a.attnum = d.objsubid
            WHERE d.classoid = 'pg_class'::regclass
              AND d.objoid = format('callhook.%I', view_name)::regclass);
    END LOOP;
END
$make$;
COMMENT ON FUNCTION callhook_store.make_tenant_schema(uuid, text) IS
    'Makes schema callhook_NAME and role callhook_NAME_reader: the views for '
    'one tenant alone.';
