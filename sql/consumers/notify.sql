-- LISTEN callhook wakes consumers where the site switches it on. Until then
-- there is no trigger on notifications at all; then one NOTIFY a transaction,
-- for PostgreSQL sends equal ones of a transaction once.
CREATE OR REPLACE FUNCTION callhook_store.wake_consumers()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('callhook', '');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.wake_consumers() IS
    'Wakes who listens on the channel callhook.';

CREATE OR REPLACE FUNCTION callhook_store.notify_consumers(enabled boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
SET lock_timeout = '2s' -- notifications wait behind it
AS $$
DECLARE
    source text;
BEGIN
    FOREACH source IN ARRAY ARRAY['notifications', 'call_events'] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS wake_consumers
                        ON callhook_store.%I', source);
        IF enabled THEN
            EXECUTE format(
                'CREATE TRIGGER wake_consumers
                     AFTER INSERT OR UPDATE ON callhook_store.%I
                     FOR EACH STATEMENT
                     EXECUTE FUNCTION callhook_store.wake_consumers()',
                source);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.notify_consumers(boolean) IS
    'Switches on or off that LISTEN callhook wakes consumers. It waits for 2 '
    'seconds for a moment without inserts, else try again (55P03).';
