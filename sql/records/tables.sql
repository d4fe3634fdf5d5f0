-- Call records: their pages as Graph sent them, and the tables they are taken
-- apart into. The columns of those come from members.sql.

-- Raw pages. Those of a reading that is not finished belong to no record yet;
-- those of the newest version stay. What is behind the body was found when
-- the page was stored, so that none is parsed again before the record is taken
-- apart: where its lists go on (next: the sessions', of a record's page), and
-- what a record says of itself. apart: it was asked for without participants.
CREATE TABLE IF NOT EXISTS callhook_store.record_pages (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    reading_no bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('record', 'sessions',
                                       'participants_v2')),
    page_no integer NOT NULL,
    body json NOT NULL,
    sha256 bytea,
    next text,
    next_participants text,
    apart boolean,
    is_record boolean,
    version jsonb,
    modified_at timestamptz,
    PRIMARY KEY (call_id, tenant_id, reading_no, kind, page_no)
);
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'callhook_store.record_pages'::regclass
          AND attname = 'sha256') THEN
        ALTER TABLE callhook_store.record_pages
            ADD COLUMN sha256 bytea,
            ADD COLUMN next text,
            ADD COLUMN next_participants text,
            ADD COLUMN apart boolean,
            ADD COLUMN is_record boolean,
            ADD COLUMN version jsonb,
            ADD COLUMN modified_at timestamptz;
        -- Readings that had stopped begin anew.
        DELETE FROM callhook_store.record_pages AS p
        USING callhook_store.calls AS c
        WHERE c.call_id = p.call_id AND c.tenant_id = p.tenant_id
          AND c.reading_no = p.reading_no;
    END IF;
END
$$;

-- Pages are large and written once: lz4 takes a third of pglz's time, where
-- PostgreSQL was built with it.
DO $$
BEGIN
    IF (SELECT attcompression = '' FROM pg_attribute
        WHERE attrelid = 'callhook_store.record_pages'::regclass
          AND attname = 'body') THEN
        ALTER TABLE callhook_store.record_pages
            ALTER COLUMN body SET COMPRESSION lz4;
    END IF;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;

-- Every version that was read. 0 stands for a record without a version.
CREATE TABLE IF NOT EXISTS callhook_store.record_versions (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    modified_at timestamptz,
    read_at timestamptz NOT NULL DEFAULT now(),
    sha256 bytea NOT NULL, -- of the SHA-256 digests of its pages
    PRIMARY KEY (call_id, tenant_id, version)
);

-- The newest version of each record: one row, and how many participants and
-- sessions it has.
CREATE TABLE IF NOT EXISTS callhook_store.call_records (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    reading_no bigint NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    sha256 bytea NOT NULL,
    participants integer NOT NULL,
    sessions integer NOT NULL,
    PRIMARY KEY (call_id, tenant_id)
);

-- All numbers are ordinals within the record, for Graph's ids repeat.
CREATE TABLE IF NOT EXISTS callhook_store.participants (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    participant_no integer NOT NULL,
    PRIMARY KEY (call_id, tenant_id, participant_no)
);
CREATE TABLE IF NOT EXISTS callhook_store.sessions (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    PRIMARY KEY (call_id, tenant_id, session_no)
);
CREATE TABLE IF NOT EXISTS callhook_store.segments (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    PRIMARY KEY (call_id, tenant_id, session_no, segment_no)
);
CREATE TABLE IF NOT EXISTS callhook_store.media (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    media_no integer NOT NULL,
    PRIMARY KEY (call_id, tenant_id, session_no, segment_no, media_no)
);
CREATE TABLE IF NOT EXISTS callhook_store.streams (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    media_no integer NOT NULL,
    stream_no integer NOT NULL,
    PRIMARY KEY (call_id, tenant_id, session_no, segment_no, media_no,
                 stream_no)
);

-- Of a caller or a callee, of a session (segment 0) or of a segment.
CREATE TABLE IF NOT EXISTS callhook_store.feedback (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    side text NOT NULL,
    PRIMARY KEY (call_id, tenant_id, session_no, segment_no, side)
);

-- The tenant's logs of phone calls, by Graph's id of the row.
CREATE TABLE IF NOT EXISTS callhook_store.pstn_calls (
    id text NOT NULL,
    tenant_id uuid NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, tenant_id)
);
CREATE TABLE IF NOT EXISTS callhook_store.direct_routing_calls (
    id text NOT NULL,
    tenant_id uuid NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, tenant_id)
);
