-- Which 50 users talk for the most minutes? (month)
-- compare: exact
-- callhook
SELECT person_id, min(person_name) AS person_name,
       sum(calls_out) AS calls_out, sum(meetings) AS meetings,
       sum(seconds) AS seconds
FROM callhook.people_by_day
WHERE person_kind = 'user' AND {month}
GROUP BY person_id ORDER BY sum(seconds) DESC, person_id LIMIT 50
-- duckdb, clickhouse
SELECT person_id, min(person_name),
       sum(CASE WHEN direction = 'out' THEN 1 ELSE 0 END),
       sum(CASE WHEN direction = 'meeting' THEN 1 ELSE 0 END),
       sum(seconds) AS total
FROM legs WHERE is_test = 0 AND person_kind = 'user' AND {month}
GROUP BY person_id ORDER BY total DESC, person_id LIMIT 50
