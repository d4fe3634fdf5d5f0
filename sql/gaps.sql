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
-- At most one at a time lasts. By a digest: a resource may have a filter of
-- 4,000 bytes, and an index holds no more than 2,700. (Of the ways to bytes
-- decode() alone depends on no setting; it must not see a backslash.)
DO $$
BEGIN
    IF coalesce(pg_get_indexdef(to_regclass('callhook_store.gaps_one_lasts'))
                NOT LIKE '%sha256%', true) THEN
        DROP INDEX IF EXISTS callhook_store.gaps_one_lasts;
        CREATE UNIQUE INDEX gaps_one_lasts
            ON callhook_store.gaps (
                tenant_id,
                sha256(decode(replace(resource, E'\\', E'\\\\'), 'escape')),
                change_type)
            WHERE ends_at IS NULL;
    END IF;
END
$$;

CREATE OR REPLACE VIEW callhook.gaps AS
SELECT tenant,
       nullif(tenant_id, '00000000-0000-0000-0000-000000000000') AS tenant_id,
       resource,
       change_type,
       reason,
       begins_at,
       ends_at,
       noted_at,
       closed_at,
       found
FROM callhook_store.gaps;

COMMENT ON VIEW callhook.gaps IS
    'Times for which notifications may be missing.';
COMMENT ON COLUMN callhook.gaps.tenant IS
    'The tenant''s name in the renewer''s configuration.';
COMMENT ON COLUMN callhook.gaps.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.gaps.resource IS
    'The resource whose changes may be missing.';
COMMENT ON COLUMN callhook.gaps.change_type IS
    'The kinds of change that may be missing.';
COMMENT ON COLUMN callhook.gaps.reason IS
    'Why they may be missing.';
COMMENT ON COLUMN callhook.gaps.begins_at IS
    'From when on changes may be missing.';
COMMENT ON COLUMN callhook.gaps.ends_at IS
    'Until when; null while it lasts.';
COMMENT ON COLUMN callhook.gaps.noted_at IS
    'When the renewer noticed.';
COMMENT ON COLUMN callhook.gaps.closed_at IS
    'When Graph was searched for what is missing; null: not yet.';
COMMENT ON COLUMN callhook.gaps.found IS
    'How many missing calls that search found.';
