-- What are the usual and the bad jitter, round trip and loss? (month)
-- compare: percent
-- callhook
SELECT day, jitter_ms_p50, jitter_ms_p95, round_trip_ms_p50,
       round_trip_ms_p95, loss_p50, loss_p95
FROM callhook.quality_percentiles
WHERE media = 'audio' AND {month}
-- duckdb
SELECT day, quantile_cont(jitter, 0.5), quantile_cont(jitter, 0.95),
       quantile_cont(trip, 0.5), quantile_cont(trip, 0.95),
       quantile_cont(loss, 0.5), quantile_cont(loss, 0.95)
FROM streams WHERE {audio} AND {month} GROUP BY day
-- clickhouse
SELECT day, quantileExact(0.5)(jitter), quantileExact(0.95)(jitter),
       quantileExact(0.5)(trip), quantileExact(0.95)(trip),
       quantileExact(0.5)(loss), quantileExact(0.95)(loss)
FROM streams WHERE {audio} AND {month} GROUP BY day
