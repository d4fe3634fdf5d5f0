-- How much of the audio is poor, day by day? (year)
-- compare: exact
-- callhook
SELECT day, sum(streams) AS streams, sum(classified) AS classified,
       sum(poor) AS poor
FROM callhook.quality_by_day
WHERE media = 'audio' AND {year}
GROUP BY day
-- duckdb, clickhouse
SELECT day, count(*), sum({classified}), sum({poor})
FROM streams WHERE {audio} AND {year} GROUP BY day
