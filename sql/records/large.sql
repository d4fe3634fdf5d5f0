-- A record that is too large for one statement: a meeting of thousands. It is
-- taken apart in one transaction of many statements, each of which works for a
-- part of the time that it may; readers see the version before, and then all
-- of the new one. The call's row is not locked until the end, for others
-- write to it.

-- How long a step works on, beyond what it has begun.
CREATE OR REPLACE FUNCTION callhook_store.is_time_over()
RETURNS boolean
LANGUAGE sql
AS $$
    SELECT clock_timestamp() > statement_timestamp()
        + coalesce(nullif(current_setting('statement_timeout')::interval, '0'),
                   '14 s') / 7;
$$;
COMMENT ON FUNCTION callhook_store.is_time_over() IS
    'Whether a seventh of the time is over that this statement may take.';

-- For as long as a large record is being taken apart, which nobody knows
-- before, and outside of that transaction.
CREATE OR REPLACE FUNCTION callhook_store.keep_claim(
    tenant uuid, call uuid, reading bigint,
    lease interval DEFAULT '10 minutes')
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE callhook_store.calls SET next_read_at = now() + lease
    WHERE call_id = call AND tenant_id = tenant AND reading_no = reading;
END
$$;
COMMENT ON FUNCTION callhook_store.keep_claim(
    uuid, uuid, bigint, interval) IS
    'Prolongs the claim of a call, if it is still that reading''s.';

CREATE OR REPLACE FUNCTION callhook_store.begin_large(
    tenant uuid, call uuid, reading bigint)
RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    judged record;
BEGIN
    SELECT * INTO judged FROM callhook_store.judge_readings(
        tenant, ARRAY[call], ARRAY[reading]);
    IF judged.outcome <> 'stored' THEN
        RETURN false;
    END IF;
    PERFORM set_config('callhook.large_record', 'on', true);
    INSERT INTO callhook_store.record_versions AS v (
        tenant_id, call_id, version, modified_at, sha256)
    VALUES (tenant, call, coalesce(judged.version, 0), judged.modified_at,
            judged.sha256)
    ON CONFLICT ON CONSTRAINT record_versions_pkey DO UPDATE
    SET modified_at = excluded.modified_at, read_at = now(),
        sha256 = excluded.sha256;
    RETURN true;
END
$$;
COMMENT ON FUNCTION callhook_store.begin_large(uuid, uuid, bigint) IS
    'Begins to take a large record apart; false: it is not to be stored.';

-- The version before. 1: some of it is left; null: nothing is.
CREATE OR REPLACE FUNCTION callhook_store.remove_large(tenant uuid, call uuid)
RETURNS integer
LANGUAGE plpgsql
AS $$
BEGIN
    WHILE callhook_store.shrink_record(tenant, call, 1000) > 0 LOOP
        IF callhook_store.is_time_over() THEN
            RETURN 1;
        END IF;
    END LOOP;
    PERFORM callhook_store.remove_record(tenant, ARRAY[call]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.remove_large(uuid, uuid) IS
    'Removes the older version of a large record; null: it is gone.';

-- 0: the record itself, with its participants; from 1 on: further pages of
-- sessions.
CREATE OR REPLACE FUNCTION callhook_store.take_large_pages(
    tenant uuid, call uuid, reading bigint, page_no integer)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    last constant integer := (
        SELECT max(p.page_no) FROM callhook_store.record_pages AS p
        WHERE p.call_id = call AND p.tenant_id = tenant
          AND p.reading_no = reading AND p.kind = 'sessions');
    digest constant bytea := (
        SELECT v.sha256 FROM callhook_store.record_versions AS v
        WHERE v.call_id = call AND v.tenant_id = tenant
          AND v.read_at = now()); -- by begin_large
    pages int4range;
BEGIN
    LOOP
        pages := int4range(page_no, page_no, '[]');
        PERFORM callhook_store.forget_in_pages(
            tenant, ARRAY[call], ARRAY[reading], pages);
        PERFORM callhook_store.take_apart(
            tenant, ARRAY[call], ARRAY[reading], ARRAY[digest], pages);
        page_no := page_no + 1;
        EXIT WHEN last IS NULL OR page_no > last;
        IF callhook_store.is_time_over() THEN
            RETURN page_no;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.take_large_pages(
    uuid, uuid, bigint, integer) IS
    'Takes pages of a large record apart; which one comes next, or null.';

CREATE OR REPLACE FUNCTION callhook_store.put_large_facts(
    tenant uuid, call uuid, step text, session_no integer)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    many constant integer := CASE step WHEN 'streams' THEN 100 ELSE 1000 END;
    last constant integer := (
        SELECT sessions FROM callhook_store.call_records
        WHERE call_id = call AND tenant_id = tenant);
    upper integer;
BEGIN
    WHILE session_no <= last LOOP
        upper := session_no + many - 1;
        IF step = 'streams' THEN
            PERFORM callhook_store.add_report_words(
                tenant, ARRAY[call], session_no, upper);
            PERFORM callhook_store.put_report_streams(
                tenant, ARRAY[call], session_no, upper);
        ELSE
            PERFORM callhook_store.put_report_sides(
                tenant, ARRAY[call], session_no, upper);
        END IF;
        session_no := upper + 1;
        IF session_no <= last AND callhook_store.is_time_over() THEN
            RETURN session_no;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.put_large_facts(
    uuid, uuid, text, integer) IS
    'Fills facts of a large record: streams, or sides of sessions; which '
    'session comes next, or null.';

CREATE OR REPLACE FUNCTION callhook_store.end_large(
    tenant uuid, call uuid, reading bigint)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM callhook_store.mark_report_days(tenant, ARRAY[call]);
    PERFORM callhook_store.match_phones_of_calls(tenant, ARRAY[call]);
    PERFORM FROM callhook_store.calls AS c
    WHERE c.call_id = call AND c.tenant_id = tenant
      AND c.reading_no = reading
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM callhook_store.note_outcomes(
        tenant, ARRAY[call], ARRAY['stored'], NULL);
    DELETE FROM callhook_store.record_pages AS p
    WHERE p.call_id = call AND p.tenant_id = tenant
      AND p.reading_no <> reading;
    RETURN true;
END
$$;
COMMENT ON FUNCTION callhook_store.end_large(uuid, uuid, bigint) IS
    'Ends taking a large record apart; false: the reading is another''s.';

-- The steps, in their order, of one transaction. place: the page or session
-- that a step is to go on from.
CREATE OR REPLACE FUNCTION callhook_store.take_large(
    tenant uuid, call uuid, reading bigint, INOUT step text,
    INOUT place integer)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off -- as finish_records
SET timezone = 'UTC'
AS $$
DECLARE
    steps constant text[] :=
        '{begin,remove,pages,persons,streams,sides,legs,end,stored}';
    going_on boolean := true;
    next_place integer;
BEGIN
    PERFORM FROM callhook_store.forgotten LIMIT 1; -- locks it
    PERFORM FROM callhook_store.calls AS c
    WHERE c.call_id = call AND c.tenant_id = tenant
      AND c.reading_no = reading;
    IF NOT FOUND THEN
        step := 'lost';
        RETURN;
    END IF;
    CASE step
        WHEN 'begin' THEN
            going_on := callhook_store.begin_large(tenant, call, reading);
        WHEN 'remove' THEN
            next_place := callhook_store.remove_large(tenant, call);
        WHEN 'pages' THEN
            next_place := callhook_store.take_large_pages(
                tenant, call, reading, place);
        WHEN 'persons' THEN
            PERFORM callhook_store.prepare_report_facts(tenant, ARRAY[call]);
            PERFORM callhook_store.put_report_call(tenant, ARRAY[call]);
        WHEN 'streams', 'sides' THEN
            next_place := callhook_store.put_large_facts(
                tenant, call, step, place);
        WHEN 'legs' THEN
            PERFORM callhook_store.put_report_legs(tenant, ARRAY[call]);
        WHEN 'end' THEN
            going_on := callhook_store.end_large(tenant, call, reading);
    END CASE;
    place := coalesce(next_place, 0);
    IF NOT going_on THEN
        step := 'lost';
    ELSIF next_place IS NULL THEN
        step := steps[array_position(steps, step) + 1];
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.take_large(
    uuid, uuid, bigint, text, integer) IS
    'Takes a large record apart, a step a statement, from ''begin'' on: which '
    'one comes next; ''stored'' or ''lost'' at the end, before the COMMIT.';
