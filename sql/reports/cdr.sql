-- The call detail record: a row for each call and person.
CREATE OR REPLACE VIEW callhook.cdr AS
SELECT nullif(l.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       l.call_id,
       phone.id AS leg_id,
       l.day,
       l.started_at,
       l.ended_at,
       floor(date_part('epoch', l.ended_at - l.started_at))::bigint
           AS duration_seconds,
       CASE l.kind WHEN 'd' THEN 'peer_to_peer' WHEN 'm' THEN 'meeting'
                   ELSE 'phone' END AS kind,
       CASE l.direction WHEN 'o' THEN 'out' WHEN 'i' THEN 'in'
                        ELSE 'meeting' END AS direction,
       person.id AS person_id,
       person.name AS person_name,
       person.principal_name AS person_principal_name,
       person_kind.term AS person_kind,
       person.home_tenant AS person_tenant_id,
       l.external,
       peer.id AS peer_id,
       peer.name AS peer_name,
       peer_kind.term AS peer_kind,
       CASE l.disposition WHEN 'a' THEN 'answered' WHEN 'v' THEN 'voicemail'
           WHEN 'd' THEN 'declined' WHEN 'm' THEN 'missed'
           WHEN 'f' THEN 'failed' ELSE 'unknown' END AS disposition,
       stage.term AS failure_stage,
       reason.term AS failure_reason,
       array_remove(ARRAY[
           CASE WHEN l.modalities & 1 > 0 THEN 'audio' END,
           CASE WHEN l.modalities & 2 > 0 THEN 'video' END,
           CASE WHEN l.modalities & 4 > 0
                THEN 'videoBasedScreenSharing' END,
           CASE WHEN l.modalities & 8 > 0 THEN 'screenSharing' END,
           CASE WHEN l.modalities & 16 > 0 THEN 'data' END,
           CASE WHEN l.modalities & 32 > 0 THEN 'unknown' END,
           CASE WHEN l.modalities & 64 > 0 THEN 'unknownFutureValue' END],
           NULL) AS modalities,
       coalesce(queue.given_name, queue.name, substr(queue.key, 2))
           AS queue_name,
       -- They may have talked in a call that only a log knows. (IS NULL would
       -- let the planner read all such calls, by report_phones_alone, for each
       -- that was missed.)
       CASE WHEN l.direction = 'i' AND l.disposition = 'm' THEN least(
           (SELECT min(back.started_at)
            FROM callhook_store.report_legs AS back
            WHERE back.person_no = l.person_no AND back.peer_no = l.peer_no
              AND back.kind <> 'm' AND back.disposition = 'a'
              AND back.started_at > l.started_at AND back.day >= l.day),
           (SELECT min(back.started_at)
            FROM callhook_store.report_phones AS back
            WHERE back.person_no = l.person_no AND num_nulls(back.call_id) = 1
              AND back.disposition = 'a' AND back.started_at > l.started_at
              AND left(CASE back.direction WHEN 'o' THEN back.callee_number
                                           ELSE back.caller_number END, 100)
                  = left(peer.id, 100)))
           END AS returned_at,
       platform.term AS platform,
       version.term AS client_version,
       CASE l.audio WHEN 'p' THEN 'poor' WHEN 'g' THEN 'good'
                    WHEN 'u' THEN 'unclassified' END AS audio,
       rating.term AS rating,
       coalesce(CASE WHEN l.kind = 'p' THEN
           CASE WHEN l.direction = 'o' AND person_kind.term = 'phone'
                    THEN person.id
                WHEN l.direction = 'i' AND peer_kind.term = 'phone'
                    THEN peer.id END END, phone.caller_number)
           AS caller_number,
       coalesce(CASE WHEN l.kind = 'p' THEN
           CASE WHEN l.direction = 'i' AND person_kind.term = 'phone'
                    THEN person.id
                WHEN l.direction = 'o' AND peer_kind.term = 'phone'
                    THEN peer.id END END, phone.callee_number)
           AS callee_number,
       phone.charge,
       currency.term AS currency,
       trunk.term AS trunk,
       phone.sip_code,
       person.department,
       subnet.building,
       'record'::text AS source,
       l.is_test
FROM callhook_store.report_legs AS l
LEFT JOIN callhook_store.report_people AS person
    ON person.person_no = l.person_no
LEFT JOIN callhook_store.report_people AS peer ON peer.person_no = l.peer_no
LEFT JOIN callhook_store.report_terms AS person_kind
    ON person_kind.term_no = l.person_kind_no
LEFT JOIN callhook_store.report_terms AS peer_kind
    ON peer_kind.term_no = l.peer_kind_no
LEFT JOIN callhook_store.report_terms AS stage ON stage.term_no = l.stage_no
LEFT JOIN callhook_store.report_terms AS reason
    ON reason.term_no = l.reason_no
LEFT JOIN callhook_store.report_queues AS queue
    ON queue.queue_no = l.queue_no
LEFT JOIN callhook_store.report_terms AS platform
    ON platform.term_no = l.platform_no
LEFT JOIN callhook_store.report_terms AS version
    ON version.term_no = l.version_no
LEFT JOIN callhook_store.report_terms AS rating
    ON rating.term_no = l.rating_no
LEFT JOIN callhook_store.report_subnets AS subnet
    ON subnet.subnet_no = l.subnet_no
LEFT JOIN callhook_store.report_phones AS phone
    ON phone.phone_no = l.phone_no
LEFT JOIN callhook_store.report_terms AS currency
    ON currency.term_no = phone.currency_no
LEFT JOIN callhook_store.report_terms AS trunk
    ON trunk.term_no = phone.trunk_no
UNION ALL
-- What only a log knows: its user's row.
SELECT nullif(p.tenant_id, '00000000-0000-0000-0000-000000000000'),
       NULL::uuid, p.id, p.day, p.started_at, p.ended_at, p.seconds::bigint,
       'phone', CASE p.direction WHEN 'o' THEN 'out' ELSE 'in' END,
       person.id, person.name, person.principal_name,
       'user', person.home_tenant,
       CASE WHEN p.person_no IS NOT NULL THEN false END,
       CASE p.direction WHEN 'o' THEN p.callee_number ELSE p.caller_number
       END, NULL, 'phone',
       CASE p.disposition WHEN 'a' THEN 'answered' WHEN 'v' THEN 'voicemail'
           WHEN 'd' THEN 'declined' WHEN 'm' THEN 'missed'
           WHEN 'f' THEN 'failed' ELSE 'unknown' END,
       NULL, NULL, '{audio}'::text[], NULL,
       CASE WHEN p.direction = 'i' AND p.disposition = 'm' THEN least(
           (SELECT min(back.started_at)
            FROM callhook_store.report_people AS caller
            JOIN callhook_store.report_legs AS back
                ON back.peer_no = caller.person_no
            WHERE caller.key = 'i' || p.caller_number
              AND caller.tenant_id = p.tenant_id
              AND back.person_no = p.person_no
              AND back.kind <> 'm' AND back.disposition = 'a'
              AND back.started_at > p.started_at AND back.day >= p.day),
           (SELECT min(back.started_at)
            FROM callhook_store.report_phones AS back
            WHERE back.person_no = p.person_no AND num_nulls(back.call_id) = 1
              AND back.disposition = 'a' AND back.started_at > p.started_at
              AND left(CASE back.direction WHEN 'o' THEN back.callee_number
                                           ELSE back.caller_number END, 100)
                  = left(p.caller_number, 100))) END,
       NULL, NULL, NULL, NULL, p.caller_number, p.callee_number, p.charge,
       currency.term, trunk.term, p.sip_code, person.department, NULL,
       CASE p.source WHEN 'p' THEN 'pstn' ELSE 'direct_routing' END, false
FROM callhook_store.report_phones AS p
LEFT JOIN callhook_store.report_people AS person
    ON person.person_no = p.person_no
LEFT JOIN callhook_store.report_terms AS currency
    ON currency.term_no = p.currency_no
LEFT JOIN callhook_store.report_terms AS trunk ON trunk.term_no = p.trunk_no
WHERE p.call_id IS NULL;

CREATE OR REPLACE VIEW callhook.stream_quality AS
SELECT nullif(s.tenant_id, '00000000-0000-0000-0000-000000000000')
           AS tenant_id,
       s.call_id,
       s.session_no,
       s.segment_no,
       s.media_no,
       s.stream_no,
       s.day,
       s.started_at,
       CASE s.media WHEN 'a' THEN 'audio' WHEN 'v' THEN 'video'
                    WHEN 's' THEN 'screen_sharing' ELSE s.label END
           AS media,
       CASE s.kind WHEN 'd' THEN 'peer_to_peer' WHEN 'm' THEN 'meeting'
                   ELSE 'phone' END AS kind,
       sender.id AS sender_id,
       sender.name AS sender_name,
       receiver.id AS receiver_id,
       receiver.name AS receiver_name,
       CASE s.verdict WHEN 'p' THEN 'poor' WHEN 'g' THEN 'good'
                      ELSE 'unclassified' END AS verdict,
       s.seconds,
       s.packets,
       s.jitter_ms,
       s.round_trip_ms,
       s.loss,
       sender_platform.term AS sender_platform,
       sender_version.term AS sender_client_version,
       sender_device.name AS sender_device,
       sender_connection.term AS sender_connection,
       sender_subnet.subnet AS sender_subnet,
       sender_subnet.building AS sender_building,
       sender_subnet.floor AS sender_floor,
       receiver_platform.term AS receiver_platform,
       receiver_version.term AS receiver_client_version,
       receiver_device.name AS receiver_device,
       receiver_connection.term AS receiver_connection,
       receiver_subnet.subnet AS receiver_subnet,
       receiver_subnet.building AS receiver_building,
       receiver_subnet.floor AS receiver_floor,
       transport.term AS transport,
       s.is_test
FROM callhook_store.report_streams AS s
LEFT JOIN callhook_store.report_people AS sender
    ON sender.person_no = s.sender_no
LEFT JOIN callhook_store.report_people AS receiver
    ON receiver.person_no = s.receiver_no
LEFT JOIN callhook_store.report_terms AS sender_platform
    ON sender_platform.term_no = s.sender_platform_no
LEFT JOIN callhook_store.report_terms AS sender_version
    ON sender_version.term_no = s.sender_version_no
LEFT JOIN callhook_store.report_devices AS sender_device
    ON sender_device.device_no = s.sender_device_no
LEFT JOIN callhook_store.report_terms AS sender_connection
    ON sender_connection.term_no = s.sender_connection_no
LEFT JOIN callhook_store.report_subnets AS sender_subnet
    ON sender_subnet.subnet_no = s.sender_subnet_no
LEFT JOIN callhook_store.report_terms AS receiver_platform
    ON receiver_platform.term_no = s.receiver_platform_no
LEFT JOIN callhook_store.report_terms AS receiver_version
    ON receiver_version.term_no = s.receiver_version_no
LEFT JOIN callhook_store.report_devices AS receiver_device
    ON receiver_device.device_no = s.receiver_device_no
LEFT JOIN callhook_store.report_terms AS receiver_connection
    ON receiver_connection.term_no = s.receiver_connection_no
LEFT JOIN callhook_store.report_subnets AS receiver_subnet
    ON receiver_subnet.subnet_no = s.receiver_subnet_no
LEFT JOIN callhook_store.report_terms AS transport
    ON transport.term_no = s.transport_no;
