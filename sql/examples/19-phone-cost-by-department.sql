-- What do phone calls cost each department?
SELECT department, currency, count(*)::integer AS calls,
       sum(duration_seconds)::integer AS seconds, sum(charge) AS charge
FROM callhook.cdr
WHERE kind = 'phone' AND charge IS NOT NULL AND NOT is_test
  AND day >= '2026-03-01' AND day < '2026-04-01'
GROUP BY 1, 2 ORDER BY 1, 2;
