-- Facts of the phone logs, and which of their rows a call record knows, too.

-- Both logs as their facts need them.
CREATE OR REPLACE VIEW callhook_store.log_rows AS
SELECT l.*,
       (coalesce(l.started_at, l.read_at) AT TIME ZONE 'UTC')::date AS day,
       site.charge AS site_charge, site.currency AS site_currency
FROM (
    SELECT 'pstn'::text AS log, tenant_id, id, NULL::uuid AS correlation_id,
           CASE WHEN octet_length(user_id) <= 2000 THEN user_id END
               AS user_id, -- an index holds no more
           user_principal_name, user_display_name AS user_name,
           start_date_time AS started_at, end_date_time AS ended_at, read_at,
           duration_seconds AS seconds,
           CASE WHEN num_nonnulls(charge, connection_charge) > 0
                THEN coalesce(charge, 0) + coalesce(connection_charge, 0) END
               AS charge,
           currency, call_type, usage_country_code AS country,
           destination_name AS destination, NULL::text AS trunk,
           NULL::integer AS sip_code, caller_number, callee_number,
           CASE WHEN duration_seconds > 0 THEN 'connected'
                ELSE 'not_connected' END AS stage,
           CASE WHEN call_type ~* 'in(_|$)' THEN 'i' ELSE 'o' END::"char"
               AS direction
    FROM callhook_store.pstn_calls
    UNION ALL
    SELECT 'direct_routing', tenant_id, id,
           callhook_store.as_uuid(correlation_id),
           CASE WHEN octet_length(user_id) <= 2000 THEN user_id END,
           user_principal_name, user_display_name,
           coalesce(start_date_time, invite_date_time, failure_date_time),
           end_date_time, read_at, duration_seconds, NULL, NULL, call_type,
           NULL, NULL, trunk_fully_qualified_domain_name, final_sip_code,
           caller_number, callee_number,
           CASE WHEN successful_call THEN 'connected'
                ELSE 'not_connected' END,
           CASE WHEN call_type ~* '^byotin' THEN 'i' ELSE 'o' END::"char"
    FROM callhook_store.direct_routing_calls) AS l
LEFT JOIN LATERAL callhook_store.site_charge(
    l.tenant_id, l.callee_number,
    (coalesce(l.started_at, l.read_at) AT TIME ZONE 'UTC')::date, l.seconds)
    AS site ON l.direction = 'o' AND l.stage = 'connected';
COMMENT ON VIEW callhook_store.log_rows IS
    'The rows of both phone logs, in one form.';

CREATE OR REPLACE FUNCTION callhook_store.put_phones(
    tenant uuid, which text, ids text[])
RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off -- statistics of tables that grow are never right
SET timezone = 'UTC'
SET jit = off
AS $$
DECLARE
    changed bigint[];
    bereft uuid[]; -- calls
BEGIN
    PERFORM callhook_store.add_report_terms(ARRAY(
        SELECT w FROM callhook_store.log_rows AS r
        CROSS JOIN LATERAL unnest(ARRAY[
            r.stage, r.call_type, r.country, r.destination,
            r.currency, r.trunk, r.site_currency, 'user', 'phone']) AS w
        WHERE r.tenant_id = tenant AND r.log = which
          AND r.id = ANY (ids)));
    INSERT INTO callhook_store.report_people AS p (tenant_id, key, id, name,
        principal_name, home_tenant, department, seen_in)
    SELECT DISTINCT ON (n.key) tenant, n.key, r.user_id, r.user_name,
           r.user_principal_name, tenant::text, d.department,
           date_trunc('month', r.day)::date
    FROM callhook_store.log_rows AS r
    CROSS JOIN LATERAL (SELECT callhook_store.person_key(
                            r.user_id, r.user_name)) AS n (key)
    LEFT JOIN LATERAL callhook_store.department_of(
        tenant, r.user_id, r.user_principal_name) AS d ON true
    WHERE r.tenant_id = tenant AND r.log = which
      AND r.id = ANY (ids) AND n.key IS NOT NULL
    ORDER BY n.key, r.day DESC, r.user_name
    -- What is known of him already stays, but for a newer month's.
    ON CONFLICT (key, tenant_id) DO UPDATE
    SET seen_in = greatest(p.seen_in, excluded.seen_in),
        name = CASE WHEN p.seen_in < excluded.seen_in
                    THEN coalesce(excluded.name, p.name)
                    ELSE coalesce(p.name, excluded.name) END,
        principal_name = CASE
            WHEN p.seen_in < excluded.seen_in
                THEN coalesce(excluded.principal_name, p.principal_name)
            ELSE coalesce(p.principal_name, excluded.principal_name) END,
        department = CASE
            WHEN p.principal_name IS NULL OR p.seen_in < excluded.seen_in
                 AND p.principal_name <> excluded.principal_name
                THEN excluded.department ELSE p.department END
    WHERE p.seen_in < excluded.seen_in
       OR p.name IS NULL AND excluded.name IS NOT NULL
       OR p.principal_name IS NULL AND excluded.principal_name IS NOT NULL;

    -- The days that lose a row; those that get it are marked below.
    PERFORM callhook_store.mark_phone_days(ARRAY(
        SELECT p.phone_no FROM callhook_store.report_phones AS p
        WHERE p.tenant_id = tenant AND p.source = left(which, 1)::"char"
          AND p.id = ANY (ids)
          AND NOT EXISTS (
              SELECT FROM callhook_store.log_rows AS r
              WHERE r.tenant_id = tenant AND r.log = which
                AND r.id = p.id AND r.day = p.day)));
    WITH gone AS (
        DELETE FROM callhook_store.report_phones AS p
        WHERE p.tenant_id = tenant AND p.source = left(which, 1)::"char"
          AND p.id = ANY (ids)
          AND NOT EXISTS (
              SELECT FROM callhook_store.log_rows AS r
              WHERE r.tenant_id = tenant AND r.log = which
                AND r.id = p.id)
        RETURNING p.call_id)
    SELECT array_agg(DISTINCT call_id) INTO bereft FROM gone
    WHERE call_id IS NOT NULL;
    IF bereft IS NOT NULL THEN
        PERFORM callhook_store.link_phones(tenant, bereft);
    END IF;
    WITH put AS (
        INSERT INTO callhook_store.report_phones AS p (
            started_at, ended_at, tenant_id, correlation_id, id, charge,
            own_charge, day, seconds, person_no, sip_code, stage_no,
            call_type_no, country_no, destination_no, currency_no, trunk_no,
            caller_number, callee_number, source, direction, disposition)
        SELECT r.started_at, r.ended_at, tenant, r.correlation_id, r.id,
               coalesce(r.charge, r.site_charge), r.charge IS NOT NULL,
               r.day, r.seconds, person.person_no, r.sip_code, stage.term_no,
               call_type.term_no, country.term_no, destination.term_no,
               currency.term_no, trunk.term_no, r.caller_number,
               r.callee_number, left(which, 1)::"char", r.direction,
               coalesce(rule.disposition, 'u')
        FROM callhook_store.log_rows AS r
        LEFT JOIN LATERAL callhook_store.disposition_by_rule(
            which, r.stage, NULL, r.sip_code, r.day) AS rule ON true
        LEFT JOIN callhook_store.report_people AS person
            ON person.key = callhook_store.person_key(r.user_id, r.user_name)
           AND person.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS stage
            ON stage.term = r.stage
        LEFT JOIN callhook_store.report_terms AS call_type
            ON call_type.term = left(r.call_type, 600)
        LEFT JOIN callhook_store.report_terms AS country
            ON country.term = left(r.country, 600)
        LEFT JOIN callhook_store.report_terms AS destination
            ON destination.term = left(r.destination, 600)
        LEFT JOIN callhook_store.report_terms AS currency
            ON currency.term = left(CASE WHEN r.charge IS NULL
                                         THEN r.site_currency
                                         ELSE r.currency END, 600)
        LEFT JOIN callhook_store.report_terms AS trunk
            ON trunk.term = left(r.trunk, 600)
        WHERE r.tenant_id = tenant AND r.log = which
          AND r.id = ANY (ids)
        ON CONFLICT (id, tenant_id, source) DO UPDATE SET
            started_at = excluded.started_at, ended_at = excluded.ended_at,
            correlation_id = excluded.correlation_id,
            charge = excluded.charge, own_charge = excluded.own_charge,
            day = excluded.day, seconds = excluded.seconds,
            person_no = excluded.person_no, sip_code = excluded.sip_code,
            stage_no = excluded.stage_no,
            call_type_no = excluded.call_type_no,
            country_no = excluded.country_no,
            destination_no = excluded.destination_no,
            currency_no = excluded.currency_no, trunk_no = excluded.trunk_no,
            caller_number = excluded.caller_number,
            callee_number = excluded.callee_number,
            direction = excluded.direction,
            disposition = excluded.disposition
        WHERE (p.started_at, p.ended_at, p.correlation_id, p.charge,
               p.own_charge, p.day, p.seconds, p.person_no, p.sip_code,
               p.stage_no, p.call_type_no, p.country_no, p.destination_no,
               p.currency_no, p.trunk_no, p.caller_number, p.callee_number,
               p.direction, p.disposition)
              IS DISTINCT FROM
              (excluded.started_at, excluded.ended_at,
               excluded.correlation_id, excluded.charge, excluded.own_charge,
               excluded.day, excluded.seconds, excluded.person_no,
               excluded.sip_code, excluded.stage_no, excluded.call_type_no,
               excluded.country_no, excluded.destination_no,
               excluded.currency_no, excluded.trunk_no,
               excluded.caller_number, excluded.callee_number,
               excluded.direction, excluded.disposition)
        RETURNING phone_no)
    SELECT array_agg(phone_no) INTO changed FROM put;
    PERFORM callhook_store.mark_phone_days(changed);
    PERFORM callhook_store.match_phones(changed);
END
$$;
COMMENT ON FUNCTION callhook_store.put_phones(uuid, text, text[]) IS
    'Fills the facts of rows of a phone log: pstn or direct_routing.';

CREATE OR REPLACE FUNCTION callhook_store.mark_phone_days(phones bigint[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.report_dirty_days (tenant_id, day)
    SELECT DISTINCT p.tenant_id, d::date
    FROM unnest(phones) AS phone
    CROSS JOIN LATERAL (
        SELECT p.tenant_id, p.day, p.ended_at
        FROM callhook_store.report_phones AS p
        WHERE p.phone_no = phone OFFSET 0) AS p
    CROSS JOIN LATERAL generate_series(
        p.day::timestamp,
        greatest(p.day, least((p.ended_at AT TIME ZONE 'UTC')::date,
                              p.day + 7))::timestamp, '1 day') AS d
    WHERE d >= (SELECT frozen_before FROM callhook_store.report_state);
$$;
COMMENT ON FUNCTION callhook_store.mark_phone_days(bigint[]) IS
    'Notes the days whose figures some phone calls change.';

-- The record of a phone call, as callhook.call_legs finds it: by the log's
-- correlation id, else the closest one within 5 minutes that has both the
-- user and one of the numbers.
CREATE OR REPLACE FUNCTION callhook_store.match_phones(phones bigint[])
RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off -- statistics of tables that grow are never right
SET jit = off
AS $$
DECLARE
    tenant uuid;
    touched uuid[];
BEGIN
    IF coalesce(cardinality(phones), 0) = 0 THEN
        RETURN;
    END IF;
    FOR tenant, touched IN
        WITH found AS (
            SELECT p.phone_no, p.tenant_id, p.call_id AS former,
                   coalesce(exact.call_id, near.call_id) AS call_id
            FROM unnest(phones) AS phone
            CROSS JOIN LATERAL (
                SELECT * FROM callhook_store.report_phones AS p
                WHERE p.phone_no = phone OFFSET 0) AS p
            LEFT JOIN LATERAL (
                SELECT c.call_id FROM callhook_store.report_calls AS c
                WHERE c.call_id = p.correlation_id
                  AND c.tenant_id = p.tenant_id OFFSET 0) AS exact ON true
            LEFT JOIN LATERAL (
                SELECT c.call_id
                FROM (
                    SELECT l.call_id, l.tenant_id
                    FROM callhook_store.report_legs AS l
                    WHERE l.person_no = p.person_no
                      AND l.day BETWEEN p.day - 1 AND p.day + 1
                    UNION ALL
                    -- Who dials in is logged for the organizer, who need not
                    -- be there.
                    SELECT l.call_id, l.tenant_id
                    FROM callhook_store.report_legs AS l
                    WHERE coalesce(l.peer_no, l.person_no) = p.person_no
                      AND l.kind = 'm'
                      AND l.day BETWEEN p.day - 1 AND p.day + 1) AS l
                CROSS JOIN LATERAL (
                    SELECT * FROM callhook_store.report_calls AS c
                    WHERE c.call_id = l.call_id
                      AND c.tenant_id = l.tenant_id OFFSET 0) AS c
                WHERE exact.call_id IS NULL
                  AND c.started_at
                      BETWEEN p.started_at - interval '5 minutes'
                          AND p.started_at + interval '5 minutes'
                  AND EXISTS (
                      SELECT FROM callhook_store.report_legs AS o
                      CROSS JOIN LATERAL (
                          SELECT q.id FROM callhook_store.report_people AS q
                          WHERE q.person_no IN (o.person_no, o.peer_no)
                          OFFSET 0) AS q
                      CROSS JOIN (VALUES
                          (rtrim(p.caller_number, '*')),
                          (rtrim(p.callee_number, '*'))) AS n (number)
                      WHERE o.call_id = c.call_id
                        AND o.tenant_id = c.tenant_id AND o.day = c.day
                        AND q.id ~ '^\+?[0-9]{5,}\**$' AND length(number) > 5
                        AND (starts_with(q.id, number)
                             OR starts_with(number, rtrim(q.id, '*')))
                      OFFSET 0)
                ORDER BY abs(extract(epoch FROM c.started_at
                                                - p.started_at)), c.call_id
                LIMIT 1) AS near ON true
        ), changed AS (
            UPDATE callhook_store.report_phones AS p SET call_id = f.call_id
            FROM found AS f
            WHERE p.phone_no = f.phone_no AND p.phone_no = ANY (phones)
              AND p.call_id IS DISTINCT FROM f.call_id
            RETURNING p.phone_no
        ), marked AS (
            SELECT callhook_store.mark_phone_days(array_agg(phone_no))
            FROM changed
        )
        SELECT f.tenant_id, array_agg(DISTINCT c.id)
        FROM found AS f
        CROSS JOIN marked
        CROSS JOIN LATERAL (VALUES (f.former), (f.call_id)) AS c (id)
        WHERE c.id IS NOT NULL
        GROUP BY f.tenant_id
    LOOP
        PERFORM callhook_store.link_phones(tenant, touched);
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.match_phones(bigint[]) IS
    'Finds the call records that rows of phone logs belong to.';

-- A phone call's row is shown on the row of its user, else of another person
-- of the call. Of two rows there (a call in, and on to another) that with a
-- charge.
CREATE OR REPLACE FUNCTION callhook_store.link_phones(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE sql
AS $$
    UPDATE callhook_store.report_legs AS l SET phone_no = w.phone_no
    FROM (
        SELECT DISTINCT ON (o.tableoid, o.ctid) o.tableoid AS part,
               o.ctid AS place, b.phone_no, o.day, o.call_id
        FROM callhook_store.report_calls AS c
        JOIN callhook_store.report_legs AS o
            ON o.call_id = c.call_id AND o.tenant_id = c.tenant_id
           AND o.day = c.day
        LEFT JOIN LATERAL (
            SELECT p.phone_no, p.charge, p.source, p.id
            FROM callhook_store.report_phones AS p
            CROSS JOIN LATERAL (
                SELECT i.ctid, i.tableoid
                FROM callhook_store.report_legs AS i
                LEFT JOIN callhook_store.report_terms AS k
                    ON k.term_no = i.person_kind_no
                WHERE i.call_id = c.call_id AND i.tenant_id = c.tenant_id
                  AND i.day = c.day
                ORDER BY i.person_no = p.person_no DESC NULLS LAST,
                         k.term = 'phone', i.started_at, i.person_no
                LIMIT 1) AS best
            WHERE p.call_id = c.call_id AND p.tenant_id = c.tenant_id
              AND best.ctid = o.ctid AND best.tableoid = o.tableoid) AS b
            ON true
        WHERE c.call_id = ANY (calls) AND c.tenant_id = tenant
        ORDER BY o.tableoid, o.ctid, b.charge IS NULL, b.source, b.id) AS w
    WHERE l.call_id = w.call_id AND l.tenant_id = tenant AND l.day = w.day
      AND l.ctid = w.place AND l.tableoid = w.part
      AND l.phone_no IS DISTINCT FROM w.phone_no;
$$;
COMMENT ON FUNCTION callhook_store.link_phones(uuid, uuid[]) IS
    'Puts the rows of phone logs beside the persons of their calls.';

-- After records were stored: the log's rows that they may be.
CREATE OR REPLACE FUNCTION callhook_store.match_phones_of_calls(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM callhook_store.report_phones) THEN
        RETURN;
    END IF;
    PERFORM callhook_store.match_phones(ARRAY(
        SELECT p.phone_no FROM unnest(calls) AS given (call)
        CROSS JOIN LATERAL (
            SELECT p.phone_no, p.tenant_id
            FROM callhook_store.report_phones AS p
            WHERE p.correlation_id = given.call OFFSET 0) AS p
        WHERE p.tenant_id = tenant
        UNION
        SELECT p.phone_no FROM unnest(calls) AS given (call)
        CROSS JOIN LATERAL (
            SELECT * FROM callhook_store.report_calls AS c
            WHERE c.call_id = given.call AND c.tenant_id = tenant
            OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT p.phone_no, p.tenant_id, p.person_no
            FROM callhook_store.report_phones AS p
            WHERE p.started_at BETWEEN c.started_at - interval '5 minutes'
                                   AND c.started_at + interval '5 minutes'
            OFFSET 0) AS p
        WHERE p.tenant_id = tenant
          AND EXISTS (
              SELECT FROM callhook_store.report_legs AS l
              WHERE l.call_id = c.call_id AND l.tenant_id = c.tenant_id
                AND l.day = c.day
                AND p.person_no IN (l.person_no, l.peer_no) OFFSET 0)));
END
$$;
COMMENT ON FUNCTION callhook_store.match_phones_of_calls(uuid, uuid[]) IS
    'Finds the rows of phone logs that belong to records just stored.';

CREATE OR REPLACE FUNCTION callhook_store.report_phones_changed()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    tenant uuid;
    ids text[];
BEGIN
    FOR tenant, ids IN
        SELECT tenant_id, array_agg(id) FROM changed GROUP BY tenant_id
    LOOP
        PERFORM callhook_store.put_phones(tenant, TG_ARGV[0], ids);
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.report_phones_changed() IS
    'Trigger: keeps the facts of a phone log.';

DO $$
DECLARE
    log text;
    event text;
BEGIN
    FOREACH log IN ARRAY ARRAY['pstn', 'direct_routing'] LOOP
        FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE OR REPLACE TRIGGER %I
                     AFTER %s ON callhook_store.%I
                     REFERENCING %s TABLE AS changed FOR EACH STATEMENT
                     EXECUTE FUNCTION
                         callhook_store.report_phones_changed(%L)',
                'report_' || lower(event), event, log || '_calls',
                CASE event WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END, log);
        END LOOP;
    END LOOP;
END
$$;

-- New rates: the charges that Microsoft does not name. Nothing else of a row
-- changes, and a year of them is applied by one statement of a load. Which of
-- two rows of a call is shown depends on the charge.
CREATE OR REPLACE FUNCTION callhook_store.apply_rates(tenant uuid)
RETURNS void
LANGUAGE plpgsql
SET jit = off
AS $$
DECLARE
    changed bigint[];
BEGIN
    PERFORM callhook_store.add_report_terms(ARRAY(
        SELECT DISTINCT currency FROM callhook_store.rate
        WHERE tenant_id = tenant));
    WITH now AS MATERIALIZED (
        SELECT r.id, left(r.log, 1)::"char" AS source, r.site_charge AS charge,
               currency.term_no AS currency_no
        FROM callhook_store.log_rows AS r
        LEFT JOIN callhook_store.report_terms AS currency
            ON currency.term = r.site_currency
        WHERE r.tenant_id = tenant AND r.charge IS NULL
    ), put AS (
        UPDATE callhook_store.report_phones AS p
        SET charge = now.charge, currency_no = now.currency_no
        FROM now
        WHERE p.id = now.id AND p.source = now.source
          AND p.tenant_id = tenant AND NOT p.own_charge
          AND (p.charge, p.currency_no)
              IS DISTINCT FROM (now.charge, now.currency_no)
        RETURNING p.phone_no)
    SELECT array_agg(phone_no) INTO changed FROM put;
    PERFORM callhook_store.mark_phone_days(changed);
    PERFORM callhook_store.link_phones(tenant, ARRAY(
        SELECT call_id FROM callhook_store.report_phones
        WHERE tenant_id = tenant AND call_id IN (
            SELECT call_id FROM callhook_store.report_phones
            WHERE phone_no = ANY (changed))
        GROUP BY call_id HAVING count(*) > 1));
END
$$;
COMMENT ON FUNCTION callhook_store.apply_rates(uuid) IS
    'Computes the charges that Microsoft does not name.';
