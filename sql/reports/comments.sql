-- What the views of the reports and their columns mean. A column that several
-- views share is told once.
CREATE TEMPORARY TABLE report_comments (
    view text, -- null: of any view
    name text, -- null: the view's own
    comment text NOT NULL
) ON COMMIT DROP;
INSERT INTO pg_temp.report_comments VALUES
('cdr', NULL, 'Call detail record: a row for each call and person, phone, room '
 'or bot in it; also phone calls that only a log knows. Bound day in queries.'),
('stream_quality', NULL, 'Media streams, with the verdict on their quality and '
 'both sides told apart. Bound day in queries.'),
('calls_by_hour', NULL, 'Calls by hour, kind and whether a stranger took '
 'part.'),
('concurrent_calls', NULL, 'The most calls at once, by day, and when that was '
 'first so.'),
('meetings_by_day', NULL, 'Meetings by day and how many took part.'),
('quality_by_day', NULL, 'Streams and verdicts by day, media and kind of '
 'call.'),
('quality_by_building', NULL, 'Streams and verdicts by where they were '
 'received.'),
('quality_by_device', NULL, 'Streams and verdicts by the device that they were '
 'received with.'),
('quality_percentiles', NULL, 'Percentiles of jitter, round trip and loss, '
 'exact, by day and media.'),
('connections_by_day', NULL, 'Streams and verdicts by the receiver''s '
 'connection and by transport.'),
('platforms_by_month', NULL, 'Clients in use by month.'),
('failures_by_day', NULL, 'Calls that had a failure, by day, stage and '
 'reason.'),
('ratings_by_day', NULL, 'How users rated calls, beside what they heard.'),
('phone_by_day', NULL, 'Phone calls of the logs by day and kind, with charges.'),
('trunks_by_day', NULL, 'Calls over Direct Routing by trunk and final SIP '
 'code.'),
('queues_by_day', NULL, 'Call queues by day. A call counts in the queue that '
 'it came to first.'),
('users_by_month', NULL, 'How many of the tenant''s users took part in a '
 'call, by month.'),
('people_by_day', NULL, 'Calls of each person by day.'),
('missed_calls', NULL, 'Calls that somebody missed, and when the two next '
 'talked.'),
('meeting_attendance', NULL, 'Who was in a meeting, and for how long.'),
('collector_health', NULL, 'How the collector does, by day of the calls: delays '
 'of notifications, versions, backlog, answer times.'),
('collector_health', 'calls', 'Calls that are known.'),
('collector_health', 'first_delay_p50_seconds', 'From the end of a call to its '
 'first notification, for half of them at most.'),
('collector_health', 'first_delay_p95_seconds', 'The same for 95 of 100.'),
('collector_health', 'last_delay_p50_seconds', 'From the end of a call to its '
 'last notification, for half of them at most.'),
('collector_health', 'last_delay_p95_seconds', 'The same for 95 of 100.'),
('collector_health', 'versions', 'Versions of records that were read.'),
('collector_health', 'waiting', 'Records that are still to be read.'),
('collector_health', 'answers', 'Answers of the receivers on that day, for '
 'all tenants.'),
('collector_health', 'answer_p50_ms', 'Half of them took at most this long (to '
 'a fifth exactly).'),
('collector_health', 'answer_p95_ms', '95 of 100 took at most this long.'),
('collector_health', 'answer_max_ms', 'The longest.'),
('queue_calls', NULL, 'Calls of queues: who called, who answered, the wait.'),
(NULL, 'tenant_id', 'The Microsoft 365 tenant.'),
(NULL, 'call_id', 'The call record''s id; null if only a phone log knows the '
 'call.'),
(NULL, 'leg_id', 'Id of the row in a phone log, if one has the call.'),
('concurrent_calls', 'day', 'The day, UTC: of calls that last into it, too.'),
(NULL, 'day', 'The call''s day, UTC.'),
(NULL, 'hour', 'The hour in which the calls began.'),
(NULL, 'month', 'First day of the month, UTC.'),
(NULL, 'started_at', 'When it began: the person''s first join, the stream or '
 'the call.'),
(NULL, 'ended_at', 'When it ended: the person''s last leave, the call.'),
(NULL, 'duration_seconds', 'Whole seconds from the beginning to the end.'),
(NULL, 'kind', 'peer_to_peer, meeting or phone.'),
(NULL, 'direction', 'out, in, or meeting.'),
(NULL, 'person_id', 'Graph''s id, or a phone''s number.'),
(NULL, 'person_name', 'The name shown.'),
(NULL, 'person_principal_name', 'The user principal name.'),
(NULL, 'person_kind', 'Graph''s word: user, guest, phone and so on.'),
(NULL, 'person_tenant_id', 'The person''s own tenant.'),
('calls_by_hour', 'external', 'Whether somebody of another tenant, a guest or '
 'no user took part; null if that is not known.'),
(NULL, 'external', 'Of another tenant, a guest or no user; null if that is not '
 'known.'),
(NULL, 'peer_id', 'The other of two; in a meeting its organizer.'),
(NULL, 'peer_name', 'The name of that one.'),
(NULL, 'peer_kind', 'Graph''s word for that one.'),
(NULL, 'disposition', 'answered, missed, declined, failed, voicemail or '
 'unknown, by callhook_store.disposition_rule.'),
(NULL, 'failure_stage', 'callSetup or midcall.'),
(NULL, 'failure_reason', 'Why it failed, in Graph''s word.'),
(NULL, 'modalities', 'audio, video and so on.'),
(NULL, 'queue_name', 'The call queue: the site''s name, else Graph''s.'),
(NULL, 'returned_at', 'When the two next talked, of a call that was missed.'),
(NULL, 'platform', 'Platform of the client.'),
(NULL, 'client_version', 'Version of the client.'),
(NULL, 'audio', 'The worst that the person heard: poor, good or unclassified; '
 'null without audio.'),
(NULL, 'rating', 'How the person rated the call, of several times the last; '
 'null for notRated.'),
(NULL, 'caller_number', 'The number that called.'),
(NULL, 'callee_number', 'The number called.'),
(NULL, 'charge', 'What it cost: Microsoft''s charge, else by the site''s '
 'rate.'),
(NULL, 'currency', 'Currency of the charge.'),
(NULL, 'trunk', 'The session border controller.'),
(NULL, 'sip_code', 'The last SIP response.'),
(NULL, 'department', 'The person''s department, of the site''s file.'),
(NULL, 'building', 'Where it was, of the site''s file: the receiver, or the '
 'person.'),
(NULL, 'floor', 'The network''s name in the site''s file.'),
('phone_by_day', 'source', 'pstn or direct_routing.'),
(NULL, 'source', 'record, pstn or direct_routing.'),
(NULL, 'is_test', 'A test call; it is in no figure.'),
(NULL, 'session_no', 'Number of the session in the call, from 1.'),
(NULL, 'segment_no', 'Number of the segment in the session, from 1.'),
(NULL, 'media_no', 'Number of the media in the segment, from 1.'),
(NULL, 'stream_no', 'Number of the stream in the media, from 1.'),
(NULL, 'media', 'audio, video or screen_sharing; another label as Graph says.'),
(NULL, 'sender_id', 'Who sent: Graph''s id, or a phone''s number; null for a '
 'service.'),
(NULL, 'sender_name', 'Who sent: the name shown.'),
(NULL, 'receiver_id', 'Who received: Graph''s id, or a phone''s number; null '
 'for a service.'),
(NULL, 'receiver_name', 'Who received: the name shown.'),
(NULL, 'verdict', 'good, poor or unclassified, by '
 'callhook_store.quality_rule.'),
('stream_quality', 'seconds', 'How long the stream was.'),
(NULL, 'seconds', 'Whole seconds, summed up.'),
(NULL, 'packets', 'Packets sent.'),
(NULL, 'jitter_ms', 'Average jitter.'),
(NULL, 'round_trip_ms', 'Average round trip.'),
(NULL, 'loss', 'Average packet loss, from 0 to 1.'),
(NULL, 'transport', 'udp or tcp.'),
(NULL, 'connection', 'The receiver''s: wired, wifi, mobile or tunnel.'),
(NULL, 'device', 'The receiver''s render device; other where fewer than 5 '
 'persons used it that day.'),
(NULL, 'calls', 'How many calls.'),
('calls_by_hour', 'people', 'How many took part: who was in several calls, '
 'once for each.'),
('meetings_by_day', 'people', 'How many took part: who was in several '
 'meetings, once for each.'),
(NULL, 'people', 'How many persons.'),
(NULL, 'answered', 'Of them answered.'),
('people_by_day', 'missed', 'Calls to the person that were missed; calls_in '
 'has none of them.'),
(NULL, 'missed', 'Of them missed.'),
(NULL, 'declined', 'Of them declined.'),
(NULL, 'failed', 'Of them failed.'),
('concurrent_calls', 'calls', 'The most at once.'),
('ratings_by_day', 'calls', 'How many such ratings.'),
('platforms_by_month', 'calls', 'Calls, once for each person who used it.'),
(NULL, 'at', 'When that was first so.'),
(NULL, 'size', 'How many took part: 2, 3-5, 6-10, 11-25, 26-50, 51-100, over '
 '100.'),
(NULL, 'streams', 'How many streams.'),
(NULL, 'classified', 'Of them with a verdict of good or poor.'),
(NULL, 'poor', 'Of them poor.'),
(NULL, 'jitter_ms_p50', 'Half of the streams had at most this jitter.'),
(NULL, 'jitter_ms_p95', '95 of 100 streams had at most this jitter.'),
(NULL, 'round_trip_ms_p50', 'Half had at most this round trip.'),
(NULL, 'round_trip_ms_p95', '95 of 100 had at most this round trip.'),
(NULL, 'loss_p50', 'Half had at most this loss.'),
(NULL, 'loss_p95', '95 of 100 had at most this loss.'),
(NULL, 'call_type', 'The kind of phone call, as the log says.'),
(NULL, 'country', 'Country of the user, as the log says.'),
(NULL, 'destination', 'The country called, as the log says.'),
(NULL, 'offered', 'Calls that came to the queue.'),
(NULL, 'abandoned', 'Of them answered by nobody, nor by a voice mailbox.'),
('queues_by_day', 'wait_seconds', 'Seconds until an agent answered or the '
 'queue was left, summed up.'),
(NULL, 'wait_seconds', 'Seconds until an agent answered or the queue was '
 'left.'),
(NULL, 'calls_out', 'Calls made.'),
(NULL, 'calls_in', 'Calls answered.'),
(NULL, 'meetings', 'Meetings.'),
(NULL, 'joined_at', 'First join.'),
(NULL, 'left_at', 'Last leave.'),
(NULL, 'present_seconds', 'How long the person was there, gaps left out.'),
(NULL, 'organizer_id', 'The organizer.'),
(NULL, 'organizer_name', 'The organizer''s name.'),
(NULL, 'outcome', 'answered, voicemail or abandoned.'),
(NULL, 'caller_id', 'Who called.'),
(NULL, 'caller_name', 'The name of that one.'),
(NULL, 'agent_id', 'Who answered, of several the first.'),
(NULL, 'agent_name', 'The name of that one.');
INSERT INTO pg_temp.report_comments
SELECT 'stream_quality', side || '_' || name, text
FROM (VALUES ('sender', 'The sender''s '), ('receiver', 'The receiver''s '))
    AS s (side, whose)
CROSS JOIN (VALUES ('platform', 'platform.'),
    ('client_version', 'version of the client.'),
    ('device', 'device: a sender captures, a receiver renders.'),
    ('connection', 'connection: wired, wifi, mobile or tunnel.'),
    ('subnet', 'subnet, as Graph says.'),
    ('building', 'building.'), ('floor', 'floor: the network''s name.'))
    AS c (name, what)
CROSS JOIN LATERAL (SELECT whose || what) AS t (text);

DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT view, comment FROM pg_temp.report_comments
        WHERE name IS NULL
    LOOP
        EXECUTE format('COMMENT ON VIEW callhook.%I IS %L', found.view,
                       found.comment);
    END LOOP;
    FOR found IN
        SELECT DISTINCT ON (v.view, a.attname) v.view, a.attname, c.comment
        FROM pg_temp.report_comments AS v
        JOIN pg_attribute AS a
            ON a.attrelid = ('callhook.' || v.view)::regclass
           AND a.attnum > 0
        JOIN pg_temp.report_comments AS c
            ON c.name = a.attname AND (c.view = v.view OR c.view IS NULL)
        WHERE v.name IS NULL
        ORDER BY v.view, a.attname, c.view NULLS LAST
    LOOP
        EXECUTE format('COMMENT ON COLUMN callhook.%I.%I IS %L', found.view,
                       found.attname, found.comment);
    END LOOP;
END
$$;
