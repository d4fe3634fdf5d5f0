-- What are the last 100 calls of a user?
SELECT call_id, started_at, direction, peer_name, duration_seconds,
       disposition
FROM callhook.cdr
WHERE person_id = (SELECT min(person_id) FROM callhook.people_by_day
                   WHERE person_principal_name = 'user0@contoso.example')
ORDER BY started_at DESC NULLS LAST LIMIT 100;
