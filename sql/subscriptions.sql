-- Subscriptions at Graph, and what the renewer remembers of each tenant.

-- Subscriptions as the renewer knows them. A secret is kept as its digest.
CREATE TABLE IF NOT EXISTS callhook_store.subscriptions (
    subscription_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid,
    resource text,
    change_type text,
    notification_url text,
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    announced_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    renewed_at timestamptz,
    ended_at timestamptz,
    lifecycle_url text,
    alive_at timestamptz -- when Graph last showed it
);
-- (The receiver reads here: no lock if there is nothing to add.)
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.subscriptions'::regclass
          AND attname = 'alive_at') THEN
        ALTER TABLE callhook_store.subscriptions
            ADD COLUMN lifecycle_url text,
            ADD COLUMN alive_at timestamptz;
    END IF;
    IF to_regclass('callhook_store.subscriptions_subscription_id') IS NULL THEN
        CREATE INDEX subscriptions_subscription_id
            ON callhook_store.subscriptions (subscription_id);
    END IF;
END
$$;

-- How the last run went for each tenant of the renewer's configuration.
CREATE TABLE IF NOT EXISTS callhook_store.tenants (
    tenant text PRIMARY KEY,
    tenant_id uuid NOT NULL,
    last_run_at timestamptz,
    failed_at timestamptz,
    failure text,
    retry_at timestamptz,
    looked_at timestamptz, -- Graph was asked what unknown ids are
    turn_of text,          -- whose run works on its subscription
    turn_until timestamptz
);
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.tenants'::regclass
          AND attname = 'turn_until') THEN
        ALTER TABLE callhook_store.tenants
            ADD COLUMN IF NOT EXISTS looked_at timestamptz,
            ADD COLUMN IF NOT EXISTS turn_of text,
            ADD COLUMN IF NOT EXISTS turn_until timestamptz;
    END IF;
END
$$;

-- A run on another host has another lock file. A turn is longer than any run
-- works on one tenant; one that died in it holds up others no longer than that.
-- One that would last longer was taken by a clock that has gone back. (Not by
-- a second: who waited here for another one's statement began before it.)
CREATE OR REPLACE FUNCTION callhook_store.take_turn(
    tenant text, tenant_id uuid, run text)
RETURNS boolean
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH taken AS (
        INSERT INTO callhook_store.tenants AS t
            (tenant, tenant_id, turn_of, turn_until)
        VALUES ($1, $2, $3, now() + interval '40 seconds')
        ON CONFLICT ON CONSTRAINT tenants_pkey DO UPDATE
        SET turn_of = excluded.turn_of, turn_until = excluded.turn_until
        WHERE t.turn_until IS NULL OR t.turn_until <= now()
           OR t.turn_until > excluded.turn_until + interval '1 minute'
           OR t.turn_of = excluded.turn_of
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM taken);
$$;
COMMENT ON FUNCTION callhook_store.take_turn(text, uuid, text) IS
    'Takes the turn of a tenant; false: another host has it.';

CREATE OR REPLACE FUNCTION callhook_store.end_turn(tenant text, run text)
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE callhook_store.tenants AS t SET turn_of = NULL, turn_until = NULL
    WHERE t.tenant = $1 AND t.turn_of = $2;
$$;
COMMENT ON FUNCTION callhook_store.end_turn(text, text) IS
    'Gives back the turn that take_turn() gave.';

-- Lifecycle items that the renewer has worked off.
CREATE TABLE IF NOT EXISTS callhook_store.lifecycle_handled (
    notification_id uuid PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);

-- Secrets of a subscription that has ended stay good for 24 hours: Graph
-- delivers for up to 4 hours after a fault.
CREATE OR REPLACE FUNCTION callhook_store.good_secrets(
    age_seconds bigint DEFAULT 0)
RETURNS TABLE (secret_sha256 bytea, tenant_id uuid, subscription_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT secret_sha256, tenant_id, subscription_id
    FROM callhook_store.subscriptions
    WHERE ended_at IS NULL
       OR ended_at > now() - interval '24 hours'
                     - make_interval(secs => least(age_seconds, 31622400));
$$;
COMMENT ON FUNCTION callhook_store.good_secrets(bigint) IS
    'Digests of the secrets by which the receiver judges an item, as they '
    'were good up to age_seconds ago.';

-- A simulation's subscription is ended from its start, and its calls are nil.
CREATE OR REPLACE FUNCTION callhook_store.remove_simulated(subscription uuid)
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ended AS (
        DELETE FROM callhook_store.subscriptions
        WHERE subscription_id = subscription AND ended_at <= announced_at
    ), removed AS (
        DELETE FROM callhook_store.notifications
        WHERE subscription_id = subscription
          AND received_at > now() - interval '1 hour'
          AND call_id = '00000000-0000-0000-0000-000000000000'
        RETURNING notification_id
    )
    SELECT count(*) FROM removed;
$$;
COMMENT ON FUNCTION callhook_store.remove_simulated(uuid) IS
    'Removes what a simulation of the last hour stored; how many '
    'notifications those were.';

CREATE OR REPLACE VIEW callhook.subscriptions AS
SELECT s.tenant,
       nullif(s.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       s.subscription_id,
       s.resource,
       s.change_type,
       split_part(s.notification_url, '?', 1) AS notification_url,
       s.expires_at,
       s.renewed_at,
       n.last_notification_at,
       CASE WHEN s.ended_at IS NOT NULL OR s.expires_at <= now() THEN 'ended'
            WHEN s.subscription_id IS NULL THEN 'announced'
            ELSE 'live' END AS state
FROM callhook_store.subscriptions AS s
LEFT JOIN LATERAL (
    SELECT max(received_at) AS last_notification_at
    FROM callhook_store.notifications
    WHERE subscription_id = s.subscription_id
      AND received_at > now() - interval '31 days'
) AS n ON s.subscription_id IS NOT NULL
WHERE s.ended_at IS NULL OR s.ended_at > s.announced_at; -- no simulations

COMMENT ON VIEW callhook.subscriptions IS
    'The subscriptions that the renewer keeps, and those that ended.';
COMMENT ON COLUMN callhook.subscriptions.tenant IS
    'The tenant''s name in the renewer''s configuration.';
COMMENT ON COLUMN callhook.subscriptions.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.subscriptions.subscription_id IS
    'Graph''s id; null while the subscription is only announced.';
COMMENT ON COLUMN callhook.subscriptions.resource IS
    'The resource that is subscribed to.';
COMMENT ON COLUMN callhook.subscriptions.change_type IS
    'The kinds of change that are subscribed to.';
COMMENT ON COLUMN callhook.subscriptions.notification_url IS
    'Where Graph delivers to, without its query.';
COMMENT ON COLUMN callhook.subscriptions.expires_at IS
    'When it ends if it is not renewed, as Graph granted it.';
COMMENT ON COLUMN callhook.subscriptions.renewed_at IS
    'When it was last created or renewed.';
COMMENT ON COLUMN callhook.subscriptions.last_notification_at IS
    'The last delivery for it within 31 days.';
COMMENT ON COLUMN callhook.subscriptions.state IS
    'announced, live or ended.';

CREATE OR REPLACE VIEW callhook.tenants AS
SELECT tenant,
       nullif(tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       last_run_at,
       failed_at,
       failure,
       retry_at
FROM callhook_store.tenants;

COMMENT ON VIEW callhook.tenants IS
    'The tenants of the renewer''s configuration, and how their last run '
    'went.';
COMMENT ON COLUMN callhook.tenants.tenant IS
    'The tenant''s name in the renewer''s configuration.';
COMMENT ON COLUMN callhook.tenants.tenant_id IS 'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.tenants.last_run_at IS
    'When a run last dealt with it.';
COMMENT ON COLUMN callhook.tenants.failed_at IS
    'Since when runs fail; null if the last one did not.';
COMMENT ON COLUMN callhook.tenants.failure IS 'Why the last run failed.';
COMMENT ON COLUMN callhook.tenants.retry_at IS
    'Graph asked to be left alone until then.';
