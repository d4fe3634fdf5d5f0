-- What the renewer's `status` shows of all tenants, in a statement or two
-- however many there are. Times in seconds since 1970.
CREATE OR REPLACE FUNCTION callhook_store.epoch(at timestamptz)
RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT extract(epoch FROM at)::bigint;
$$;
COMMENT ON FUNCTION callhook_store.epoch(timestamptz) IS
    'A time as seconds since 1970.';

-- No index names a subscription: the last deliveries of most are among the
-- last rows, and older ones are only searched, in one pass, for the others.
CREATE OR REPLACE FUNCTION callhook_store.kept_subscriptions(
    with_last boolean)
RETURNS TABLE (
    tenant_id uuid, resource text, change_type text, subscription_id uuid,
    state text, notification_url text, announced_at bigint,
    renewed_at bigint, expires_at bigint, last_notification_at bigint,
    refusals bigint, refusal_reason text, last_refused_at bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH live AS MATERIALIZED (
        SELECT subscription_id FROM callhook_store.subscriptions
        WHERE ended_at IS NULL AND subscription_id IS NOT NULL
    ), recent AS MATERIALIZED (
        SELECT subscription_id, received_at FROM callhook_store.notifications
        WHERE with_last AND received_at > now() - interval '31 days'
        ORDER BY received_at DESC LIMIT 50000
    ), seen AS MATERIALIZED (
        SELECT subscription_id, max(received_at) AS at FROM recent
        GROUP BY subscription_id
    ), older AS (
        SELECT n.subscription_id, max(n.received_at) AS at
        FROM callhook_store.notifications AS n
        WHERE n.received_at > now() - interval '31 days'
          AND n.received_at <= (SELECT min(received_at) FROM recent)
          AND (SELECT count(*) FROM recent) = 50000
          AND EXISTS (SELECT FROM live WHERE subscription_id NOT IN (
                          SELECT subscription_id FROM seen
                          WHERE subscription_id IS NOT NULL))
          AND n.subscription_id IN (SELECT subscription_id FROM live
                                    EXCEPT SELECT subscription_id FROM seen)
        GROUP BY n.subscription_id
    )
    SELECT s.tenant_id, s.resource, s.change_type, s.subscription_id,
           CASE WHEN s.subscription_id IS NULL THEN 'announced'
                WHEN s.expires_at > now() THEN 'live'
                ELSE 'expired' END,
           split_part(s.notification_url, '?', 1), -- it may hold a secret
           callhook_store.epoch(s.announced_at),
           callhook_store.epoch(s.renewed_at),
           callhook_store.epoch(s.expires_at), callhook_store.epoch(l.at),
           r.refusals, r.reason, callhook_store.epoch(r.last_at)
    FROM callhook_store.subscriptions AS s
    LEFT JOIN (SELECT * FROM seen UNION ALL SELECT * FROM older) AS l
        USING (subscription_id)
    LEFT JOIN callhook_store.refusals AS r
        ON r.subscription_id = s.subscription_id
       AND r.last_at > now() - interval '1 day'
    WHERE s.ended_at IS NULL
    ORDER BY s.tenant_id, s.subscription_no;
$$;
COMMENT ON FUNCTION callhook_store.kept_subscriptions(boolean) IS
    'The subscriptions that have not ended (live: they deliver; announced: '
    'Graph has not named them yet), with what was refused of them within a '
    'day; with_last: and with their last delivery within 31 days.';

-- tenants: an array with [name, tenant_id, resource, change type] of each
-- tenant of the configuration, the last two as in callhook_store.gaps. A row
-- for each, in their order.
CREATE OR REPLACE FUNCTION callhook_store.tenant_status(tenants json)
RETURNS TABLE (
    now bigint, last_run_at bigint, failed_since bigint, failure text,
    retry_at bigint, lifecycle_waiting bigint, lifecycle_waiting_since bigint,
    gap_since bigint, gap_reason text, gaps_unsearched bigint,
    gaps_unsearched_since bigint, records_waiting bigint,
    records_waiting_since bigint, records_failed bigint,
    records_failed_for_good bigint, records_gone bigint,
    calls_missing bigint, listed_until bigint, last_listed_at bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off -- statistics of tables that grow are never right
SET enable_nestloop = off
AS $$
    WITH items AS ( -- those that a run would look at
        SELECT n.tenant_id, count(*) AS waiting, min(n.received_at) AS since
        FROM callhook_store.notifications AS n
        WHERE n.lifecycle_event IS NOT NULL AND n.subscription_id IS NOT NULL
          AND n.stored_at > now() - interval '3 days'
          AND NOT EXISTS (SELECT FROM callhook_store.lifecycle_handled AS h
                          WHERE h.notification_id = n.notification_id)
        GROUP BY n.tenant_id
    ), gaps AS (
        SELECT tenant_id, resource, change_type,
               min(begins_at) FILTER (WHERE ends_at IS NULL) AS since,
               min(reason) FILTER (WHERE ends_at IS NULL) AS reason,
               count(ends_at) AS unsearched,
               min(begins_at) FILTER (WHERE ends_at IS NOT NULL)
                   AS unsearched_since
        FROM callhook_store.gaps WHERE closed_at IS NULL
        GROUP BY tenant_id, resource, change_type
    ), calls AS ( -- the condition is that of the index calls_lacking
        SELECT tenant_id,
               count(*) FILTER (WHERE record_state = 'waiting') AS waiting,
               min(coalesce(first_notified_at, filed_at))
                   FILTER (WHERE record_state = 'waiting') AS since,
               count(*) FILTER (WHERE record_state = 'failed') AS failed,
               count(*) FILTER (WHERE record_state = 'failed'
                                  AND next_read_at IS NULL) AS for_good,
               count(*) FILTER (WHERE record_state = 'gone') AS gone,
               count(*) FILTER (WHERE record_state <> 'gone') AS missing
        FROM callhook_store.calls
        WHERE record_state IN ('waiting', 'failed', 'gone')
           OR record_state = 'stored' AND version < listed_version
        GROUP BY tenant_id
    ), lists AS ( -- Graph keeps 30 days; lists leave a few minutes of them out
        SELECT tenant_id, max(ends_at) AS until,
               CASE WHEN range_agg(tstzrange(begins_at, ends_at))
                         @> tstzrange(now() - interval '29 days 23 hours',
                                      max(ends_at))
                    THEN min(listed_at) END AS at
        FROM callhook_store.listings
        WHERE ends_at > now() - interval '29 days 23 hours'
        GROUP BY tenant_id
    )
    SELECT callhook_store.epoch(now()), callhook_store.epoch(r.last_run_at),
           callhook_store.epoch(r.failed_at), r.failure,
           callhook_store.epoch(r.retry_at), items.waiting,
           callhook_store.epoch(items.since), callhook_store.epoch(gaps.since),
           gaps.reason, gaps.unsearched,
           callhook_store.epoch(gaps.unsearched_since), calls.waiting,
           callhook_store.epoch(calls.since), calls.failed, calls.for_good,
           calls.gone, calls.missing, callhook_store.epoch(lists.until),
           callhook_store.epoch(lists.at)
    FROM json_array_elements(tenants) WITH ORDINALITY AS given (t, n)
    CROSS JOIN LATERAL (
        SELECT t ->> 0, (t ->> 1)::uuid, t ->> 2, t ->> 3
    ) AS c (name, tenant_id, resource, change_type)
    LEFT JOIN items USING (tenant_id)
    LEFT JOIN gaps USING (tenant_id, resource, change_type)
    LEFT JOIN calls USING (tenant_id)
    LEFT JOIN lists USING (tenant_id)
    LEFT JOIN callhook_store.tenants AS r ON r.tenant = c.name
    ORDER BY given.n;
$$;
COMMENT ON FUNCTION callhook_store.tenant_status(json) IS
    'How it stands with tenants: their last run, what waits, gaps, and what '
    'is missing of the calls at Graph.';
