-- What the renewer's `status` shows of all tenants, in a statement or two
-- however many there are. Times in seconds since 1970.
-- (SQL would be parsed anew in each of many places; this is, once a session.)
CREATE OR REPLACE FUNCTION callhook_store.epoch(at timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE STRICT
AS $$
BEGIN
    RETURN extract(epoch FROM at)::bigint;
END
$$;
COMMENT ON FUNCTION callhook_store.epoch(timestamptz) IS
    'A time as seconds since 1970.';

-- No index names a subscription: the last deliveries of most are among the
-- last rows, 20 for each, and older ones are only searched for the others.
-- Variables are known when a statement is planned, unlike now(): of the months
-- but two or three are opened, which costs a new session more than to read.
CREATE OR REPLACE FUNCTION callhook_store.last_deliveries(with_older boolean)
RETURNS TABLE (subscription_id uuid, at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    since constant timestamptz := now() - interval '31 days';
    until timestamptz := now() + interval '1 day'; -- clocks differ
    most integer;
    looked_at integer;
    ids uuid[];
    times timestamptz[];
    wanted uuid[] := ARRAY(
        SELECT s.subscription_id FROM callhook_store.subscriptions AS s
        WHERE s.ended_at IS NULL AND s.subscription_id IS NOT NULL);
    first constant integer := least(1000, 20 * cardinality(wanted));
BEGIN
    FOREACH most IN ARRAY ARRAY[first, 50000 - first] LOOP
        EXIT WHEN cardinality(wanted) = 0;
        WITH recent AS MATERIALIZED (
            SELECT n.subscription_id AS id, n.received_at
            FROM callhook_store.notifications AS n
            WHERE n.received_at > since AND n.received_at <= until
            ORDER BY n.received_at DESC LIMIT most
        ), seen AS (
            SELECT r.id, max(r.received_at) AS last FROM recent AS r
            WHERE r.id = ANY (wanted) GROUP BY r.id
        )
        SELECT array_agg(s.id), array_agg(s.last),
               (SELECT count(*) FROM recent),
               (SELECT min(r.received_at) FROM recent AS r)
        INTO ids, times, looked_at, until FROM seen AS s;
        RETURN QUERY SELECT * FROM unnest(ids, times);
        IF looked_at < most THEN
            RETURN;
        END IF;
        wanted := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(ids));
    END LOOP;
    IF with_older AND cardinality(wanted) > 0 THEN
        RETURN QUERY
        SELECT n.subscription_id, max(n.received_at)
        FROM callhook_store.notifications AS n
        WHERE n.received_at > since AND n.received_at <= until
          AND n.subscription_id = ANY (wanted)
        GROUP BY n.subscription_id;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.last_deliveries(boolean) IS
    'When the subscriptions that have not ended last delivered, within 31 '
    'days; without older ones: if it is among the last 50,000 of all.';

CREATE OR REPLACE FUNCTION callhook_store.kept_subscriptions(
    with_last boolean)
RETURNS TABLE (
    tenant_id uuid, resource text, change_type text, subscription_id uuid,
    state text, notification_url text, announced_at bigint,
    renewed_at bigint, expires_at bigint, last_notification_at bigint,
    refusals bigint, refusal_reason text, last_refused_at bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
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
    LEFT JOIN (SELECT * FROM callhook_store.last_deliveries(with_last)
               WHERE with_last IS NOT FALSE) AS l
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
    'day; with_last: and with their last delivery within 31 days (null: if it '
    'is among the last 50,000 of all).';

-- Lifecycle items that a run would look at. Those of before told of calls that
-- Graph keeps no longer, and of subscriptions that were renewed since or ended.
CREATE OR REPLACE FUNCTION callhook_store.lifecycle_waiting()
RETURNS TABLE (tenant_id uuid, waiting bigint, since timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    from_time constant timestamptz := now() - interval '31 days';
    until constant timestamptz := now() + interval '1 day'; -- clocks differ
BEGIN
    RETURN QUERY
    SELECT n.tenant_id, count(*), min(n.received_at)
    FROM callhook_store.notifications AS n
    WHERE n.received_at > from_time AND n.received_at <= until
      AND n.lifecycle_event IS NOT NULL AND n.subscription_id IS NOT NULL
      AND n.stored_at > now() - interval '3 days'
      AND NOT EXISTS (SELECT FROM callhook_store.lifecycle_handled AS h
                      WHERE h.notification_id = n.notification_id)
    GROUP BY n.tenant_id;
END
$$;
COMMENT ON FUNCTION callhook_store.lifecycle_waiting() IS
    'How many lifecycle items wait for a run, of each tenant, and since when.';

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
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off -- statistics of tables that grow are never right
SET enable_nestloop = off
AS $$
    WITH gaps AS (
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
        WHERE list = 'calls'
          AND ends_at > now() - interval '29 days 23 hours'
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
    LEFT JOIN callhook_store.lifecycle_waiting() AS items USING (tenant_id)
    LEFT JOIN gaps USING (tenant_id, resource, change_type)
    LEFT JOIN calls USING (tenant_id)
    LEFT JOIN lists USING (tenant_id)
    LEFT JOIN callhook_store.tenants AS r ON r.tenant = c.name
    ORDER BY given.n;
$$;
COMMENT ON FUNCTION callhook_store.tenant_status(json) IS
    'How it stands with tenants: their last run, what waits, gaps, and what '
    'is missing of the calls at Graph.';

-- -- for people ------------------------------------------------------------

CREATE OR REPLACE FUNCTION callhook_store.span_words(seconds bigint)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE
        WHEN s >= 86400 THEN s / 86400 || ' d' || coalesce(
            ' ' || nullif(s % 86400 / 3600, 0) || ' h', '')
        WHEN s >= 3600 THEN s / 3600 || ' h' || coalesce(
            ' ' || nullif(s % 3600 / 60, 0) || ' min', '')
        WHEN s >= 60 THEN s / 60 || ' min'
        ELSE s || ' s' END
    FROM greatest(seconds, 0) AS s;
$$;
COMMENT ON FUNCTION callhook_store.span_words(bigint) IS
    'A span of time in words: 2 d 3 h, 5 min.';

CREATE OR REPLACE FUNCTION callhook_store.ago_words(seconds bigint)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN seconds > 0
                THEN split_part(words, ' ', 1) || ' ' ||
                     split_part(words, ' ', 2) || ' ago'
                ELSE 'now' END
    FROM callhook_store.span_words(seconds) AS words;
$$;
COMMENT ON FUNCTION callhook_store.ago_words(bigint) IS
    'How long ago something was, in one unit: 2 d ago.';

CREATE OR REPLACE FUNCTION callhook_store.iso_time(seconds bigint)
RETURNS text
LANGUAGE plpgsql STABLE STRICT
AS $$
BEGIN
    RETURN to_char(to_timestamp(seconds) AT TIME ZONE 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS"Z"');
END
$$;
COMMENT ON FUNCTION callhook_store.iso_time(bigint) IS
    'A time of seconds since 1970 as ISO 8601 in UTC.';

CREATE OR REPLACE FUNCTION callhook_store.size_words(bytes bigint)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN bytes < 10000 THEN bytes || ' B'
                WHEN bytes < 10000000 THEN bytes / 1000 || ' kB'
                WHEN bytes < 10000000000 THEN bytes / 1000000 || ' MB'
                ELSE bytes / 1000000000 || ' GB' END;
$$;
COMMENT ON FUNCTION callhook_store.size_words(bigint) IS
    'A number of bytes in words: 12 MB.';

-- What is not a tenant's: receivers, and who holds up the folding of calls.

CREATE OR REPLACE FUNCTION callhook_store.receiver_status()
RETURNS TABLE (
    host text, last_seen bigint, state text, spool_bytes bigint,
    oldest_spooled bigint, stored_today bigint, refused_today bigint,
    over_3s_today bigint, need text, note text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH today AS (
        SELECT m.host, sum(m.counters[3])::bigint AS stored,
               sum(m.counters[4] + m.counters[5] + m.counters[6])::bigint
                   AS refused,
               sum(m.counters[10])::bigint AS over_3s
        FROM callhook_store.receiver_hours AS m
        WHERE m.hour >= date_trunc('day', now(), 'UTC')
        GROUP BY m.host
    )
    SELECT s.host, callhook_store.epoch(s.last_seen_at),
           s.state, coalesce(s.spool_bytes, 0),
           callhook_store.epoch(s.oldest_spooled_at), coalesce(t.stored, 0),
           coalesce(t.refused, 0), coalesce(t.over_3s, 0),
           CASE WHEN s.state = 'dead' THEN format(
                'receiver %s is dead, it was last seen %s: systemctl status '
                'callhook there says why', s.host, callhook_store.ago_words(
                    callhook_store.epoch(now())
                    - callhook_store.epoch(s.last_seen_at)))
                WHEN s.spool_bytes > 0 AND s.oldest_spooled_at
                     < now() - interval '10 minutes' THEN format(
                'receiver %s: %s wait in its spool, the oldest came %s: '
                'callhook --check there says why', s.host,
                callhook_store.size_words(s.spool_bytes),
                callhook_store.ago_words(callhook_store.epoch(now())
                    - callhook_store.epoch(s.oldest_spooled_at))) END,
           CASE WHEN t.over_3s > 0 THEN format(
                'receiver %s: %s answers since 00:00 UTC took over 3 s, which '
                'Graph does not wait for', s.host, t.over_3s)
                WHEN s.spool_bytes > 0 THEN format(
                'receiver %s: %s wait in its spool', s.host,
                callhook_store.size_words(s.spool_bytes)) END
    FROM callhook.receivers AS s LEFT JOIN today AS t USING (host)
    ORDER BY s.host;
$$;
COMMENT ON FUNCTION callhook_store.receiver_status() IS
    'The receivers that were seen within 7 days, what they did since 00:00 '
    'UTC, and what needs a hand or is worth knowing in a sentence.';

CREATE OR REPLACE FUNCTION callhook_store.oldest_transaction()
RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
    SELECT min(a.xact_start) FROM pg_stat_get_activity(NULL) AS a;
$$;
COMMENT ON FUNCTION callhook_store.oldest_transaction() IS
    'When the oldest transaction began, anybody''s, that the caller may see.';

-- Folding waits for what may still store notifications. A prepared
-- transaction belongs to nobody who runs: it stays until somebody ends it.
-- Who writes is asked only where somebody may have been at it for so long.
CREATE OR REPLACE FUNCTION callhook_store.holder_status()
RETURNS TABLE (pid integer, prepared text, since bigint, need text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF callhook_store.oldest_transaction() < now() - interval '5 minutes'
       OR EXISTS (SELECT FROM pg_prepared_xact()) THEN
        RETURN QUERY
        SELECT h.pid, h.prepared, callhook_store.epoch(h.since), format(
                   CASE WHEN h.pid IS NULL THEN
                   'prepared transaction "%2$s" of %3$s holds up folding and '
                   'consumers: COMMIT PREPARED or ROLLBACK PREPARED ends it'
                   ELSE
                   'an open transaction of process %1$s holds up folding and '
                   'consumers, it began %3$s: SELECT pg_terminate_backend(%1$s) '
                   'ends it' END, h.pid, left(h.prepared, 60),
                   callhook_store.ago_words(callhook_store.epoch(now())
                                            - callhook_store.epoch(h.since)))
        FROM (SELECT w.pid, NULL AS prepared, w.xact_start AS since
              FROM callhook_store.writers() AS w
              UNION ALL
              SELECT NULL, p.gid, p.prepared FROM pg_prepared_xacts AS p
              WHERE p.database = current_database()
                AND callhook_store.are_rows_prepared()) AS h
        WHERE h.since < now() - interval '5 minutes'
        ORDER BY h.since LIMIT 1;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.holder_status() IS
    'The oldest transaction, open or prepared, that has held up folding for '
    '5 minutes or more, if there is one.';

-- settings: `tenants`, an array with an object for each tenant of the
-- configuration, whose members are the columns of `given`, and `faults`, what
-- the state folder knows of all runs; resource_key and change_type_key as in
-- callhook_store.gaps. The result is what `status --json` prints: its keys stay
-- as they are. A sentence that is null is not said. Calls are to be listed
-- every hour, all of 30 days once in 7 days; runs may be an hour apart, and a
-- run may not come to all tenants.
CREATE OR REPLACE FUNCTION callhook_store.status(
    settings json, with_last boolean)
RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_nestloop = off
SET enable_memoize = off -- it has operators of each type looked for
AS $$
    WITH given AS MATERIALIZED (
        SELECT * FROM ROWS FROM (json_to_recordset(settings -> 'tenants') AS (
            tenant text, tenant_id uuid, resource text, change_type text,
            resource_key text, change_type_key text, of_calls boolean,
            records boolean, reconcile boolean, renew_every_minutes bigint,
            token_expires_at bigint, calls_fault text,
            told text)) WITH ORDINALITY AS g (
            tenant, tenant_id, resource, change_type, resource_key,
            change_type_key, of_calls, records, reconcile,
            renew_every_minutes, token_expires_at, calls_fault, told, n)
    ), receivers AS MATERIALIZED (
        SELECT * FROM callhook_store.receiver_status()
    ), holder AS MATERIALIZED (
        SELECT * FROM callhook_store.holder_status()
    ), here AS (
        SELECT current_setting('transaction_read_only') = 'on' AS read_only
    ), about AS MATERIALIZED (
        SELECT * FROM given JOIN (
            SELECT f.*, f.ordinality AS n
            FROM callhook_store.tenant_status(
                (SELECT json_agg(json_build_array(
                            tenant, tenant_id, resource_key, change_type_key)
                        ORDER BY n) FROM given)) WITH ORDINALITY AS f
        ) AS facts USING (n)
    ), silent AS MATERIALIZED ( -- one row for each tenant of Microsoft's
        SELECT DISTINCT ON (s.tenant_id) s.tenant_id AS who,
               last_notification_at AS heard_at, silent_seconds,
               usual_per_hour, alarm AND coalesce(
                   (settings ->> 'silence_alarm')::boolean, true) AS alarm
        FROM callhook.silences() AS s ORDER BY s.tenant_id
    ), kept AS MATERIALIZED (
        SELECT a.n, a.now, a.renew_every_minutes, k.*,
               count(*) FILTER (WHERE state = 'live')
                   OVER (PARTITION BY a.n) AS live,
               row_number() OVER (PARTITION BY a.n
                                  ORDER BY k.ordinality DESC) AS from_last
        FROM callhook_store.kept_subscriptions(with_last)
             WITH ORDINALITY AS k
        JOIN about AS a
          ON a.tenant_id = k.tenant_id
         AND a.resource_key =
             lower(regexp_replace(k.resource, '^/', '') COLLATE "C")
         AND a.change_type_key = array_to_string(ARRAY(
                 SELECT t FROM unnest('{created,deleted,updated}'::text[]) AS t
                 WHERE t = ANY (string_to_array(lower(
                     replace(k.change_type, ' ', '') COLLATE "C"), ','))), ',')
    ), replaced AS MATERIALIZED ( -- (what is simulated ends as it begins)
        SELECT s.tenant AS name, s.tenant_id AS whose, count(*) AS times
        FROM callhook_store.subscriptions AS s
        WHERE ended_at > greatest(now() - interval '1 day', announced_at)
          AND subscription_id IS NOT NULL
        GROUP BY 1, 2
    ), sentences AS (
        SELECT n, place, 0 AS ordinality, need, said
        FROM about LEFT JOIN (SELECT * FROM kept WHERE from_last = 1) AS last
            USING (n)
        LEFT JOIN silent ON who = about.tenant_id
        LEFT JOIN replaced ON name = about.tenant AND whose = about.tenant_id
        CROSS JOIN LATERAL (VALUES
            (1, true, CASE WHEN last_run_at IS NULL THEN
                'there has been no run for this tenant: is there a line for '
                'callhook-renewer in cron?' END),
            (2, true, CASE WHEN failed_since IS NOT NULL THEN format(
                'runs have failed for %s: %s: callhook-renewer check looks '
                'for the cause',
                callhook_store.span_words(about.now - failed_since),
                failure) END),
            (3, false, CASE WHEN failed_since IS NOT NULL AND
                retry_at > about.now THEN
                'Graph asked to be left alone: next try in ' ||
                callhook_store.span_words(retry_at - about.now) END),
            (3, true, 'runs have failed: ' || calls_fault ||
                ': callhook-renewer check looks for the cause'),
            (5, true, CASE WHEN coalesce(live, 0) > 0 THEN NULL
                WHEN last.n IS NULL AND last_run_at IS NULL THEN NULL
                WHEN last.n IS NULL THEN
                'there is no subscription: nothing is delivered until a run '
                'creates one; callhook-renewer check says what hinders it'
                WHEN state = 'announced' THEN format(
                'a subscription was asked for %s and Graph has not shown it '
                'since: the next run looks again',
                callhook_store.ago_words(about.now - announced_at))
                ELSE format(
                'the subscription ended %s, nothing is delivered: is there a '
                'line for callhook-renewer in cron?',
                callhook_store.ago_words(about.now - expires_at)) END),
            (6, false, CASE WHEN live > 1 THEN
                format('there are %s: the next run leaves one', live) END),
            (6, true, CASE WHEN times > 2 THEN format(
                'the subscription was replaced %s times within a day: does '
                'another renewer work with the same app and URL, or does '
                'somebody delete it?', times) END),
            (7, true, CASE WHEN gap_since IS NOT NULL THEN format(
                'changes may be missing for %s now (%s): the gap ends when a '
                'subscription lives again',
                callhook_store.span_words(about.now - gap_since),
                gap_reason) END),
            (8, false, CASE WHEN gaps_unsearched > 0 THEN format(
                '%s gaps have not been searched for missing calls yet, the '
                'oldest began %s', gaps_unsearched, callhook_store.ago_words(
                    about.now - gaps_unsearched_since)) END),
            (9, false, CASE WHEN lifecycle_waiting > 0 THEN format(
                '%s lifecycle items wait for the next run, the oldest came %s',
                lifecycle_waiting, callhook_store.ago_words(
                    about.now - lifecycle_waiting_since)) END),
            (10, true, CASE WHEN of_calls AND records AND
                records_failed > records_failed_for_good THEN format(
                '%s records cannot be read: record_error in callhook.calls '
                'says why; they are tried again for 30 days',
                records_failed - records_failed_for_good) END),
            (11, false, CASE WHEN of_calls AND records AND
                records_waiting > 0 THEN format(
                '%s calls wait for their records, the oldest came %s',
                records_waiting, callhook_store.ago_words(
                    about.now - records_waiting_since)) END),
            (12, false, CASE WHEN of_calls AND records AND
                calls_missing > records_waiting + records_failed THEN format(
                '%s records are stored in an older version than Graph''s',
                calls_missing - records_waiting - records_failed) END),
            (13, false, CASE WHEN of_calls AND records AND
                records_failed_for_good + records_gone > 0 THEN format(
                '%s records are given up: %s failed for 30 days, %s are gone '
                'at Graph', records_failed_for_good + records_gone,
                records_failed_for_good, records_gone) END),
            (14, true, CASE WHEN of_calls AND reconcile AND
                about.now - listed_until > 6 * 3600 THEN format(
                'Graph''s calls were last listed %s and should be every hour: '
                'callhook-renewer reconcile %s says what is wrong',
                callhook_store.ago_words(about.now - listed_until),
                tenant) END),
            (15, false, CASE WHEN NOT of_calls OR NOT reconcile THEN NULL
                WHEN last_listed_at IS NULL THEN
                'Graph''s calls of 30 days have not been listed in full yet'
                WHEN about.now - last_listed_at > 9 * 86400 THEN
                'Graph''s calls of 30 days were last listed in full ' ||
                callhook_store.ago_words(about.now - last_listed_at) END),
            (16, true, CASE WHEN of_calls AND alarm THEN format(
                'nothing has been delivered for %s, %s an hour are usual '
                'now: does Graph reach the URL? callhook-renewer check tries '
                'it; callhook-renewer reconcile %s lists what was missed',
                callhook_store.span_words(silent_seconds),
                round(usual_per_hour::numeric, 1), tenant) END)
        ) AS s (place, need, said)
        UNION ALL
        SELECT n, place, ordinality, true, said
        FROM kept CROSS JOIN LATERAL (VALUES
            (4, CASE WHEN expires_at - now <= least(
                         3600, (expires_at - renewed_at) / 4) THEN format(
                'the subscription ends in %s: is there a line for '
                'callhook-renewer in cron? callhook-renewer check looks for '
                'faults', callhook_store.span_words(expires_at - now))
                WHEN now - renewed_at > 2 * 60 * renew_every_minutes THEN
                format('it was renewed %s and should be every %s min: is '
                'there a line for callhook-renewer in cron? callhook-renewer '
                'check looks for faults',
                callhook_store.ago_words(now - renewed_at),
                renew_every_minutes) END),
            (4, CASE WHEN refusals > 0 THEN format(
                'the receiver refused %s items of it, the last one %s, for '
                '%s: if all are refused the next run replaces it; else '
                'somebody else sends under its id', refusals,
                callhook_store.ago_words(now - last_refused_at),
                CASE refusal_reason WHEN 'unknown' THEN
                    'it did not know the subscription then'
                ELSE 'their secret or tenant is not the subscription''s' END)
                END)
        ) AS s (place, said)
        WHERE state = 'live'
    ), said AS (
        SELECT n, bool_or(need) AS needy,
               json_agg(said ORDER BY place, ordinality)
                   FILTER (WHERE need) AS needs,
               json_agg(said ORDER BY place, ordinality)
                   FILTER (WHERE NOT need) AS notes
        FROM sentences WHERE said IS NOT NULL GROUP BY n
    ), listed AS (
        SELECT n, json_agg(json_build_object(
                   'subscription_id', subscription_id, 'state', state,
                   'notification_url', nullif(notification_url, ''),
                   'announced_at', callhook_store.iso_time(announced_at),
                   'renewed_at', callhook_store.iso_time(renewed_at),
                   'expires_at', callhook_store.iso_time(expires_at),
                   'last_notification_at',
                   callhook_store.iso_time(last_notification_at),
                   'refusals', coalesce(refusals, 0),
                   'refusal_reason', refusal_reason, 'last_refused_at',
                   callhook_store.iso_time(last_refused_at))
                   ORDER BY ordinality) AS subscriptions
        FROM kept GROUP BY n
    )
    SELECT json_build_object(
        'ok', bool_and(needy IS NOT TRUE)
              AND coalesce(json_array_length(settings -> 'faults'), 0) = 0
              AND NOT (SELECT read_only FROM here)
              AND NOT EXISTS (SELECT FROM holder)
              AND NOT EXISTS (SELECT FROM receivers WHERE need IS NOT NULL),
        'at', callhook_store.iso_time(max(now)),
        'database', CASE WHEN (SELECT read_only FROM here) THEN 'read_only'
                         ELSE 'live' END,
        'database_fault', CASE WHEN (SELECT read_only FROM here) THEN
            'the database is read-only, nothing can be stored: make its '
            'primary take writes again, or name that one in the settings' END,
        'faults', settings -> 'faults',
        'needs', (SELECT coalesce(json_agg(need), '[]') FROM (
                      SELECT need FROM holder UNION ALL
                      SELECT need FROM receivers
                      WHERE need IS NOT NULL) AS l),
        'notes', (SELECT coalesce(json_agg(note), '[]') FROM receivers
                  WHERE note IS NOT NULL),
        'tenants', json_agg(json_build_object(
            'tenant', tenant, 'ok', needy IS NOT TRUE, 'tenant_id', tenant_id,
            'resource', resource, 'change_type', change_type,
            'token_expires_at', callhook_store.iso_time(token_expires_at),
            'last_run_at', callhook_store.iso_time(last_run_at),
            'failed_since', callhook_store.iso_time(failed_since),
            'failure', failure,
            'last_failure', coalesce(failure, calls_fault, told),
            'failure_of_calls', calls_fault,
            'retry_at', callhook_store.iso_time(retry_at),
            'subscriptions', coalesce(subscriptions, '[]'),
            'lifecycle_waiting', coalesce(lifecycle_waiting, 0),
            'lifecycle_waiting_since',
            callhook_store.iso_time(lifecycle_waiting_since),
            'gap_since', callhook_store.iso_time(gap_since),
            'gaps_unsearched', coalesce(gaps_unsearched, 0),
            'gaps_unsearched_since',
            callhook_store.iso_time(gaps_unsearched_since),
            'records_waiting', CASE WHEN records THEN
                coalesce(records_waiting, 0) ELSE 0 END,
            'records_waiting_since', CASE WHEN records THEN
                callhook_store.iso_time(records_waiting_since) END,
            'records_failed', CASE WHEN records THEN
                coalesce(records_failed, 0) ELSE 0 END,
            'records_gone', CASE WHEN records THEN
                coalesce(records_gone, 0) ELSE 0 END,
            'calls_missing', CASE WHEN records THEN
                coalesce(calls_missing, 0) ELSE 0 END,
            'listed_until', CASE WHEN reconcile THEN
                callhook_store.iso_time(listed_until) END,
            'last_listed_at', CASE WHEN reconcile THEN
                callhook_store.iso_time(last_listed_at) END,
            'silence', (SELECT json_build_object(
                'last_notification_at',
                callhook_store.iso_time(callhook_store.epoch(s.heard_at)),
                'silent_seconds', s.silent_seconds,
                'usual_per_hour', s.usual_per_hour,
                'alarm', of_calls AND s.alarm)
                FROM silent AS s WHERE s.who = about.tenant_id),
            'needs', coalesce(needs, '[]'), 'notes', coalesce(notes, '[]'))
            ORDER BY n),
        'receivers', (SELECT coalesce(json_agg(json_build_object(
            'host', host, 'last_seen_at', callhook_store.iso_time(last_seen),
            'state', state, 'spool_bytes', spool_bytes,
            'oldest_spooled_at', callhook_store.iso_time(oldest_spooled),
            'stored_today', stored_today, 'refused_today', refused_today,
            'over_3s_today', over_3s_today, 'need', need, 'note', note)),
            '[]') FROM receivers),
        'holds_up', (SELECT json_build_object(
            'pid', pid, 'prepared', prepared,
            'since', callhook_store.iso_time(since)) FROM holder),
        'consumers', callhook_store.consumer_status())
    FROM about LEFT JOIN said USING (n) LEFT JOIN listed USING (n);
$$;
COMMENT ON FUNCTION callhook_store.status(json, boolean) IS
    'The state of affairs that `callhook-renewer status` shows, with what '
    'needs a hand in sentences; with_last: last deliveries, too.';
