-- Which were the longest meetings?
SELECT call_id, max(left_at) - min(joined_at) AS length,
       count(*)::integer AS people
FROM callhook.meeting_attendance
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY call_id ORDER BY length DESC, call_id LIMIT 5;
