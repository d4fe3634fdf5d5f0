-- Who talked with a phone number, and when?
SELECT started_at, person_name, direction, duration_seconds, source
FROM callhook.cdr
WHERE day >= '2026-01-01' AND person_kind = 'user'
  AND '+493055500001' IN (caller_number, callee_number, peer_id)
ORDER BY started_at, person_name;
