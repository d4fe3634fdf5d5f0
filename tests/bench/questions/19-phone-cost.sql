-- What do phone calls cost each department, month by month? (year)
-- compare: exact
-- callhook
SELECT department, date_trunc('month', day)::date AS month, count(*) AS calls,
       sum(duration_seconds) AS seconds, sum(charge) AS charge
FROM callhook.cdr
WHERE kind = 'phone' AND charge IS NOT NULL AND NOT is_test AND {year}
GROUP BY 1, 2
-- duckdb
SELECT department, date_trunc('month', day)::DATE, count(*), sum(seconds),
       sum(charge)
FROM legs WHERE kind = 'phone' AND charge >= 0 AND is_test = 0 AND {year}
GROUP BY 1, 2
-- clickhouse
SELECT department, toStartOfMonth(day) AS month, count(), sum(seconds),
       sum(charge)
FROM legs WHERE kind = 'phone' AND charge >= 0 AND is_test = 0 AND {year}
GROUP BY department, month
