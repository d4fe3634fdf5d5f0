-- Who missed calls, and how many were not returned within a day? (week)
-- compare: exact
-- callhook
SELECT person_id, count(*) AS missed,
       count(*) FILTER (WHERE returned_at IS NULL
           OR returned_at > started_at + interval '1 day') AS not_returned
FROM callhook.missed_calls
WHERE {week}
GROUP BY person_id ORDER BY 3 DESC, 2 DESC, 1 LIMIT 50
-- duckdb
SELECT person_id, count(*) AS missed,
       sum(CASE WHEN returned_us IS NULL
                  OR returned_us > started_us + 86400000000
                THEN 1 ELSE 0 END) AS not_returned
FROM (SELECT m.person_id, m.started_us, m.call_id,
             min(b.started_us) AS returned_us
      FROM (SELECT * FROM legs WHERE direction = 'in' AND is_test = 0
              AND disposition = 'missed' AND {week}) AS m
      LEFT JOIN (SELECT * FROM legs WHERE kind <> 'meeting'
                   AND disposition = 'answered' AND source = 'record'
                   AND day >= '2026-11-16') AS b
          ON b.person_id = m.person_id AND b.peer_id = m.peer_id
         AND b.started_us > m.started_us
      GROUP BY 1, 2, 3) AS r
GROUP BY person_id ORDER BY 3 DESC, 2 DESC, 1 LIMIT 50
