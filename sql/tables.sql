-- What the two programs write. Nobody else reads or writes here; reporting
-- tools read the views of the schema callhook.
DO $$
DECLARE
    owner name;
BEGIN
    SELECT rolname INTO owner
    FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
    WHERE nspname IN ('callhook_store', 'callhook')
      AND rolname <> current_user
    LIMIT 1;
    -- Its objects would run with our rights.
    IF FOUND THEN
        RAISE EXCEPTION 'the schema belongs to %: install as that user', owner;
    END IF;
END
$$;
CREATE SCHEMA IF NOT EXISTS callhook_store;
COMMENT ON SCHEMA callhook_store IS
    'callhook: tables of its programs. Read the views of schema callhook.';

-- A program refuses a newer major version.
CREATE TABLE IF NOT EXISTS callhook_store.version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    major integer NOT NULL,
    minor integer NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now()
);
DO $$
BEGIN
    IF EXISTS (SELECT FROM callhook_store.version
               WHERE (major, minor) > (1, 0)) THEN
        RAISE EXCEPTION 'the database has a newer schema than this one';
    END IF;
END
$$;
INSERT INTO callhook_store.version (major, minor) VALUES (1, 0)
ON CONFLICT (one) DO UPDATE
    SET major = excluded.major, minor = excluded.minor, installed_at = now()
    WHERE (version.major, version.minor)
          IS DISTINCT FROM (excluded.major, excluded.minor);

-- One row per stored item. The receiver makes the key, so that a row which
-- reaches the database twice is stored once. There is no index on call_id:
-- its random writes would halve the rate of a large month.
CREATE TABLE IF NOT EXISTS callhook_store.notifications (
    notification_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    tenant_id uuid NOT NULL,
    subscription_id uuid,
    change_type text,
    lifecycle_event text,
    call_id uuid,
    resource text,
    subscription_expires_at timestamptz,
    forwarded_for text,
    extra jsonb,
    PRIMARY KEY (received_at, notification_id)
) PARTITION BY RANGE (received_at);

-- Rows come in the order of stored_at, so that a few pages index millions.
-- (IF NOT EXISTS would lock out inserts before it looks.)
DO $$
BEGIN
    IF to_regclass('callhook_store.notifications_stored_at') IS NULL THEN
        CREATE INDEX notifications_stored_at
            ON callhook_store.notifications USING brin (stored_at)
            WITH (autosummarize = on);
    END IF;
END
$$;

-- The renewer looks for new lifecycle items at each run. They are few; a
-- change costs the receiver nothing here.
DO $$
BEGIN
    IF to_regclass('callhook_store.notifications_lifecycle') IS NULL THEN
        CREATE INDEX notifications_lifecycle
            ON callhook_store.notifications (stored_at)
            WHERE lifecycle_event IS NOT NULL;
    END IF;
END
$$;

-- Takes what no month is made for, so that no insert fails for want of one.
CREATE TABLE IF NOT EXISTS callhook_store.notifications_default
    PARTITION OF callhook_store.notifications DEFAULT;

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

-- What the receivers did, by the minute: counters in the order that
-- add_minute states, answer times in buckets of a quarter octave.
CREATE TABLE IF NOT EXISTS callhook_store.receiver_minutes (
    minute timestamptz NOT NULL,
    host text NOT NULL,
    counters bigint[] NOT NULL,
    times integer[] NOT NULL,
    max_us bigint NOT NULL,
    spool_bytes bigint NOT NULL,
    PRIMARY KEY (minute, host)
);

-- Subscriptions whose items the receivers refused, one row each; at most 256:
-- strangers' ids come here, too. first_at begins anew after a pause of 10
-- minutes. See add_refusals.
CREATE TABLE IF NOT EXISTS callhook_store.refusals (
    subscription_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL, -- as the last item said
    reason text NOT NULL CHECK (reason IN ('unknown', 'secret')),
    refusals bigint NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now()
);

-- How the last run went for each tenant of the renewer's configuration.
CREATE TABLE IF NOT EXISTS callhook_store.tenants (
    tenant text PRIMARY KEY,
    tenant_id uuid NOT NULL,
    last_run_at timestamptz,
    failed_at timestamptz,
    failure text,
    retry_at timestamptz
);

-- Lifecycle items that the renewer has worked off.
CREATE TABLE IF NOT EXISTS callhook_store.lifecycle_handled (
    notification_id uuid PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT now()
);

-- Times for which Graph may not have told every change. One that lasts still
-- has no end; one that has been searched has closed_at.
CREATE TABLE IF NOT EXISTS callhook_store.gaps (
    gap_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    tenant_id uuid NOT NULL,
    resource text NOT NULL,
    change_type text NOT NULL,
    reason text NOT NULL,
    begins_at timestamptz NOT NULL,
    ends_at timestamptz,
    noted_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    found bigint
);
-- At most one at a time lasts.
CREATE UNIQUE INDEX IF NOT EXISTS gaps_one_lasts
    ON callhook_store.gaps (tenant_id, resource, change_type)
    WHERE ends_at IS NULL;
