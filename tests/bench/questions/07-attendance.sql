-- Who was in the meetings of an organizer, and for how long? (month)
-- compare: exact
-- callhook
SELECT call_id, person_id,
       (extract(epoch FROM joined_at) * 1000000)::bigint AS joined_us,
       (extract(epoch FROM left_at) * 1000000)::bigint AS left_us
FROM callhook.meeting_attendance
WHERE organizer_id = '{user}' AND {month}
-- duckdb, clickhouse
SELECT call_id, person_id, started_us, ended_us FROM legs
WHERE kind = 'meeting' AND is_test = 0 AND {month}
  AND (peer_id = '{user}' OR person_id = '{user}' AND peer_id = '')
