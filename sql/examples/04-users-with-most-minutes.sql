-- Which 50 users talk for the most minutes in a month?
SELECT person_id, sum(seconds)::integer AS seconds
FROM callhook.people_by_day
WHERE day >= '2026-03-01' AND day < '2026-04-01' AND person_kind = 'user'
GROUP BY person_id ORDER BY seconds DESC, person_id LIMIT 50;
