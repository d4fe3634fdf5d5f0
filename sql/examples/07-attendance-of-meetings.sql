-- Who was in the meetings of an organizer, and for how long?
SELECT call_id, person_name, joined_at, present_seconds
FROM callhook.meeting_attendance
WHERE day >= '2026-03-01' AND day < '2026-04-01'
  AND organizer_name = 'User0'
ORDER BY joined_at, person_name;
