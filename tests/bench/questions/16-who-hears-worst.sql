-- Which 20 users hear the largest part of their audio poorly? (week)
-- compare: exact
-- callhook
SELECT receiver_id, min(receiver_name) AS receiver_name,
       count(*) AS classified,
       count(*) FILTER (WHERE verdict = 'poor') AS poor
FROM callhook.stream_quality
WHERE media = 'audio' AND verdict <> 'unclassified' AND NOT is_test
  AND receiver_id IS NOT NULL AND {week}
GROUP BY receiver_id HAVING count(*) >= 10
ORDER BY count(*) FILTER (WHERE verdict = 'poor') * 1.0 / count(*) DESC,
         receiver_id LIMIT 20
-- duckdb, clickhouse
SELECT receiver_id, min(receiver_name), count(*) AS n,
       sum({poor}) AS poor
FROM streams WHERE {audio} AND {classified} = 1 AND receiver_id <> '' AND {week}
GROUP BY receiver_id HAVING n >= 10
ORDER BY poor / n DESC, receiver_id LIMIT 20
