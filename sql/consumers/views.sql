-- What a reader sees of the consumers.

-- Notifications that a queue has not found yet. It counts them.
CREATE OR REPLACE FUNCTION callhook.rows_to_find(
    queue integer, OUT rows bigint, OUT oldest_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off -- the block range index, whatever statistics say
SET jit = off
AS $$
DECLARE
    q callhook_store.consumer_queues;
    newest constant bigint := callhook_store.newest_transaction();
    from_time timestamptz;
BEGIN
    SELECT * INTO q FROM callhook_store.consumer_queues
    WHERE queue_no = queue;
    IF q.kind = 'calls' THEN
        SELECT count(*), min(e.at) INTO rows, oldest_at
        FROM callhook_store.call_events AS e
        WHERE e.transaction >= (q.seen).low
          AND NOT callhook_store.has_ended(e.transaction, q.seen)
          AND e.at >= coalesce(q.since, '-infinity');
        RETURN;
    END IF;
    from_time := coalesce(q.walk_from, q.since, callhook_store.search_from(
                     q.seen, callhook_store.still_open(q.seen)));
    IF q.ahead IS NULL THEN
        from_time := coalesce(q.since, callhook_store.search_from(
                         q.seen, callhook_store.still_open(q.seen)));
    END IF;
    SELECT count(*), min(n.stored_at) INTO rows, oldest_at
    FROM (SELECT stored_at, tableoid AS part, ctid AS place,
                 callhook_store.row_transaction(xmin, newest) AS number
          FROM callhook_store.notifications
          WHERE stored_at >= from_time OFFSET 0) AS n
    WHERE callhook_store.is_new(number, n.stored_at, q.seen, q.before,
                                q.searched_from)
      AND (q.ahead IS NULL
           OR NOT callhook_store.has_ended(number, q.ahead)
           OR part = ANY (q.walk_parts)
              AND (part <> q.walk_parts[1] OR q.walk_page IS NULL
                   OR place >= format('(%s,0)', q.walk_page)::tid));
END
$$;
COMMENT ON FUNCTION callhook.rows_to_find(integer) IS
    'How many rows a queue has not found yet, and when the oldest was stored.';

CREATE OR REPLACE VIEW callhook.consumers AS
SELECT c.consumer,
       coalesce(q.rows, 0)::bigint AS backlog,
       q.oldest_at,
       c.settled_at AS last_settled_at,
       (SELECT count(*) FROM callhook_store.consumer_failures AS f
        WHERE f.consumer_no = c.consumer_no) AS failures
FROM callhook_store.consumers AS c
LEFT JOIN LATERAL (
    SELECT sum(n.rows + coalesce(b.rows, 0)) AS rows,
           min(least(n.oldest_at, b.oldest_at)) AS oldest_at
    FROM callhook_store.consumer_queues AS u
    CROSS JOIN LATERAL callhook.rows_to_find(u.queue_no) AS n
    CROSS JOIN LATERAL (
        SELECT sum(cardinality(ids)) AS rows,
               min(least((SELECT min(t) FROM unnest(times) AS t),
                         (SELECT min(e.at) FROM callhook_store.call_events AS e
                          WHERE u.kind = 'calls' AND e.call_id = ANY (ids))))
                   AS oldest_at
        FROM callhook_store.consumer_batches AS l
        WHERE l.queue_no = u.queue_no) AS b
    WHERE u.consumer_no = c.consumer_no) AS q ON true;

COMMENT ON VIEW callhook.consumers IS
    'The consumers of notifications and calls. The backlog is counted: with '
    'millions of rows it takes seconds.';
COMMENT ON COLUMN callhook.consumers.consumer IS 'The consumer''s name.';
COMMENT ON COLUMN callhook.consumers.backlog IS
    'Rows that it has not settled, leased ones included, those set aside not.';
COMMENT ON COLUMN callhook.consumers.oldest_at IS
    'When the oldest of these came; null if there is none.';
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
        'oldest_at', to_char(oldest_at AT TIME ZONE 'UTC', form),
        'last_settled_at', to_char(last_settled_at AT TIME ZONE 'UTC', form),
        'failures', failures, 'dropped', dropped, 'note', CASE
            WHEN dropped THEN format(
                'consumer %s is dropped: it had asked for nothing for 30 days',
                consumer)
            WHEN failures > 0 THEN format(
                'consumer %s: %s to settle; %s set aside, see the view '
                'callhook.consumer_failures', consumer, backlog, failures)
            ELSE format('consumer %s: %s to settle', consumer, backlog) END)
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
