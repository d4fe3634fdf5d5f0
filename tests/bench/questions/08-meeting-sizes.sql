-- How large are meetings, and how long? (year)
-- compare: exact
-- callhook
SELECT size, sum(calls) AS meetings, sum(seconds) AS seconds
FROM callhook.meetings_by_day
WHERE {year}
GROUP BY size
-- duckdb, clickhouse
SELECT CASE WHEN people <= 2 THEN '2' WHEN people <= 5 THEN '3-5'
            WHEN people <= 10 THEN '6-10' WHEN people <= 25 THEN '11-25'
            WHEN people <= 50 THEN '26-50' WHEN people <= 100 THEN '51-100'
            ELSE 'over 100' END AS size, count(*), sum(seconds)
FROM calls WHERE kind = 'meeting' AND is_test = 0 AND {year} GROUP BY size
