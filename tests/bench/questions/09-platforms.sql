-- Which platforms do people use, month by month? (year)
-- compare: exact
-- callhook
SELECT month, platform, sum(calls) AS calls
FROM callhook.platforms_by_month
WHERE platform IS NOT NULL AND month >= '2025-11-01' AND month < '2026-12-01'
GROUP BY month, platform
-- duckdb
SELECT date_trunc('month', day)::DATE, platform, count(*) FROM legs
WHERE platform <> '' AND is_test = 0 GROUP BY 1, 2
-- clickhouse
SELECT toStartOfMonth(day) AS month, platform, count() FROM legs
WHERE platform <> '' AND is_test = 0 GROUP BY month, platform
