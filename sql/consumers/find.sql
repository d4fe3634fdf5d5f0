-- Finding what is new to a queue. Rows have no index by the time of their
-- commit, and shall have none: the block range index on stored_at leads to
-- the few pages that may hold new ones, and the transaction of each row tells
-- whether it is. OFFSET 0 lets its number be computed once a row. Most rows
-- there are of transactions under low, which have ended: their age alone says
-- so, and is_new is only asked for the others.

-- Whether a row is new: its transaction had not ended when the queue was
-- searched last, or its stored_at lay before what was searched then.
CREATE OR REPLACE FUNCTION callhook_store.is_new(
    number bigint, stored_at timestamptz, seen callhook_store.sight,
    before callhook_store.sight, searched_from timestamptz)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT NOT callhook_store.has_ended(number, seen)
        OR stored_at < searched_from
           AND NOT callhook_store.has_ended(number, before);
$$;
COMMENT ON FUNCTION callhook_store.is_new(
    bigint, timestamptz, callhook_store.sight, callhook_store.sight,
    timestamptz) IS
    'Whether a notification is new to a queue.';

-- The transactions of a queue's sight that have not ended.
CREATE OR REPLACE FUNCTION callhook_store.still_open(s callhook_store.sight)
RETURNS text[]
LANGUAGE plpgsql
AS $$
BEGIN
    IF s.open = '{}' THEN
        RETURN s.open;
    END IF;
    RETURN ARRAY(
        SELECT virtualxid FROM pg_locks WHERE locktype = 'virtualxid'
        UNION ALL
        SELECT 'prepared ' || transaction FROM pg_prepared_xacts);
END
$$;
COMMENT ON FUNCTION callhook_store.still_open(callhook_store.sight) IS
    'Transactions that are open, if any were.';

-- So that a search that finds nothing writes nothing and locks nothing.
CREATE OR REPLACE FUNCTION callhook_store.has_news(
    q callhook_store.consumer_queues)
RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off -- the block range index, whatever statistics say
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    newest constant bigint := callhook_store.newest_transaction();
    low constant bigint := (q.seen).low; -- not taken apart for each row
    searched_from constant timestamptz := q.searched_from;
    since constant timestamptz := callhook_store.search_from(
        q.seen, q.before, callhook_store.still_open(q.seen));
BEGIN
    IF q.ahead IS NOT NULL OR q.since IS NOT NULL THEN
        RETURN true;
    ELSIF q.kind = 'calls' THEN
        RETURN EXISTS (
            SELECT FROM callhook_store.call_events AS e
            WHERE e.transaction >= low
              AND NOT callhook_store.has_ended(e.transaction, q.seen));
    END IF;
    RETURN EXISTS (
        SELECT FROM callhook_store.notifications AS n
        WHERE n.stored_at >= since
          AND (age(n.xmin) <= newest - low OR n.stored_at < searched_from)
          AND callhook_store.is_new(
                  callhook_store.row_transaction(n.xmin, newest),
                  n.stored_at, q.seen, q.before, q.searched_from));
END
$$;
COMMENT ON FUNCTION callhook_store.has_news(callhook_store.consumer_queues) IS
    'Whether there is anything that a queue has not found.';

-- A great many rows are walked through in the order of their pages: each call
-- reads a bounded number, and goes on where the last one stopped.
CREATE OR REPLACE FUNCTION callhook_store.begin_walk(
    INOUT q callhook_store.consumer_queues, target callhook_store.sight,
    since timestamptz)
LANGUAGE plpgsql
AS $$
BEGIN
    q.ahead := target;
    q.walk_from := since;
    SELECT coalesce(array_agg(c.oid ORDER BY c.relname), '{}'),
           coalesce(array_agg(pg_relation_size(c.oid) / 8192
                              ORDER BY c.relname), '{}'),
           coalesce(array_agg(pg_relation_filenode(c.oid)
                              ORDER BY c.relname), '{}')
    INTO q.walk_parts, q.walk_pages, q.walk_files
    FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
    WHERE inhparent = 'callhook_store.notifications'::regclass
      AND pg_relation_size(c.oid) > 0;
    q.walk_page := NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.begin_walk(
    callhook_store.consumer_queues, callhook_store.sight, timestamptz) IS
    'Begins to walk through the notifications stored since a time.';

CREATE OR REPLACE FUNCTION callhook_store.walk(
    INOUT q callhook_store.consumer_queues,
    OUT ids uuid[], OUT times timestamptz[])
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    newest constant bigint := callhook_store.newest_transaction();
    pages integer := 0;
    all_found int8multirange;
    more_found int8multirange;
    part text;
    more_ids uuid[];
    more_times timestamptz[];
BEGIN
    ids := '{}';
    times := '{}';
    all_found := (q.ahead).found;
    WHILE q.walk_parts <> '{}' AND cardinality(ids) < 5000 AND pages < 50000
    LOOP
        SELECT c.oid::regclass INTO part
        FROM pg_class AS c WHERE c.oid = q.walk_parts[1];
        IF part IS NOT NULL AND q.walk_page IS NULL THEN
            EXECUTE format('SELECT (ctid::text::point)[0]::bigint FROM %s
                            WHERE stored_at >= $1 LIMIT 1', part)
            INTO q.walk_page USING q.walk_from;
        END IF;
        IF q.walk_page > 0 AND pg_relation_filenode(q.walk_parts[1])
                               <> q.walk_files[1] THEN
            -- written anew, as by VACUUM FULL: rather twice than never
            q.walk_page := 0;
            q.walk_pages[1] := pg_relation_size(q.walk_parts[1]) / 8192;
            q.walk_files[1] := pg_relation_filenode(q.walk_parts[1]);
        END IF;
        IF part IS NULL OR q.walk_page IS NULL
           OR q.walk_page >= q.walk_pages[1] THEN
            q.walk_parts := q.walk_parts[2:];
            q.walk_pages := q.walk_pages[2:];
            q.walk_files := q.walk_files[2:];
            q.walk_page := NULL;
            CONTINUE;
        END IF;
        EXECUTE format(
            'SELECT coalesce(array_agg(n.notification_id), ''{}''),
                    coalesce(array_agg(n.received_at), ''{}''),
                    range_agg(int8range(number, number + 1))
                        FILTER (WHERE number >= $7)
             FROM (SELECT notification_id, received_at, stored_at,
                          callhook_store.row_transaction(xmin, $2) AS number
                   FROM %s
                   WHERE ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''
                     AND stored_at >= $1 OFFSET 0) AS n
             WHERE number < ($3).high AND number <> ALL (($3).running)
               AND callhook_store.is_new(number, n.stored_at, $4, $5, $6)',
            part, q.walk_page, least(q.walk_page + 64, q.walk_pages[1]))
        INTO more_ids, more_times, more_found
        USING q.walk_from, newest, q.ahead, q.seen, q.before, q.searched_from,
              (q.ahead).unsure_from;
        q.walk_page := q.walk_page + 64;
        pages := pages + 64;
        ids := ids || more_ids;
        times := times || more_times;
        all_found := all_found + coalesce(more_found, '{}');
    END LOOP;
    q.ahead.found := all_found;
END
$$;
COMMENT ON FUNCTION callhook_store.walk(callhook_store.consumer_queues) IS
    'The next notifications of a walk, some thousands.';

-- Where a queue begins: with what has not ended yet. Numbers of which it is
-- unsure count as found if their rows are there. Events have the main number.
DROP FUNCTION IF EXISTS callhook_store.sight_of_now();
CREATE OR REPLACE FUNCTION callhook_store.sight_of_now(queue_kind text)
RETURNS callhook_store.sight
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    s callhook_store.sight := callhook_store.look(NULL, '-infinity');
    since constant timestamptz := callhook_store.search_from(s, s, '{}');
    newest constant bigint := callhook_store.newest_transaction();
BEGIN
    IF queue_kind = 'calls' THEN
        s.unsure_from := s.high;
    ELSIF s.unsure_from < s.high THEN
        SELECT coalesce(range_agg(int8range(number, number + 1)), '{}')
        INTO s.found
        FROM (SELECT callhook_store.row_transaction(xmin, newest) AS number
              FROM callhook_store.notifications
              WHERE stored_at >= since OFFSET 0) AS n
        WHERE number >= s.unsure_from
          AND number < s.high AND number <> ALL (s.running);
    END IF;
    RETURN s;
END
$$;
COMMENT ON FUNCTION callhook_store.sight_of_now(text) IS
    'The sight of a queue of notifications or calls that begins now.';

CREATE OR REPLACE FUNCTION callhook_store.find_notifications(
    INOUT q callhook_store.consumer_queues,
    OUT ids uuid[], OUT times timestamptz[])
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    newest bigint;
    since timestamptz;
    low constant bigint := (q.seen).low;
    searched_from constant timestamptz := q.searched_from;
    target callhook_store.sight;
    all_found int8multirange;
    step record;
BEGIN
    IF q.ahead IS NULL THEN
        target := callhook_store.look(
            q.seen, callhook_store.search_from(q.seen, q.before, '{}'));
        -- after the look: what ends now is among the target's open ones
        since := coalesce(q.since, callhook_store.search_from(
                     q.seen, q.before,
                     callhook_store.still_open(q.seen)));
        newest := callhook_store.newest_transaction();
        target.found := (q.seen).found
                        * int8multirange(int8range(target.unsure_from, NULL));
        IF q.since IS NULL THEN
            SELECT coalesce(array_agg(n.notification_id), '{}'),
                   coalesce(array_agg(n.received_at), '{}'),
                   target.found + coalesce(
                       range_agg(int8range(number, number + 1))
                           FILTER (WHERE number >= target.unsure_from), '{}')
            INTO ids, times, all_found
            FROM (SELECT n.notification_id, n.received_at, number
                  FROM (SELECT notification_id, received_at, stored_at,
                               callhook_store.row_transaction(xmin, newest)
                                   AS number
                        FROM callhook_store.notifications
                        WHERE stored_at >= since
                          AND (age(xmin) <= newest - low
                               OR stored_at < searched_from)
                        OFFSET 0) AS n
                  WHERE number < target.high
                    AND number <> ALL (target.running)
                    AND callhook_store.is_new(number, n.stored_at, q.seen,
                                              q.before, q.searched_from)
                  LIMIT 5001) AS n;
        END IF;
        IF q.since IS NULL AND cardinality(ids) <= 5000 THEN
            target.found := all_found;
            q.before := q.seen;
            q.searched_from := since;
            q.seen := target;
            RETURN;
        END IF;
        q := callhook_store.begin_walk(q, target, since);
    END IF;
    step := callhook_store.walk(q);
    q := step.q;
    ids := step.ids;
    times := step.times;
    IF q.walk_parts = '{}' THEN
        q.before := CASE WHEN q.since IS NULL THEN q.seen ELSE q.ahead END;
        q.searched_from := q.walk_from;
        q.seen := q.ahead;
        q.ahead := NULL;
        q.since := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.find_notifications(
    callhook_store.consumer_queues) IS
    'Notifications that are new to a queue, and the queue without them.';

-- Events carry the number of their transaction, with an index: whole
-- transactions are taken, oldest first.
CREATE OR REPLACE FUNCTION callhook_store.find_events(
    INOUT q callhook_store.consumer_queues,
    OUT ids uuid[], OUT tenants uuid[], OUT events text[],
    OUT transactions bigint[])
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    target callhook_store.sight := callhook_store.look(q.seen, '-infinity');
BEGIN
    target.unsure_from := target.high; -- events have the main number
    SELECT coalesce(array_agg(call_id), '{}'), coalesce(array_agg(tenant_id),
           '{}'), coalesce(array_agg(event), '{}'),
           coalesce(array_agg(transaction), '{}')
    INTO ids, tenants, events, transactions
    FROM (SELECT * FROM callhook_store.call_events AS e
          WHERE e.transaction >= (q.seen).low
            AND NOT callhook_store.has_ended(e.transaction, q.seen)
            AND callhook_store.has_ended(e.transaction, target)
            AND e.at >= coalesce(q.since, '-infinity')
          ORDER BY e.transaction FETCH FIRST 5000 ROWS WITH TIES) AS e;
    IF cardinality(ids) >= 5000 THEN
        target.high := transactions[cardinality(transactions)] + 1;
        target.unsure_from := target.high;
        target.running := ARRAY(SELECT x FROM unnest(target.running) AS x
                                WHERE x < target.high);
        target.low := least(target.high, (SELECT min(x)
                                          FROM unnest(target.running) AS x));
    ELSE
        q.since := NULL;
    END IF;
    q.seen := target;
END
$$;
COMMENT ON FUNCTION callhook_store.find_events(
    callhook_store.consumer_queues) IS
    'Events of calls that are new to a queue, and the queue without them.';
