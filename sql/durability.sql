-- What weakens the promise that a row which was confirmed is there for good:
-- `callhook --check` and `callhook-renewer check` repeat it.
CREATE OR REPLACE FUNCTION callhook_store.weaknesses(hosts integer)
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('the server runs with %s = off: a crash of its host can '
                  'lose what it has confirmed', name)
    FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'
    UNION ALL
    SELECT format('the connection names %s hosts, and this server waits for '
                  'no standby (synchronous_standby_names is empty): what it '
                  'has confirmed is lost with its host', hosts)
    FROM pg_settings
    WHERE hosts > 1 AND name = 'synchronous_standby_names' AND setting = ''
    UNION ALL
    SELECT format('%s is unlogged: a crash empties it', relname)
    FROM pg_class
    WHERE relpersistence = 'u' AND relname ~ '^notif'
      AND relnamespace = 'callhook_store'::regnamespace;
$$;
COMMENT ON FUNCTION callhook_store.weaknesses(integer) IS
    'What lets rows be lost that the server has confirmed, to a client whose '
    'connection names so many hosts.';
