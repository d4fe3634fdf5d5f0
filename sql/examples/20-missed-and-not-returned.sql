-- Who missed calls, and how many were not returned within a day?
SELECT person_name, count(*)::integer AS missed,
       count(*) FILTER (WHERE returned_at IS NULL
           OR returned_at > started_at + interval '1 day')::integer
           AS not_returned
FROM callhook.missed_calls
WHERE day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY person_name ORDER BY person_name;
