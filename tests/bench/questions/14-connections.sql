-- How do connections and transports compare? (year)
-- compare: exact
-- callhook
SELECT connection, transport, sum(streams) AS streams,
       sum(classified) AS classified, sum(poor) AS poor
FROM callhook.connections_by_day
WHERE media = 'audio' AND {year}
GROUP BY connection, transport
-- duckdb, clickhouse
SELECT receiver_connection, transport, count(*), sum({classified}), sum({poor})
FROM streams WHERE {audio} AND {year}
GROUP BY receiver_connection, transport
