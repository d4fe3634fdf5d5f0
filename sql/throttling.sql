-- How long Graph asked to be left alone with what is read about calls. Each run
-- is a process of its own; asking before that time counts against the quota.
CREATE TABLE IF NOT EXISTS callhook_store.throttling (
    tenant_id uuid NOT NULL,
    step text NOT NULL CHECK (step IN ('list', 'logs', 'records')),
    retry_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, step)
);

-- Graph's mistake must not cost more than an hour, nor a clock that was ahead.
CREATE OR REPLACE FUNCTION callhook_store.note_throttling(
    tenant uuid, step text, seconds bigint)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO callhook_store.throttling AS t (tenant_id, step, retry_at)
    VALUES ($1, $2, now() + make_interval(secs => least($3, 3600)))
    ON CONFLICT ON CONSTRAINT throttling_pkey
        DO UPDATE SET retry_at = excluded.retry_at;
$$;
COMMENT ON FUNCTION callhook_store.note_throttling(uuid, text, bigint) IS
    'Graph asked for so many seconds (Retry-After) without requests of a step.';

CREATE OR REPLACE FUNCTION callhook_store.throttled(tenant uuid)
RETURNS TABLE (step text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.step FROM callhook_store.throttling AS t
    WHERE t.tenant_id = tenant AND t.retry_at > now()
      AND t.retry_at <= now() + interval '1 hour';
$$;
COMMENT ON FUNCTION callhook_store.throttled(uuid) IS
    'The steps with which Graph is to be left alone now.';
