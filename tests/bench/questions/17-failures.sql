-- Why do calls fail, month by month? (year)
-- compare: exact
-- callhook
SELECT date_trunc('month', day)::date AS month, failure_stage,
       failure_reason, sum(calls) AS calls
FROM callhook.failures_by_day
WHERE {year}
GROUP BY 1, 2, 3
-- duckdb
SELECT date_trunc('month', day)::DATE, failure_stage, failure_reason,
       count(DISTINCT call_id)
FROM legs WHERE failure_stage <> '' AND is_test = 0 AND {year}
GROUP BY 1, 2, 3
-- clickhouse
SELECT toStartOfMonth(day) AS month, failure_stage, failure_reason,
       uniqExact(call_id)
FROM legs WHERE failure_stage <> '' AND is_test = 0 AND {year}
GROUP BY month, failure_stage, failure_reason
