-- What becomes known of a call is noted as it happens, in the transaction that
-- makes it known; of a call's events the last one stays.
CREATE OR REPLACE FUNCTION callhook_store.put_call_events(
    calls uuid[], tenants uuid[], events text[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.call_events AS e
        (call_id, tenant_id, event, at, transaction)
    SELECT n.call_id, n.tenant_id, n.event, now(),
           pg_current_xact_id()::text::bigint
    FROM unnest(calls, tenants, events) AS n (call_id, tenant_id, event)
    WHERE n.event IS NOT NULL
    ORDER BY n.call_id, n.tenant_id
    ON CONFLICT (call_id, tenant_id) DO UPDATE
    SET event = excluded.event, at = excluded.at,
        transaction = excluded.transaction;
$$;
COMMENT ON FUNCTION callhook_store.put_call_events(uuid[], uuid[], text[]) IS
    'Notes the last events of calls; a null is none.';

CREATE OR REPLACE FUNCTION callhook_store.note_new_calls()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM callhook_store.put_call_events(
        array_agg(call_id), array_agg(tenant_id),
        array_agg(CASE WHEN record_state = 'stored' THEN 'stored'
                       WHEN notifications > 0 THEN 'notified'
                       WHEN listed_at IS NOT NULL THEN 'listed' END))
    FROM new_calls;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.note_new_calls() IS
    'Notes the events of new calls.';

CREATE OR REPLACE FUNCTION callhook_store.note_changed_calls()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM callhook_store.put_call_events(
        array_agg(n.call_id), array_agg(n.tenant_id),
        array_agg(CASE
            WHEN n.record_state = 'stored' AND o.record_state <> 'stored'
                THEN 'stored'
            WHEN n.record_state = 'stored'
             AND n.version IS DISTINCT FROM o.version THEN 'updated'
            WHEN n.notifications > 0 AND o.notifications = 0 THEN 'notified'
            WHEN n.listed_at IS NOT NULL AND o.listed_at IS NULL
             AND n.notifications = 0 AND n.record_state <> 'stored'
                THEN 'listed' END))
    FROM old_calls AS o JOIN new_calls AS n USING (call_id, tenant_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.note_changed_calls() IS
    'Notes the events of calls that have changed.';

CREATE OR REPLACE FUNCTION callhook_store.forget_removed_calls()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM callhook_store.call_events AS e USING old_calls AS o
    WHERE e.call_id = o.call_id AND e.tenant_id = o.tenant_id;
    DELETE FROM callhook_store.consumer_failures AS f USING old_calls AS o
    WHERE f.kind = 'calls' AND f.id = o.call_id AND f.tenant_id = o.tenant_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.forget_removed_calls() IS
    'Removes what consumers keep of calls that are removed.';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = 'callhook_store.calls'::regclass
                     AND tgname = 'note_new_calls') THEN
        CREATE TRIGGER note_new_calls AFTER INSERT ON callhook_store.calls
            REFERENCING NEW TABLE AS new_calls FOR EACH STATEMENT
            EXECUTE FUNCTION callhook_store.note_new_calls();
        CREATE TRIGGER note_changed_calls AFTER UPDATE ON callhook_store.calls
            REFERENCING OLD TABLE AS old_calls NEW TABLE AS new_calls
            FOR EACH STATEMENT
            EXECUTE FUNCTION callhook_store.note_changed_calls();
        CREATE TRIGGER forget_removed_calls
            AFTER DELETE ON callhook_store.calls
            REFERENCING OLD TABLE AS old_calls FOR EACH STATEMENT
            EXECUTE FUNCTION callhook_store.forget_removed_calls();
    END IF;
END
$$;
