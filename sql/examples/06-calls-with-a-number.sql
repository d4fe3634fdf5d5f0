-- Who talked with a phone number, and when?
SELECT started_at, person_name, direction, duration_seconds, source
FROM callhook.cdr
WHERE peer_id = '+493055500001' AND person_kind = 'user'
  AND day >= '2026-01-01'
ORDER BY started_at, person_name;
