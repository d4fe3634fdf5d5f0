-- Batches: what is found is cut into them, and they are leased, settled and
-- given back. Rows are locked with SKIP LOCKED, so that no worker waits for
-- another one but to search, and then for a second at most.

CREATE OR REPLACE FUNCTION callhook_store.drop_idle_consumers()
RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH idle AS (
        DELETE FROM callhook_store.consumers
        WHERE asked_at < now() - interval '30 days'
        RETURNING consumer, asked_at
    ), noted AS (
        INSERT INTO callhook_store.consumers_dropped (consumer, asked_at)
        SELECT consumer, asked_at FROM idle RETURNING 1
    ), old AS (
        DELETE FROM callhook_store.consumers_dropped
        WHERE dropped_at < now() - interval '30 days'
    )
    SELECT count(*) FROM noted;
$$;
COMMENT ON FUNCTION callhook_store.drop_idle_consumers() IS
    'Drops the consumers that have asked for nothing for 30 days; how many.';

-- A queue that has seen nothing finds all from since on.
CREATE OR REPLACE FUNCTION callhook_store.nothing_seen()
RETURNS callhook_store.sight
LANGUAGE sql
AS $$
    SELECT (clock_timestamp(), -4611686018427387904, -4611686018427387904,
            '{}', -4611686018427387904, '{}', '{}', '{}'
           )::callhook_store.sight;
$$;
COMMENT ON FUNCTION callhook_store.nothing_seen() IS
    'The sight of a queue that has found nothing yet.';

-- Events from before a restore have the numbers of another cluster, which may
-- be of a time to come here: they are made those of transactions that ended
-- before all others, in their order. (Not one that has a new event meanwhile.)
-- least_number: null for those of a time to come. By the snapshot that finds
-- the events: by an earlier one, what is stored meanwhile would be of it, too.
CREATE OR REPLACE FUNCTION callhook_store.adopt_events(least_number bigint)
RETURNS void
LANGUAGE sql
AS $$
    WITH theirs AS MATERIALIZED (
        SELECT e.call_id, e.tenant_id, e.transaction
        FROM callhook_store.call_events AS e
        WHERE e.transaction >= coalesce(
                  least_number,
                  pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
          AND e.transaction IS DISTINCT FROM
              pg_current_xact_id_if_assigned()::text::bigint
    )
    UPDATE callhook_store.call_events AS e
    SET transaction = t.transaction - 2305843009213693952
    FROM theirs AS t
    WHERE (e.call_id, e.tenant_id, e.transaction)
          = (t.call_id, t.tenant_id, t.transaction);
$$;
COMMENT ON FUNCTION callhook_store.adopt_events(bigint) IS
    'Counts events with such a transaction number, or a higher one, as older '
    'than all that happened in this cluster; null: a number still to come.';

-- After a restore from a dump all numbers are new. What was stored within a
-- minute of the last search is found again: it may come twice. (walk_from is
-- that of the last walk, unless one is under way; and search_from allows for
-- clocks that are set, by up to a day.)
CREATE OR REPLACE FUNCTION callhook_store.adopt_queue(
    INOUT q callhook_store.consumer_queues)
LANGUAGE plpgsql
AS $$
DECLARE
    here constant text := callhook_store.this_cluster();
BEGIN
    IF q.cluster = here THEN
        RETURN;
    END IF;
    SELECT * INTO q FROM callhook_store.consumer_queues AS c
    WHERE c.queue_no = q.queue_no FOR NO KEY UPDATE;
    IF q.cluster = here THEN
        RETURN;
    END IF;
    IF q.kind = 'calls' THEN
        -- Two that are first would take what comes between for old, too.
        PERFORM pg_advisory_xact_lock(hashtext('callhook adoption'));
        IF NOT EXISTS (SELECT FROM callhook_store.consumer_queues
                       WHERE kind = 'calls' AND cluster = here) THEN
            PERFORM callhook_store.adopt_events(1);
        END IF;
    END IF;
    q.since := least(q.since, (q.seen).at, clock_timestamp(),
                     CASE WHEN q.ahead IS NOT NULL THEN q.walk_from END,
                     (SELECT min(t) FROM unnest((q.seen).open_from) AS t))
               - interval '1 minute';
    q.ahead := NULL;
    q.seen := callhook_store.nothing_seen();
    q.before := q.seen;
    q.cluster := here;
    UPDATE callhook_store.consumer_queues
    SET since = q.since, ahead = NULL, seen = q.seen, before = q.before,
        cluster = q.cluster
    WHERE queue_no = q.queue_no;
END
$$;
COMMENT ON FUNCTION callhook_store.adopt_queue(
    callhook_store.consumer_queues) IS
    'Makes a queue anew if it came from another cluster.';

-- The queue of a name, from its first call on. asked_at is written once an
-- hour, unless another worker does so just now.
CREATE OR REPLACE FUNCTION callhook_store.open_queue(
    name text, queue_kind text)
RETURNS callhook_store.consumer_queues
LANGUAGE plpgsql
AS $$
DECLARE
    found_queue callhook_store.consumer_queues;
    owner callhook_store.consumers;
BEGIN
    LOOP
        SELECT * INTO owner FROM callhook_store.consumers AS c
        WHERE c.consumer = name;
        IF owner.asked_at < now() - interval '1 hour' THEN
            UPDATE callhook_store.consumers SET asked_at = now()
            WHERE consumer_no IN (
                SELECT consumer_no FROM callhook_store.consumers
                WHERE consumer_no = owner.consumer_no
                FOR NO KEY UPDATE SKIP LOCKED);
            PERFORM callhook_store.drop_idle_consumers();
        END IF;
        SELECT * INTO found_queue FROM callhook_store.consumer_queues AS q
        WHERE q.consumer_no = owner.consumer_no AND q.kind = queue_kind;
        EXIT WHEN FOUND;
        INSERT INTO callhook_store.consumers (consumer) VALUES (name)
        ON CONFLICT DO NOTHING;
        IF queue_kind = 'calls' THEN
            PERFORM callhook_store.adopt_events(NULL);
        END IF;
        INSERT INTO callhook_store.consumer_queues
            (consumer_no, kind, cluster, since, seen, before, searched_from)
        SELECT c.consumer_no, queue_kind, callhook_store.this_cluster(),
               c.since, s, s, '-infinity'
        FROM callhook_store.consumers AS c CROSS JOIN LATERAL (
            SELECT CASE WHEN c.since IS NULL
                        THEN callhook_store.sight_of_now(queue_kind)
                        ELSE callhook_store.nothing_seen() END) AS n (s)
        WHERE c.consumer = name
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN found_queue;
END
$$;
COMMENT ON FUNCTION callhook_store.open_queue(text, text) IS
    'The queue of notifications or calls of a consumer, begun if it is new.';

CREATE OR REPLACE FUNCTION callhook_store.part_of_batch(
    b callhook_store.consumer_batches, first integer, last integer)
RETURNS callhook_store.consumer_batches
LANGUAGE plpgsql
AS $$
BEGIN
    last := coalesce(last, cardinality(b.ids));
    b.ids := b.ids[first:last];
    b.times := b.times[first:last];
    b.tenants := b.tenants[first:last];
    b.events := b.events[first:last];
    b.transactions := b.transactions[first:last];
    RETURN b;
END
$$;
COMMENT ON FUNCTION callhook_store.part_of_batch(
    callhook_store.consumer_batches, integer, integer) IS
    'Some rows of a batch.';

-- A call whose later event is known by now comes with that one.
CREATE OR REPLACE FUNCTION callhook_store.without_superseded(
    b callhook_store.consumer_batches)
RETURNS callhook_store.consumer_batches
LANGUAGE plpgsql
AS $$
BEGIN
    IF b.transactions IS NOT NULL THEN
        SELECT coalesce(array_agg(i.id), '{}'), array_agg(i.tenant),
               array_agg(i.event), array_agg(i.transaction)
        INTO b.ids, b.tenants, b.events, b.transactions
        FROM unnest(b.ids, b.tenants, b.events, b.transactions)
             AS i (id, tenant, event, transaction)
        JOIN callhook_store.call_events AS e
            ON e.call_id = i.id AND e.tenant_id = i.tenant
           AND e.transaction IN (i.transaction, -1); -- see adopt_queue
    END IF;
    RETURN b;
END
$$;
COMMENT ON FUNCTION callhook_store.without_superseded(
    callhook_store.consumer_batches) IS
    'A batch that was not handed out yet, without events that are outdated.';

-- Takes rows that were found and never handed out, and adds them to a batch.
CREATE OR REPLACE FUNCTION callhook_store.take_fresh(
    INOUT taken callhook_store.consumer_batches, most integer)
LANGUAGE plpgsql
AS $$
DECLARE
    piece callhook_store.consumer_batches;
    more callhook_store.consumer_batches;
    room integer;
BEGIN
    LOOP
        room := most - cardinality(taken.ids);
        EXIT WHEN room <= 0;
        SELECT * INTO piece FROM callhook_store.consumer_batches
        WHERE queue_no = taken.queue_no AND ready_at = '-infinity'
        ORDER BY batch LIMIT 1 FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        more := callhook_store.part_of_batch(piece, 1, room);
        IF cardinality(piece.ids) > room THEN
            piece := callhook_store.part_of_batch(piece, room + 1, NULL);
            UPDATE callhook_store.consumer_batches
            SET ids = piece.ids, times = piece.times,
                tenants = piece.tenants, events = piece.events,
                transactions = piece.transactions
            WHERE batch = piece.batch;
        ELSE
            DELETE FROM callhook_store.consumer_batches
            WHERE batch = piece.batch;
        END IF;
        more := callhook_store.without_superseded(more);
        taken.ids := taken.ids || more.ids;
        taken.times := taken.times || more.times;
        taken.tenants := taken.tenants || more.tenants;
        taken.events := taken.events || more.events;
        taken.transactions := taken.transactions || more.transactions;
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.take_fresh(
    callhook_store.consumer_batches, integer) IS
    'Fills a batch with rows that were never handed out.';

-- A piece of just the size that is asked for becomes the batch as it is. Not of
-- calls, of which later events may be known.
CREATE OR REPLACE FUNCTION callhook_store.lease_piece(
    queue integer, most integer)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    leased_batch bigint;
BEGIN
    UPDATE callhook_store.consumer_batches
    SET batch = nextval('callhook_store.consumer_batch_numbers'),
        ready_at = clock_timestamp() + interval '5 minutes', leased = true
    WHERE batch = (
        SELECT batch FROM (
            SELECT batch, cardinality(ids) AS size, transactions
            FROM callhook_store.consumer_batches
            WHERE queue_no = queue AND ready_at = '-infinity'
            ORDER BY batch LIMIT 1 FOR UPDATE SKIP LOCKED) AS oldest
        WHERE size = most AND transactions IS NULL)
    RETURNING batch INTO leased_batch;
    RETURN leased_batch;
END
$$;
COMMENT ON FUNCTION callhook_store.lease_piece(integer, integer) IS
    'Leases rows that were found and never handed out, if they make a batch; '
    'null: they do not.';

-- Another worker that searches has it until it commits. NO KEY, here and below:
-- else whoever stores a batch would wait too, for its reference to the queue.
CREATE OR REPLACE FUNCTION callhook_store.lock_queue(queue integer)
RETURNS boolean
LANGUAGE plpgsql
SET lock_timeout = '1s'
AS $$
BEGIN
    PERFORM FROM callhook_store.consumer_queues
    WHERE queue_no = queue FOR NO KEY UPDATE;
    RETURN FOUND;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION callhook_store.lock_queue(integer) IS
    'Locks a queue for a search; false if somebody else has it for long.';

DROP FUNCTION IF EXISTS callhook_store.search_queue(integer, integer);

-- What is found is kept in pieces of about the size that is asked for; the
-- first has what is missing of the batch for which is searched, so that those
-- behind it are leased as they are (lease_piece).
CREATE OR REPLACE FUNCTION callhook_store.search_queue(
    queue integer, most integer, missing integer)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    q callhook_store.consumer_queues;
    found_rows callhook_store.consumer_batches; -- flat: an array variable
                                                -- is copied for each piece
    news record;
    walks boolean;
    size constant integer := least(greatest(most, 100), 1000);
    lead constant integer := least(missing, size);
BEGIN
    SELECT * INTO q FROM callhook_store.consumer_queues
    WHERE queue_no = queue;
    IF q.kind = 'calls' THEN
        news := callhook_store.find_events(q);
        found_rows.tenants := news.tenants;
        found_rows.events := news.events;
        found_rows.transactions := news.transactions;
    ELSE
        news := callhook_store.find_notifications(q);
        found_rows.times := news.times;
    END IF;
    found_rows.ids := news.ids;
    walks := q.ahead IS NOT NULL OR (news.q).ahead IS NOT NULL;
    q := news.q;
    UPDATE callhook_store.consumer_queues
    SET since = q.since, seen = q.seen, before = q.before,
        searched_from = q.searched_from, ahead = q.ahead,
        walk_from = q.walk_from, walk_parts = q.walk_parts,
        walk_pages = q.walk_pages, walk_files = q.walk_files,
        walk_page = q.walk_page
    WHERE queue_no = queue;
    INSERT INTO callhook_store.consumer_batches
        (queue_no, ids, times, tenants, events, transactions)
    SELECT queue, found_rows.ids[first:last], found_rows.times[first:last],
           found_rows.tenants[first:last], found_rows.events[first:last],
           found_rows.transactions[first:last]
    FROM (SELECT greatest(n, 1), n + size - 1
          FROM generate_series(1 + lead - size, cardinality(found_rows.ids),
                               size) AS n) AS piece (first, last)
    WHERE found_rows.ids <> '{}' ORDER BY first;
    RETURN walks;
END
$$;
COMMENT ON FUNCTION callhook_store.search_queue(
    integer, integer, integer) IS
    'Looks for new rows of a queue that is locked, and keeps them; whether '
    'there may be more.';

-- Leases a batch that was given back or not settled in time, as it was; after
-- three times its rows one by one.
CREATE OR REPLACE FUNCTION callhook_store.lease_again(
    queue integer, most integer)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    b callhook_store.consumer_batches;
    size integer;
    leased_batch bigint;
BEGIN
    SELECT * INTO b FROM callhook_store.consumer_batches
    WHERE queue_no = queue AND ready_at > '-infinity'
      AND ready_at <= clock_timestamp()
    ORDER BY ready_at, batch LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    b.lapses := b.lapses + b.leased::integer;
    size := CASE WHEN b.failures + b.lapses >= 3 THEN 1 ELSE most END;
    IF cardinality(b.ids) <= size THEN
        UPDATE callhook_store.consumer_batches
        SET batch = nextval('callhook_store.consumer_batch_numbers'),
            ready_at = clock_timestamp() + interval '5 minutes',
            leased = true, lapses = b.lapses
        WHERE batch = b.batch RETURNING batch INTO leased_batch;
        RETURN leased_batch;
    END IF;
    PERFORM callhook_store.split_batch(b, size);
    RETURN callhook_store.lease_again(queue, most);
END
$$;
COMMENT ON FUNCTION callhook_store.lease_again(integer, integer) IS
    'Leases a batch that was handed out before; null: none is ready.';

CREATE OR REPLACE FUNCTION callhook_store.split_batch(
    b callhook_store.consumer_batches, size integer)
RETURNS void
LANGUAGE sql
AS $$
    DELETE FROM callhook_store.consumer_batches WHERE batch = b.batch;
    INSERT INTO callhook_store.consumer_batches
        (queue_no, ready_at, failures, lapses, ids, times, tenants, events,
         transactions)
    SELECT b.queue_no, b.ready_at, b.failures, b.lapses, p.ids, p.times,
           p.tenants, p.events, p.transactions
    FROM generate_series(1, cardinality(b.ids), size) AS first
    CROSS JOIN LATERAL callhook_store.part_of_batch(
        b, first, first + size - 1) AS p;
$$;
COMMENT ON FUNCTION callhook_store.split_batch(
    callhook_store.consumer_batches, integer) IS
    'Makes several batches of one, none of them leased.';

-- A session remembers the snapshot in which nothing was new: while it is the
-- same one, no transaction has ended.
CREATE OR REPLACE FUNCTION callhook_store.may_search(
    q callhook_store.consumer_queues)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    moment constant text := q.queue_no || ' ' || pg_current_snapshot();
BEGIN
    IF current_setting('callhook.nothing_new', true) = moment THEN
        RETURN false;
    ELSIF callhook_store.has_news(q) THEN
        RETURN true;
    END IF;
    PERFORM set_config('callhook.nothing_new', moment, false);
    RETURN false;
END
$$;
COMMENT ON FUNCTION callhook_store.may_search(
    callhook_store.consumer_queues) IS
    'Whether a search may find anything.';

-- What is settled stays so, and a batch's number is nobody else's, only if
-- they survive a crash: also where a role need not wait for the disk.
CREATE OR REPLACE FUNCTION callhook_store.wait_for_disk()
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.wait_for_disk() IS
    'Lets this transaction not be committed before it is on disk.';

CREATE OR REPLACE FUNCTION callhook_store.lease_batch(
    name text, queue_kind text, most integer)
RETURNS bigint
LANGUAGE plpgsql
SET jit = off
AS $$
DECLARE
    q callhook_store.consumer_queues;
    taken callhook_store.consumer_batches;
    again boolean; -- after what another worker has found
    leased_batch bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'consumers need the isolation level read committed'
            USING ERRCODE = 'invalid_transaction_state';
    ELSIF coalesce(length(name), 0) NOT BETWEEN 1 AND 100 THEN
        RAISE 'a consumer''s name has 1 to 100 characters'
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF coalesce(most, 0) < 1 THEN
        RAISE 'at least one row must be asked for'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    most := least(most, 10000);
    PERFORM callhook_store.wait_for_disk();
    q := callhook_store.open_queue(name, queue_kind);
    leased_batch := coalesce(
        callhook_store.lease_again(q.queue_no, most),
        callhook_store.lease_piece(q.queue_no, most));
    IF leased_batch IS NOT NULL THEN
        RETURN leased_batch;
    END IF;
    taken.queue_no := q.queue_no;
    taken.ids := '{}';
    taken := callhook_store.take_fresh(taken, most);
    IF cardinality(taken.ids) < most
       AND callhook_store.may_search(callhook_store.adopt_queue(q))
       AND callhook_store.lock_queue(q.queue_no) THEN
        LOOP
            taken := callhook_store.take_fresh(taken, most);
            EXIT WHEN again IS FALSE OR cardinality(taken.ids) >= most;
            again := callhook_store.search_queue(
                q.queue_no, most, most - cardinality(taken.ids));
        END LOOP;
    END IF;
    IF taken.ids = '{}' THEN
        RETURN NULL;
    END IF;
    INSERT INTO callhook_store.consumer_batches
        (queue_no, ready_at, leased, ids, times, tenants, events,
         transactions)
    VALUES (q.queue_no, clock_timestamp() + interval '5 minutes', true,
            taken.ids, taken.times, taken.tenants, taken.events,
            taken.transactions)
    RETURNING batch INTO leased_batch;
    RETURN leased_batch;
END
$$;
COMMENT ON FUNCTION callhook_store.lease_batch(text, text, integer) IS
    'Leases a batch of a queue for 5 minutes; null: nothing is new.';

CREATE OR REPLACE FUNCTION callhook_store.not_your_batch(batch bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE 'batch % is not leased: it is settled or given back, or its lease '
          'has passed and another worker has it', batch
        USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
COMMENT ON FUNCTION callhook_store.not_your_batch(bigint) IS
    'Raises 55000.';

CREATE OR REPLACE FUNCTION callhook.done(batch bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queue integer;
BEGIN
    PERFORM callhook_store.wait_for_disk();
    DELETE FROM callhook_store.consumer_batches AS b
    WHERE b.batch = done.batch AND b.leased RETURNING b.queue_no INTO queue;
    IF NOT FOUND THEN
        PERFORM callhook_store.not_your_batch(batch);
    END IF;
    -- To the second; who writes it just now says the same.
    UPDATE callhook_store.consumers SET settled_at = clock_timestamp()
    WHERE consumer_no IN (
        SELECT c.consumer_no
        FROM callhook_store.consumer_queues AS q
        JOIN callhook_store.consumers AS c USING (consumer_no)
        WHERE q.queue_no = queue
          AND coalesce(c.settled_at, '-infinity')
              < clock_timestamp() - interval '1 second'
        FOR NO KEY UPDATE OF c SKIP LOCKED);
END
$$;
COMMENT ON FUNCTION callhook.done(bigint) IS
    'Settles a batch: its rows do not come again. An error (55000) if it is '
    'settled or given back already, or if another worker has it by now.';

CREATE OR REPLACE FUNCTION callhook.failed(batch bigint, why text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    b callhook_store.consumer_batches;
BEGIN
    PERFORM callhook_store.wait_for_disk();
    UPDATE callhook_store.consumer_batches AS u
    SET leased = false, failures = u.failures + 1,
        ready_at = clock_timestamp() + least(
            interval '10 seconds' * 2 ^ least(u.failures, 20),
            interval '1 hour')
    WHERE u.batch = failed.batch AND u.leased RETURNING u.* INTO b;
    IF NOT FOUND THEN
        PERFORM callhook_store.not_your_batch(batch);
    END IF;
    IF b.failures >= 10 THEN
        DELETE FROM callhook_store.consumer_batches AS d
        WHERE d.batch = b.batch;
        INSERT INTO callhook_store.consumer_failures
            (consumer_no, kind, id, received_at, tenant_id, event, failures,
             why)
        SELECT q.consumer_no, q.kind, i.id, i.at, i.tenant, i.event,
               b.failures, left(why, 500)
        FROM callhook_store.consumer_queues AS q
        CROSS JOIN unnest(b.ids, b.times, b.tenants, b.events)
            AS i (id, at, tenant, event)
        WHERE q.queue_no = b.queue_no;
    ELSIF b.failures >= 3 AND cardinality(b.ids) > 1 THEN
        PERFORM callhook_store.split_batch(b, 1);
    END IF;
END
$$;
COMMENT ON FUNCTION callhook.failed(bigint, text) IS
    'Gives a batch back: it comes again after 10 seconds, after twice as long '
    'each time it fails, at most an hour. After 3 failures its rows come one '
    'by one, after 10 a row is set aside with the reason (see '
    'consumer_failures). An error (55000) as with done.';

-- forget_person calls this.
CREATE OR REPLACE FUNCTION callhook_store.forget_in_consumers()
RETURNS void
LANGUAGE sql
AS $$
    UPDATE callhook_store.consumer_failures SET why = NULL
    WHERE callhook_store.is_forgotten(why);
$$;
COMMENT ON FUNCTION callhook_store.forget_in_consumers() IS
    'Removes forgotten persons from what consumers said of failures.';
