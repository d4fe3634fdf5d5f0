-- Which calls were there with a phone number? (year)
-- compare: exact
-- callhook
SELECT (extract(epoch FROM started_at) * 1000000)::bigint AS started_us,
       person_id, direction, duration_seconds
FROM callhook.cdr
WHERE peer_id = '{number}' AND {year}
-- duckdb, clickhouse
SELECT started_us, person_id, direction, seconds
FROM legs WHERE peer_id = '{number}' AND {year}
