-- Which transactions have ended: by this a consumer knows what it has found,
-- whenever and in whatever order rows are committed. What is called once a
-- search is in PL/pgSQL, which plans it once a session.
CREATE OR REPLACE FUNCTION callhook_store.has_ended(
    number bigint, s callhook_store.sight)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT number < s.low
        OR number < s.high AND number <> ALL (s.running)
           AND (number < s.unsure_from OR s.found @> number);
$$;
COMMENT ON FUNCTION callhook_store.has_ended(bigint, callhook_store.sight) IS
    'Whether a transaction had ended at that moment.';

-- xmin has 32 bits; newest is the number that age() counts from, in full.
-- What is seemingly from the future is older than 2^31 transactions.
CREATE OR REPLACE FUNCTION callhook_store.row_transaction(
    xmin xid, newest bigint)
RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN age(xmin) < -1000000 THEN 0 ELSE newest - age(xmin) END;
$$;
COMMENT ON FUNCTION callhook_store.row_transaction(xid, bigint) IS
    'The full number of the transaction that wrote a row.';

CREATE OR REPLACE FUNCTION callhook_store.newest_transaction()
RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    n constant bigint :=
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
BEGIN
    RETURN n + age((n & 4294967295)::text::xid);
END
$$;
COMMENT ON FUNCTION callhook_store.newest_transaction() IS
    'The number that age() counts from, in full.';

-- Each holds a lock on its own number until its rows can be seen; none of
-- those that only read, or vacuum, can store notifications. When one began is
-- read before its lock is: it can only have begun later than that. Where we
-- may not see it, it is not before the last look, or where all is final.
CREATE OR REPLACE FUNCTION callhook_store.open_transactions(
    old callhook_store.sight, prepared_from timestamptz)
RETURNS TABLE (id text, since timestamptz)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    receivers constant oid :=
        (SELECT oid FROM pg_roles WHERE rolname = 'callhook_receiver');
    owner constant oid := (SELECT relowner FROM pg_class
        WHERE oid = 'callhook_store.notifications'::regclass);
    hidden constant timestamptz := coalesce(
        (old).at, (SELECT final_to FROM callhook_store.fold_state),
        '-infinity');
    pids integer[];
    starts timestamptz[];
    may_store boolean[];
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT array_agg(a.pid),
           array_agg(CASE WHEN a.state IS NULL THEN hidden
                          ELSE coalesce(a.xact_start, clock_timestamp()) END),
           array_agg(a.datid = d.oid AND coalesce(
               pg_has_role(a.usesysid, owner, 'MEMBER')
               OR pg_has_role(a.usesysid, receivers, 'MEMBER')
               OR has_any_column_privilege(a.usesysid,
                      'callhook_store.notifications'::regclass, 'INSERT'),
               false))
    INTO pids, starts, may_store
    FROM pg_database AS d CROSS JOIN pg_stat_activity AS a
    WHERE d.datname = current_database() AND a.datid IS NOT NULL;
    RETURN QUERY
    SELECT l.virtualxid, greatest(o.since, coalesce(a.began, hidden))
    FROM pg_locks AS l
    LEFT JOIN unnest(pids, starts, may_store) AS a (pid, began, may_store)
        USING (pid)
    LEFT JOIN unnest((old).open, (old).open_from) AS o (id, since)
        ON o.id = l.virtualxid
    WHERE l.locktype = 'virtualxid' AND coalesce(a.may_store, true);
    RETURN QUERY -- after the others, which may become such
    SELECT 'prepared ' || p.transaction, coalesce(o.since, prepared_from)
    FROM pg_prepared_xacts AS p
    LEFT JOIN unnest((old).open, (old).open_from) AS o (id, since)
        ON o.id = 'prepared ' || p.transaction
    WHERE p.database = current_database();
END
$$;
COMMENT ON FUNCTION callhook_store.open_transactions(
    callhook_store.sight, timestamptz) IS
    'Transactions of this database that could still store notifications, '
    'with a time before which each did not begin.';

-- Of the running transactions those of other databases, and of who may not
-- store, have no subtransaction that matters. open: the others, by their
-- virtual numbers.
CREATE OR REPLACE FUNCTION callhook_store.unsure_from(
    high bigint, running bigint[], open text[], newest bigint)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN (
        SELECT coalesce(min(x), high) FROM unnest(running) AS x
        WHERE x NOT IN (
            SELECT callhook_store.row_transaction(transactionid, newest)
            FROM pg_locks
            WHERE locktype = 'transactionid' AND granted
              AND mode = 'ExclusiveLock' AND pid IS NOT NULL
              AND virtualtransaction NOT LIKE '%/0'
              AND virtualtransaction <> ALL (open)));
END
$$;
COMMENT ON FUNCTION callhook_store.unsure_from(
    bigint, bigint[], text[], bigint) IS
    'From which number on there may be subtransactions of running ones.';

-- The order matters: a transaction is either among the open ones, or begins
-- after "at", or has ended before the snapshot is taken.
CREATE OR REPLACE FUNCTION callhook_store.look(
    old callhook_store.sight, prepared_from timestamptz)
RETURNS callhook_store.sight
LANGUAGE plpgsql
AS $$
DECLARE
    new callhook_store.sight;
    snapshot pg_snapshot;
BEGIN
    new.at := clock_timestamp();
    SELECT coalesce(array_agg(id), '{}'), coalesce(array_agg(since), '{}')
    INTO new.open, new.open_from
    FROM callhook_store.open_transactions(old, prepared_from);
    snapshot := pg_current_snapshot();
    new.high := pg_snapshot_xmax(snapshot)::text::bigint;
    new.running := ARRAY(
        SELECT x::text::bigint FROM pg_snapshot_xip(snapshot) AS x
        UNION
        SELECT pg_current_xact_id_if_assigned()::text::bigint
        WHERE pg_current_xact_id_if_assigned() IS NOT NULL);
    new.found := '{}';
    new.low := least(new.high, (SELECT min(x) FROM unnest(new.running) AS x));
    new.unsure_from := CASE WHEN new.running = '{}' THEN new.high
        ELSE callhook_store.unsure_from(new.high, new.running, new.open,
                 callhook_store.newest_transaction()) END;
    RETURN new;
END
$$;
COMMENT ON FUNCTION callhook_store.look(callhook_store.sight, timestamptz) IS
    'Which transactions have ended now, and which are open.';

-- The earliest stored_at that a row may have which is new to a queue. What
-- has been open for long counts only once it has ended: its rows are then
-- looked for once more. Clocks are set, also by another server that takes over:
-- one that is behind the last search dates rows of a day at most before now;
-- one that has caught up since, of about as long before that search as had
-- passed since the one before it, and has passed after it. (No row is found
-- twice for it.)
DROP FUNCTION IF EXISTS callhook_store.search_from(
    callhook_store.sight, text[]);
CREATE OR REPLACE FUNCTION callhook_store.search_from(
    s callhook_store.sight, before callhook_store.sight, still_open text[])
RETURNS timestamptz
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN least(s.at, clock_timestamp(), (
        SELECT min(since) FROM unnest(s.open, s.open_from) AS o (id, since)
        WHERE since > s.at - interval '30 seconds' OR id <> ALL (still_open)
    )) - CASE WHEN clock_timestamp() < s.at THEN interval '1 day'
              ELSE greatest(interval '5 seconds',
                            least(clock_timestamp() - before.at,
                                  interval '1 hour')) END;
END
$$;
COMMENT ON FUNCTION callhook_store.search_from(
    callhook_store.sight, callhook_store.sight, text[]) IS
    'From which stored_at on there may be rows that a queue has not found.';
