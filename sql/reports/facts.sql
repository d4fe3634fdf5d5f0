-- Filling the facts of call records. A trigger does it at the end of the very
-- statement that stores a record, and another one removes what goes with it.

-- Services that a session may have on one side, by the role in the user agent
-- (Graph, enumeration serviceRole). They are no persons; bots are.
CREATE OR REPLACE FUNCTION callhook_store.is_bridge(role text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT role IN ('skypeForBusinessAudioVideoMcu', 'mediaController',
        'skypeForBusinessApplicationSharingMcu', 'conferencingAttendant',
        'conferencingAnnouncementService', 'audioTeleconferencerController');
$$;
COMMENT ON FUNCTION callhook_store.is_bridge(text) IS
    'Whether a role is that of a conference.';

CREATE OR REPLACE FUNCTION callhook_store.is_queue(role text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT role IN ('skypeForBusinessCallQueues', 'responseGroupService',
                    'responseGroupServiceAnnouncementService');
$$;
COMMENT ON FUNCTION callhook_store.is_queue(text) IS
    'Whether a role is that of a call queue.';

CREATE OR REPLACE FUNCTION callhook_store.is_voicemail(role text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT role IN ('voicemail', 'exchangeUnifiedMessagingService');
$$;
COMMENT ON FUNCTION callhook_store.is_voicemail(text) IS
    'Whether a role is that of a voice mailbox.';

-- An identity that stands alone does not always say its kind; a number does.
CREATE OR REPLACE FUNCTION callhook_store.kind_of(kind text, id text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce(kind, CASE WHEN id ~ '^\+?[0-9]{5,}\**$' THEN 'phone' END);
$$;
COMMENT ON FUNCTION callhook_store.kind_of(text, text) IS
    'The kind of an identity.';

-- Whether one side of a session is a person, phone, room or bot. A gateway
-- stands for the phone behind it.
CREATE OR REPLACE FUNCTION callhook_store.is_person(
    role text, kind text, id text, name text, home text, endpoint text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce(callhook_store.kind_of(kind, id) = 'phone', false)
        OR (role IS NULL OR role IN ('unknown', 'customBot'))
           AND (num_nonnulls(kind, id, name, home) > 0
                OR coalesce(endpoint = 'participantEndpoint', false));
$$;
COMMENT ON FUNCTION callhook_store.is_person(
    text, text, text, text, text, text) IS
    'Whether one side of a session has a row of its own in cdr.';

CREATE OR REPLACE FUNCTION callhook_store.person_key(id text, name text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce('i' || nullif(id, ''), 'n' || left(nullif(name, ''), 400));
$$;
COMMENT ON FUNCTION callhook_store.person_key(text, text) IS
    'The key of a person in report_people; null: nothing is known.';

-- The modalities of Graph as bits; 128: another one.
CREATE OR REPLACE FUNCTION callhook_store.modality_bits(modalities text[])
RETURNS smallint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT (CASE WHEN 'audio' = ANY (modalities) THEN 1 ELSE 0 END
          + CASE WHEN 'video' = ANY (modalities) THEN 2 ELSE 0 END
          + CASE WHEN 'videoBasedScreenSharing' = ANY (modalities)
                 THEN 4 ELSE 0 END
          + CASE WHEN 'screenSharing' = ANY (modalities) THEN 8 ELSE 0 END
          + CASE WHEN 'data' = ANY (modalities) THEN 16 ELSE 0 END
          + CASE WHEN 'unknown' = ANY (modalities) THEN 32 ELSE 0 END
          + CASE WHEN 'unknownFutureValue' = ANY (modalities)
                 THEN 64 ELSE 0 END)::smallint;
$$;
COMMENT ON FUNCTION callhook_store.modality_bits(text[]) IS
    'Modalities as bits.';

-- Of years there are more seconds than an integer holds: no fact may fail for
-- a date that is far off.
CREATE OR REPLACE FUNCTION callhook_store.whole_seconds(span interval)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE WHEN span BETWEEN '-24855 days' AND '24855 days'
                THEN floor(date_part('epoch', span))::integer END;
$$;
COMMENT ON FUNCTION callhook_store.whole_seconds(interval) IS
    'A span in whole seconds; null if it is over 68 years.';

-- What Graph calls the media in its label.
CREATE OR REPLACE FUNCTION callhook_store.media_code(label text)
RETURNS "char"
LANGUAGE sql IMMUTABLE
AS $$
    SELECT (CASE WHEN label ILIKE '%audio%' COLLATE "C" THEN 'a'
                 WHEN label ILIKE '%sharing%' COLLATE "C"
                   OR label ILIKE '%vbss%' COLLATE "C" THEN 's'
                 WHEN label ILIKE '%video%' COLLATE "C" THEN 'v'
                 ELSE 'o' END)::"char";
$$;
COMMENT ON FUNCTION callhook_store.media_code(text) IS
    'a audio, v video, s screen sharing, o another label.';

-- Numbers for the words of some records. In order, so that two writers never
-- wait for each other.
CREATE OR REPLACE FUNCTION callhook_store.add_report_terms(words text[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.report_terms (term)
    SELECT DISTINCT left(word, 600) AS word FROM unnest(words) AS word
    WHERE word IS NOT NULL
      AND NOT EXISTS (SELECT FROM callhook_store.report_terms
                      WHERE term = left(word, 600))
    ORDER BY word
    ON CONFLICT DO NOTHING;
$$;
COMMENT ON FUNCTION callhook_store.add_report_terms(text[]) IS
    'Gives words numbers that have none.';

-- Most words repeat: UNION, so that each is looked up once. By its key (OFFSET
-- 0): as a join, planned while there are few, all of the tenant's would be read
-- and sorted for each batch.
DROP FUNCTION IF EXISTS callhook_store.add_report_words(uuid, uuid[]);
CREATE OR REPLACE FUNCTION callhook_store.add_report_words(
    tenant uuid, calls uuid[], first integer DEFAULT 0,
    last integer DEFAULT 2147483647)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO callhook_store.report_terms (term)
    SELECT DISTINCT left(w.word, 600) AS word
    FROM (SELECT unnest(ARRAY[
              caller_user_agent_platform, callee_user_agent_platform,
              caller_user_agent_application_version,
              callee_user_agent_application_version,
              callhook_store.kind_of(caller_identity_kind,
                                     caller_identity_id),
              callhook_store.kind_of(callee_identity_kind,
                                     callee_identity_id),
              failure_stage, failure_reason])
          FROM callhook_store.sessions
          WHERE call_id = ANY (calls) AND tenant_id = tenant
            AND session_no BETWEEN first AND last
          UNION
          SELECT unnest(ARRAY[
              caller_user_agent_platform, callee_user_agent_platform,
              caller_user_agent_application_version,
              callee_user_agent_application_version])
          FROM callhook_store.segments
          WHERE call_id = ANY (calls) AND tenant_id = tenant
            AND session_no BETWEEN first AND last
          UNION
          SELECT unnest(ARRAY[
              caller_connection_type, callee_connection_type,
              caller_network_transport_protocol,
              callee_network_transport_protocol,
              CASE WHEN callhook_store.media_code(label) = 'o'
                   THEN label END])
          FROM callhook_store.media
          WHERE call_id = ANY (calls) AND tenant_id = tenant
            AND session_no BETWEEN first AND last
          UNION
          SELECT rating FROM callhook_store.feedback
          WHERE call_id = ANY (calls) AND tenant_id = tenant
            AND session_no BETWEEN first AND last
          UNION
          SELECT identity_kind FROM callhook_store.participants
          WHERE call_id = ANY (calls) AND tenant_id = tenant AND first <= 1
          UNION
          SELECT organizer_identity_kind FROM callhook_store.call_records
          WHERE call_id = ANY (calls) AND tenant_id = tenant) AS w (word)
    WHERE w.word IS NOT NULL
      AND NOT EXISTS (SELECT FROM callhook_store.report_terms AS t
                      WHERE t.term = left(w.word, 600) OFFSET 0)
    ORDER BY word
    ON CONFLICT DO NOTHING;

    INSERT INTO callhook_store.report_devices AS d (tenant_id, name, seen_in)
    SELECT tenant, n.word, n.month
    FROM (SELECT left(v.name, 600) AS word,
                 date_trunc('month', coalesce(max(r.start_date_time), now()),
                            'UTC')::date AS month
          FROM callhook_store.media AS m
          CROSS JOIN LATERAL (
              SELECT start_date_time FROM callhook_store.call_records AS r
              WHERE r.call_id = m.call_id AND r.tenant_id = tenant OFFSET 0)
              AS r
          CROSS JOIN LATERAL unnest(ARRAY[
              m.caller_capture_device_name, m.callee_capture_device_name,
              m.caller_render_device_name, m.callee_render_device_name])
              AS v (name)
          WHERE m.call_id = ANY (calls) AND m.tenant_id = tenant
            AND m.session_no BETWEEN first AND last
            AND v.name IS NOT NULL
          GROUP BY 1) AS n
    WHERE NOT EXISTS (
        SELECT FROM callhook_store.report_devices AS o
        WHERE o.name = n.word AND o.tenant_id = tenant
          AND o.seen_in >= n.month OFFSET 0)
    ORDER BY n.word
    ON CONFLICT (name, tenant_id) DO UPDATE
        SET seen_in = greatest(d.seen_in, excluded.seen_in);

    INSERT INTO callhook_store.report_subnets
        (tenant_id, subnet, address, building, floor)
    SELECT tenant, s.subnet, s.address, b.building, b.floor
    FROM (SELECT DISTINCT left(n.subnet, 600) AS subnet,
                 callhook_store.as_address(n.subnet) AS address
          FROM callhook_store.media AS m
          CROSS JOIN LATERAL unnest(ARRAY[m.caller_subnet, m.callee_subnet])
              AS n (subnet)
          WHERE m.call_id = ANY (calls) AND m.tenant_id = tenant
            AND m.session_no BETWEEN first AND last
            AND n.subnet IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM callhook_store.report_subnets AS o
                WHERE o.subnet = left(n.subnet, 600)
                  AND o.tenant_id = tenant OFFSET 0)) AS s
    LEFT JOIN LATERAL callhook_store.building_of(tenant, s.address) AS b
        ON true
    ORDER BY s.subnet
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION callhook_store.add_report_words(
    uuid, uuid[], integer, integer) IS
    'Gives words, devices and subnets of records their numbers; or of some '
    'sessions.';

-- The newest name wins; a person's row is written once a month at most, but
-- for a change of name.
CREATE OR REPLACE FUNCTION callhook_store.add_report_people(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO callhook_store.report_people AS p (tenant_id, key, id, name,
        principal_name, home_tenant, department, seen_in)
    SELECT tenant, n.key, n.id, n.name, n.principal_name, n.home, d.department,
           n.month
    FROM (
        SELECT DISTINCT ON (callhook_store.person_key(i.id, i.name))
               callhook_store.person_key(i.id, i.name) AS key, i.id, i.name,
               i.principal_name, i.home,
               coalesce(date_trunc('month', r.start_date_time, 'UTC'),
                        now())::date AS month
        FROM callhook_store.call_records AS r
        CROSS JOIN LATERAL (
            SELECT v.* FROM callhook_store.sessions AS s
            CROSS JOIN LATERAL (
                SELECT s.caller_user_agent_role, s.caller_identity_kind,
                       s.caller_identity_id, s.caller_identity_name,
                       s.caller_identity_user_principal_name,
                       s.caller_identity_tenant_id
                UNION ALL
                SELECT s.callee_user_agent_role, s.callee_identity_kind,
                       s.callee_identity_id, s.callee_identity_name,
                       s.callee_identity_user_principal_name,
                       s.callee_identity_tenant_id)
                AS v (role, kind, id, name, principal_name, home)
            WHERE s.call_id = r.call_id AND s.tenant_id = r.tenant_id
            UNION ALL
            SELECT v.* FROM callhook_store.segments AS s
            CROSS JOIN LATERAL (
                SELECT s.caller_user_agent_role, s.caller_identity_kind,
                       s.caller_identity_id, s.caller_identity_name,
                       s.caller_identity_user_principal_name,
                       s.caller_identity_tenant_id
                UNION ALL
                SELECT s.callee_user_agent_role, s.callee_identity_kind,
                       s.callee_identity_id, s.callee_identity_name,
                       s.callee_identity_user_principal_name,
                       s.callee_identity_tenant_id)
                AS v (role, kind, id, name, principal_name, home)
            WHERE s.call_id = r.call_id AND s.tenant_id = r.tenant_id
            UNION ALL
            SELECT NULL, identity_kind, identity_id, identity_name,
                   identity_user_principal_name, identity_tenant_id
            FROM callhook_store.participants AS q
            WHERE q.call_id = r.call_id AND q.tenant_id = r.tenant_id
            UNION ALL VALUES
                (NULL, r.organizer_identity_kind, r.organizer_identity_id,
                 r.organizer_identity_name,
                 r.organizer_identity_user_principal_name,
                 r.organizer_identity_tenant_id)) AS i
        WHERE r.call_id = ANY (calls) AND r.tenant_id = tenant
          AND callhook_store.person_key(i.id, i.name) IS NOT NULL
          AND callhook_store.is_person(i.role, i.kind, i.id, i.name, i.home,
                                       NULL)
        ORDER BY 1, r.start_date_time DESC NULLS LAST,
                 num_nonnulls(i.name, i.principal_name, i.home) DESC, i.name,
                 i.principal_name, i.home) AS n
    LEFT JOIN LATERAL (
        SELECT * FROM callhook_store.report_people AS o
        WHERE o.key = n.key AND o.tenant_id = tenant OFFSET 0) AS o ON true
    LEFT JOIN LATERAL callhook_store.department_of(tenant, n.id,
                                                   n.principal_name) AS d
        ON o.key IS NULL
    WHERE o.key IS NULL OR o.seen_in < n.month
       OR o.seen_in = n.month
          AND (n.name <> o.name OR n.principal_name <> o.principal_name
               OR n.name IS NOT NULL AND o.name IS NULL
               OR n.home IS NOT NULL AND o.home_tenant IS NULL
               OR n.principal_name IS NOT NULL AND o.principal_name IS NULL)
    ORDER BY n.key
    ON CONFLICT (key, tenant_id) DO UPDATE
    SET name = coalesce(excluded.name, p.name),
        principal_name = coalesce(excluded.principal_name, p.principal_name),
        home_tenant = coalesce(excluded.home_tenant, p.home_tenant),
        department = CASE WHEN p.principal_name
                                   IS DISTINCT FROM excluded.principal_name
                          THEN (SELECT e.department
                                FROM callhook_store.department_of(
                                    p.tenant_id, p.id,
                                    coalesce(excluded.principal_name,
                                             p.principal_name)) AS e)
                          ELSE p.department END,
        seen_in = greatest(p.seen_in, excluded.seen_in);
END
$$;
COMMENT ON FUNCTION callhook_store.add_report_people(uuid, uuid[]) IS
    'Gives the persons of records their numbers.';

-- As of persons, the newest name wins.
CREATE OR REPLACE FUNCTION callhook_store.add_report_queues(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.report_queues AS o
        (tenant_id, key, name, given_name, seen_at)
    SELECT DISTINCT ON (q.key) tenant, q.key, q.name, r.name, q.seen_at
    FROM (SELECT callhook_store.person_key(v.id, v.name) AS key, v.id,
                 nullif(v.name, '') AS name, s.start_date_time AS seen_at
          FROM callhook_store.sessions AS s
          CROSS JOIN LATERAL (
              SELECT s.caller_user_agent_role, s.caller_identity_id,
                     s.caller_identity_name
              UNION ALL
              SELECT s.callee_user_agent_role, s.callee_identity_id,
                     s.callee_identity_name) AS v (role, id, name)
          WHERE s.call_id = ANY (calls) AND s.tenant_id = tenant
            AND callhook_store.is_queue(v.role)) AS q
    LEFT JOIN callhook_store.queue AS r
        ON r.tenant_id = tenant AND r.id = callhook_store.reference_id(q.id)
    WHERE q.key IS NOT NULL
      AND NOT EXISTS (SELECT FROM callhook_store.report_queues AS o
                      WHERE o.key = q.key AND o.tenant_id = tenant
                        AND (q.name IS NULL OR q.name = o.name))
    ORDER BY q.key, q.name IS NULL, q.seen_at DESC NULLS LAST, q.name
    ON CONFLICT (key, tenant_id) DO UPDATE
        SET name = excluded.name, seen_at = excluded.seen_at
        WHERE excluded.name IS NOT NULL
          AND (o.name IS NULL OR o.seen_at IS NULL
               OR o.seen_at < excluded.seen_at);
$$;
COMMENT ON FUNCTION callhook_store.add_report_queues(uuid, uuid[]) IS
    'Gives the call queues of records their numbers.';

-- All facts of some records, in one statement: what one part has found the
-- next ones use. Nothing is looked up by joining two lists of a call's rows
-- with each other, for a meeting of hundreds would then take their square.
-- The two sides of a session are a UNION ALL: VALUES with columns of another
-- table would be compiled anew for each row. OFFSET 0 in EXISTS: it might be
-- answered by a hash of all that the tenant has.
-- A large record has too many streams for one statement. put_report_call puts
-- down what its streams need, then put_report_streams makes their facts, some
-- sessions at a time, put_report_sides notes who was in these, and
-- put_report_legs makes the others of it.
DO $do$
DECLARE
    -- What the list of participants tells of an id, to be found without reading
    -- that list once for each session.
    told constant text := $sql$
        (SELECT jsonb_object_agg(p.identity_id, jsonb_build_array(
                    p.identity_kind, p.identity_tenant_id)
                    ORDER BY p.participant_no DESC)
         FROM callhook_store.participants AS p
         WHERE p.call_id = r.call_id AND p.tenant_id = tenant
           AND p.identity_id <> '' AND p.identity_kind IS NOT NULL) AS told
$sql$;
    head constant text := $sql$
    WITH head AS MATERIALIZED (
        SELECT r.call_id, r.start_date_time AS started_at,
               r.end_date_time AS ended_at,
               (coalesce(r.start_date_time, c.started_at, c.first_notified_at,
                         c.filed_at) AT TIME ZONE 'UTC')::date AS day,
               CASE WHEN x.queue OR x.attendant THEN 'p'
                    WHEN x.bridge OR r.type = 'groupCall'
                                     AND NOT (coalesce(x.phone, false)
                                              AND x.sessions = 1)
                        THEN 'm'
                    WHEN x.phone THEN 'p' ELSE 'd' END::"char" AS kind,
               coalesce(x.is_test, false) AS is_test,
               coalesce(x.queue, false) AS queue,
               coalesce(x.attendant, false) AS attendant,
               coalesce(x.voicemail, false) AS voicemail,
               x.queued_at, x.queue_left_at, q.queue_no,
               -- Who called may be nobody that is known: a withheld number.
               x.origin_session,
               CASE WHEN x.origin_session IS NULL THEN o.person_no
                    ELSE f.person_no END AS origin_no,
               o.person_no AS organizer_no, k.term_no AS organizer_kind_no,
$sql$ || told || $sql$
        FROM callhook_store.call_records AS r
        CROSS JOIN LATERAL (
            SELECT c.started_at, c.first_notified_at, c.filed_at
            FROM callhook_store.calls AS c
            WHERE c.call_id = r.call_id AND c.tenant_id = tenant OFFSET 0) AS c
        LEFT JOIN LATERAL (
            SELECT count(*) AS sessions, bool_or(s.is_test) AS is_test,
                   bool_or(callhook_store.is_bridge(s.caller_user_agent_role)
                        OR callhook_store.is_bridge(s.callee_user_agent_role))
                       AS bridge,
                   bool_or(callhook_store.is_queue(s.caller_user_agent_role)
                        OR callhook_store.is_queue(s.callee_user_agent_role))
                       AS queue,
                   bool_or('skypeForBusinessAutoAttendant' IN (
                       s.caller_user_agent_role, s.callee_user_agent_role))
                       AS attendant,
                   bool_or(callhook_store.is_voicemail(
                               s.caller_user_agent_role)
                        OR callhook_store.is_voicemail(
                               s.callee_user_agent_role)
                        OR 'voicemail' IN (
                               s.caller_identity_endpoint_type,
                               s.callee_identity_endpoint_type)) AS voicemail,
                   bool_or('phone' IN (
                       callhook_store.kind_of(s.caller_identity_kind,
                                              s.caller_identity_id),
                       callhook_store.kind_of(s.callee_identity_kind,
                                              s.callee_identity_id)))
                       AS phone,
                   min(s.start_date_time) FILTER (WHERE
                       callhook_store.is_queue(s.callee_user_agent_role))
                       AS queued_at,
                   max(s.end_date_time) FILTER (WHERE
                       callhook_store.is_queue(s.callee_user_agent_role))
                       AS queue_left_at,
                   (array_agg(coalesce(
                        CASE WHEN callhook_store.is_queue(
                                      s.callee_user_agent_role)
                             THEN callhook_store.person_key(
                                 s.callee_identity_id,
                                 s.callee_identity_name) END,
                        CASE WHEN callhook_store.is_queue(
                                      s.caller_user_agent_role)
                             THEN callhook_store.person_key(
                                 s.caller_identity_id,
                                 s.caller_identity_name) END)
                        ORDER BY s.start_date_time, s.session_no)
                        FILTER (WHERE
                            callhook_store.is_queue(s.caller_user_agent_role)
                         OR callhook_store.is_queue(s.callee_user_agent_role))
                   )[1] AS queue_key,
                   (array_agg(callhook_store.person_key(
                        s.caller_identity_id, s.caller_identity_name)
                        ORDER BY s.start_date_time, s.session_no)
                        FILTER (WHERE callhook_store.is_person(
                            s.caller_user_agent_role, s.caller_identity_kind,
                            s.caller_identity_id, s.caller_identity_name,
                            s.caller_identity_tenant_id, s.caller_type))
                   )[1] AS origin_key,
                   (array_agg(s.session_no
                        ORDER BY s.start_date_time, s.session_no)
                        FILTER (WHERE callhook_store.is_person(
                            s.caller_user_agent_role, s.caller_identity_kind,
                            s.caller_identity_id, s.caller_identity_name,
                            s.caller_identity_tenant_id, s.caller_type))
                   )[1] AS origin_session
            FROM callhook_store.sessions AS s
            WHERE s.call_id = r.call_id AND s.tenant_id = tenant) AS x ON true
        LEFT JOIN callhook_store.report_queues AS q
            ON q.key = x.queue_key AND q.tenant_id = tenant
        LEFT JOIN callhook_store.report_people AS f
            ON f.key = x.origin_key AND f.tenant_id = tenant
        LEFT JOIN callhook_store.report_people AS o
            ON o.key = callhook_store.person_key(r.organizer_identity_id,
                                                 r.organizer_identity_name)
           AND o.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS k
            ON k.term = left(r.organizer_identity_kind, 600)
        WHERE r.call_id = ANY (calls) AND r.tenant_id = tenant
$sql$;
    -- Who is on the caller's side of a stream. A service is no person, though
    -- another record may say it were one.
    caller_key constant text := $sql$
            CASE WHEN callhook_store.is_person(
                     coalesce(g.caller_user_agent_role,
                              CASE WHEN coalesce(g.caller_identity_id,
                                                 s.caller_identity_id)
                                        IS NOT DISTINCT FROM
                                        s.caller_identity_id
                                   THEN s.caller_user_agent_role END),
                     coalesce(g.caller_identity_kind, s.caller_identity_kind),
                     coalesce(g.caller_identity_id, s.caller_identity_id),
                     coalesce(g.caller_identity_name, s.caller_identity_name),
                     NULL, NULL)
                 THEN callhook_store.person_key(
                     coalesce(g.caller_identity_id, s.caller_identity_id),
                     coalesce(g.caller_identity_name, s.caller_identity_name))
            END
$sql$;
    streams constant text := $sql$
        INSERT INTO callhook_store.report_streams (
            started_at, call_id, tenant_id, jitter_ms, round_trip_ms, loss,
            packets, day, session_no, segment_no, media_no, stream_no,
            seconds, sender_no, receiver_no, sender_platform_no,
            receiver_platform_no, sender_version_no, receiver_version_no,
            sender_device_no, receiver_device_no, sender_connection_no,
            receiver_connection_no, sender_subnet_no, receiver_subnet_no,
            transport_no, label_no, label, media, kind, verdict, forth,
            is_test)
        SELECT t.start_date_time, t.call_id, tenant, t.average_jitter_ms,
               t.average_round_trip_time_ms, t.average_packet_loss_rate,
               t.packet_utilization, h.day, t.session_no, t.segment_no,
               t.media_no, t.stream_no,
               callhook_store.whole_seconds(t.end_date_time
                                            - t.start_date_time),
               s_person.person_no, r_person.person_no, s_platform.term_no,
               r_platform.term_no, s_version.term_no, r_version.term_no,
               s_device.device_no, r_device.device_no, s_connection.term_no,
               r_connection.term_no, s_subnet.subnet_no, r_subnet.subnet_no,
               transport.term_no, label.term_no, label.term, c.media, h.kind,
               callhook_store.stream_verdict(l, t), c.forth, h.is_test
        FROM head AS h
        JOIN callhook_store.sessions AS s
            ON s.call_id = h.call_id AND s.tenant_id = tenant
        -- From each to what is in it, by the whole key: a plan may not read a
        -- call's all.
        CROSS JOIN LATERAL (
            SELECT * FROM callhook_store.segments AS g
            WHERE g.call_id = s.call_id AND g.tenant_id = tenant
              AND g.session_no = s.session_no OFFSET 0) AS g
        CROSS JOIN LATERAL (
            SELECT * FROM callhook_store.media AS m
            WHERE m.call_id = g.call_id AND m.tenant_id = tenant
              AND m.session_no = g.session_no AND m.segment_no = g.segment_no
            OFFSET 0) AS m
        CROSS JOIN LATERAL (
            SELECT * FROM callhook_store.streams AS t
            WHERE t.call_id = m.call_id AND t.tenant_id = tenant
              AND t.session_no = m.session_no AND t.segment_no = m.segment_no
              AND t.media_no = m.media_no OFFSET 0) AS t
        CROSS JOIN LATERAL (SELECT
            callhook_store.media_code(m.label) AS media,
            CASE t.stream_direction WHEN 'callerToCallee' THEN true
                                    WHEN 'calleeToCaller' THEN false
            END AS forth) AS c
        CROSS JOIN LATERAL (SELECT
$sql$ || caller_key || ' AS caller_key, '
      || replace(caller_key, 'caller', 'callee') || $sql$ AS callee_key) AS side
        LEFT JOIN callhook_store.report_limits AS l
            ON l.media = c.media AND h.day >= l.begins AND h.day < l.ends
        LEFT JOIN LATERAL (
            SELECT side.caller_key, side.callee_key,
                   coalesce(g.caller_user_agent_platform,
                            s.caller_user_agent_platform),
                   coalesce(g.callee_user_agent_platform,
                            s.callee_user_agent_platform),
                   coalesce(g.caller_user_agent_application_version,
                            s.caller_user_agent_application_version),
                   coalesce(g.callee_user_agent_application_version,
                            s.callee_user_agent_application_version),
                   m.caller_capture_device_name, m.callee_render_device_name,
                   m.caller_connection_type, m.callee_connection_type,
                   m.caller_subnet, m.callee_subnet,
                   coalesce(m.callee_network_transport_protocol,
                            m.caller_network_transport_protocol)
            WHERE c.forth
            UNION ALL
            SELECT side.callee_key, side.caller_key,
                   coalesce(g.callee_user_agent_platform,
                            s.callee_user_agent_platform),
                   coalesce(g.caller_user_agent_platform,
                            s.caller_user_agent_platform),
                   coalesce(g.callee_user_agent_application_version,
                            s.callee_user_agent_application_version),
                   coalesce(g.caller_user_agent_application_version,
                            s.caller_user_agent_application_version),
                   m.callee_capture_device_name, m.caller_render_device_name,
                   m.callee_connection_type, m.caller_connection_type,
                   m.callee_subnet, m.caller_subnet,
                   coalesce(m.caller_network_transport_protocol,
                            m.callee_network_transport_protocol)
            WHERE NOT c.forth)
            AS w (s_key, r_key, s_platform, r_platform, s_version, r_version,
                  s_device, r_device, s_connection, r_connection, s_subnet,
                  r_subnet, transport) ON true
        LEFT JOIN callhook_store.report_people AS s_person
            ON s_person.key = w.s_key AND s_person.tenant_id = tenant
        LEFT JOIN callhook_store.report_people AS r_person
            ON r_person.key = w.r_key AND r_person.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS s_platform
            ON s_platform.term = left(w.s_platform, 600)
        LEFT JOIN callhook_store.report_terms AS r_platform
            ON r_platform.term = left(w.r_platform, 600)
        LEFT JOIN callhook_store.report_terms AS s_version
            ON s_version.term = left(w.s_version, 600)
        LEFT JOIN callhook_store.report_terms AS r_version
            ON r_version.term = left(w.r_version, 600)
        LEFT JOIN callhook_store.report_devices AS s_device
            ON s_device.name = left(w.s_device, 600)
           AND s_device.tenant_id = tenant
        LEFT JOIN callhook_store.report_devices AS r_device
            ON r_device.name = left(w.r_device, 600)
           AND r_device.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS s_connection
            ON s_connection.term = left(w.s_connection, 600)
        LEFT JOIN callhook_store.report_terms AS r_connection
            ON r_connection.term = left(w.r_connection, 600)
        LEFT JOIN callhook_store.report_subnets AS s_subnet
            ON s_subnet.subnet = left(w.s_subnet, 600)
           AND s_subnet.tenant_id = tenant
        LEFT JOIN callhook_store.report_subnets AS r_subnet
            ON r_subnet.subnet = left(w.r_subnet, 600)
           AND r_subnet.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS transport
            ON transport.term = left(w.transport, 600)
        LEFT JOIN callhook_store.report_terms AS label
            ON label.term = left(m.label, 600) AND c.media = 'o'
$sql$;
    -- rank: answered 1, voicemail 2, declined 3, missed 4, failed 5, unknown 6.
    sides constant text := $sql$
        SELECT h.call_id, 1 AS origin, s.session_no, v.caller,
               me.person_no, kind.term_no AS person_kind_no,
               coalesce(me.person_no, -2 * s.session_no
                                      - v.caller::integer) AS leg,
               CASE WHEN v.peer_is_person THEN you.person_no END AS peer_no,
               CASE WHEN v.peer_is_person THEN peer_kind.term_no END
                   AS peer_kind_no,
               v.peer_is_person, s.start_date_time AS started_at,
               s.end_date_time AS ended_at,
               CASE WHEN coalesce(v.kind, told.identity_kind) = 'user' THEN
                        lower(coalesce(v.home, told.identity_tenant_id))
                        <> tenant::text
                    WHEN v.kind IS NOT NULL
                      OR told.identity_kind IS NOT NULL
                      OR lower(v.home) <> tenant::text THEN true END
                   AS external,
               CASE WHEN callhook_store.is_voicemail(v.peer_role)
                      OR v.peer_endpoint_type = 'voicemail' THEN 2
                    WHEN s.failure_stage <> 'callSetup' AND EXISTS (
                        SELECT FROM callhook_store.media AS m
                        WHERE m.call_id = s.call_id AND m.tenant_id = tenant
                          AND m.session_no = s.session_no OFFSET 0) THEN 1
                    ELSE coalesce((
                        SELECT position(rule.disposition::text IN 'avdmfu')
                        FROM callhook_store.disposition_by_rule(
                            'record', s.failure_stage, s.failure_reason, NULL,
                            h.day) AS rule), 6) END AS rank,
               stage.term_no AS stage_no, reason.term_no AS reason_no,
               platform.term_no AS platform_no, version.term_no AS version_no,
               subnet.subnet_no,
               (SELECT t.term_no FROM callhook_store.feedback AS f
                JOIN callhook_store.report_terms AS t
                    ON t.term = left(f.rating, 600)
                WHERE f.call_id = s.call_id AND f.tenant_id = tenant
                  AND f.session_no = s.session_no
                  AND f.side = CASE WHEN v.caller THEN 'caller'
                                    ELSE 'callee' END
                  AND f.rating <> 'notRated'
                ORDER BY f.segment_no LIMIT 1) AS rating_no,
               callhook_store.modality_bits(s.modalities) AS modalities,
               NULL::integer AS audio
        FROM head AS h
        JOIN callhook_store.sessions AS s
            ON s.call_id = h.call_id AND s.tenant_id = tenant
        CROSS JOIN LATERAL (
            SELECT true, s.caller_user_agent_role, callhook_store.kind_of(
                       s.caller_identity_kind, s.caller_identity_id),
                   s.caller_identity_id, s.caller_identity_name,
                   s.caller_identity_tenant_id, s.caller_type,
                   s.caller_user_agent_platform,
                   s.caller_user_agent_application_version,
                   s.callee_user_agent_role, callhook_store.kind_of(
                       s.callee_identity_kind, s.callee_identity_id),
                   callhook_store.person_key(s.callee_identity_id,
                                             s.callee_identity_name),
                   s.callee_identity_endpoint_type,
                   callhook_store.is_person(
                       s.callee_user_agent_role, s.callee_identity_kind,
                       s.callee_identity_id, s.callee_identity_name,
                       s.callee_identity_tenant_id, s.callee_type)
            UNION ALL
            SELECT false, s.callee_user_agent_role, callhook_store.kind_of(
                       s.callee_identity_kind, s.callee_identity_id),
                   s.callee_identity_id, s.callee_identity_name,
                   s.callee_identity_tenant_id, s.callee_type,
                   s.callee_user_agent_platform,
                   s.callee_user_agent_application_version,
                   s.caller_user_agent_role, callhook_store.kind_of(
                       s.caller_identity_kind, s.caller_identity_id),
                   callhook_store.person_key(s.caller_identity_id,
                                             s.caller_identity_name),
                   s.caller_identity_endpoint_type,
                   callhook_store.is_person(
                       s.caller_user_agent_role, s.caller_identity_kind,
                       s.caller_identity_id, s.caller_identity_name,
                       s.caller_identity_tenant_id, s.caller_type))
            AS v (caller, role, kind, id, name, home, endpoint, platform,
                  version, peer_role, peer_kind, peer_key, peer_endpoint_type,
                  peer_is_person)
        -- OFFSET 0, and first: joins that write rows down, or look whether
        -- they had the same before, would do it with the whole list in each.
        CROSS JOIN LATERAL (
            SELECT told ->> 0 AS identity_kind,
                   told ->> 1 AS identity_tenant_id
            FROM (SELECT CASE WHEN v.kind IS NULL THEN h.told -> v.id END
                 ) AS t (told) OFFSET 0) AS told
        LEFT JOIN callhook_store.report_people AS me
            ON me.key = callhook_store.person_key(v.id, v.name)
           AND me.tenant_id = tenant
        LEFT JOIN callhook_store.report_people AS you
            ON you.key = v.peer_key AND you.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS kind
            ON kind.term = left(coalesce(v.kind, told.identity_kind), 600)
        LEFT JOIN callhook_store.report_terms AS peer_kind
            ON peer_kind.term = left(v.peer_kind, 600)
        LEFT JOIN callhook_store.report_terms AS stage
            ON stage.term = left(s.failure_stage, 600)
        LEFT JOIN callhook_store.report_terms AS reason
            ON reason.term = left(s.failure_reason, 600)
        LEFT JOIN callhook_store.report_terms AS platform
            ON platform.term = left(v.platform, 600)
        LEFT JOIN callhook_store.report_terms AS version
            ON version.term = left(v.version, 600)
        LEFT JOIN LATERAL (
            SELECT CASE WHEN v.caller THEN m.caller_subnet
                        ELSE m.callee_subnet END AS subnet
            FROM callhook_store.media AS m
            WHERE m.call_id = s.call_id AND m.tenant_id = tenant
              AND m.session_no = s.session_no
              AND CASE WHEN v.caller THEN m.caller_subnet
                       ELSE m.callee_subnet END IS NOT NULL
            ORDER BY m.segment_no, m.media_no LIMIT 1) AS n ON true
        LEFT JOIN callhook_store.report_subnets AS subnet
            ON subnet.subnet = left(n.subnet, 600)
           AND subnet.tenant_id = tenant
        WHERE callhook_store.is_person(v.role, v.kind, v.id, v.name, v.home,
                                       v.endpoint)
$sql$;
    legs constant text := $sql$
    ), whole AS (
        SELECT * FROM side
        UNION ALL
        -- Who takes part and has no session; whose telemetry never came.
        SELECT h.call_id, 2, -p.participant_no,
               coalesce(me.person_no = h.organizer_no, false), me.person_no,
               kind.term_no,
               me.person_no, NULL, NULL, false, NULL, NULL,
               CASE WHEN p.identity_kind = 'user'
                    THEN lower(p.identity_tenant_id) <> tenant::text
                    ELSE true END,
               6, NULL, NULL, NULL, NULL, NULL, NULL, 0::smallint, NULL
        FROM head AS h
        JOIN callhook_store.participants AS p
            ON p.call_id = h.call_id AND p.tenant_id = tenant
        JOIN callhook_store.report_people AS me
            ON me.key = callhook_store.person_key(p.identity_id, NULL)
           AND me.tenant_id = tenant
        LEFT JOIN callhook_store.report_terms AS kind
            ON kind.term = left(p.identity_kind, 600)
        WHERE p.identity_kind NOT IN ('applicationInstance', 'application')
        UNION ALL
        SELECT call_id, 3, NULL, NULL, NULL, NULL,
               coalesce(receiver_no, -2 * session_no - (NOT forth)::integer),
               NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL,
               min(position(verdict::text IN 'pgu'))
        FROM stream WHERE media = 'a' AND forth IS NOT NULL
        GROUP BY call_id, receiver_no, session_no, forth
    ), person AS (
        SELECT w.*, row_number() OVER best AS n,
               first_value(w.caller) OVER first AS called_first,
               min(w.started_at) OVER leg AS joined_at,
               max(w.ended_at) OVER leg AS left_at,
               min(w.audio) OVER leg AS heard,
               first_value(w.rating_no) OVER rated AS last_rating_no,
               min(w.started_at) FILTER (WHERE w.rank = 1) OVER leg
                   AS answered_at,
               bit_or(w.modalities) OVER leg AS all_modalities,
               range_agg(tstzrange(w.started_at, w.ended_at))
                   FILTER (WHERE w.started_at <= w.ended_at) OVER leg
                   AS present
        FROM whole AS w
        WINDOW leg AS (PARTITION BY w.call_id, w.leg),
               best AS (PARTITION BY w.call_id, w.leg
                        ORDER BY w.origin, w.rank, w.started_at DESC,
                                 w.session_no DESC, w.caller DESC),
               first AS (PARTITION BY w.call_id, w.leg
                         ORDER BY w.origin, w.started_at, w.session_no,
                                  w.caller DESC),
               rated AS (PARTITION BY w.call_id, w.leg
                         ORDER BY w.rating_no IS NULL, w.session_no DESC,
                                  w.caller DESC)
    ), role AS (
        -- Agents of a queue, and who else is not the one that called.
        SELECT p.*, h.day, h.kind, h.is_test, h.queue_no, h.queue,
               h.attendant, h.voicemail, h.organizer_no, h.organizer_kind_no,
               h.origin_no, o.is_origin,
               p.rank = 1 AND NOT o.is_origin AS answered
        FROM person AS p JOIN head AS h USING (call_id)
        CROSS JOIN LATERAL (SELECT coalesce(p.leg = coalesce(
            h.origin_no, -2 * h.origin_session - 1), false)) AS o (is_origin)
        WHERE p.n = 1 AND p.origin < 3
    ), call AS (
        SELECT r.*, bool_or(r.answered) OVER call AS any_answered,
               -- Whom an agent answered: the first one is his, also if he
               -- had a session with each.
               r.is_origin AND (r.queue OR r.attendant)
                   AND bool_or(r.answered) OVER call AS was_served,
               first_value(r.person_no) OVER answer AS answered_by,
               first_value(r.person_kind_no) OVER answer AS answered_kind_no,
               min(r.person_kind_no) FILTER (WHERE r.is_origin) OVER call
                   AS origin_kind_no
        FROM role AS r
        WINDOW call AS (PARTITION BY r.call_id),
               answer AS (PARTITION BY r.call_id
                          ORDER BY r.answered DESC, r.answered_at,
                                   r.session_no, r.caller)
    ), put_leg AS (
        INSERT INTO callhook_store.report_legs (
            started_at, ended_at, call_id, tenant_id, day, present_seconds,
            person_no, person_kind_no, peer_no, peer_kind_no, stage_no,
            reason_no, platform_no, version_no, subnet_no, queue_no,
            rating_no, modalities, kind, direction, disposition, audio,
            external, is_test)
        SELECT c.joined_at, c.left_at, c.call_id, tenant, c.day,
               (SELECT callhook_store.whole_seconds(sum(upper(r) - lower(r)))
                FROM unnest(c.present) AS r),
               c.person_no, c.person_kind_no,
               CASE WHEN c.kind = 'm'
                        THEN nullif(c.organizer_no, c.person_no)
                    WHEN c.peer_is_person AND NOT c.was_served THEN c.peer_no
                    WHEN c.is_origin THEN
                        CASE WHEN c.any_answered THEN c.answered_by END
                    ELSE c.origin_no END,
               CASE WHEN c.kind = 'm' THEN
                        CASE WHEN c.organizer_no
                                  IS DISTINCT FROM c.person_no
                             THEN c.organizer_kind_no END
                    WHEN c.peer_is_person AND NOT c.was_served
                        THEN c.peer_kind_no
                    WHEN c.is_origin THEN
                        CASE WHEN c.any_answered THEN c.answered_kind_no END
                    ELSE c.origin_kind_no END,
               c.stage_no, c.reason_no, c.platform_no, c.version_no,
               c.subnet_no, c.queue_no, c.last_rating_no,
               coalesce(c.all_modalities, 0), c.kind,
               CASE WHEN c.kind = 'm' THEN 'm'
                    WHEN c.queue OR c.attendant THEN
                        CASE WHEN c.is_origin THEN 'o' ELSE 'i' END
                    WHEN c.called_first THEN 'o' ELSE 'i' END::"char",
               CASE WHEN (c.queue OR c.attendant) AND c.is_origin THEN
                        CASE WHEN c.any_answered THEN 'a'
                             WHEN c.voicemail THEN 'v'
                             WHEN c.queue THEN 'm' ELSE 'u' END
                    WHEN c.queue OR c.attendant THEN
                        CASE WHEN c.rank = 1 THEN 'a'
                             WHEN c.any_answered THEN 'u'
                             ELSE substr('avdmfu', c.rank, 1) END
                    WHEN c.voicemail AND NOT c.any_answered
                         AND c.rank IN (1, 4, 6) THEN 'v'
                    ELSE substr('avdmfu', c.rank, 1) END::"char",
               substr('pgu', c.heard, 1)::"char", c.external, c.is_test
        FROM call AS c
        RETURNING call_id, disposition, external, stage_no, reason_no
    )
    INSERT INTO callhook_store.report_calls (
        started_at, ended_at, call_id, tenant_id, day, seconds, people,
        queue_no, wait_seconds, audio_classified, audio_poor, kind,
        disposition, external, is_test, failures)
    SELECT h.started_at, h.ended_at, h.call_id, tenant, h.day,
           callhook_store.whole_seconds(h.ended_at - h.started_at),
           coalesce(l.people, 0), h.queue_no,
           CASE WHEN h.queue_no IS NOT NULL THEN
               greatest(callhook_store.whole_seconds(coalesce(
                   (SELECT min(c.answered_at) FROM call AS c
                    WHERE c.call_id = h.call_id AND c.answered),
                   h.queue_left_at) - h.queued_at), 0) END,
           coalesce(a.classified, 0), coalesce(a.poor, 0),
           h.kind, substr('avdmfu', coalesce(l.best, 6), 1)::"char",
           CASE WHEN l.external THEN true WHEN l.home THEN l.external END,
           h.is_test, l.failures
    FROM head AS h
    LEFT JOIN (
        SELECT call_id, count(*)::integer AS people,
               min(position(disposition::text IN 'avdmfu')) AS best,
               bool_or(external) AS external,
               bool_and(external IS NOT NULL) AS home,
               array_agg(DISTINCT ARRAY[stage_no, reason_no]) FILTER (
                   WHERE stage_no IS NOT NULL OR reason_no IS NOT NULL)
                   AS failures
        FROM put_leg GROUP BY call_id) AS l USING (call_id)
    LEFT JOIN (
        SELECT call_id, count(*) AS classified,
               count(*) FILTER (WHERE verdict = 'p') AS poor
        FROM stream WHERE media = 'a' AND verdict <> 'u'
        GROUP BY call_id) AS a USING (call_id);
$sql$;
    made record;
BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('put_report_facts', 'tenant uuid, calls uuid[]',
         head || '), stream AS (' || streams || 'RETURNING call_id,
             session_no, receiver_no, media, verdict, forth), side AS ('
         || sides || legs,
         'Fills the facts of records that have none.'),
        ('put_report_call', 'tenant uuid, calls uuid[]',
         head || ') INSERT INTO callhook_store.report_calls (
                 call_id, tenant_id, day, people, kind, disposition, is_test)
             SELECT call_id, tenant, day, 0, kind, ''u'', is_test FROM head;',
         'Fills facts of records, as far as those of streams need them.'),
        ('put_report_streams',
         'tenant uuid, calls uuid[], first integer, last integer',
         'WITH head AS MATERIALIZED (
             SELECT call_id, day, kind, is_test FROM callhook_store.report_calls
             WHERE call_id = ANY (calls) AND tenant_id = tenant)'
         || streams || 'WHERE s.session_no BETWEEN first AND last;',
         'Fills the facts of the streams of some sessions.'),
        ('put_report_sides',
         'tenant uuid, calls uuid[], first integer, last integer',
         'INSERT INTO callhook_store.report_sides
          WITH head AS MATERIALIZED (
             SELECT r.call_id, r.day, ' || told || '
             FROM callhook_store.report_calls AS r
             WHERE r.call_id = ANY (calls) AND r.tenant_id = tenant)'
         || sides || 'AND s.session_no BETWEEN first AND last;',
         'Notes who was on the sides of some sessions.'),
        ('put_report_legs', 'tenant uuid, calls uuid[]',
         'DELETE FROM callhook_store.report_calls
          WHERE call_id = ANY (calls) AND tenant_id = tenant;'
         || head || '), stream AS (
             SELECT t.call_id, t.session_no, t.receiver_no, t.media,
                    t.verdict, t.forth
             FROM head AS h
             JOIN callhook_store.report_streams AS t
                 ON t.call_id = h.call_id AND t.tenant_id = tenant
                AND t.day = h.day
         ), side AS (
             DELETE FROM callhook_store.report_sides
             WHERE call_id = ANY (calls) RETURNING *' || legs,
         'Fills the facts of records that have those of their streams and '
         'sides.'))
        AS v (name, arguments, body, comment)
    LOOP
        EXECUTE format($create$
CREATE OR REPLACE FUNCTION callhook_store.%I(%s)
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET join_collapse_limit = 1
SET from_collapse_limit = 1
%s
SET jit = off
AS $function$
BEGIN
%s
END
$function$ $create$, made.name, made.arguments,
            CASE made.name WHEN 'put_report_sides' -- the list would be a key
                           THEN 'SET enable_memoize = off' END, made.body);
        EXECUTE format('COMMENT ON FUNCTION callhook_store.%I IS %L',
                       made.name, made.comment);
    END LOOP;
END
$do$;

-- Days that a call lies in, of which it changes the figures. A call counts at
-- most a week long.
CREATE OR REPLACE FUNCTION callhook_store.mark_report_days(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO callhook_store.report_dirty_days (tenant_id, day)
    SELECT DISTINCT tenant, d::date
    FROM unnest(calls) AS given (call)
    CROSS JOIN LATERAL (
        SELECT c.day, c.ended_at FROM callhook_store.report_calls AS c
        WHERE c.call_id = given.call AND c.tenant_id = tenant OFFSET 0) AS c
    CROSS JOIN LATERAL generate_series(
        c.day::timestamp,
        greatest(c.day, least((c.ended_at AT TIME ZONE 'UTC')::date,
                              c.day + 7))::timestamp, '1 day') AS d
    WHERE d >= (SELECT frozen_before FROM callhook_store.report_state);
$$;
COMMENT ON FUNCTION callhook_store.mark_report_days(uuid, uuid[]) IS
    'Notes the days whose figures some calls change.';

CREATE OR REPLACE FUNCTION callhook_store.remove_report_facts(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    on_day date;
    ids uuid[];
BEGIN
    PERFORM callhook_store.mark_report_days(tenant, calls);
    -- A partition is found by the day, not by looking into all.
    FOR on_day, ids IN
        WITH gone AS (
            DELETE FROM callhook_store.report_calls
            WHERE call_id = ANY (calls) AND tenant_id = tenant
            RETURNING call_id, day)
        SELECT day, array_agg(call_id) FROM gone GROUP BY day ORDER BY day
    LOOP
        DELETE FROM callhook_store.report_streams
        WHERE call_id = ANY (ids) AND tenant_id = tenant AND day = on_day;
        DELETE FROM callhook_store.report_legs
        WHERE call_id = ANY (ids) AND tenant_id = tenant AND day = on_day;
    END LOOP;
END
$$;
COMMENT ON FUNCTION callhook_store.remove_report_facts(uuid, uuid[]) IS
    'Removes the facts of records.';

-- What the facts of records need beside words: persons, queues, partitions.
CREATE OR REPLACE FUNCTION callhook_store.prepare_report_facts(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET timezone = 'UTC'
AS $$
BEGIN
    PERFORM callhook_store.add_report_people(tenant, calls);
    IF EXISTS (SELECT FROM callhook_store.sessions AS s
               WHERE s.call_id = ANY (calls) AND s.tenant_id = tenant
                 AND (callhook_store.is_queue(s.caller_user_agent_role)
                   OR callhook_store.is_queue(s.callee_user_agent_role))) THEN
        PERFORM callhook_store.add_report_queues(tenant, calls);
    END IF;
    PERFORM callhook_store.make_report_month(d.day)
    FROM (SELECT DISTINCT date_trunc('month', coalesce(
                 r.start_date_time, c.started_at, c.first_notified_at,
                 c.filed_at))::date
          FROM callhook_store.call_records AS r
          CROSS JOIN LATERAL (
              SELECT c.started_at, c.first_notified_at, c.filed_at
              FROM callhook_store.calls AS c
              WHERE c.call_id = r.call_id AND c.tenant_id = tenant OFFSET 0)
              AS c
          WHERE r.call_id = ANY (calls) AND r.tenant_id = tenant) AS d (day);
END
$$;
COMMENT ON FUNCTION callhook_store.prepare_report_facts(uuid, uuid[]) IS
    'Gives persons and queues of records numbers, and makes months.';

CREATE OR REPLACE FUNCTION callhook_store.add_report_facts(
    tenant uuid, calls uuid[])
RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET timezone = 'UTC'
AS $$
BEGIN
    PERFORM callhook_store.add_report_words(tenant, calls);
    PERFORM callhook_store.prepare_report_facts(tenant, calls);
    PERFORM callhook_store.put_report_facts(tenant, calls);
    PERFORM callhook_store.mark_report_days(tenant, calls);
END
$$;
COMMENT ON FUNCTION callhook_store.add_report_facts(uuid, uuid[]) IS
    'Fills the facts of records, and what these need.';

-- The triggers. Whatever stores or removes a record, its facts follow in the
-- same transaction: those of a large one by statements of their own
-- (records/large.sql).
CREATE OR REPLACE FUNCTION callhook_store.report_records_stored()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    tenant uuid;
    ids uuid[];
BEGIN
    IF current_setting('callhook.large_record', true) = 'on' THEN
        RETURN NULL;
    END IF;
    FOR tenant, ids IN
        SELECT tenant_id, array_agg(call_id) FROM stored GROUP BY tenant_id
    LOOP
        PERFORM callhook_store.add_report_facts(tenant, ids);
        PERFORM callhook_store.match_phones_of_calls(tenant, ids);
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.report_records_stored() IS
    'Trigger: fills the facts of records that are stored.';

CREATE OR REPLACE FUNCTION callhook_store.report_records_removed()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    tenant uuid;
    ids uuid[];
BEGIN
    FOR tenant, ids IN
        SELECT tenant_id, array_agg(call_id) FROM removed GROUP BY tenant_id
    LOOP
        PERFORM callhook_store.remove_report_facts(tenant, ids);
        PERFORM callhook_store.match_phones(ARRAY(
            SELECT p.phone_no FROM unnest(ids) AS given (call)
            CROSS JOIN LATERAL (
                SELECT p.phone_no, p.tenant_id
                FROM callhook_store.report_phones AS p
                WHERE p.call_id = given.call OFFSET 0) AS p
            WHERE p.tenant_id = tenant));
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION callhook_store.report_records_removed() IS
    'Trigger: removes the facts of records that are removed.';

CREATE OR REPLACE TRIGGER report_stored
    AFTER INSERT ON callhook_store.call_records
    REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT
    EXECUTE FUNCTION callhook_store.report_records_stored();
CREATE OR REPLACE TRIGGER report_removed
    AFTER DELETE ON callhook_store.call_records
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT
    EXECUTE FUNCTION callhook_store.report_records_removed();
