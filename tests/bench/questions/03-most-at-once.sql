-- How many calls are there at once at most, each day? (month)
-- compare: exact
-- callhook
SELECT day, calls FROM callhook.concurrent_calls
WHERE {month}
-- duckdb
SELECT make_date(1970, 1, 1) + (t // 86400000000)::INTEGER AS on_day, max(n)
FROM (SELECT t, sum(step) OVER (ORDER BY t, step) AS n FROM (
          SELECT started_us AS t, 1 AS step FROM calls
          WHERE is_test = 0 AND day >= '2026-09-29' AND day < '2026-11-01'
          UNION ALL
          SELECT greatest(ended_us, started_us + 1), -1 FROM calls
          WHERE is_test = 0 AND day >= '2026-09-29' AND day < '2026-11-01'))
WHERE t >= 1790812800000000 AND t < 1793491200000000 GROUP BY 1
