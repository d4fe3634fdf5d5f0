-- In which buildings, on which floors and networks is audio poor? (month)
-- compare: exact
-- callhook
SELECT building, floor, connection, sum(streams) AS streams,
       sum(classified) AS classified, sum(poor) AS poor
FROM callhook.quality_by_building
WHERE media = 'audio' AND building IS NOT NULL AND {month}
GROUP BY building, floor, connection
-- duckdb
SELECT building, floor, connection, sum(n), sum(c), sum(p) FROM (
    SELECT receiver_subnet AS subnet, receiver_connection AS connection,
           count(*) AS n, sum({classified}) AS c, sum({poor}) AS p
    FROM streams WHERE {audio} AND {month} GROUP BY 1, 2) AS s
JOIN buildings USING (subnet) GROUP BY 1, 2, 3
-- clickhouse
SELECT building, floor, connection, sum(n), sum(c), sum(p) FROM (
    SELECT receiver_subnet AS subnet, receiver_connection AS connection,
           count(*) AS n, sum({classified}) AS c, sum({poor}) AS p
    FROM streams WHERE {audio} AND {month} GROUP BY subnet, connection)
ANY INNER JOIN buildings USING (subnet) GROUP BY building, floor, connection
