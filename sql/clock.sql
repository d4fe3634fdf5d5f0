-- Graph's clock beside the database's. What is removed by its age is gone for
-- ever, so it is only removed while both agree.

CREATE TABLE IF NOT EXISTS callhook_store.graph_clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    noted_at timestamptz NOT NULL DEFAULT now(),
    ahead interval NOT NULL -- the database's clock, of Graph's
);

-- Each session with Graph calls it; a row in 10 minutes serves.
CREATE OR REPLACE FUNCTION callhook_store.note_graph_time(seconds bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO callhook_store.graph_clock AS c (ahead)
    VALUES (make_interval(
        secs => extract(epoch FROM now())::bigint - seconds))
    ON CONFLICT (one) DO UPDATE
    SET noted_at = excluded.noted_at, ahead = excluded.ahead
    WHERE c.noted_at NOT BETWEEN excluded.noted_at - interval '10 minutes'
                             AND excluded.noted_at
       OR c.ahead NOT BETWEEN excluded.ahead - interval '1 minute'
                          AND excluded.ahead + interval '1 minute';
$$;
COMMENT ON FUNCTION callhook_store.note_graph_time(bigint) IS
    'Notes what time Graph''s Date says it is now, in seconds since 1970.';

CREATE OR REPLACE FUNCTION callhook_store.clock_doubt(
    OUT told boolean, OUT doubt text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ahead bigint;
BEGIN
    SELECT extract(epoch FROM c.ahead) INTO ahead
    FROM callhook_store.graph_clock AS c
    WHERE c.noted_at BETWEEN now() - interval '1 hour'
                         AND now() + interval '1 minute';
    told := ahead IS NOT NULL;
    IF abs(ahead) > 86400 THEN
        doubt := format('its clock is %s %s Graph''s',
                        callhook_store.span_words(abs(ahead)),
                        CASE WHEN ahead > 0 THEN 'ahead of' ELSE 'behind' END);
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.clock_doubt() IS
    'Whether Graph told the time within the hour, and why the database''s '
    'clock is not to be believed (null: it is).';
