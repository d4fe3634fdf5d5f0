-- Hours from before the renewer counted them, of an older schema: what was
-- folded then is counted a batch at a time. These rows are final, so no other
-- can come among them.

DO $$
BEGIN
    IF to_regclass('callhook_store.hours_upgrade') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE callhook_store.hours_upgrade (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        counted_to timestamptz NOT NULL, -- by stored_at
        ends timestamptz NOT NULL,
        slab interval NOT NULL DEFAULT '1 day'
    );
    PERFORM FROM callhook_store.fold_state FOR UPDATE;
    INSERT INTO callhook_store.hours_upgrade (counted_to, ends)
    SELECT '1970-01-01Z', folded_to FROM callhook_store.fold_state;
    -- Those that were folded at once, before their time was final.
    PERFORM callhook_store.add_to_hours(
        array_agg(n.tenant_id), array_agg(n.received_at),
        array_agg(n.lifecycle_event IS NULL))
    FROM callhook_store.folded AS f
    JOIN callhook_store.notifications AS n USING (notification_id)
    WHERE n.stored_at >= (SELECT folded_to FROM callhook_store.fold_state)
    HAVING count(*) > 0;
END
$$;

CREATE OR REPLACE FUNCTION callhook_store.count_earlier_hours(
    batch integer DEFAULT 50000)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off -- the block range index, whatever statistics say
AS $$
DECLARE
    state callhook_store.hours_upgrade;
    slab record;
BEGIN
    SELECT * INTO state FROM callhook_store.hours_upgrade
    WHERE counted_to < ends FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM FROM callhook_store.fold_state FOR UPDATE;
    slab := callhook_store.next_slab(state.counted_to, state.ends,
                                     state.slab * 2, batch);
    PERFORM callhook_store.add_to_hours(
        array_agg(tenant_id), array_agg(received_at),
        array_agg(lifecycle_event IS NULL))
    FROM callhook_store.notifications
    WHERE stored_at >= state.counted_to AND stored_at < slab.upper
      AND call_id IS DISTINCT FROM '00000000-0000-0000-0000-000000000000'
    HAVING count(*) > 0;
    UPDATE callhook_store.hours_upgrade
    SET counted_to = slab.upper,
        slab = greatest(slab.upper - state.counted_to, interval '1 ms');
    RETURN batch;
END
$$;
COMMENT ON FUNCTION callhook_store.count_earlier_hours(integer) IS
    'Counts a batch of the notifications that were folded before hours were '
    'counted. Call it until it returns less than batch.';
