-- callhook's schema 1.0 as release 0.1.0 installs it, without comments and months:
-- what an upgrade starts from. pg_dump of PostgreSQL 15; roles are made apart.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA callhook;
CREATE SCHEMA callhook_store;
CREATE FUNCTION callhook_store.add_arrays(a bigint[], b bigint[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY n)
    FROM unnest(a, b) WITH ORDINALITY AS both_arrays (x, y, n);
$$;
CREATE FUNCTION callhook_store.add_minute(minute timestamp with time zone, host text, counters bigint[], times integer[], max_us bigint, spool_bytes bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '100ms'
    AS $$
    INSERT INTO callhook_store.receiver_minutes AS m
        VALUES (minute, host, counters, times, max_us, spool_bytes)
    ON CONFLICT ON CONSTRAINT receiver_minutes_pkey DO UPDATE
    SET counters =
            callhook_store.add_arrays(m.counters, excluded.counters),
        times = callhook_store.add_arrays(m.times, excluded.times),
        max_us = greatest(m.max_us, excluded.max_us),
        spool_bytes = greatest(m.spool_bytes, excluded.spool_bytes);
$$;
CREATE FUNCTION callhook_store.add_refusals(subscription_ids uuid[], tenant_ids uuid[], reasons text[], counts bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '100ms'
    AS $$
    SELECT pg_advisory_xact_lock(hashtext('callhook refusals'));
    INSERT INTO callhook_store.refusals AS r
        (subscription_id, tenant_id, reason, refusals)
        SELECT id, (array_agg(tenant ORDER BY n DESC))[1],
               (array_agg(reason ORDER BY n DESC))[1], sum(more)::bigint
        FROM unnest(subscription_ids, tenant_ids, reasons, counts)
             WITH ORDINALITY AS item (id, tenant, reason, more, n)
        GROUP BY id
    ON CONFLICT (subscription_id) DO UPDATE
    SET tenant_id = excluded.tenant_id,
        reason = excluded.reason,
        refusals = r.refusals + excluded.refusals,
        first_at = CASE WHEN r.last_at < now() - interval '10 minutes'
                        THEN excluded.first_at ELSE r.first_at END,
        last_at = excluded.last_at;
    DELETE FROM callhook_store.refusals
    WHERE subscription_id IN (
        SELECT r.subscription_id
        FROM callhook_store.refusals AS r
        ORDER BY EXISTS (SELECT FROM callhook_store.subscriptions AS s
                         WHERE s.subscription_id = r.subscription_id) DESC,
                 r.last_at DESC, r.subscription_id
        OFFSET 256);
$$;
CREATE FUNCTION callhook_store.advance_final() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    FOR round IN 1..2 LOOP
        UPDATE callhook_store.fold_state
        SET final_to = greatest(final_to, asked_at - margin), asked_at = NULL
        WHERE asked_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM pg_prepared_xacts
                          WHERE database = current_database())
          AND NOT EXISTS (SELECT FROM pg_locks
                          WHERE locktype = 'virtualxid'
                            AND virtualxid = ANY (asked_about));
        UPDATE callhook_store.fold_state SET asked_at = clock_timestamp()
        WHERE asked_at IS NULL;
        EXIT WHEN NOT FOUND;
        UPDATE callhook_store.fold_state
        SET asked_about = ARRAY(SELECT virtualxid FROM pg_locks
                                WHERE locktype = 'virtualxid'
                                  AND pid <> pg_backend_pid());
    END LOOP;
END
$$;
CREATE FUNCTION callhook_store.an_hour(tenant uuid) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    SELECT timestamptz '2000-01-01Z'
           + make_interval(secs => hashtext(tenant::text) & 4095);
$$;
CREATE FUNCTION callhook_store.as_bigint(value jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN value::numeric BETWEEN -9223372036854775808
                                     AND 9223372036854775807
              AND value::numeric = trunc(value::numeric)
        THEN value::bigint END END;
$$;
CREATE FUNCTION callhook_store.as_boolean(value jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN value::boolean END;
$$;
CREATE FUNCTION callhook_store.as_double(value jsonb) RETURNS double precision
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN value::numeric = 0
               OR abs(value::numeric) BETWEEN 1e-300 AND 1e300
        THEN value::double precision END END;
$$;
CREATE FUNCTION callhook_store.as_integer(value jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN value::numeric BETWEEN -2147483648 AND 2147483647
              AND value::numeric = trunc(value::numeric)
        THEN value::integer END END;
$$;
CREATE FUNCTION callhook_store.as_ms(value text) RETURNS double precision
    LANGUAGE sql IMMUTABLE
    AS $_$
    SELECT CASE
        WHEN value ~ '^PT\d{1,9}(\.\d{1,20})?S$' THEN
            (substr(value, 3, length(value) - 3)::numeric * 1000)::float8
        WHEN value ~ ('^-?P(?=.)(\d{1,9}D)?'
                      '(T(?=.)(\d{1,9}H)?(\d{1,9}M)?'
                      '(\d{1,9}(\.\d{1,20})?S)?)?$') THEN
            (coalesce(substring(value, '(\d+)D')::numeric * 86400000, 0)
             + coalesce(substring(value, '(\d+)H')::numeric * 3600000, 0)
             + coalesce(substring(value, '(\d+)M')::numeric * 60000, 0)
             + coalesce(substring(value, '([\d.]+)S')::numeric * 1000, 0)
            )::float8 * CASE WHEN left(value, 1) = '-' THEN -1 ELSE 1 END
        END;
$_$;
CREATE FUNCTION callhook_store.as_numeric(value jsonb) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END;
$$;
CREATE FUNCTION callhook_store.as_time(value text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $_$
    SELECT CASE WHEN value ~ ('^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])'
                              'T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,20})?'
                              '(Z|[+-](0\d|1[0-5]):[0-5]\d)$')
                 AND left(value, 4) <> '0000'
                 AND (right(value, 1) = 'Z' OR left(value, 10) NOT IN
                          ('0001-01-01', '9999-12-31')) THEN
        CASE WHEN substr(value, 9, 2) <= '28'
               OR extract(month FROM (left(value, 8) || '01')::date
                                     + (substr(value, 9, 2)::integer - 1))
                  = substr(value, 6, 2)::integer
        THEN least(value::timestamptz,
                   '9999-12-31 23:59:59.999999+00') END END;
$_$;
CREATE FUNCTION callhook_store.as_uuid(value text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    AS $_$
    SELECT CASE WHEN value ~ '^[[:xdigit:]]{8}(-[[:xdigit:]]{4}){3}'
                             '-[[:xdigit:]]{12}$' THEN value::uuid END;
$_$;
CREATE FUNCTION callhook_store.backoff(attempts integer) RETURNS interval
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT least(interval '1 minute' * 2 ^ least(attempts, 12), '6 hours');
$$;
CREATE FUNCTION callhook_store.claim_calls(tenant uuid, most integer, chosen uuid[] DEFAULT NULL::uuid[], lease interval DEFAULT '00:10:00'::interval) RETURNS TABLE(call_id uuid, reading_no bigint, version bigint, apart boolean, records bigint, session_pages bigint, sessions_next text, participant_pages bigint, participants_next text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH due AS (
        SELECT d.call_id, d.tenant_id, d.reading_no, d.wanted
        FROM callhook_store.calls AS d
        WHERE d.tenant_id = tenant AND d.next_read_at <= now()
          AND (chosen IS NULL OR d.call_id = ANY (chosen))
        ORDER BY d.next_read_at
        LIMIT most
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE callhook_store.calls AS c
        SET reading_no = nextval('callhook_store.reading_numbers'),
            next_read_at = now() + lease, wanted = false,
            attempts = c.attempts + 1
        FROM due
        WHERE c.call_id = due.call_id AND c.tenant_id = due.tenant_id
        RETURNING c.call_id, c.reading_no, c.version,
                  due.reading_no AS stopped_no, due.wanted
    ), dropped AS (
        DELETE FROM callhook_store.record_pages AS p USING claimed AS c
        WHERE p.call_id = c.call_id AND p.tenant_id = tenant
          AND p.reading_no = c.stopped_no AND c.wanted
    ), kept AS (
        UPDATE callhook_store.record_pages AS p
        SET reading_no = c.reading_no FROM claimed AS c
        WHERE p.call_id = c.call_id AND p.tenant_id = tenant
          AND p.reading_no = c.stopped_no AND NOT c.wanted
    )
    SELECT c.call_id, c.reading_no, c.version, s.*
    FROM claimed AS c
    LEFT JOIN LATERAL callhook_store.stopped_at(
        tenant, c.call_id, c.stopped_no) AS s ON NOT c.wanted;
$$;
CREATE FUNCTION callhook_store.close_gaps(tenant uuid, listed_from timestamp with time zone, listed_to timestamp with time zone) RETURNS TABLE(gaps bigint, found bigint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH closed AS (
        UPDATE callhook_store.gaps AS g
        SET closed_at = now(),
            found = (SELECT count(*) FROM callhook_store.calls AS c
                     WHERE c.tenant_id = g.tenant_id AND c.notifications = 0
                       AND c.day BETWEEN (g.begins_at - interval '8 days')::date
                                     AND (g.ends_at + interval '1 day')::date
                       AND coalesce(c.ended_at, c.started_at)
                           BETWEEN g.begins_at - interval '150 minutes'
                               AND g.ends_at)
        WHERE g.tenant_id = close_gaps.tenant AND g.closed_at IS NULL
          AND g.begins_at >= listed_from AND g.ends_at <= listed_to
        RETURNING g.found
    )
    SELECT count(*), coalesce(sum(found), 0)::bigint FROM closed;
$$;
CREATE FUNCTION callhook_store.close_listed_gaps(tenant uuid) RETURNS TABLE(gaps bigint, found bigint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT coalesce(sum(c.gaps), 0)::bigint, coalesce(sum(c.found), 0)::bigint
    FROM callhook_store.gaps AS g
    CROSS JOIN LATERAL callhook_store.close_gaps(
        g.tenant_id, g.begins_at, g.ends_at) AS c
    WHERE g.tenant_id = close_listed_gaps.tenant
      AND g.ends_at IS NOT NULL AND g.closed_at IS NULL
      AND callhook_store.gap_window(g.begins_at, g.ends_at)
          * callhook_store.listable(g.tenant_id)
          <@ callhook_store.listed_since(
              g.tenant_id, greatest(g.noted_at, g.ends_at));
$$;
CREATE FUNCTION callhook_store.drop_months(before timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '500ms'
    AS $_$
DECLARE
    month regclass;
    dropped integer := 0;
BEGIN
    FOR month IN
        SELECT c.oid FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
        WHERE inhparent = 'callhook_store.notifications'::regclass
          AND c.relname ~ '^notifications_\d{4}_\d\d$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month'
              <= before
        ORDER BY c.relname
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %s', month);
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RETURN dropped;
        END;
    END LOOP;
    RETURN dropped;
END
$_$;
CREATE FUNCTION callhook_store.epoch(at timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$
    SELECT extract(epoch FROM at)::bigint;
$$;
CREATE FUNCTION callhook_store.file_listed_calls(tenant uuid, page json) RETURNS TABLE(listed bigint, missing bigint, newer bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
#variable_conflict use_column
BEGIN
    SELECT count(*), count(*) FILTER (WHERE c.call_id IS NULL),
           count(*) FILTER (WHERE l.version
                                  > greatest(c.version, c.listed_version))
    INTO listed, missing, newer
    FROM callhook_store.listed_calls(page) AS l
    LEFT JOIN callhook_store.calls AS c
        ON c.call_id = l.call_id AND c.tenant_id = tenant;
    INSERT INTO callhook_store.calls AS c (
        tenant_id, call_id, listed_at, listed_version, started_at, ended_at,
        record_state, next_read_at)
    SELECT tenant, l.call_id, now(), l.version, l.started_at, l.ended_at,
           CASE WHEN r.tenant_id IS NULL THEN 'none' ELSE 'waiting' END,
           CASE WHEN r.tenant_id IS NOT NULL THEN now() END
    FROM callhook_store.listed_calls(page) AS l
    LEFT JOIN callhook_store.readers AS r ON r.tenant_id = tenant
    ORDER BY l.call_id
    ON CONFLICT (call_id, tenant_id) DO UPDATE SET
        listed_at = now(),
        listed_version = greatest(c.listed_version, excluded.listed_version),
        started_at = coalesce(c.started_at, excluded.started_at),
        ended_at = greatest(c.ended_at, excluded.ended_at),
        record_state = CASE
            WHEN c.record_state IN ('none', 'gone') THEN excluded.record_state
            ELSE c.record_state END,
        wanted = c.wanted
            OR excluded.next_read_at IS NOT NULL
               AND coalesce(c.version < excluded.listed_version, false),
        next_read_at = CASE
            WHEN excluded.next_read_at IS NOT NULL AND c.next_read_at IS NULL
             AND (c.record_state <> 'stored'
                  OR coalesce(c.version < excluded.listed_version, false))
            THEN now() ELSE c.next_read_at END;
    RETURN NEXT;
END
$$;
CREATE FUNCTION callhook_store.finish_records(tenant uuid, calls uuid[], readings bigint[], bodies json DEFAULT '[]'::json) RETURNS TABLE(call_id uuid, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
#variable_conflict use_column
DECLARE
    ids uuid[];
    numbers bigint[];
    digests bytea[];
    judged uuid[];
    outcomes text[];
    fault text;
BEGIN
    PERFORM FROM callhook_store.forgotten LIMIT 1; -- locks it before the calls
    PERFORM FROM callhook_store.calls AS c
    WHERE c.call_id = ANY (calls) AND c.tenant_id = tenant
    ORDER BY c.call_id FOR UPDATE;
    INSERT INTO callhook_store.record_pages
        (tenant_id, call_id, reading_no, kind, page_no, body)
    SELECT tenant, p.call_id, p.reading_no, 'record', 1, p.body
    FROM ROWS FROM (unnest(calls), unnest(readings),
                    json_array_elements(bodies))
             AS p (call_id, reading_no, body)
    JOIN callhook_store.calls AS c USING (call_id, reading_no)
    WHERE c.tenant_id = tenant AND json_typeof(p.body) = 'object'
    ON CONFLICT ON CONSTRAINT record_pages_pkey
        DO UPDATE SET body = excluded.body;
    BEGIN
        WITH judgement AS MATERIALIZED (
            SELECT * FROM callhook_store.judge_readings(
                tenant, calls, readings)
        ), versions AS (
            INSERT INTO callhook_store.record_versions AS v (
                tenant_id, call_id, version, modified_at, sha256)
            SELECT tenant, call_id, coalesce(version, 0), modified_at, sha256
            FROM judgement WHERE outcome = 'stored'
            ON CONFLICT ON CONSTRAINT record_versions_pkey DO UPDATE
            SET modified_at = excluded.modified_at, read_at = now(),
                sha256 = excluded.sha256
        )
        SELECT array_agg(call_id), array_agg(outcome),
               array_agg(call_id) FILTER (WHERE outcome = 'stored'),
               array_agg(reading_no) FILTER (WHERE outcome = 'stored'),
               array_agg(sha256) FILTER (WHERE outcome = 'stored')
        INTO judged, outcomes, ids, numbers, digests
        FROM judgement;
        IF ids IS NOT NULL THEN
            PERFORM callhook_store.replace_records(
                tenant, ids, numbers, digests);
        END IF;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
        IF cardinality(calls) > 1 THEN
            RETURN QUERY
            SELECT f.call_id, f.outcome
            FROM unnest(calls, readings) AS r (call_id, reading_no)
            CROSS JOIN LATERAL callhook_store.finish_records(
                tenant, ARRAY[r.call_id], ARRAY[r.reading_no]) AS f;
            RETURN;
        END IF;
        judged := calls;
        outcomes := ARRAY['bad'];
        fault := SQLSTATE;
        ids := NULL;
        numbers := NULL;
    END;
    PERFORM callhook_store.note_outcomes(tenant, judged, outcomes, fault);
    DELETE FROM callhook_store.record_pages
    WHERE call_id = ANY (ids) AND tenant_id = tenant
      AND reading_no <> ALL (numbers);
    DELETE FROM callhook_store.record_pages
    WHERE call_id = ANY (calls) AND tenant_id = tenant
      AND reading_no = ANY (readings)
      AND reading_no <> ALL (coalesce(numbers, '{}'));
    RETURN QUERY SELECT * FROM unnest(judged, outcomes);
END
$$;
CREATE FUNCTION callhook_store.fold_into_calls(tenants uuid[], calls uuid[], firsts timestamp with time zone[], lasts timestamp with time zone[], counts integer[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO callhook_store.calls AS c (
        tenant_id, call_id, first_notified_at, last_notified_at,
        notifications, record_state, next_read_at)
    SELECT n.tenant_id, n.call_id, n.first_at, n.last_at, n.notifications,
           CASE WHEN due THEN 'waiting' ELSE 'none' END,
           CASE WHEN due THEN now() END
    FROM unnest(tenants, calls, firsts, lasts, counts)
             AS n (tenant_id, call_id, first_at, last_at, notifications)
    LEFT JOIN callhook_store.readers AS r USING (tenant_id)
    CROSS JOIN LATERAL (
        SELECT r.tenant_id IS NOT NULL
               AND n.last_at > now() - interval '30 days') AS d (due)
    ORDER BY n.call_id, n.tenant_id
    ON CONFLICT (call_id, tenant_id) DO UPDATE SET
        first_notified_at =
            least(c.first_notified_at, excluded.first_notified_at),
        last_notified_at =
            greatest(c.last_notified_at, excluded.last_notified_at),
        notifications = c.notifications + excluded.notifications,
        wanted = c.wanted OR excluded.next_read_at IS NOT NULL,
        record_state = CASE
            WHEN c.record_state = 'stored' THEN 'stored'
            WHEN excluded.next_read_at IS NOT NULL THEN 'waiting'
            ELSE c.record_state END,
        next_read_at = CASE
            WHEN c.reading_no IS NULL AND excluded.next_read_at IS NOT NULL
                THEN excluded.next_read_at
            ELSE c.next_read_at END;
$$;
CREATE FUNCTION callhook_store.fold_notifications(batch integer DEFAULT 50000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    state callhook_store.fold_state;
    upper timestamptz;
    taken bigint := 0;
BEGIN
    -- Each statement must see what ended before the one before it.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE 'fold_notifications needs the isolation level read committed';
    END IF;
    PERFORM FROM callhook_store.fold_state FOR UPDATE;
    PERFORM callhook_store.advance_final();
    SELECT * INTO state FROM callhook_store.fold_state;
    IF state.folded_to IS NULL AND state.final_to IS NOT NULL THEN
        SELECT least(min(stored_at), state.final_to) INTO state.folded_to
        FROM callhook_store.notifications;
    END IF;
    WHILE state.folded_to < state.final_to AND taken < batch LOOP
        upper := callhook_store.slab_end(state.folded_to, state.final_to,
                                         state.slab * 2, batch);
        taken := taken + callhook_store.fold_slab(state.folded_to, upper,
                                                  batch, true);
        state.slab := greatest(upper - state.folded_to, interval '1 ms');
        state.folded_to := upper;
    END LOOP;
    UPDATE callhook_store.fold_state
    SET folded_to = state.folded_to, slab = state.slab;
    IF taken < batch THEN
        taken := taken + callhook_store.fold_slab(
            coalesce(state.folded_to, '-infinity'), 'infinity',
            batch - taken::integer, false);
    END IF;
    RETURN taken;
END
$$;
CREATE FUNCTION callhook_store.fold_slab(begins timestamp with time zone, ends timestamp with time zone, batch integer, final boolean) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    taken bigint;
BEGIN
    WITH fresh AS (
        SELECT notification_id, tenant_id, call_id, received_at, stored_at
        FROM callhook_store.notifications AS n
        WHERE stored_at >= begins AND stored_at < ends
          AND call_id <> '00000000-0000-0000-0000-000000000000'
          AND NOT EXISTS (SELECT FROM callhook_store.folded AS f
                          WHERE f.notification_id = n.notification_id)
        LIMIT CASE WHEN NOT final THEN batch END
    ), noted AS (
        INSERT INTO callhook_store.folded
        SELECT notification_id, stored_at FROM fresh WHERE NOT final
    ), counted AS (
        SELECT tenant_id, call_id, min(received_at) AS first_at,
               max(received_at) AS last_at, count(*)::integer AS notifications
        FROM fresh GROUP BY call_id, tenant_id
    ), arrays AS (
        SELECT array_agg(tenant_id) AS tenants, array_agg(call_id) AS calls,
               array_agg(first_at) AS firsts, array_agg(last_at) AS lasts,
               array_agg(notifications) AS counts,
               coalesce(sum(notifications), 0) AS total
        FROM counted
    )
    SELECT total, callhook_store.fold_into_calls(
                      tenants, calls, firsts, lasts, counts)
    INTO taken FROM arrays;
    IF final THEN
        DELETE FROM callhook_store.folded WHERE stored_at < ends;
    END IF;
    RETURN taken;
END
$$;
CREATE FUNCTION callhook_store.forget_in_logs(ids text[]) RETURNS bigint
    LANGUAGE plpgsql
    AS $_$
DECLARE
    log text;
    changed bigint;
    total bigint := 0;
BEGIN
    FOREACH log IN ARRAY ARRAY['pstn_calls', 'direct_routing_calls'] LOOP
        EXECUTE format(
            'UPDATE callhook_store.%I
             SET user_id = NULL, user_principal_name = NULL,
                 user_display_name = NULL, caller_number = NULL,
                 callee_number = NULL, extra = NULL
             WHERE lower(user_id) = ANY ($1)
                OR lower(user_principal_name) = ANY ($1)
                OR lower(caller_number) = ANY ($1)
                OR lower(callee_number) = ANY ($1)', log) USING ids;
        GET DIAGNOSTICS changed = ROW_COUNT;
        total := total + changed;
    END LOOP;
    RETURN total;
END
$_$;
CREATE FUNCTION callhook_store.forget_in_pages(tenant uuid, calls uuid[], readings bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM callhook_store.forgotten) THEN
        RETURN;
    END IF;
    UPDATE callhook_store.record_pages AS p
    SET body = callhook_store.without_forgotten(
                   callhook_store.parsed(body))::text::json
    WHERE p.call_id = ANY (calls) AND p.tenant_id = tenant
      AND p.reading_no = ANY (readings)
      AND callhook_store.names_forgotten(callhook_store.parsed(body));
END
$$;
CREATE FUNCTION callhook_store.forget_person(person text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    ids constant text[] := callhook_store.ids_of_person(person);
    found record;
    records bigint := 0;
BEGIN
    IF ids IS NULL THEN
        RAISE 'an empty id is nobody''s' USING ERRCODE = 'data_exception';
    END IF;
    LOCK TABLE callhook_store.forgotten IN ACCESS EXCLUSIVE MODE;
    INSERT INTO callhook_store.forgotten (id_sha256)
    SELECT callhook_store.id_digest(id) FROM unnest(ids) AS id
    ON CONFLICT DO NOTHING;
    FOR found IN
        SELECT r.tenant_id, r.call_id, r.reading_no, r.sha256
        FROM callhook_store.call_records AS r
        WHERE EXISTS (
            SELECT FROM callhook_store.record_pages AS p
            WHERE p.call_id = r.call_id AND p.tenant_id = r.tenant_id
              AND p.reading_no = r.reading_no
              AND callhook_store.names_forgotten(
                      callhook_store.parsed(p.body)))
        ORDER BY r.call_id, r.tenant_id -- as others lock them
    LOOP
        PERFORM FROM callhook_store.calls
        WHERE call_id = found.call_id AND tenant_id = found.tenant_id
        FOR UPDATE;
        PERFORM callhook_store.replace_records(
            found.tenant_id, ARRAY[found.call_id], ARRAY[found.reading_no],
            ARRAY[found.sha256]);
        records := records + 1;
    END LOOP;
    -- Readings that are not finished begin anew.
    DELETE FROM callhook_store.record_pages AS p
    WHERE NOT EXISTS (
        SELECT FROM callhook_store.call_records AS r
        WHERE r.call_id = p.call_id AND r.tenant_id = p.tenant_id
          AND r.reading_no = p.reading_no);
    RETURN records + callhook_store.forget_in_logs(ids);
END
$$;
CREATE FUNCTION callhook_store.gap_window(begins_at timestamp with time zone, ends_at timestamp with time zone) RETURNS tstzrange
    LANGUAGE sql STABLE
    AS $$
    SELECT tstzrange(date_trunc('second', begins_at) - interval '1 day',
                     date_trunc('second', ends_at) + interval '1 second');
$$;
CREATE FUNCTION callhook_store.good_secrets(age_seconds bigint DEFAULT 0) RETURNS TABLE(secret_sha256 bytea, tenant_id uuid, subscription_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT secret_sha256, tenant_id, subscription_id
    FROM callhook_store.subscriptions
    WHERE ended_at IS NULL
       OR ended_at > now() - interval '24 hours'
                     - make_interval(secs => least(age_seconds, 31622400));
$$;
CREATE FUNCTION callhook_store.id_digest(id text) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT sha256(convert_to(lower(btrim(id)), 'UTF8'));
$$;
CREATE FUNCTION callhook_store.ids_of_person(person text) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    SELECT array_agg(DISTINCT lower(btrim(id)))
    FROM (
        SELECT person AS id
        UNION ALL
        SELECT unnest(ARRAY[i.id, i.name])
        FROM (
            SELECT identity_id, identity_user_principal_name
            FROM callhook_store.participants
            UNION ALL
            SELECT caller_identity_id, caller_identity_user_principal_name
            FROM callhook_store.sessions
            UNION ALL
            SELECT callee_identity_id, callee_identity_user_principal_name
            FROM callhook_store.sessions
            UNION ALL
            SELECT user_id, user_principal_name FROM callhook_store.pstn_calls
            UNION ALL
            SELECT user_id, user_principal_name
            FROM callhook_store.direct_routing_calls
        ) AS i (id, name)
        WHERE lower(btrim(person)) IN (lower(i.id), lower(i.name))
    ) AS ids
    WHERE btrim(id) <> '';
$$;
CREATE FUNCTION callhook_store.is_forgotten(VARIADIC ids text[]) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT FROM unnest(ids) AS id
        JOIN callhook_store.forgotten AS f
            ON f.id_sha256 = callhook_store.id_digest(id));
$$;
CREATE FUNCTION callhook_store.judge_readings(tenant uuid, calls uuid[], readings bigint[]) RETURNS TABLE(call_id uuid, reading_no bigint, outcome text, version bigint, modified_at timestamp with time zone, sha256 bytea)
    LANGUAGE sql
    AS $$
    WITH page AS MATERIALIZED (
        SELECT r.call_id, kind, page_no, sha256,
               kind = 'record' AS head,
               jsonb_typeof(body) = 'object'
                   AND NOT (body ? 'error' AND body ->> 'id' IS NULL)
                   AS is_record,
               callhook_store.as_uuid(body ->> 'id') AS id,
               body -> 'version' AS version,
               callhook_store.as_time(body ->> 'lastModifiedDateTime')
                   AS modified_at,
               body ->> CASE kind WHEN 'record' THEN 'sessions@odata.nextLink'
                                  ELSE '@odata.nextLink' END AS next,
               body ->> 'participants_v2@odata.nextLink' AS next_participants
        FROM unnest(calls, readings) AS r (call_id, reading_no)
        CROSS JOIN LATERAL (
            SELECT kind, page_no, callhook_store.parsed(p.body) AS body,
                   sha256(convert_to(p.body::text, 'UTF8')) AS sha256
            FROM callhook_store.record_pages AS p
            WHERE p.call_id = r.call_id AND p.tenant_id = tenant
              AND p.reading_no = r.reading_no
            OFFSET 0) AS p -- parsed once
    ), whole AS (
        SELECT call_id,
               count(*) FILTER (WHERE head) AS records,
               bool_and(is_record) FILTER (WHERE head)
                   AND coalesce(bool_and(id = call_id) FILTER (WHERE head),
                                true) AS good,
               count(DISTINCT version) FILTER (WHERE head) AS versions,
               max(callhook_store.as_bigint(version)) FILTER (WHERE head)
                   AS version,
               max(modified_at) FILTER (WHERE head) AS modified_at,
               sha256(string_agg(sha256, '' ORDER BY kind, page_no))
                   AS sha256,
               count(*) FILTER (WHERE kind IN ('record', 'sessions')
                                  AND next IS NOT NULL)
                   > count(*) FILTER (WHERE kind = 'sessions')
               OR count(*) FILTER (
                      WHERE CASE WHEN head THEN next_participants
                                 WHEN kind = 'participants_v2' THEN next
                            END IS NOT NULL)
                   > count(*) FILTER (WHERE kind = 'participants_v2')
                   AS incomplete
        FROM page GROUP BY call_id
    )
    SELECT r.call_id, r.reading_no,
           CASE WHEN c.reading_no IS DISTINCT FROM r.reading_no THEN 'lost'
                WHEN w.records > 0 AND NOT w.good THEN 'bad'
                WHEN w.versions > 1 THEN 'changed'
                WHEN coalesce(w.records, 0) = 0 OR w.incomplete
                    THEN 'incomplete'
                WHEN coalesce(w.version, 0) < coalesce(s.version, 0)
                    THEN 'older'
                WHEN w.version IS NOT DISTINCT FROM s.version
                 AND w.sha256 = v.sha256 AND s.call_id IS NOT NULL
                    THEN 'same'
                ELSE 'stored' END,
           w.version, w.modified_at, w.sha256
    FROM unnest(calls, readings) AS r (call_id, reading_no)
    LEFT JOIN callhook_store.calls AS c
        ON c.call_id = r.call_id AND c.tenant_id = tenant
    LEFT JOIN whole AS w ON w.call_id = r.call_id
    LEFT JOIN callhook_store.call_records AS s
        ON s.call_id = r.call_id AND s.tenant_id = tenant
    LEFT JOIN callhook_store.record_versions AS v
        ON v.call_id = r.call_id AND v.tenant_id = tenant
       AND v.version = coalesce(s.version, 0);
$$;
CREATE FUNCTION callhook_store.kept_subscriptions(with_last boolean) RETURNS TABLE(tenant_id uuid, resource text, change_type text, subscription_id uuid, state text, notification_url text, announced_at bigint, renewed_at bigint, expires_at bigint, last_notification_at bigint, refusals bigint, refusal_reason text, last_refused_at bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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
CREATE FUNCTION callhook_store.leftover(object jsonb, known text[], rest jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE jsonb_typeof(object)
        WHEN 'object' THEN
            nullif(jsonb_strip_nulls((object - known) || rest), '{}')
        WHEN 'null' THEN NULL
        ELSE object END;
$$;
CREATE FUNCTION callhook_store.listable(tenant uuid) RETURNS tstzrange
    LANGUAGE sql STABLE
    AS $$
    SELECT tstzrange(
        date_trunc('second', now()) - interval '29 days 23 hours 55 minutes',
        date_bin('1 hour', now() - interval '1 minute',
                 callhook_store.an_hour(tenant)));
$$;
CREATE FUNCTION callhook_store.listed_calls(page json) RETURNS TABLE(call_id uuid, version bigint, started_at timestamp with time zone, ended_at timestamp with time zone)
    LANGUAGE sql STABLE
    AS $$
    SELECT callhook_store.as_uuid(object ->> 'id'),
           max(callhook_store.as_bigint(object -> 'version')),
           min(callhook_store.as_time(object ->> 'startDateTime')),
           max(callhook_store.as_time(object ->> 'endDateTime'))
    FROM callhook_store.page_rows(page) AS object
    WHERE callhook_store.as_uuid(object ->> 'id') IS NOT NULL
    GROUP BY 1 ORDER BY 1;
$$;
CREATE FUNCTION callhook_store.listed_since(tenant uuid, since timestamp with time zone) RETURNS tstzmultirange
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(range_agg(tstzrange(begins_at, ends_at)), '{}')
    FROM callhook_store.listings
    WHERE tenant_id = tenant AND ends_at > now() - interval '30 days'
      AND listed_at >= since;
$$;
CREATE FUNCTION callhook_store.make_partition(month date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '500ms'
    AS $$
DECLARE
    first_day constant timestamptz := date_trunc('month', month::timestamptz);
    next_first constant timestamptz := first_day + interval '1 month';
    name constant text := 'notifications_' || to_char(first_day, 'YYYY_MM');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('callhook partitions'));
    IF to_regclass(format('callhook_store.%I', name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE callhook_store.%I
             (LIKE callhook_store.notifications INCLUDING DEFAULTS)', name);
    EXECUTE format(
        'WITH moved AS (
             DELETE FROM callhook_store.notifications_default
             WHERE received_at >= %L AND received_at < %L RETURNING *)
         INSERT INTO callhook_store.%I SELECT * FROM moved',
        first_day, next_first, name);
    EXECUTE format(
        'ALTER TABLE callhook_store.notifications
             ATTACH PARTITION callhook_store.%I
             FOR VALUES FROM (%L) TO (%L)', name, first_day, next_first);
    RETURN true;
END
$$;
CREATE FUNCTION callhook_store.make_partitions(months integer DEFAULT 24) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
    SELECT count(*) FILTER (WHERE callhook_store.make_partition(
               (date_trunc('month', now())
                + make_interval(months => month))::date))::integer
    FROM generate_series(0, least(months, 240) - 1) AS month;
$$;
CREATE FUNCTION callhook_store.names_forgotten(value jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    AS $_$
    SELECT EXISTS (
        SELECT FROM unnest('{$.**.id,$.**.userPrincipalName,$.**.userId,
                             $.**.callerNumber,$.**.calleeNumber}'::jsonpath[])
             AS path
        CROSS JOIN LATERAL jsonb_path_query(value, path) AS id
        WHERE callhook_store.is_forgotten(id #>> '{}'))
        OR callhook_store.url_names_forgotten(value ->> 'joinWebUrl');
$_$;
CREATE FUNCTION callhook_store.next_window(tenant uuid, most bigint, asked bigint, started bigint) RETURNS TABLE(begins_at bigint, ends_at bigint, width bigint, now bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH hours AS (
        SELECT can, upper(can) AS hour,
               date_bin('1 day', upper(can), callhook_store.an_hour(tenant))
                   AS midnight,
               date_trunc('second', now()) - interval '1 minute' AS latest
        FROM callhook_store.listable(tenant) AS can
    ), wanted (span, since) AS (
        SELECT plan.* FROM hours CROSS JOIN LATERAL (VALUES
            (tstzrange(latest - interval '1 day', hour), hour),
            (tstzrange(latest - interval '7 days', hour), midnight),
            (tstzrange(lower(can), hour), midnight - interval '6 days')
        ) AS plan
        WHERE asked = 0
        UNION ALL
        SELECT tstzrange(to_timestamp(asked), NULL),
               coalesce(to_timestamp(nullif(started, 0)), now())
        WHERE asked <> 0
        UNION ALL
        SELECT callhook_store.gap_window(g.begins_at, g.ends_at),
               greatest(g.noted_at, g.ends_at)
        FROM callhook_store.gaps AS g
        WHERE g.tenant_id = next_window.tenant AND g.ends_at IS NOT NULL
          AND g.closed_at IS NULL
    ), due AS (
        SELECT unnest(range_agg(part)) AS part
        FROM wanted CROSS JOIN hours CROSS JOIN LATERAL unnest(
            tstzmultirange(span * can)
            - callhook_store.listed_since(tenant, since)) AS part
    ), newest AS (
        SELECT extract(epoch FROM l.ends_at - l.begins_at)
               * least(600.0 / greatest(l.listed, 1), 8) AS width
        FROM callhook_store.listings AS l
        WHERE l.tenant_id = tenant AND l.ends_at > now() - interval '30 days'
        ORDER BY l.listed_at DESC LIMIT 1
    ), aim AS (
        SELECT greatest(coalesce(nullif(most, 0),
                                 (SELECT newest.width FROM newest),
                                 86400), 30)::bigint AS width
    )
    SELECT floor(extract(epoch FROM greatest(
               lower(part),
               upper(part) - make_interval(secs => aim.width))))::bigint,
           ceil(extract(epoch FROM CASE WHEN upper(part) = hour THEN latest
                                        ELSE upper(part) END))::bigint,
           aim.width, floor(extract(epoch FROM now()))::bigint
    FROM due CROSS JOIN hours CROSS JOIN aim
    ORDER BY part DESC LIMIT 1;
END
$$;
CREATE FUNCTION callhook_store.note_listing(tenant uuid, begins_at timestamp with time zone, ends_at timestamp with time zone, listed bigint, missing bigint, newer bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH older AS (
        DELETE FROM callhook_store.listings AS l
        WHERE l.tenant_id = tenant AND l.ends_at > note_listing.begins_at
          AND l.begins_at < note_listing.ends_at
        RETURNING *
    )
    INSERT INTO callhook_store.listings
        (tenant_id, begins_at, ends_at, listed_at, listed, missing, newer)
    SELECT tenant, span.begins_at, span.ends_at, o.listed_at, o.listed,
           o.missing, o.newer
    FROM older AS o
    CROSS JOIN LATERAL (VALUES
        (o.begins_at, note_listing.begins_at),
        (note_listing.ends_at, o.ends_at)) AS span (begins_at, ends_at)
    WHERE span.begins_at < span.ends_at
    UNION ALL
    SELECT tenant, note_listing.begins_at, note_listing.ends_at, now(),
           note_listing.listed, note_listing.missing, note_listing.newer;
$$;
CREATE FUNCTION callhook_store.note_outcomes(tenant uuid, calls uuid[], outcomes text[], fault text) RETURNS void
    LANGUAGE sql
    AS $$
    WITH noted AS (
        SELECT o.call_id, o.outcome, r.version, r.start_date_time,
               r.end_date_time, r.call_id IS NOT NULL AS stored,
               outcome IN ('stored', 'same') AS good,
               outcome IN ('bad', 'incomplete') AS failed
        FROM unnest(calls, outcomes) AS o (call_id, outcome)
        LEFT JOIN callhook_store.call_records AS r
            ON r.call_id = o.call_id AND r.tenant_id = tenant
        WHERE outcome <> 'lost'
    )
    UPDATE callhook_store.calls AS c
    SET reading_no = CASE outcome WHEN 'changed' THEN c.reading_no END,
        version = n.version,
        started_at = coalesce(n.start_date_time, c.started_at),
        ended_at = coalesce(n.end_date_time, c.ended_at),
        read_at = CASE WHEN good THEN now() ELSE c.read_at END,
        record_state = CASE WHEN stored THEN 'stored'
                            WHEN failed THEN 'failed'
                            ELSE c.record_state END,
        error_status = NULL,
        error_code = CASE WHEN failed THEN concat_ws(' ', outcome, fault) END,
        error_request_id = NULL,
        attempts = CASE WHEN good AND coalesce(n.version >= c.listed_version,
                                               true)
                        THEN 0 ELSE c.attempts END,
        next_read_at = CASE
            WHEN outcome = 'changed' THEN c.next_read_at
            WHEN c.wanted THEN now()
            WHEN (failed OR coalesce(n.version < c.listed_version, false))
             AND coalesce(c.ended_at, c.last_notified_at, c.filed_at)
                 > now() - interval '30 days'
            THEN now() + callhook_store.backoff(c.attempts) END
    FROM noted AS n
    WHERE c.call_id = n.call_id AND c.tenant_id = tenant;
$$;
CREATE FUNCTION callhook_store.page_rows(page json) RETURNS SETOF jsonb
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    body constant jsonb := callhook_store.parsed(page);
    items jsonb := body;
BEGIN
    IF jsonb_typeof(body) = 'object' THEN
        items := body -> 'value';
    END IF;
    IF jsonb_typeof(items) IS DISTINCT FROM 'array' THEN
        RAISE 'a page without an array of rows'
            USING ERRCODE = 'data_exception';
    END IF;
    IF EXISTS (SELECT FROM callhook_store.forgotten) THEN
        items := callhook_store.without_forgotten(items);
    END IF;
    RETURN QUERY SELECT * FROM jsonb_array_elements(items);
END
$$;
CREATE FUNCTION callhook_store.parsed(body json) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    raw text := body::text;
BEGIN
    IF position('\u' IN raw) = 0 THEN
        RETURN raw::jsonb;
    END IF;
    raw := regexp_replace(raw,
        '(?<!\\)((?:\\\\)*)\\u(?:0000'
        '|[dD][89abAB][[:xdigit:]]{2}(?!\\u[dD][c-fC-F][[:xdigit:]]{2}))',
        E'\\1\uFFFD', 'g');
    RETURN regexp_replace(raw,
        '(?<!\\u[dD][89abAB][[:xdigit:]]{2})(?<!\\)((?:\\\\)*)'
        '\\u[dD][c-fC-F][[:xdigit:]]{2}',
        E'\\1\uFFFD', 'g')::jsonb;
END
$$;
CREATE FUNCTION callhook_store.reading_failed(tenant uuid, call uuid, reading bigint, status integer, code text, request_id text) RETURNS text
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM callhook_store.record_pages
    WHERE call_id = call AND tenant_id = tenant AND reading_no = reading;
    UPDATE callhook_store.calls AS c
    SET reading_no = NULL,
        next_read_at = CASE WHEN NOT f.reads THEN NULL
                            WHEN c.wanted AND f.pause IS NULL THEN now()
                            ELSE now() + f.pause END,
        record_state = CASE
            WHEN c.record_state = 'stored' THEN 'stored'
            WHEN f.pause IS NULL AND status = 404 THEN 'gone'
            WHEN NOT f.reads THEN 'none' -- fetch asked for it
            WHEN f.pause IS NULL OR f.pause = interval '1 day'
             AND status <> 404 THEN 'failed'
            ELSE 'waiting' END,
        error_status = status,
        error_code = left(code, 100),
        error_request_id = left(request_id, 100)
    FROM (SELECT callhook_store.retry_after(status,
              now() - greatest(last_notified_at,
                               coalesce(ended_at, filed_at)), attempts) AS pause,
              EXISTS (SELECT FROM callhook_store.readers AS r
                      WHERE r.tenant_id = tenant) AS reads
          FROM callhook_store.calls
          WHERE call_id = call AND tenant_id = tenant) AS f
    WHERE c.call_id = call AND c.tenant_id = tenant AND c.reading_no = reading
    RETURNING c.record_state;
$$;
CREATE FUNCTION callhook_store.release_call(tenant uuid, call uuid, reading bigint, retry_after interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE callhook_store.calls
    SET attempts = greatest(attempts - 1, 0),
        next_read_at = now() + retry_after
    WHERE call_id = call AND tenant_id = tenant AND reading_no = reading;
$$;
CREATE FUNCTION callhook_store.remove_old_calls(before timestamp with time zone, batch integer) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    tenant uuid;
    old uuid[];
    removed bigint := 0;
BEGIN
    FOR tenant, old IN
        SELECT tenant_id, array_agg(call_id) FROM (
            SELECT tenant_id, call_id FROM callhook_store.calls
            WHERE day < (before AT TIME ZONE 'UTC')::date
              AND coalesce(last_notified_at, ended_at, started_at, filed_at)
                  < before
            LIMIT batch FOR UPDATE SKIP LOCKED) AS c
        GROUP BY tenant_id
    LOOP
        PERFORM callhook_store.remove_record(tenant, old);
        DELETE FROM callhook_store.record_pages
        WHERE call_id = ANY (old) AND tenant_id = tenant;
        DELETE FROM callhook_store.record_versions
        WHERE call_id = ANY (old) AND tenant_id = tenant;
        DELETE FROM callhook_store.calls
        WHERE call_id = ANY (old) AND tenant_id = tenant;
        removed := removed + cardinality(old);
    END LOOP;
    RETURN removed;
END
$$;
CREATE FUNCTION callhook_store.remove_old_notifications(before timestamp with time zone, batch bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    removed bigint;
BEGIN
    DELETE FROM callhook_store.notifications
    WHERE received_at < before
      AND (received_at, notification_id) IN (
        SELECT received_at, notification_id FROM callhook_store.notifications
        WHERE received_at < before ORDER BY received_at LIMIT batch);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
CREATE FUNCTION callhook_store.remove_old_rows(before timestamp with time zone, batch bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $_$
DECLARE
    old record;
    removed bigint;
    total bigint := 0;
BEGIN
    FOR old IN SELECT * FROM (VALUES
        ('pstn_calls', 'coalesce(start_date_time, read_at)', before),
        ('direct_routing_calls',
         'coalesce(start_date_time, invite_date_time, read_at)', before),
        -- Not by what was listed: it would be listed anew at each run.
        ('listings', 'listed_at', least(before, now() - interval '8 days')),
        ('gaps', 'closed_at', before),
        ('subscriptions', 'ended_at', before),
        ('refusals', 'last_at', before),
        ('lifecycle_handled', 'handled_at',
         least(before, now() - interval '7 days')),
        ('receiver_minutes', 'minute', now() - interval '13 months')
    ) AS v (name, expression, ends)
    LOOP
        EXECUTE format(
            'DELETE FROM callhook_store.%1$I WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM callhook_store.%1$I
                 WHERE %2$s < $1 LIMIT $2))', old.name, old.expression)
            USING old.ends, greatest(batch - total, 0);
        GET DIAGNOSTICS removed = ROW_COUNT;
        total := total + removed;
    END LOOP;
    RETURN total;
END
$_$;
CREATE FUNCTION callhook_store.remove_record(tenant uuid, calls uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['streams', 'media', 'segments', 'feedback',
                                'sessions', 'participants', 'call_records']
    LOOP
        EXECUTE format('DELETE FROM callhook_store.%I
                        WHERE call_id = ANY ($1) AND tenant_id = $2', part)
            USING calls, tenant;
    END LOOP;
END
$_$;
CREATE FUNCTION callhook_store.remove_simulated(subscription uuid) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH ended AS (
        DELETE FROM callhook_store.subscriptions
        WHERE subscription_id = subscription AND ended_at <= announced_at
    ), removed AS (
        DELETE FROM callhook_store.notifications
        WHERE subscription_id = subscription
          AND received_at > now() - interval '1 hour'
          AND call_id = '00000000-0000-0000-0000-000000000000'
        RETURNING notification_id
    )
    SELECT count(*) FROM removed;
$$;
CREATE FUNCTION callhook_store.replace_records(tenant uuid, calls uuid[], readings bigint[], digests bytea[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    old uuid[];
BEGIN
    SELECT array_agg(call_id) INTO old FROM callhook_store.call_records
    WHERE call_id = ANY (calls) AND tenant_id = tenant;
    IF old IS NOT NULL THEN
        PERFORM callhook_store.remove_record(tenant, old);
    END IF;
    PERFORM callhook_store.forget_in_pages(tenant, calls, readings);
    PERFORM callhook_store.take_apart(tenant, calls, readings, digests);
END
$$;
CREATE FUNCTION callhook_store.retain(days integer, batch integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    before constant timestamptz := now() - make_interval(days => days);
    total bigint;
BEGIN
    IF days <= 0 THEN
        RETURN 0;
    END IF;
    -- A month that is dropped locks out inserts until the transaction ends.
    IF callhook_store.drop_months(before) > 0 THEN
        RETURN batch;
    END IF;
    total := callhook_store.remove_old_calls(before, batch);
    total := total + callhook_store.remove_old_notifications(
        before, batch - total);
    RETURN total + callhook_store.remove_old_rows(before, batch - total);
END
$$;
CREATE FUNCTION callhook_store.retry_after(status integer, age interval, attempts integer) RETURNS interval
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE
        WHEN age > interval '30 days' THEN NULL
        WHEN status = 404 AND age < interval '150 minutes' THEN
            least(greatest(age / 8, interval '1 minute'),
                  interval '10 minutes')
        WHEN status = 404 THEN
            least(greatest(age / 8, interval '15 minutes'), interval '1 day')
        WHEN status IS NULL OR status < 300 OR status IN (401, 408, 429)
          OR status >= 500
            THEN callhook_store.backoff(attempts)
        ELSE interval '1 day' END;
$$;
CREATE FUNCTION callhook_store.schema_major() RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT major FROM callhook_store.version;
$$;
CREATE FUNCTION callhook_store.set_reading(tenant uuid, reads boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF reads THEN
        INSERT INTO callhook_store.readers (tenant_id) VALUES (tenant)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            UPDATE callhook_store.calls
            SET record_state = 'waiting', next_read_at = now()
            WHERE tenant_id = tenant AND record_state = 'none'
              AND coalesce(ended_at, last_notified_at, filed_at)
                  > now() - interval '30 days';
        END IF;
    ELSE
        DELETE FROM callhook_store.readers WHERE tenant_id = tenant;
        IF FOUND THEN
            DELETE FROM callhook_store.record_pages AS p
            USING callhook_store.calls AS c
            WHERE c.tenant_id = tenant AND c.next_read_at IS NOT NULL
              AND p.call_id = c.call_id AND p.tenant_id = tenant
              AND p.reading_no = c.reading_no;
            UPDATE callhook_store.calls
            SET record_state = CASE record_state WHEN 'waiting' THEN 'none'
                                                 ELSE record_state END,
                next_read_at = NULL, reading_no = NULL
            WHERE tenant_id = tenant AND next_read_at IS NOT NULL;
        END IF;
    END IF;
END
$$;
CREATE FUNCTION callhook_store.slab_end(begins timestamp with time zone, ends timestamp with time zone, width interval, batch integer) RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    upper timestamptz := least(begins + width, ends);
    found bigint;
BEGIN
    LOOP
        SELECT count(*) INTO found
        FROM (SELECT FROM callhook_store.notifications
              WHERE stored_at >= begins AND stored_at < upper
              LIMIT batch + 1) AS rows;
        EXIT WHEN found <= batch OR upper - begins <= interval '1 ms';
        upper := begins + (upper - begins) / 2;
    END LOOP;
    RETURN upper;
END
$$;
CREATE FUNCTION callhook_store.stopped_at(tenant uuid, call uuid, reading bigint) RETURNS TABLE(apart boolean, records bigint, session_pages bigint, sessions_next text, participant_pages bigint, participants_next text)
    LANGUAGE sql STABLE
    AS $$
    WITH page AS MATERIALIZED (
        SELECT kind, page_no, body FROM callhook_store.record_pages
        WHERE call_id = call AND tenant_id = tenant AND reading_no = reading
    ), last AS (
        SELECT kind, name, callhook_store.parsed(body) ->>
                   CASE kind WHEN 'record' THEN name || '@odata.nextLink'
                             ELSE '@odata.nextLink' END AS link
        FROM (VALUES ('sessions'), ('participants_v2')) AS l (name)
        CROSS JOIN LATERAL (
            SELECT kind, body FROM page
            WHERE kind = name OR kind = 'record'
              AND (page_no = 1 OR name = 'participants_v2')
            ORDER BY kind = 'record', page_no DESC LIMIT 1) AS p
    )
    SELECT (SELECT NOT callhook_store.parsed(body) ? 'participants_v2'
            FROM page WHERE kind = 'record' AND page_no = 1),
           (SELECT count(*) FROM page WHERE kind = 'record'),
           (SELECT count(*) FROM page WHERE kind = 'sessions'),
           (SELECT link FROM last WHERE name = 'sessions'),
           (SELECT count(*) FROM page WHERE kind = 'participants_v2'),
           (SELECT link FROM last WHERE name = 'participants_v2');
$$;
CREATE FUNCTION callhook_store.store_direct_routing_rows(tenant uuid, page json) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    stored integer;
BEGIN
    WITH row AS (
        SELECT DISTINCT ON (id) id, e.object
        FROM callhook_store.page_rows(page) WITH ORDINALITY AS e (object, n)
        CROSS JOIN LATERAL (SELECT coalesce(e.object ->> 'id',
            encode(sha256(convert_to(e.object::text, 'UTF8')), 'hex')))
            AS i (id)
        ORDER BY id, n DESC
    ), put AS (
        INSERT INTO callhook_store.direct_routing_calls (tenant_id, id, correlation_id, user_id, user_principal_name, user_display_name, start_date_time, invite_date_time, failure_date_time, end_date_time, duration_seconds, call_type, successful_call, caller_number, callee_number, media_path_location, signaling_location, final_sip_code, call_end_sub_reason, final_sip_code_phrase, trunk_fully_qualified_domain_name, media_bypass_enabled, extra)
         SELECT tenant, o.id, r17."correlationId", r17."userId", r17."userPrincipalName", r17."userDisplayName", callhook_store.as_time(r17."startDateTime"), callhook_store.as_time(r17."inviteDateTime"), callhook_store.as_time(nullif(r17."failureDateTime", '0001-01-01T00:00:00Z')), callhook_store.as_time(r17."endDateTime"), callhook_store.as_integer(r17.duration), r17."callType", callhook_store.as_boolean(r17."successfulCall"), r17."callerNumber", r17."calleeNumber", r17."mediaPathLocation", r17."signalingLocation", callhook_store.as_integer(r17."finalSipCode"), callhook_store.as_integer(r17."callEndSubReason"), r17."finalSipCodePhrase", r17."trunkFullyQualifiedDomainName", callhook_store.as_boolean(r17."mediaBypassEnabled"), callhook_store.leftover(o.object, '{@odata.type,id,correlationId,userId,userPrincipalName,userDisplayName,startDateTime,inviteDateTime,failureDateTime,endDateTime,duration,callType,successfulCall,callerNumber,calleeNumber,mediaPathLocation,signalingLocation,finalSipCode,callEndSubReason,finalSipCodePhrase,trunkFullyQualifiedDomainName,mediaBypassEnabled}', CASE WHEN num_nonnulls(callhook_store.as_time(r17."startDateTime"), callhook_store.as_time(r17."inviteDateTime"), callhook_store.as_time(nullif(r17."failureDateTime", '0001-01-01T00:00:00Z')), callhook_store.as_time(r17."endDateTime"), callhook_store.as_integer(r17.duration), callhook_store.as_boolean(r17."successfulCall"), callhook_store.as_integer(r17."finalSipCode"), callhook_store.as_integer(r17."callEndSubReason"), callhook_store.as_boolean(r17."mediaBypassEnabled")) < num_nonnulls(r17."startDateTime", r17."inviteDateTime", r17."failureDateTime", r17."endDateTime", r17.duration, r17."successfulCall", r17."finalSipCode", r17."callEndSubReason", r17."mediaBypassEnabled") THEN jsonb_build_object('startDateTime', CASE WHEN callhook_store.as_time(r17."startDateTime") IS NULL THEN (o.object -> 'startDateTime') END, 'inviteDateTime', CASE WHEN callhook_store.as_time(r17."inviteDateTime") IS NULL THEN (o.object -> 'inviteDateTime') END, 'failureDateTime', CASE WHEN callhook_store.as_time(nullif(r17."failureDateTime", '0001-01-01T00:00:00Z')) IS NULL THEN nullif((o.object -> 'failureDateTime'), '"0001-01-01T00:00:00Z"') END, 'endDateTime', CASE WHEN callhook_store.as_time(r17."endDateTime") IS NULL THEN (o.object -> 'endDateTime') END, 'duration', CASE WHEN callhook_store.as_integer(r17.duration) IS NULL THEN (o.object -> 'duration') END, 'successfulCall', CASE WHEN callhook_store.as_boolean(r17."successfulCall") IS NULL THEN (o.object -> 'successfulCall') END, 'finalSipCode', CASE WHEN callhook_store.as_integer(r17."finalSipCode") IS NULL THEN (o.object -> 'finalSipCode') END, 'callEndSubReason', CASE WHEN callhook_store.as_integer(r17."callEndSubReason") IS NULL THEN (o.object -> 'callEndSubReason') END, 'mediaBypassEnabled', CASE WHEN callhook_store.as_boolean(r17."mediaBypassEnabled") IS NULL THEN (o.object -> 'mediaBypassEnabled') END) ELSE '{}' END) FROM row AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r17 ("correlationId" text, "userId" text, "userPrincipalName" text, "userDisplayName" text, "startDateTime" text, "inviteDateTime" text, "failureDateTime" text, "endDateTime" text, duration jsonb, "callType" text, "successfulCall" jsonb, "callerNumber" text, "calleeNumber" text, "mediaPathLocation" text, "signalingLocation" text, "finalSipCode" jsonb, "callEndSubReason" jsonb, "finalSipCodePhrase" text, "trunkFullyQualifiedDomainName" text, "mediaBypassEnabled" jsonb)
        ON CONFLICT (id, tenant_id) DO UPDATE SET read_at = now(), correlation_id = excluded.correlation_id, user_id = excluded.user_id, user_principal_name = excluded.user_principal_name, user_display_name = excluded.user_display_name, start_date_time = excluded.start_date_time, invite_date_time = excluded.invite_date_time, failure_date_time = excluded.failure_date_time, end_date_time = excluded.end_date_time, duration_seconds = excluded.duration_seconds, call_type = excluded.call_type, successful_call = excluded.successful_call, caller_number = excluded.caller_number, callee_number = excluded.callee_number, media_path_location = excluded.media_path_location, signaling_location = excluded.signaling_location, final_sip_code = excluded.final_sip_code, call_end_sub_reason = excluded.call_end_sub_reason, final_sip_code_phrase = excluded.final_sip_code_phrase, trunk_fully_qualified_domain_name = excluded.trunk_fully_qualified_domain_name, media_bypass_enabled = excluded.media_bypass_enabled, extra = excluded.extra
        RETURNING 1
    )
    SELECT count(*) INTO stored FROM put;
    RETURN stored;
END
$$;
CREATE FUNCTION callhook_store.store_page(tenant uuid, call uuid, reading bigint, kind text, page_no integer, body json) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH stored AS (
        INSERT INTO callhook_store.record_pages
            (tenant_id, call_id, reading_no, kind, page_no, body)
        SELECT tenant, call, reading, kind, page_no, body
        FROM callhook_store.calls AS c
        WHERE c.call_id = call AND c.tenant_id = tenant
          AND c.reading_no = reading
        ON CONFLICT ON CONSTRAINT record_pages_pkey
            DO UPDATE SET body = excluded.body
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM stored);
$$;
CREATE FUNCTION callhook_store.store_pstn_rows(tenant uuid, page json) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS $$
DECLARE
    stored integer;
BEGIN
    WITH row AS (
        SELECT DISTINCT ON (id) id, e.object
        FROM callhook_store.page_rows(page) WITH ORDINALITY AS e (object, n)
        CROSS JOIN LATERAL (SELECT coalesce(e.object ->> 'id',
            encode(sha256(convert_to(e.object::text, 'UTF8')), 'hex')))
            AS i (id)
        ORDER BY id, n DESC
    ), put AS (
        INSERT INTO callhook_store.pstn_calls (tenant_id, id, call_id, user_id, user_principal_name, user_display_name, start_date_time, end_date_time, duration_seconds, charge, connection_charge, currency, call_type, callee_number, caller_number, usage_country_code, tenant_country_code, destination_context, destination_name, conference_id, license_capability, inventory_type, operator, call_duration_source, extra)
         SELECT tenant, o.id, r16."callId", r16."userId", r16."userPrincipalName", r16."userDisplayName", callhook_store.as_time(r16."startDateTime"), callhook_store.as_time(r16."endDateTime"), callhook_store.as_integer(r16.duration), callhook_store.as_numeric(r16.charge), callhook_store.as_numeric(r16."connectionCharge"), r16.currency, r16."callType", r16."calleeNumber", r16."callerNumber", r16."usageCountryCode", r16."tenantCountryCode", r16."destinationContext", r16."destinationName", r16."conferenceId", r16."licenseCapability", r16."inventoryType", r16.operator, r16."callDurationSource", callhook_store.leftover(o.object, '{@odata.type,id,callId,userId,userPrincipalName,userDisplayName,startDateTime,endDateTime,duration,charge,connectionCharge,currency,callType,calleeNumber,callerNumber,usageCountryCode,tenantCountryCode,destinationContext,destinationName,conferenceId,licenseCapability,inventoryType,operator,callDurationSource}', CASE WHEN num_nonnulls(callhook_store.as_time(r16."startDateTime"), callhook_store.as_time(r16."endDateTime"), callhook_store.as_integer(r16.duration), callhook_store.as_numeric(r16.charge), callhook_store.as_numeric(r16."connectionCharge")) < num_nonnulls(r16."startDateTime", r16."endDateTime", r16.duration, r16.charge, r16."connectionCharge") THEN jsonb_build_object('startDateTime', CASE WHEN callhook_store.as_time(r16."startDateTime") IS NULL THEN (o.object -> 'startDateTime') END, 'endDateTime', CASE WHEN callhook_store.as_time(r16."endDateTime") IS NULL THEN (o.object -> 'endDateTime') END, 'duration', CASE WHEN callhook_store.as_integer(r16.duration) IS NULL THEN (o.object -> 'duration') END, 'charge', CASE WHEN callhook_store.as_numeric(r16.charge) IS NULL THEN (o.object -> 'charge') END, 'connectionCharge', CASE WHEN callhook_store.as_numeric(r16."connectionCharge") IS NULL THEN (o.object -> 'connectionCharge') END) ELSE '{}' END) FROM row AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r16 ("callId" text, "userId" text, "userPrincipalName" text, "userDisplayName" text, "startDateTime" text, "endDateTime" text, duration jsonb, charge jsonb, "connectionCharge" jsonb, currency text, "callType" text, "calleeNumber" text, "callerNumber" text, "usageCountryCode" text, "tenantCountryCode" text, "destinationContext" text, "destinationName" text, "conferenceId" text, "licenseCapability" text, "inventoryType" text, operator text, "callDurationSource" text)
        ON CONFLICT (id, tenant_id) DO UPDATE SET read_at = now(), call_id = excluded.call_id, user_id = excluded.user_id, user_principal_name = excluded.user_principal_name, user_display_name = excluded.user_display_name, start_date_time = excluded.start_date_time, end_date_time = excluded.end_date_time, duration_seconds = excluded.duration_seconds, charge = excluded.charge, connection_charge = excluded.connection_charge, currency = excluded.currency, call_type = excluded.call_type, callee_number = excluded.callee_number, caller_number = excluded.caller_number, usage_country_code = excluded.usage_country_code, tenant_country_code = excluded.tenant_country_code, destination_context = excluded.destination_context, destination_name = excluded.destination_name, conference_id = excluded.conference_id, license_capability = excluded.license_capability, inventory_type = excluded.inventory_type, operator = excluded.operator, call_duration_source = excluded.call_duration_source, extra = excluded.extra
        RETURNING 1
    )
    SELECT count(*) INTO stored FROM put;
    RETURN stored;
END
$$;
CREATE FUNCTION callhook_store.take_apart(tenant uuid, calls uuid[], readings bigint[], digests bytea[]) RETURNS void
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $_$
BEGIN
WITH page AS MATERIALIZED (
    SELECT p.call_id, p.reading_no, p.kind, p.page_no,
           callhook_store.parsed(p.body) AS body
    FROM callhook_store.record_pages AS p
    WHERE p.tenant_id = tenant AND p.call_id = ANY (calls)
      AND p.reading_no = ANY (readings)
), list AS MATERIALIZED (
    SELECT call_id, kind, name, items,
           sum(length) OVER (PARTITION BY call_id, name
                             ORDER BY kind <> 'record', page_no) - length
               AS before,
           sum(length) FILTER (WHERE name = 'sessions')
               OVER (PARTITION BY call_id) AS sessions,
           sum(length) FILTER (WHERE name = 'participants_v2')
               OVER (PARTITION BY call_id) AS participants,
           sum(length) FILTER (WHERE name = 'participants')
               OVER (PARTITION BY call_id) AS older_participants
    FROM page
    CROSS JOIN LATERAL (VALUES
        ('sessions', CASE kind WHEN 'record' THEN body -> 'sessions'
                               WHEN 'sessions' THEN body -> 'value' END),
        ('participants_v2',
         CASE kind WHEN 'record' THEN body -> 'participants_v2'
                   WHEN 'participants_v2' THEN body -> 'value' END),
        ('participants',
         CASE kind WHEN 'record' THEN body -> 'participants' END))
        AS l (name, items)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN jsonb_typeof(items) = 'array'
                    THEN jsonb_array_length(items) END) AS n (length)
    WHERE length > 0
), total AS (
    SELECT DISTINCT call_id, sessions, participants, older_participants
    FROM list
), session AS MATERIALIZED (
    SELECT call_id, (before + n)::integer AS session_no, object
    FROM list CROSS JOIN LATERAL jsonb_array_elements(items)
        WITH ORDINALITY AS e (object, n)
    WHERE name = 'sessions'
), segment AS MATERIALIZED (
    SELECT call_id, session_no, n::integer AS segment_no, e.object
    FROM session
    CROSS JOIN LATERAL (SELECT session.object -> 'segments') AS i (items)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(items) WHEN 'array' THEN items END)
        WITH ORDINALITY AS e (object, n)
), medium AS MATERIALIZED (
    SELECT call_id, session_no, segment_no, n::integer AS media_no, e.object
    FROM segment
    CROSS JOIN LATERAL (SELECT segment.object -> 'media') AS i (items)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(items) WHEN 'array' THEN items END)
        WITH ORDINALITY AS e (object, n)
), stream AS (
    SELECT call_id, session_no, segment_no, media_no, n::integer AS stream_no,
           e.object
    FROM medium
    CROSS JOIN LATERAL (SELECT medium.object -> 'streams') AS i (items)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(items) WHEN 'array' THEN items END)
        WITH ORDINALITY AS e (object, n)
), feedback AS (
    SELECT call_id, session_no, segment_no, side, endpoint,
           endpoint -> 'feedback' AS object
    FROM (SELECT call_id, session_no, 0 AS segment_no, side,
                 object -> side AS endpoint
          FROM session CROSS JOIN (VALUES ('caller'), ('callee')) AS v (side)
          UNION ALL
          SELECT call_id, session_no, segment_no, side, object -> side
          FROM segment CROSS JOIN (VALUES ('caller'), ('callee')) AS v (side))
         AS e
    WHERE endpoint -> 'feedback' <> 'null'
), participant AS (
    SELECT call_id, (before + n)::integer AS participant_no,
           CASE name WHEN 'participants' THEN
               jsonb_build_object('identity', e.object)
           ELSE e.object END AS object
    FROM list CROSS JOIN LATERAL jsonb_array_elements(items)
        WITH ORDINALITY AS e (object, n)
    WHERE name = CASE WHEN participants > 0
                      THEN 'participants_v2' ELSE 'participants' END
), head AS (
    SELECT DISTINCT ON (call_id) call_id, reading_no, body AS object
    FROM page WHERE kind = 'record' ORDER BY call_id, page_no
), record AS (
    SELECT call_id, reading_no, v.sha256, object,
           coalesce(t.sessions, 0) AS sessions,
           coalesce(t.participants, t.older_participants, 0) AS participants,
           CASE WHEN t.participants > 0
                 AND NOT jsonb_path_query_array(
                             object, '$.participants_v2[*].identity')
                         @> jsonb_strip_nulls(object -> 'participants')
                THEN object -> 'participants' END AS unused_participants
    FROM head
    JOIN unnest(readings, digests) AS v (reading_no, sha256)
        USING (reading_no)
    LEFT JOIN total AS t USING (call_id)
), 
put_record AS (INSERT INTO callhook_store.call_records (tenant_id, call_id, reading_no, sha256, participants, sessions, version, type, modalities, start_date_time, end_date_time, last_modified_date_time, join_web_url, organizer_id, organizer_administrative_unit_infos, organizer_identity_kind, organizer_identity_id, organizer_identity_name, organizer_identity_tenant_id, organizer_identity_user_principal_name, organizer_identity_endpoint_type, organizer_identity, extra)
         SELECT tenant, o.call_id, o.reading_no, o.sha256, o.participants, o.sessions, callhook_store.as_bigint(r1.version), r1.type, CASE WHEN jsonb_typeof(r1.modalities) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(r1.modalities)) END, callhook_store.as_time(r1."startDateTime"), callhook_store.as_time(r1."endDateTime"), callhook_store.as_time(r1."lastModifiedDateTime"), r1."joinWebUrl", r2.id, r2."administrativeUnitInfos", r3.kind, r3.id, r3.name, r3.tenant_id, r3.user_principal_name, r3.endpoint_type, r3.rest, callhook_store.leftover(o.object, '{@odata.context,@odata.type,@odata.id,@odata.etag,id,organizer_v2@odata.context,sessions@odata.context,sessions@odata.nextLink,participants_v2@odata.context,participants_v2@odata.nextLink,version,type,modalities,startDateTime,endDateTime,lastModifiedDateTime,joinWebUrl,organizer,organizer_v2,participants,participants_v2,sessions}', CASE WHEN num_nonnulls(callhook_store.as_bigint(r1.version), CASE WHEN jsonb_typeof(r1.modalities) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(r1.modalities)) END, callhook_store.as_time(r1."startDateTime"), callhook_store.as_time(r1."endDateTime"), callhook_store.as_time(r1."lastModifiedDateTime"), CASE WHEN jsonb_typeof(r1.participants) = 'array' THEN r1.participants END, CASE WHEN jsonb_typeof(r1.participants_v2) = 'array' THEN r1.participants_v2 END, CASE WHEN jsonb_typeof(r1.sessions) = 'array' THEN r1.sessions END) < num_nonnulls(r1.version, r1.modalities, r1."startDateTime", r1."endDateTime", r1."lastModifiedDateTime", r1.participants, r1.participants_v2, r1.sessions) THEN jsonb_build_object('version', CASE WHEN callhook_store.as_bigint(r1.version) IS NULL THEN (o.object -> 'version') END, 'modalities', CASE WHEN CASE WHEN jsonb_typeof(r1.modalities) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(r1.modalities)) END IS NULL THEN (o.object -> 'modalities') END, 'startDateTime', CASE WHEN callhook_store.as_time(r1."startDateTime") IS NULL THEN (o.object -> 'startDateTime') END, 'endDateTime', CASE WHEN callhook_store.as_time(r1."endDateTime") IS NULL THEN (o.object -> 'endDateTime') END, 'lastModifiedDateTime', CASE WHEN callhook_store.as_time(r1."lastModifiedDateTime") IS NULL THEN (o.object -> 'lastModifiedDateTime') END, 'participants', CASE WHEN CASE WHEN jsonb_typeof(r1.participants) = 'array' THEN r1.participants END IS NULL THEN (o.object -> 'participants') END, 'participants_v2', CASE WHEN CASE WHEN jsonb_typeof(r1.participants_v2) = 'array' THEN r1.participants_v2 END IS NULL THEN (o.object -> 'participants_v2') END, 'sessions', CASE WHEN CASE WHEN jsonb_typeof(r1.sessions) = 'array' THEN r1.sessions END IS NULL THEN (o.object -> 'sessions') END) ELSE '{}' END || jsonb_build_object('organizer', CASE
          WHEN o.object -> 'organizer_v2' -> 'identity' <> 'null'
           AND NOT o.object -> 'organizer_v2' -> 'identity'
                   @> jsonb_strip_nulls(o.object -> 'organizer')
          THEN o.object -> 'organizer' END,
          'participants', o.unused_participants) || jsonb_build_object('organizer_v2', callhook_store.leftover(o.object -> 'organizer_v2', '{@odata.type,id,identity,administrativeUnitInfos}', '{}'))) FROM record AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r1 (version jsonb, type text, modalities jsonb, "startDateTime" text, "endDateTime" text, "lastModifiedDateTime" text, "joinWebUrl" text, participants jsonb, participants_v2 jsonb, sessions jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'organizer_v2') WHEN 'object' THEN o.object -> 'organizer_v2' END) AS r2 (id text, "administrativeUnitInfos" jsonb)
CROSS JOIN LATERAL callhook_store.who(NULL, coalesce(nullif(o.object -> 'organizer_v2' -> 'identity', 'null'), o.object -> 'organizer')) AS r3),
put_participants AS (INSERT INTO callhook_store.participants (tenant_id, call_id, participant_no, id, administrative_unit_infos, identity_kind, identity_id, identity_name, identity_tenant_id, identity_user_principal_name, identity_endpoint_type, identity, extra)
         SELECT tenant, o.call_id, o.participant_no, r4.id, r4."administrativeUnitInfos", r5.kind, r5.id, r5.name, r5.tenant_id, r5.user_principal_name, r5.endpoint_type, r5.rest, callhook_store.leftover(o.object, '{@odata.type,id,identity,administrativeUnitInfos}', '{}') FROM participant AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r4 (id text, "administrativeUnitInfos" jsonb)
CROSS JOIN LATERAL callhook_store.who(NULL, o.object -> 'identity') AS r5),
put_sessions AS (INSERT INTO callhook_store.sessions (tenant_id, call_id, session_no, id, start_date_time, end_date_time, modalities, is_test, caller_type, caller_name, caller_cpu_name, caller_cpu_cores_count, caller_cpu_processor_speed_in_mhz, caller_user_agent_type, caller_user_agent_header_value, caller_user_agent_application_version, caller_user_agent_platform, caller_user_agent_product_family, caller_user_agent_azure_ad_app_id, caller_user_agent_communication_service_id, caller_user_agent_role, caller_identity_kind, caller_identity_id, caller_identity_name, caller_identity_tenant_id, caller_identity_user_principal_name, caller_identity_endpoint_type, caller_identity, callee_type, callee_name, callee_cpu_name, callee_cpu_cores_count, callee_cpu_processor_speed_in_mhz, callee_user_agent_type, callee_user_agent_header_value, callee_user_agent_application_version, callee_user_agent_platform, callee_user_agent_product_family, callee_user_agent_azure_ad_app_id, callee_user_agent_communication_service_id, callee_user_agent_role, callee_identity_kind, callee_identity_id, callee_identity_name, callee_identity_tenant_id, callee_identity_user_principal_name, callee_identity_endpoint_type, callee_identity, failure_stage, failure_reason, extra)
         SELECT tenant, o.call_id, o.session_no, r6.id, callhook_store.as_time(r6."startDateTime"), callhook_store.as_time(r6."endDateTime"), CASE WHEN jsonb_typeof(r6.modalities) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(r6.modalities)) END, callhook_store.as_boolean(r6."isTest"), substring(r18."@odata.type" FROM '[^.#]*$'), r18.name, r18."cpuName", callhook_store.as_integer(r18."cpuCoresCount"), callhook_store.as_integer(r18."cpuProcessorSpeedInMhz"), substring(r20."@odata.type" FROM '[^.#]*$'), r20."headerValue", r20."applicationVersion", r20.platform, r20."productFamily", r20."azureADAppId", r20."communicationServiceId", r20.role, r22.kind, r22.id, r22.name, r22.tenant_id, r22.user_principal_name, r22.endpoint_type, r22.rest, substring(r24."@odata.type" FROM '[^.#]*$'), r24.name, r24."cpuName", callhook_store.as_integer(r24."cpuCoresCount"), callhook_store.as_integer(r24."cpuProcessorSpeedInMhz"), substring(r26."@odata.type" FROM '[^.#]*$'), r26."headerValue", r26."applicationVersion", r26.platform, r26."productFamily", r26."azureADAppId", r26."communicationServiceId", r26.role, r28.kind, r28.id, r28.name, r28.tenant_id, r28.user_principal_name, r28.endpoint_type, r28.rest, r30.stage, r30.reason, callhook_store.leftover(o.object, '{@odata.type,segments@odata.context,id,startDateTime,endDateTime,modalities,isTest,caller,callee,failureInfo,segments}', CASE WHEN num_nonnulls(callhook_store.as_time(r6."startDateTime"), callhook_store.as_time(r6."endDateTime"), CASE WHEN jsonb_typeof(r6.modalities) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(r6.modalities)) END, callhook_store.as_boolean(r6."isTest"), CASE WHEN jsonb_typeof(r6.segments) = 'array' THEN r6.segments END) < num_nonnulls(r6."startDateTime", r6."endDateTime", r6.modalities, r6."isTest", r6.segments) THEN jsonb_build_object('startDateTime', CASE WHEN callhook_store.as_time(r6."startDateTime") IS NULL THEN (o.object -> 'startDateTime') END, 'endDateTime', CASE WHEN callhook_store.as_time(r6."endDateTime") IS NULL THEN (o.object -> 'endDateTime') END, 'modalities', CASE WHEN CASE WHEN jsonb_typeof(r6.modalities) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(r6.modalities)) END IS NULL THEN (o.object -> 'modalities') END, 'isTest', CASE WHEN callhook_store.as_boolean(r6."isTest") IS NULL THEN (o.object -> 'isTest') END, 'segments', CASE WHEN CASE WHEN jsonb_typeof(r6.segments) = 'array' THEN r6.segments END IS NULL THEN (o.object -> 'segments') END) ELSE '{}' END || jsonb_build_object('caller', callhook_store.leftover(o.object -> 'caller', '{@odata.type,name,cpuName,cpuCoresCount,cpuProcessorSpeedInMhz,associatedIdentity,identity,userAgent,feedback}', CASE WHEN num_nonnulls(substring(r18."@odata.type" FROM '[^.#]*$'), callhook_store.as_integer(r18."cpuCoresCount"), callhook_store.as_integer(r18."cpuProcessorSpeedInMhz")) < num_nonnulls(r18."@odata.type", r18."cpuCoresCount", r18."cpuProcessorSpeedInMhz") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r18."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'caller' -> '@odata.type') END, 'cpuCoresCount', CASE WHEN callhook_store.as_integer(r18."cpuCoresCount") IS NULL THEN (o.object -> 'caller' -> 'cpuCoresCount') END, 'cpuProcessorSpeedInMhz', CASE WHEN callhook_store.as_integer(r18."cpuProcessorSpeedInMhz") IS NULL THEN (o.object -> 'caller' -> 'cpuProcessorSpeedInMhz') END) ELSE '{}' END || jsonb_build_object('userAgent', callhook_store.leftover(o.object -> 'caller' -> 'userAgent', '{@odata.type,headerValue,applicationVersion,platform,productFamily,azureADAppId,communicationServiceId,role}', CASE WHEN num_nonnulls(substring(r20."@odata.type" FROM '[^.#]*$')) < num_nonnulls(r20."@odata.type") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r20."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'caller' -> 'userAgent' -> '@odata.type') END) ELSE '{}' END)))) || jsonb_build_object('callee', callhook_store.leftover(o.object -> 'callee', '{@odata.type,name,cpuName,cpuCoresCount,cpuProcessorSpeedInMhz,associatedIdentity,identity,userAgent,feedback}', CASE WHEN num_nonnulls(substring(r24."@odata.type" FROM '[^.#]*$'), callhook_store.as_integer(r24."cpuCoresCount"), callhook_store.as_integer(r24."cpuProcessorSpeedInMhz")) < num_nonnulls(r24."@odata.type", r24."cpuCoresCount", r24."cpuProcessorSpeedInMhz") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r24."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'callee' -> '@odata.type') END, 'cpuCoresCount', CASE WHEN callhook_store.as_integer(r24."cpuCoresCount") IS NULL THEN (o.object -> 'callee' -> 'cpuCoresCount') END, 'cpuProcessorSpeedInMhz', CASE WHEN callhook_store.as_integer(r24."cpuProcessorSpeedInMhz") IS NULL THEN (o.object -> 'callee' -> 'cpuProcessorSpeedInMhz') END) ELSE '{}' END || jsonb_build_object('userAgent', callhook_store.leftover(o.object -> 'callee' -> 'userAgent', '{@odata.type,headerValue,applicationVersion,platform,productFamily,azureADAppId,communicationServiceId,role}', CASE WHEN num_nonnulls(substring(r26."@odata.type" FROM '[^.#]*$')) < num_nonnulls(r26."@odata.type") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r26."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'callee' -> 'userAgent' -> '@odata.type') END) ELSE '{}' END)))) || jsonb_build_object('failureInfo', callhook_store.leftover(o.object -> 'failureInfo', '{@odata.type,stage,reason}', '{}'))) FROM session AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r6 (id text, "startDateTime" text, "endDateTime" text, modalities jsonb, "isTest" jsonb, segments jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'caller') WHEN 'object' THEN o.object -> 'caller' END) AS r18 ("@odata.type" text, name text, "cpuName" text, "cpuCoresCount" jsonb, "cpuProcessorSpeedInMhz" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'caller' -> 'userAgent') WHEN 'object' THEN o.object -> 'caller' -> 'userAgent' END) AS r20 ("@odata.type" text, "headerValue" text, "applicationVersion" text, platform text, "productFamily" text, "azureADAppId" text, "communicationServiceId" text, role text)
CROSS JOIN LATERAL callhook_store.who(o.object -> 'caller' -> 'associatedIdentity', o.object -> 'caller' -> 'identity') AS r22
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'callee') WHEN 'object' THEN o.object -> 'callee' END) AS r24 ("@odata.type" text, name text, "cpuName" text, "cpuCoresCount" jsonb, "cpuProcessorSpeedInMhz" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'callee' -> 'userAgent') WHEN 'object' THEN o.object -> 'callee' -> 'userAgent' END) AS r26 ("@odata.type" text, "headerValue" text, "applicationVersion" text, platform text, "productFamily" text, "azureADAppId" text, "communicationServiceId" text, role text)
CROSS JOIN LATERAL callhook_store.who(o.object -> 'callee' -> 'associatedIdentity', o.object -> 'callee' -> 'identity') AS r28
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'failureInfo') WHEN 'object' THEN o.object -> 'failureInfo' END) AS r30 (stage text, reason text)),
put_segments AS (INSERT INTO callhook_store.segments (tenant_id, call_id, session_no, segment_no, id, start_date_time, end_date_time, caller_type, caller_name, caller_cpu_name, caller_cpu_cores_count, caller_cpu_processor_speed_in_mhz, caller_user_agent_type, caller_user_agent_header_value, caller_user_agent_application_version, caller_user_agent_platform, caller_user_agent_product_family, caller_user_agent_azure_ad_app_id, caller_user_agent_communication_service_id, caller_user_agent_role, caller_identity_kind, caller_identity_id, caller_identity_name, caller_identity_tenant_id, caller_identity_user_principal_name, caller_identity_endpoint_type, caller_identity, callee_type, callee_name, callee_cpu_name, callee_cpu_cores_count, callee_cpu_processor_speed_in_mhz, callee_user_agent_type, callee_user_agent_header_value, callee_user_agent_application_version, callee_user_agent_platform, callee_user_agent_product_family, callee_user_agent_azure_ad_app_id, callee_user_agent_communication_service_id, callee_user_agent_role, callee_identity_kind, callee_identity_id, callee_identity_name, callee_identity_tenant_id, callee_identity_user_principal_name, callee_identity_endpoint_type, callee_identity, failure_stage, failure_reason, extra)
         SELECT tenant, o.call_id, o.session_no, o.segment_no, r7.id, callhook_store.as_time(r7."startDateTime"), callhook_store.as_time(r7."endDateTime"), substring(r19."@odata.type" FROM '[^.#]*$'), r19.name, r19."cpuName", callhook_store.as_integer(r19."cpuCoresCount"), callhook_store.as_integer(r19."cpuProcessorSpeedInMhz"), substring(r21."@odata.type" FROM '[^.#]*$'), r21."headerValue", r21."applicationVersion", r21.platform, r21."productFamily", r21."azureADAppId", r21."communicationServiceId", r21.role, r23.kind, r23.id, r23.name, r23.tenant_id, r23.user_principal_name, r23.endpoint_type, r23.rest, substring(r25."@odata.type" FROM '[^.#]*$'), r25.name, r25."cpuName", callhook_store.as_integer(r25."cpuCoresCount"), callhook_store.as_integer(r25."cpuProcessorSpeedInMhz"), substring(r27."@odata.type" FROM '[^.#]*$'), r27."headerValue", r27."applicationVersion", r27.platform, r27."productFamily", r27."azureADAppId", r27."communicationServiceId", r27.role, r29.kind, r29.id, r29.name, r29.tenant_id, r29.user_principal_name, r29.endpoint_type, r29.rest, r31.stage, r31.reason, callhook_store.leftover(o.object, '{@odata.type,id,startDateTime,endDateTime,caller,callee,failureInfo,media}', CASE WHEN num_nonnulls(callhook_store.as_time(r7."startDateTime"), callhook_store.as_time(r7."endDateTime"), CASE WHEN jsonb_typeof(r7.media) = 'array' THEN r7.media END) < num_nonnulls(r7."startDateTime", r7."endDateTime", r7.media) THEN jsonb_build_object('startDateTime', CASE WHEN callhook_store.as_time(r7."startDateTime") IS NULL THEN (o.object -> 'startDateTime') END, 'endDateTime', CASE WHEN callhook_store.as_time(r7."endDateTime") IS NULL THEN (o.object -> 'endDateTime') END, 'media', CASE WHEN CASE WHEN jsonb_typeof(r7.media) = 'array' THEN r7.media END IS NULL THEN (o.object -> 'media') END) ELSE '{}' END || jsonb_build_object('caller', callhook_store.leftover(o.object -> 'caller', '{@odata.type,name,cpuName,cpuCoresCount,cpuProcessorSpeedInMhz,associatedIdentity,identity,userAgent,feedback}', CASE WHEN num_nonnulls(substring(r19."@odata.type" FROM '[^.#]*$'), callhook_store.as_integer(r19."cpuCoresCount"), callhook_store.as_integer(r19."cpuProcessorSpeedInMhz")) < num_nonnulls(r19."@odata.type", r19."cpuCoresCount", r19."cpuProcessorSpeedInMhz") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r19."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'caller' -> '@odata.type') END, 'cpuCoresCount', CASE WHEN callhook_store.as_integer(r19."cpuCoresCount") IS NULL THEN (o.object -> 'caller' -> 'cpuCoresCount') END, 'cpuProcessorSpeedInMhz', CASE WHEN callhook_store.as_integer(r19."cpuProcessorSpeedInMhz") IS NULL THEN (o.object -> 'caller' -> 'cpuProcessorSpeedInMhz') END) ELSE '{}' END || jsonb_build_object('userAgent', callhook_store.leftover(o.object -> 'caller' -> 'userAgent', '{@odata.type,headerValue,applicationVersion,platform,productFamily,azureADAppId,communicationServiceId,role}', CASE WHEN num_nonnulls(substring(r21."@odata.type" FROM '[^.#]*$')) < num_nonnulls(r21."@odata.type") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r21."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'caller' -> 'userAgent' -> '@odata.type') END) ELSE '{}' END)))) || jsonb_build_object('callee', callhook_store.leftover(o.object -> 'callee', '{@odata.type,name,cpuName,cpuCoresCount,cpuProcessorSpeedInMhz,associatedIdentity,identity,userAgent,feedback}', CASE WHEN num_nonnulls(substring(r25."@odata.type" FROM '[^.#]*$'), callhook_store.as_integer(r25."cpuCoresCount"), callhook_store.as_integer(r25."cpuProcessorSpeedInMhz")) < num_nonnulls(r25."@odata.type", r25."cpuCoresCount", r25."cpuProcessorSpeedInMhz") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r25."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'callee' -> '@odata.type') END, 'cpuCoresCount', CASE WHEN callhook_store.as_integer(r25."cpuCoresCount") IS NULL THEN (o.object -> 'callee' -> 'cpuCoresCount') END, 'cpuProcessorSpeedInMhz', CASE WHEN callhook_store.as_integer(r25."cpuProcessorSpeedInMhz") IS NULL THEN (o.object -> 'callee' -> 'cpuProcessorSpeedInMhz') END) ELSE '{}' END || jsonb_build_object('userAgent', callhook_store.leftover(o.object -> 'callee' -> 'userAgent', '{@odata.type,headerValue,applicationVersion,platform,productFamily,azureADAppId,communicationServiceId,role}', CASE WHEN num_nonnulls(substring(r27."@odata.type" FROM '[^.#]*$')) < num_nonnulls(r27."@odata.type") THEN jsonb_build_object('@odata.type', CASE WHEN substring(r27."@odata.type" FROM '[^.#]*$') IS NULL THEN (o.object -> 'callee' -> 'userAgent' -> '@odata.type') END) ELSE '{}' END)))) || jsonb_build_object('failureInfo', callhook_store.leftover(o.object -> 'failureInfo', '{@odata.type,stage,reason}', '{}'))) FROM segment AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r7 (id text, "startDateTime" text, "endDateTime" text, media jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'caller') WHEN 'object' THEN o.object -> 'caller' END) AS r19 ("@odata.type" text, name text, "cpuName" text, "cpuCoresCount" jsonb, "cpuProcessorSpeedInMhz" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'caller' -> 'userAgent') WHEN 'object' THEN o.object -> 'caller' -> 'userAgent' END) AS r21 ("@odata.type" text, "headerValue" text, "applicationVersion" text, platform text, "productFamily" text, "azureADAppId" text, "communicationServiceId" text, role text)
CROSS JOIN LATERAL callhook_store.who(o.object -> 'caller' -> 'associatedIdentity', o.object -> 'caller' -> 'identity') AS r23
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'callee') WHEN 'object' THEN o.object -> 'callee' END) AS r25 ("@odata.type" text, name text, "cpuName" text, "cpuCoresCount" jsonb, "cpuProcessorSpeedInMhz" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'callee' -> 'userAgent') WHEN 'object' THEN o.object -> 'callee' -> 'userAgent' END) AS r27 ("@odata.type" text, "headerValue" text, "applicationVersion" text, platform text, "productFamily" text, "azureADAppId" text, "communicationServiceId" text, role text)
CROSS JOIN LATERAL callhook_store.who(o.object -> 'callee' -> 'associatedIdentity', o.object -> 'callee' -> 'identity') AS r29
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'failureInfo') WHEN 'object' THEN o.object -> 'failureInfo' END) AS r31 (stage text, reason text)),
put_media AS (INSERT INTO callhook_store.media (tenant_id, call_id, session_no, segment_no, media_no, label, caller_capture_device_name, caller_capture_device_driver, caller_render_device_name, caller_render_device_driver, caller_howling_event_count, caller_received_noise_level, caller_received_signal_level, caller_sent_noise_level, caller_sent_signal_level, caller_capture_not_functioning_event_ratio, caller_cpu_insufficent_event_ratio, caller_device_clipping_event_ratio, caller_device_glitch_event_ratio, caller_initial_signal_level_root_mean_square, caller_low_speech_level_event_ratio, caller_low_speech_to_noise_event_ratio, caller_mic_glitch_rate, caller_render_mute_event_ratio, caller_render_not_functioning_event_ratio, caller_render_zero_volume_event_ratio, caller_speaker_glitch_rate, caller_connection_type, caller_network_transport_protocol, caller_ip_address, caller_subnet, caller_port, caller_mac_address, caller_dns_suffix, caller_reflexive_ip_address, caller_relay_ip_address, caller_relay_port, caller_link_speed, caller_basic_service_set_identifier, caller_trace_route_hops, caller_wifi_band, caller_wifi_radio_type, caller_wifi_battery_charge, caller_wifi_channel, caller_wifi_signal_strength, caller_wifi_microsoft_driver, caller_wifi_microsoft_driver_version, caller_wifi_vendor_driver, caller_wifi_vendor_driver_version, caller_bandwidth_low_event_ratio, caller_delay_event_ratio, caller_received_quality_event_ratio, caller_sent_quality_event_ratio, callee_capture_device_name, callee_capture_device_driver, callee_render_device_name, callee_render_device_driver, callee_howling_event_count, callee_received_noise_level, callee_received_signal_level, callee_sent_noise_level, callee_sent_signal_level, callee_capture_not_functioning_event_ratio, callee_cpu_insufficent_event_ratio, callee_device_clipping_event_ratio, callee_device_glitch_event_ratio, callee_initial_signal_level_root_mean_square, callee_low_speech_level_event_ratio, callee_low_speech_to_noise_event_ratio, callee_mic_glitch_rate, callee_render_mute_event_ratio, callee_render_not_functioning_event_ratio, callee_render_zero_volume_event_ratio, callee_speaker_glitch_rate, callee_connection_type, callee_network_transport_protocol, callee_ip_address, callee_subnet, callee_port, callee_mac_address, callee_dns_suffix, callee_reflexive_ip_address, callee_relay_ip_address, callee_relay_port, callee_link_speed, callee_basic_service_set_identifier, callee_trace_route_hops, callee_wifi_band, callee_wifi_radio_type, callee_wifi_battery_charge, callee_wifi_channel, callee_wifi_signal_strength, callee_wifi_microsoft_driver, callee_wifi_microsoft_driver_version, callee_wifi_vendor_driver, callee_wifi_vendor_driver_version, callee_bandwidth_low_event_ratio, callee_delay_event_ratio, callee_received_quality_event_ratio, callee_sent_quality_event_ratio, extra)
         SELECT tenant, o.call_id, o.session_no, o.segment_no, o.media_no, r8.label, r9."captureDeviceName", r9."captureDeviceDriver", r9."renderDeviceName", r9."renderDeviceDriver", callhook_store.as_integer(r9."howlingEventCount"), callhook_store.as_integer(r9."receivedNoiseLevel"), callhook_store.as_integer(r9."receivedSignalLevel"), callhook_store.as_integer(r9."sentNoiseLevel"), callhook_store.as_integer(r9."sentSignalLevel"), callhook_store.as_double(r9."captureNotFunctioningEventRatio"), callhook_store.as_double(r9."cpuInsufficentEventRatio"), callhook_store.as_double(r9."deviceClippingEventRatio"), callhook_store.as_double(r9."deviceGlitchEventRatio"), callhook_store.as_double(r9."initialSignalLevelRootMeanSquare"), callhook_store.as_double(r9."lowSpeechLevelEventRatio"), callhook_store.as_double(r9."lowSpeechToNoiseEventRatio"), callhook_store.as_double(r9."micGlitchRate"), callhook_store.as_double(r9."renderMuteEventRatio"), callhook_store.as_double(r9."renderNotFunctioningEventRatio"), callhook_store.as_double(r9."renderZeroVolumeEventRatio"), callhook_store.as_double(r9."speakerGlitchRate"), r10."connectionType", r10."networkTransportProtocol", r10."ipAddress", r10.subnet, callhook_store.as_integer(r10.port), r10."macAddress", r10."dnsSuffix", r10."reflexiveIPAddress", r10."relayIPAddress", callhook_store.as_integer(r10."relayPort"), callhook_store.as_bigint(r10."linkSpeed"), r10."basicServiceSetIdentifier", r10."traceRouteHops", r10."wifiBand", r10."wifiRadioType", callhook_store.as_integer(r10."wifiBatteryCharge"), callhook_store.as_integer(r10."wifiChannel"), callhook_store.as_integer(r10."wifiSignalStrength"), r10."wifiMicrosoftDriver", r10."wifiMicrosoftDriverVersion", r10."wifiVendorDriver", r10."wifiVendorDriverVersion", callhook_store.as_double(r10."bandwidthLowEventRatio"), callhook_store.as_double(r10."delayEventRatio"), callhook_store.as_double(r10."receivedQualityEventRatio"), callhook_store.as_double(r10."sentQualityEventRatio"), r11."captureDeviceName", r11."captureDeviceDriver", r11."renderDeviceName", r11."renderDeviceDriver", callhook_store.as_integer(r11."howlingEventCount"), callhook_store.as_integer(r11."receivedNoiseLevel"), callhook_store.as_integer(r11."receivedSignalLevel"), callhook_store.as_integer(r11."sentNoiseLevel"), callhook_store.as_integer(r11."sentSignalLevel"), callhook_store.as_double(r11."captureNotFunctioningEventRatio"), callhook_store.as_double(r11."cpuInsufficentEventRatio"), callhook_store.as_double(r11."deviceClippingEventRatio"), callhook_store.as_double(r11."deviceGlitchEventRatio"), callhook_store.as_double(r11."initialSignalLevelRootMeanSquare"), callhook_store.as_double(r11."lowSpeechLevelEventRatio"), callhook_store.as_double(r11."lowSpeechToNoiseEventRatio"), callhook_store.as_double(r11."micGlitchRate"), callhook_store.as_double(r11."renderMuteEventRatio"), callhook_store.as_double(r11."renderNotFunctioningEventRatio"), callhook_store.as_double(r11."renderZeroVolumeEventRatio"), callhook_store.as_double(r11."speakerGlitchRate"), r12."connectionType", r12."networkTransportProtocol", r12."ipAddress", r12.subnet, callhook_store.as_integer(r12.port), r12."macAddress", r12."dnsSuffix", r12."reflexiveIPAddress", r12."relayIPAddress", callhook_store.as_integer(r12."relayPort"), callhook_store.as_bigint(r12."linkSpeed"), r12."basicServiceSetIdentifier", r12."traceRouteHops", r12."wifiBand", r12."wifiRadioType", callhook_store.as_integer(r12."wifiBatteryCharge"), callhook_store.as_integer(r12."wifiChannel"), callhook_store.as_integer(r12."wifiSignalStrength"), r12."wifiMicrosoftDriver", r12."wifiMicrosoftDriverVersion", r12."wifiVendorDriver", r12."wifiVendorDriverVersion", callhook_store.as_double(r12."bandwidthLowEventRatio"), callhook_store.as_double(r12."delayEventRatio"), callhook_store.as_double(r12."receivedQualityEventRatio"), callhook_store.as_double(r12."sentQualityEventRatio"), callhook_store.leftover(o.object, '{@odata.type,label,callerDevice,calleeDevice,callerNetwork,calleeNetwork,streams}', CASE WHEN num_nonnulls(CASE WHEN jsonb_typeof(r8.streams) = 'array' THEN r8.streams END) < num_nonnulls(r8.streams) THEN jsonb_build_object('streams', CASE WHEN CASE WHEN jsonb_typeof(r8.streams) = 'array' THEN r8.streams END IS NULL THEN (o.object -> 'streams') END) ELSE '{}' END || jsonb_build_object('callerDevice', callhook_store.leftover(o.object -> 'callerDevice', '{@odata.type,captureDeviceName,captureDeviceDriver,renderDeviceName,renderDeviceDriver,howlingEventCount,receivedNoiseLevel,receivedSignalLevel,sentNoiseLevel,sentSignalLevel,captureNotFunctioningEventRatio,cpuInsufficentEventRatio,deviceClippingEventRatio,deviceGlitchEventRatio,initialSignalLevelRootMeanSquare,lowSpeechLevelEventRatio,lowSpeechToNoiseEventRatio,micGlitchRate,renderMuteEventRatio,renderNotFunctioningEventRatio,renderZeroVolumeEventRatio,speakerGlitchRate}', CASE WHEN num_nonnulls(callhook_store.as_integer(r9."howlingEventCount"), callhook_store.as_integer(r9."receivedNoiseLevel"), callhook_store.as_integer(r9."receivedSignalLevel"), callhook_store.as_integer(r9."sentNoiseLevel"), callhook_store.as_integer(r9."sentSignalLevel"), callhook_store.as_double(r9."captureNotFunctioningEventRatio"), callhook_store.as_double(r9."cpuInsufficentEventRatio"), callhook_store.as_double(r9."deviceClippingEventRatio"), callhook_store.as_double(r9."deviceGlitchEventRatio"), callhook_store.as_double(r9."initialSignalLevelRootMeanSquare"), callhook_store.as_double(r9."lowSpeechLevelEventRatio"), callhook_store.as_double(r9."lowSpeechToNoiseEventRatio"), callhook_store.as_double(r9."micGlitchRate"), callhook_store.as_double(r9."renderMuteEventRatio"), callhook_store.as_double(r9."renderNotFunctioningEventRatio"), callhook_store.as_double(r9."renderZeroVolumeEventRatio"), callhook_store.as_double(r9."speakerGlitchRate")) < num_nonnulls(r9."howlingEventCount", r9."receivedNoiseLevel", r9."receivedSignalLevel", r9."sentNoiseLevel", r9."sentSignalLevel", r9."captureNotFunctioningEventRatio", r9."cpuInsufficentEventRatio", r9."deviceClippingEventRatio", r9."deviceGlitchEventRatio", r9."initialSignalLevelRootMeanSquare", r9."lowSpeechLevelEventRatio", r9."lowSpeechToNoiseEventRatio", r9."micGlitchRate", r9."renderMuteEventRatio", r9."renderNotFunctioningEventRatio", r9."renderZeroVolumeEventRatio", r9."speakerGlitchRate") THEN jsonb_build_object('howlingEventCount', CASE WHEN callhook_store.as_integer(r9."howlingEventCount") IS NULL THEN (o.object -> 'callerDevice' -> 'howlingEventCount') END, 'receivedNoiseLevel', CASE WHEN callhook_store.as_integer(r9."receivedNoiseLevel") IS NULL THEN (o.object -> 'callerDevice' -> 'receivedNoiseLevel') END, 'receivedSignalLevel', CASE WHEN callhook_store.as_integer(r9."receivedSignalLevel") IS NULL THEN (o.object -> 'callerDevice' -> 'receivedSignalLevel') END, 'sentNoiseLevel', CASE WHEN callhook_store.as_integer(r9."sentNoiseLevel") IS NULL THEN (o.object -> 'callerDevice' -> 'sentNoiseLevel') END, 'sentSignalLevel', CASE WHEN callhook_store.as_integer(r9."sentSignalLevel") IS NULL THEN (o.object -> 'callerDevice' -> 'sentSignalLevel') END, 'captureNotFunctioningEventRatio', CASE WHEN callhook_store.as_double(r9."captureNotFunctioningEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'captureNotFunctioningEventRatio') END, 'cpuInsufficentEventRatio', CASE WHEN callhook_store.as_double(r9."cpuInsufficentEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'cpuInsufficentEventRatio') END, 'deviceClippingEventRatio', CASE WHEN callhook_store.as_double(r9."deviceClippingEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'deviceClippingEventRatio') END, 'deviceGlitchEventRatio', CASE WHEN callhook_store.as_double(r9."deviceGlitchEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'deviceGlitchEventRatio') END, 'initialSignalLevelRootMeanSquare', CASE WHEN callhook_store.as_double(r9."initialSignalLevelRootMeanSquare") IS NULL THEN (o.object -> 'callerDevice' -> 'initialSignalLevelRootMeanSquare') END, 'lowSpeechLevelEventRatio', CASE WHEN callhook_store.as_double(r9."lowSpeechLevelEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'lowSpeechLevelEventRatio') END, 'lowSpeechToNoiseEventRatio', CASE WHEN callhook_store.as_double(r9."lowSpeechToNoiseEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'lowSpeechToNoiseEventRatio') END, 'micGlitchRate', CASE WHEN callhook_store.as_double(r9."micGlitchRate") IS NULL THEN (o.object -> 'callerDevice' -> 'micGlitchRate') END, 'renderMuteEventRatio', CASE WHEN callhook_store.as_double(r9."renderMuteEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'renderMuteEventRatio') END, 'renderNotFunctioningEventRatio', CASE WHEN callhook_store.as_double(r9."renderNotFunctioningEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'renderNotFunctioningEventRatio') END, 'renderZeroVolumeEventRatio', CASE WHEN callhook_store.as_double(r9."renderZeroVolumeEventRatio") IS NULL THEN (o.object -> 'callerDevice' -> 'renderZeroVolumeEventRatio') END, 'speakerGlitchRate', CASE WHEN callhook_store.as_double(r9."speakerGlitchRate") IS NULL THEN (o.object -> 'callerDevice' -> 'speakerGlitchRate') END) ELSE '{}' END)) || jsonb_build_object('callerNetwork', callhook_store.leftover(o.object -> 'callerNetwork', '{@odata.type,connectionType,networkTransportProtocol,ipAddress,subnet,port,macAddress,dnsSuffix,reflexiveIPAddress,relayIPAddress,relayPort,linkSpeed,basicServiceSetIdentifier,traceRouteHops,wifiBand,wifiRadioType,wifiBatteryCharge,wifiChannel,wifiSignalStrength,wifiMicrosoftDriver,wifiMicrosoftDriverVersion,wifiVendorDriver,wifiVendorDriverVersion,bandwidthLowEventRatio,delayEventRatio,receivedQualityEventRatio,sentQualityEventRatio}', CASE WHEN num_nonnulls(callhook_store.as_integer(r10.port), callhook_store.as_integer(r10."relayPort"), callhook_store.as_bigint(r10."linkSpeed"), callhook_store.as_integer(r10."wifiBatteryCharge"), callhook_store.as_integer(r10."wifiChannel"), callhook_store.as_integer(r10."wifiSignalStrength"), callhook_store.as_double(r10."bandwidthLowEventRatio"), callhook_store.as_double(r10."delayEventRatio"), callhook_store.as_double(r10."receivedQualityEventRatio"), callhook_store.as_double(r10."sentQualityEventRatio")) < num_nonnulls(r10.port, r10."relayPort", r10."linkSpeed", r10."wifiBatteryCharge", r10."wifiChannel", r10."wifiSignalStrength", r10."bandwidthLowEventRatio", r10."delayEventRatio", r10."receivedQualityEventRatio", r10."sentQualityEventRatio") THEN jsonb_build_object('port', CASE WHEN callhook_store.as_integer(r10.port) IS NULL THEN (o.object -> 'callerNetwork' -> 'port') END, 'relayPort', CASE WHEN callhook_store.as_integer(r10."relayPort") IS NULL THEN (o.object -> 'callerNetwork' -> 'relayPort') END, 'linkSpeed', CASE WHEN callhook_store.as_bigint(r10."linkSpeed") IS NULL THEN (o.object -> 'callerNetwork' -> 'linkSpeed') END, 'wifiBatteryCharge', CASE WHEN callhook_store.as_integer(r10."wifiBatteryCharge") IS NULL THEN (o.object -> 'callerNetwork' -> 'wifiBatteryCharge') END, 'wifiChannel', CASE WHEN callhook_store.as_integer(r10."wifiChannel") IS NULL THEN (o.object -> 'callerNetwork' -> 'wifiChannel') END, 'wifiSignalStrength', CASE WHEN callhook_store.as_integer(r10."wifiSignalStrength") IS NULL THEN (o.object -> 'callerNetwork' -> 'wifiSignalStrength') END, 'bandwidthLowEventRatio', CASE WHEN callhook_store.as_double(r10."bandwidthLowEventRatio") IS NULL THEN (o.object -> 'callerNetwork' -> 'bandwidthLowEventRatio') END, 'delayEventRatio', CASE WHEN callhook_store.as_double(r10."delayEventRatio") IS NULL THEN (o.object -> 'callerNetwork' -> 'delayEventRatio') END, 'receivedQualityEventRatio', CASE WHEN callhook_store.as_double(r10."receivedQualityEventRatio") IS NULL THEN (o.object -> 'callerNetwork' -> 'receivedQualityEventRatio') END, 'sentQualityEventRatio', CASE WHEN callhook_store.as_double(r10."sentQualityEventRatio") IS NULL THEN (o.object -> 'callerNetwork' -> 'sentQualityEventRatio') END) ELSE '{}' END)) || jsonb_build_object('calleeDevice', callhook_store.leftover(o.object -> 'calleeDevice', '{@odata.type,captureDeviceName,captureDeviceDriver,renderDeviceName,renderDeviceDriver,howlingEventCount,receivedNoiseLevel,receivedSignalLevel,sentNoiseLevel,sentSignalLevel,captureNotFunctioningEventRatio,cpuInsufficentEventRatio,deviceClippingEventRatio,deviceGlitchEventRatio,initialSignalLevelRootMeanSquare,lowSpeechLevelEventRatio,lowSpeechToNoiseEventRatio,micGlitchRate,renderMuteEventRatio,renderNotFunctioningEventRatio,renderZeroVolumeEventRatio,speakerGlitchRate}', CASE WHEN num_nonnulls(callhook_store.as_integer(r11."howlingEventCount"), callhook_store.as_integer(r11."receivedNoiseLevel"), callhook_store.as_integer(r11."receivedSignalLevel"), callhook_store.as_integer(r11."sentNoiseLevel"), callhook_store.as_integer(r11."sentSignalLevel"), callhook_store.as_double(r11."captureNotFunctioningEventRatio"), callhook_store.as_double(r11."cpuInsufficentEventRatio"), callhook_store.as_double(r11."deviceClippingEventRatio"), callhook_store.as_double(r11."deviceGlitchEventRatio"), callhook_store.as_double(r11."initialSignalLevelRootMeanSquare"), callhook_store.as_double(r11."lowSpeechLevelEventRatio"), callhook_store.as_double(r11."lowSpeechToNoiseEventRatio"), callhook_store.as_double(r11."micGlitchRate"), callhook_store.as_double(r11."renderMuteEventRatio"), callhook_store.as_double(r11."renderNotFunctioningEventRatio"), callhook_store.as_double(r11."renderZeroVolumeEventRatio"), callhook_store.as_double(r11."speakerGlitchRate")) < num_nonnulls(r11."howlingEventCount", r11."receivedNoiseLevel", r11."receivedSignalLevel", r11."sentNoiseLevel", r11."sentSignalLevel", r11."captureNotFunctioningEventRatio", r11."cpuInsufficentEventRatio", r11."deviceClippingEventRatio", r11."deviceGlitchEventRatio", r11."initialSignalLevelRootMeanSquare", r11."lowSpeechLevelEventRatio", r11."lowSpeechToNoiseEventRatio", r11."micGlitchRate", r11."renderMuteEventRatio", r11."renderNotFunctioningEventRatio", r11."renderZeroVolumeEventRatio", r11."speakerGlitchRate") THEN jsonb_build_object('howlingEventCount', CASE WHEN callhook_store.as_integer(r11."howlingEventCount") IS NULL THEN (o.object -> 'calleeDevice' -> 'howlingEventCount') END, 'receivedNoiseLevel', CASE WHEN callhook_store.as_integer(r11."receivedNoiseLevel") IS NULL THEN (o.object -> 'calleeDevice' -> 'receivedNoiseLevel') END, 'receivedSignalLevel', CASE WHEN callhook_store.as_integer(r11."receivedSignalLevel") IS NULL THEN (o.object -> 'calleeDevice' -> 'receivedSignalLevel') END, 'sentNoiseLevel', CASE WHEN callhook_store.as_integer(r11."sentNoiseLevel") IS NULL THEN (o.object -> 'calleeDevice' -> 'sentNoiseLevel') END, 'sentSignalLevel', CASE WHEN callhook_store.as_integer(r11."sentSignalLevel") IS NULL THEN (o.object -> 'calleeDevice' -> 'sentSignalLevel') END, 'captureNotFunctioningEventRatio', CASE WHEN callhook_store.as_double(r11."captureNotFunctioningEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'captureNotFunctioningEventRatio') END, 'cpuInsufficentEventRatio', CASE WHEN callhook_store.as_double(r11."cpuInsufficentEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'cpuInsufficentEventRatio') END, 'deviceClippingEventRatio', CASE WHEN callhook_store.as_double(r11."deviceClippingEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'deviceClippingEventRatio') END, 'deviceGlitchEventRatio', CASE WHEN callhook_store.as_double(r11."deviceGlitchEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'deviceGlitchEventRatio') END, 'initialSignalLevelRootMeanSquare', CASE WHEN callhook_store.as_double(r11."initialSignalLevelRootMeanSquare") IS NULL THEN (o.object -> 'calleeDevice' -> 'initialSignalLevelRootMeanSquare') END, 'lowSpeechLevelEventRatio', CASE WHEN callhook_store.as_double(r11."lowSpeechLevelEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'lowSpeechLevelEventRatio') END, 'lowSpeechToNoiseEventRatio', CASE WHEN callhook_store.as_double(r11."lowSpeechToNoiseEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'lowSpeechToNoiseEventRatio') END, 'micGlitchRate', CASE WHEN callhook_store.as_double(r11."micGlitchRate") IS NULL THEN (o.object -> 'calleeDevice' -> 'micGlitchRate') END, 'renderMuteEventRatio', CASE WHEN callhook_store.as_double(r11."renderMuteEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'renderMuteEventRatio') END, 'renderNotFunctioningEventRatio', CASE WHEN callhook_store.as_double(r11."renderNotFunctioningEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'renderNotFunctioningEventRatio') END, 'renderZeroVolumeEventRatio', CASE WHEN callhook_store.as_double(r11."renderZeroVolumeEventRatio") IS NULL THEN (o.object -> 'calleeDevice' -> 'renderZeroVolumeEventRatio') END, 'speakerGlitchRate', CASE WHEN callhook_store.as_double(r11."speakerGlitchRate") IS NULL THEN (o.object -> 'calleeDevice' -> 'speakerGlitchRate') END) ELSE '{}' END)) || jsonb_build_object('calleeNetwork', callhook_store.leftover(o.object -> 'calleeNetwork', '{@odata.type,connectionType,networkTransportProtocol,ipAddress,subnet,port,macAddress,dnsSuffix,reflexiveIPAddress,relayIPAddress,relayPort,linkSpeed,basicServiceSetIdentifier,traceRouteHops,wifiBand,wifiRadioType,wifiBatteryCharge,wifiChannel,wifiSignalStrength,wifiMicrosoftDriver,wifiMicrosoftDriverVersion,wifiVendorDriver,wifiVendorDriverVersion,bandwidthLowEventRatio,delayEventRatio,receivedQualityEventRatio,sentQualityEventRatio}', CASE WHEN num_nonnulls(callhook_store.as_integer(r12.port), callhook_store.as_integer(r12."relayPort"), callhook_store.as_bigint(r12."linkSpeed"), callhook_store.as_integer(r12."wifiBatteryCharge"), callhook_store.as_integer(r12."wifiChannel"), callhook_store.as_integer(r12."wifiSignalStrength"), callhook_store.as_double(r12."bandwidthLowEventRatio"), callhook_store.as_double(r12."delayEventRatio"), callhook_store.as_double(r12."receivedQualityEventRatio"), callhook_store.as_double(r12."sentQualityEventRatio")) < num_nonnulls(r12.port, r12."relayPort", r12."linkSpeed", r12."wifiBatteryCharge", r12."wifiChannel", r12."wifiSignalStrength", r12."bandwidthLowEventRatio", r12."delayEventRatio", r12."receivedQualityEventRatio", r12."sentQualityEventRatio") THEN jsonb_build_object('port', CASE WHEN callhook_store.as_integer(r12.port) IS NULL THEN (o.object -> 'calleeNetwork' -> 'port') END, 'relayPort', CASE WHEN callhook_store.as_integer(r12."relayPort") IS NULL THEN (o.object -> 'calleeNetwork' -> 'relayPort') END, 'linkSpeed', CASE WHEN callhook_store.as_bigint(r12."linkSpeed") IS NULL THEN (o.object -> 'calleeNetwork' -> 'linkSpeed') END, 'wifiBatteryCharge', CASE WHEN callhook_store.as_integer(r12."wifiBatteryCharge") IS NULL THEN (o.object -> 'calleeNetwork' -> 'wifiBatteryCharge') END, 'wifiChannel', CASE WHEN callhook_store.as_integer(r12."wifiChannel") IS NULL THEN (o.object -> 'calleeNetwork' -> 'wifiChannel') END, 'wifiSignalStrength', CASE WHEN callhook_store.as_integer(r12."wifiSignalStrength") IS NULL THEN (o.object -> 'calleeNetwork' -> 'wifiSignalStrength') END, 'bandwidthLowEventRatio', CASE WHEN callhook_store.as_double(r12."bandwidthLowEventRatio") IS NULL THEN (o.object -> 'calleeNetwork' -> 'bandwidthLowEventRatio') END, 'delayEventRatio', CASE WHEN callhook_store.as_double(r12."delayEventRatio") IS NULL THEN (o.object -> 'calleeNetwork' -> 'delayEventRatio') END, 'receivedQualityEventRatio', CASE WHEN callhook_store.as_double(r12."receivedQualityEventRatio") IS NULL THEN (o.object -> 'calleeNetwork' -> 'receivedQualityEventRatio') END, 'sentQualityEventRatio', CASE WHEN callhook_store.as_double(r12."sentQualityEventRatio") IS NULL THEN (o.object -> 'calleeNetwork' -> 'sentQualityEventRatio') END) ELSE '{}' END))) FROM medium AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r8 (label text, streams jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'callerDevice') WHEN 'object' THEN o.object -> 'callerDevice' END) AS r9 ("captureDeviceName" text, "captureDeviceDriver" text, "renderDeviceName" text, "renderDeviceDriver" text, "howlingEventCount" jsonb, "receivedNoiseLevel" jsonb, "receivedSignalLevel" jsonb, "sentNoiseLevel" jsonb, "sentSignalLevel" jsonb, "captureNotFunctioningEventRatio" jsonb, "cpuInsufficentEventRatio" jsonb, "deviceClippingEventRatio" jsonb, "deviceGlitchEventRatio" jsonb, "initialSignalLevelRootMeanSquare" jsonb, "lowSpeechLevelEventRatio" jsonb, "lowSpeechToNoiseEventRatio" jsonb, "micGlitchRate" jsonb, "renderMuteEventRatio" jsonb, "renderNotFunctioningEventRatio" jsonb, "renderZeroVolumeEventRatio" jsonb, "speakerGlitchRate" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'callerNetwork') WHEN 'object' THEN o.object -> 'callerNetwork' END) AS r10 ("connectionType" text, "networkTransportProtocol" text, "ipAddress" text, subnet text, port jsonb, "macAddress" text, "dnsSuffix" text, "reflexiveIPAddress" text, "relayIPAddress" text, "relayPort" jsonb, "linkSpeed" jsonb, "basicServiceSetIdentifier" text, "traceRouteHops" jsonb, "wifiBand" text, "wifiRadioType" text, "wifiBatteryCharge" jsonb, "wifiChannel" jsonb, "wifiSignalStrength" jsonb, "wifiMicrosoftDriver" text, "wifiMicrosoftDriverVersion" text, "wifiVendorDriver" text, "wifiVendorDriverVersion" text, "bandwidthLowEventRatio" jsonb, "delayEventRatio" jsonb, "receivedQualityEventRatio" jsonb, "sentQualityEventRatio" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'calleeDevice') WHEN 'object' THEN o.object -> 'calleeDevice' END) AS r11 ("captureDeviceName" text, "captureDeviceDriver" text, "renderDeviceName" text, "renderDeviceDriver" text, "howlingEventCount" jsonb, "receivedNoiseLevel" jsonb, "receivedSignalLevel" jsonb, "sentNoiseLevel" jsonb, "sentSignalLevel" jsonb, "captureNotFunctioningEventRatio" jsonb, "cpuInsufficentEventRatio" jsonb, "deviceClippingEventRatio" jsonb, "deviceGlitchEventRatio" jsonb, "initialSignalLevelRootMeanSquare" jsonb, "lowSpeechLevelEventRatio" jsonb, "lowSpeechToNoiseEventRatio" jsonb, "micGlitchRate" jsonb, "renderMuteEventRatio" jsonb, "renderNotFunctioningEventRatio" jsonb, "renderZeroVolumeEventRatio" jsonb, "speakerGlitchRate" jsonb)
CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object -> 'calleeNetwork') WHEN 'object' THEN o.object -> 'calleeNetwork' END) AS r12 ("connectionType" text, "networkTransportProtocol" text, "ipAddress" text, subnet text, port jsonb, "macAddress" text, "dnsSuffix" text, "reflexiveIPAddress" text, "relayIPAddress" text, "relayPort" jsonb, "linkSpeed" jsonb, "basicServiceSetIdentifier" text, "traceRouteHops" jsonb, "wifiBand" text, "wifiRadioType" text, "wifiBatteryCharge" jsonb, "wifiChannel" jsonb, "wifiSignalStrength" jsonb, "wifiMicrosoftDriver" text, "wifiMicrosoftDriverVersion" text, "wifiVendorDriver" text, "wifiVendorDriverVersion" text, "bandwidthLowEventRatio" jsonb, "delayEventRatio" jsonb, "receivedQualityEventRatio" jsonb, "sentQualityEventRatio" jsonb)),
put_feedback AS (INSERT INTO callhook_store.feedback (tenant_id, call_id, session_no, segment_no, side, rating, text, tokens, identity_kind, identity_id, identity_name, identity_tenant_id, identity_user_principal_name, identity_endpoint_type, identity, extra)
         SELECT tenant, o.call_id, o.session_no, o.segment_no, o.side, r14.rating, r14.text, r14.tokens, r15.kind, r15.id, r15.name, r15.tenant_id, r15.user_principal_name, r15.endpoint_type, r15.rest, callhook_store.leftover(o.object, '{@odata.type,rating,text,tokens}', '{}') FROM feedback AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r14 (rating text, text text, tokens jsonb)
CROSS JOIN LATERAL callhook_store.who(o.endpoint -> 'associatedIdentity', o.endpoint -> 'identity') AS r15)
INSERT INTO callhook_store.streams (tenant_id, call_id, session_no, segment_no, media_no, stream_no, stream_id, stream_direction, start_date_time, end_date_time, audio_codec, video_codec, was_media_bypassed, is_audio_forward_error_correction_used, packet_utilization, average_bandwidth_estimate, average_audio_network_jitter_ms, max_audio_network_jitter_ms, average_jitter_ms, max_jitter_ms, average_round_trip_time_ms, max_round_trip_time_ms, average_freeze_duration_ms, rms_freeze_duration_ms, average_audio_degradation, average_packet_loss_rate, max_packet_loss_rate, average_ratio_of_concealed_samples, max_ratio_of_concealed_samples, average_received_frame_rate, average_video_frame_loss_percentage, average_video_frame_rate, average_video_packet_loss_rate, low_frame_rate_ratio, low_video_processing_capability_ratio, post_forward_error_correction_packet_loss_rate, extra)
         SELECT tenant, o.call_id, o.session_no, o.segment_no, o.media_no, o.stream_no, r13."streamId", r13."streamDirection", callhook_store.as_time(r13."startDateTime"), callhook_store.as_time(r13."endDateTime"), r13."audioCodec", r13."videoCodec", callhook_store.as_boolean(r13."wasMediaBypassed"), callhook_store.as_boolean(r13."isAudioForwardErrorCorrectionUsed"), callhook_store.as_bigint(r13."packetUtilization"), callhook_store.as_bigint(r13."averageBandwidthEstimate"), callhook_store.as_ms(r13."averageAudioNetworkJitter"), callhook_store.as_ms(r13."maxAudioNetworkJitter"), callhook_store.as_ms(r13."averageJitter"), callhook_store.as_ms(r13."maxJitter"), callhook_store.as_ms(r13."averageRoundTripTime"), callhook_store.as_ms(r13."maxRoundTripTime"), callhook_store.as_ms(r13."averageFreezeDuration"), callhook_store.as_ms(r13."rmsFreezeDuration"), callhook_store.as_double(r13."averageAudioDegradation"), callhook_store.as_double(r13."averagePacketLossRate"), callhook_store.as_double(r13."maxPacketLossRate"), callhook_store.as_double(r13."averageRatioOfConcealedSamples"), callhook_store.as_double(r13."maxRatioOfConcealedSamples"), callhook_store.as_double(r13."averageReceivedFrameRate"), callhook_store.as_double(r13."averageVideoFrameLossPercentage"), callhook_store.as_double(r13."averageVideoFrameRate"), callhook_store.as_double(r13."averageVideoPacketLossRate"), callhook_store.as_double(r13."lowFrameRateRatio"), callhook_store.as_double(r13."lowVideoProcessingCapabilityRatio"), callhook_store.as_double(r13."postForwardErrorCorrectionPacketLossRate"), callhook_store.leftover(o.object, '{@odata.type,streamId,streamDirection,startDateTime,endDateTime,audioCodec,videoCodec,wasMediaBypassed,isAudioForwardErrorCorrectionUsed,packetUtilization,averageBandwidthEstimate,averageAudioNetworkJitter,maxAudioNetworkJitter,averageJitter,maxJitter,averageRoundTripTime,maxRoundTripTime,averageFreezeDuration,rmsFreezeDuration,averageAudioDegradation,averagePacketLossRate,maxPacketLossRate,averageRatioOfConcealedSamples,maxRatioOfConcealedSamples,averageReceivedFrameRate,averageVideoFrameLossPercentage,averageVideoFrameRate,averageVideoPacketLossRate,lowFrameRateRatio,lowVideoProcessingCapabilityRatio,postForwardErrorCorrectionPacketLossRate}', CASE WHEN num_nonnulls(callhook_store.as_time(r13."startDateTime"), callhook_store.as_time(r13."endDateTime"), callhook_store.as_boolean(r13."wasMediaBypassed"), callhook_store.as_boolean(r13."isAudioForwardErrorCorrectionUsed"), callhook_store.as_bigint(r13."packetUtilization"), callhook_store.as_bigint(r13."averageBandwidthEstimate"), callhook_store.as_ms(r13."averageAudioNetworkJitter"), callhook_store.as_ms(r13."maxAudioNetworkJitter"), callhook_store.as_ms(r13."averageJitter"), callhook_store.as_ms(r13."maxJitter"), callhook_store.as_ms(r13."averageRoundTripTime"), callhook_store.as_ms(r13."maxRoundTripTime"), callhook_store.as_ms(r13."averageFreezeDuration"), callhook_store.as_ms(r13."rmsFreezeDuration"), callhook_store.as_double(r13."averageAudioDegradation"), callhook_store.as_double(r13."averagePacketLossRate"), callhook_store.as_double(r13."maxPacketLossRate"), callhook_store.as_double(r13."averageRatioOfConcealedSamples"), callhook_store.as_double(r13."maxRatioOfConcealedSamples"), callhook_store.as_double(r13."averageReceivedFrameRate"), callhook_store.as_double(r13."averageVideoFrameLossPercentage"), callhook_store.as_double(r13."averageVideoFrameRate"), callhook_store.as_double(r13."averageVideoPacketLossRate"), callhook_store.as_double(r13."lowFrameRateRatio"), callhook_store.as_double(r13."lowVideoProcessingCapabilityRatio"), callhook_store.as_double(r13."postForwardErrorCorrectionPacketLossRate")) < num_nonnulls(r13."startDateTime", r13."endDateTime", r13."wasMediaBypassed", r13."isAudioForwardErrorCorrectionUsed", r13."packetUtilization", r13."averageBandwidthEstimate", r13."averageAudioNetworkJitter", r13."maxAudioNetworkJitter", r13."averageJitter", r13."maxJitter", r13."averageRoundTripTime", r13."maxRoundTripTime", r13."averageFreezeDuration", r13."rmsFreezeDuration", r13."averageAudioDegradation", r13."averagePacketLossRate", r13."maxPacketLossRate", r13."averageRatioOfConcealedSamples", r13."maxRatioOfConcealedSamples", r13."averageReceivedFrameRate", r13."averageVideoFrameLossPercentage", r13."averageVideoFrameRate", r13."averageVideoPacketLossRate", r13."lowFrameRateRatio", r13."lowVideoProcessingCapabilityRatio", r13."postForwardErrorCorrectionPacketLossRate") THEN jsonb_build_object('startDateTime', CASE WHEN callhook_store.as_time(r13."startDateTime") IS NULL THEN (o.object -> 'startDateTime') END, 'endDateTime', CASE WHEN callhook_store.as_time(r13."endDateTime") IS NULL THEN (o.object -> 'endDateTime') END, 'wasMediaBypassed', CASE WHEN callhook_store.as_boolean(r13."wasMediaBypassed") IS NULL THEN (o.object -> 'wasMediaBypassed') END, 'isAudioForwardErrorCorrectionUsed', CASE WHEN callhook_store.as_boolean(r13."isAudioForwardErrorCorrectionUsed") IS NULL THEN (o.object -> 'isAudioForwardErrorCorrectionUsed') END, 'packetUtilization', CASE WHEN callhook_store.as_bigint(r13."packetUtilization") IS NULL THEN (o.object -> 'packetUtilization') END, 'averageBandwidthEstimate', CASE WHEN callhook_store.as_bigint(r13."averageBandwidthEstimate") IS NULL THEN (o.object -> 'averageBandwidthEstimate') END, 'averageAudioNetworkJitter', CASE WHEN callhook_store.as_ms(r13."averageAudioNetworkJitter") IS NULL THEN (o.object -> 'averageAudioNetworkJitter') END, 'maxAudioNetworkJitter', CASE WHEN callhook_store.as_ms(r13."maxAudioNetworkJitter") IS NULL THEN (o.object -> 'maxAudioNetworkJitter') END, 'averageJitter', CASE WHEN callhook_store.as_ms(r13."averageJitter") IS NULL THEN (o.object -> 'averageJitter') END, 'maxJitter', CASE WHEN callhook_store.as_ms(r13."maxJitter") IS NULL THEN (o.object -> 'maxJitter') END, 'averageRoundTripTime', CASE WHEN callhook_store.as_ms(r13."averageRoundTripTime") IS NULL THEN (o.object -> 'averageRoundTripTime') END, 'maxRoundTripTime', CASE WHEN callhook_store.as_ms(r13."maxRoundTripTime") IS NULL THEN (o.object -> 'maxRoundTripTime') END, 'averageFreezeDuration', CASE WHEN callhook_store.as_ms(r13."averageFreezeDuration") IS NULL THEN (o.object -> 'averageFreezeDuration') END, 'rmsFreezeDuration', CASE WHEN callhook_store.as_ms(r13."rmsFreezeDuration") IS NULL THEN (o.object -> 'rmsFreezeDuration') END, 'averageAudioDegradation', CASE WHEN callhook_store.as_double(r13."averageAudioDegradation") IS NULL THEN (o.object -> 'averageAudioDegradation') END, 'averagePacketLossRate', CASE WHEN callhook_store.as_double(r13."averagePacketLossRate") IS NULL THEN (o.object -> 'averagePacketLossRate') END, 'maxPacketLossRate', CASE WHEN callhook_store.as_double(r13."maxPacketLossRate") IS NULL THEN (o.object -> 'maxPacketLossRate') END, 'averageRatioOfConcealedSamples', CASE WHEN callhook_store.as_double(r13."averageRatioOfConcealedSamples") IS NULL THEN (o.object -> 'averageRatioOfConcealedSamples') END, 'maxRatioOfConcealedSamples', CASE WHEN callhook_store.as_double(r13."maxRatioOfConcealedSamples") IS NULL THEN (o.object -> 'maxRatioOfConcealedSamples') END, 'averageReceivedFrameRate', CASE WHEN callhook_store.as_double(r13."averageReceivedFrameRate") IS NULL THEN (o.object -> 'averageReceivedFrameRate') END, 'averageVideoFrameLossPercentage', CASE WHEN callhook_store.as_double(r13."averageVideoFrameLossPercentage") IS NULL THEN (o.object -> 'averageVideoFrameLossPercentage') END, 'averageVideoFrameRate', CASE WHEN callhook_store.as_double(r13."averageVideoFrameRate") IS NULL THEN (o.object -> 'averageVideoFrameRate') END, 'averageVideoPacketLossRate', CASE WHEN callhook_store.as_double(r13."averageVideoPacketLossRate") IS NULL THEN (o.object -> 'averageVideoPacketLossRate') END, 'lowFrameRateRatio', CASE WHEN callhook_store.as_double(r13."lowFrameRateRatio") IS NULL THEN (o.object -> 'lowFrameRateRatio') END, 'lowVideoProcessingCapabilityRatio', CASE WHEN callhook_store.as_double(r13."lowVideoProcessingCapabilityRatio") IS NULL THEN (o.object -> 'lowVideoProcessingCapabilityRatio') END, 'postForwardErrorCorrectionPacketLossRate', CASE WHEN callhook_store.as_double(r13."postForwardErrorCorrectionPacketLossRate") IS NULL THEN (o.object -> 'postForwardErrorCorrectionPacketLossRate') END) ELSE '{}' END) FROM stream AS o CROSS JOIN LATERAL jsonb_to_record(CASE jsonb_typeof(o.object) WHEN 'object' THEN o.object END) AS r13 ("streamId" text, "streamDirection" text, "startDateTime" text, "endDateTime" text, "audioCodec" text, "videoCodec" text, "wasMediaBypassed" jsonb, "isAudioForwardErrorCorrectionUsed" jsonb, "packetUtilization" jsonb, "averageBandwidthEstimate" jsonb, "averageAudioNetworkJitter" text, "maxAudioNetworkJitter" text, "averageJitter" text, "maxJitter" text, "averageRoundTripTime" text, "maxRoundTripTime" text, "averageFreezeDuration" text, "rmsFreezeDuration" text, "averageAudioDegradation" jsonb, "averagePacketLossRate" jsonb, "maxPacketLossRate" jsonb, "averageRatioOfConcealedSamples" jsonb, "maxRatioOfConcealedSamples" jsonb, "averageReceivedFrameRate" jsonb, "averageVideoFrameLossPercentage" jsonb, "averageVideoFrameRate" jsonb, "averageVideoPacketLossRate" jsonb, "lowFrameRateRatio" jsonb, "lowVideoProcessingCapabilityRatio" jsonb, "postForwardErrorCorrectionPacketLossRate" jsonb);
END
$_$;
CREATE FUNCTION callhook_store.tenant_status(tenants json) RETURNS TABLE(now bigint, last_run_at bigint, failed_since bigint, failure text, retry_at bigint, lifecycle_waiting bigint, lifecycle_waiting_since bigint, gap_since bigint, gap_reason text, gaps_unsearched bigint, gaps_unsearched_since bigint, records_waiting bigint, records_waiting_since bigint, records_failed bigint, records_failed_for_good bigint, records_gone bigint, calls_missing bigint, listed_until bigint, last_listed_at bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
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
CREATE FUNCTION callhook_store.url_names_forgotten(url text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT FROM regexp_matches(
            url, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'gi') AS guid
        WHERE callhook_store.is_forgotten(guid[1]));
$$;
CREATE FUNCTION callhook_store.want_calls(tenant uuid, calls uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO callhook_store.calls AS c
        (tenant_id, call_id, record_state, next_read_at)
    SELECT DISTINCT tenant, id, 'waiting', now()
    FROM unnest(calls) AS id ORDER BY id
    ON CONFLICT (call_id, tenant_id) DO UPDATE
    SET record_state = CASE c.record_state WHEN 'stored' THEN 'stored'
                                           ELSE 'waiting' END,
        next_read_at = now(), wanted = true, attempts = 0;
$$;
CREATE FUNCTION callhook_store.who(person jsonb, identities jsonb, OUT kind text, OUT id text, OUT name text, OUT tenant_id text, OUT user_principal_name text, OUT endpoint_type text, OUT rest jsonb) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    AS $_$
DECLARE
    shown text[] := '{@odata.type,id,displayName,tenantId,
                      userPrincipalName}';
    usual constant text[] := '{user,guest,phone,acsUser,
        azureCommunicationServicesUser,applicationInstance,application}';
    alone constant boolean := coalesce(jsonb_typeof(person) = 'object', false);
    own jsonb;
BEGIN
    rest := '{}';
    IF jsonb_typeof(identities) = 'object' THEN
        rest := jsonb_strip_nulls(identities) - '@odata.type'::text;
        endpoint_type := rest ->> 'endpointType';
        rest := rest - 'endpointType'::text;
        SELECT key INTO kind FROM jsonb_each(rest)
        WHERE jsonb_typeof(value) = 'object'
        ORDER BY array_position(usual, key), key LIMIT 1;
    ELSIF identities <> 'null' THEN
        rest := jsonb_build_object('identity', identities);
    END IF;
    IF alone AND person @> (rest -> kind) THEN
        rest := rest - kind;
    ELSIF NOT alone AND kind IS NOT NULL THEN
        own := nullif(person, 'null');
        person := rest -> kind;
        rest := rest - kind;
    END IF;
    IF jsonb_typeof(person) = 'object' THEN
        IF octet_length(person ->> 'id') > 2000 THEN -- an index holds no more
            shown := array_remove(shown, 'id');
        ELSE
            id := person ->> 'id';
        END IF;
        name := person ->> 'displayName';
        tenant_id := person ->> 'tenantId';
        user_principal_name := person ->> 'userPrincipalName';
        kind := coalesce(kind, substring(person ->> '@odata.type'
                                         FROM '(\w+)Identity$'));
        person := nullif(jsonb_strip_nulls(person - shown), '{}');
        IF alone THEN
            own := person;
        ELSE
            rest := rest || jsonb_strip_nulls(jsonb_build_object(kind, person));
        END IF;
    ELSE
        own := nullif(person, 'null');
    END IF;
    rest := nullif(rest || jsonb_strip_nulls(
        jsonb_build_object('associatedIdentity', own)), '{}');
END
$_$;
CREATE FUNCTION callhook_store.without_forgotten(value jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    personal text[] := '{}';
BEGIN
    IF jsonb_typeof(value) = 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(
                    callhook_store.without_forgotten(e) ORDER BY n), '[]')
                FROM jsonb_array_elements(value)
                    WITH ORDINALITY AS i (e, n));
    ELSIF jsonb_typeof(value) IS DISTINCT FROM 'object' THEN
        RETURN value;
    END IF;
    IF callhook_store.is_forgotten(
           value ->> 'id', value ->> 'userPrincipalName', value ->> 'userId',
           value ->> 'callerNumber', value ->> 'calleeNumber') THEN
        personal := '{id,displayName,userPrincipalName,userId,userDisplayName,
                      callerNumber,calleeNumber}';
        -- A log's row, whose own id is no person's.
        IF value ?| '{userId,startDateTime}' THEN
            personal := array_remove(personal, 'id');
        END IF;
    END IF;
    IF callhook_store.url_names_forgotten(value ->> 'joinWebUrl') THEN
        personal := personal || '{joinWebUrl}';
    END IF;
    IF value ?| '{associatedIdentity,identity}'
       AND callhook_store.names_forgotten(jsonb_build_array(
               value -> 'associatedIdentity', value -> 'identity')) THEN
        personal := personal || '{name}';
        IF value -> 'feedback' ? 'text' THEN
            value := jsonb_set(value, '{feedback,text}', 'null');
        END IF;
    END IF;
    RETURN (SELECT coalesce(jsonb_object_agg(key, CASE
                WHEN key = ANY (personal) THEN 'null'
                ELSE callhook_store.without_forgotten(member) END), '{}')
            FROM jsonb_each(value) AS m (key, member));
END
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE callhook_store.call_records (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    reading_no bigint NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL,
    sha256 bytea NOT NULL,
    participants integer NOT NULL,
    sessions integer NOT NULL,
    version bigint,
    type text,
    modalities text[],
    start_date_time timestamp with time zone,
    end_date_time timestamp with time zone,
    last_modified_date_time timestamp with time zone,
    join_web_url text,
    organizer_id text,
    organizer_administrative_unit_infos jsonb,
    organizer_identity_kind text,
    organizer_identity_id text,
    organizer_identity_name text,
    organizer_identity_tenant_id text,
    organizer_identity_user_principal_name text,
    organizer_identity_endpoint_type text,
    organizer_identity jsonb,
    extra jsonb
);
CREATE TABLE callhook_store.calls (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    first_notified_at timestamp with time zone,
    last_notified_at timestamp with time zone,
    notifications integer DEFAULT 0 NOT NULL,
    filed_at timestamp with time zone DEFAULT now() NOT NULL,
    listed_at timestamp with time zone,
    listed_version bigint,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    day date GENERATED ALWAYS AS (((COALESCE(started_at, first_notified_at, filed_at) AT TIME ZONE 'UTC'::text))::date) STORED NOT NULL,
    version bigint,
    record_state text DEFAULT 'none'::text NOT NULL,
    read_at timestamp with time zone,
    reading_no bigint,
    next_read_at timestamp with time zone,
    wanted boolean DEFAULT false NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    error_status integer,
    error_code text,
    error_request_id text
);
CREATE TABLE callhook_store.direct_routing_calls (
    id text NOT NULL,
    tenant_id uuid NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL,
    correlation_id text,
    user_id text,
    user_principal_name text,
    user_display_name text,
    start_date_time timestamp with time zone,
    invite_date_time timestamp with time zone,
    failure_date_time timestamp with time zone,
    end_date_time timestamp with time zone,
    duration_seconds integer,
    call_type text,
    successful_call boolean,
    caller_number text,
    callee_number text,
    media_path_location text,
    signaling_location text,
    final_sip_code integer,
    call_end_sub_reason integer,
    final_sip_code_phrase text,
    trunk_fully_qualified_domain_name text,
    media_bypass_enabled boolean,
    extra jsonb
);
CREATE TABLE callhook_store.participants (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    participant_no integer NOT NULL,
    id text,
    administrative_unit_infos jsonb,
    identity_kind text,
    identity_id text,
    identity_name text,
    identity_tenant_id text,
    identity_user_principal_name text,
    identity_endpoint_type text,
    identity jsonb,
    extra jsonb
);
CREATE TABLE callhook_store.pstn_calls (
    id text NOT NULL,
    tenant_id uuid NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL,
    call_id text,
    user_id text,
    user_principal_name text,
    user_display_name text,
    start_date_time timestamp with time zone,
    end_date_time timestamp with time zone,
    duration_seconds integer,
    charge numeric,
    connection_charge numeric,
    currency text,
    call_type text,
    callee_number text,
    caller_number text,
    usage_country_code text,
    tenant_country_code text,
    destination_context text,
    destination_name text,
    conference_id text,
    license_capability text,
    inventory_type text,
    operator text,
    call_duration_source text,
    extra jsonb
);
CREATE TABLE callhook_store.sessions (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    id text,
    start_date_time timestamp with time zone,
    end_date_time timestamp with time zone,
    modalities text[],
    is_test boolean,
    caller_type text,
    caller_name text,
    caller_cpu_name text,
    caller_cpu_cores_count integer,
    caller_cpu_processor_speed_in_mhz integer,
    caller_user_agent_type text,
    caller_user_agent_header_value text,
    caller_user_agent_application_version text,
    caller_user_agent_platform text,
    caller_user_agent_product_family text,
    caller_user_agent_azure_ad_app_id text,
    caller_user_agent_communication_service_id text,
    caller_user_agent_role text,
    caller_identity_kind text,
    caller_identity_id text,
    caller_identity_name text,
    caller_identity_tenant_id text,
    caller_identity_user_principal_name text,
    caller_identity_endpoint_type text,
    caller_identity jsonb,
    callee_type text,
    callee_name text,
    callee_cpu_name text,
    callee_cpu_cores_count integer,
    callee_cpu_processor_speed_in_mhz integer,
    callee_user_agent_type text,
    callee_user_agent_header_value text,
    callee_user_agent_application_version text,
    callee_user_agent_platform text,
    callee_user_agent_product_family text,
    callee_user_agent_azure_ad_app_id text,
    callee_user_agent_communication_service_id text,
    callee_user_agent_role text,
    callee_identity_kind text,
    callee_identity_id text,
    callee_identity_name text,
    callee_identity_tenant_id text,
    callee_identity_user_principal_name text,
    callee_identity_endpoint_type text,
    callee_identity jsonb,
    failure_stage text,
    failure_reason text,
    extra jsonb
);
CREATE VIEW callhook.call_legs AS
 WITH leg AS (
         SELECT pstn_calls.tenant_id,
            'pstn'::text AS log,
            pstn_calls.id,
            NULL::text AS correlation_id,
            pstn_calls.user_id,
            pstn_calls.user_principal_name,
            pstn_calls.user_display_name,
            pstn_calls.caller_number,
            pstn_calls.callee_number,
            pstn_calls.start_date_time,
            pstn_calls.end_date_time,
            pstn_calls.duration_seconds,
            pstn_calls.call_type
           FROM callhook_store.pstn_calls
        UNION ALL
         SELECT direct_routing_calls.tenant_id,
            'direct_routing'::text,
            direct_routing_calls.id,
            direct_routing_calls.correlation_id,
            direct_routing_calls.user_id,
            direct_routing_calls.user_principal_name,
            direct_routing_calls.user_display_name,
            direct_routing_calls.caller_number,
            direct_routing_calls.callee_number,
            direct_routing_calls.start_date_time,
            direct_routing_calls.end_date_time,
            direct_routing_calls.duration_seconds,
            direct_routing_calls.call_type
           FROM callhook_store.direct_routing_calls
        )
 SELECT NULLIF(leg.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    leg.log,
    leg.id AS leg_id,
    COALESCE(exact.call_id, near.call_id) AS call_id,
        CASE
            WHEN (exact.call_id IS NOT NULL) THEN 'correlation'::text
            WHEN (near.call_id IS NOT NULL) THEN 'near'::text
            ELSE NULL::text
        END AS match,
    leg.user_id,
    leg.user_principal_name,
    leg.user_display_name,
    leg.caller_number,
    leg.callee_number,
    leg.start_date_time,
    leg.end_date_time,
    leg.duration_seconds,
    leg.call_type
   FROM ((leg
     LEFT JOIN callhook_store.calls exact ON (((exact.tenant_id = leg.tenant_id) AND (exact.call_id =
        CASE
            WHEN (leg.correlation_id ~ '^[[:xdigit:]]{8}(-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}$'::text) THEN (leg.correlation_id)::uuid
            ELSE NULL::uuid
        END))))
     LEFT JOIN LATERAL ( SELECT r.call_id
           FROM (callhook_store.call_records r
             CROSS JOIN LATERAL ( SELECT bool_or((identities.identity_id = leg.user_id)) AS has_user,
                    bool_or((starts_with(identities.identity_id, n.number) OR starts_with(n.number, rtrim(identities.identity_id, '*'::text)))) FILTER (WHERE (identities.identity_id ~ '^\+?\d{5,}\**$'::text)) AS has_number
                   FROM (( SELECT p.identity_id
                           FROM callhook_store.participants p
                          WHERE ((p.call_id = r.call_id) AND (p.tenant_id = r.tenant_id))
                        UNION ALL
                         SELECT i.id
                           FROM (callhook_store.sessions s
                             CROSS JOIN LATERAL ( VALUES (s.caller_identity_id), (s.callee_identity_id)) i(id))
                          WHERE ((s.call_id = r.call_id) AND (s.tenant_id = r.tenant_id))
                        UNION ALL
                         VALUES (r.organizer_identity_id)) identities(identity_id)
                     CROSS JOIN ( VALUES (rtrim(leg.caller_number, '*'::text)), (rtrim(leg.callee_number, '*'::text))) n(number))
                  WHERE (length(n.number) > 5)) who)
          WHERE ((exact.call_id IS NULL) AND (r.tenant_id = leg.tenant_id) AND ((r.start_date_time >= (leg.start_date_time - '00:05:00'::interval)) AND (r.start_date_time <= (leg.start_date_time + '00:05:00'::interval))) AND who.has_user AND who.has_number)
          ORDER BY (abs(EXTRACT(epoch FROM (r.start_date_time - leg.start_date_time)))), r.call_id
         LIMIT 1) near ON (true));
CREATE VIEW callhook.call_records AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.participants,
    t.sessions,
    t.read_at,
    t.version,
    t.type,
    t.modalities,
    t.start_date_time,
    t.end_date_time,
    t.last_modified_date_time,
    t.join_web_url,
    t.organizer_id,
    t.organizer_administrative_unit_infos,
    t.organizer_identity_kind,
    t.organizer_identity_id,
    t.organizer_identity_name,
    t.organizer_identity_tenant_id,
    t.organizer_identity_user_principal_name,
    t.organizer_identity_endpoint_type,
    t.organizer_identity,
    t.extra
   FROM callhook_store.call_records t;
CREATE VIEW callhook.calls AS
 SELECT NULLIF(c.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    c.call_id,
    c.first_notified_at,
    c.last_notified_at,
    c.notifications,
        CASE
            WHEN (c.notifications > 0) THEN 'notification'::text
            ELSE 'list'::text
        END AS source,
    r.version,
    r.type,
    c.started_at,
    c.ended_at,
    (floor(EXTRACT(epoch FROM (c.ended_at - c.started_at))))::bigint AS duration_seconds,
    COALESCE(r.organizer_identity_id, r.organizer_id) AS organizer_id,
    r.organizer_identity_name AS organizer_name,
    r.participants,
    r.sessions,
    c.record_state,
    NULLIF(concat_ws(' '::text, c.error_status, c.error_code, ('request-id '::text || c.error_request_id),
        CASE
            WHEN ((c.error_status IS NOT NULL) OR (c.error_code IS NOT NULL)) THEN format('(%s attempts)'::text, c.attempts)
            ELSE NULL::text
        END), ''::text) AS record_error
   FROM (callhook_store.calls c
     LEFT JOIN callhook_store.call_records r USING (call_id, tenant_id));
CREATE TABLE callhook_store.listings (
    listing_no bigint NOT NULL,
    tenant_id uuid NOT NULL,
    begins_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    listed_at timestamp with time zone DEFAULT now() NOT NULL,
    listed bigint NOT NULL,
    missing bigint NOT NULL,
    newer bigint NOT NULL
);
CREATE VIEW callhook.completeness AS
 SELECT NULLIF(c.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    c.day,
    count(*) AS calls,
    count(*) FILTER (WHERE (c.listed_at IS NOT NULL)) AS listed,
    count(*) FILTER (WHERE (c.notifications > 0)) AS notified,
    count(*) FILTER (WHERE (c.notifications = 0)) AS only_listed,
    count(*) FILTER (WHERE (c.record_state = 'stored'::text)) AS stored,
    count(*) FILTER (WHERE ((c.record_state = 'stored'::text) AND COALESCE((c.version >= c.listed_version), true))) AS newest_version,
    count(*) FILTER (WHERE m.missing) AS missing,
    array_agg(c.call_id ORDER BY c.call_id) FILTER (WHERE m.missing) AS missing_ids,
    count(*) FILTER (WHERE (c.record_state = 'gone'::text)) AS gone,
    ( SELECT
                CASE
                    WHEN (range_agg(tstzrange(l.begins_at, l.ends_at)) @> tstzrange(((c.day)::timestamp without time zone AT TIME ZONE 'UTC'::text), (((c.day + 1))::timestamp without time zone AT TIME ZONE 'UTC'::text))) THEN min(l.listed_at)
                    ELSE NULL::timestamp with time zone
                END AS "case"
           FROM callhook_store.listings l
          WHERE ((l.tenant_id = c.tenant_id) AND (l.ends_at > ((c.day)::timestamp without time zone AT TIME ZONE 'UTC'::text)) AND (l.begins_at < (((c.day + 1))::timestamp without time zone AT TIME ZONE 'UTC'::text)))) AS last_listed_at
   FROM (callhook_store.calls c
     CROSS JOIN LATERAL ( SELECT ((c.record_state = ANY (ARRAY['waiting'::text, 'failed'::text])) OR ((c.record_state = 'stored'::text) AND COALESCE((c.version < c.listed_version), false))) AS "?column?") m(missing))
  GROUP BY c.tenant_id, c.day;
CREATE VIEW callhook.direct_routing_calls AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.id,
    t.read_at,
    t.correlation_id,
    t.user_id,
    t.user_principal_name,
    t.user_display_name,
    t.start_date_time,
    t.invite_date_time,
    t.failure_date_time,
    t.end_date_time,
    t.duration_seconds,
    t.call_type,
    t.successful_call,
    t.caller_number,
    t.callee_number,
    t.media_path_location,
    t.signaling_location,
    t.final_sip_code,
    t.call_end_sub_reason,
    t.final_sip_code_phrase,
    t.trunk_fully_qualified_domain_name,
    t.media_bypass_enabled,
    t.extra
   FROM callhook_store.direct_routing_calls t;
CREATE TABLE callhook_store.feedback (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    side text NOT NULL,
    rating text,
    text text,
    tokens jsonb,
    identity_kind text,
    identity_id text,
    identity_name text,
    identity_tenant_id text,
    identity_user_principal_name text,
    identity_endpoint_type text,
    identity jsonb,
    extra jsonb
);
CREATE VIEW callhook.feedback AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.session_no,
    NULLIF(t.segment_no, 0) AS segment_no,
    t.side,
    t.rating,
    t.text,
    t.tokens,
    t.identity_kind,
    t.identity_id,
    t.identity_name,
    t.identity_tenant_id,
    t.identity_user_principal_name,
    t.identity_endpoint_type,
    t.identity,
    t.extra
   FROM callhook_store.feedback t;
CREATE TABLE callhook_store.gaps (
    gap_no bigint NOT NULL,
    tenant text NOT NULL,
    tenant_id uuid NOT NULL,
    resource text NOT NULL,
    change_type text NOT NULL,
    reason text NOT NULL,
    begins_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    noted_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    found bigint
);
CREATE VIEW callhook.gaps AS
 SELECT gaps.tenant,
    NULLIF(gaps.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    gaps.resource,
    gaps.change_type,
    gaps.reason,
    gaps.begins_at,
    gaps.ends_at,
    gaps.noted_at,
    gaps.closed_at,
    gaps.found
   FROM callhook_store.gaps;
CREATE TABLE callhook_store.media (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    media_no integer NOT NULL,
    label text,
    caller_capture_device_name text,
    caller_capture_device_driver text,
    caller_render_device_name text,
    caller_render_device_driver text,
    caller_howling_event_count integer,
    caller_received_noise_level integer,
    caller_received_signal_level integer,
    caller_sent_noise_level integer,
    caller_sent_signal_level integer,
    caller_capture_not_functioning_event_ratio double precision,
    caller_cpu_insufficent_event_ratio double precision,
    caller_device_clipping_event_ratio double precision,
    caller_device_glitch_event_ratio double precision,
    caller_initial_signal_level_root_mean_square double precision,
    caller_low_speech_level_event_ratio double precision,
    caller_low_speech_to_noise_event_ratio double precision,
    caller_mic_glitch_rate double precision,
    caller_render_mute_event_ratio double precision,
    caller_render_not_functioning_event_ratio double precision,
    caller_render_zero_volume_event_ratio double precision,
    caller_speaker_glitch_rate double precision,
    caller_connection_type text,
    caller_network_transport_protocol text,
    caller_ip_address text,
    caller_subnet text,
    caller_port integer,
    caller_mac_address text,
    caller_dns_suffix text,
    caller_reflexive_ip_address text,
    caller_relay_ip_address text,
    caller_relay_port integer,
    caller_link_speed bigint,
    caller_basic_service_set_identifier text,
    caller_trace_route_hops jsonb,
    caller_wifi_band text,
    caller_wifi_radio_type text,
    caller_wifi_battery_charge integer,
    caller_wifi_channel integer,
    caller_wifi_signal_strength integer,
    caller_wifi_microsoft_driver text,
    caller_wifi_microsoft_driver_version text,
    caller_wifi_vendor_driver text,
    caller_wifi_vendor_driver_version text,
    caller_bandwidth_low_event_ratio double precision,
    caller_delay_event_ratio double precision,
    caller_received_quality_event_ratio double precision,
    caller_sent_quality_event_ratio double precision,
    callee_capture_device_name text,
    callee_capture_device_driver text,
    callee_render_device_name text,
    callee_render_device_driver text,
    callee_howling_event_count integer,
    callee_received_noise_level integer,
    callee_received_signal_level integer,
    callee_sent_noise_level integer,
    callee_sent_signal_level integer,
    callee_capture_not_functioning_event_ratio double precision,
    callee_cpu_insufficent_event_ratio double precision,
    callee_device_clipping_event_ratio double precision,
    callee_device_glitch_event_ratio double precision,
    callee_initial_signal_level_root_mean_square double precision,
    callee_low_speech_level_event_ratio double precision,
    callee_low_speech_to_noise_event_ratio double precision,
    callee_mic_glitch_rate double precision,
    callee_render_mute_event_ratio double precision,
    callee_render_not_functioning_event_ratio double precision,
    callee_render_zero_volume_event_ratio double precision,
    callee_speaker_glitch_rate double precision,
    callee_connection_type text,
    callee_network_transport_protocol text,
    callee_ip_address text,
    callee_subnet text,
    callee_port integer,
    callee_mac_address text,
    callee_dns_suffix text,
    callee_reflexive_ip_address text,
    callee_relay_ip_address text,
    callee_relay_port integer,
    callee_link_speed bigint,
    callee_basic_service_set_identifier text,
    callee_trace_route_hops jsonb,
    callee_wifi_band text,
    callee_wifi_radio_type text,
    callee_wifi_battery_charge integer,
    callee_wifi_channel integer,
    callee_wifi_signal_strength integer,
    callee_wifi_microsoft_driver text,
    callee_wifi_microsoft_driver_version text,
    callee_wifi_vendor_driver text,
    callee_wifi_vendor_driver_version text,
    callee_bandwidth_low_event_ratio double precision,
    callee_delay_event_ratio double precision,
    callee_received_quality_event_ratio double precision,
    callee_sent_quality_event_ratio double precision,
    extra jsonb
);
CREATE VIEW callhook.media AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.session_no,
    t.segment_no,
    t.media_no,
    t.label,
    t.caller_capture_device_name,
    t.caller_capture_device_driver,
    t.caller_render_device_name,
    t.caller_render_device_driver,
    t.caller_howling_event_count,
    t.caller_received_noise_level,
    t.caller_received_signal_level,
    t.caller_sent_noise_level,
    t.caller_sent_signal_level,
    t.caller_capture_not_functioning_event_ratio,
    t.caller_cpu_insufficent_event_ratio,
    t.caller_device_clipping_event_ratio,
    t.caller_device_glitch_event_ratio,
    t.caller_initial_signal_level_root_mean_square,
    t.caller_low_speech_level_event_ratio,
    t.caller_low_speech_to_noise_event_ratio,
    t.caller_mic_glitch_rate,
    t.caller_render_mute_event_ratio,
    t.caller_render_not_functioning_event_ratio,
    t.caller_render_zero_volume_event_ratio,
    t.caller_speaker_glitch_rate,
    t.caller_connection_type,
    t.caller_network_transport_protocol,
    t.caller_ip_address,
    t.caller_subnet,
    t.caller_port,
    t.caller_mac_address,
    t.caller_dns_suffix,
    t.caller_reflexive_ip_address,
    t.caller_relay_ip_address,
    t.caller_relay_port,
    t.caller_link_speed,
    t.caller_basic_service_set_identifier,
    t.caller_trace_route_hops,
    t.caller_wifi_band,
    t.caller_wifi_radio_type,
    t.caller_wifi_battery_charge,
    t.caller_wifi_channel,
    t.caller_wifi_signal_strength,
    t.caller_wifi_microsoft_driver,
    t.caller_wifi_microsoft_driver_version,
    t.caller_wifi_vendor_driver,
    t.caller_wifi_vendor_driver_version,
    t.caller_bandwidth_low_event_ratio,
    t.caller_delay_event_ratio,
    t.caller_received_quality_event_ratio,
    t.caller_sent_quality_event_ratio,
    t.callee_capture_device_name,
    t.callee_capture_device_driver,
    t.callee_render_device_name,
    t.callee_render_device_driver,
    t.callee_howling_event_count,
    t.callee_received_noise_level,
    t.callee_received_signal_level,
    t.callee_sent_noise_level,
    t.callee_sent_signal_level,
    t.callee_capture_not_functioning_event_ratio,
    t.callee_cpu_insufficent_event_ratio,
    t.callee_device_clipping_event_ratio,
    t.callee_device_glitch_event_ratio,
    t.callee_initial_signal_level_root_mean_square,
    t.callee_low_speech_level_event_ratio,
    t.callee_low_speech_to_noise_event_ratio,
    t.callee_mic_glitch_rate,
    t.callee_render_mute_event_ratio,
    t.callee_render_not_functioning_event_ratio,
    t.callee_render_zero_volume_event_ratio,
    t.callee_speaker_glitch_rate,
    t.callee_connection_type,
    t.callee_network_transport_protocol,
    t.callee_ip_address,
    t.callee_subnet,
    t.callee_port,
    t.callee_mac_address,
    t.callee_dns_suffix,
    t.callee_reflexive_ip_address,
    t.callee_relay_ip_address,
    t.callee_relay_port,
    t.callee_link_speed,
    t.callee_basic_service_set_identifier,
    t.callee_trace_route_hops,
    t.callee_wifi_band,
    t.callee_wifi_radio_type,
    t.callee_wifi_battery_charge,
    t.callee_wifi_channel,
    t.callee_wifi_signal_strength,
    t.callee_wifi_microsoft_driver,
    t.callee_wifi_microsoft_driver_version,
    t.callee_wifi_vendor_driver,
    t.callee_wifi_vendor_driver_version,
    t.callee_bandwidth_low_event_ratio,
    t.callee_delay_event_ratio,
    t.callee_received_quality_event_ratio,
    t.callee_sent_quality_event_ratio,
    t.extra
   FROM callhook_store.media t;
CREATE TABLE callhook_store.notifications (
    notification_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone DEFAULT now() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid,
    change_type text,
    lifecycle_event text,
    call_id uuid,
    resource text,
    subscription_expires_at timestamp with time zone,
    forwarded_for text,
    extra jsonb
)
PARTITION BY RANGE (received_at);
CREATE VIEW callhook.notifications AS
 SELECT notifications.notification_id,
    notifications.received_at,
    notifications.stored_at,
    NULLIF(notifications.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    notifications.subscription_id,
    notifications.change_type,
    notifications.lifecycle_event,
    notifications.call_id,
    notifications.resource,
    notifications.subscription_expires_at,
    notifications.forwarded_for,
    notifications.extra
   FROM callhook_store.notifications;
CREATE VIEW callhook.participants AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.participant_no,
    t.id,
    t.administrative_unit_infos,
    t.identity_kind,
    t.identity_id,
    t.identity_name,
    t.identity_tenant_id,
    t.identity_user_principal_name,
    t.identity_endpoint_type,
    t.identity,
    t.extra
   FROM callhook_store.participants t;
CREATE VIEW callhook.pstn_calls AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.id,
    t.read_at,
    t.call_id,
    t.user_id,
    t.user_principal_name,
    t.user_display_name,
    t.start_date_time,
    t.end_date_time,
    t.duration_seconds,
    t.charge,
    t.connection_charge,
    t.currency,
    t.call_type,
    t.callee_number,
    t.caller_number,
    t.usage_country_code,
    t.tenant_country_code,
    t.destination_context,
    t.destination_name,
    t.conference_id,
    t.license_capability,
    t.inventory_type,
    t.operator,
    t.call_duration_source,
    t.extra
   FROM callhook_store.pstn_calls t;
CREATE TABLE callhook_store.receiver_minutes (
    minute timestamp with time zone NOT NULL,
    host text NOT NULL,
    counters bigint[] NOT NULL,
    times integer[] NOT NULL,
    max_us bigint NOT NULL,
    spool_bytes bigint NOT NULL
);
CREATE VIEW callhook.receiver_minutes AS
 SELECT m.minute,
    m.host,
    m.counters[1] AS requests,
    m.counters[2] AS handshakes,
    m.counters[3] AS stored,
    m.counters[4] AS refused_unknown,
    m.counters[5] AS refused_secret,
    m.counters[6] AS refused_malformed,
    m.counters[7] AS bad_requests,
    m.counters[8] AS spooled,
    m.spool_bytes,
    m.counters[9] AS rejected,
    m.counters[10] AS over_3s,
    t.p50_ms,
    t.p95_ms,
    t.p99_ms,
    ((m.max_us)::double precision / (1000.0)::double precision) AS max_ms
   FROM (callhook_store.receiver_minutes m
     CROSS JOIN LATERAL ( SELECT (min(LEAST(buckets.upper_us, (m.max_us)::double precision)) FILTER (WHERE ((buckets.running)::numeric >= (0.50 * (buckets.total)::numeric))) / (1000.0)::double precision) AS p50_ms,
            (min(LEAST(buckets.upper_us, (m.max_us)::double precision)) FILTER (WHERE ((buckets.running)::numeric >= (0.95 * (buckets.total)::numeric))) / (1000.0)::double precision) AS p95_ms,
            (min(LEAST(buckets.upper_us, (m.max_us)::double precision)) FILTER (WHERE ((buckets.running)::numeric >= (0.99 * (buckets.total)::numeric))) / (1000.0)::double precision) AS p99_ms
           FROM ( SELECT
                        CASE
                            WHEN (bucket.n = 1) THEN (64)::double precision
                            ELSE (((5 + ((bucket.n - 2) % (4)::bigint)))::double precision * power((2)::double precision, ((4 + ((bucket.n - 2) / 4)))::double precision))
                        END AS upper_us,
                    sum(bucket.answers) OVER (ORDER BY bucket.n) AS running,
                    sum(bucket.answers) OVER () AS total
                   FROM unnest(m.times) WITH ORDINALITY bucket(answers, n)) buckets
          WHERE (buckets.total > 0)) t);
CREATE TABLE callhook_store.segments (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    id text,
    start_date_time timestamp with time zone,
    end_date_time timestamp with time zone,
    caller_type text,
    caller_name text,
    caller_cpu_name text,
    caller_cpu_cores_count integer,
    caller_cpu_processor_speed_in_mhz integer,
    caller_user_agent_type text,
    caller_user_agent_header_value text,
    caller_user_agent_application_version text,
    caller_user_agent_platform text,
    caller_user_agent_product_family text,
    caller_user_agent_azure_ad_app_id text,
    caller_user_agent_communication_service_id text,
    caller_user_agent_role text,
    caller_identity_kind text,
    caller_identity_id text,
    caller_identity_name text,
    caller_identity_tenant_id text,
    caller_identity_user_principal_name text,
    caller_identity_endpoint_type text,
    caller_identity jsonb,
    callee_type text,
    callee_name text,
    callee_cpu_name text,
    callee_cpu_cores_count integer,
    callee_cpu_processor_speed_in_mhz integer,
    callee_user_agent_type text,
    callee_user_agent_header_value text,
    callee_user_agent_application_version text,
    callee_user_agent_platform text,
    callee_user_agent_product_family text,
    callee_user_agent_azure_ad_app_id text,
    callee_user_agent_communication_service_id text,
    callee_user_agent_role text,
    callee_identity_kind text,
    callee_identity_id text,
    callee_identity_name text,
    callee_identity_tenant_id text,
    callee_identity_user_principal_name text,
    callee_identity_endpoint_type text,
    callee_identity jsonb,
    failure_stage text,
    failure_reason text,
    extra jsonb
);
CREATE VIEW callhook.segments AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.session_no,
    t.segment_no,
    t.id,
    t.start_date_time,
    t.end_date_time,
    t.caller_type,
    t.caller_name,
    t.caller_cpu_name,
    t.caller_cpu_cores_count,
    t.caller_cpu_processor_speed_in_mhz,
    t.caller_user_agent_type,
    t.caller_user_agent_header_value,
    t.caller_user_agent_application_version,
    t.caller_user_agent_platform,
    t.caller_user_agent_product_family,
    t.caller_user_agent_azure_ad_app_id,
    t.caller_user_agent_communication_service_id,
    t.caller_user_agent_role,
    t.caller_identity_kind,
    t.caller_identity_id,
    t.caller_identity_name,
    t.caller_identity_tenant_id,
    t.caller_identity_user_principal_name,
    t.caller_identity_endpoint_type,
    t.caller_identity,
    t.callee_type,
    t.callee_name,
    t.callee_cpu_name,
    t.callee_cpu_cores_count,
    t.callee_cpu_processor_speed_in_mhz,
    t.callee_user_agent_type,
    t.callee_user_agent_header_value,
    t.callee_user_agent_application_version,
    t.callee_user_agent_platform,
    t.callee_user_agent_product_family,
    t.callee_user_agent_azure_ad_app_id,
    t.callee_user_agent_communication_service_id,
    t.callee_user_agent_role,
    t.callee_identity_kind,
    t.callee_identity_id,
    t.callee_identity_name,
    t.callee_identity_tenant_id,
    t.callee_identity_user_principal_name,
    t.callee_identity_endpoint_type,
    t.callee_identity,
    t.failure_stage,
    t.failure_reason,
    t.extra
   FROM callhook_store.segments t;
CREATE VIEW callhook.sessions AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.session_no,
    t.id,
    t.start_date_time,
    t.end_date_time,
    t.modalities,
    t.is_test,
    t.caller_type,
    t.caller_name,
    t.caller_cpu_name,
    t.caller_cpu_cores_count,
    t.caller_cpu_processor_speed_in_mhz,
    t.caller_user_agent_type,
    t.caller_user_agent_header_value,
    t.caller_user_agent_application_version,
    t.caller_user_agent_platform,
    t.caller_user_agent_product_family,
    t.caller_user_agent_azure_ad_app_id,
    t.caller_user_agent_communication_service_id,
    t.caller_user_agent_role,
    t.caller_identity_kind,
    t.caller_identity_id,
    t.caller_identity_name,
    t.caller_identity_tenant_id,
    t.caller_identity_user_principal_name,
    t.caller_identity_endpoint_type,
    t.caller_identity,
    t.callee_type,
    t.callee_name,
    t.callee_cpu_name,
    t.callee_cpu_cores_count,
    t.callee_cpu_processor_speed_in_mhz,
    t.callee_user_agent_type,
    t.callee_user_agent_header_value,
    t.callee_user_agent_application_version,
    t.callee_user_agent_platform,
    t.callee_user_agent_product_family,
    t.callee_user_agent_azure_ad_app_id,
    t.callee_user_agent_communication_service_id,
    t.callee_user_agent_role,
    t.callee_identity_kind,
    t.callee_identity_id,
    t.callee_identity_name,
    t.callee_identity_tenant_id,
    t.callee_identity_user_principal_name,
    t.callee_identity_endpoint_type,
    t.callee_identity,
    t.failure_stage,
    t.failure_reason,
    t.extra
   FROM callhook_store.sessions t;
CREATE TABLE callhook_store.streams (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_no integer NOT NULL,
    segment_no integer NOT NULL,
    media_no integer NOT NULL,
    stream_no integer NOT NULL,
    stream_id text,
    stream_direction text,
    start_date_time timestamp with time zone,
    end_date_time timestamp with time zone,
    audio_codec text,
    video_codec text,
    was_media_bypassed boolean,
    is_audio_forward_error_correction_used boolean,
    packet_utilization bigint,
    average_bandwidth_estimate bigint,
    average_audio_network_jitter_ms double precision,
    max_audio_network_jitter_ms double precision,
    average_jitter_ms double precision,
    max_jitter_ms double precision,
    average_round_trip_time_ms double precision,
    max_round_trip_time_ms double precision,
    average_freeze_duration_ms double precision,
    rms_freeze_duration_ms double precision,
    average_audio_degradation double precision,
    average_packet_loss_rate double precision,
    max_packet_loss_rate double precision,
    average_ratio_of_concealed_samples double precision,
    max_ratio_of_concealed_samples double precision,
    average_received_frame_rate double precision,
    average_video_frame_loss_percentage double precision,
    average_video_frame_rate double precision,
    average_video_packet_loss_rate double precision,
    low_frame_rate_ratio double precision,
    low_video_processing_capability_ratio double precision,
    post_forward_error_correction_packet_loss_rate double precision,
    extra jsonb
);
CREATE VIEW callhook.streams AS
 SELECT NULLIF(t.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    t.call_id,
    t.session_no,
    t.segment_no,
    t.media_no,
    t.stream_no,
    t.stream_id,
    t.stream_direction,
    t.start_date_time,
    t.end_date_time,
    t.audio_codec,
    t.video_codec,
    t.was_media_bypassed,
    t.is_audio_forward_error_correction_used,
    t.packet_utilization,
    t.average_bandwidth_estimate,
    t.average_audio_network_jitter_ms,
    t.max_audio_network_jitter_ms,
    t.average_jitter_ms,
    t.max_jitter_ms,
    t.average_round_trip_time_ms,
    t.max_round_trip_time_ms,
    t.average_freeze_duration_ms,
    t.rms_freeze_duration_ms,
    t.average_audio_degradation,
    t.average_packet_loss_rate,
    t.max_packet_loss_rate,
    t.average_ratio_of_concealed_samples,
    t.max_ratio_of_concealed_samples,
    t.average_received_frame_rate,
    t.average_video_frame_loss_percentage,
    t.average_video_frame_rate,
    t.average_video_packet_loss_rate,
    t.low_frame_rate_ratio,
    t.low_video_processing_capability_ratio,
    t.post_forward_error_correction_packet_loss_rate,
    m.label,
    m.caller_capture_device_name,
    m.caller_capture_device_driver,
    m.caller_render_device_name,
    m.caller_render_device_driver,
    m.caller_howling_event_count,
    m.caller_received_noise_level,
    m.caller_received_signal_level,
    m.caller_sent_noise_level,
    m.caller_sent_signal_level,
    m.caller_capture_not_functioning_event_ratio,
    m.caller_cpu_insufficent_event_ratio,
    m.caller_device_clipping_event_ratio,
    m.caller_device_glitch_event_ratio,
    m.caller_initial_signal_level_root_mean_square,
    m.caller_low_speech_level_event_ratio,
    m.caller_low_speech_to_noise_event_ratio,
    m.caller_mic_glitch_rate,
    m.caller_render_mute_event_ratio,
    m.caller_render_not_functioning_event_ratio,
    m.caller_render_zero_volume_event_ratio,
    m.caller_speaker_glitch_rate,
    m.caller_connection_type,
    m.caller_network_transport_protocol,
    m.caller_ip_address,
    m.caller_subnet,
    m.caller_port,
    m.caller_mac_address,
    m.caller_dns_suffix,
    m.caller_reflexive_ip_address,
    m.caller_relay_ip_address,
    m.caller_relay_port,
    m.caller_link_speed,
    m.caller_basic_service_set_identifier,
    m.caller_trace_route_hops,
    m.caller_wifi_band,
    m.caller_wifi_radio_type,
    m.caller_wifi_battery_charge,
    m.caller_wifi_channel,
    m.caller_wifi_signal_strength,
    m.caller_wifi_microsoft_driver,
    m.caller_wifi_microsoft_driver_version,
    m.caller_wifi_vendor_driver,
    m.caller_wifi_vendor_driver_version,
    m.caller_bandwidth_low_event_ratio,
    m.caller_delay_event_ratio,
    m.caller_received_quality_event_ratio,
    m.caller_sent_quality_event_ratio,
    m.callee_capture_device_name,
    m.callee_capture_device_driver,
    m.callee_render_device_name,
    m.callee_render_device_driver,
    m.callee_howling_event_count,
    m.callee_received_noise_level,
    m.callee_received_signal_level,
    m.callee_sent_noise_level,
    m.callee_sent_signal_level,
    m.callee_capture_not_functioning_event_ratio,
    m.callee_cpu_insufficent_event_ratio,
    m.callee_device_clipping_event_ratio,
    m.callee_device_glitch_event_ratio,
    m.callee_initial_signal_level_root_mean_square,
    m.callee_low_speech_level_event_ratio,
    m.callee_low_speech_to_noise_event_ratio,
    m.callee_mic_glitch_rate,
    m.callee_render_mute_event_ratio,
    m.callee_render_not_functioning_event_ratio,
    m.callee_render_zero_volume_event_ratio,
    m.callee_speaker_glitch_rate,
    m.callee_connection_type,
    m.callee_network_transport_protocol,
    m.callee_ip_address,
    m.callee_subnet,
    m.callee_port,
    m.callee_mac_address,
    m.callee_dns_suffix,
    m.callee_reflexive_ip_address,
    m.callee_relay_ip_address,
    m.callee_relay_port,
    m.callee_link_speed,
    m.callee_basic_service_set_identifier,
    m.callee_trace_route_hops,
    m.callee_wifi_band,
    m.callee_wifi_radio_type,
    m.callee_wifi_battery_charge,
    m.callee_wifi_channel,
    m.callee_wifi_signal_strength,
    m.callee_wifi_microsoft_driver,
    m.callee_wifi_microsoft_driver_version,
    m.callee_wifi_vendor_driver,
    m.callee_wifi_vendor_driver_version,
    m.callee_bandwidth_low_event_ratio,
    m.callee_delay_event_ratio,
    m.callee_received_quality_event_ratio,
    m.callee_sent_quality_event_ratio,
        CASE t.stream_direction
            WHEN 'callerToCallee'::text THEN w.caller_id
            WHEN 'calleeToCaller'::text THEN w.callee_id
            ELSE NULL::text
        END AS sender_id,
        CASE t.stream_direction
            WHEN 'callerToCallee'::text THEN w.caller_name
            WHEN 'calleeToCaller'::text THEN w.callee_name
            ELSE NULL::text
        END AS sender_name,
        CASE t.stream_direction
            WHEN 'callerToCallee'::text THEN w.callee_id
            WHEN 'calleeToCaller'::text THEN w.caller_id
            ELSE NULL::text
        END AS receiver_id,
        CASE t.stream_direction
            WHEN 'callerToCallee'::text THEN w.callee_name
            WHEN 'calleeToCaller'::text THEN w.caller_name
            ELSE NULL::text
        END AS receiver_name,
    m.extra AS media_extra,
    t.extra
   FROM ((((callhook_store.streams t
     JOIN callhook_store.media m USING (call_id, tenant_id, session_no, segment_no, media_no))
     JOIN callhook_store.segments g USING (call_id, tenant_id, session_no, segment_no))
     JOIN callhook_store.sessions s USING (call_id, tenant_id, session_no))
     CROSS JOIN LATERAL ( SELECT COALESCE(g.caller_identity_id, s.caller_identity_id) AS "coalesce",
                CASE
                    WHEN (g.caller_identity_id IS NULL) THEN s.caller_identity_name
                    ELSE g.caller_identity_name
                END AS caller_identity_name,
            COALESCE(g.callee_identity_id, s.callee_identity_id) AS "coalesce",
                CASE
                    WHEN (g.callee_identity_id IS NULL) THEN s.callee_identity_name
                    ELSE g.callee_identity_name
                END AS callee_identity_name) w(caller_id, caller_name, callee_id, callee_name));
CREATE TABLE callhook_store.subscriptions (
    subscription_no bigint NOT NULL,
    tenant text NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid,
    resource text,
    change_type text,
    notification_url text,
    secret_sha256 bytea NOT NULL,
    announced_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    renewed_at timestamp with time zone,
    ended_at timestamp with time zone,
    lifecycle_url text,
    alive_at timestamp with time zone,
    CONSTRAINT subscriptions_secret_sha256_check CHECK ((octet_length(secret_sha256) = 32))
);
CREATE VIEW callhook.subscriptions AS
 SELECT s.tenant,
    NULLIF(s.tenant_id, '00000000-0000-0000-0000-000000000000'::uuid) AS tenant_id,
    s.subscription_id,
    s.resource,
    s.change_type,
    split_part(s.notification_url, '?'::text, 1) AS notification_url,
    s.expires_at,
    s.renewed_at,
    n.last_notification_at,
        CASE
            WHEN ((s.ended_at IS NOT NULL) OR (s.expires_at <= now())) THEN 'ended'::text
            WHEN (s.subscription_id IS NULL) THEN 'announced'::text
            ELSE 'live'::text
        END AS state
   FROM (callhook_store.subscriptions s
     LEFT JOIN LATERAL ( SELECT max(notifications.received_at) AS last_notification_at
           FROM callhook_store.notifications
          WHERE ((notifications.subscription_id = s.subscription_id) AND (notifications.received_at > (now() - '31 days'::interval)))) n ON ((s.subscription_id IS NOT NULL)))
  WHERE ((s.ended_at IS NULL) OR (s.ended_at > s.announced_at));
CREATE TABLE callhook_store.fold_state (
    one boolean DEFAULT true NOT NULL,
    folded_to timestamp with time zone,
    final_to timestamp with time zone,
    asked_at timestamp with time zone,
    asked_about text[],
    slab interval DEFAULT '1 day'::interval NOT NULL,
    margin interval DEFAULT '00:01:00'::interval NOT NULL,
    CONSTRAINT fold_state_one_check CHECK (one)
);
CREATE TABLE callhook_store.folded (
    notification_id uuid NOT NULL,
    stored_at timestamp with time zone NOT NULL
);
CREATE TABLE callhook_store.forgotten (
    id_sha256 bytea NOT NULL,
    forgotten_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT forgotten_id_sha256_check CHECK ((octet_length(id_sha256) = 32))
);
ALTER TABLE callhook_store.gaps ALTER COLUMN gap_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME callhook_store.gaps_gap_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE callhook_store.lifecycle_handled (
    notification_id uuid NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE callhook_store.listings ALTER COLUMN listing_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME callhook_store.listings_listing_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE callhook_store.notifications_default (
    notification_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone DEFAULT now() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid,
    change_type text,
    lifecycle_event text,
    call_id uuid,
    resource text,
    subscription_expires_at timestamp with time zone,
    forwarded_for text,
    extra jsonb
);
CREATE TABLE callhook_store.readers (
    tenant_id uuid NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL
);
CREATE SEQUENCE callhook_store.reading_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE callhook_store.record_pages (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    reading_no bigint NOT NULL,
    kind text NOT NULL,
    page_no integer NOT NULL,
    body json NOT NULL,
    CONSTRAINT record_pages_kind_check CHECK ((kind = ANY (ARRAY['record'::text, 'sessions'::text, 'participants_v2'::text])))
);
CREATE TABLE callhook_store.record_versions (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    modified_at timestamp with time zone,
    read_at timestamp with time zone DEFAULT now() NOT NULL,
    sha256 bytea NOT NULL
);
CREATE TABLE callhook_store.refusals (
    subscription_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    reason text NOT NULL,
    refusals bigint NOT NULL,
    first_at timestamp with time zone DEFAULT now() NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT refusals_reason_check CHECK ((reason = ANY (ARRAY['unknown'::text, 'secret'::text])))
);
ALTER TABLE callhook_store.subscriptions ALTER COLUMN subscription_no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME callhook_store.subscriptions_subscription_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE callhook_store.tenants (
    tenant text NOT NULL,
    tenant_id uuid NOT NULL,
    last_run_at timestamp with time zone,
    failed_at timestamp with time zone,
    failure text,
    retry_at timestamp with time zone
);
CREATE TABLE callhook_store.version (
    one boolean DEFAULT true NOT NULL,
    major integer NOT NULL,
    minor integer NOT NULL,
    installed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT version_one_check CHECK (one)
);
ALTER TABLE ONLY callhook_store.notifications ATTACH PARTITION callhook_store.notifications_default DEFAULT;
ALTER TABLE ONLY callhook_store.call_records
    ADD CONSTRAINT call_records_pkey PRIMARY KEY (call_id, tenant_id);
ALTER TABLE ONLY callhook_store.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (call_id, tenant_id);
ALTER TABLE ONLY callhook_store.direct_routing_calls
    ADD CONSTRAINT direct_routing_calls_pkey PRIMARY KEY (id, tenant_id);
ALTER TABLE ONLY callhook_store.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (call_id, tenant_id, session_no, segment_no, side);
ALTER TABLE ONLY callhook_store.fold_state
    ADD CONSTRAINT fold_state_pkey PRIMARY KEY (one);
ALTER TABLE ONLY callhook_store.folded
    ADD CONSTRAINT folded_pkey PRIMARY KEY (notification_id);
ALTER TABLE ONLY callhook_store.forgotten
    ADD CONSTRAINT forgotten_pkey PRIMARY KEY (id_sha256);
ALTER TABLE ONLY callhook_store.gaps
    ADD CONSTRAINT gaps_pkey PRIMARY KEY (gap_no);
ALTER TABLE ONLY callhook_store.lifecycle_handled
    ADD CONSTRAINT lifecycle_handled_pkey PRIMARY KEY (notification_id);
ALTER TABLE ONLY callhook_store.listings
    ADD CONSTRAINT listings_pkey PRIMARY KEY (listing_no);
ALTER TABLE ONLY callhook_store.media
    ADD CONSTRAINT media_pkey PRIMARY KEY (call_id, tenant_id, session_no, segment_no, media_no);
ALTER TABLE ONLY callhook_store.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (received_at, notification_id);
ALTER TABLE ONLY callhook_store.notifications_default
    ADD CONSTRAINT notifications_default_pkey PRIMARY KEY (received_at, notification_id);
ALTER TABLE ONLY callhook_store.participants
    ADD CONSTRAINT participants_pkey PRIMARY KEY (call_id, tenant_id, participant_no);
ALTER TABLE ONLY callhook_store.pstn_calls
    ADD CONSTRAINT pstn_calls_pkey PRIMARY KEY (id, tenant_id);
ALTER TABLE ONLY callhook_store.readers
    ADD CONSTRAINT readers_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY callhook_store.receiver_minutes
    ADD CONSTRAINT receiver_minutes_pkey PRIMARY KEY (minute, host);
ALTER TABLE ONLY callhook_store.record_pages
    ADD CONSTRAINT record_pages_pkey PRIMARY KEY (call_id, tenant_id, reading_no, kind, page_no);
ALTER TABLE ONLY callhook_store.record_versions
    ADD CONSTRAINT record_versions_pkey PRIMARY KEY (call_id, tenant_id, version);
ALTER TABLE ONLY callhook_store.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (subscription_id);
ALTER TABLE ONLY callhook_store.segments
    ADD CONSTRAINT segments_pkey PRIMARY KEY (call_id, tenant_id, session_no, segment_no);
ALTER TABLE ONLY callhook_store.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (call_id, tenant_id, session_no);
ALTER TABLE ONLY callhook_store.streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (call_id, tenant_id, session_no, segment_no, media_no, stream_no);
ALTER TABLE ONLY callhook_store.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (subscription_no);
ALTER TABLE ONLY callhook_store.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (tenant);
ALTER TABLE ONLY callhook_store.version
    ADD CONSTRAINT version_pkey PRIMARY KEY (one);
CREATE INDEX call_records_start ON callhook_store.call_records USING btree (start_date_time);
CREATE INDEX calls_day ON callhook_store.calls USING brin (day) WITH (pages_per_range='16', autosummarize='on');
CREATE INDEX calls_due ON callhook_store.calls USING btree (tenant_id, next_read_at) WHERE (next_read_at IS NOT NULL);
CREATE INDEX calls_lacking ON callhook_store.calls USING btree (tenant_id) WHERE ((record_state = ANY (ARRAY['waiting'::text, 'failed'::text, 'gone'::text])) OR ((record_state = 'stored'::text) AND (version < listed_version)));
CREATE UNIQUE INDEX gaps_one_lasts ON callhook_store.gaps USING btree (tenant_id, resource, change_type) WHERE (ends_at IS NULL);
CREATE INDEX listings_ends_at ON callhook_store.listings USING btree (tenant_id, ends_at);
CREATE INDEX notifications_stored_at ON ONLY callhook_store.notifications USING brin (stored_at) WITH (autosummarize='on');
CREATE INDEX notifications_default_stored_at_idx ON callhook_store.notifications_default USING brin (stored_at) WITH (autosummarize='on');
CREATE INDEX notifications_lifecycle ON ONLY callhook_store.notifications USING btree (stored_at) WHERE (lifecycle_event IS NOT NULL);
CREATE INDEX notifications_default_stored_at_idx1 ON callhook_store.notifications_default USING btree (stored_at) WHERE (lifecycle_event IS NOT NULL);
CREATE INDEX participants_identity ON callhook_store.participants USING btree (identity_id);
CREATE INDEX subscriptions_subscription_id ON callhook_store.subscriptions USING btree (subscription_id);
ALTER INDEX callhook_store.notifications_pkey ATTACH PARTITION callhook_store.notifications_default_pkey;
ALTER INDEX callhook_store.notifications_stored_at ATTACH PARTITION callhook_store.notifications_default_stored_at_idx;
ALTER INDEX callhook_store.notifications_lifecycle ATTACH PARTITION callhook_store.notifications_default_stored_at_idx1;
GRANT USAGE ON SCHEMA callhook TO callhook_renewer;
GRANT USAGE ON SCHEMA callhook TO callhook_reader;
GRANT USAGE ON SCHEMA callhook_store TO callhook_receiver;
GRANT USAGE ON SCHEMA callhook_store TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.add_arrays(a bigint[], b bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.add_minute(minute timestamp with time zone, host text, counters bigint[], times integer[], max_us bigint, spool_bytes bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.add_minute(minute timestamp with time zone, host text, counters bigint[], times integer[], max_us bigint, spool_bytes bigint) TO callhook_receiver;
REVOKE ALL ON FUNCTION callhook_store.add_refusals(subscription_ids uuid[], tenant_ids uuid[], reasons text[], counts bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.add_refusals(subscription_ids uuid[], tenant_ids uuid[], reasons text[], counts bigint[]) TO callhook_receiver;
REVOKE ALL ON FUNCTION callhook_store.advance_final() FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.an_hour(tenant uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_bigint(value jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_boolean(value jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_double(value jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_integer(value jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_ms(value text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_numeric(value jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_time(value text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.as_uuid(value text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.backoff(attempts integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.claim_calls(tenant uuid, most integer, chosen uuid[], lease interval) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.claim_calls(tenant uuid, most integer, chosen uuid[], lease interval) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.close_gaps(tenant uuid, listed_from timestamp with time zone, listed_to timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.close_gaps(tenant uuid, listed_from timestamp with time zone, listed_to timestamp with time zone) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.close_listed_gaps(tenant uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.close_listed_gaps(tenant uuid) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.drop_months(before timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.epoch(at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.file_listed_calls(tenant uuid, page json) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.file_listed_calls(tenant uuid, page json) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.finish_records(tenant uuid, calls uuid[], readings bigint[], bodies json) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.finish_records(tenant uuid, calls uuid[], readings bigint[], bodies json) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.fold_into_calls(tenants uuid[], calls uuid[], firsts timestamp with time zone[], lasts timestamp with time zone[], counts integer[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.fold_notifications(batch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.fold_notifications(batch integer) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.fold_slab(begins timestamp with time zone, ends timestamp with time zone, batch integer, final boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.forget_in_logs(ids text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.forget_in_pages(tenant uuid, calls uuid[], readings bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.forget_person(person text) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.forget_person(person text) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.gap_window(begins_at timestamp with time zone, ends_at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.good_secrets(age_seconds bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.good_secrets(age_seconds bigint) TO callhook_receiver;
REVOKE ALL ON FUNCTION callhook_store.id_digest(id text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.ids_of_person(person text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.is_forgotten(VARIADIC ids text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.judge_readings(tenant uuid, calls uuid[], readings bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.kept_subscriptions(with_last boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.kept_subscriptions(with_last boolean) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.leftover(object jsonb, known text[], rest jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.listable(tenant uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.listed_calls(page json) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.listed_since(tenant uuid, since timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.make_partition(month date) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.make_partitions(months integer) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.make_partitions(months integer) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.names_forgotten(value jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.next_window(tenant uuid, most bigint, asked bigint, started bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.next_window(tenant uuid, most bigint, asked bigint, started bigint) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.note_listing(tenant uuid, begins_at timestamp with time zone, ends_at timestamp with time zone, listed bigint, missing bigint, newer bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.note_listing(tenant uuid, begins_at timestamp with time zone, ends_at timestamp with time zone, listed bigint, missing bigint, newer bigint) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.note_outcomes(tenant uuid, calls uuid[], outcomes text[], fault text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.page_rows(page json) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.parsed(body json) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.reading_failed(tenant uuid, call uuid, reading bigint, status integer, code text, request_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.reading_failed(tenant uuid, call uuid, reading bigint, status integer, code text, request_id text) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.release_call(tenant uuid, call uuid, reading bigint, retry_after interval) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.release_call(tenant uuid, call uuid, reading bigint, retry_after interval) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.remove_old_calls(before timestamp with time zone, batch integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.remove_old_notifications(before timestamp with time zone, batch bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.remove_old_rows(before timestamp with time zone, batch bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.remove_record(tenant uuid, calls uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.remove_simulated(subscription uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.remove_simulated(subscription uuid) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.replace_records(tenant uuid, calls uuid[], readings bigint[], digests bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.retain(days integer, batch integer) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.retain(days integer, batch integer) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.retry_after(status integer, age interval, attempts integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.schema_major() FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.schema_major() TO callhook_receiver;
GRANT ALL ON FUNCTION callhook_store.schema_major() TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.set_reading(tenant uuid, reads boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.set_reading(tenant uuid, reads boolean) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.slab_end(begins timestamp with time zone, ends timestamp with time zone, width interval, batch integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.stopped_at(tenant uuid, call uuid, reading bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.store_direct_routing_rows(tenant uuid, page json) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.store_direct_routing_rows(tenant uuid, page json) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.store_page(tenant uuid, call uuid, reading bigint, kind text, page_no integer, body json) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.store_page(tenant uuid, call uuid, reading bigint, kind text, page_no integer, body json) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.store_pstn_rows(tenant uuid, page json) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.store_pstn_rows(tenant uuid, page json) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.take_apart(tenant uuid, calls uuid[], readings bigint[], digests bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.tenant_status(tenants json) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.tenant_status(tenants json) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.url_names_forgotten(url text) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.want_calls(tenant uuid, calls uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION callhook_store.want_calls(tenant uuid, calls uuid[]) TO callhook_renewer;
REVOKE ALL ON FUNCTION callhook_store.who(person jsonb, identities jsonb, OUT kind text, OUT id text, OUT name text, OUT tenant_id text, OUT user_principal_name text, OUT endpoint_type text, OUT rest jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION callhook_store.without_forgotten(value jsonb) FROM PUBLIC;
GRANT SELECT ON TABLE callhook.call_legs TO callhook_renewer;
GRANT SELECT ON TABLE callhook.call_legs TO callhook_reader;
GRANT SELECT ON TABLE callhook.call_records TO callhook_renewer;
GRANT SELECT ON TABLE callhook.call_records TO callhook_reader;
GRANT SELECT ON TABLE callhook.calls TO callhook_renewer;
GRANT SELECT ON TABLE callhook.calls TO callhook_reader;
GRANT SELECT ON TABLE callhook.completeness TO callhook_renewer;
GRANT SELECT ON TABLE callhook.completeness TO callhook_reader;
GRANT SELECT ON TABLE callhook.direct_routing_calls TO callhook_renewer;
GRANT SELECT ON TABLE callhook.direct_routing_calls TO callhook_reader;
GRANT SELECT ON TABLE callhook.feedback TO callhook_renewer;
GRANT SELECT ON TABLE callhook.feedback TO callhook_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE callhook_store.gaps TO callhook_renewer;
GRANT SELECT ON TABLE callhook.gaps TO callhook_renewer;
GRANT SELECT ON TABLE callhook.gaps TO callhook_reader;
GRANT SELECT ON TABLE callhook.media TO callhook_renewer;
GRANT SELECT ON TABLE callhook.media TO callhook_reader;
GRANT SELECT ON TABLE callhook_store.notifications TO callhook_renewer;
GRANT INSERT(notification_id) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(received_at) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(tenant_id) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(subscription_id) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(change_type) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(lifecycle_event) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(call_id) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(resource) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(subscription_expires_at) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(forwarded_for) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT INSERT(extra) ON TABLE callhook_store.notifications TO callhook_receiver;
GRANT SELECT ON TABLE callhook.notifications TO callhook_renewer;
GRANT SELECT ON TABLE callhook.notifications TO callhook_reader;
GRANT SELECT ON TABLE callhook.participants TO callhook_renewer;
GRANT SELECT ON TABLE callhook.participants TO callhook_reader;
GRANT SELECT ON TABLE callhook.pstn_calls TO callhook_renewer;
GRANT SELECT ON TABLE callhook.pstn_calls TO callhook_reader;
GRANT SELECT ON TABLE callhook.receiver_minutes TO callhook_renewer;
GRANT SELECT ON TABLE callhook.receiver_minutes TO callhook_reader;
GRANT SELECT ON TABLE callhook.segments TO callhook_renewer;
GRANT SELECT ON TABLE callhook.segments TO callhook_reader;
GRANT SELECT ON TABLE callhook.sessions TO callhook_renewer;
GRANT SELECT ON TABLE callhook.sessions TO callhook_reader;
GRANT SELECT ON TABLE callhook.streams TO callhook_renewer;
GRANT SELECT ON TABLE callhook.streams TO callhook_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE callhook_store.subscriptions TO callhook_renewer;
GRANT SELECT ON TABLE callhook.subscriptions TO callhook_renewer;
GRANT SELECT ON TABLE callhook.subscriptions TO callhook_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE callhook_store.lifecycle_handled TO callhook_renewer;
GRANT SELECT,DELETE ON TABLE callhook_store.refusals TO callhook_renewer;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE callhook_store.tenants TO callhook_renewer;
INSERT INTO callhook_store.version (major, minor) VALUES (1, 0);
INSERT INTO callhook_store.fold_state DEFAULT VALUES;
