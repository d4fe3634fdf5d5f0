-- How many calls are there a day, of which kind, and with strangers? (year)
-- compare: exact
-- callhook
SELECT day, kind, sum(calls) AS calls,
       sum(calls) FILTER (WHERE external) AS with_strangers
FROM callhook.calls_by_hour
WHERE {year}
GROUP BY day, kind
-- duckdb, clickhouse
SELECT day, kind, count(*) AS calls,
       sum(CASE WHEN external = 1 THEN 1 ELSE 0 END) AS strangers
FROM calls WHERE is_test = 0 AND {year} GROUP BY day, kind
