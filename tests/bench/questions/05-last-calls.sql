-- What are the last 100 calls of a user? (all)
-- compare: exact
-- callhook
SELECT (extract(epoch FROM started_at) * 1000000)::bigint AS started_us,
       direction, peer_id, duration_seconds, disposition
FROM callhook.cdr WHERE person_id = '{user}'
ORDER BY started_at DESC NULLS LAST LIMIT 100
-- duckdb, clickhouse
SELECT started_us, direction, peer_id, seconds, disposition
FROM legs WHERE person_id = '{user}' ORDER BY started_us DESC LIMIT 100
