-- Making facts again: when a rule changes, when they are rebuilt, and to
-- prove that they are right.

CREATE OR REPLACE FUNCTION callhook_store.refresh_facts(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
SET jit = off
SET enable_seqscan = off -- as finish_records, by the keys
AS $$
DECLARE
    part uuid[];
BEGIN
    FOR i IN 1..coalesce(cardinality(calls), 0) BY 500 LOOP
        part := calls[i:i + 499];
        PERFORM FROM callhook_store.calls AS c
        WHERE c.call_id = ANY (part) AND c.tenant_id = tenant
        ORDER BY c.call_id FOR UPDATE;
        PERFORM callhook_store.remove_report_facts(tenant, part);
        PERFORM callhook_store.add_report_facts(tenant, part);
        PERFORM callhook_store.match_phones_of_calls(tenant, part);
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.refresh_facts(uuid, uuid[]) IS
    'Makes the facts of records again.';

-- A rule has changed: the calls that it now judges in another way.
CREATE OR REPLACE FUNCTION callhook_store.apply_quality_rules(since date)
RETURNS void
LANGUAGE plpgsql
SET jit = off
AS $$
DECLARE
    tenant uuid;
    ids uuid[];
BEGIN
    PERFORM callhook_store.make_report_limits();
    FOR tenant, ids IN
        SELECT f.tenant_id, array_agg(DISTINCT f.call_id)
        FROM callhook_store.report_streams AS f
        JOIN callhook_store.streams AS t
            USING (call_id, tenant_id, session_no, segment_no, media_no,
                   stream_no)
        LEFT JOIN callhook_store.report_limits AS l
            ON l.media = f.media AND f.day >= l.begins AND f.day < l.ends
        WHERE f.day >= since
          AND f.verdict <> callhook_store.stream_verdict(l, t)
        GROUP BY f.tenant_id
    LOOP
        PERFORM callhook_store.refresh_facts(tenant, ids);
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.apply_quality_rules(date) IS
    'Applies quality_rule to what is stored from a day on.';

CREATE OR REPLACE FUNCTION callhook_store.apply_disposition_rules(
    log text, since date)
RETURNS void
LANGUAGE plpgsql
SET jit = off
AS $$
DECLARE
    tenant uuid;
    calls uuid[];
    ids text[];
BEGIN
    IF log = 'record' THEN
        FOR tenant, calls IN
            SELECT tenant_id, array_agg(call_id)
            FROM callhook_store.report_calls WHERE day >= since
            GROUP BY tenant_id
        LOOP
            PERFORM callhook_store.refresh_facts(tenant, calls);
        END LOOP;
    ELSE
        FOR tenant, ids IN
            SELECT tenant_id, array_agg(id)
            FROM callhook_store.report_phones
            WHERE day >= since AND source = left(log, 1)::"char"
            GROUP BY tenant_id
        LOOP
            PERFORM callhook_store.put_phones(tenant, log, ids);
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION callhook_store.apply_disposition_rules(text, date) IS
    'Applies disposition_rule to what is stored from a day on.';

CREATE OR REPLACE FUNCTION callhook_store.report_rules_held()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM callhook_store.hold_reports();
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.report_rules_held() IS
    'Trigger: holds up whoever stores records while a rule changes.';

CREATE OR REPLACE FUNCTION callhook_store.report_rules_changed()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    log text;
    since date;
BEGIN
    IF TG_TABLE_NAME = 'quality_rule' THEN
        PERFORM callhook_store.apply_quality_rules(min(valid_from))
        FROM changed HAVING count(*) > 0;
    ELSE
        FOR log, since IN
            SELECT source, min(valid_from) FROM changed GROUP BY source
        LOOP
            PERFORM callhook_store.apply_disposition_rules(log, since);
        END LOOP;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.report_rules_changed() IS
    'Trigger: applies a changed rule to what is stored.';

-- An update is applied from the earlier of the two days: from its old row's
-- and from its new one's.
DO $$
DECLARE
    rules text;
    event text;
    side text;
BEGIN
    FOREACH rules IN ARRAY ARRAY['quality_rule', 'disposition_rule'] LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER report_held
                 BEFORE INSERT OR UPDATE OR DELETE ON callhook_store.%I
                 FOR EACH STATEMENT
                 EXECUTE FUNCTION callhook_store.report_rules_held()', rules);
        FOR event, side IN VALUES ('INSERT', 'NEW'), ('UPDATE', 'NEW'),
                                  ('UPDATE', 'OLD'), ('DELETE', 'OLD') LOOP
            EXECUTE format(
                'CREATE OR REPLACE TRIGGER %I AFTER %s ON callhook_store.%I
                     REFERENCING %s TABLE AS changed FOR EACH STATEMENT
                     EXECUTE FUNCTION callhook_store.report_rules_changed()',
                'report_' || lower(event) || '_' || lower(side), event, rules,
                side);
        END LOOP;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION callhook_store.unfilled_records(
    above uuid, upto uuid)
RETURNS TABLE (tenant_id uuid, call_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT r.tenant_id, r.call_id
    FROM callhook_store.call_records AS r
    JOIN callhook_store.calls AS c USING (call_id, tenant_id)
    WHERE r.call_id > above AND r.call_id <= upto
      AND NOT EXISTS (
          SELECT FROM callhook_store.report_calls AS f
          WHERE f.call_id = r.call_id AND f.tenant_id = r.tenant_id);
$$;
COMMENT ON FUNCTION callhook_store.unfilled_records(uuid, uuid) IS
    'Records of some calls that have no facts.';

-- A store that is older than the facts gets them a batch at a time, by the
-- renewer. True while there is more to do. A batch is of one tenant, and of its
-- records or of one log: whoever stores something locks words, then persons,
-- then facts, and a second round in the same transaction would do so anew,
-- with the first one's locks held.
CREATE OR REPLACE FUNCTION callhook_store.fill_facts(batch integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = off
AS $$
DECLARE
    start uuid;
    last uuid;
    tenant uuid;
    calls uuid[];
    log text;
    ids text[];
BEGIN
    SELECT unfilled_from INTO start FROM callhook_store.report_state
    FOR UPDATE;
    IF start IS NULL THEN
        RETURN false;
    END IF;
    SELECT b.call_id INTO last FROM (
        SELECT r.call_id FROM callhook_store.call_records AS r
        WHERE r.call_id > start ORDER BY r.call_id LIMIT batch) AS b
    ORDER BY b.call_id DESC LIMIT 1;
    IF last IS NULL THEN
        SELECT r.log, r.tenant_id, array_agg(r.id) INTO log, tenant, ids
        FROM (SELECT l.log, l.tenant_id, l.id
              FROM callhook_store.log_rows AS l
              WHERE NOT EXISTS (
                  SELECT FROM callhook_store.report_phones AS p
                  WHERE p.id = l.id AND p.tenant_id = l.tenant_id
                    AND p.source = left(l.log, 1)::"char")
              LIMIT batch) AS r
        GROUP BY r.log, r.tenant_id LIMIT 1;
        IF FOUND THEN
            PERFORM callhook_store.put_phones(tenant, log, ids);
            RETURN true;
        END IF;
        UPDATE callhook_store.report_state SET unfilled_from = NULL;
        RETURN false;
    END IF;
    SELECT u.tenant_id, array_agg(u.call_id) INTO tenant, calls
    FROM callhook_store.unfilled_records(start, last) AS u
    GROUP BY u.tenant_id LIMIT 1;
    PERFORM FROM callhook_store.calls AS c
    WHERE c.call_id = ANY (calls) AND c.tenant_id = tenant
    ORDER BY c.call_id FOR UPDATE;
    -- Others may have stored or removed them meanwhile.
    calls := ARRAY(
        SELECT u.call_id
        FROM callhook_store.unfilled_records(start, last) AS u
        WHERE u.call_id = ANY (calls) AND u.tenant_id = tenant);
    PERFORM callhook_store.add_report_facts(tenant, calls);
    PERFORM callhook_store.match_phones_of_calls(tenant, calls);
    UPDATE callhook_store.report_state SET unfilled_from = last
    WHERE NOT EXISTS (
        SELECT FROM callhook_store.unfilled_records(start, last));
    RETURN true;
END
$$;
COMMENT ON FUNCTION callhook_store.fill_facts(integer) IS
    'Fills the facts of a batch of records that were stored before there were '
    'any; false: all have them.';

-- All of a tenant's facts from a time on, in one transaction, which holds up
-- whoever stores records. How many calls and rows of logs.
CREATE OR REPLACE FUNCTION callhook_store.rebuild_reports(
    tenant uuid, since timestamptz)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    first_day constant date := (since AT TIME ZONE 'UTC')::date;
    one uuid;
    calls uuid[];
    log text;
    ids text[];
    total bigint := 0;
BEGIN
    PERFORM callhook_store.hold_reports();
    FOR one, calls IN
        SELECT tenant_id, array_agg(call_id) FROM (
            SELECT c.tenant_id, c.call_id FROM callhook_store.calls AS c
            JOIN callhook_store.call_records USING (call_id, tenant_id)
            WHERE c.day >= first_day
            UNION
            SELECT f.tenant_id, f.call_id FROM callhook_store.report_calls AS f
            WHERE f.day >= first_day) AS u
        WHERE tenant IS NULL OR tenant_id = tenant
        GROUP BY tenant_id
    LOOP
        PERFORM callhook_store.refresh_facts(one, calls);
        total := total + cardinality(calls);
    END LOOP;
    FOR one, log, ids IN
        SELECT tenant_id, name, array_agg(id) FROM (
            SELECT r.tenant_id, r.log AS name, r.id
            FROM callhook_store.log_rows AS r WHERE r.day >= first_day
            UNION
            SELECT p.tenant_id, CASE p.source WHEN 'p' THEN 'pstn'
                                    ELSE 'direct_routing' END, p.id
            FROM callhook_store.report_phones AS p
            WHERE p.day >= first_day) AS u
        WHERE tenant IS NULL OR tenant_id = tenant
        GROUP BY tenant_id, name
    LOOP
        PERFORM callhook_store.put_phones(one, log, ids);
        total := total + cardinality(ids);
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION callhook_store.rebuild_reports(uuid, timestamptz) IS
    'Makes the facts of a tenant (null: of all) again from the records, from '
    'a time on.';

-- The facts of some calls as digests, by call.
CREATE OR REPLACE FUNCTION callhook_store.fact_digests(
    tenant uuid, on_day date)
RETURNS jsonb
LANGUAGE sql
AS $$
    SELECT jsonb_object_agg(key, digest) FROM (
        SELECT key, md5(string_agg(row, E'\n' ORDER BY row)) AS digest
        FROM (SELECT 'call ' || f.call_id AS key, f::text AS row
              FROM callhook_store.report_calls AS f
              WHERE f.tenant_id = tenant AND f.day = on_day
              UNION ALL
              SELECT 'legs ' || f.call_id, f::text
              FROM callhook_store.report_legs AS f
              WHERE f.tenant_id = tenant AND f.day = on_day
              UNION ALL
              SELECT 'streams ' || f.call_id, f::text
              FROM callhook_store.report_streams AS f
              WHERE f.tenant_id = tenant AND f.day = on_day
              UNION ALL
              SELECT concat('phone ', f.source, ' ', f.id),
                     to_jsonb(f)::text -- but for its own number
              FROM callhook_store.report_phones AS f
              WHERE f.tenant_id = tenant AND f.day = on_day) AS r
        GROUP BY key) AS d;
$$;
COMMENT ON FUNCTION callhook_store.fact_digests(uuid, date) IS
    'Digests of the facts of a day.';

-- The facts of a day are made again in a part of the transaction that is then
-- taken back: what differs is wrong. Days whose records retention may have
-- removed in part prove nothing.
CREATE OR REPLACE FUNCTION callhook_store.verify_reports(on_day date)
RETURNS TABLE (tenant_id uuid, part text, problem text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    tenant uuid;
    calls uuid[];
    stored jsonb;
    made jsonb;
BEGIN
    IF on_day < (SELECT frozen_before FROM callhook_store.report_state) THEN
        RETURN;
    END IF;
    FOR tenant IN
        SELECT c.tenant_id FROM callhook_store.calls AS c
        WHERE c.day = on_day
        UNION SELECT f.tenant_id FROM callhook_store.report_calls AS f
        WHERE f.day = on_day
        UNION SELECT r.tenant_id FROM callhook_store.log_rows AS r
        WHERE r.day = on_day
        UNION SELECT p.tenant_id FROM callhook_store.report_phones AS p
        WHERE p.day = on_day
    LOOP
        calls := ARRAY(
            SELECT c.call_id FROM callhook_store.calls AS c
            JOIN callhook_store.call_records AS r USING (call_id, tenant_id)
            WHERE c.day = on_day AND c.tenant_id = tenant
            UNION
            SELECT f.call_id FROM callhook_store.report_calls AS f
            WHERE f.day = on_day AND f.tenant_id = tenant
            ORDER BY 1);
        PERFORM FROM callhook_store.calls AS c
        WHERE c.call_id = ANY (calls) AND c.tenant_id = tenant
        ORDER BY c.call_id FOR UPDATE;
        stored := callhook_store.fact_digests(tenant, on_day);
        BEGIN
            PERFORM callhook_store.refresh_facts(tenant, calls);
            PERFORM callhook_store.put_phones(tenant, l.log, ARRAY(
                SELECT r.id FROM callhook_store.log_rows AS r
                WHERE r.tenant_id = tenant AND r.log = l.log
                  AND r.day = on_day
                UNION
                SELECT p.id FROM callhook_store.report_phones AS p
                WHERE p.tenant_id = tenant AND p.day = on_day
                  AND p.source = left(l.log, 1)::"char"))
            FROM (VALUES ('pstn'), ('direct_routing')) AS l (log);
            made := callhook_store.fact_digests(tenant, on_day);
            RAISE 'taken back' USING ERRCODE = 'CH001';
        EXCEPTION WHEN SQLSTATE 'CH001' THEN
            NULL;
        END;
        RETURN QUERY
        SELECT tenant, s.key,
               CASE WHEN m.key IS NULL THEN 'there is no such record'
                    ELSE 'differs from the record' END
        FROM jsonb_each_text(coalesce(stored, '{}')) AS s
        LEFT JOIN jsonb_each_text(coalesce(made, '{}')) AS m USING (key)
        WHERE s.value IS DISTINCT FROM m.value
        UNION ALL
        SELECT tenant, m.key, 'has no facts'
        FROM jsonb_each_text(coalesce(made, '{}')) AS m
        WHERE NOT coalesce(stored, '{}') ? m.key;
    END LOOP;
    RETURN QUERY SELECT * FROM callhook_store.verify_figures(on_day);
END
$$;
COMMENT ON FUNCTION callhook_store.verify_reports(date) IS
    'What of a day''s facts and figures differs from the records; no row: all '
    'is right. The calls of that day stay locked meanwhile.';

-- Before retention removes calls from before a time: the figures of their
-- days are finished and stay from now on, those that name persons go. False:
-- there is more to do before.
CREATE OR REPLACE FUNCTION callhook_store.freeze_reports(before timestamptz)
RETURNS boolean
LANGUAGE plpgsql
SET timezone = 'UTC'
AS $$
DECLARE
    horizon constant date := (before AT TIME ZONE 'UTC')::date + 1;
    left_over record;
BEGIN
    IF callhook_store.fill_facts(1000) THEN
        RETURN false;
    END IF;
    IF horizon <= (SELECT frozen_before FROM callhook_store.report_state)
    THEN
        -- A month that is dropped locks out others until the transaction ends.
        RETURN callhook_store.drop_report_months() = 0;
    END IF;
    FOR left_over IN
        SELECT d.tenant_id, d.day FROM callhook_store.dirty_days AS d
        WHERE d.day < horizon ORDER BY d.day LIMIT 50
    LOOP
        PERFORM callhook_store.make_day(left_over.tenant_id, left_over.day);
    END LOOP;
    IF EXISTS (SELECT FROM callhook_store.dirty_days AS d
               WHERE d.day < horizon) THEN
        RETURN false;
    END IF;
    FOR left_over IN
        SELECT d.tenant_id, d.month FROM callhook_store.dirty_months AS d
        WHERE d.month < horizon
    LOOP
        PERFORM callhook_store.make_month(left_over.tenant_id, left_over.month);
    END LOOP;
    UPDATE callhook_store.report_state SET frozen_before = horizon;
    DELETE FROM callhook_store.report_dirty_days WHERE day < horizon;
    DELETE FROM callhook_store.report_dirty_months WHERE month < horizon;
    DELETE FROM callhook_store.day_persons WHERE day < horizon;
    DELETE FROM callhook_store.day_clients WHERE day < horizon;
    DELETE FROM callhook_store.report_people
    WHERE seen_in + interval '1 month' < horizon;
    DELETE FROM callhook_store.report_devices
    WHERE seen_in + interval '1 month' < horizon;
    RETURN true;
END
$$;
COMMENT ON FUNCTION callhook_store.freeze_reports(timestamptz) IS
    'Finishes the figures of days that retention is about to empty; false: '
    'call it again first.';

-- forget_person calls this: the dictionaries and the site's file. devices:
-- names that its calls had; those of nobody's stream go.
CREATE OR REPLACE FUNCTION callhook_store.forget_in_reports(devices text[])
RETURNS void
LANGUAGE sql
AS $$
    DELETE FROM callhook_store.report_people
    WHERE callhook_store.is_forgotten(id, principal_name)
       OR (id IS NULL AND callhook_store.is_forgotten(name));
    UPDATE callhook_store.report_people SET name = NULL
    WHERE callhook_store.is_forgotten(name);
    DELETE FROM callhook_store.report_terms
    WHERE callhook_store.is_forgotten(term);
    DELETE FROM callhook_store.report_queues
    WHERE callhook_store.is_forgotten(substr(key, 2));
    DELETE FROM callhook_store.person AS p
    WHERE callhook_store.is_forgotten(p.person, p.number);
    DELETE FROM callhook_store.report_devices AS d
    WHERE d.name = ANY (devices)
      AND NOT EXISTS (
          SELECT FROM callhook_store.report_streams AS s
          WHERE s.tenant_id = d.tenant_id
            AND d.device_no IN (s.sender_device_no, s.receiver_device_no));
$$;
COMMENT ON FUNCTION callhook_store.forget_in_reports(text[]) IS
    'Removes forgotten persons from the dictionaries of the reports.';
