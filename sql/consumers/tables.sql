-- Consumers: what each has found, and what it has not settled. Nothing here is
-- written when a notification is stored. README.md beside this file says why
-- it is made so.
CREATE SEQUENCE IF NOT EXISTS callhook_store.consumer_batch_numbers;

CREATE TABLE IF NOT EXISTS callhook_store.consumers (
    consumer_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL UNIQUE CHECK (length(consumer) BETWEEN 1 AND 100),
    since timestamptz, -- where its queues begin; null: at their first call
    asked_at timestamptz NOT NULL DEFAULT now(), -- to the hour
    settled_at timestamptz
);

-- Which transactions had ended at a moment: those numbered under low, and
-- those under high that are not among running. From unsure_from on there may
-- be subtransactions of running ones, which have numbers of their own: of
-- these numbers only those among found count as ended. open: those that could still
-- store notifications, with a time before which none of them began; a row
-- that cannot be seen yet gets its stored_at from one of these or from one
-- that begins later than at.
DO $$
BEGIN
    IF to_regtype('callhook_store.sight') IS NULL THEN
        CREATE TYPE callhook_store.sight AS (
            at timestamptz, high bigint, low bigint, running bigint[],
            unsure_from bigint, found int8multirange, open text[], open_from timestamptz[]);
    END IF;
END
$$;

-- seen: up to where everything is found; of rows stored before searched_from
-- only what before shows was looked at. ahead: set while a great many rows are
-- being walked through, partition by partition (walk_parts), in the order of
-- their pages.
CREATE TABLE IF NOT EXISTS callhook_store.consumer_queues (
    queue_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer_no integer NOT NULL
        REFERENCES callhook_store.consumers ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('notifications', 'calls')),
    cluster text NOT NULL, -- whose transaction numbers these are
    since timestamptz,     -- until the first search is done
    seen callhook_store.sight NOT NULL,
    before callhook_store.sight NOT NULL,
    searched_from timestamptz NOT NULL,
    ahead callhook_store.sight,
    walk_from timestamptz,
    walk_parts oid[],
    walk_pages bigint[],
    walk_files oid[],
    walk_page bigint,
    UNIQUE (consumer_no, kind)
) WITH (fillfactor = 50);

-- Found and not settled, a row a batch. ready_at: -infinity if it was never
-- handed out, else the end of its lease or of its pause. Of a notification
-- there is its key, received_at and id; of a call its key and the event.
CREATE TABLE IF NOT EXISTS callhook_store.consumer_batches (
    batch bigint PRIMARY KEY
        DEFAULT nextval('callhook_store.consumer_batch_numbers'),
    queue_no integer NOT NULL
        REFERENCES callhook_store.consumer_queues ON DELETE CASCADE,
    ready_at timestamptz NOT NULL DEFAULT '-infinity',
    leased boolean NOT NULL DEFAULT false,
    failures integer NOT NULL DEFAULT 0,
    lapses integer NOT NULL DEFAULT 0, -- leases that ran out
    ids uuid[] NOT NULL,
    times timestamptz[],
    tenants uuid[],
    events text[],
    transactions bigint[] -- which wrote the event
) WITH (toast_tuple_target = 8160,
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
-- (Consumers write here: no lock if there is nothing to add.)
DO $$
BEGIN
    IF to_regclass('callhook_store.consumer_batches_ready') IS NULL THEN
        CREATE INDEX consumer_batches_ready
            ON callhook_store.consumer_batches (queue_no, ready_at, batch);
        ALTER TABLE callhook_store.consumer_batches
            ALTER COLUMN ids SET STORAGE EXTERNAL,
            ALTER COLUMN times SET STORAGE EXTERNAL,
            ALTER COLUMN tenants SET STORAGE EXTERNAL;
    END IF;
END
$$;

-- Rows that failed too often, set aside.
CREATE TABLE IF NOT EXISTS callhook_store.consumer_failures (
    consumer_no integer NOT NULL
        REFERENCES callhook_store.consumers ON DELETE CASCADE,
    kind text NOT NULL,
    id uuid NOT NULL,
    received_at timestamptz,
    tenant_id uuid,
    event text,
    failures integer NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    why text
);
DO $$
BEGIN
    IF to_regclass('callhook_store.consumer_failures_consumer_no') IS NULL THEN
        CREATE INDEX consumer_failures_consumer_no
            ON callhook_store.consumer_failures (consumer_no);
    END IF;
END
$$;

-- Consumers that asked for nothing for 30 days, for `status` to tell.
CREATE TABLE IF NOT EXISTS callhook_store.consumers_dropped (
    consumer text NOT NULL,
    asked_at timestamptz NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now()
);

-- The last event of each call, and the transaction that wrote it.
DO $$
BEGIN
    IF to_regclass('callhook_store.call_events') IS NULL THEN
        CREATE TABLE callhook_store.call_events (
            call_id uuid NOT NULL,
            tenant_id uuid NOT NULL,
            event text NOT NULL,
            at timestamptz NOT NULL,
            transaction bigint NOT NULL,
            PRIMARY KEY (call_id, tenant_id)
        );
        -- Calls of an older schema: in portions, before all transactions.
        INSERT INTO callhook_store.call_events
        SELECT call_id, tenant_id,
               CASE WHEN record_state = 'stored' THEN 'stored'
                    WHEN notifications > 0 THEN 'notified' ELSE 'listed' END,
               coalesce(read_at, first_notified_at, listed_at, filed_at),
               row_number() OVER (ORDER BY filed_at) / 1000 - 4294967296
        FROM callhook_store.calls
        WHERE record_state = 'stored' OR notifications > 0
           OR listed_at IS NOT NULL;
        CREATE INDEX call_events_transaction
            ON callhook_store.call_events (transaction);
    END IF;
END
$$;
