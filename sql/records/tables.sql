-- Call records: their pages as Graph sent them, and the tables they are taken
-- apart into. The columns of those come from members.sql.

-- Raw pages. Those of a reading that is not finished belong to no record yet;
-- those of the newest version stay.
CREATE TABLE IF NOT EXISTS callhook_store.record_pages (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    reading_no bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('record', 'sessions',
                                       'participants_v2')),
    page_no integer NOT NULL,
    body json NOT NULL,
    PRIMARY KEY (call_id, tenant_id, reading_no, kind, page_no)
);

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
