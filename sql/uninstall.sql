-- Removes callhook's schemas with all that they hold:  psql -f uninstall.sql
-- The roles go, too, if no other database needs them and the user may.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
BEGIN;
DO $$
DECLARE
    place name;
BEGIN
    FOR place IN
        SELECT nspname FROM pg_namespace AS n
        WHERE obj_description(n.oid, 'pg_namespace')
              LIKE 'callhook: the views of tenant %'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', place);
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', place || '_reader');
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
