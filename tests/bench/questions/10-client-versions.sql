-- Which client versions are in use, and by how many persons? (month)
-- compare: exact
-- callhook
SELECT platform, client_version, calls, people
FROM callhook.platforms_by_month WHERE month = '2026-10-01'
-- duckdb
SELECT platform, client_version, count(*), count(DISTINCT person_id)
FROM legs WHERE platform <> '' AND is_test = 0 AND {month}
GROUP BY platform, client_version
-- clickhouse
SELECT platform, client_version, count(), uniqExact(person_id)
FROM legs WHERE platform <> '' AND is_test = 0 AND {month}
GROUP BY platform, client_version
