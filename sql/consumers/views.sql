-- What a reader sees of the consumers.

-- A backlog is counted up to this many rows: a reader must not wait for
-- millions, and who watches it has seen enough.
CREATE OR REPLACE FUNCTION callhook_store.most_counted()
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$ SELECT 100000; $$;
COMMENT ON FUNCTION callhook_store.most_counted() IS
    'How many waiting rows are counted; there may be more.';

-- What a walk has before it: the rest of its parts.
CREATE OR REPLACE FUNCTION callhook_store.rows_to_walk(
    q callhook_store.consumer_queues, OUT rows bigint,
    OUT oldest_at timestamptz)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    newest constant bigint := callhook_store.newest_transaction();
    most constant integer := callhook_store.most_counted();
    part text;
    more record;
BEGIN
    rows := 0;
    FOR n IN 1 .. cardinality(q.walk_parts) LOOP
        EXIT WHEN rows >= most;
        SELECT c.oid::regclass INTO part
        FROM pg_class AS c WHERE c.oid = q.walk_parts[n];
        CONTINUE WHEN part IS NULL;
        EXECUTE format(
            'SELECT count(*) AS rows, min(stored_at) AS oldest_at
             FROM (SELECT stored_at
                   FROM (SELECT stored_at, callhook_store.row_transaction(
                                               xmin, $2) AS number
                         FROM %s WHERE stored_at >= $1 %s OFFSET 0) AS n
                   WHERE callhook_store.has_ended(number, $3)
                     AND callhook_store.is_new(number, stored_at, $4, $5, $6)
                   LIMIT $7) AS n',
            part, CASE WHEN n = 1 AND q.walk_page > 0
                       THEN format('AND ctid >= ''(%s,0)''', q.walk_page) END)
        INTO more
        USING q.walk_from, newest, q.ahead, q.seen, q.before,
              q.searched_from, most - rows;
        rows := rows + more.rows;
        oldest_at := least(oldest_at, more.oldest_at);
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.rows_to_walk(
    callhook_store.consumer_queues) IS
    'How many notifications a walk has before it, exact if under '
    'most_counted, and when the oldest of them was stored.';

CREATE OR REPLACE FUNCTION callhook_store.rows_to_find(
    q callhook_store.consumer_queues, OUT rows bigint,
    OUT oldest_at timestamptz)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    newest constant bigint := callhook_store.newest_transaction();
    most constant integer := callhook_store.most_counted();
    -- with what a walk that is under way will have seen
    seen constant callhook_store.sight := coalesce(q.ahead, q.seen);
    from_time timestamptz;
    to_walk record;
BEGIN
    IF q.kind = 'calls' THEN
        SELECT count(*), min(e.at) INTO rows, oldest_at
        FROM (SELECT at FROM callhook_store.call_events
              WHERE transaction >= (q.seen).low
                AND NOT callhook_store.has_ended(transaction, q.seen)
                AND at >= coalesce(q.since, '-infinity')
              ORDER BY transaction LIMIT most) AS e;
        RETURN;
    END IF;
    from_time := callhook_store.search_from(
        seen, q.before, callhook_store.still_open(seen));
    IF q.ahead IS NULL THEN
        from_time := coalesce(q.since, from_time);
    END IF;
    SELECT count(*), min(n.stored_at) INTO rows, oldest_at
    FROM (SELECT stored_at
          FROM (SELECT stored_at,
                       callhook_store.row_transaction(xmin, newest) AS number
                FROM callhook_store.notifications
                WHERE stored_at >= from_time OFFSET 0) AS n
          WHERE NOT callhook_store.has_ended(number, seen)
             OR q.ahead IS NULL
                AND callhook_store.is_new(number, stored_at, seen, q.before,
                                          q.searched_from)
          LIMIT most) AS n;
    IF q.ahead IS NOT NULL THEN
        to_walk := callhook_store.rows_to_walk(q);
        rows := rows + to_walk.rows;
        oldest_at := least(oldest_at, to_walk.oldest_at);
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.rows_to_find(
    callhook_store.consumer_queues) IS
    'How many rows a queue has not found yet, exact if under most_counted, '
    'and when the oldest of them came.';

CREATE OR REPLACE FUNCTION callhook_store.rows_to_settle(
    queue integer, OUT rows bigint, OUT oldest_at timestamptz)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    b callhook_store.consumer_batches;
BEGIN
    rows := 0;
    FOR b IN
        SELECT * FROM callhook_store.consumer_batches
        WHERE queue_no = queue ORDER BY ready_at, batch
    LOOP
        EXIT WHEN rows >= callhook_store.most_counted();
        IF b.ready_at = '-infinity' THEN -- the later event is yet to be found
            b := callhook_store.without_superseded(b);
        END IF;
        rows := rows + cardinality(b.ids);
        oldest_at := least(oldest_at,
            (SELECT min(t) FROM unnest(b.times) AS t),
            (SELECT min(e.at) FROM callhook_store.call_events AS e
             WHERE b.tenants IS NOT NULL AND e.call_id = ANY (b.ids)));
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.rows_to_settle(integer) IS
    'How many rows a queue has found and not settled, exact if under '
    'most_counted, and when the oldest of them came.';

-- A name that has not asked yet. What it will ask for is not known: of
-- notifications and calls those that are more. Of events, which have no index
-- by their time, only the last ones are looked at.
CREATE OR REPLACE FUNCTION callhook_store.rows_since(
    since timestamptz, OUT rows bigint, OUT oldest_at timestamptz)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    most constant integer := callhook_store.most_counted();
BEGIN
    SELECT greatest(n.rows, e.rows), least(n.oldest, e.oldest)
    INTO rows, oldest_at
    FROM (SELECT count(*), min(stored_at)
          FROM (SELECT stored_at FROM callhook_store.notifications
                WHERE stored_at >= since LIMIT most) AS n
         ) AS n (rows, oldest),
         (SELECT count(*), min(at)
          FROM (SELECT at FROM callhook_store.call_events
                ORDER BY transaction DESC LIMIT most) AS e
          WHERE at >= since) AS e (rows, oldest);
END
$$;
COMMENT ON FUNCTION callhook_store.rows_since(timestamptz) IS
    'How many rows wait since a time, exact if under most_counted, and when '
    'the oldest of them came.';

CREATE OR REPLACE FUNCTION callhook.rows_waiting(
    number integer, OUT rows bigint, OUT oldest_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off -- the block range index, whatever statistics say
SET max_parallel_workers_per_gather = 0 -- in the order of the pages
SET jit = off
AS $$
DECLARE
    q callhook_store.consumer_queues;
    part record;
BEGIN
    rows := 0;
    FOR q IN
        SELECT * FROM callhook_store.consumer_queues
        WHERE consumer_no = number
    LOOP
        FOR part IN
            SELECT * FROM callhook_store.rows_to_find(q)
            UNION ALL
            SELECT * FROM callhook_store.rows_to_settle(q.queue_no)
        LOOP
            rows := rows + part.rows;
            oldest_at := least(oldest_at, part.oldest_at);
        END LOOP;
    END LOOP;
    IF NOT FOUND THEN
        SELECT s.rows, s.oldest_at INTO rows, oldest_at
        FROM callhook_store.consumers AS c
        CROSS JOIN LATERAL callhook_store.rows_since(c.since) AS s
        WHERE c.consumer_no = number;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook.rows_waiting(integer) IS
    'The backlog of a consumer, and when the oldest row of it came.';

CREATE OR REPLACE VIEW callhook.consumers AS
SELECT c.consumer,
       w.rows AS backlog,
       w.oldest_at,
       c.settled_at AS last_settled_at,
       (SELECT count(*) FROM callhook_store.consumer_failures AS f
        WHERE f.consumer_no = c.consumer_no) AS failures
FROM callhook_store.consumers AS c
CROSS JOIN LATERAL callhook.rows_waiting(c.consumer_no) AS w;

DROP FUNCTION IF EXISTS callhook.rows_to_find(integer); -- it counted all

COMMENT ON VIEW callhook.consumers IS
    'The consumers of notifications and calls.';
COMMENT ON COLUMN callhook.consumers.consumer IS 'The consumer''s name.';
COMMENT ON COLUMN callhook.consumers.backlog IS
    'Rows that it has not settled, leased ones included, those set aside not. '
    'From 100,000 on it is not counted further: so many or more. Of a name '
    'that make_consumer made and that has not asked yet: notifications or '
    'calls, whichever are more.';
COMMENT ON COLUMN callhook.consumers.oldest_at IS
    'When the oldest of those that are counted came; null if there is none.';
COMMENT ON COLUMN callhook.consumers.last_settled_at IS
    'When it last settled a batch.';
COMMENT ON COLUMN callhook.consumers.failures IS
    'Rows that were set aside: see consumer_failures.';

CREATE OR REPLACE VIEW callhook.consumer_failures AS
SELECT c.consumer,
       f.kind,
       CASE f.kind WHEN 'notifications' THEN f.id END AS notification_id,
       f.received_at,
       nullif(f.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       CASE f.kind WHEN 'calls' THEN f.id END AS call_id,
       f.event,
       f.failures,
       f.failed_at,
       f.why
FROM callhook_store.consumer_failures AS f
JOIN callhook_store.consumers AS c USING (consumer_no);

COMMENT ON VIEW callhook.consumer_failures IS
    'Rows that consumers gave back too often: they do not come again.';
COMMENT ON COLUMN callhook.consumer_failures.consumer IS
    'The consumer''s name.';
COMMENT ON COLUMN callhook.consumer_failures.kind IS
    'notifications or calls: which function handed it out.';
COMMENT ON COLUMN callhook.consumer_failures.notification_id IS
    'The notification; null for a call.';
COMMENT ON COLUMN callhook.consumer_failures.received_at IS
    'When the notification came; null for a call.';
COMMENT ON COLUMN callhook.consumer_failures.tenant_id IS
    'The tenant of the call; null for a notification.';
COMMENT ON COLUMN callhook.consumer_failures.call_id IS
    'The call; null for a notification.';
COMMENT ON COLUMN callhook.consumer_failures.event IS
    'What was new of the call.';
COMMENT ON COLUMN callhook.consumer_failures.failures IS
    'How often it was given back.';
COMMENT ON COLUMN callhook.consumer_failures.failed_at IS
    'When it was set aside.';
COMMENT ON COLUMN callhook.consumer_failures.why IS
    'What the consumer said, at most 500 characters.';

-- For `status`. Dropped ones are told of for a week.
CREATE OR REPLACE FUNCTION callhook_store.consumers_told()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(json_agg(json_build_object(
        'consumer', consumer, 'backlog', backlog,
        'backlog_or_more', backlog >= callhook_store.most_counted(),
        'oldest_at', to_char(oldest_at AT TIME ZONE 'UTC', form),
        'last_settled_at', to_char(last_settled_at AT TIME ZONE 'UTC', form),
        'failures', failures, 'dropped', dropped, 'note', CASE
            WHEN dropped THEN format(
                'consumer %s is dropped: it had asked for nothing for 30 days',
                consumer)
            ELSE format('consumer %s: %s to settle', consumer, backlog)
                || CASE WHEN backlog >= callhook_store.most_counted()
                        THEN ' or more' ELSE '' END
                || CASE WHEN failures > 0 THEN format(
                       '; %s set aside, see the view '
                       'callhook.consumer_failures', failures) ELSE '' END END)
        ORDER BY dropped, consumer), '[]')
    FROM (SELECT consumer, backlog, oldest_at, last_settled_at, failures,
                 false AS dropped
          FROM callhook.consumers
          UNION ALL
          SELECT consumer, NULL, NULL, NULL, NULL, true
          FROM callhook_store.consumers_dropped
          WHERE dropped_at > now() - interval '7 days') AS c
    CROSS JOIN (VALUES ('YYYY-MM-DD"T"HH24:MI:SS"Z"')) AS f (form);
$$;
COMMENT ON FUNCTION callhook_store.consumers_told() IS
    'The consumers, and those dropped within a week, with a note on each.';

-- Most sites have none: their sessions need not plan all that.
CREATE OR REPLACE FUNCTION callhook_store.consumer_status()
RETURNS json
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM callhook_store.consumers)
                  OR EXISTS (SELECT FROM callhook_store.consumers_dropped)
                THEN callhook_store.consumers_told() ELSE '[]' END;
$$;
COMMENT ON FUNCTION callhook_store.consumer_status() IS
    'The consumers, and those dropped within a week, with a note on each.';
