-- With which devices is audio heard poorly? (year)
-- compare: totals
-- callhook
SELECT device, sum(streams) AS streams, sum(classified) AS classified,
       sum(poor) AS poor
FROM callhook.quality_by_device
WHERE media = 'audio' AND {year}
GROUP BY device
-- duckdb, clickhouse
SELECT receiver_device, count(*), sum({classified}) AS classified,
       sum({poor}) AS poor
FROM streams WHERE {audio} AND {year} GROUP BY receiver_device
