-- What are the usual and the bad jitter and round trip of audio, by day?
SELECT day, jitter_ms_p50, jitter_ms_p95, round_trip_ms_p50
FROM callhook.quality_percentiles
WHERE media = 'audio' AND day >= '2026-03-01' AND day < '2026-04-01'
ORDER BY day;
