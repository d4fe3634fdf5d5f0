-- What consumers call. The two functions that hand out rows return the columns
-- of a view, whatever a later version adds to it.
CREATE OR REPLACE FUNCTION callhook.make_consumer(
    name text, since timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(length(name), 0) NOT BETWEEN 1 AND 100 THEN
        RAISE 'a consumer''s name has 1 to 100 characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO callhook_store.consumers (consumer, since)
    VALUES (name, coalesce(make_consumer.since, now()));
END
$$;
COMMENT ON FUNCTION callhook.make_consumer(text, timestamptz) IS
    'Begins a consumer with what was stored since a time (-infinity: with '
    'all). An error (23505) if there is one of that name.';

-- A batch's notifications mostly came one after the other: if the time between
-- its first and its last has few others, it is read at once and the ids are
-- picked from it by a hash join; else, as of a spool that was stored late, each
-- row is looked up by its key.
DO $do$
DECLARE
    api record;
    columns text;
    result text;
    signature text;
BEGIN
    FOR api IN SELECT * FROM (VALUES
        ('next_notifications', 'notifications', 'off', 'batch bigint',
         'SELECT min(t), max(t) INTO earliest, latest
          FROM (SELECT unnest(b.times)) AS k (t);
          rows := cardinality(b.ids);
          IF (SELECT count(*) <= 2 * rows FROM (
                  SELECT FROM callhook_store.notifications
                  WHERE received_at BETWEEN earliest AND latest
                  LIMIT 2 * rows + 1) AS n)
          THEN
              RETURN QUERY SELECT b.batch, v.*
              FROM (SELECT * FROM callhook.notifications
                    WHERE received_at BETWEEN earliest AND latest
                    OFFSET 0) AS v
              WHERE v.notification_id IN (SELECT unnest(b.ids));
          ELSE
              RETURN QUERY SELECT b.batch, v.*
              FROM unnest(b.ids, b.times) AS k (id, at)
              CROSS JOIN LATERAL (
                  SELECT * FROM callhook.notifications AS n
                  WHERE n.received_at = k.at AND n.notification_id = k.id
                    AND n.received_at BETWEEN earliest AND latest
                  OFFSET 0) AS v;
          END IF;',
         'Leases up to max notifications that are new to the consumer, for 5 '
         'minutes: settle the batch by done, or give it back by failed. No '
         'row: nothing is new.'),
        ('next_calls', 'calls', 'on', 'batch bigint, event text',
         'RETURN QUERY SELECT b.batch, k.event, v.*
          FROM unnest(b.ids, b.tenants, b.events) AS k (id, tenant, event)
          CROSS JOIN LATERAL (
              SELECT * FROM callhook.calls AS n
              WHERE n.call_id = k.id OFFSET 0) AS v
          WHERE v.tenant_id IS NOT DISTINCT FROM nullif(k.tenant,
                    ''00000000-0000-0000-0000-000000000000'');',
         'Leases up to max calls of which something new is known to the '
         'consumer, for 5 minutes: settle the batch by done, or give it back '
         'by failed. event: notified, stored, updated or listed. No row: '
         'nothing is new.')
    ) AS v (name, kind, nested_loops, head, hand_out, comment)
    LOOP
        SELECT string_agg(format('%I %s', attname,
                                 format_type(atttypid, atttypmod)), ', '
                          ORDER BY attnum)
        INTO columns FROM pg_attribute
        WHERE attrelid = ('callhook.' || api.kind)::regclass
          AND attnum > 0 AND NOT attisdropped;
        signature := format('callhook.%I(text, integer)', api.name);
        result := format('TABLE(%s, %s)', api.head, columns);
        IF pg_get_function_result(to_regprocedure(signature))
           <> result THEN -- the view has more columns now
            EXECUTE 'DROP FUNCTION ' || signature;
        END IF;
        EXECUTE format($sql$
            CREATE OR REPLACE FUNCTION callhook.%I(
                consumer text, max integer)
            RETURNS %s
            LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp
            SET jit = off
            SET enable_seqscan = off
            SET enable_nestloop = %s
            SET plan_cache_mode = force_generic_plan
            ROWS 100
            AS $body$
            #variable_conflict use_column
            DECLARE
                b callhook_store.consumer_batches;
                leased_batch bigint;
                earliest timestamptz; -- only these partitions are opened
                latest timestamptz;
                rows integer;
            BEGIN
                LOOP
                    leased_batch := callhook_store.lease_batch(
                        consumer, %L, max);
                    EXIT WHEN leased_batch IS NULL;
                    SELECT * INTO b FROM callhook_store.consumer_batches AS l
                    WHERE l.batch = leased_batch;
                    %s
                    EXIT WHEN FOUND;
                    -- retention has removed all of its rows
                    DELETE FROM callhook_store.consumer_batches AS l
                    WHERE l.batch = leased_batch;
                END LOOP;
            END
            $body$ $sql$, api.name, result, api.nested_loops, api.kind,
            api.hand_out);
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', signature,
                       api.comment);
    END LOOP;
END
$do$;
