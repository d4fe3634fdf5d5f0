-- Do people rate calls as they hear them? (year)
-- compare: exact
-- callhook
SELECT rating, sum(calls) AS ratings,
       sum(calls) FILTER (WHERE audio = 'poor') AS with_poor_audio
FROM callhook.ratings_by_day
WHERE {year}
GROUP BY rating
-- duckdb
SELECT rating, count(*), sum(CASE WHEN p.call_id IS NOT NULL THEN 1 ELSE 0 END)
FROM legs LEFT JOIN (
    SELECT DISTINCT call_id, receiver_id AS person_id FROM streams
    WHERE {audio} AND {poor} = 1 AND {year}) AS p USING (call_id, person_id)
WHERE rating <> '' AND is_test = 0 AND {year}
GROUP BY rating
-- clickhouse
SELECT rating, count(), sum(poor) FROM (
    SELECT call_id, person_id, rating FROM legs
    WHERE rating <> '' AND is_test = 0 AND {year})
ANY LEFT JOIN (
    SELECT DISTINCT call_id, receiver_id AS person_id, 1 AS poor FROM streams
    WHERE {audio} AND {poor} = 1 AND {year}) USING (call_id, person_id)
GROUP BY rating
