-- Removes callhook's schemas with all that they hold:  psql -f uninstall.sql
-- The roles go, too, if no other database needs them and the user may.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN READ WRITE;
-- Whoever may create in a schema of the path would else be run as us.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL client_min_messages = warning;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
DO $$
DECLARE
    place name;
    mark text;
BEGIN
    FOR place, mark IN
        SELECT nspname, c.comment
        FROM pg_namespace AS n
        CROSS JOIN obj_description(n.oid, 'pg_namespace') AS c (comment)
        WHERE c.comment LIKE 'callhook: the views of tenant %'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', place);
        -- Its role has the same mark: of that name there may be another.
        CONTINUE WHEN NOT EXISTS (
            SELECT FROM pg_roles AS r WHERE rolname = place || '_reader'
            AND shobj_description(r.oid, 'pg_authid') = mark);
        BEGIN
            EXECUTE format('DROP ROLE %I', place || '_reader');
        EXCEPTION
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN
                RAISE WARNING 'role %_reader stays: %', place, SQLERRM;
        END;
    END LOOP;
END
$$;
DROP SCHEMA IF EXISTS callhook CASCADE;
DROP SCHEMA IF EXISTS callhook_store CASCADE;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['callhook_receiver', 'callhook_renewer',
                                'callhook_reader', 'callhook_figures',
                                'callhook_raw', 'callhook_consumer']
    LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', name);
        EXCEPTION
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN
                RAISE WARNING 'role % stays: %', name, SQLERRM;
        END;
    END LOOP;
END
$$;
COMMIT;
\echo callhook is removed.
