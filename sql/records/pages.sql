-- What was read of each call's record: its versions, and the pages as Graph
-- sent them.

CREATE OR REPLACE VIEW callhook.call_versions AS
SELECT nullif(tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       call_id,
       nullif(version, 0) AS version,
       modified_at,
       read_at,
       sha256
FROM callhook_store.record_versions;

COMMENT ON VIEW callhook.call_versions IS
    'Every version of a call''s record that was read, one row each.';
COMMENT ON COLUMN callhook.call_versions.tenant_id IS
    'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.call_versions.call_id IS 'The call record''s id.';
COMMENT ON COLUMN callhook.call_versions.version IS
    'The version, as Graph counts them; null for a record that said none.';
COMMENT ON COLUMN callhook.call_versions.modified_at IS
    'When Graph last changed it, as it says.';
COMMENT ON COLUMN callhook.call_versions.read_at IS
    'When it was read from Graph.';
COMMENT ON COLUMN callhook.call_versions.sha256 IS
    'SHA-256 of the digests of its pages: it tells whether two are the same.';

-- Not for the reader: pages hold what the columns do not.
CREATE OR REPLACE VIEW callhook.raw_pages AS
SELECT nullif(r.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       r.call_id,
       r.version,
       row_number() OVER (
           PARTITION BY r.call_id, r.tenant_id
           ORDER BY array_position('{record,sessions,participants_v2}'::text[],
                                   p.kind), p.page_no)::integer AS page,
       p.body AS json,
       p.kind
FROM callhook_store.call_records AS r
JOIN callhook_store.record_pages AS p
    USING (call_id, tenant_id, reading_no);

COMMENT ON VIEW callhook.raw_pages IS
    'The newest record of each call as Graph sent it, for role callhook_raw.';
COMMENT ON COLUMN callhook.raw_pages.tenant_id IS 'The Microsoft 365 tenant.';
COMMENT ON COLUMN callhook.raw_pages.call_id IS 'The call record''s id.';
COMMENT ON COLUMN callhook.raw_pages.version IS 'The record''s version.';
COMMENT ON COLUMN callhook.raw_pages.page IS
    'Number of the page in the record, from 1: the record itself, then its '
    'lists.';
COMMENT ON COLUMN callhook.raw_pages.json IS
    'The page, letter by letter as Graph sent it.';
COMMENT ON COLUMN callhook.raw_pages.kind IS
    'record, sessions or participants_v2: what the page is of.';
