-- The figures as people read them. None of these views holds a person, a
-- number or a network address. Counts of a day are summed as integers: a sum of
-- bigint would be numeric, and slow.
CREATE OR REPLACE VIEW callhook.calls_by_hour AS
SELECT nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       c.hour, c.day,
       CASE c.kind WHEN 'd' THEN 'peer_to_peer' WHEN 'm' THEN 'meeting'
                   ELSE 'phone' END AS kind,
       c.external, c.calls, coalesce(c.seconds, 0)::bigint AS seconds,
       c.people, c.answered, c.missed, c.declined, c.failed
FROM callhook_store.now_call_hours AS c;

CREATE OR REPLACE VIEW callhook.concurrent_calls AS
SELECT nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       c.day, c.calls::bigint AS calls, c.at
FROM callhook_store.now_concurrent AS c;

CREATE OR REPLACE VIEW callhook.meetings_by_day AS
SELECT nullif(m.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       m.day,
       (ARRAY['2', '3-5', '6-10', '11-25', '26-50', '51-100',
              'over 100'])[m.size_no] AS size,
       m.calls, coalesce(m.seconds, 0)::bigint AS seconds, m.people
FROM callhook_store.now_meetings AS m;

CREATE OR REPLACE VIEW callhook.quality_by_day AS
SELECT nullif(q.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       q.day,
       CASE q.media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                    WHEN 's' THEN 'screen_sharing' ELSE label.term END
           AS media,
       CASE q.kind WHEN 'd' THEN 'peer_to_peer' WHEN 'm' THEN 'meeting'
                   ELSE 'phone' END AS kind,
       q.streams, q.classified, q.poor
FROM (SELECT tenant_id, day, media, label_no, kind,
             sum(streams::integer) AS streams,
             sum(classified::integer) AS classified, sum(poor::integer) AS poor
      FROM callhook_store.now_networks GROUP BY 1, 2, 3, 4, 5) AS q
LEFT JOIN callhook_store.report_terms AS label ON label.term_no = q.label_no;

CREATE OR REPLACE VIEW callhook.quality_by_building AS
SELECT nullif(q.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       q.day,
       CASE q.media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                    WHEN 's' THEN 'screen_sharing' ELSE label.term END
           AS media,
       q.building, q.floor, connection.term AS connection,
       q.streams, q.classified, q.poor
FROM (SELECT p.tenant_id, p.day, p.media, p.label_no, s.building, s.floor,
             p.connection_no, sum(p.streams::integer) AS streams,
             sum(p.classified::integer) AS classified,
             sum(p.poor::integer) AS poor
      FROM callhook_store.now_places AS p
      LEFT JOIN callhook_store.report_subnets AS s USING (subnet_no)
      GROUP BY 1, 2, 3, 4, 5, 6, 7) AS q
LEFT JOIN callhook_store.report_terms AS label ON label.term_no = q.label_no
LEFT JOIN callhook_store.report_terms AS connection
    ON connection.term_no = q.connection_no;

CREATE OR REPLACE VIEW callhook.quality_by_device AS
SELECT nullif(q.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       q.day,
       CASE q.media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                    WHEN 's' THEN 'screen_sharing' ELSE label.term END
           AS media,
       q.device, q.streams::bigint AS streams,
       q.classified::bigint AS classified, q.poor::bigint AS poor
FROM callhook_store.now_devices AS q
LEFT JOIN callhook_store.report_terms AS label ON label.term_no = q.label_no;

CREATE OR REPLACE VIEW callhook.quality_percentiles AS
SELECT nullif(q.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       q.day,
       CASE q.media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                    WHEN 's' THEN 'screen_sharing' ELSE label.term END
           AS media,
       q.jitter_ms_p50, q.jitter_ms_p95, q.round_trip_ms_p50,
       q.round_trip_ms_p95, q.loss_p50, q.loss_p95
FROM callhook_store.now_percentiles AS q
LEFT JOIN callhook_store.report_terms AS label ON label.term_no = q.label_no;

CREATE OR REPLACE VIEW callhook.connections_by_day AS
SELECT nullif(q.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       q.day,
       CASE q.media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                    WHEN 's' THEN 'screen_sharing' ELSE label.term END
           AS media,
       connection.term AS connection, transport.term AS transport,
       q.streams, q.classified, q.poor
FROM (SELECT tenant_id, day, media, label_no, connection_no, transport_no,
             sum(streams::integer) AS streams,
             sum(classified::integer) AS classified, sum(poor::integer) AS poor
      FROM callhook_store.now_networks GROUP BY 1, 2, 3, 4, 5, 6) AS q
LEFT JOIN callhook_store.report_terms AS label ON label.term_no = q.label_no
LEFT JOIN callhook_store.report_terms AS connection
    ON connection.term_no = q.connection_no
LEFT JOIN callhook_store.report_terms AS transport
    ON transport.term_no = q.transport_no;

CREATE OR REPLACE VIEW callhook.platforms_by_month AS
SELECT nullif(p.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       p.month, platform.term AS platform, version.term AS client_version,
       p.calls::bigint AS calls, p.people
FROM callhook_store.now_month_platforms AS p
LEFT JOIN callhook_store.report_terms AS platform
    ON platform.term_no = p.platform_no
LEFT JOIN callhook_store.report_terms AS version
    ON version.term_no = p.version_no;

CREATE OR REPLACE VIEW callhook.failures_by_day AS
SELECT nullif(f.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       f.day, stage.term AS failure_stage, reason.term AS failure_reason,
       f.calls
FROM callhook_store.now_failures AS f
LEFT JOIN callhook_store.report_terms AS stage ON stage.term_no = f.stage_no
LEFT JOIN callhook_store.report_terms AS reason
    ON reason.term_no = f.reason_no;

CREATE OR REPLACE VIEW callhook.ratings_by_day AS
SELECT nullif(r.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       r.day, rating.term AS rating,
       CASE r.audio WHEN 'p' THEN 'poor' WHEN 'g' THEN 'good'
                    WHEN 'u' THEN 'unclassified' END AS audio,
       r.calls, r.people
FROM callhook_store.now_ratings AS r
LEFT JOIN callhook_store.report_terms AS rating
    ON rating.term_no = r.rating_no;

CREATE OR REPLACE VIEW callhook.phone_by_day AS
SELECT nullif(p.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       p.day,
       CASE p.source WHEN 'p' THEN 'pstn' ELSE 'direct_routing' END AS source,
       call_type.term AS call_type, country.term AS country,
       destination.term AS destination, currency.term AS currency,
       p.calls, coalesce(p.seconds, 0)::bigint AS seconds, p.charge
FROM callhook_store.now_phones AS p
LEFT JOIN callhook_store.report_terms AS call_type
    ON call_type.term_no = p.call_type_no
LEFT JOIN callhook_store.report_terms AS country
    ON country.term_no = p.country_no
LEFT JOIN callhook_store.report_terms AS destination
    ON destination.term_no = p.destination_no
LEFT JOIN callhook_store.report_terms AS currency
    ON currency.term_no = p.currency_no;

CREATE OR REPLACE VIEW callhook.trunks_by_day AS
SELECT nullif(t.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       t.day, trunk.term AS trunk, t.sip_code, t.calls,
       coalesce(t.seconds, 0)::bigint AS seconds, t.answered, t.failed
FROM callhook_store.now_trunks AS t
LEFT JOIN callhook_store.report_terms AS trunk ON trunk.term_no = t.trunk_no;

CREATE OR REPLACE VIEW callhook.queues_by_day AS
SELECT nullif(q.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       q.day, coalesce(n.given_name, n.name, substr(n.key, 2)) AS queue_name,
       q.offered, q.answered, q.abandoned,
       coalesce(q.wait_seconds, 0)::bigint AS wait_seconds
FROM callhook_store.now_queues AS q
LEFT JOIN callhook_store.report_queues AS n USING (queue_no);

CREATE OR REPLACE VIEW callhook.users_by_month AS
SELECT nullif(u.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       u.month, u.people
FROM callhook_store.now_month_users AS u;

-- With persons.
CREATE OR REPLACE VIEW callhook.people_by_day AS
SELECT nullif(p.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       p.day, n.id AS person_id, n.name AS person_name,
       n.principal_name AS person_principal_name, p.person_kind,
       n.department, p.calls_out, p.calls_in, p.missed, p.meetings, p.seconds
FROM callhook_store.now_persons AS p
LEFT JOIN callhook_store.report_people AS n USING (person_no);
DROP VIEW IF EXISTS callhook_store.now_people;
DROP TABLE IF EXISTS callhook_store.day_people;

CREATE OR REPLACE VIEW callhook.missed_calls AS
SELECT tenant_id, call_id, leg_id, day, started_at, kind, person_id,
       person_name, person_principal_name, department, peer_id, peer_name,
       peer_kind, queue_name, returned_at, source
FROM callhook.cdr
WHERE direction = 'in' AND disposition = 'missed' AND NOT is_test;

CREATE OR REPLACE VIEW callhook.meeting_attendance AS
SELECT nullif(l.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       l.call_id, l.day, p.id AS person_id, p.name AS person_name,
       p.principal_name AS person_principal_name, kind.term AS person_kind,
       l.external, p.department, l.started_at AS joined_at,
       l.ended_at AS left_at, l.present_seconds,
       organizer.id AS organizer_id, organizer.name AS organizer_name
FROM callhook_store.report_legs AS l
LEFT JOIN callhook_store.report_people AS p ON p.person_no = l.person_no
LEFT JOIN callhook_store.report_terms AS kind
    ON kind.term_no = l.person_kind_no
-- A meeting's peer is its organizer; on his own row there is none, nor on any
-- where nobody knows him.
LEFT JOIN callhook_store.report_people AS organizer
    ON organizer.person_no = coalesce(l.peer_no, l.person_no)
   AND (l.peer_no IS NOT NULL OR EXISTS (
        SELECT FROM callhook_store.call_records AS r
        WHERE r.call_id = l.call_id AND r.tenant_id = l.tenant_id
          AND (r.organizer_identity_id <> ''
               OR r.organizer_identity_name <> '')))
WHERE l.kind = 'm' AND NOT l.is_test;

CREATE OR REPLACE VIEW callhook.queue_calls AS
SELECT nullif(c.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       c.call_id, c.day, c.started_at, c.ended_at,
       coalesce(q.given_name, q.name, substr(q.key, 2)) AS queue_name,
       CASE c.disposition WHEN 'a' THEN 'answered' WHEN 'v' THEN 'voicemail'
                          ELSE 'abandoned' END AS outcome,
       c.wait_seconds, c.seconds AS duration_seconds,
       caller.id AS caller_id, caller.name AS caller_name,
       agent.id AS agent_id, agent.name AS agent_name
FROM callhook_store.report_calls AS c
JOIN callhook_store.report_queues AS q USING (queue_no)
LEFT JOIN LATERAL (
    SELECT l.person_no, l.peer_no FROM callhook_store.report_legs AS l
    WHERE l.call_id = c.call_id AND l.tenant_id = c.tenant_id
      AND l.day = c.day AND l.direction = 'o'
    ORDER BY l.started_at LIMIT 1) AS l ON true
LEFT JOIN callhook_store.report_people AS caller
    ON caller.person_no = l.person_no
LEFT JOIN callhook_store.report_people AS agent
    ON agent.person_no = l.peer_no AND c.disposition = 'a'
WHERE NOT c.is_test;
