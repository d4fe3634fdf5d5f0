-- Why do calls fail, month by month?
SELECT date_trunc('month', day)::date AS month, failure_stage,
       failure_reason, sum(calls)::integer AS calls
FROM callhook.failures_by_day GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
